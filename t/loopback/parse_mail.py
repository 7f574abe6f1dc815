#!/usr/bin/env python3
"""What a mail program sees in a mail: JSON of the file named.

    {"headers": [[name, decoded value], ...], "defects": [text, ...],
     "tree": part}
    part = {"type", "charset", "params": {name: value}, "disposition",
            "filename", "content" (a text) or "bytes" (base64),
            "parts": [part, ...]}
"""

import base64
import email
import email.policy
import json
import sys


def describe(part, defects):
    """A part and those in it."""
    defects.extend(repr(defect) for defect in part.defects)
    for header in part.values():
        defects.extend(repr(defect) for defect in header.defects)
    result = {"type": part.get_content_type()}
    if part.is_multipart():
        result["parts"] = [describe(each, defects)
                           for each in part.iter_parts()]
        return result
    content_type = part["content-type"]
    result["charset"] = part.get_content_charset()
    result["params"] = dict(content_type.params) if content_type else {}
    result["disposition"] = part.get_content_disposition()
    result["filename"] = part.get_filename()
    content = part.get_payload(decode=True)
    result["bytes"] = base64.b64encode(content).decode("ascii")
    if part.get_content_maintype() == "text":
        result["content"] = content.decode("utf-8").replace("\r\n", "\n")
    return result


def main():
    """Parses the file named by the argument."""
    with open(sys.argv[1], "rb") as file:
        message = email.message_from_binary_file(
            file, policy=email.policy.default)
    defects = []
    tree = describe(message, defects)
    json.dump({"headers": [[name, str(value)]
                           for name, value in message.items()],
               "defects": defects, "tree": tree}, sys.stdout)


if __name__ == "__main__":
    main()
