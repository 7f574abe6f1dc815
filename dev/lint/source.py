"""C as the checks read it: text without comments and strings, functions."""

import os
import re

TOKEN = re.compile(r"""
	/\*.*?\*/				# a comment
	| //[^\n]*				# one that has no place here
	| "(?:\\.|[^"\\\n])*"	# a string
	| '(?:\\.|[^'\\\n])*'	# a character
""", re.S | re.X)


# Where C is: that of the server, and that of the console.
SERVER = ('src',)
ALL = ('src', 'console/src', 'console/test')


def c_files(top, below=SERVER):
	"""Paths of the .c and .h of folders, from TOP on, sorted."""
	found = []
	for each in below:
		for folder, _, names in os.walk(os.path.join(top, each)):
			for name in names:
				if name.endswith(('.c', '.h')):
					path = os.path.join(folder, name)
					found.append(os.path.relpath(path, top))
	return sorted(found)


def read(top, path):
	"""The text of a file, as UTF-8 has it, line ends untouched."""
	with open(os.path.join(top, path), encoding='utf-8', newline='') as f:
		return f.read()


def _blank(match):
	text = match.group()
	if text[0] in '"\'':
		return text[0] + 'x' * (len(text) - 2) + text[0]
	return re.sub(r'[^\n]', ' ', text)


def bare(text):
	"""The text with blanks for comments and x for what strings hold."""
	return TOKEN.sub(_blank, text)


def functions(text):
	"""Yields (name, first line, last line) of each function, from the line
	of its name to its closing brace.  Reads what pgindent has formatted."""
	lines = bare(text).split('\n')
	for at, line in enumerate(lines):
		if line.rstrip() != '{':
			continue
		start = at - 1
		while start > 0 and re.match(r'[\s)]', lines[start]):
			start -= 1
		name = re.match(r'(?:.*[\s*])?(\w+)\(', lines[start])
		if name and not lines[start].lstrip().startswith('#'):
			end = at
			while end < len(lines) and lines[end].rstrip() != '}':
				end += 1
			yield name.group(1), start + 1, end + 1
