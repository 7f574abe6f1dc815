#!/usr/bin/env python3
"""Prints the circles between the files of src/, one line a circle.

	circles.py TOP BUILD [--all]

There are two kinds.  A .c depends on another .c if its object needs a function
or a variable that the other's object defines (nm says so).  A header depends
on another header if it includes it.  A .c that includes a header depends on
nothing by that: it may take a type of it, and what it calls is seen in its
object.  So x_internal.h may include x.h, and x.c both.
What is called through a pointer is not seen.

A circle is a set of files each of which depends on each other, directly or
through others; the line says why for one way around.  --all prints every
dependency within the circles.

TOP has src/, BUILD the objects of its files.  Exits 1 if there is a circle.
"""

import os
import re
import subprocess
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.M)


def sources(top):
	"""Paths of the .c and .h of src/, from src/ on."""
	src = os.path.join(top, 'src')
	for folder, _, names in os.walk(src):
		for name in sorted(names):
			if name.endswith(('.c', '.h')):
				yield os.path.relpath(os.path.join(folder, name), src)


def symbols(objects):
	"""For each object: the symbols it defines for others, and it needs."""
	output = subprocess.run(['nm', '-A', '--format=posix'] + objects,
							check=True, capture_output=True,
							text=True).stdout
	defined, needed = {}, {}
	for line in output.splitlines():
		path, name, kind = re.match(r'(.*): (\S+) (\S)', line).groups()
		if kind == 'U':
			needed.setdefault(path, set()).add(name)
		elif kind.isupper():
			defined[name] = path
	return defined, needed


def includes(top, files):
	"""Yields (header, header, reason) for each include in a header."""
	for path in files:
		if path.endswith('.h'):
			with open(os.path.join(top, 'src', path), encoding='utf-8') as f:
				text = f.read()
			for name in INCLUDE.findall(text):
				if name in files:
					yield path, name, '%s includes %s' % (path, name)


def uses(build, files):
	"""Yields (.c, .c, reason) for each symbol that another defines."""
	objects = {}
	for path in files:
		if path.endswith('.c'):
			objects[os.path.join(build, 'src', path[:-2] + '.o')] = path
	defined, needed = symbols(sorted(objects))
	for user, names in sorted(needed.items()):
		for name in sorted(names & defined.keys()):
			yield objects[user], objects[defined[name]], \
				'%s uses %s' % (objects[user], name)


def circles(graph):
	"""The strongly connected components of more than one node (Tarjan)."""
	index, low, stack, found = {}, {}, [], []

	def visit(node):
		index[node] = low[node] = len(index)
		stack.append(node)
		for other in sorted(graph[node]):
			if other not in index:
				visit(other)
				low[node] = min(low[node], low[other])
			elif other in stack:
				low[node] = min(low[node], index[other])
		if low[node] == index[node]:
			at = stack.index(node)
			if len(stack) - at > 1:
				found.append(sorted(stack[at:]))
			del stack[at:]

	sys.setrecursionlimit(10000)
	for node in sorted(graph):
		if node not in index:
			visit(node)
	return sorted(found)


def way_around(graph, members):
	"""The shortest way from the first of the members back to itself."""
	start = members[0]
	ways = [[start]]
	seen = set()
	while True:
		way = ways.pop(0)
		for other in sorted(graph[way[-1]] & set(members)):
			if other == start:
				return way + [start]
			if other not in seen:
				seen.add(other)
				ways.append(way + [other])


def main():
	top, build = sys.argv[1:3]
	files = set(sources(top))
	graph = {path: set() for path in files}
	reasons = {}
	for kind in (uses(build, files), includes(top, files)):
		for user, used, reason in kind:
			if user != used:
				graph[user].add(used)
				reasons.setdefault((user, used), []).append(reason)

	found = circles(graph)
	for members in found:
		way = way_around(graph, members)
		print('src/%s:1: a circle of %s: %s' % (
			members[0], ' '.join(members),
			'; '.join(reasons[pair][0] for pair in zip(way, way[1:]))))
		if '--all' in sys.argv:
			for user in members:
				for used in sorted(graph[user] & set(members)):
					for reason in reasons[(user, used)]:
						print('\t' + reason)
	sys.exit(1 if found else 0)


if __name__ == '__main__':
	main()
