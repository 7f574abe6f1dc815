#!/usr/bin/env python3
"""Operators of the console: each with a session, each asking at its own pace.

console_load.py PORT SESSIONS RATE SECONDS IDLE RUNS: signs in roles ops_1, ops_2, ...
(password "look", four sessions each) at http://127.0.0.1:PORT, opens IDLE connections
that ask nothing, and has each session ask RATE times a second, at fixed times: what is
answered late is late, and does not make the next question later.  Before, each
session asks every question once.  Prints how many answers there were, the errors, p50,
p95, p99 and the most, in milliseconds, then the slowest route.

console_load.py PORT pages TIMES RUNS: the same of single questions, one after the other;
a line for each.
"""

import asyncio
import json
import os
import random
import sys
import time

PORT = int(sys.argv[1])
HOST = f'127.0.0.1:{PORT}'


class Connection:
    """One keep-alive connection, a question at a time."""

    async def open(self):
        self.reader, self.writer = await asyncio.open_connection('127.0.0.1', PORT)
        return self

    async def ask(self, method, path, headers, body=b''):
        lines = [f'{method} {path} HTTP/1.1', f'Host: {HOST}'] + headers
        if method == 'POST':
            lines += [f'Origin: http://{HOST}', f'Content-Length: {len(body)}']
        self.writer.write(('\r\n'.join(lines) + '\r\n\r\n').encode() + body)
        head = (await self.reader.readuntil(b'\r\n\r\n')).decode()
        fields = dict(line.split(': ', 1) for line in head.split('\r\n')[1:] if line)
        answer = await self.reader.readexactly(int(fields['Content-Length']))
        return int(head.split(' ')[1]), fields, answer


class Session:
    async def sign_in(self, number):
        self.connection = await Connection().open()
        while True:
            status, fields, body = await self.connection.ask('POST', '/api/login', [
                'Content-Type: application/x-wf-login',
                f'X-Forwarded-For: 10.1.{number}.1'],
                f'ops_{number // 4 + 1}\nlook'.encode())
            if status == 200:
                break
            if status != 429:
                sys.exit(f'cannot sign in: {status} {body.decode()}')
            await asyncio.sleep(0.1)
        self.headers = [f"Cookie: {fields['Set-Cookie'].split(';')[0]}",
                        f"X-WF-Token: {json.loads(body)['token']}"]
        return self

    async def ask(self, method, path, body=None):
        headers = self.headers + (['Content-Type: application/json'] if body is not None else [])
        return await self.connection.ask(
            method, path, headers, json.dumps(body).encode() if body is not None else b'')


def percentile(values, p):
    return values[min(len(values) - 1, int(len(values) * p))] if values else float('nan')


def ago(days):
    return time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(time.time() - 86400 * days))


def questions(newest, runs):
    """What people look at, by how often they do.  The page asks for the failures of a
    day unless somebody chooses a month, which is the longest."""
    order = random.randrange(1, runs)
    return [
        ('GET', '/api/health', None),
        ('POST', '/api/runs', {}),
        ('POST', '/api/runs', {'status': ['failed']}),
        ('POST', '/api/runs', {'q': f'order A-{order}'}),
        ('GET', f'/api/runs/{random.choice(newest)}', None),
        ('POST', '/api/failures', {'since': ago(1)}),
        ('POST', '/api/failures', {'since': ago(30)}),
        ('GET', '/api/workflows', None)]


WEIGHTS = [30, 25, 10, 15, 15, 3, 1, 1]


async def newest_runs(session):
    _, _, body = await session.ask('POST', '/api/runs', {})
    return [run['run_id'] for run in json.loads(body)['runs']]


async def operate(session, rate, until, newest, runs, took, errors):
    due = time.monotonic() + random.random() / rate
    while due < until:
        await asyncio.sleep(max(0, due - time.monotonic()))
        question = random.choices(questions(newest, runs), WEIGHTS)[0]
        status, _, _ = await session.ask(*question)
        took.append((1000 * (time.monotonic() - due), question))
        if status != 200:
            errors[status] = errors.get(status, 0) + 1
        due += 1 / rate


async def load(sessions, rate, seconds, idle, runs):
    people = [await Session().sign_in(n) for n in range(sessions)]
    connections = [await Connection().open() for _ in range(idle)]
    newest = await newest_runs(people[0])
    for person in people:       # a session's first answers read the catalog
        for question in questions(newest, runs):
            await person.ask(*question)
    took, errors = [], {}
    until = time.monotonic() + seconds
    print('begun', os.getpid(), flush=True)
    await asyncio.gather(*(operate(p, rate, until, newest, runs, took, errors) for p in people))
    values = sorted(t for t, _ in took)
    slowest = max(took, key=lambda one: one[0])[1]
    print(f'{len(took)} answers in {seconds} s, errors {errors or "none"}: '
          f'p50 {percentile(values, .5):.1f}, p95 {percentile(values, .95):.1f}, '
          f'p99 {percentile(values, .99):.1f}, most {values[-1]:.1f} ms '
          f'({slowest[0]} {slowest[1].split("?")[0]} {slowest[2] or ""})', flush=True)
    print(f'asking: {100 * sum(os.times()[:2]) / seconds:.0f} % of a core', flush=True)
    for connection in connections:
        connection.writer.close()


async def pages(times, runs):
    person = await Session().sign_in(0)
    newest = await newest_runs(person)
    for what, question in [
            ('the first page', lambda: ('POST', '/api/runs', {})),
            ('a page of those that failed', lambda: ('POST', '/api/runs', {'status': ['failed']})),
            ('search for an order', lambda: ('POST', '/api/runs', {'q': f'order A-{random.randrange(1, runs)}'})),
            ('search for a number', lambda: ('POST', '/api/runs', {'q': str(random.randrange(1, runs))})),
            ('search for nothing', lambda: ('POST', '/api/runs', {'q': 'nothing like it'})),
            ('the failures of a day', lambda: ('POST', '/api/failures', {
                'since': ago(1)})),
            ('the failures of a month', lambda: ('POST', '/api/failures', {'since': ago(30)})),
            ('the failures of all time', lambda: ('POST', '/api/failures', {})),
            ('the health', lambda: ('GET', '/api/health')),
            ('a count of failures', lambda: ('POST', '/api/runs/count', {'filter': {'status': 'failed'}})),
            ('the workflows', lambda: ('GET', '/api/workflows')),
            ('a run', lambda: ('GET', f'/api/runs/{random.choice(newest)}'))]:
        took, bad = [], 0
        for _ in range(times + 1):
            began = time.monotonic()
            status, _, _ = await person.ask(*question())
            took.append(1000 * (time.monotonic() - began))
            bad += status != 200
        # the first one loads what the session needs
        values = sorted(took[1:])
        print(f'{what:32} first {took[0]:7.1f}  p50 {percentile(values, .5):7.1f}  '
              f'p99 {percentile(values, .99):7.1f} ms' + (f'  {bad} REFUSED' if bad else ''), flush=True)


if sys.argv[2] == 'pages':
    asyncio.run(pages(int(sys.argv[3]), int(sys.argv[4])))
else:
    sessions, rate, seconds, idle, runs = sys.argv[2:7]
    asyncio.run(load(int(sessions), float(rate), int(seconds), int(idle), int(runs)))
