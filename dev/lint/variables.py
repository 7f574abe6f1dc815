#!/usr/bin/env python3
"""Compares the variables of src/ that can change with those that are listed.

	variables.py TOP BUILD

src/variables.md has a list, a variable a line: "file: variable - reason" with a
long dash, between the two lines <!-- variables --> and <!-- /variables -->.
Every variable outside of functions, and every static one inside, that the
objects keep in memory which can be written must be in it, and nothing else.
The settings, config/settings*, are left out: each is a variable.
"""

import os
import re
import subprocess
import sys

import source

LIST = 'src/variables.md'
SETTINGS = 'src/config/settings'
ROW = re.compile(r'^- `([^`]+): (\w+)` — (\S.*)$')
# a symbol of objdump -t that is an object in .data*, .bss* or common
SYMBOL = re.compile(r'^\S+ .{7} (\.t?data\S*|\.t?bss\S*|\*COM\*)\s+\S+\s+'
					r'(?:\.hidden )?([\w.]+)$')


def variables_of(build, path):
	"""Names of the variables of a .c that can be written."""
	output = subprocess.run(
		['objdump', '-t', os.path.join(build, path[:-2] + '.o')],
		check=True, capture_output=True, text=True).stdout
	for line in output.splitlines():
		match = SYMBOL.match(line)
		if match and not match.group(1).startswith('.data.rel.ro') and \
				not match.group(2).startswith('.'):
			yield match.group(2).split('.')[0]


def line_of(text, name):
	"""The number of the line that declares a variable."""
	for at, line in enumerate(source.bare(text).split('\n'), 1):
		if re.search(r'\b%s\b' % name, line) and line[0] != '#':
			return at
	return 1


def listed(top):
	"""What the list names: {(file, variable): line}, and its findings."""
	rows, bad = {}, []
	inside = False
	for at, line in enumerate(source.read(top, LIST).split('\n'), 1):
		if line == '<!-- variables -->':
			inside = True
		elif line == '<!-- /variables -->':
			inside = False
		elif inside and line.startswith('- '):
			match = ROW.match(line)
			if match:
				rows[('src/' + match.group(1), match.group(2))] = at
			else:
				bad.append((at, 'not of the form - `file: variable` — reason'))
	return rows, bad


def main():
	top, build = sys.argv[1:3]
	rows, findings = listed(top)
	findings = ['%s:%d: %s' % (LIST, at, what) for at, what in findings]
	found = set()
	for path in source.c_files(top):
		if path.endswith('.c') and not path.startswith(SETTINGS):
			found.update((path, name) for name in variables_of(build, path))
	for path, name in sorted(found - rows.keys()):
		findings.append('%s:%d: the variable %s is not in %s' % (
			path, line_of(source.read(top, path), name), name, LIST))
	for path, name in sorted(rows.keys() - found):
		findings.append('%s:%d: %s has no variable %s that can change' % (
			LIST, rows[(path, name)], path, name))
	for finding in findings:
		print(finding)
	sys.exit(1 if findings else 0)


if __name__ == '__main__':
	main()
