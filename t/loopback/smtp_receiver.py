#!/usr/bin/env python3
"""A loopback SMTP server that keeps what it is sent.

It listens on 127.0.0.1, prints "ready PORT" and leaves when its standard
input closes.  Each message accepted is one JSON line in the log file:

    {"time", "helo", "mail_from", "rcpt_tos", "mail_options", "tls", "auth",
     "headers": {name: decoded value}, "header_list": [[name, value], ...],
     "addresses": {name: [[display name, address], ...]},
     "parts": [{"content_type", "charset", "filename", "content"}, ...],
     "raw"}

with lower-case header names in "headers"; "auth" is the user who logged in,
or null.  Refused recipients and refused messages leave no line.
"""

import argparse
import asyncio
import base64
import email
import email.policy
import json
import logging
import os
import ssl
import sys
import time
import warnings

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


def text_of(value):
    """Bytes or text as text, for the log."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value


def describe(message):
    """The headers and the parts of a parsed message, decoded."""
    pairs = [[name, str(value)] for name, value in message.items()]
    parts = []
    for part in message.walk():
        if part.is_multipart():
            continue
        content = part.get_content()
        if isinstance(content, bytes):
            content = base64.b64encode(content).decode("ascii")
        elif not isinstance(content, str):
            content = str(content)
        parts.append({"content_type": part.get_content_type(),
                      "charset": part.get_content_charset(),
                      "filename": part.get_filename(),
                      "content": content})
    return pairs, parts


def addresses_of(message):
    """What the headers that hold addresses say, as a reader sees them."""
    def text(part):
        return part.encode("utf-8", "surrogateescape").decode("utf-8",
                                                              "replace")

    return {name.lower(): [[text(a.display_name), text(a.addr_spec)]
                           for a in value.addresses]
            for name, value in message.items() if hasattr(value, "addresses")}


class Sink:
    """aiosmtpd's handler: what to accept and what to keep."""

    def __init__(self, options):
        self.options = options
        self.log = os.open(options.log,
                           os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self.refused = {}
        for rule in options.refuse_recipient:
            name, _, reply = rule.partition("=")
            self.refused[name.lower()] = reply or "550 5.1.1 no such user here"

    async def handle_RCPT(self, server, session, envelope, address, options):
        name = address.lower()
        reply = (self.refused.get(name) or
                 self.refused.get(name.split("@", maxsplit=1)[0]))
        if reply:
            return reply
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 recipient ok"

    async def handle_DATA(self, server, session, envelope):
        if self.options.hang == "data":
            await asyncio.sleep(86400)
        await asyncio.sleep(self.options.delay / 1000)
        if self.options.refuse_data:
            return self.options.refuse_data
        message = email.message_from_bytes(envelope.original_content,
                                           policy=email.policy.default)
        pairs, parts = describe(message)
        record = {"time": time.time(), "helo": session.host_name,
                  "mail_from": envelope.mail_from,
                  "rcpt_tos": envelope.rcpt_tos,
                  "mail_options": envelope.mail_options,
                  "tls": session.ssl is not None or self.options.implicit_tls,
                  "auth": text_of(session.auth_data),
                  "headers": {name.lower(): value for name, value in pairs},
                  "header_list": pairs, "parts": parts,
                  "addresses": addresses_of(message),
                  "raw": text_of(envelope.original_content)}
        os.write(self.log, json.dumps(record).encode() + b"\n")
        if self.options.hang == "kept":
            await asyncio.sleep(86400)
        return "250 2.0.0 kept"

    async def auth_XOAUTH2(self, server, args):
        """user=NAME^Aauth=Bearer TOKEN^A^A, in base64, with or after AUTH."""
        if len(args) > 1:
            answer = base64.b64decode(args[1])
        else:
            answer = await server.challenge_auth("")
        fields = text_of(answer).split("\x01")
        if self.options.oauth and fields[:2] == [
                "user=" + self.options.oauth.partition(":")[0],
                "auth=Bearer " + self.options.oauth.partition(":")[2]]:
            return AuthResult(success=True,
                              auth_data=fields[0][len("user="):])
        return AuthResult(success=False, handled=False)

    def authenticate(self, server, session, envelope, mechanism, auth_data):
        """PLAIN and LOGIN."""
        if isinstance(auth_data, LoginPassword) and self.options.auth:
            user, _, password = self.options.auth.partition(":")
            if (text_of(auth_data.login) == user and
                    text_of(auth_data.password) == password):
                return AuthResult(success=True, auth_data=user)
        return AuthResult(success=False, handled=False)


class Server(SMTP):
    """aiosmtpd's server, and a banner that may never come."""

    hang = None

    async def push(self, status):
        if self.hang == "banner" and not self.session.host_name:
            await asyncio.sleep(86400)
        await super().push(status)


def make_server(options, tls):
    def factory():
        server = Server(
            sink, hostname="loopback.test", enable_SMTPUTF8=True,
            tls_context=None if options.implicit_tls else tls,
            require_starttls=options.require_starttls,
            auth_required=options.auth_required,
            auth_require_tls=False,
            auth_exclude_mechanism=options.no_auth + (
                [] if options.oauth else ["XOAUTH2"]),
            authenticator=sink.authenticate)
        server.hang = options.hang
        return server

    sink = Sink(options)
    return factory


async def wait_for_end():
    """Returns when standard input closes."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.read(4096):
        pass


async def main():
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--log", required=True, help="file of JSON lines")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--tls-cert", help="certificate: offer STARTTLS")
    parser.add_argument("--tls-key")
    parser.add_argument("--implicit-tls", action="store_true",
                        help="TLS from the first byte, as smtps:// has it")
    parser.add_argument("--require-starttls", action="store_true")
    parser.add_argument("--auth", metavar="USER:PASSWORD",
                        help="accept this login (PLAIN, LOGIN)")
    parser.add_argument("--oauth", metavar="USER:TOKEN",
                        help="accept this login (XOAUTH2)")
    parser.add_argument("--auth-required", action="store_true")
    parser.add_argument("--no-auth", action="append", default=[],
                        metavar="MECHANISM",
                        help="a mechanism not to offer; repeatable")
    parser.add_argument("--refuse-recipient", action="append", default=[],
                        metavar="NAME[=REPLY]",
                        help="an address or its local part; repeatable")
    parser.add_argument("--refuse-data", metavar="REPLY",
                        help='answer every message so: "451 try later"')
    parser.add_argument("--delay", type=int, default=0,
                        help="milliseconds before a message is answered")
    parser.add_argument("--hang", choices=["banner", "data", "kept"],
                        help="never say so much; kept: the message is in the "
                        "log, its sender never hears of it")
    options = parser.parse_args()

    # What aiosmtpd thinks of a server like this one, we know.
    warnings.simplefilter("ignore")
    logging.getLogger("mail").setLevel(logging.CRITICAL)
    tls = None
    if options.tls_cert:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(options.tls_cert, options.tls_key)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        make_server(options, tls), "127.0.0.1", options.port, backlog=1024,
        ssl=tls if options.implicit_tls else None, reuse_address=True)
    print("ready %d" % server.sockets[0].getsockname()[1], flush=True)
    await wait_for_end()
    os._exit(0)  # hanging sessions are not waited for


if __name__ == "__main__":
    asyncio.run(main())
