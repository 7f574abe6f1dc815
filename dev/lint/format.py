#!/usr/bin/env python3
"""Prints where the C of src/ and console/ is not formatted as PostgreSQL's.

	format.py TOP

What pgindent would do is known only in part: white space, columns, braces,
comments, the name of a function at the beginning of its line, the order of
the includes and the guard of a header.
"""

import os
import re
import sys

import source

COLUMNS = 79
KEYWORD = re.compile(r'\s*(if|for|while|switch|else|do)\b')


def columns(line):
	"""The width of a line, with tabs of 4."""
	return len(line.expandtabs(4))


def check_white_space(text):
	"""Blanks, tabs, line ends, empty lines, the end of the file."""
	lines = text.split('\n')
	if lines[-1] != '':
		yield len(lines), 'no newline at the end of the file'
	elif len(lines) > 1 and lines[-2] == '':
		yield len(lines) - 1, 'an empty line at the end of the file'
	for at, line in enumerate(lines, 1):
		if '\r' in line:
			yield at, 'a carriage return'
		elif line != line.rstrip():
			yield at, 'blanks at the end of the line'
		if line == '' and at > 1 and lines[at - 2] == '' and at < len(lines):
			yield at, 'a second empty line'


def check_indent(text, bare):
	"""Lines begin with tabs, and with fewer blanks than a tab has."""
	inside = False
	for at, (line, code) in enumerate(zip(text.split('\n'),
										  bare.split('\n')), 1):
		if code.strip() and not inside:
			if not re.match(r'\t* {0,3}(?! )(?!\t)', line):
				yield at, 'blanks where a tab belongs'
			if ' \t' in code.rstrip() and ' \t' in line[:len(code.rstrip())]:
				yield at, 'a blank before a tab'
		inside = code.endswith('\\')


def check_columns(text, bare):
	"""79 columns, but for what would split a string."""
	for at, (line, code) in enumerate(zip(text.split('\n'),
										  bare.split('\n')), 1):
		if columns(line) > COLUMNS and '"' not in code:
			yield at, '%d columns, and %d is the limit' % (columns(line),
														   COLUMNS)


def check_comments(text):
	"""No comment to the end of the line."""
	for match in source.TOKEN.finditer(text):
		if match.group().startswith('//'):
			yield text.count('\n', 0, match.start()) + 1, \
				'a comment of // instead of /* */'


def check_braces(bare):
	"""A brace has a line of its own, but for values; keywords a blank."""
	inside = False
	for at, code in enumerate(bare.split('\n'), 1):
		macro = inside or code.lstrip().startswith('#')
		inside = code.endswith('\\') and macro
		if macro:
			continue
		line = code.strip()
		if line.endswith('{') and line != '{' and (
				KEYWORD.match(code) or
				re.match(r'(typedef )?(static )?(struct|union|enum)\b[^=]*$',
						 line) or
				re.match(r'\S.*\)\s*\{$', code)):
			yield at, 'a brace that opens a block needs its own line'
		if re.match(r'\}\s*else\b', line):
			yield at, 'a brace that closes a block needs its own line'
		if re.search(r'\b(if|for|while|switch)\(', code):
			yield at, 'a blank is missing after the keyword'


def check_functions(bare):
	"""The name of a function begins its line, after that of its type."""
	lines = bare.split('\n')
	for at, line in enumerate(lines, 1):
		if line.rstrip() == '{' and at > 1:
			start = at - 2
			while start > 0 and re.match(r'\s', lines[start]):
				start -= 1
			if re.match(r'(?!typedef|struct|enum|union)\w[\w \t*]*[ \t*]\w+\(',
						lines[start]):
				yield start + 1, 'the type of the function needs its own line'


def include_lines(text):
	"""(line, name with its quotes) of each include."""
	for at, line in enumerate(text.split('\n'), 1):
		match = re.match(r'#include\s+(["<][^">]+[">])', line)
		if match:
			yield at, match.group(1)


def check_includes(path, text):
	"""postgres.h, compat.h, then the system's, then the others, sorted.  The
	console has no part of the server, and of each .c its own header first."""
	lines = text.split('\n')
	includes = list(include_lines(text))
	names = [name for _, name in includes]
	head = ['"postgres.h"', '"compat.h"']
	if path.startswith('console/'):
		head = []
		own = '"%s.h"' % os.path.basename(path)[:-2]
		if names[:1] == [own]:
			del includes[0]
	elif path.endswith('.c'):
		if names[:2] != head:
			yield includes[0][0] if includes else 1, \
				'the first includes must be postgres.h and compat.h'
			return
	elif path.endswith('compat.h'):
		return
	rest = [(at, name) for at, name in includes if name not in head]
	kinds = [name[0] for _, name in rest]
	if kinds != sorted(kinds, key='<"'.index):
		yield rest[0][0], 'the headers of the system come before the others'
		return
	last = None
	for at, name in rest:
		if lines[at - 2].startswith('#if'):
			continue
		if last and last[0] == name[0] and last >= name:
			yield at, 'the includes are not sorted: %s' % name
		begins = path.endswith('.c') if last is None else last[0] != name[0]
		if begins and lines[at - 2].strip():
			yield at, 'an empty line is missing before %s' % name
		last = name


def check_guard(path, text):
	"""A header is guarded by WF_ and its name."""
	name = os.path.basename(path)[:-2].upper()
	match = re.search(r'^#ifndef (\w+)\n#define (\w+)$', text, re.M)
	wanted = 'WF_%s_H' % name
	if not match or match.group(1) != match.group(2):
		yield 1, 'the header has no guard'
	elif match.group(1) != wanted:
		yield text.count('\n', 0, match.start()) + 1, \
			'the guard is %s, and the name of the file asks for %s' % (
				match.group(1), wanted)
	elif not re.search(r'^#endif\b.*\n\Z', text, re.M):
		yield text.count('\n'), 'the guard does not end the header'


def check(path, text):
	"""All findings of a file: (line, what)."""
	bare = source.bare(text)
	yield from check_white_space(text)
	yield from check_indent(text, bare)
	yield from check_columns(text, bare)
	yield from check_comments(text)
	yield from check_braces(bare)
	yield from check_functions(bare)
	yield from check_includes(path, text)
	if path.endswith('.h'):
		yield from check_guard(path, text)


def main():
	top = sys.argv[1]
	bad = 0
	for path in source.c_files(top, source.ALL):
		for line, what in sorted(check(path, source.read(top, path))):
			print('%s:%d: %s' % (path, line, what))
			bad = 1
	sys.exit(bad)


if __name__ == '__main__':
	main()
