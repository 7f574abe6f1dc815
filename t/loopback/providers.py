"""What WhatsApp, Slack and Teams answer: success, and every class of error.

Part of http_receiver.py, whose description lists the paths.  The shapes are
those of the providers' own documentation.
"""

import json
import re

# Slack's incoming webhooks: the status that goes with each word.
HOOK_STATUS = {
    "invalid_payload": 400, "no_text": 400, "too_many_attachments": 400,
    "user_not_found": 400, "action_prohibited": 403,
    "posting_to_general_channel_denied": 403, "invalid_token": 403,
    "team_disabled": 403, "no_team": 404, "no_service": 404,
    "no_service_id": 404, "channel_not_found": 404,
    "channel_is_archived": 410, "no_active_hooks": 404,
    "rate_limited": 429, "rollup_error": 500}

# What Slack's API tells beside the word.
SLACK_MORE = {
    "missing_scope": {"needed": "chat:write", "provided": "identify,bot"},
    "invalid_arguments": {"response_metadata": {"messages": [
        "[ERROR] must provide a string [json-pointer:/channel]"]}}}

# Subcodes of the Graph API.
SUBCODES = {"190": 463, "131009": 2494010}


class Providers:
    """Mixed into the receiver: needs its send() and count."""

    def provider(self, request, writer, path, extra):
        """Success, as the provider whose path it is says it."""
        if re.fullmatch(r"(/.*)?/v\d+\.\d+/[^/]+/messages", path):
            self.count += 1
            answer = {"messaging_product": "whatsapp",
                      "contacts": [{"input": self.member(request, "to"),
                                    "wa_id": self.member(request, "to")}],
                      "messages": [{"id": "wamid.LOOPBACK%d" % self.count,
                                    "message_status": "accepted"}]}
        elif path.endswith("/chat.postMessage"):
            self.count += 1
            answer = {"ok": True, "channel": self.member(request, "channel"),
                      "ts": "1700000000.%06d" % self.count,
                      "message": {"text": self.member(request, "text")}}
        elif "/slack-hook" in path:
            self.send(writer, 200, "ok", extra, "text/html")
            return
        elif "/teams" in path:
            self.send(writer, 202, "", extra)
            return
        elif path.endswith("/shipments"):
            self.count += 1
            answer = {"tracking": "LB%05d" % self.count}
        elif path.endswith("/refunds"):
            self.count += 1
            answer = {"id": "re_%d" % self.count}
        else:
            answer = {"ok": True}
        self.send(writer, 200, json.dumps(answer), extra)

    @staticmethod
    def member(request, name):
        """A member of a JSON body, or None."""
        try:
            return json.loads(request.get("body", "")).get(name)
        except (ValueError, AttributeError):
            return None

    @staticmethod
    def arguments(request, word):
        """The two segments behind word in the request's path."""
        parts = request["path"].split("/")
        at = parts.index(word)
        return (parts + ["", ""])[at + 1:at + 3]

    # --- Slack ---

    def slack_error(self, writer, status, word, seconds="30"):
        limited = word in ("ratelimited", "rate_limited")
        self.send(writer, status,
                  json.dumps({"ok": False, "error": word,
                              **SLACK_MORE.get(word, {})}),
                  [("X-Slack-Req-Id", "loopback"),
                   ("X-OAuth-Scopes", "identify,bot")] +
                  ([("Retry-After", seconds)] if limited else []),
                  "application/json; charset=utf-8")

    async def do_slack_error(self, request, writer, word):
        seconds = self.arguments(request, "slack-error")[1]
        self.slack_error(writer, 429 if word == "ratelimited" else 200, word,
                         seconds if seconds.isdigit() else "30")

    async def do_slack_error_at(self, request, writer, status):
        self.slack_error(writer, int(status),
                         self.arguments(request, "slack-error-at")[1])

    async def do_slack_hook_error(self, _, writer, word):
        status = HOOK_STATUS[word]
        self.send(writer, status, word,
                  [("Retry-After", "30")] if status == 429 else [],
                  "text/html")

    # --- WhatsApp ---

    def whatsapp_error(self, writer, status, code):
        error = {"message": "(#%s) Loopback error" % code,
                 "type": "OAuthException", "code": int(code),
                 "error_data": {"messaging_product": "whatsapp",
                                "details": "loopback details of %s" % code},
                 "fbtrace_id": "LOOPBACK"}
        if code in SUBCODES:
            error["error_subcode"] = SUBCODES[code]
        self.send(writer, status, json.dumps({"error": error}),
                  [("WWW-Authenticate",
                    'OAuth "Facebook Platform" "invalid_request" "(#%s) '
                    'Loopback error"' % code),
                   ("x-fb-request-id", "LOOPBACK"),
                   ("facebook-api-version", "v23.0")],
                  "application/json; charset=UTF-8")

    async def do_whatsapp_error(self, _, writer, code):
        self.whatsapp_error(writer, 400, code)

    async def do_whatsapp_error_at(self, request, writer, status):
        self.whatsapp_error(writer, int(status),
                            self.arguments(request, "whatsapp-error-at")[1])

    # --- Teams ---

    async def do_teams_error(self, request, writer, status):
        code = self.arguments(request, "teams-error")[1]
        self.send(writer, int(status),
                  json.dumps({"error": {
                      "code": code, "message": "Loopback: %s." % code}}),
                  [("x-ms-request-id", "loopback")] +
                  ([("Retry-After", "17")] if status == "429" else []),
                  "application/json; charset=utf-8")

    async def do_teams_connector(self, _, writer, status):
        self.send(writer, 200,
                  "Webhook message delivery failed with error: Microsoft "
                  "Teams endpoint returned HTTP error %s with ContextId "
                  "tcid=0,server=LOOPBACK,cv=x." % status, (), "text/plain")

    async def do_teams_connector_ok(self, _, writer, __):
        self.send(writer, 200, "1", (), "text/plain")
