#!/usr/bin/env bash
#
# Gives each check of lint.sh a bad sample, in a folder of its own, and says
# which of them did not find it; and a good one, about which all must be
# silent.

set -uo pipefail
export LC_ALL=C.UTF-8

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
FOLDER=$(mktemp -d /tmp/wf-lint-selftest.XXXXXX) || exit
trap 'rm -rf "$FOLDER"' EXIT
bad=0

# complain LINE TEXT: the line of this script, and what is wrong.
complain()
{
	echo "dev/lint/selftest.sh:$1: $2"
	bad=1
}

# A tree that has nothing wrong in it.
# shellcheck disable=SC2016 # what the samples hold
good_tree()
{
	TREE=$FOLDER/tree
	rm -rf "$TREE"
	mkdir -p "$TREE"/{dev,sql,src/base,src/plan}
	printf 'base\nplan\n' >"$TREE/dev/floors.txt"
	echo rightword >"$TREE/dev/words.txt"
	printf '#!/bin/sh\necho "$1"\n' >"$TREE/dev/good.sh"
	echo 'A rightword of prose.' >"$TREE/README.md"
	echo '## 1.0 (2026-01-31)' >"$TREE/CHANGELOG.md"
	printf '%s\n' '<!-- variables -->' \
		'- `plan/part.c: nparts` — counts them' '<!-- /variables -->' \
		>"$TREE/src/variables.md"
	cat >"$TREE/sql/workflow_engine--1.0.sql" <<-'EOF'
		CREATE FUNCTION wf_part() RETURNS int
		AS 'MODULE_PATHNAME' LANGUAGE C;
	EOF
	(cd "$TREE/sql" && sha256sum workflow_engine--1.0.sql >released.sha256)
	cat >"$TREE/src/compat.h" <<-'EOF'
		#ifndef WF_COMPAT_H
		#define WF_COMPAT_H

		#undef PGDLLEXPORT
		#define PGDLLEXPORT __attribute__((visibility("default")))

		#endif							/* WF_COMPAT_H */
	EOF
	cat >"$TREE/src/base/leaf.h" <<-'EOF'
		#ifndef WF_LEAF_H
		#define WF_LEAF_H

		extern int	leaf_value(int of);

		#endif							/* WF_LEAF_H */
	EOF
	cat >"$TREE/src/base/leaf.c" <<-'EOF'
		/* leaf.c */
		#include "postgres.h"
		#include "compat.h"

		#include "base/leaf.h"

		/* Twice the number. */
		int
		leaf_value(int of)
		{
			return 2 * of;
		}
	EOF
	cat >"$TREE/src/plan/part.c" <<-'EOF'
		/* part.c */
		#include "postgres.h"
		#include "compat.h"

		#include <unistd.h>

		#include "base/leaf.h"
		#include "fmgr.h"

		PG_MODULE_MAGIC;

		static int	nparts;

		extern PGDLLEXPORT void _PG_init(void);

		void
		_PG_init(void)
		{
			nparts = leaf_value((int) getpid());
		}

		extern PGDLLEXPORT Datum wf_part(PG_FUNCTION_ARGS);

		PG_FUNCTION_INFO_V1(wf_part);

		Datum
		wf_part(PG_FUNCTION_ARGS)
		{
			for (int i = 0; i < 2; i++)
			{
				if (nparts > i)
					nparts--;
			}
			PG_RETURN_INT32(nparts);
		}
	EOF
}

# Compiles the tree into $FOLDER/build.
compile()
{
	local file object objects=()

	rm -rf "$FOLDER/build"
	while read -r file
	do
		object=$FOLDER/build/${file%.c}.o
		objects+=("$object")
		mkdir -p "$(dirname "$object")"
		gcc -c -fPIC -fvisibility=hidden -w -I"$TREE/src" \
			-I"$(pg_config --includedir-server)" -o "$object" \
			"$TREE/$file" || return
	done < <(cd "$TREE" && find src -name '*.c')
	gcc -shared -o "$FOLDER/build/workflow_engine.so" "${objects[@]}"
}

# What a check prints of the tree.
run_check()
{
	WF_LINT_TOP=$TREE WF_LINT_BUILD=$FOLDER/build CHECKS=$1 \
		"$HERE/../lint.sh" 2>&1
}

# finds CHECK PATTERN: it prints one line at least, of which one matches.
finds()
{
	local output

	output=$(run_check "$1") &&
		complain "${BASH_LINENO[0]}" "$1 ends with 0 in spite of: $2"
	grep -qE "^[^ :]+:[0-9]+: .*$2" <<<"$output" ||
		complain "${BASH_LINENO[0]}" "$1 does not find: $2"
	good_tree
}

# Puts a line at the end of a file.
add()
{
	printf '%s\n' "$2" >>"$TREE/$1"
}

# Changes a file by a command of sed.
change()
{
	sed -i "$2" "$TREE/$1"
}

good_tree
compile || complain $LINENO "the good sample does not compile"
output=$(CHECKS='' run_check 'format sizes floors circles exports variables
	released shell spelling cppcheck tidy') ||
	complain $LINENO "the good sample is found bad: $(head -n 1 <<<"$output")"

add src/base/leaf.c '/* blank */ '
finds format 'blanks at the end'
add src/base/leaf.c '    int four;'
finds format 'blanks where a tab belongs'
add src/base/leaf.c "/* $(printf '%80s' x) */"
finds format '86 columns'
add src/base/leaf.c '// slashes'
finds format 'comment of //'
change src/plan/part.c 's/if (nparts > i)/& {/'
finds format 'opens a block'
change src/plan/part.c 's/if (nparts > i)/} else/'
finds format 'closes a block'
change src/plan/part.c 's/if (/if(/'
finds format 'blank is missing'
printf 'x' >>"$TREE/src/base/leaf.c"
finds format 'no newline'
add src/base/leaf.c ''
finds format 'empty line at the end'
change src/base/leaf.c '7s/^/\n\n/'
finds format 'second empty line'
change src/base/leaf.c '/^int$/{N;s/\n/ /}'
finds format 'type of the function'
change src/base/leaf.c '/compat.h/d'
finds format 'first includes'
change src/plan/part.c '/unistd/d; s/.*fmgr.h"/&\n#include <unistd.h>/'
finds format 'system come before'
change src/plan/part.c '/base\/leaf/d; s/.*fmgr.h"/&\n#include "base\/leaf.h"/'
finds format 'not sorted'
change src/base/leaf.h 's/WF_LEAF_H/WF_OTHER_H/'
finds format 'guard is'
change src/base/leaf.h '1d'
finds format 'no guard'

for ((i = 0; i < 500; i++)); do add src/base/leaf.c '/* long */'; done
finds sizes 'file has 512 lines'
change src/base/leaf.c "s/.*return.*/$(printf '\\n%.0s' {1..60})&/"
finds sizes 'leaf_value has 64 lines'

change src/base/leaf.c 's/.*leaf.h"/&\n#include "plan\/part.h"/'
touch "$TREE/src/plan/part.h"
finds floors 'above it'
mkdir "$TREE/src/nowhere"
touch "$TREE/src/nowhere/file.c"
finds floors 'not in dev/floors.txt'

add src/base/leaf.c 'extern int wf_part(void *); int f(void) { return wf_part(0); }'
compile
finds circles 'base/leaf.c uses wf_part'
change src/base/leaf.h 's/#define.*/&\n#include "plan\/part.h"/'
echo '#include "base/leaf.h"' >"$TREE/src/plan/part.h"
compile
finds circles 'base/leaf.h includes plan/part.h'

add src/base/leaf.c '__attribute__((visibility("default"))) int leaf_loud(void) { return 1; }'
compile
finds exports 'exports leaf_loud'
add sql/workflow_engine--1.0.sql \
	"CREATE FUNCTION wf_lost() RETURNS int AS 'MODULE_PATHNAME' LANGUAGE C;"
compile
finds exports 'does not export wf_lost'

add src/base/leaf.c 'static int nleaves; int f(void) { return nleaves++; }'
compile
finds variables 'variable nleaves is not in src/variables.md'
add src/base/leaf.c 'int f(void) { static int hidden = 1; return hidden++; }'
compile
finds variables 'variable hidden is not in src/variables.md'
change src/variables.md 's/nparts/gone/'
compile
finds variables 'has no variable gone'
change src/variables.md 's/ —.*//'
finds variables 'not of the form'

add sql/workflow_engine--1.0.sql '-- changed'
finds released 'must not change'
rm "$TREE/sql/released.sha256"
finds released 'has no checksum'
rm "$TREE/sql/workflow_engine--1.0.sql"
finds released 'is gone'
add CHANGELOG.md '## 1.1 (unreleased)'
finds released 'no script leads to version 1.1'
add CHANGELOG.md '## 1.0 (soon)'
finds released 'neither a date'

# shellcheck disable=SC2016 # the sample's own
add dev/good.sh 'echo $2'
finds shell 'SC2086'
add README.md 'A wrongwwword.'
finds spelling 'wrongwwword'
add src/base/leaf.c 'int f(void) { int a[2]; a[2] = 1; return a[0]; }'
finds cppcheck 'arrayIndexOutOfBounds'
add src/base/leaf.c 'int f(int a) { if (a); { a = 2; } return a; }'
finds tidy 'bugprone-suspicious-semicolon'
add src/base/leaf.c 'int f(void) { int *p = 0; return *p; }'
finds tidy 'clang-analyzer-core.NullDereference'
exit $bad
