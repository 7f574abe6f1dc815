#!/usr/bin/env python3
"""Prints what the library exports and should not, and what it lacks.

	exports.py TOP BUILD

It exports what PostgreSQL looks up by name: _PG_init, the magic, the entry
points of background workers that a source names as one, and for each C
function of the install script the function and its pg_finfo_.
"""

import os
import re
import subprocess
import sys

import source

SERVER = {'_PG_init', 'Pg_magic_func'}


def wanted_by_scripts(top):
	"""Names of C functions in the scripts of sql/workflow_engine--*.sql."""
	names = set()
	folder = os.path.join(top, 'sql')
	for name in sorted(os.listdir(folder)):
		if name.startswith('workflow_engine--'):
			with open(os.path.join(folder, name), encoding='utf-8') as f:
				text = f.read()
			for statement in re.split(r'^(?=CREATE\b)', text, flags=re.M):
				names.update(c_function(statement))
	return names


def c_function(statement):
	"""The symbol of the library that a CREATE FUNCTION or CREATE PROCEDURE
	names, as a list."""
	made = re.match(r'CREATE\s+(?:OR\s+REPLACE\s+)?(?:FUNCTION|PROCEDURE)\s+'
					r'(?:@extschema@\.)?(\w+)', statement)
	library = re.search(r"AS\s+'MODULE_PATHNAME'(?:\s*,\s*'(\w+)')?",
						statement)
	if not made or not library:
		return []
	return [library.group(1) or made.group(1)]


def wanted_by_workers(top):
	"""Names that a source gives to a background worker as its function."""
	names = set()
	for path in source.c_files(top):
		text = source.read(top, path)
		names.update(re.findall(r'bgw_function_name,\s*"(\w+)"', text))
		names.update(re.findall(r'"(workflow_engine_\w+_main)"', text))
	return names


def exported(library):
	"""The symbols that the dynamic linker finds in the library."""
	output = subprocess.run(
		['nm', '-D', '--defined-only', '--format=posix', library],
		check=True, capture_output=True, text=True).stdout
	return {line.split()[0] for line in output.splitlines()}


def main():
	top, build = sys.argv[1:3]
	functions = wanted_by_scripts(top)
	wanted = SERVER | wanted_by_workers(top) | functions | \
		{'pg_finfo_' + name for name in functions}
	found = exported(os.path.join(build, 'workflow_engine.so'))
	for name in sorted(found - wanted):
		print('workflow_engine.so:1: exports %s, which nothing looks up'
			  % name)
	for name in sorted(wanted - found):
		print('workflow_engine.so:1: does not export %s' % name)
	sys.exit(1 if found != wanted else 0)


if __name__ == '__main__':
	main()
