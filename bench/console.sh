#!/usr/bin/env bash
#
# console.sh: what the console costs, and how long people wait for it, with a table
# of many runs: 50 sessions that ask 10 times a second each, 200 connections that ask
# nothing, and single pages one after the other.  Then the drain of a queue, with that
# load and without.
#
#	RUNS=200000 bench/console.sh
#	RUNS=10000000 PARTS=pages bench/console.sh
#
# PARTS of: pages load drain.  DIR keeps the build, CONF has more settings.

set -euo pipefail
shopt -s inherit_errexit
# shellcheck source-path=SCRIPTDIR source=../dev/server.sh
. "$(dirname "${BASH_SOURCE[0]}")/../dev/server.sh"
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$WF_TOP/bench/lib.sh"

RUNS=${RUNS:-200000}
PARTS=${PARTS:-pages load drain}
TIMES=${TIMES:-50}
SESSIONS=${SESSIONS:-50}
RATE=${RATE:-10}
LASTS=${LASTS:-30}
IDLE=${IDLE:-200}
QUEUED=${QUEUED:-100000}
REPEAT=${REPEAT:-3}
PORT=${PORT:-18490}
T=7f0e8a52-3c1d-4c55-9d0b-5a6f7e8d9c0 # and the tenant's number
CONSOLE=
OPERATORS=

finish()
{
	[ -z "$OPERATORS" ] || kill "$OPERATORS" 2>/dev/null || true
	[ -z "$CONSOLE" ] || kill "$CONSOLE" 2>/dev/null || true
	if [ -n "${DIR:-}" ]
	then
		trap - EXIT
		wf_stop_all
		return
	fi
	bench_finish
}
trap finish EXIT

# Roles who sign in: four sessions each.
make_operators()
{
	sql -c "CREATE ROLE wf_console NOLOGIN"
	sql >/dev/null <<-EOSQL
		SELECT format('CREATE ROLE ops_%s LOGIN IN ROLE wf_console PASSWORD ''look''', n)
		FROM generate_series(1, $SESSIONS / 4 + 1) n \gexec
		SELECT wf_grant('ops_' || n, 'operate') FROM generate_series(1, $SESSIONS / 4 + 1) n;
	EOSQL
}

start_console()
{
	cat >"$WORK/console.conf" <<-EOF
		listen = 127.0.0.1:$PORT
		url = http://127.0.0.1:$PORT
		trusted_proxy = 127.0.0.1
		database = host=$WORK/tmp port=$WF_PORT dbname=bench requirepeer=$(wf_run id -un)
	EOF
	chmod 644 "$WORK/console.conf"
	wf_run bash -c "echo \$\$ >console.pid; exec build/console/wf_console \
		--config console.conf 2>console.log" &
	for _ in $(seq 100)
	do
		! grep -q '"started"' "$WORK/console.log" 2>/dev/null || break
		sleep 0.1
	done
	CONSOLE=$(cat "$WORK/console.pid")
}

load()
{
	wf_run "$PYTHON" src/bench/console_load.py "$PORT" "$@"
}

# "SECONDS of CPU, MB now, MB at most, sockets" of the console.
console_takes()
{
	local ticks

	ticks=$(sed 's/^.*) //' "/proc/$CONSOLE/stat" | awk '{ print $12 + $13 }')
	awk -v t="$ticks" '/^VmRSS/ { now = $2 / 1024 } /^VmHWM/ { most = $2 / 1024 }
		END { printf "%.2f %.1f %.1f", t / 100, now, most }' "/proc/$CONSOLE/status"
	if [ "$(id -u)" = 0 ]
	then
		printf ' %d\n' "$(find "/proc/$CONSOLE/fd" -mindepth 1 | wc -l)"
	else
		printf ' ?\n' # its descriptors are nobody else's to see
	fi
}

# Seconds of CPU of the server and of its sessions.
server_takes()
{
	local postmaster

	postmaster=$(head -n 1 "$WORK/data/postmaster.pid")
	cat /proc/[0-9]*/stat 2>/dev/null | sed 's/^\([0-9]*\) .*) /\1 /' |
		awk -v p="$postmaster" '$1 == p || $3 == p { t += $13 + $14 } END { print t / 100 }'
}

# The load in the background, until it has begun.
begin_load()
{
	: >"$WORK/operators.out"
	load "$SESSIONS" "$RATE" "$1" "$IDLE" "$RUNS" >"$WORK/operators.out" 2>&1 &
	OPERATORS=$!
	for _ in $(seq 600)
	do
		! grep -q begun "$WORK/operators.out" || return 0
		kill -0 "$OPERATORS" 2>/dev/null || break
		sleep 0.1
	done
	cat "$WORK/operators.out" >&2
	return 1
}

measure_load()
{
	local before after began=$SECONDS server

	begin_load "$LASTS"
	before=$(console_takes)
	server=$(server_takes)
	wait "$OPERATORS"
	server="$server $(server_takes)"
	began=$((SECONDS - began))
	OPERATORS=
	after=$(console_takes)
	echo "$SESSIONS sessions, $RATE requests a second each, $IDLE idle connections:"
	sed 1d "$WORK/operators.out"
	echo "$before $after $began" | awk '{ printf "the console: %.0f %% of a core, " \
		"%s MB, %s MB at most, %s descriptors with the load, %s after it\n",
		100 * ($5 - $1) / $9, $6, $7, $4, $8 }'
	echo "$server $began" | awk '{ printf "PostgreSQL: %.0f %% of a core\n",
		100 * ($2 - $1) / $3 }'
}

# Seconds of CPU of the workers.
workers_take()
{
	local pid

	for pid in $(sql -c "SELECT pid FROM wf_workers()")
	do
		sed 's/^.*) //' "/proc/$pid/stat"
	done | awk '{ t += $12 + $13 } END { print t / 100 }'
}

# Queues runs, which wait.
queue()
{
	sql >/dev/null <<-EOSQL
		SELECT wf_pause();
		SELECT count(*) FROM generate_series(1, $QUEUED) n,
			wf_fire('${T}9', 'drain', jsonb_build_object('n', n));
		VACUUM workflow_runs;
		CHECKPOINT;
	EOSQL
}

# Lets them go; returns how many a second have ended, and microseconds of CPU of the
# workers for each.
drain()
{
	local began cpu

	sql -c "SELECT wf_resume()" >/dev/null
	began=$(date +%s.%N)
	cpu=$(workers_take)
	wait_for_sql "SELECT sum(in_flight) = 0 AND NOT EXISTS (SELECT FROM workflow_runs
		WHERE tenant_id = '${T}9' AND status IN ('queued', 'running')) FROM wf_workers()"
	echo "$began $(date +%s.%N) $QUEUED $cpu $(workers_take)" |
		awk '{ printf "%.0f %.1f\n", $3 / ($2 - $1), 1e6 * ($5 - $4) / $3 }'
}

measure_drain()
{
	local alone with

	sql >/dev/null <<-EOSQL
		CREATE TABLE IF NOT EXISTS drained (n bigint);
		SELECT wf_define('${T}9', '{"name": "drain", "trigger_type": "drain", "steps": [
			{"name": "keep", "action": "insert_record",
			 "params": {"table": "drained", "fields": {"n": "{{ trigger.n }}"}}}]}');
	EOSQL
	for _ in $(seq "$REPEAT")
	do
		queue
		alone=$(drain)
		queue
		begin_load 600
		with=$(drain)
		kill "$(awk '/^begun/ { print $2 }' "$WORK/operators.out")"
		wait "$OPERATORS" 2>/dev/null || true
		OPERATORS=
		echo "$alone $with" | awk '{ printf "%d runs a second, %d with the load " \
			"(%+.1f %%); CPU of the workers %.1f us a run, %.1f (%+.1f %%)\n",
			$1, $3, 100 * ($3 / $1 - 1), $2, $4, 100 * ($4 / $2 - 1) }'
	done
}

wf_find_postgres
wf_open console "${DIR:-}"
wf_build
wf_run make -s -C src/console BUILD="$WORK/build/console"
# Workers would look for work while the table has no indexes.
wf_start <<-EOF
	max_connections = 120
	fsync = off
	shared_buffers = 2GB
	max_wal_size = 16GB
	checkpoint_timeout = 1h
	autovacuum = off
	workflow_engine.workers = 0
	${CONF:-}
	EOF
wf_run createdb bench
sql -c "CREATE EXTENSION workflow_engine" -c "SELECT wf_pause()" >/dev/null
sql -v runs="$RUNS" -v t="$T" -f src/bench/runs.sql
sql -c "ALTER SYSTEM SET workflow_engine.workers = 2"
make_operators
wf_run bash -c 'printf "%s\n" "local bench +wf_console scram-sha-256" |
	cat - data/pg_hba.conf >tmp/hba && cp tmp/hba data/pg_hba.conf'
sql -c "SELECT pg_reload_conf()" >/dev/null
start_console
sql -c "SELECT to_char($RUNS, 'FM999,999,999') || ' runs, ' ||
	pg_size_pretty(pg_total_relation_size('workflow_runs'))"
echo "load of the machine: $(cut -d' ' -f1-3 /proc/loadavg), $(nproc) cores"
for part in $PARTS
do
	case $part in
		pages) load pages "$TIMES" "$RUNS" ;;
		load) measure_load ;;
		drain) measure_drain ;;
	esac
done
echo "load of the machine: $(cut -d' ' -f1-3 /proc/loadavg)"
