#!/usr/bin/env python3
"""Prints each script of a released version that was changed, is gone or has no
checksum, and each version of CHANGELOG.md to which no script leads.

	released.py TOP
	released.py --write TOP		adds the checksums of what is released now

The checksums are in sql/released.sha256, in the form of sha256sum.  A version
is released if CHANGELOG.md gives it a date: "## 1.0 (2026-01-31)".
"""

import hashlib
import json
import os
import re
import sys

SUMS = 'sql/released.sha256'


def read(top, path):
	with open(os.path.join(top, path), encoding='utf-8') as file:
		return file.read()


def sums_of(top):
	"""{name of a script: its checksum}"""
	if not os.path.exists(os.path.join(top, SUMS)):
		return {}
	lines = read(top, SUMS).splitlines()
	return {name: value for value, name in (line.split() for line in lines)}


def checksum(top, name):
	with open(os.path.join(top, 'sql', name), 'rb') as file:
		return hashlib.sha256(file.read()).hexdigest()


def scripts_of(top):
	"""{name: the version to which it leads}"""
	found = {}
	for name in sorted(os.listdir(os.path.join(top, 'sql'))):
		match = re.fullmatch(r'workflow_engine--(?:.*--)?(.*)\.sql', name)
		if match:
			found[name] = match.group(1)
	return found


def versions_of(top):
	"""[(version, state, line)], the newest first"""
	if not os.path.exists(os.path.join(top, 'CHANGELOG.md')):
		return []
	return [(match.group(1), match.group(2), number)
			for number, line in enumerate(
				read(top, 'CHANGELOG.md').splitlines(), 1)
			for match in [re.fullmatch(r'## (\S+) \((.*)\)', line)] if match]


def is_released(state):
	return re.fullmatch(r'\d{4}-\d\d-\d\d', state) is not None


def findings_of(top):
	found = []
	sums = sums_of(top)
	scripts = scripts_of(top)
	versions = versions_of(top)
	for name, value in sums.items():
		if name not in scripts:
			found.append('sql/%s:1: it was released, and is gone' % name)
		elif checksum(top, name) != value:
			found.append('sql/%s:1: it was released and must not change: '
						 'write an upgrade script' % name)
	for version, state, line in versions:
		leading = [name for name in scripts if scripts[name] == version]
		if not is_released(state) and state != 'unreleased':
			found.append('CHANGELOG.md:%d: "%s" is neither a date nor '
						 '"unreleased"' % (line, state))
		if not leading:
			found.append('CHANGELOG.md:%d: no script leads to version %s'
						 % (line, version))
		if is_released(state):
			found.extend('sql/%s:1: it is released and has no checksum: '
						 'make release-sum' % name
						 for name in leading if name not in sums)
	return found


def write(top):
	versions = versions_of(top)
	newest, state, _ = versions[0]
	if not is_released(state):
		sys.exit('CHANGELOG.md: give version %s the date of its release first'
				 % newest)
	if json.loads(read(top, 'META.json'))['release_status'] != 'stable':
		sys.exit('META.json: release_status is to be "stable"')
	sums = sums_of(top)
	for name, version in scripts_of(top).items():
		if version in [v for v, state, _ in versions if is_released(state)]:
			sums.setdefault(name, checksum(top, name))
	with open(os.path.join(top, SUMS), 'w', encoding='utf-8') as file:
		for name in sorted(sums):
			file.write('%s  %s\n' % (sums[name], name))


def main():
	if sys.argv[1] == '--write':
		write(sys.argv[2])
		top = sys.argv[2]
	else:
		top = sys.argv[1]
	found = findings_of(top)
	for line in found:
		print(line)
	sys.exit(1 if found else 0)


if __name__ == '__main__':
	main()
