#!/usr/bin/env python3
"""A loopback HTTP server that stands in for every provider, good or bad.

It listens on 127.0.0.1, prints "ready PORT" and leaves when its standard
input closes.  Each request, once it has come in whole, is one JSON line in
the log file:

    {"time", "method", "target", "path", "query", "headers", "body", "tls",
     "active", "client_port"}

with lower-case header names; "active" is how many requests were without
their answer then, this one included; a body that is not UTF-8 comes as
"body_base64" instead of "body".

The path decides the answer.  Leading segments say how to behave and are
taken off one after the other, so that a connection's base_url can carry them
(http://127.0.0.1:PORT/delay/100/status/503):

    /delay/MS           wait so long, then go on
    /hold               wait for the command "release", then go on
    /hold-after/N       the first N requests of all go on, later ones are held
    /failing/N/STATUS   answer STATUS to the first N requests with this
                        Idempotency-Key (or, without one, this path)
    /failing-as/N/...   go on so for the first N requests, as above; after
                        that, answer as the provider whose path it is
    /limit/N            go on for N requests a second with this path; answer
                        429 and "Retry-After: 1" to the others
    /limit-as/N/...     go on so for the others, and for those within the
                        limit answer as the provider whose path it is
    /retry-after/VALUE  send this Retry-After with the answer
    /status/CODE        answer with this status
    /echo               answer 200 with the logged request as JSON
    /hang               read the request, never answer
    /close              read the request, close without an answer
    /close-reused       the same, unless it is the first of its connection
    /reset              read the request, reset the connection
    /half               send half of a body, then reset
    /garbage            answer with what is no HTTP
    /endless-body       a chunked body without end
    /endless-headers    headers without end
    /many-headers/N     N response headers
    /slow-body          one byte of body a second
    /huge               a body of 1 GB
    /bytes/N            a body of N bytes
    /invalid-utf8       a JSON text with invalid UTF-8
    /nul                a JSON text with an escaped NUL
    /deep               JSON arrays nested 10,000 deep
    /raw/TYPE/HEX       those bytes, of that content type
    /redirect           redirects to itself for ever
    /redirect-to/CODE?url=U   redirects there

Errors of providers (providers.py):

    /slack-error/WORD   {"ok": false, "error": WORD}: 200, and for ratelimited
                        429 and Retry-After, as Slack has it: of 30 seconds,
                        or as a number behind says
    /slack-error-at/STATUS/WORD       the same with that status
    /slack-hook-error/WORD            an incoming webhook's word and status
    /whatsapp-error/CODE              400 and a Graph API error of that code
    /whatsapp-error-at/STATUS/CODE    the same with that status
    /teams-error/STATUS/CODE          a workflow's error as JSON
    /teams-connector/STATUS           200, and a text that it was STATUS
    /teams-connector-ok               200 and "1"

OAuth 2 (oauth.py):

    /token/SECONDS/NAME   a new token of NAME, which ends after SECONDS; with
                        "-" it does not say when
    /token-as/TYPE/HEX  a token of that token_type: those bytes
    /token-long/N       a token of N bytes
    /token-error/STATUS/WORD   an error of that word, which repeats what it
                        was sent
    /guarded/NAME/...   go on if the request has a token of NAME that has not
                        ended and was not revoked; else 401

Attacks (hostile.py):

    /endless-line       one header that does not end
    /drip-headers       the same, slowly
    /interim/N          N interim answers (103), then one
    /drip-interim       interim answers for ever, slowly
    /gzip-bomb/MB       a small body of Content-Encoding gzip that holds MB
    /small-chunks/N     N bytes, each a chunk
    /endless-extension  a chunk's extension that does not end
    /endless-trailer    trailers without end
    /json-array/N       a JSON array of about N bytes
    /redirect-huge      a redirect with an endless body
    /longer/N           Content-Length N, ten bytes, the end
    /stall/N            one byte less than N that were promised, and no more
    /shorter/N          Content-Length N, N bytes, and then another answer
    /bad-length/TEXT    Content-Length TEXT
    /half-closed        shuts its writing side, without an answer
    /half-closed-body   shuts it behind a body without a length
    /deaf               shuts its reading side, then answers
    /echo-as/HOW        repeats credentials, spelled in one of the ways that
                        spelled() has

What is left is looked at as the provider's own path:

    /vN.N/ID/messages   WhatsApp's success
    .../chat.postMessage   Slack's success
    .../slack-hook...   200 and "ok"
    .../teams...        202 and nothing
    .../shipments       a carrier's: 200 and {"tracking": "LB00001"}
    .../refunds         a payment provider's: 200 and {"id": "re_1"}
    anything else       200 and {"ok": true}

As a proxy it is asked with whole URLs, and answers them by their path. With
--tunnel a CONNECT is logged and goes to its port on this machine, whatever the
host; without, it is answered like any other request.

Commands on standard input, a line each: "prefix /hang" behaves as if every
path began so; "prefix" alone ends that; "release" lets the held requests go;
"revoke NAME" ends the tokens of NAME.
"""

import argparse
import asyncio
import base64
import json
import os
import resource
import socket
import ssl
import struct
import sys
import time
from urllib.parse import parse_qsl, unquote, urlsplit

from hostile import Hostile
from oauth import OAuth
from providers import Providers

REASONS = {200: "OK", 202: "Accepted", 204: "No Content", 302: "Found",
           307: "Temporary Redirect", 400: "Bad Request", 404: "Not Found", 429: "Too Many Requests",
           500: "Internal Server Error", 503: "Service Unavailable"}
MAX_HEAD = 256 * 1024
GIGABYTE = 1 << 30


class Disconnect(Exception):
    """The connection is to be closed without more."""


class Receiver(Providers, Hostile, OAuth):
    def __init__(self, log, prefix, tls, tunnel=False):
        self.log = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self.prefix = prefix
        self.tls = tls
        self.tunnel = tunnel
        self.released = asyncio.Event()
        self.failures = {}
        self.taken = {}
        self.live = {}
        self.count = 0
        self.active = 0
        self.received = 0

    # --- the connection ---

    async def serve(self, reader, writer):
        try:
            nth = 1
            while await self.exchange(reader, writer, nth):
                nth += 1
        except (Disconnect, ConnectionError, ssl.SSLError,
                asyncio.IncompleteReadError, asyncio.LimitOverrunError,
                TimeoutError):
            pass
        finally:
            writer.close()

    async def exchange(self, reader, writer, nth):
        """A connection's nth request and its answer; false where it ends."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return False
        lines = head.decode("latin-1").split("\r\n")
        method, target, version = lines[0].split(" ", 2)
        headers = {}
        for line in lines[1:]:
            if line:
                name, value = line.split(":", 1)
                name = name.strip().lower()
                value = value.strip()
                headers[name] = (headers[name] + ", " + value
                                 if name in headers else value)
        if headers.get("expect", "").lower() == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await self.read_body(reader, headers)
        if method == "CONNECT" and self.tunnel:
            self.record(method, target, headers, body,
                        writer.get_extra_info("peername")[1])
            await self.do_tunnel(reader, writer, target)
            return False
        writer.head_only = method == "HEAD"     # its answer has no body
        self.active += 1
        try:
            request = self.record(method, target, headers, body,
                                  writer.get_extra_info("peername")[1])
            request["nth"] = nth
            await self.answer(request, writer)
        finally:
            self.active -= 1
        await writer.drain()
        return (version == "HTTP/1.1" and
                headers.get("connection", "").lower() != "close")

    @staticmethod
    async def do_tunnel(reader, writer, target):
        """Passes bytes both ways until one side has no more."""
        async def pass_on(source, sink):
            while True:
                data = await source.read(65536)
                if not data:
                    break
                sink.write(data)
                await sink.drain()
            sink.close()

        there = await asyncio.open_connection(
            "127.0.0.1", int(target.rpartition(":")[2]))
        writer.write(b"HTTP/1.1 200 Connection established\r\n"
                     b"X-Proxy: loopback\r\n\r\n")
        await asyncio.gather(pass_on(reader, there[1]),
                             pass_on(there[0], writer),
                             return_exceptions=True)

    @staticmethod
    async def read_body(reader, headers):
        if "chunked" in headers.get("transfer-encoding", "").lower():
            body = b""
            while True:
                size = int((await reader.readline()).split(b";")[0], 16)
                body += await reader.readexactly(size)
                await reader.readline()
                if size == 0:
                    return body
        return await reader.readexactly(int(headers.get("content-length", 0)))

    def record(self, method, target, headers, body, client_port):
        parts = urlsplit(target)
        request = {"time": time.time(), "method": method, "target": target,
                   "path": parts.path, "query": dict(parse_qsl(
                       parts.query, keep_blank_values=True)),
                   "headers": headers, "tls": self.tls,
                   "active": self.active, "client_port": client_port}
        try:
            request["body"] = body.decode("utf-8")
        except UnicodeDecodeError:
            request["body_base64"] = base64.b64encode(body).decode("ascii")
        os.write(self.log, json.dumps(request).encode() + b"\n")
        self.received += 1
        request["number"] = self.received
        return request

    # --- the answer ---

    async def answer(self, request, writer):
        """Walks the behaviours that the path names, then the provider's."""
        path = self.prefix + request["path"]
        extra, status = [], None
        while True:
            word, _, rest = path.lstrip("/").partition("/")
            argument, _, after = rest.partition("/")
            if word == "delay":
                await asyncio.sleep(float(argument) / 1000)
                path = after
            elif word == "hold":
                await self.released.wait()
                path = rest
            elif word == "hold-after":
                if request["number"] > int(argument):
                    await self.released.wait()
                path = after
            elif word == "close-reused":
                if request["nth"] > 1:
                    raise Disconnect
                path = rest
            elif word == "guarded":
                if not self.has_token(request, argument):
                    status = 401
                path = after
            elif word == "failing":
                code, _, path = after.partition("/")
                if self.still_failing(request, int(argument)):
                    status = int(code)
            elif word == "failing-as":
                path = after
                if not self.still_failing(request, int(argument)):
                    path = self.without_behaviour(after)
            elif word == "limit":
                path = after
                if self.over_limit(request, int(argument)):
                    status = 429
                    extra.append(("Retry-After", "1"))
            elif word == "limit-as":
                path = after
                if not self.over_limit(request, int(argument)):
                    path = self.without_behaviour(after)
            elif word == "retry-after":
                extra.append(("Retry-After", unquote(argument)))
                path = after
            elif word == "status":
                status = int(argument)
                path = after
            else:
                break
        if status is not None:
            self.send(writer, status, json.dumps({"status": status}), extra)
            return
        special = getattr(self, "do_" + word.replace("-", "_"), None)
        if special:
            await special(request, writer, unquote(argument))
        else:
            self.provider(request, writer, "/" + path.lstrip("/"), extra)

    @staticmethod
    def without_behaviour(path):
        """What is behind one behaviour: status/500/x is x."""
        word, _, rest = path.partition("/")
        return rest.partition("/")[2] if word == "status" else rest

    def still_failing(self, request, limit):
        key = request["headers"].get("idempotency-key", request["target"])
        seen = self.failures.get(key, 0)
        self.failures[key] = seen + 1
        return seen < limit

    def over_limit(self, request, limit):
        """Were there so many within the last second?  Else this is one."""
        now = time.monotonic()
        taken = self.taken.setdefault(request["path"], [])
        while taken and taken[0] <= now - 1:
            taken.pop(0)
        if len(taken) >= limit:
            return True
        taken.append(now)
        return False

    @staticmethod
    def send(writer, status, body, extra=(), content_type="application/json"):
        if isinstance(body, str):
            body = body.encode("utf-8")
        head = ["HTTP/1.1 %d %s" % (status, REASONS.get(status, "Status")),
                "Content-Type: " + content_type]
        if status >= 200 and status != 204:
            head.append("Content-Length: %d" % len(body))
        head += ["%s: %s" % pair for pair in extra]
        writer.write("\r\n".join(head + ["", ""]).encode("latin-1"))
        if status >= 200 and status not in (204, 304) and \
                not getattr(writer, "head_only", False):
            writer.write(body)

    @staticmethod
    def start(writer, *headers):
        """A status line and headers of an answer whose body follows."""
        writer.write("\r\n".join(
            ("HTTP/1.1 200 OK", "Content-Type: application/json") +
            headers + ("", "")).encode("ascii"))

    # --- good behaviour ---

    async def do_echo(self, request, writer, _):
        self.send(writer, 200, json.dumps(request))

    async def do_redirect(self, request, writer, _):
        self.send(writer, 307, "", [("Location", request["target"])])

    async def do_redirect_to(self, request, writer, code):
        self.send(writer, int(code or 302), "",
                  [("Location", request["query"]["url"])])

    async def do_bytes(self, _, writer, number):
        self.send(writer, 200, b"x" * int(number), (), "text/plain")

    async def do_raw(self, request, writer, kind):
        self.send(writer, 200,
                  bytes.fromhex(request["path"].rpartition("/")[2]), (), kind)

    async def do_many_headers(self, _, writer, number):
        self.send(writer, 200, "{}",
                  [("X-Filler-%d" % i, "x") for i in range(int(number))])

    # --- bad behaviour ---

    async def do_hang(self, *_):
        await asyncio.sleep(86400)

    async def do_close(self, *_):
        raise Disconnect

    async def do_reset(self, _, writer, __):
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                        struct.pack("ii", 1, 0))
        writer.transport.abort()
        raise Disconnect

    async def do_half(self, request, writer, _):
        self.start(writer, "Content-Length: 1000")
        writer.write(b'{"half": "')
        await writer.drain()
        await asyncio.sleep(0.05)
        await self.do_reset(request, writer, _)

    async def do_garbage(self, _, writer, __):
        writer.write(b"\x00\x01\x02 this is no HTTP \xff\xfe\r\n\r\n")
        await writer.drain()
        raise Disconnect

    async def do_endless_body(self, _, writer, __):
        self.start(writer, "Transfer-Encoding: chunked")
        chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        while True:
            writer.write(chunk)
            await writer.drain()

    async def do_endless_headers(self, _, writer, __):
        writer.write(b"HTTP/1.1 200 OK\r\n")
        lines = b"X-Endless: " + b"x" * 1000 + b"\r\n"
        while True:
            writer.write(lines)
            await writer.drain()

    async def do_slow_body(self, _, writer, __):
        self.start(writer, "Content-Length: 86400")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(1)

    async def do_huge(self, _, writer, __):
        self.start(writer, "Content-Length: %d" % GIGABYTE)
        block = b"x" * (1 << 20)
        for _ in range(GIGABYTE // len(block)):
            writer.write(block)
            await writer.drain()

    async def do_invalid_utf8(self, _, writer, __):
        self.send(writer, 200, b'{"text": "\xff\xfe\xc0\xaf"}')

    async def do_nul(self, _, writer, __):
        self.send(writer, 200, '{"text": "a\\u0000b"}')

    async def do_deep(self, _, writer, __):
        self.send(writer, 200, "[" * 10000 + "]" * 10000)


async def commands(receiver):
    """Obeys standard input until it closes."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while True:
        line = await reader.readline()
        if not line:
            return
        word, _, argument = line.decode().strip().partition(" ")
        if word == "prefix":
            receiver.prefix = argument
        elif word == "release":
            receiver.released.set()
        elif word == "revoke":
            receiver.revoke(argument)
        else:
            print("unknown command", word, flush=True)
            continue
        print("done", word, flush=True)


def raise_file_limit():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def main():
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--log", required=True, help="file of JSON lines")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--prefix", default="",
                        help="behave as if every path began so")
    parser.add_argument("--tls-cert", help="certificate: speak TLS")
    parser.add_argument("--tls-key")
    parser.add_argument("--tunnel", action="store_true",
                        help="obey CONNECT, to ports of this machine")
    options = parser.parse_args()

    raise_file_limit()
    tls = None
    if options.tls_cert:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(options.tls_cert, options.tls_key)
    receiver = Receiver(options.log, options.prefix, tls is not None,
                        options.tunnel)
    server = await asyncio.start_server(
        receiver.serve, "127.0.0.1", options.port, backlog=4096,
        limit=MAX_HEAD, ssl=tls, reuse_address=True)
    print("ready %d" % server.sockets[0].getsockname()[1], flush=True)
    await commands(receiver)
    os._exit(0)  # held and hanging connections are not waited for


if __name__ == "__main__":
    asyncio.run(main())
