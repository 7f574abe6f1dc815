#!/usr/bin/env python3
"""Prints each file of src/ and console/ of more than 500 lines and each function of more
than 60, counted from its name to its closing brace.

	sizes.py TOP
"""

import sys

import source

FILE_LINES = 500
FUNCTION_LINES = 60


def main():
	top = sys.argv[1]
	bad = 0
	for path in source.c_files(top, source.ALL):
		text = source.read(top, path)
		count = text.count('\n')
		if count > FILE_LINES:
			print('%s:%d: the file has %d lines, and %d is the limit'
				  % (path, FILE_LINES + 1, count, FILE_LINES))
			bad = 1
		for name, first, last in source.functions(text):
			if last - first + 1 > FUNCTION_LINES:
				print('%s:%d: %s has %d lines, and %d is the limit'
					  % (path, first, name, last - first + 1,
						 FUNCTION_LINES))
				bad = 1
	sys.exit(bad)


if __name__ == '__main__':
	main()
