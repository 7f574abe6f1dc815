#!/usr/bin/env python3
"""Prints what the counters of a build with --coverage say.

    coverage.py BUILD [STRETCHES]

A table of lines by folder, the functions that were never executed, and the
longest stretches of lines that were not, 20 unless told otherwise.
"""

import glob
import json
import os
import subprocess
import sys


def counters(build):
    """Yields what gcov says of each source: its path, lines, functions."""
    notes = sorted(glob.glob(os.path.join(build, 'src', '**', '*.gcno'),
                             recursive=True))
    output = subprocess.run(
        ['gcov', '--json-format', '--stdout'] + notes,
        check=True, capture_output=True, text=True, cwd=build).stdout
    for line in output.splitlines():
        if line.startswith('{'):
            yield from json.loads(line)['files']


def path_of(name):
    """The path from src/ on, or None for what is not the tree's."""
    at = name.rfind('/src/')
    if at < 0 or name.startswith('/usr/'):
        return None
    return name[at + 1:]


def collect(build):
    """Two tables: path -> line -> count, and path -> name -> (line, count)."""
    lines, functions = {}, {}
    for file in counters(build):
        path = path_of(file['file'])
        if path is None:
            continue
        known = lines.setdefault(path, {})
        for line in file['lines']:
            number = line['line_number']
            known[number] = known.get(number, 0) + line['count']
        known = functions.setdefault(path, {})
        for function in file['functions']:
            name = function['name']
            count = known.get(name, (0, 0))[1]
            known[name] = (function['start_line'],
                           count + function['execution_count'])
    return lines, functions


def print_table(lines):
    """Lines executed, by folder and in all."""
    folders = {}
    for path, known in lines.items():
        row = folders.setdefault(os.path.dirname(path), [0, 0])
        row[0] += sum(1 for count in known.values() if count)
        row[1] += len(known)
    folders['total'] = [sum(row[i] for row in folders.values())
                        for i in (0, 1)]
    for folder, (done, number) in sorted(folders.items(), key=lambda item: (
            item[0] == 'total', item[0])):
        print('%-20s %6d of %6d lines  %5.1f %%'
              % (folder, done, number, 100.0 * done / max(number, 1)))


def stretches(lines):
    """(length, path, first, last) of what lies between executed lines."""
    for path, known in lines.items():
        run = []
        for number in sorted(known) + [None]:
            if number is not None and known[number] == 0:
                run.append(number)
            elif run:
                yield len(run), path, run[0], run[-1]
                run = []


def main():
    lines, functions = collect(sys.argv[1])
    number = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    print('\nNever executed:')
    for path in sorted(functions):
        for name, (line, count) in sorted(functions[path].items(),
                                          key=lambda item: item[1]):
            if count == 0:
                print('%s:%d: %s' % (path, line, name))
    print('\nThe longest stretches that were not executed:')
    for length, path, first, last in sorted(
            stretches(lines), key=lambda s: (-s[0], s[1:]))[:number]:
        print('%s:%d: %d lines, to line %d' % (path, first, length, last))
    print()
    print_table(lines)


if __name__ == '__main__':
    main()
