#!/usr/bin/env bash
#
# make figures: where we stand.  On a throw-away server with default
# durability (fsync on), prints
#
#	drain		runs per second for RUNS queued one-step update_record runs
#	outbound	requests per second of webhook steps to a loopback server that
#				answers after 100 ms, every result recorded
#	idle		CPU of the workers over IDLE seconds, in per cent of a core
#
# the first two REPEAT times, with the median.  Not part of any test.

set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../dev/server.sh
. "$(dirname "${BASH_SOURCE[0]}")/../dev/server.sh"

RUNS=${RUNS:-20000}
REQUESTS=${REQUESTS:-10000}
REPEAT=${REPEAT:-3}
IDLE=${IDLE:-60}
TENANT=7f0e8a52-3c1d-4c55-9d0b-5a6f7e8d9c01
WORK=

finish()
{
	trap - EXIT
	if [ -n "$WORK" ]
	then
		wf_stop_all
		rm -rf "$WORK"
	fi
}
trap finish EXIT

sql()
{
	wf_run psql -X -q -At -v ON_ERROR_STOP=1 -d bench "$@"
}

median()
{
	sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# Fires N runs of an event while paused, resumes, prints runs per second.
drain()
{
	local event=$1 n=$2

	sql -c "SELECT wf_pause();" >/dev/null
	sql -c "SELECT count(*) FROM generate_series(1, $n) g,
		wf_fire('$TENANT', '$event', jsonb_build_object('id', g));" >/dev/null
	sql -c "CHECKPOINT" -c "VACUUM ANALYZE workflow_runs"
	sql <<-EOF
		CREATE TEMP TABLE began AS SELECT clock_timestamp() AS at;
		SELECT wf_resume() IS NULL \g /dev/null
		CALL wait_for_all();
		SELECT round($n / extract(epoch FROM clock_timestamp() - at))
		FROM began;
	EOF
}

wf_find_postgres || {
	echo "PostgreSQL's server and headers are missing: make setup" >&2
	exit 1
}
wf_open figures
COPT='' wf_build
wf_start <<-EOF
	fsync = on
	shared_buffers = 512MB
	max_wal_size = 8GB
	autovacuum = off
	workflow_engine.max_in_flight = 1000
	workflow_engine.max_per_host = 1000
	${CONF:-}
EOF
wf_run createdb bench
sql <<-EOF
	CREATE EXTENSION workflow_engine;
	CREATE TABLE orders (id int PRIMARY KEY, n int NOT NULL DEFAULT 0);
	INSERT INTO orders SELECT generate_series(1, $RUNS);
	CREATE PROCEDURE wait_for_all() LANGUAGE plpgsql AS \$\$
	BEGIN
		WHILE EXISTS (SELECT FROM workflow_runs
					  WHERE status IN ('queued', 'waiting', 'running')) LOOP
			COMMIT;
			PERFORM pg_sleep(0.02);
		END LOOP;
	END \$\$;
	SELECT wf_define('$TENANT', '{"name": "bump", "trigger_type": "bump",
		"steps": [{"name": "bump", "action": "update_record",
			"params": {"table": "orders", "id": "{{trigger.id}}",
					   "fields": {"n": 1}}}]}') IS NULL \g /dev/null
EOF

echo "$(nproc) cores, $("$PGC" --version), $(sql -c 'SHOW workflow_engine.workers') workers"
for _ in $(seq "$REPEAT")
do
	drain bump "$RUNS"
done >"$WORK/drain"
echo "drain: $(tr '\n' ' ' <"$WORK/drain")runs/s, median $(median <"$WORK/drain")"

wf_run bash -c "mkfifo http.in
	nohup \"\$PYTHON\" src/t/loopback/http_receiver.py --log /dev/null \\
		<>http.in >http.out 2>&1 &"
for _ in $(seq 100)
do
	grep -q '^ready' "$WORK/http.out" 2>/dev/null && break
	sleep 0.1
done
PORT=$(sed -n 's/^ready //p' "$WORK/http.out")
sql <<-EOF
	SELECT wf_define('$TENANT', '{"name": "call", "trigger_type": "call",
		"steps": [{"name": "call", "action": "webhook",
			"params": {"url": "http://127.0.0.1:$PORT/delay/100/status/200",
					   "body": {"id": "{{trigger.id}}"}}}]}') IS NULL \g /dev/null
EOF
for _ in $(seq "$REPEAT")
do
	drain call "$REQUESTS"
done >"$WORK/outbound"
echo "outbound: $(tr '\n' ' ' <"$WORK/outbound")requests/s, median $(median <"$WORK/outbound")"
sql -c "SELECT status || ': ' || count(*) FROM workflow_runs GROUP BY status"

ticks()
{
	sql -c "SELECT pid FROM wf_workers()" | while read -r pid
	do
		awk '{ print $14 + $15 }' "/proc/$pid/stat"
	done | awk '{ s += $1 } END { print s }'
}
before=$(ticks)
sleep "$IDLE"
after=$(ticks)
awk -v t=$((after - before)) -v hz="$(getconf CLK_TCK)" -v s="$IDLE" \
	-v n="$(sql -c 'SELECT count(*) FROM wf_workers()')" \
	'BEGIN { printf "idle: %.3f %% of a core per worker over %d s\n",
			 100 * t / hz / s / n, s }'
