#!/usr/bin/env python3
"""show.py http|smtp FILE: the last request or mail of a receiver's log, as a
person would read it.  Exits 1 where there is none."""

import json
import sys

HTTP_HEADERS = ("host", "content-type", "idempotency-key", "authorization")


def show_http(request):
    print(request["method"], request["target"])
    for name in HTTP_HEADERS:
        if name in request["headers"]:
            print("%s: %s" % (name.title(), request["headers"][name]))
    print()
    print(json.dumps(json.loads(request["body"]), indent=2,
                     ensure_ascii=False))


def show_smtp(mail):
    print("envelope: from <%s> to %s" % (
        mail["mail_from"],
        ", ".join("<%s>" % address for address in mail["rcpt_tos"])))
    for name, value in mail["header_list"]:
        print("%s: %s" % (name, value))
    for part in mail["parts"]:
        print("\n--- %s ---" % part["content_type"])
        print(part["content"].rstrip())


def main():
    kind, path = sys.argv[1:]
    try:
        with open(path, encoding="utf-8") as file:
            records = [json.loads(line) for line in file]
    except FileNotFoundError:
        records = []
    if not records:
        print("nothing was received", file=sys.stderr)
        return 1
    {"http": show_http, "smtp": show_smtp}[kind](records[-1])
    return 0


if __name__ == "__main__":
    sys.exit(main())
