#!/usr/bin/env bash
#
# make coverage: builds with --coverage, runs every suite against that build,
# and prints which share of the lines was executed, by folder, the functions
# that never were, and the longest stretches of lines.  Exits 0 even if a test
# fails; what make test prints is printed.
#
#	make coverage SUITE=regress		a suite, or of it what TESTS names
#	make coverage DIR=/tmp/x		the build stays there, and its counters
#									add up from time to time
#
# A process counts at its exit; what was executed in one that crashed, or was
# stopped at once (pg_ctl -m immediate), is not counted.

set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=server.sh
. "$(dirname "${BASH_SOURCE[0]}")/server.sh"

FOLDER=
if [ -z "${DIR:-}" ]
then
	FOLDER=$(mktemp -d /tmp/wf-coverage.XXXXXX) || exit
	chmod 755 "$FOLDER"
	DIR=$FOLDER/tree
	trap 'rm -rf "$FOLDER"' EXIT
fi
export DIR
COPT='-Werror -O0 --coverage' "$WF_TOP/dev/test.sh"
"$PYTHON" "$WF_TOP/dev/coverage.py" "$DIR/build"
exit 0
