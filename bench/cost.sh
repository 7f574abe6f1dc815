#!/usr/bin/env bash
#
# cost.sh [SECTION...]: what a run costs, for those who change the engine.
# Each section prints one line a repetition; README.md tells what they are.
#
#	drain flush snapshot three bound fire trigger latency fair waiting profile
#
# DIR keeps the build; RUNS, REPEAT, WORKERS, WAITING and CONF are sizes and
# settings; SQL is executed before anything is measured, to try another schema.

set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../dev/server.sh
. "$(dirname "${BASH_SOURCE[0]}")/../dev/server.sh"

RUNS=${RUNS:-50000}
REPEAT=${REPEAT:-3}
WAITING=${WAITING:-1000000}
WORKERS=${WORKERS:-2}
SECONDS_A_FIRE=${SECONDS_A_FIRE:-4}
T=7f0e8a52-3c1d-4c55-9d0b-5a6f7e8d9c
WORK=

finish()
{
	trap - EXIT
	if [ -n "$WORK" ]
	then
		wf_stop_all
		[ -n "${DIR:-}" ] || rm -rf "$WORK"
	fi
}
trap finish EXIT

sql()
{
	wf_run psql -X -q -At -v ON_ERROR_STOP=1 -d bench "$@"
}

# slow_flush on|off: emulates a disk whose flush takes a millisecond.
slow_flush()
{
	local delay=0 siblings=5

	if [ "$1" = on ]
	then
		delay=1000 siblings=0
	fi
	sql -c "ALTER SYSTEM SET commit_delay = $delay" \
		-c "ALTER SYSTEM SET commit_siblings = $siblings" \
		-c "SELECT pg_reload_conf()" >/dev/null
	sleep 0.3
}

# Empties the tables, so that each measurement begins alike.
afresh()
{
	sql -c "SELECT wf_pause()" >/dev/null
	sql -c "TRUNCATE workflow_runs, audit" -c "UPDATE orders SET n = 0" \
		-c "VACUUM FULL orders" -c "VACUUM ANALYZE" -c CHECKPOINT >/dev/null
}

queue_runs() # EVENT N
{
	sql -c "SELECT count(*) FROM generate_series(1, $2) g,
		wf_fire('${T}01', '$1', jsonb_build_object('id', g))" >/dev/null
}

# drain EVENT N [WAITING]: runs/s, WAL bytes a run, flushes a run, CPU of workers
# in us; beside so many runs of the same tenant that wait for tomorrow
drain()
{
	local cpu

	afresh
	if [ "${3:-0}" -gt 0 ]
	then
		sql -c "SELECT count(*) FROM generate_series(1, $3) g, wf_fire('${T}01',
			'$1', jsonb_build_object('id', g), run_at => now() + interval '1 day'
			+ g * interval '1 ms')" >/dev/null
	fi
	queue_runs "$1" "$2"
	sql -c "VACUUM ANALYZE workflow_runs" -c CHECKPOINT
	cpu=$(cpu_of_workers)
	sql <<-EOSQL
		SELECT pg_stat_reset_shared('wal') IS NULL \g /dev/null
		SELECT pg_current_wal_insert_lsn() AS lsn \gset
		CREATE TEMP TABLE began AS SELECT clock_timestamp() AS at;
		SELECT wf_resume() IS NULL \g /dev/null
		CALL wait_for_all();
		SELECT round($2 / extract(epoch FROM clock_timestamp() - at))
		FROM began \gset
		SELECT pg_sleep(1) \g /dev/null
		SELECT :round || ' runs/s, ' ||
			round((pg_current_wal_insert_lsn() - :'lsn') / $2) || ' B WAL, ' ||
			round(wal_sync::numeric / $2, 4) || ' flushes a run' FROM pg_stat_wal;
	EOSQL
	echo ", $(( ($(cpu_of_workers) - cpu) / $2 )) us CPU of the workers a run"
}

cpu_of_workers()
{
	sql -c "SELECT pid FROM wf_workers()" | while read -r pid
	do
		cat "/proc/$pid/schedstat"
	done | awk '{ s += $1 } END { printf "%d", s / 1000 }'
}

repeat()
{
	for _ in $(seq "$REPEAT")
	do
		"$@" | tr -d '\n'
		echo
	done
}

# pgbench FILE CLIENTS: transactions per second
tps()
{
	wf_run pgbench -n -M prepared -f "$1" -c "$2" -j 2 -T "$SECONDS_A_FIRE" bench |
		sed -n 's/^tps = \([0-9]*\).*/\1/p'
}

section_drain() { repeat drain bump "$RUNS"; }

section_flush()
{
	slow_flush on
	repeat drain bump "$RUNS"
	slow_flush off
}

# By turns, so that both see the same machine.
section_waiting()
{
	local n

	for _ in $(seq "$REPEAT")
	do
		for n in 0 "$WAITING"
		do
			echo "$n waiting: $(drain bump "$RUNS" "$n" | tr -d '\n')"
		done
	done
}

section_three() { repeat drain three "$RUNS"; }

# Somebody's report holds a snapshot open, after the runs were queued.
section_snapshot()
{
	sql -c "SET idle_in_transaction_session_timeout = 0; BEGIN ISOLATION LEVEL
		REPEATABLE READ; SELECT 1; SELECT pg_sleep(600)" >/dev/null 2>&1 &
	sleep 0.5
	for _ in $(seq "$REPEAT")
	do
		queue_runs bump "$RUNS"
		sql <<-EOSQL
			SELECT clock_timestamp() AS at \gset
			SELECT wf_resume() IS NULL \g /dev/null
			CALL wait_for_all();
			SELECT round($RUNS / extract(epoch FROM clock_timestamp() - :'at'))
				|| ' runs/s';
			SELECT wf_pause() IS NULL \g /dev/null
		EOSQL
	done
	sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid()" >/dev/null
	wait || true
}

# The PL/pgSQL bound: as many processes as workers, 100 jobs a commit.
section_bound()
{
	local began pids i

	for _ in $(seq "$REPEAT")
	do
		sql -c "TRUNCATE jobs" -c "INSERT INTO jobs SELECT g, g FROM
			generate_series(1, $RUNS) g" -c "UPDATE orders SET n = 0" \
			-c "VACUUM FULL orders" -c "VACUUM ANALYZE" -c CHECKPOINT
		began=$(date +%s.%N)
		pids=()
		for i in $(seq "$WORKERS")
		do
			sql -c "CALL work_off()" \
				-c "SELECT split_part(pg_read_file('/proc/self/schedstat', 0, 100), ' ', 1)::int8 / 1000" >"$WORK/cpu.$i" &
			pids+=($!)
		done
		wait "${pids[@]}"
		awk -v n="$RUNS" -v b="$began" -v e="$(date +%s.%N)" \
			'BEGIN { printf "%d jobs/s, ", n / (e - b) }'
		cat "$WORK"/cpu.* | awk -v n="$RUNS" '{ s += $1 } END { printf "%.1f us CPU a job\n", s / n }'
	done
}

section_fire()
{
	local c f
	wf_run bash -c "cat >fire.sql <<'X'
SELECT wf_fire('${T}02', 'nobody_runs', '{\"id\": 4711}');
X
cat >bare.sql <<'X'
INSERT INTO bare (definition_id, tenant_id, definition_version, trigger_payload) VALUES ('${T}01', '${T}02', 1, '{\"id\": 4711}');
X"
	sql -c "SELECT wf_pause()" >/dev/null
	for f in ${FLUSHES:-off on}
	do
		slow_flush "$f"
		for c in 1 8 32
		do
			for _ in $(seq "$REPEAT")
			do
				sql -c "TRUNCATE bare, workflow_runs" -c CHECKPOINT
				echo "slow flush $f, $c clients: bare $(tps bare.sql $c) fire $(tps fire.sql $c)"
			done
		done
	done
	slow_flush off
}

section_trigger()
{
	sql -c "SELECT wf_pause()" >/dev/null
	for _ in $(seq "$REPEAT")
	do
		sql <<-EOSQL
			TRUNCATE plain, watched, workflow_runs, bare;
			CHECKPOINT;
			SELECT clock_timestamp() AS a \gset
			INSERT INTO plain SELECT g, '${T}02', g % 1000, 'text of order ' || g FROM generate_series(1, 100000) g;
			SELECT clock_timestamp() AS b \gset
			INSERT INTO watched SELECT g, '${T}02', g % 1000, 'text of order ' || g FROM generate_series(1, 100000) g;
			SELECT clock_timestamp() AS c \gset
			INSERT INTO bare (definition_id, tenant_id, definition_version, trigger_payload) SELECT definition_id, tenant_id, 1, trigger_payload FROM workflow_runs;
			SELECT clock_timestamp() AS d \gset
			SELECT round(extract(epoch FROM :'b'::timestamptz - :'a') * 1000) || ' ms plain, ' ||
				round(extract(epoch FROM :'c'::timestamptz - :'b') * 1000) || ' ms fired, ' ||
				round(extract(epoch FROM :'d'::timestamptz - :'c') * 1000) || ' ms the same rows by INSERT, ratio ' ||
				round(extract(epoch FROM :'c'::timestamptz - :'b') / extract(epoch FROM :'b'::timestamptz - :'a'), 2);
		EOSQL
	done
}

# p50 and p99 of the runs of a tenant, ms from just before commit
spaced()
{
	sql -c "TRUNCATE fires" -c "CALL spaced_fires($1, $2, $3)"
	sql -c "SELECT 'first step p50 ' || round(percentile_disc(0.5) WITHIN GROUP (ORDER BY s)::numeric, 2)
		|| ' p99 ' || round(percentile_disc(0.99) WITHIN GROUP (ORDER BY s)::numeric, 2)
		|| ', completed p50 ' || round(percentile_disc(0.5) WITHIN GROUP (ORDER BY e)::numeric, 2)
		|| ' p99 ' || round(percentile_disc(0.99) WITHIN GROUP (ORDER BY e)::numeric, 2)
		|| ' max ' || round(max(e)::numeric, 2) || ' ms, ' || count(*) || ' runs'
		FROM (SELECT 1000 * extract(epoch FROM r.started_at - f.at) s,
			1000 * extract(epoch FROM r.completed_at - f.at) e
			FROM fires f JOIN workflow_runs r ON r.id = f.run_id
			WHERE r.status = 'completed') x"
}

section_latency()
{
	afresh
	sql -c "SELECT wf_resume()" >/dev/null
	for _ in $(seq "$REPEAT")
	do
		spaced 500 0.01 1
	done
}

section_fair()
{
	for _ in $(seq "$REPEAT")
	do
		afresh
		queue_runs bump $((RUNS * 4))
		sql -c "VACUUM ANALYZE workflow_runs" -c CHECKPOINT -c "SELECT wf_resume()" >/dev/null
		sleep 0.2
		spaced "${FAIR_ROUNDS:-20}" 0.1 10
		sql -c "SELECT count(*) || ' of A left' FROM workflow_runs WHERE status = 'queued'"
	done
}

# perf of one worker while it drains
section_profile()
{
	afresh
	queue_runs "${EVENT:-bump}" "$RUNS"
	sql -c "VACUUM ANALYZE workflow_runs" -c CHECKPOINT
	# shellcheck disable=SC2086 # words: options of perf
	perf record ${PERF:--g} -q -o /tmp/wf-cost.perf -p "$(sql -c 'SELECT pid FROM wf_workers() LIMIT 1')" -- sleep 60 &
	sleep 0.5
	sql -c "SELECT wf_resume()" -c "CALL wait_for_all()" >/dev/null
	kill -INT $!
	wait || true
	echo "see perf report -i /tmp/wf-cost.perf"
}

wf_find_postgres
wf_open cost "${DIR:-}"
COPT="-Werror -fno-omit-frame-pointer" wf_build
wf_start <<-EOF
	fsync = on
	shared_buffers = 512MB
	max_wal_size = 16GB
	checkpoint_timeout = 1h
	autovacuum = off
	max_connections = 100
	workflow_engine.workers = $WORKERS
	${CONF:-}
	EOF
wf_run createdb bench
sql <<-EOF
	CREATE EXTENSION workflow_engine;
	CREATE TABLE orders (id int PRIMARY KEY, n int NOT NULL DEFAULT 0);
	INSERT INTO orders SELECT generate_series(1, $RUNS * 4);
	CREATE TABLE audit (id bigserial PRIMARY KEY, order_id int);
	CREATE TABLE jobs (id bigint PRIMARY KEY, order_id int, status text DEFAULT 'queued');
	CREATE INDEX ON jobs (id) WHERE status = 'queued';
	CREATE TABLE bare (LIKE workflow_runs INCLUDING ALL);
	CREATE TABLE plain (id int PRIMARY KEY, tenant_id uuid, total int, note text);
	CREATE TABLE watched (LIKE plain INCLUDING ALL);
	CREATE TRIGGER w AFTER INSERT ON watched REFERENCING NEW TABLE AS new FOR EACH STATEMENT
		EXECUTE FUNCTION wf_fire_trigger('nobody_runs', 'tenant_id');
	CREATE TABLE fires (run_id uuid, at timestamptz);
	CREATE PROCEDURE wait_for_all() LANGUAGE plpgsql AS \$\$
	BEGIN
		-- each part has an index: what waits for tomorrow is not read
		WHILE EXISTS (SELECT FROM workflow_runs WHERE status = 'running')
			OR EXISTS (SELECT FROM workflow_runs
				WHERE run_at <= queued_at AND status IN ('queued', 'waiting'))
			OR EXISTS (SELECT FROM workflow_runs WHERE place = 0 AND run_at <= now()
				AND run_at > queued_at AND run_at < 'infinity'
				AND status IN ('queued', 'waiting')) LOOP
			COMMIT;
			PERFORM pg_sleep(0.05);
		END LOOP;
	END \$\$;
	CREATE PROCEDURE work_off() LANGUAGE plpgsql AS \$\$
	DECLARE ids bigint[]; i bigint;
	BEGIN
		LOOP
			ids := ARRAY(SELECT id FROM jobs WHERE status = 'queued' ORDER BY id
				LIMIT 100 FOR UPDATE SKIP LOCKED);
			EXIT WHEN ids = '{}';
			FOREACH i IN ARRAY ids LOOP
				UPDATE orders SET n = 1 WHERE id = i;
			END LOOP;
			UPDATE jobs SET status = 'done' WHERE id = ANY (ids);
			COMMIT;
		END LOOP;
	END \$\$;
	-- n rounds, a pause after each, in each one run of k tenants
	CREATE PROCEDURE spaced_fires(n int, pause float8, k int) LANGUAGE plpgsql AS \$\$
	DECLARE id uuid; t timestamptz;
	BEGIN
		FOR r IN 1..n LOOP
			FOR i IN 1..k LOOP
				SELECT * INTO id FROM wf_fire(('${T}' || lpad(to_hex(i + 1), 2, '0'))::uuid,
					'bump', jsonb_build_object('id', r * 20 + i));
				t := clock_timestamp();
				COMMIT;
				INSERT INTO fires VALUES (id, t);
				COMMIT;
			END LOOP;
			PERFORM pg_sleep(pause);
		END LOOP;
		PERFORM pg_sleep(1);
	END \$\$;
	DO \$\$
	BEGIN
		FOR i IN 1..11 LOOP
			PERFORM wf_define(('${T}' || lpad(to_hex(i), 2, '0'))::uuid,
				'{"name": "bump", "trigger_type": "bump", "steps": [
				{"name": "bump", "action": "update_record", "params":
				{"table": "orders", "id": "{{trigger.id}}", "fields": {"n": 1}}}]}');
		END LOOP;
	END \$\$;
	SELECT wf_define('${T}02', '{"name": "nobody", "trigger_type": "nobody_runs", "steps": [
		{"name": "bump", "action": "update_record", "params":
			{"table": "orders", "id": "{{trigger.id}}", "fields": {"n": 1}}}]}') IS NULL \g /dev/null
	SELECT wf_define('${T}01', '{"name": "three", "trigger_type": "three", "steps": [
		{"name": "bump", "action": "update_record", "params":
			{"table": "orders", "id": "{{trigger.id}}", "fields": {"n": 1}}},
		{"name": "find", "action": "find_record", "params":
			{"table": "orders", "where": {"id": "{{trigger.id}}"}}},
		{"name": "note", "action": "insert_record", "params":
			{"table": "audit", "fields": {"order_id": "{{steps.find.output.record.id}}"}}}]}') IS NULL \g /dev/null
EOF
[ -z "${SQL:-}" ] || sql -c "$SQL"
for section in "${@:-drain}"
do
	echo "--- $section"
	"section_$section"
done
