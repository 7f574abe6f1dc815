#!/usr/bin/env bash
#
# health.sh: what wf_health, workflow_stats and wf_failures take, in
# milliseconds (median and 99th percentile of CALLS calls), in a database of
# RUNS runs: as the owner, as a role with the capability view alone, and as a
# session bound to one of 20 tenants.
#
#	RUNS=1000000 CALLS=100 bench/health.sh
#
# No worker executes anything (workflow_engine.databases is ''): the rows are
# made by INSERT … SELECT, a run every 0.4 s of the last days, 1 % failed with
# one of 40 errors; the last 20,000 are queued, 20,000 wait for tomorrow.

set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../dev/server.sh
. "$(dirname "${BASH_SOURCE[0]}")/../dev/server.sh"

RUNS=${RUNS:-1000000}
CALLS=${CALLS:-100}
WF_PORT=${WF_PORT:-65433}
WORK=

finish()
{
	wf_stop_all
	[ -n "${DIR:-}" ] || rm -rf "$WORK"
}
trap finish EXIT

wf_find_postgres
wf_open health "${DIR:-}"
wf_build
echo "workflow_engine.databases = ''" | wf_start

query()
{
	wf_run psql -X -q -v ON_ERROR_STOP=1 -d postgres "$@"
}

query -v runs="$RUNS" <<'SQL'
CREATE EXTENSION workflow_engine;
CREATE ROLE ops LOGIN;
SELECT wf_grant('ops', 'view') \g /dev/null
GRANT SET ON PARAMETER workflow_engine.tenant_id TO ops;
CREATE FUNCTION nth(n int) RETURNS uuid IMMUTABLE LANGUAGE sql
	AS $$ SELECT lpad(to_hex(n), 32, '0')::uuid $$;
INSERT INTO workflow_definitions (id, tenant_id, definition)
SELECT nth(n), nth(1000 + n % 20), jsonb_build_object('name', 'workflow ' || n,
	'trigger_type', 'event', 'steps', '[{"name": "find", "action": "find_record",
	"params": {"table": "pg_class", "where": {"relname": "x"}}}]'::jsonb)
FROM generate_series(1, 100) n;
-- the id of a run that was fired at that time
CREATE FUNCTION id_at(at timestamptz, n int) RETURNS uuid LANGUAGE sql AS $$
	SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0')
		|| '7' || lpad(to_hex(n % 4096), 3, '0') || '8'
		|| substr(md5(n::text), 1, 15))::uuid $$;
ALTER TABLE workflow_runs DISABLE TRIGGER USER;
INSERT INTO workflow_runs (id, definition_id, tenant_id, definition_version,
	trigger_payload, status, step_results, error_message, queued_at, run_at,
	started_at, completed_at)
SELECT id_at(at, n), nth(1 + n % 100), nth(1000 + (1 + n % 100) % 20), 1,
	jsonb_build_object('order_id', n), status, '[]',
	CASE status WHEN 'failed' THEN format('step "find": error %s: order %s is unknown',
		n / 100 % 40, n) END,
	at, CASE WHEN n > :runs - 20000 THEN at + '1 day' ELSE at END, at,
	CASE WHEN status IN ('completed', 'failed') THEN at + '5 ms' END
FROM (SELECT n, now() - (:runs - n) * interval '0.4 s' AS at,
	CASE WHEN n > :runs - 40000 THEN 'queued' WHEN n % 101 = 7 THEN 'failed'
		ELSE 'completed' END AS status
	FROM generate_series(1, :runs) n) x;
ALTER TABLE workflow_runs ENABLE TRIGGER USER;
VACUUM ANALYZE;
SQL

# measure ROLE SETTINGS STATEMENT
measure()
{
	local options=$2

	for ((i = 0; i < CALLS; i++))
	do
		printf "%s \\\\g /dev/null\\n" "$3"
	done | { printf '%s\n' '\timing on'; cat; } |
		PGOPTIONS=$options wf_run env PGOPTIONS="$options" \
			psql -X -q -d postgres -U "$1" |
		sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' | sort -n |
		awk '{t[NR] = $1} END {if (!NR) exit 1; printf "%9.1f %9.1f\n",
			t[int((NR + 1) / 2)], t[int(NR * 0.99 + 0.999)]}'
}

tenant=$(query -At -c 'SELECT nth(1005)')
bound="-c workflow_engine.tenant_id=$tenant"
echo "$RUNS runs: p50 and p99 in ms"
printf '%-40s %19s %19s %19s\n' '' owner view 'view, bound'
while read -r statement
do
	printf '%-40s %s %s %s\n' "$statement" \
		"$(measure postgres '' "$statement")" \
		"$(measure ops '' "$statement")" "$(measure ops "$bound" "$statement")"
done <<-SQL
	SELECT * FROM wf_health()
	SELECT * FROM wf_health('$tenant')
	SELECT * FROM workflow_stats
	SELECT * FROM wf_failures()
	SELECT * FROM wf_failures(since => now() - interval '1 day')
SQL
