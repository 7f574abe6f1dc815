#!/usr/bin/env python3
"""chart.py FIGURES: an SVG of how fast runs are worked off, and beside whom.

Reads what report.py wrote; prints the picture.  One panel a disk, one bar a
system: the median, with a thin line from the least to the most.
"""

import csv
import sys
from html import escape

BARS = [
    ("workflow_engine", "one step, 2 workers", "ours",
     "every step with its input, output and times, found by payload"),
    ("graphile-worker", "graphile-worker, 2 processes", "peer",
     "nothing: jobs are deleted"),
    ("pg-boss", "pg-boss, UPDATE by UPDATE, 2 processes", "peer",
     "state, times, one output"),
    ("bare PL/pgSQL loop", "bound, UPDATE by UPDATE, 2 processes", "bound",
     "state and a time; nothing may fail or differ"),
]
PANELS = [("real", "Disk as it is"), ("slow", "Each WAL flush takes 1 ms")]
WIDTH, LEFT, RIGHT = 760, 170, 90
TOP, BAR, GAP, PANEL_GAP, HEAD = 64, 22, 22, 34, 30
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-size: 16px; font-weight: 600 }
  .small { font-size: 11px; fill: #59636e }
  .ours { fill: #1a7f37 } .peer { fill: #8c959f } .bound { fill: #d0d7de }
  .range { stroke: #1f2328; stroke-width: 1 }
  .axis { stroke: #d0d7de }
  .back { fill: #ffffff }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .small { fill: #9198a1 }
    .ours { fill: #3fb950 } .peer { fill: #768390 } .bound { fill: #444c56 }
    .range { stroke: #e6edf3 } .axis { stroke: #3d444d }
    .back { fill: #0d1117 }
  }
"""


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        return {(row["figure"], row["disk"]):
                [float(row[c]) for c in ("median", "least", "most")]
                for row in csv.DictReader(file) if row["part"] == "drain"}


def text(x, y, words, kind="", anchor="start"):
    return (f'<text x="{x:.0f}" y="{y:.0f}" class="{kind}" '
            f'text-anchor="{anchor}">{escape(words)}</text>')


def bar(y, label, kind, note, values, scale):
    middle, least, most = values
    center = y + BAR / 2
    return [
        text(LEFT - 10, center + 5, label, anchor="end"),
        f'<rect x="{LEFT}" y="{y}" width="{middle * scale:.1f}" '
        f'height="{BAR}" rx="3" class="{kind}"/>',
        f'<path d="M{LEFT + least * scale:.1f} {center} '
        f'H{LEFT + most * scale:.1f}" class="range"/>',
        text(LEFT + max(middle, most) * scale + 8, center + 5,
             f"{middle:,.0f}"),
        text(LEFT + 2, y + BAR + 13, "keeps " + note, "small"),
    ]


def panel(y, title, disk, figures, scale):
    parts = [text(LEFT, y + 14, title, "small")]
    y += HEAD
    for label, figure, kind, note in BARS:
        if (figure, disk) not in figures:
            continue
        parts += bar(y, label, kind, note, figures[figure, disk], scale)
        y += BAR + GAP
    return parts, y


def draw(figures):
    most = max(values[2] for (figure, _), values in figures.items()
               if figure in [row[1] for row in BARS])
    scale = (WIDTH - LEFT - RIGHT) / most
    y = TOP
    parts = [
        text(20, 30, "Queued runs worked off per second, one UPDATE each",
             "title"),
        text(20, 50, "two processes that work, on one machine with the "
             "server; fsync and synchronous_commit on", "small"),
    ]
    for disk, title in PANELS:
        if not any(key[1] == disk for key in figures):
            continue
        more, y = panel(y, title, disk, figures, scale)
        parts += more
        y += PANEL_GAP - GAP
    return parts, y


def main():
    figures = read(sys.argv[1])
    if not figures:
        return
    parts, height = draw(figures)
    print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" '
          f'height="{height:.0f}" viewBox="0 0 {WIDTH} {height:.0f}" '
          'role="img" aria-label="Runs per second beside other queues">')
    print(f"<style>{STYLE}</style>")
    print('<rect width="100%" height="100%" class="back"/>')
    print("\n".join(parts))
    print("</svg>")


if __name__ == "__main__":
    main()
