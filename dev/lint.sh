#!/usr/bin/env bash
#
# make lint: what can be said of the sources without running them.  Prints
# each finding on a line, "file:line: what", and exits 1 if there is one.
#
#	make lint								all checks
#	make lint CHECKS='format circles'		those
#
# selftest		each check is given a bad sample and must find it
# format		white space, columns, braces, includes, guards
# sizes			lines of files and functions
# floors		which folder includes which (dev/floors.sh)
# circles		.c files that call each other, headers that include each other
# exports		what the library exports
# variables		what can change is in the list of src/variables.md
# released		SQL scripts of released versions are as they were released
# shell			shellcheck on the scripts
# spelling		the words of the documents (dev/words.txt has our own)
# cppcheck		dev/cppcheck.txt says what it need not tell
# tidy			clang-tidy; .clang-tidy has the checks
#
# The variables WF_LINT_TOP and WF_LINT_BUILD are for the self-test: another
# tree, and what was built of it.

set -uo pipefail
export LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
# shellcheck source-path=SCRIPTDIR source=server.sh
. "$(dirname "${BASH_SOURCE[0]}")/server.sh"

ALL='selftest format sizes floors circles exports variables released shell
	spelling cppcheck tidy'
CHECKS=${CHECKS:-$ALL}
TOP=${WF_LINT_TOP:-$WF_TOP}
BUILD=${WF_LINT_BUILD:-}
LINT=$WF_TOP/dev/lint
FOLDER=
findings=0

finish()
{
	if [ -n "$FOLDER" ]
	then
		rm -rf "$FOLDER"
	fi
}
trap finish EXIT
trap 'exit 1' INT TERM

# Objects and the library, without optimization: what a file needs of others
# is to be seen in its symbols.
build()
{
	BUILD=$FOLDER/build
	mkdir "$BUILD"
	make -s -C "$BUILD" -f "$TOP/Makefile" -j"$(nproc)" PG_CONFIG="$PGC" \
		with_llvm=no CFLAGS=-O0 2>&1
}

need_build()
{
	[ -n "$BUILD" ] || build
}

c_sources()
{
	(cd "$TOP" && find src -name '*.c' | sort)
}

# What the compiler is told of headers, as words.
flags()
{
	printf '%s\n' -Isrc "-I$("$PGC" --includedir-server)" -D_GNU_SOURCE
}

check_selftest()
{
	"$LINT/selftest.sh"
}

check_format()
{
	"$PYTHON" "$LINT/format.py" "$TOP"
}

check_sizes()
{
	"$PYTHON" "$LINT/sizes.py" "$TOP"
}

check_floors()
{
	WF_FLOORS_TOP="$TOP" "$WF_TOP/dev/floors.sh" 2>&1 |
		sed -n 's/^floors: \(src\/[^ :]*\):* /\1:1: /p'
}

check_circles()
{
	need_build && "$PYTHON" "$LINT/circles.py" "$TOP" "$BUILD"
}

check_exports()
{
	need_build && "$PYTHON" "$LINT/exports.py" "$TOP" "$BUILD"
}

check_variables()
{
	need_build && "$PYTHON" "$LINT/variables.py" "$TOP" "$BUILD"
}

check_released()
{
	"$PYTHON" "$LINT/released.py" "$TOP"
}

# SC2317: functions that a trap or a variable calls are taken for dead
check_shell()
{
	(
		cd "$TOP" || exit
		scripts=$(ls dev/*.sh dev/*/*.sh bench/*.sh t/*/*.sh .ci/run 2>/dev/null)
		# shellcheck disable=SC2086 # a list of names
		shellcheck -x -e SC2317 -f gcc $scripts | sed -E 's/^([^:]*:[0-9]+):[0-9]+/\1/'
	)
}

check_spelling()
{
	(
		cd "$TOP" || exit
		find . -name '*.md' -not -path './.git/*' -not -path '*/node_modules/*' |
			sed 's,^\./,,' | sort |
			xargs "$PYTHON" "$LINT/spelling.py" "$TOP" dev/words.txt
	)
}

# libcurl's own headers are not read: its version is all that is asked for
check_cppcheck()
{
	(
		cd "$TOP" || exit
		mapfile -t flags < <(flags)
		c_sources | cppcheck --file-list=- -j"$(nproc)" --quiet --std=c99 \
			--language=c --enable=warning,style,performance,portability \
			--inline-suppr --suppressions-list="$WF_TOP/dev/cppcheck.txt" \
			--suppress="*:$("$PGC" --includedir-server)/*" \
			--template='{file}:{line}: {message} [{id}]' \
			-DLIBCURL_VERSION_NUM=0x075801 "${flags[@]}" 2>&1 | sort -u
	)
}

# -w: the compiler's warnings are make test's.  The analyzer gives up on a
# function after so many steps: without that limit it takes twenty times as
# long.  It believes what an Assert says.
check_tidy()
{
	(
		cd "$TOP" || exit
		mapfile -t flags < <(flags)
		# shellcheck disable=SC2016 # expanded by the inner shell
		c_sources | xargs -P"$(nproc)" -n4 bash -c '
			flags=("${@:1:$0}")
			shift "$0"
			clang-tidy --quiet --config-file="$WF_TIDY" "$@" -- -std=gnu99 \
				-w -DUSE_ASSERT_CHECKING=1 -Xclang -analyzer-config \
				-Xclang max-nodes=10000 "${flags[@]}" 2>/dev/null' \
			"${#flags[@]}" "${flags[@]}" |
			sed -nE "s,^($TOP/)?(src/[^:]*:[0-9]+):[0-9]+: (warning|error): ,\2: ,p" |
			sort -u
	)
}

[ -n "${WF_LINT_TOP:-}" ] || "$WF_TOP/dev/setup.sh" lint || exit 1
wf_find_postgres || {
	echo "no PostgreSQL with headers found" >&2
	exit 1
}
FOLDER=$(mktemp -d /tmp/wf-lint.XXXXXX) || exit
export WF_TIDY="$WF_TOP/.clang-tidy"

for check in $CHECKS
do
	case $check in circles | exports | variables)
		if ! need_build >"$FOLDER/make"
		then
			cat "$FOLDER/make" >&2
			echo "lint: the tree cannot be built" >&2
			exit 1
		fi
		;;
	esac
	"check_$check" >"$FOLDER/out"
	rc=$?
	number=$(wc -l <"$FOLDER/out")
	if [ "$rc" -ne 0 ] && [ "$number" -eq 0 ]
	then
		echo "lint: the check \"$check\" itself failed" >&2
		number=1
	fi
	cat "$FOLDER/out"
	findings=$((findings + number))
done
[ -n "${WF_LINT_TOP:-}" ] || wf_say "lint: $findings findings"
[ "$findings" -eq 0 ]
