/*
 * verify.js: signatures checked by the package standardwebhooks.
 *
 * Reads one JSON object a line, {"secret", "headers", "body" (base64)}, and
 * answers each with a line: "valid", or "invalid: " and the package's words.
 * NODE_PATH says where the package is.
 */
"use strict";

const readline = require("readline");
const { Webhook } = require("standardwebhooks");

function verdict({ secret, headers, body }) {
  try {
    new Webhook(secret).verify(Buffer.from(body, "base64").toString(), headers);
  } catch (error) {
    /* the signature is checked first, then the body is read as JSON */
    return error instanceof SyntaxError ? "valid" : "invalid: " + error.message;
  }
  return "valid";
}

readline
  .createInterface({ input: process.stdin })
  .on("line", (line) => console.log(verdict(JSON.parse(line))));
