#!/usr/bin/env python3
"""A loopback mail server without manners, for what no real one does on call.

It listens on 127.0.0.1, prints "ready PORT" and leaves when its standard
input closes.  It speaks plain SMTP and answers as a good server would, except
where the name before the @ of the sender's address says otherwise (see
MANNERS): the reply to one command, given as bytes, or what is done instead.

    --greeting, --ehlo, --starttls, --login REPLY
                            the replies before a sender is known

Each connection is one JSON line in the log file when it ends:

    {"manner", "commands": ["EHLO ...", ...], "content": text or null,
     "ended": "quit" or "closed"}
"""

import argparse
import asyncio
import json
import os
import socket
import sys

FLOOD = b"250-5.1.1 and so on, and on, and on\r\n"


class Close(Exception):
    """The connection is closed without another word."""


async def flood(writer, line, limit):
    """The same line until the peer is gone, or over the limit of bytes."""
    for _ in range(limit // len(line)):
        writer.write(line)
        await writer.drain()
    await asyncio.sleep(86400)


def endless(line):
    async def send(writer):
        await flood(writer, line, 1 << 30)
    return send


def pieces(*parts):
    """The parts with pauses in between, so that they come one by one."""
    async def send(writer):
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.02)
    return send


async def close(writer):
    raise Close


def then_close(reply):
    async def send(writer):
        writer.write(reply)
        await writer.drain()
        raise Close
    return send


# sender's name: {command: reply, or what to do}.  RCPT2 is the second RCPT, RCPT*
# each; BODY is said when the content begins (which is then not kept), END at
# the end of it.
MANNERS = {
    # refusals, each at its place
    "from-451": {"MAIL": b"451 4.3.0 try later\r\n"},
    "from-550": {"MAIL": b"550 5.7.1 not you\r\n"},
    "data-451": {"DATA": b"451 4.3.0 no room now\r\n"},
    "data-554": {"DATA": b"554 5.5.1 no valid recipients\r\n"},
    "end-452": {"END": b"452 4.3.1 disk is full\r\n"},
    "end-554": {"END": b"554 5.6.0 no such mail, please\r\n"},
    "late-421": {"RCPT2": then_close(b"421 4.3.2 going down\r\n")},
    "from-421": {"MAIL": then_close(b"421 4.3.2 going down\r\n")},
    "data-421": {"DATA": then_close(b"421 4.3.2 going down\r\n")},
    "end-421": {"END": then_close(b"421 4.3.2 going down\r\n")},
    "rcpt-both": {"RCPT": b"550 5.1.1 unknown\r\n",
                  "RCPT2": b"450 4.2.1 busy\r\n"},
    "rcpt-none": {"RCPT": b"550 5.1.1 unknown\r\n",
                  "RCPT2": b"554 5.7.1 relaying denied\r\n"},
    "rcpt-one": {"RCPT2": b"451 4.7.1 greylisted\r\n"},
    "rcpt-one-554": {"RCPT2": b"550 5.1.1 unknown\r\n",
                     "END": b"554 5.7.1 spam\r\n"},
    "rcpt-all": {"RCPT*": b"550 5.1.1 unknown\r\n"},
    # replies of several lines, and odd ones
    "lines": {"RCPT": b"550-5.1.1 The address\r\n550-5.1.1 does not\r\n"
                      b"550 5.1.1 exist\r\n"},
    "lines-plain": {"RCPT": b"550-\r\n550-The address \r\n550-\r\n"
                            b"550 is unknown\r\n"},
    "lines-differ": {"RCPT": b"250-2.1.5 yes\r\n550 5.1.1 no\r\n"},
    "251": {"RCPT": b"251 2.1.5 will forward\r\n",
            "RCPT2": b"252 2.0.0 will try\r\n"},
    "bare": {"RCPT": b"550\r\n"},
    "slow": {"RCPT": pieces(b"2", b"50-2.1.5 yes\r", b"\n250 2.1.5 y",
                            b"es\r\n")},
    "nul": {"RCPT": b"550 5.1.1 no\x00such \xff\x1b[31muser\r\n"},
    "long": {"RCPT": b"550 5.1.1 " + 3000 * b"x" + b"\r\n"},
    "999": {"RCPT": b"999 9.9.9 what\r\n"},
    "354-rcpt": {"RCPT": b"354 go ahead\r\n"},
    "250-data": {"DATA": b"250 2.0.0 done\r\n"},
    "354-end": {"END": b"354 more\r\n"},
    # floods
    "flood-rcpt": {"RCPT": endless(FLOOD)},
    "flood-line": {"RCPT": endless(4096 * b"x")},
    "flood-junk": {"RCPT": endless(b"what?\r\n")},
    "flood-end": {"END": endless(FLOOD)},
    # answers before the question
    "early-all": {"MAIL": b"250 ok\r\n250 ok\r\n354 go\r\n250 kept\r\n"},
    "early-rcpt": {"RCPT": b"250 ok\r\n250 ok\r\n"},
    "early-kept": {"DATA": b"354 go\r\n250 2.0.0 kept\r\n"},
    "early-552": {"BODY": b"552 5.3.4 too big\r\n"},
    # gone
    "close-from": {"MAIL": close},
    "close-rcpt": {"RCPT": close},
    "close-data": {"DATA": close},
    "close-body": {"BODY": close},
    "close-end": {"END": close},
}


class Session:
    def __init__(self, options, log, reader, writer):
        self.options, self.log = options, log
        self.reader, self.writer = reader, writer
        self.manner = ""
        self.commands = []
        self.content = None
        self.recipients = 0

    async def reply(self, command, reply):
        reply = MANNERS.get(self.manner, {}).get(command, reply)
        if callable(reply):
            await reply(self.writer)
        elif reply:
            self.writer.write(reply)
            await self.writer.drain()

    async def take_content(self):
        if "BODY" in MANNERS.get(self.manner, {}):
            await self.reader.read(100)
            await self.reply("BODY", b"")
            await asyncio.sleep(86400)
        content = b""
        while not content.endswith(b"\r\n.\r\n"):
            piece = await self.reader.read(65536)
            if not piece:
                raise Close
            content += piece
        self.content = content.decode("utf-8", "replace")
        await self.reply("END", b"250 2.0.0 kept\r\n")

    async def command(self, line):
        verb = line[:4].upper()
        if verb in ("EHLO", "HELO"):
            await self.reply(verb, self.options.ehlo)
        elif verb == "AUTH":
            await self.reply("AUTH", self.options.login)
        elif verb == "MAIL":
            self.manner = line.partition("<")[2].partition("@")[0]
            await self.reply("MAIL", b"250 2.1.0 ok\r\n")
        elif verb == "RCPT":
            self.recipients += 1
            which = "RCPT" if self.recipients == 1 else (
                f"RCPT{self.recipients}")
            if "RCPT*" in MANNERS.get(self.manner, {}):
                which = "RCPT*"
            await self.reply(which, b"250 2.1.5 ok\r\n")
        elif verb == "DATA":
            await self.reply("DATA", b"354 go ahead\r\n")
            if b"354" in MANNERS.get(self.manner, {}).get("DATA", b"354"):
                await self.take_content()
        elif verb == "STAR":
            await self.reply("STAR", self.options.starttls)
        elif verb == "QUIT":
            return False
        else:
            await self.reply(verb, b"250 2.0.0 ok\r\n")
        return True

    async def run(self):
        ended = "closed"
        try:
            self.writer.write(self.options.greeting)
            while line := await self.reader.readline():
                self.commands.append(line.decode("utf-8", "replace").strip())
                if not await self.command(self.commands[-1]):
                    ended = "quit"
                    break
        except (Close, ConnectionError, asyncio.LimitOverrunError,
                ValueError):
            pass
        record = {"manner": self.manner, "commands": self.commands,
                  "content": self.content, "ended": ended}
        os.write(self.log, json.dumps(record).encode() + b"\n")
        self.writer.close()


def reply(text):
    """An option's text as a reply: \\n between lines."""
    return text.replace("\\n", "\r\n").encode() + b"\r\n"


async def main():
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--log", required=True, help="file of JSON lines")
    parser.add_argument("--greeting", type=reply, metavar="REPLY",
                        default=b"220 rude.test\r\n")
    parser.add_argument("--ehlo", type=reply, metavar="REPLY",
                        default=b"250-rude.test\r\n250 SIZE\r\n")
    parser.add_argument("--starttls", type=reply, metavar="REPLY",
                        default=b"454 4.7.0 TLS not available\r\n")
    parser.add_argument("--login", type=reply, metavar="REPLY",
                        default=b"235 2.7.0 ok\r\n")
    options = parser.parse_args()
    log = os.open(options.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    async def serve(reader, writer):
        await Session(options, log, reader, writer).run()

    listener = socket.create_server(("127.0.0.1", 0))
    # little is taken that nobody reads
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    server = await asyncio.start_server(serve, sock=listener)
    print("ready", server.sockets[0].getsockname()[1], flush=True)
    loop = asyncio.get_running_loop()
    stdin = asyncio.StreamReader()
    await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stdin), sys.stdin)
    await stdin.read()
    os._exit(0)     # hanging sessions are not waited for


if __name__ == "__main__":
    asyncio.run(main())
