#!/bin/sh
#
# Makes versions of the extension for tests, beside the released ones:
#
#	NEXT		the newest version and ".1test": by next.sql
#	NEXT-BLOCK	the same, but for that block of next.sql, which is forgotten
#
#	make.sh FOLDER SHAREDIR [default]
#
# The scripts are put where a server looks for them whose extension_destdir is
# FOLDER (18: whose extension_control_path has FOLDER and SHAREDIR).  With
# "default" NEXT is the version that CREATE EXTENSION installs.  Prints NEXT.

set -eu
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
to=$1$2/extension
name=workflow_engine
newest=$(sed -n "s/^default_version = '\(.*\)'$/\1/p" "$top/$name.control")
next=$newest.1test

# The script without the blocks of that name.
without()
{
	awk -v name="--: $1" '/^--: / { skip = $0 == name } !skip' "$here/next.sql"
}

mkdir -p "$to"
cp "$top/sql/$name"--*.sql "$to"
sed "s/^\(default_version = \).*/\1'$([ "${3-}" = default ] && echo "$next" ||
	echo "$newest")'/" "$top/$name.control" >"$to/$name.control"
without nothing >"$to/$name--$newest--$next.sql"
sed -n 's/^--: //p' "$here/next.sql" | grep -vx always | while read -r block
do
	version=$next-$(echo "$block" | tr ' ' '_')
	without "$block" >"$to/$name--$newest--$version.sql"
done
echo "$next"
