#!/usr/bin/env python3
"""Prints the words of the documents that the dictionary does not have.

	spelling.py TOP WORDS FILE...

The dictionary is the British one of hunspell, which has -ize and -ise.  WORDS
is a file of words that it lacks and that are right, one a line; # begins a
remark.  Code, in fences or in backticks, addresses, HTML and
Arabic words are left out.
"""

import os
import re
import subprocess
import sys

DICTIONARY = 'en_GB'
CODE = re.compile(r'`[^`]*`|\]\([^)]*\)|<[^>]*>|https?://\S+'
				  r'|[\u0600-\u06ff]+|\b\w*\d\w*\b|\b[\w.-]+@[\w.-]+|\S*[_/\\=@$]\S*|\S*\w\.\w\S*')


def blank(match):
	return ' ' * len(match.group())


def prose(text):
	"""The lines of a document, with blanks for what is no prose."""
	text = re.sub(r'<!--.*?-->', lambda m: re.sub(
		r'[^\n]', ' ', m.group()), text, flags=re.S)
	text = re.sub(r'^ *(```|~~~).*?^ *\1', lambda m: re.sub(
		r'[^\n]', ' ', m.group()), text, flags=re.S | re.M)
	text = re.sub(r'`[^`\n]*(\n[^`\n]+)?`', lambda m: re.sub(
		r'[^\n]', ' ', m.group()), text)
	text = re.sub(r"['’]s?\b(?!\w)", '  ', text)
	return [CODE.sub(blank, line) for line in text.split('\n')]


def unknown(lines):
	"""Yields (line, word) of each word that hunspell does not know."""
	fed = ''.join('^%s\n' % line for line in lines)
	output = subprocess.run(
		['hunspell', '-a', '-i', 'utf-8', '-d', DICTIONARY], input=fed,
		check=True, capture_output=True, text=True).stdout
	at = 1
	for answer in output.split('\n')[1:]:
		if answer == '':
			at += 1
		elif answer[0] in '&#':
			yield at, answer.split()[1]


def right(path):
	"""The words of the list."""
	with open(path, encoding='utf-8') as f:
		return {line.split('#')[0].strip() for line in f}


def main():
	top, words, paths = sys.argv[1], right(sys.argv[2]), sys.argv[3:]
	bad = 0
	for path in paths:
		with open(os.path.join(top, path), encoding='utf-8') as f:
			lines = prose(f.read())
		for at, word in unknown(lines):
			if word not in words and word.lower() not in words:
				print('%s:%d: unknown word: %s' % (path, at, word))
				bad = 1
	sys.exit(bad)


if __name__ == '__main__':
	main()
