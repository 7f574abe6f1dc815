"""Answers that are meant to hurt whoever reads them.

Part of http_receiver.py, whose description lists the paths.
"""

import asyncio
import base64
import functools
import html
import socket
import struct
import zlib
from urllib.parse import quote, unquote


@functools.lru_cache
def bomb(megabytes):
    """So many megabytes of blanks, as gzip has them: the same compressed
    block again and again, since after a full flush it depends on nothing
    that was before it."""
    block = b" " * (1 << 20)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    check = 0
    for _ in range(megabytes):
        check = zlib.crc32(block, check)
    return (b"\x1f\x8b\x08\0\0\0\0\0\2\xff" + packed * megabytes +
            packer.flush() + struct.pack("<LL", check, megabytes << 20))


def spelled(text, how):
    """The text as careless servers repeat it."""
    def each(form):
        return "".join(c if c.isalnum() else form(c) for c in text)

    if how == "html":
        return html.escape(text)
    if how == "html-number":
        return each(lambda c: "&#%d;" % ord(c))
    if how == "html-hex":
        return each(lambda c: "&#x%X;" % ord(c))
    if how == "json":
        return each(lambda c: "\\" + c if c in '"\\/' else c)
    if how == "json-hex":
        return each(lambda c: "\\u%04x" % ord(c))
    if how == "percent":
        return quote(text, safe="")
    if how == "percent-lower":
        return each(lambda c: "%%%02x" % ord(c))
    if how == "percent-all":
        return "".join("%%%02X" % ord(c) for c in text)
    if how == "decoded":
        return unquote(text)
    if how == "base64":
        return base64.b64encode(text.encode()).decode()
    if how == "base64-x":
        return base64.b64encode(b"x" + text.encode() + b"x").decode()
    if how == "base64-xx":
        return base64.urlsafe_b64encode(b"xx" + text.encode()).decode()
    return text


async def for_ever(writer, data, pause=0.0):
    while True:
        writer.write(data)
        await writer.drain()
        if pause:
            await asyncio.sleep(pause)


class Hostile:
    """Mixed into the receiver: needs its send() and start()."""

    @staticmethod
    async def shut(writer, how=socket.SHUT_WR):
        """Closes one side of the connection and waits on the other."""
        await writer.drain()
        writer.get_extra_info("socket").shutdown(how)
        if how == socket.SHUT_WR:
            await asyncio.sleep(86400)

    async def do_echo_as(self, request, writer, how):
        """What may be secret in the request, and parts of it, spelled so."""
        headers = request["headers"]
        target = request["target"]
        path, _, query = target.partition("?")
        texts = [headers.get("authorization", "-"),
                 headers.get("authorization", "-").partition(" ")[2],
                 headers.get("x-key", "-"), path.rpartition("/")[2],
                 query.rpartition("=")[2]]
        said = " ".join(spelled(text, how) for text in texts)
        self.send(writer, 200, said, [("X-Said", said)], "text/plain")

    # --- headers ---

    async def do_endless_line(self, _, writer, __):
        writer.write(b"HTTP/1.1 200 OK\r\nX-Endless: ")
        await for_ever(writer, b"x" * 10000)

    async def do_drip_headers(self, _, writer, __):
        writer.write(b"HTTP/1.1 200 OK\r\nX-Endless: ")
        await for_ever(writer, b"x", 0.1)

    async def do_interim(self, _, writer, number):
        line = b"HTTP/1.1 103 Early Hints\r\n\r\n"
        for _ in range(int(number) // 100):
            writer.write(line * 100)
            await writer.drain()
        self.send(writer, 200, '{"interim": "over"}')

    async def do_drip_interim(self, _, writer, __):
        await for_ever(writer, b"HTTP/1.1 103 Early Hints\r\n\r\n", 0.1)

    # --- bodies ---

    async def do_gzip_bomb(self, _, writer, megabytes):
        self.send(writer, 200, bomb(int(megabytes)),
                  [("Content-Encoding", "gzip")])

    async def do_small_chunks(self, _, writer, number):
        self.start(writer, "Transfer-Encoding: chunked")
        writer.write(b"1\r\nx\r\n" * int(number) + b"0\r\n\r\n")

    async def do_endless_extension(self, _, writer, __):
        self.start(writer, "Transfer-Encoding: chunked")
        writer.write(b"2;")
        await for_ever(writer, b"x" * 10000)

    async def do_endless_trailer(self, _, writer, __):
        self.start(writer, "Transfer-Encoding: chunked")
        writer.write(b"2\r\n{}\r\n0\r\n")
        await for_ever(writer, b"X-Endless: x\r\n" * 1000)

    async def do_json_array(self, _, writer, number):
        self.send(writer, 200, b"[" + b"1," * (int(number) // 2) + b"1]")

    async def do_redirect_huge(self, request, writer, __):
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: /arrived\r\n"
                     b"Transfer-Encoding: chunked\r\n\r\n")
        await for_ever(writer, b"10000\r\n" + b"x" * 0x10000 + b"\r\n")

    # --- lengths and ends ---

    async def do_longer(self, _, writer, length):
        """Promises length bytes and sends ten."""
        self.start(writer, "Content-Length: " + length)
        writer.write(b"x" * 10)
        await self.shut(writer)

    async def do_stall(self, _, writer, length):
        self.start(writer, "Content-Length: " + length)
        writer.write(b"x" * (int(length) - 1))
        await writer.drain()
        await asyncio.sleep(86400)

    async def do_shorter(self, _, writer, length):
        """Promises length bytes and goes on with another answer."""
        self.start(writer, "Content-Length: " + length)
        writer.write(b"x" * int(length) +
                     b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged")

    async def do_bad_length(self, _, writer, length):
        """Any text as length, then a body and the end."""
        self.start(writer, "Content-Length: " + length)
        writer.write(b"{}")
        await self.shut(writer)

    async def do_half_closed(self, _, writer, __):
        await self.shut(writer)

    async def do_half_closed_body(self, _, writer, __):
        self.start(writer)
        writer.write(b'{"until": "the end"}')
        await self.shut(writer)

    async def do_deaf(self, _, writer, __):
        await self.shut(writer, socket.SHUT_RD)
        self.send(writer, 200, '{"deaf": true}')
