#!/usr/bin/env bash
#
# make bench: everything that is said about speed, measured in one go on one
# throw-away server with default durability, beside what people use today.
# README.md tells what each figure is.  Not part of any test.
#
#	make bench QUICK=1					sizes for a few minutes, no repetition
#	make bench PARTS='fire drain'		only these; see PARTS below
#	make bench OUT=DIR					also leave figures.{txt,csv,svg} there
#	make bench DISKS=real REPEAT=1 RUNS=20000 CONF='shared_buffers = 4GB'
#
# Each figure is the median of REPEAT, once with the disk as it is (real) and
# once where each flush of the WAL takes a millisecond (slow).

set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../dev/server.sh
. "$(dirname "${BASH_SOURCE[0]}")/../dev/server.sh"
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

PARTS=${PARTS:-fire drain latency outbound growth fairness rest}
DISKS=${DISKS:-real slow}
if [ -n "${QUICK:-}" ]
then
	REPEAT=${REPEAT:-1}
	SECONDS_EACH=${SECONDS_EACH:-3} RUNS=${RUNS:-10000}
	SAMPLES=${SAMPLES:-3000} SPACED=${SPACED:-200} REQUESTS=${REQUESTS:-5000}
	ENDED=${ENDED:-0 100000} HELD=${HELD:-50000} HELD_EACH=${HELD_EACH:-10000}
	BACKLOG=${BACKLOG:-20000} BESIDE=${BESIDE:-300} IDLE=${IDLE:-10}
	MILLION=${MILLION:-60000}
fi
REPEAT=${REPEAT:-3}
SECONDS_EACH=${SECONDS_EACH:-10}	# of pgbench
RUNS=${RUNS:-100000}				# queued, then drained
SAMPLES=${SAMPLES:-$RUNS}			# of the three-step sample
SPACED=${SPACED:-1000}				# fires on an idle engine
REQUESTS=${REQUESTS:-20000}
ENDED=${ENDED:-0 1000000 10000000}	# runs in the table that have ended
HELD=${HELD:-500000}				# drained while a snapshot is held,
HELD_EACH=${HELD_EACH:-100000}		# so many at a time
BACKLOG=${BACKLOG:-200000}			# queued by one tenant
BESIDE=${BESIDE:-2000}				# fired meanwhile by others
IDLE=${IDLE:-60}					# seconds
MILLION=${MILLION:-1000000}			# runs, before memory is looked at again
A=7f0e8a52-3c1d-4c55-9d0b-5a6f7e8d9c0a
SET_DISK=

say()
{
	printf '== %s %s\n' "$(date +%H:%M:%S)" "$*"
}

# record KEY UNIT VALUE: a figure of this part, disk and repetition.
record()
{
	[ -n "$3" ] || {
		echo "no figure: $1" >&2
		exit 1
	}
	printf '%s,%s,"%s",%s,%s,%s\n' "$SET_DISK" "$PART" "$1" "$2" "$REP" "$3" \
		>>"$WORK/raw.csv"
	printf '   %-5s %-44s %12s %s\n' "$SET_DISK" "$1" "$3" "$2"
}

set_disk()
{
	local delay=0

	[ "$1" != slow ] || delay=1000
	SET_DISK=$1
	sql -c "ALTER SYSTEM SET commit_delay = $delay" \
		-c "ALTER SYSTEM SET commit_siblings = 0" \
		-c "SELECT pg_reload_conf()" >/dev/null
	wait_for_sql "SELECT current_setting('commit_delay') = '$delay'"
}

# for_each_disk COMMAND...: in turn, so that what drifts hits both.
for_each_disk()
{
	local disk

	for REP in $(seq "$REPEAT")
	do
		for disk in $DISKS
		do
			set_disk "$disk"
			"$@"
		done
	done
}

set_workers()
{
	sql -c "ALTER SYSTEM SET workflow_engine.workers = $1" \
		-c "SELECT pg_reload_conf()" >/dev/null
	wait_for_sql "SELECT count(*) = $1 FROM wf_workers()"
}

# set_limits IN_FLIGHT PER_HOST: requests, of each worker.
set_limits()
{
	sql -c "ALTER SYSTEM SET workflow_engine.max_in_flight = $1" \
		-c "ALTER SYSTEM SET workflow_engine.max_per_host = $2" \
		-c "SELECT pg_reload_conf()" >/dev/null
}

# define TENANT EVENT STEPS: a workflow of that name.
define()
{
	sql -v tenant="$1" -v definition="{\"name\": \"$2\",
		\"trigger_type\": \"$2\", \"steps\": $3}" \
		<<<"SELECT wf_define(:'tenant', :'definition') \g /dev/null"
}

# A table of runs with none in it, and no page of the rest to be cleaned.
fresh()
{
	sql -c "SELECT wf_pause()" -c "TRUNCATE workflow_runs, fired" >/dev/null
	sql -c "VACUUM orders" -c "VACUUM shop.orders" -c "TRUNCATE notes" \
		-c "CHECKPOINT"
}

# drain KEY N: resumes, waits until N runs have ended, records what it cost;
# TOOK is how many seconds.
drain()
{
	local key=$1 n=$2 ticks lsn flushes blocks lsn2 flushes2 blocks2

	sql -c "ANALYZE workflow_runs"
	ticks=$(worker_us)
	IFS='|' read -r lsn flushes blocks <<<"$(sql -c "SELECT * FROM bench_wal()")"
	TOOK=$(sql -c "CALL drain($n, NULL)")
	IFS='|' read -r lsn2 flushes2 blocks2 <<<"$(sql -c \
		"SELECT * FROM bench_wal()")"
	record "$key" runs/s "$(divide "$n" "$TOOK" 0)"
	record "$key: CPU of the workers" us/run \
		"$(divide "$(($(worker_us) - ticks))" "$n" 1)"
	record "$key: WAL" bytes/run "$(divide "$((lsn2 - lsn))" "$n" 0)"
	record "$key: WAL flushes" per_run \
		"$(divide "$((flushes2 - flushes))" "$n" 4)"
	record "$key: buffers" per_run "$(divide "$((blocks2 - blocks))" "$n" 1)"
	check_completed
}

# Every run in the table has completed, or the figure is worth nothing.
check_completed()
{
	local bad

	bad=$(sql -c "SELECT status, count(*), min(error_message)
		FROM workflow_runs WHERE status <> 'completed' GROUP BY 1")
	[ -z "$bad" ] || {
		echo "not completed: $bad" >&2
		return 1
	}
}

# percentiles KEY QUERY: of a column of milliseconds.
percentiles()
{
	local p50 p99

	IFS='|' read -r p50 p99 <<<"$(sql -c "SELECT
		round(percentile_disc(0.5) WITHIN GROUP (ORDER BY ms)::numeric, 3),
		round(percentile_disc(0.99) WITHIN GROUP (ORDER BY ms)::numeric, 3)
		FROM ($2) AS of (ms)")"
	record "$1: p50" ms "$p50"
	record "$1: p99" ms "$p99"
}

# divide A B DIGITS
divide()
{
	awk -v a="$1" -v b="$2" -v d="$3" 'BEGIN { printf "%.*f\n", d, a / b }'
}

for part in $PARTS
do
	# shellcheck source=/dev/null
	. "$WF_TOP/bench/parts/$part.sh"
done

# The server, and what every part uses.
set_up()
{
	"$WF_TOP/dev/setup.sh" test
	wf_find_postgres
	wf_open bench
	COPT='' wf_build
	bench_start <<-EOF
		shared_buffers = 1GB
		max_connections = 150
		${CONF:-}
	EOF
	sql -f src/bench/setup.sql
	sql -c "CREATE SCHEMA shop" -c "SET search_path = shop, public" \
		-f src/examples/orders.sql
	sql -c "GRANT USAGE ON SCHEMA shop TO shop" \
		-c "INSERT INTO orders SELECT generate_series(1, $((HELD > RUNS ?
			HELD : RUNS)))" \
		-c "INSERT INTO customers SELECT id, 'Customer ' || id FROM orders"
	define "$A" confirm '[{"name": "confirm", "action": "update_record",
		"params": {"table": "orders", "id": "{{trigger.id}}",
				   "fields": {"status": "confirmed"}}}]'
	echo "$(nproc) cores, $("$PGC" --version), $(date +%F), the median" \
		"[least - most] of $REPEAT" | tee "$WORK/about"
	echo disk,part,figure,unit,repetition,value >"$WORK/raw.csv"
}

# What was measured, as a table; also into $OUT.
report()
{
	"$PYTHON" "$WF_TOP/bench/report.py" "$WORK/raw.csv" "$WORK/figures.csv" |
		tee -a "$WORK/about"
	if [ -n "${OUT:-}" ]
	then
		mkdir -p "$OUT"
		cp "$WORK/figures.csv" "$OUT/figures.csv"
		cp "$WORK/about" "$OUT/figures.txt"
		"$PYTHON" "$WF_TOP/bench/chart.py" "$OUT/figures.csv" \
			>"$OUT/figures.svg"
	fi
}

# A function, so that the file may be edited while it runs.
main()
{
	trap bench_finish EXIT
	trap 'exit 1' INT TERM
	set_up
	for PART in $PARTS
	do
		say "$PART, load $(cut -d ' ' -f 1 /proc/loadavg)"
		"part_$PART"
	done
	report
	exit
}

main
