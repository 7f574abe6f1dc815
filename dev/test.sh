#!/usr/bin/env bash
#
# make test: builds with warnings as errors, checks the sources (the quick part
# of make lint), starts a throw-away server and runs every suite.  Prints what
# the runners print; the last line is "N passed, N failed", counted in
# pg_regress tests, isolation specs and TAP files (a check that fails before
# them counts as one).  Exits 1 unless all passed.
#
#	make test SUITE=regress|isolation|tap	one suite
#	make test SUITE=tap TESTS='t/001_x.pl'	and of it what is named
#	make test KEEP=1						leave the folder, print its name
#	make test DIR=/tmp/x					build there and keep it: the next
#											time only what changed is compiled
#	make test COPT=							let warnings pass
#	make test JOBS=4						so many TAP files at a time
#	make test OLD_PG_CONFIG=/x/pg_config	an older server, for which the
#											extension is built as well: what
#											tests pg_upgrade upgrades from it
#	make test WF_NPM=/tmp/npm				npm packages that are there already
#											(dev/npm.sh)

set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=server.sh
. "$(dirname "${BASH_SOURCE[0]}")/server.sh"

LIMIT=1800 # seconds that one suite may take
JOBS=${JOBS:-2} # TAP files at a time
WORK=
passed=0
failed=0

finish()
{
	trap - EXIT
	trap '' INT TERM
	if [ -n "$WORK" ]
	then
		wf_stop_all
		if [ -n "${KEEP:-}${DIR:-}" ]
		then
			wf_say "Left in $WORK"
		else
			rm -rf "$WORK"
		fi
	fi
	echo "$passed passed, $failed failed" | tee ${WF_SUMMARY:+"$WF_SUMMARY"}
	[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ] && exit 0
	exit 1
}
trap finish EXIT
trap 'failed=$((failed + 1)); exit' INT TERM

# For what must work before a suite can run.
fail()
{
	echo "FAILED: $*" >&2
	failed=$((failed + 1))
	exit 1
}

wanted()
{
	[ "${SUITE:-$1}" = "$1" ]
}

# The names of a suite as the Makefile lists them.
listed()
{
	wf_make suites | sed -n "s/^$1 *//p"
}

# check_list WHAT DIRECTORY ENDING NAMES: every file is listed and is there.
check_list()
{
	local what=$1 directory=$2 ending=$3 names=" $4 " file name

	for file in "$WORK/src/$directory"/*"$ending"
	do
		name=$(basename "$file" "$ending")
		case $name in '*' | workflow_engine--*) continue ;; esac
		[[ $names == *" $name "* ]] ||
			fail "$directory/$name$ending is not in the Makefile's $what"
	done
}

# show_tail FILE...: the end of each, with its name.
show_tail()
{
	local file

	for file in "$@"
	do
		if [ -s "$file" ]
		then
			printf -- '--- the end of %s\n' "${file#"$WORK"/}"
			tail -n 60 "$file"
		fi
	done
}

# Counts a suite: total tests, of which the output in $1 shows so many lines
# that match the pattern $2; the rest has failed.
count()
{
	local output=$1 pattern=$2 total=$3 ok

	ok=$(grep -cE "$pattern" "$output")
	passed=$((passed + ok))
	failed=$((failed + total - ok))
	[ "$ok" -ge "$total" ]
}

# make installcheck with those variables, within the limit.
suite_make()
{
	WF_LIMIT=$LIMIT wf_make "$@" installcheck </dev/null
}

# pg_regress and pg_isolation_regress print "test NAME ... ok" up to 15 and
# TAP from 16 on.
REGRESS_OK='^(test|    ) .*\.\.\. ok|^ok [0-9]+ '

# run_regress SUITE TITLE VARIABLE DIFFS: one of the two, by the names in the
# Makefile's variable.
run_regress()
{
	local suite=$1 title=$2 variable=$3 diffs=$4 names rc
	local only=(REGRESS= ISOLATION= TAP_TESTS=)

	names=${TESTS:-$(listed "$suite")}
	if [ -z "$names" ]
	then
		wf_say "$title: none"
		return 0
	fi
	wf_say "$title"
	suite_make "${only[@]/#$variable=/$variable=$names}" 2>&1 |
		tee "$WORK/$suite.out"
	rc=${PIPESTATUS[0]}
	if ! count "$WORK/$suite.out" "$REGRESS_OK" "$(wc -w <<<"$names")" ||
		[ "$rc" -ne 0 ]
	then
		cat "$WORK/build/$diffs" 2>/dev/null
		show_tail "$WORK/server.log"
	fi
}

# Builds for the older server too, and installs into the same folder.
build_old()
{
	mkdir -p "$WORK/build_old"
	[ "$(id -u)" != 0 ] || chown postgres: "$WORK/build_old"
	PGC=$OLD_PG_CONFIG WF_BUILD=$WORK/build_old wf_build
}

# The server must have come through the suites without a crash.
stop_server()
{
	wf_run pg_ctl -D "$WORK/data" -m fast -w -t 60 stop >/dev/null \
		</dev/null || {
		show_tail "$WORK/server.log"
		fail "the server does not stop"
	}
	if grep -E 'was terminated by signal|PANIC:|TRAP:' "$WORK/server.log"
	then
		show_tail "$WORK/server.log"
		echo "FAILED: something crashed" >&2
		failed=$((failed + 1))
	fi
}

# wf_console, as it is installed and, for the tests, with sanitizers.
build_console()
{
	wf_run make -s -C "$WORK/src/console" BUILD="$WORK/build/console" \
		COPT="${COPT--Werror}" -j"$(nproc)" all sanitized 2>&1 |
		sed "s,$WORK/src/,,g"
}

run_tap()
{
	local files rc output=$WORK/tap.out skipped file name
	local npm=${WF_NPM:-$WORK/npm}

	# The browser's file takes longest: as the last one it would run alone.
	files=${TESTS:-$(cd "$WORK/src" && printf '%s\n' t/*_browser.pl t/*.pl |
		awk '!seen[$0]++ { printf "%s ", $0 }')}
	if [[ $files = *'*'* ]]
	then
		wf_say "TAP tests: none"
		return 0
	fi
	wf_say "TAP tests"
	[ -n "${WF_NPM:-}" ] || "$WF_TOP/dev/npm.sh" "$npm" ||
		fail "npm packages"
	suite_make REGRESS= ISOLATION= WF_DESTDIR="$WORK/inst" \
		WF_OLD_PG_CONFIG="${OLD_PG_CONFIG:-}" WF_NPM="$npm" PROVE_TESTS="$files" \
		WF_BROWSER_TESTS="${WF_BROWSER_TESTS:-}" \
		WF_CONSOLE="$WORK/build/console/wf_console_sanitized" \
		PROVE_FLAGS="-I t/lib --timer -j$JOBS" 2>&1 |
		tee "$output"
	rc=${PIPESTATUS[0]}
	skipped=$(grep -cE '^(\[[0-9:]+\] )?t/.*\.\. skipped' "$output")
	if ! count "$output" '^(\[[0-9:]+\] )?t/.*\.\. *ok( |$)' \
		"$(($(wc -w <<<"$files") - skipped))" || [ "$rc" -ne 0 ]
	then
		for file in $files
		do
			name=$(basename "$file" .pl)
			grep -qE "^(\[[0-9:]+\] )?$file \.+ *ok( |\$)" "$output" ||
				show_tail "$WORK/build/tmp_check/log/"*"$name"*
		done
	fi
}

# The checks of make lint that take a second each, on what was just built.
check_sources()
{
	local lint=$WORK/src/dev/lint check bad=0

	export PYTHONDONTWRITEBYTECODE=1
	for check in format sizes circles exports released
	do
		# what counts lines is exported as well
		if [ $check = exports ] && [[ ${COPT:-} == *--coverage* ]]
		then
			continue
		fi
		"$PYTHON" "$lint/$check.py" "$WORK/src" "$WORK/build" || bad=1
	done
	return $bad
}

"$WF_TOP/dev/setup.sh" test || fail "set-up"
wf_find_postgres || fail "no PostgreSQL with headers found"
wf_say "$("$PGC" --version)"
"$WF_TOP/dev/floors.sh" || fail "floors"
wf_open test "${DIR:-}" || fail "temporary folder"

wf_say "Building"
wf_build || fail "build"
[ -z "${OLD_PG_CONFIG:-}" ] || build_old || fail "build for $OLD_PG_CONFIG"
build_console || fail "build of the console"
check_sources || {
	echo "FAILED: checks of the sources" >&2
	failed=$((failed + 1))
}
if [ -z "${TESTS:-}" ]
then
	check_list REGRESS sql .sql "$(listed regress)"
	check_list ISOLATION t/isolation/specs .spec "$(listed isolation)"
fi

if wanted regress || wanted isolation
then
	wf_start </dev/null || fail "the server does not start"
	if wanted regress
	then
		run_regress regress "Regression tests" REGRESS regression.diffs
	fi
	if wanted isolation
	then
		run_regress isolation "Isolation tests" ISOLATION \
			output_iso/regression.diffs
	fi
	stop_server
fi
if wanted tap
then
	run_tap
fi
