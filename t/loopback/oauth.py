"""A server of OAuth 2 that gives tokens, and a guard that asks for them.

Part of http_receiver.py, whose description lists the paths.
"""

import base64
import json
import time
from urllib.parse import unquote


class OAuth:
    """Mixed into the receiver: needs its send() and live."""

    def give(self, writer, token, kind="Bearer", seconds=None):
        """Answers with a token, which the guard takes from now on."""
        answer = {"token_type": kind, "scope": "a b",
                  "extra": {"nested": ["]", {"\"": "}"}]},
                  "access_token": token}
        self.live[token] = float("inf")
        if seconds is not None:
            answer["expires_in"] = seconds
            self.live[token] = time.monotonic() + seconds
        self.send(writer, 200, json.dumps(answer),
                  [("Cache-Control", "no-store")])

    async def do_token(self, request, writer, seconds):
        name = self.arguments(request, "token")[1]
        token = "tok-%s-%d-%s" % (name, len(self.live), "Zq" * 12)
        self.give(writer, token, seconds=None if seconds == "-"
                  else float(seconds))

    async def do_token_as(self, request, writer, kind):
        self.give(writer, bytes.fromhex(
            self.arguments(request, "token-as")[1]).decode(), kind)

    async def do_token_long(self, _, writer, number):
        self.give(writer, "t" * int(number))

    async def do_token_error(self, request, writer, status):
        sent = request["headers"].get("authorization", "") + " " + \
            request.get("body", "")
        basic = sent.partition("Basic ")[2].split(" ")[0]
        sent += " " + base64.b64decode(basic).decode()
        sent += " or " + unquote(sent)
        self.send(writer, int(status), json.dumps(
            {"error": self.arguments(request, "token-error")[1],
             "error_description": "No.\nYou sent " + sent}))

    def has_token(self, request, name):
        kind, _, token = request["headers"].get(
            "authorization", "").partition(" ")
        return kind == "Bearer" and token.startswith("tok-%s-" % name) and \
            self.live.get(token, 0) > time.monotonic()

    def revoke(self, name):
        for token in self.live:
            if token.startswith("tok-%s-" % name):
                self.live[token] = 0
