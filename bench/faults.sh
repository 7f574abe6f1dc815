#!/usr/bin/env bash
#
# make faults: t/045_faults.pl at full size.  STEPS requests (10,000) are to
# be delivered to a server that fails 20 % of the time in every way, while
# workers end and the database crashes.  Prints the faults by kind, what was
# lost and what was delivered again, and why; fails where anything was lost or
# delivered again without need.
#
#	make faults STEPS=50000 SEED=7

set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../dev/server.sh
. "$(dirname "${BASH_SOURCE[0]}")/../dev/server.sh"
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

trap bench_finish EXIT

"$WF_TOP/dev/setup.sh" test
wf_find_postgres
wf_open faults
COPT='' wf_build
wf_make REGRESS= ISOLATION= WF_DESTDIR="$WORK/inst" \
	WF_FAULTS="${STEPS:-10000}" WF_SEED="${SEED:-1}" \
	PROVE_TESTS=t/045_faults.pl PROVE_FLAGS='-I t/lib' \
	installcheck </dev/null
