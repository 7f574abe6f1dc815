#!/bin/sh
#
# embed.sh WEB SQL EXAMPLES WORK: prints a C file with the files of WEB, as they are and
# compressed, and the statements of SQL.  The definitions of EXAMPLES (*.json) are served
# as examples/ of WEB.  WORK is a folder for what lies between.
#
# The files of WEB but index.html are served below /a/<hash of all of them>/, and
# @assets@ in index.html becomes that folder.  Takes sh, sed, od, sort, sha256sum
# and gzip: what is built needs nothing else.

set -eu
LC_ALL=C
export LC_ALL

web=$1
sql=$2
examples=$3
work=$4

# The bytes of standard input as numbers with commas.
bytes()
{
	od -An -v -tu1 | sed 's/[0-9][0-9]*/&,/g'
}

type_of()
{
	case $1 in
		*.html) echo 'text/html; charset=utf-8' ;;
		*.js) echo 'text/javascript; charset=utf-8' ;;
		*.css) echo 'text/css; charset=utf-8' ;;
		*.json) echo 'application/json; charset=utf-8' ;;
		*.svg) echo 'image/svg+xml' ;;
		*.png) echo 'image/png' ;;
		*.ico) echo 'image/x-icon' ;;
		*.woff2) echo 'font/woff2' ;;
		*.*)
			case $1 in
				*.txt) echo 'text/plain; charset=utf-8' ;;
				*)
					echo "embed.sh: $1: no type is known for it" >&2
					exit 1
					;;
			esac
			;;
		*) echo 'text/plain; charset=utf-8' ;;
	esac
}

# asset NUMBER FILE PATH
asset()
{
	echo "static const unsigned char raw_$1[] = {"
	bytes <"$2"
	echo "0};"
	echo "static const unsigned char gz_$1[] = {"
	gzip -9nc "$2" | bytes
	echo "0};"
	type=$(type_of "$3")
	echo "{\"$4\", \"$type\", raw_$1, sizeof(raw_$1) - 1, gz_$1," \
		"sizeof(gz_$1) - 1}," >>"$work/table"
}

rm -rf "$work/web"
mkdir -p "$work/web/examples"
cp -R "$web/." "$work/web"
cp "$examples"/*.json "$work/web/examples"
web=$work/web
: >"$work/table"
echo '/* Made by embed.sh; do not edit. */'
echo '#include "embedded.h"'

files=$(cd "$web" && find . -type f ! -name '.*' | sed 's,^\./,,' | sort)
for file in $files
do
	case $file in
		*[!A-Za-z0-9._/-]*)
			echo "embed.sh: $file: a name that no address may have" >&2
			exit 1
			;;
	esac
done
hash=$(cd "$web" && for file in $files; do
	echo "$file"
	cat "$file"
done | sha256sum | cut -c 1-16)

number=0
for file in $files
do
	if [ "$file" = index.html ]
	then
		sed "s,@assets@,/a/$hash,g" "$web/$file" >"$work/index.html"
		asset $number "$work/index.html" index.html /
	else
		asset $number "$web/$file" "$file" "/a/$hash/$file"
	fi
	number=$((number + 1))
done
echo 'const Asset embedded_assets[] = {'
cat "$work/table"
echo '{0}};'

: >"$work/table"
for file in "$sql"/*.sql
do
	name=$(basename "$file" .sql)
	echo "static const unsigned char sql_$name[] = {"
	bytes <"$file"
	echo "0};"
	echo "{\"$name\", (const char *) sql_$name}," >>"$work/table"
done
echo 'const Statement embedded_statements[] = {'
cat "$work/table"
echo '{0}};'
