#!/usr/bin/env python3
"""A loopback HTTP server that fails at random, in every way that there is.

It listens on 127.0.0.1, prints "ready PORT" and leaves when its standard
input closes. --rate is the share of requests that fail (0.2), --seed makes
the order of the draws repeatable. Each request that it has read is one JSON
line in the log file:

    {"time", "key", "kind", "acted"}

with the idempotency key, how it was dealt with, and whether the server has
done what it was asked to. Where nothing was read ("before", "refused") the key
is null.

    kind        acts   answer
    ok          yes    200
    reset       yes    reset
    close       yes    the connection is closed
    hang        yes    none, ever
    truncated   yes    half of a body, then the connection is closed
    500         half   500
    408 425 502 503 504   no   that
    before      no     the connection is reset before the request is read
    refused     no     for a moment new connections are refused
"""

import argparse
import asyncio
import json
import os
import random
import re
import resource
import socket
import struct
import sys
import time

KINDS = ("reset", "close", "hang", "truncated", "500", "408", "425",
         "502", "503", "504", "before", "refused")
ACTED = {"ok", "reset", "close", "hang", "truncated"}
REFUSED_S = 0.001


class FaultReceiver:
    def __init__(self, log, rate, seed):
        self.log = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self.rate = rate
        self.random = random.Random(seed)
        self.reset_next = 0  # connections to reset before their request
        self.server = None
        self.port = 0

    async def listen(self):
        self.server = await asyncio.start_server(
            self.serve, "127.0.0.1", self.port, backlog=4096,
            reuse_address=True)
        self.port = self.server.sockets[0].getsockname()[1]

    async def refuse_for_a_moment(self):
        if self.server is None:
            return
        server, self.server = self.server, None
        server.close()
        await asyncio.sleep(REFUSED_S)
        await self.listen()

    def record(self, key, kind, acted):
        line = {"time": time.time(), "key": key, "kind": kind, "acted": acted}
        os.write(self.log, json.dumps(line).encode() + b"\n")

    async def serve(self, reader, writer):
        if self.reset_next > 0:
            self.reset_next -= 1
            self.record(None, "before", False)
            self.reset(writer)
            return
        try:
            while await self.exchange(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def exchange(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        length = re.search(r"(?i)\r\ncontent-length: *(\d+)", head)
        key = re.search(r"(?i)\r\nidempotency-key: *([^\r]*)", head)
        await reader.readexactly(int(length[1]) if length else 0)
        return await self.answer(key[1] if key else None, writer)

    def draw(self):
        """How to deal with the next request, and whether to act on it."""
        if self.random.random() >= self.rate:
            return "ok", True
        kind = self.random.choice(KINDS)
        return kind, (kind in ACTED or
                      kind == "500" and self.random.random() < 0.5)

    async def answer(self, key, writer):
        """Returns whether the connection lives on."""
        kind, acted = self.draw()
        if kind == "before":
            # this one's time is over: the next connection, unread
            self.reset_next += 1
            kind, acted = "ok", True
        elif kind == "refused":
            self.record(None, "refused", False)
            asyncio.ensure_future(self.refuse_for_a_moment())
            kind, acted = "ok", True
        self.record(key, kind, acted)
        if kind == "reset":
            self.reset(writer)
            return False
        if kind == "close":
            return False
        if kind == "hang":
            await asyncio.sleep(3600)
            return False
        if kind == "truncated":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json"
                         b"\r\nContent-Length: 1000\r\n\r\n{\"half\": \"")
            await writer.drain()
            return False
        self.send(writer, 200 if kind == "ok" else int(kind))
        await writer.drain()
        return True

    @staticmethod
    def send(writer, status):
        body = b'{"ok": true}'
        writer.write(("HTTP/1.1 %d Status\r\nContent-Type: application/json"
                      "\r\nContent-Length: %d\r\n\r\n"
                      % (status, len(body))).encode() + body)

    @staticmethod
    def reset(writer):
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                        struct.pack("ii", 1, 0))
        writer.transport.abort()


async def until_closed(stream):
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), stream)
    while await reader.readline():
        pass


async def main():
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--log", required=True, help="file of JSON lines")
    parser.add_argument("--rate", type=float, default=0.2)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    receiver = FaultReceiver(options.log, options.rate, options.seed)
    await receiver.listen()
    print("ready %d" % receiver.port, flush=True)
    await until_closed(sys.stdin)
    os._exit(0)  # hanging connections are not waited for


if __name__ == "__main__":
    asyncio.run(main())
