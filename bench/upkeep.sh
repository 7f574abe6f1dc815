#!/usr/bin/env bash
#
# upkeep.sh [SECTION...]: what is said of deleting, vacuum and dumps.
#
#	purge		wf_purge of a day, and under retention, beside ENDED runs,
#				while FIRES runs a second are fired and executed
#	vacuum		CHURN runs with autovacuum, with the tables' settings and with
#				the server's: dead rows, size, CPU
#	dump		pg_dump and pg_restore of RUNS runs, compared row by row
#
# DIR keeps the build.

set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../dev/server.sh
. "$(dirname "${BASH_SOURCE[0]}")/../dev/server.sh"
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

ENDED=${ENDED:-10000000}
DAYS=${DAYS:-100}
FIRES=${FIRES:-1000}
CHURN=${CHURN:-200000}
RUNS=${RUNS:-100000}
REPEAT=${REPEAT:-3}
A=7f0e8a52-3c1d-4c55-9d0b-5a6f7e8d9c01

upkeep_finish()
{
	trap - EXIT
	[ -z "$WORK" ] || wf_stop_all
	[ -n "${DIR:-}" ] || [ -z "$WORK" ] || rm -rf "$WORK"
}
trap upkeep_finish EXIT

# Runs that have ended, evenly over so many days: copies of a real one, past the
# trigger, which would look up the definition of each.  The indexes but for the
# primary key are made afterwards, which is faster.
add_ended() # N DAYS
{
	# who would else read the table from end to end
	sql -c "ALTER SYSTEM SET workflow_engine.workers = 0" \
		-c "SELECT pg_reload_conf()" -c "SELECT pg_sleep(1)" >/dev/null
	sql <<-EOSQL
		SET session_replication_role = replica;
		SET maintenance_work_mem = '512MB';
		CREATE TEMP TABLE made AS SELECT indexrelid::regclass::text AS name,
			pg_get_indexdef(indexrelid) AS def FROM pg_index
			WHERE indrelid = 'workflow_runs'::regclass AND NOT indisprimary;
		SELECT format('DROP INDEX %s', name) FROM made \gexec
		INSERT INTO workflow_runs (id, definition_id, tenant_id,
			definition_version, trigger_payload, status, current_step,
			step_results, queued_at, started_at, run_at, completed_at)
		SELECT id_at(at), r.definition_id, '$A', 1, jsonb_build_object('id', g % 10000),
			'completed', 1, r.step_results, at, at, at, at
		FROM (SELECT * FROM workflow_runs WHERE status = 'completed' LIMIT 1) r,
			generate_series($1, 1, -1) g,
			LATERAL (SELECT now() - g * ($2 * interval '1 day' / $1) AS at) x;
		SELECT def FROM made \gexec
		VACUUM ANALYZE workflow_runs;
		CHECKPOINT;
		ALTER SYSTEM RESET workflow_engine.workers;
		SELECT pg_reload_conf() \g /dev/null
	EOSQL
	wait_for_sql "SELECT count(*) = 2 FROM wf_workers()"
}

# Fires so many runs a second, for as long as the next command takes; prints
# what it printed, and from commit to completion what the runs took meanwhile.
while_firing() # LABEL COMMAND...
{
	local label=$1 began pid status=0

	shift
	sql -c "TRUNCATE fired"
	began=$(sql -c "SELECT clock_timestamp()")
	wf_run pgbench -n -M prepared -f fire.sql -c 4 -R "$FIRES" -T 3600 bench \
		>"$WORK/pgbench.log" 2>&1 &
	pid=$!
	sql -c "SELECT pg_sleep(2)" >/dev/null
	"$@" || status=$?
	sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE application_name = 'pgbench'" >/dev/null
	wait $pid || true
	wait_for_sql "SELECT count(*) = 0 FROM workflow_runs
		WHERE status IN ('queued', 'running')"
	sql -c "SELECT '$label: ' || count(*) || ' fired, to completed: p50 '
		|| round(percentile_disc(0.5) WITHIN GROUP (ORDER BY ms), 2) || ' ms, p99 '
		|| round(percentile_disc(0.99) WITHIN GROUP (ORDER BY ms), 2) || ' ms, max '
		|| round(max(ms), 2) || ' ms'
		FROM (SELECT 1000 * extract(epoch FROM completed_at - queued_at) AS ms
			FROM workflow_runs WHERE id > wf_run_id_floor('$began')) x"
	return $status
}

purge_by_hand()
{
	wf_run psql -X -q -At -d bench 2>"$WORK/purge.log" <<-EOSQL
		\timing on
		SET client_min_messages = debug1;
		CALL wf_purge('$1');
	EOSQL
	grep -o 'deleted [0-9]* runs$' "$WORK/purge.log"
	sed -n 's/.*transaction of wf_purge lasted \([0-9]*\) us.*/\1/p' "$WORK/purge.log" |
		sort -n | awk '{ t[NR] = $1 / 1000 } END { printf "%d transactions: p50 %.1f ms, p99 %.1f ms, the longest %.1f ms\n",
			NR, t[int((NR + 1) / 2)], t[int(NR * 0.99) ? int(NR * 0.99) : 1], t[NR] }'
}

retention() # DAYS
{
	local began

	sql -c "ALTER SYSTEM SET workflow_engine.retention = '${1}d'" \
		-c "SELECT pg_reload_conf()" >/dev/null
	began=$SECONDS
	wait_for_sql "SELECT count(*) = 0 FROM (SELECT FROM workflow_runs
		WHERE id < wf_run_id_floor(now() - interval '$1 days')
		ORDER BY id LIMIT 1) x"
	echo "retention: a day deleted in $((SECONDS - began)) s"
	sql -c "ALTER SYSTEM RESET workflow_engine.retention" \
		-c "SELECT pg_reload_conf()" >/dev/null
}

section_purge()
{
	add_ended "$ENDED" "$DAYS"
	sql -c "SELECT count(*) || ' runs, ' || pg_size_pretty(pg_total_relation_size('workflow_runs')) FROM workflow_runs"
	while_firing "no purge" sql -c "SELECT '' FROM pg_sleep(20)"
	while_firing "wf_purge of a day" purge_by_hand "$((DAYS - 1)) days"
	while_firing "retention, a day" retention "$((DAYS - 2))"
}

churn_once() # LABEL
{
	sql -c "TRUNCATE workflow_runs" -c "UPDATE orders SET n = 0" -c "VACUUM FULL orders"
	sql -c "SELECT pg_stat_reset()" -c "CHECKPOINT" >/dev/null
	wf_run pgbench -n -M prepared -f fire.sql -c 4 -t "$((CHURN / 4))" bench >/dev/null 2>&1
	wait_for_sql "SELECT count(*) = 0 FROM workflow_runs WHERE status IN ('queued', 'running')"
	sleep "${SETTLE:-20}"
	sql -c "SELECT '$1: ' || n_live_tup || ' live, ' || n_dead_tup || ' dead, '
		|| n_tup_upd || ' updates, ' || n_tup_hot_upd || ' HOT, autovacuum ' || autovacuum_count
		|| ' times, analyze ' || autoanalyze_count || ', table '
		|| pg_size_pretty(pg_table_size(relid)) || ', indexes ' || pg_size_pretty(pg_indexes_size(relid))
		FROM pg_stat_user_tables WHERE relname = 'workflow_runs'"
	awk -v skip="${SEEN:-0}" '
		/automatic vacuum of table "bench.public.workflow_runs"/ { n++; mine = 1 }
		/system usage: CPU/ && mine {
			mine = 0
			if (n > skip) { c += $5 + $8; e += $11; m++ }
		}
		END { printf "  %d vacuums, %.2f s of CPU, %.2f s elapsed\n", m, c, e }' "$WORK/server.log"
	SEEN=$(grep -c 'automatic vacuum of table "bench.public.workflow_runs"' "$WORK/server.log" || true)
}

section_vacuum()
{
	sql -c "ALTER SYSTEM SET autovacuum = on" -c "ALTER SYSTEM SET autovacuum_naptime = '5s'" \
		-c "ALTER SYSTEM SET log_autovacuum_min_duration = 0" -c "SELECT pg_reload_conf()" >/dev/null
	for _ in $(seq "$REPEAT")
	do
		sql -c "SELECT format('ALTER TABLE workflow_runs SET (%s)', array_to_string(reloptions, ', '))
			FROM pg_class WHERE relname = 'workflow_runs' AND reloptions IS NOT NULL" >"$WORK/with.sql"
		churn_once "with the settings of the table"
		sql -c "SELECT format('ALTER TABLE workflow_runs RESET (%s)', string_agg(split_part(o, '=', 1), ', '))
			FROM pg_class, unnest(reloptions) o WHERE relname = 'workflow_runs' HAVING count(*) > 0" >"$WORK/without.sql"
		sql -f "$WORK/without.sql"
		churn_once "with those of the server"
		sql -f "$WORK/with.sql"
	done
	sql -c "ALTER SYSTEM SET autovacuum = off" -c "SELECT pg_reload_conf()" >/dev/null
}

TABLES="workflow_definition_versions workflow_definitions workflow_runs
	workflow_actions workflow_connections workflow_templates workflow_pauses
	workflow_schedules workflow_operations"

section_dump()
{
	local began table

	sql -c "TRUNCATE workflow_runs" -c "SELECT wf_define('$A', '{\"name\": \"daily\", \"schedule\":
		[{\"cron\": \"0 8 * * *\", \"time_zone\": \"Asia/Beirut\", \"catch_up\": \"all\"}],
		\"steps\": [{\"name\": \"s\", \"action\": \"find_record\", \"params\":
		{\"table\": \"orders\", \"where\": {\"id\": 1}}}]}')" >/dev/null
	wf_run pgbench -n -M prepared -f fire.sql -c 4 -t "$((RUNS / 4))" bench >/dev/null 2>&1
	wait_for_sql "SELECT count(*) = 0 FROM workflow_runs WHERE status IN ('queued', 'running')"
	sql -c "SELECT wf_pause()" >/dev/null
	sql -c "SELECT count(*) FROM generate_series(1, 1000) g, wf_fire('$A', 'bump', jsonb_build_object('id', g))" >/dev/null
	began=$(date +%s.%N)
	wf_run pg_dump -Fc -f dump bench
	echo "pg_dump: $(awk -v b="$began" -v e="$(date +%s.%N)" 'BEGIN { printf "%.1f", e - b }') s, $(stat -c %s "$WORK/dump") bytes"
	wf_run createdb copy
	began=$(date +%s.%N)
	wf_run pg_restore --exit-on-error -j 2 -d copy dump
	echo "pg_restore -j 2: $(awk -v b="$began" -v e="$(date +%s.%N)" 'BEGIN { printf "%.1f", e - b }') s"
	for table in $TABLES
	do
		wf_run psql -X -q -At -d bench -c "COPY (SELECT t::text COLLATE \"C\" AS r FROM $table t ORDER BY 1) TO STDOUT" >"$WORK/a.rows"
		wf_run psql -X -q -At -d copy -c "COPY (SELECT t::text COLLATE \"C\" AS r FROM $table t ORDER BY 1) TO STDOUT" >"$WORK/b.rows"
		if cmp -s "$WORK/a.rows" "$WORK/b.rows"
		then
			echo "$table: $(wc -l <"$WORK/a.rows") rows, all the same"
		else
			echo "$table: $(diff "$WORK/a.rows" "$WORK/b.rows" | grep -c '^[<>]') rows differ"
			return 1
		fi
	done
	wf_run dropdb copy
	sql -c "SELECT wf_resume()" >/dev/null
}

wf_find_postgres
wf_open upkeep "${DIR:-}"
wf_build
bench_server <<-EOF
	shared_buffers = 1GB
	max_connections = 50
	workflow_engine.databases = 'bench'
	${CONF:-}
EOF
wf_run bash -c "cat >fire.sql <<'X'
\set id random(1, 10000)
SELECT wf_fire('$A', 'bump', jsonb_build_object('id', :id::int));
X"
sql <<-EOF
	CREATE TABLE orders (id int PRIMARY KEY, n int NOT NULL DEFAULT 0);
	INSERT INTO orders SELECT generate_series(1, 10000);
	CREATE TABLE fired (run uuid);
	CREATE FUNCTION id_at(at timestamptz) RETURNS uuid LANGUAGE sql AS \$\$
		SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0')
			|| '7' || substr(md5(random()::text), 1, 3) || '8'
			|| substr(md5(random()::text), 1, 15))::uuid \$\$;
	SELECT wf_define('$A', '{"name": "bump", "trigger_type": "bump", "steps": [
		{"name": "bump", "action": "update_record", "params":
		{"table": "orders", "id": "{{trigger.id}}", "fields": {"n": 1}}}]}') IS NULL \g /dev/null
	SELECT wf_fire('$A', 'bump', '{"id": 1}') IS NULL \g /dev/null
EOF
wait_for_sql "SELECT count(*) = 1 FROM workflow_runs WHERE status = 'completed'"
for section in "${@:-dump}"
do
	echo "--- $section"
	"section_$section"
done
