#!/usr/bin/env python3
"""report.py RAW FIGURES: from what was measured to what it says.

RAW has a line for each figure, disk and repetition; FIGURES is written with
the median, the least and the most of each.  The ratios that must be reached
are printed in one table, computed repetition by repetition: what is compared
was measured within minutes of each other.
"""

import csv
import statistics
import sys
from collections import defaultdict

REAL, SLOW = "real", "slow"
DISKS = {REAL: "as it is", SLOW: "1 ms flush"}


class Raw:
    """values[part, figure, disk]: a list, by repetition."""

    def __init__(self, path):
        self.values = defaultdict(list)
        self.units = {}
        with open(path, newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                key = row["part"], row["figure"], row["disk"]
                self.values[key].append(float(row["value"]))
                self.units[key] = row["unit"]

    def of(self, part, figure, disk):
        return self.values.get((part, figure, disk), [])

    def write(self, path):
        with open(path, "w", newline="", encoding="utf-8") as file:
            out = csv.writer(file, lineterminator="\n")
            out.writerow(["part", "figure", "disk", "unit", "median", "least",
                          "most", "repetitions"])
            for key, values in self.values.items():
                out.writerow([*key, self.units[key], short(median(values)),
                              short(min(values)), short(max(values)),
                              len(values)])


def median(values):
    """One that was measured."""
    return statistics.median_low(values)


def short(number):
    """Four digits that mean something."""
    if number == 0 or abs(number) >= 1000:
        return f"{number:.0f}"
    return f"{number:.4g}"


def workers(count, word="worker"):
    plural = {"process": "processes"}.get(word, word + "s")
    return f"{count} {word if count == 1 else plural}"


class Bars:
    """The table: what, where, what was reached, what must be."""

    def __init__(self, raw):
        self.raw = raw
        self.rows = []

    def add(self, what, disk, values, sign, limit, unit=""):
        if not values:
            return
        middle = median(values)
        met = middle >= limit if sign == ">=" else middle <= limit
        reached = short(middle)
        if len(values) > 1:
            reached += f" [{short(min(values))} - {short(max(values))}]"
        self.rows.append((what, DISKS.get(disk, disk), reached + unit,
                          f"{sign} {limit:g}{unit}",
                          "met" if met else "NOT MET"))

    def plain(self, what, part, figure, sign, limit, unit=""):
        for disk in DISKS:
            self.add(what, disk, self.raw.of(part, figure, disk), sign, limit,
                     unit)

    def ratio(self, what, part, above, below, sign, limit):
        for disk in DISKS:
            self.add(what, disk, divide(self.raw.of(part, above, disk),
                                        self.raw.of(part, below, disk)),
                     sign, limit)

    def of_disks(self, what, part, figure, sign, limit):
        self.add(what, "slow / real", divide(self.raw.of(part, figure, SLOW),
                                             self.raw.of(part, figure, REAL)),
                 sign, limit)

    def show(self):
        table(("what", "disk", "reached", "target", ""), self.rows)
        missed = sum(row[-1] != "met" for row in self.rows)
        print(f"\n{len(self.rows) - missed} of {len(self.rows)} met")


def table(head, rows):
    rows = [head] + rows
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    rows.insert(1, tuple("-" * width for width in widths))
    for row in rows:
        print("| " + " | ".join(cell.ljust(width) for cell, width
                                in zip(row, widths)) + " |")
    print()


# who works, its figure, and what is there to be read of each job afterwards
BESIDE = [
    ("workflow_engine", "one step, {workers}",
     "payload, and of each step input, output, status, attempts, times"),
    ("graphile-worker", "graphile-worker, {processes}",
     "nothing: the row is deleted"),
    ("pg-boss, one UPDATE for 100 jobs", "pg-boss, {processes}",
     "payload, state, times, one output"),
    ("pg-boss", "pg-boss, UPDATE by UPDATE, {processes}",
     "payload, state, times, one output"),
    ("PL/pgSQL loop, one UPDATE for 100", "bound, {processes}",
     "state, a time"),
    ("PL/pgSQL loop", "bound, UPDATE by UPDATE, {processes}",
     "state, a time"),
]


def beside(raw):
    """The systems that do the same, with what they cost and record."""
    rows = []
    for n in (1, 2):
        names = {"workers": workers(n), "processes": workers(n, "process")}
        for who, figure, records in BESIDE:
            rows += row_of(raw, n, who, figure.format(**names), records)
    if rows:
        table(("an UPDATE per job", "processes",
               *(f"per s, {disk}" for disk in DISKS.values()), "CPU us",
               "WAL bytes",
               "WAL flushes", "recorded per job"), rows)


def row_of(raw, n, who, figure, records):
    cells = []
    for suffix, disks in (("", DISKS), (": CPU", [REAL]), (": WAL", [REAL]),
                          (": WAL flushes", [REAL])):
        for disk in disks:
            values = (raw.of("drain", figure + suffix, disk) or
                      raw.of("drain", f"{figure}{suffix} of the workers",
                             disk))
            cells.append(short(median(values)) if values else "")
    return [(who, str(n), *cells, records)] if any(cells) else []


def divide(above, below):
    return [a / b for a, b in zip(above, below) if b]


def fire(bars):
    for clients in (1, 8, 32):
        bars.ratio(f"fire / bare INSERT, {workers(clients, 'client')}", "fire",
                   f"fire, {workers(clients, 'client')}",
                   f"bare, {workers(clients, 'client')}",
                   ">=", 0.80)
    bars.ratio("INSERT with the statement trigger / without, time", "fire",
               "bulk, statement trigger", "bulk, plain", "<=", 2.5)


def drain(bars):
    for n in (1, 2):
        ours = f"one step, {workers(n)}"
        bars.ratio(f"drain / graphile-worker, {workers(n)}", "drain", ours,
                   f"graphile-worker, {workers(n, 'process')}", ">=", 2.5)
        for bound in ("bound", "bound, UPDATE by UPDATE"):
            bars.ratio(f"drain / {bound}, {workers(n)}", "drain", ours,
                       f"{bound}, {workers(n, 'process')}", ">=", 0.50)
        bars.of_disks(f"drain at a 1 ms flush / as it is, {workers(n)}",
                      "drain", ours, ">=", 0.90)
        bars.plain(f"drain, WAL flushes per run, {workers(n)}", "drain",
                   ours + ": WAL flushes", "<=", 0.02)
        bars.plain(f"drain, WAL per run, {workers(n)}", "drain",
                   ours + ": WAL", "<=", 2500, " bytes")
        bars.ratio(f"three native steps / one, {workers(n)}", "drain",
                   f"three native steps, {workers(n)}", ours, ">=", 0.45)


def latency(bars):
    figure = "commit to first step begun"
    bars.plain("latency to first step, p50", "latency", figure + ": p50",
               "<=", 0.5, " ms")
    bars.plain("latency to first step, p99", "latency", figure + ": p99",
               "<=", 3, " ms")


def outbound(bars):
    for disk in DISKS:
        rates = bars.raw.of("outbound", "100 ms", disk)
        bars.add("outbound, 100 ms, of 10,000/s", disk,
                 [rate / 10000 for rate in rates], ">=", 0.90)
    bars.plain("outbound, 100 ms, CPU of the workers", "outbound",
               "100 ms: CPU of the workers", "<=", 60, " us")


def growth(bars):
    bars.ratio("drain with an old snapshot held / without", "growth",
               "snapshot held, all", "no snapshot held", ">=", 0.80)
    figures = {figure for part, figure, _ in bars.raw.values
               if part == "growth" and figure.endswith(" ended")}
    most = max((int(figure.split()[0]) for figure in figures), default=0)
    if most > 0:
        bars.ratio(f"drain beside {most:,} ended runs / none", "growth",
                   f"{most} ended", "0 ended", ">=", 0.80)


def fairness(bars):
    for what in ("backlog", "backlog of slow requests",
                 "backlog, 1000 tenants fire"):
        bars.ratio(f"{what}: p99 of the others / idle", "fairness",
                   f"{what}: p99", "idle: p99", "<=", 5)
        bars.plain(f"{what}: p99 of the others", "fairness", f"{what}: p99",
                   "<=", 20, " ms")


def rest(bars):
    bars.add("idle, CPU of a worker", "-",
             bars.raw.of("rest", "idle, CPU of a worker", REAL), "<=", 0.1,
             " %")
    memory = [values for (part, figure, _), values in bars.raw.values.items()
              if part == "rest" and figure.startswith("memory")]
    if len(memory) == 2:
        bars.add("memory of a worker, all runs / the first tenth", "-",
                 divide(memory[1], memory[0]), "<=", 1.05)


def main():
    raw = Raw(sys.argv[1])
    raw.write(sys.argv[2])
    bars = Bars(raw)
    for part in (fire, drain, latency, outbound, growth, fairness, rest):
        part(bars)
    beside(raw)
    bars.show()


if __name__ == "__main__":
    main()
