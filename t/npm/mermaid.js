/*
 * mermaid.js: flowcharts read and rendered by the package mermaid.
 *
 * Reads one JSON string a line, a diagram, and answers each with a line of
 * JSON: {"nodes": [[id, class, text], ...]}, or {"error": the package's words}.
 * mermaid draws in a browser's document; jsdom is one without a browser, which
 * lays nothing out: sizes of texts are made up.  NODE_PATH says where the
 * packages are.
 */
"use strict";

const path = require("path");
const readline = require("readline");
const { pathToFileURL } = require("url");
const { JSDOM } = require("jsdom");

const GLOBALS = [
  "Element", "SVGElement", "HTMLElement", "Node", "NodeFilter", "DOMParser",
  "XMLSerializer", "MutationObserver", "getComputedStyle", "CSSStyleSheet",
  "DocumentFragment", "HTMLTemplateElement", "NamedNodeMap", "Text", "Comment",
];

function makeDocument() {
  const { window } = new JSDOM("<body></body>", { pretendToBeVisual: true });
  const width = (element) => 8 * (element.textContent || "").length;

  globalThis.window = window;
  globalThis.document = window.document;
  for (const name of GLOBALS)
    if (!(name in globalThis) && window[name]) globalThis[name] = window[name];
  window.SVGElement.prototype.getBBox = function () {
    return { x: 0, y: 0, width: width(this), height: 16 };
  };
  window.SVGElement.prototype.getComputedTextLength = function () {
    return width(this);
  };
}

/* "d-flowchart-s0-1" is node s0 */
function nodesOf(svg) {
  const found = new JSDOM(svg).window.document.querySelectorAll(".node");

  return [...found].map((node) => [
    node.id.replace(/^.*flowchart-(\w+)-\d+$/, "$1"),
    node.getAttribute("class"),
    node.textContent,
  ]);
}

async function main() {
  const file = path.join(process.env.NODE_PATH, "mermaid/dist/mermaid.core.mjs");

  makeDocument();
  const mermaid = (await import(pathToFileURL(file))).default;
  mermaid.initialize({
    startOnLoad: false,
    securityLevel: "strict",
    htmlLabels: false,
    flowchart: { htmlLabels: false },
  });
  for await (const line of readline.createInterface({ input: process.stdin })) {
    let answer;

    try {
      const text = JSON.parse(line);

      await mermaid.parse(text);
      answer = { nodes: nodesOf((await mermaid.render("d", text)).svg) };
    } catch (error) {
      answer = { error: String(error.message || error) };
    }
    console.log(JSON.stringify(answer));
  }
}

main();
