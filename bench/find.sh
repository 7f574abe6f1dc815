#!/usr/bin/env bash
#
# find.sh: how long it takes to find runs among many: wf_history, wf_runs and
# wf_search, as the owner of the tables, as a role that may only view, and as
# that role bound to a tenant.  Prints the median and the 99th percentile.
#
#	RUNS=1000000 TIMES=100 bench/find.sh
#
# DIR keeps the build, CONF has more settings of the server.  The runs have
# ended, of 20 workflows of four tenants, spread over a year; one in twenty has
# failed, one in a hundred was cancelled, 10,000 wait for tomorrow.

set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../dev/server.sh
. "$(dirname "${BASH_SOURCE[0]}")/../dev/server.sh"

RUNS=${RUNS:-1000000}
TIMES=${TIMES:-100}
T=7f0e8a52-3c1d-4c55-9d0b-5a6f7e8d9c0 # and the tenant's number
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

make_measure()
{
	sql <<-'EOSQL'
		CREATE PROCEDURE measure(who text, what text, statement text, times int, runs int) LANGUAGE plpgsql AS $$
		DECLARE
			began timestamptz;
			took float8[] := '{}';
			found bigint;
			rows bigint := 0;
		BEGIN
			FOR i IN 0 .. times LOOP
				began := clock_timestamp();
				EXECUTE 'SELECT count(*) FROM ' || statement INTO found
					USING (runs - 1 - (i * 7919::bigint) % runs)::int;
				-- the first one loads what the session needs
				IF i > 0 THEN
					took := took || 1000 * extract(epoch FROM clock_timestamp() - began)::float8;
					rows := rows + found;
				END IF;
			END LOOP;
			RAISE INFO '% % p50 % p99 % ms, % rows', rpad(who, 6), rpad(what, 44),
				(SELECT to_char(percentile_disc(0.5) WITHIN GROUP (ORDER BY t), '9990.00') FROM unnest(took) t),
				(SELECT to_char(percentile_disc(0.99) WITHIN GROUP (ORDER BY t), '9990.00') FROM unnest(took) t),
				rows / times;
		END $$;
		CREATE ROLE viewer;
		SELECT wf_grant('viewer', 'view') \g /dev/null
		GRANT SET ON PARAMETER "workflow_engine.tenant_id" TO viewer;
	EOSQL
}

# measure WHO SETTINGS
measure()
{
	local who=$1 settings=$2

	while IFS='|' read -r what statement
	do
		[ -z "$what" ] || sql -c "$settings" -c "CALL measure('$who', '$what',
			\$q\$$statement\$q\$, $TIMES, $RUNS)" 2>&1 | sed 's/^INFO:  //'
	done <<-'EOF'
		wf_history, order|wf_history(jsonb_build_object('order_id', 'A-' || $1))
		wf_history, newest 100|wf_history()
		wf_history, 10 minutes|wf_history(since => now() - interval '1 year' + $1 % 1000000 * interval '30 s', until => now() - interval '1 year' + $1 % 1000000 * interval '30 s' + interval '10 min')
		wf_history, failed|wf_history(status => 'failed')
		wf_runs, newest 50|wf_runs()
		wf_runs, a page deep in the past|wf_runs(until => now() - $1 % 300 * interval '1 day')
		wf_runs, failed|wf_runs(statuses => '{failed}')
		wf_runs, cancelled since a week|wf_runs(statuses => '{cancelled}', since => now() - interval '7 days')
		wf_runs, queued and waiting|wf_runs(statuses => '{queued,waiting}')
		wf_runs, of a workflow, completed|wf_runs(definition_id => (SELECT id FROM workflow_definitions ORDER BY id LIMIT 1), statuses => '{completed}')
		wf_runs, step and error class|wf_runs(step => 'say', error_class => 'HTTP 501: order <number> is unknown')
		wf_runs, no such error class|wf_runs(error_class => 'none')
		wf_runs, 8 matches|wf_runs(match => ARRAY(SELECT jsonb_build_object('number', $1 - n) FROM generate_series(0, 7) n))
		wf_runs, match of one in 5,000|wf_runs(match => ARRAY[jsonb_build_object('items', jsonb_build_array(jsonb_build_object('sku', 'S-' || $1 % 5000)))])
		wf_runs, match of every run|wf_runs(match => '{"{\"status\": \"new\"}"}')
		wf_search, order 12345|wf_search('order A-' || $1)
		wf_search, value|wf_search('A-' || $1)
		wf_search, number|wf_search($1::text)
		wf_search, phone|wf_search('03 ' || lpad(($1 % 1000000)::text, 6, '0'))
		wf_search, customer|wf_search('Customer ' || $1 % 100000)
		wf_search, path=value|wf_search('order_id=A-' || $1)
		wf_search, nothing|wf_search('nothing like it')
		wf_search, value of every run|wf_search('new')
	EOF
}

wf_find_postgres
wf_open find "${DIR:-}"
wf_build
wf_start <<-EOF
	fsync = off
	shared_buffers = 2GB
	max_wal_size = 16GB
	checkpoint_timeout = 1h
	autovacuum = off
	workflow_engine.workers = 1
	${CONF:-}
	EOF
wf_run createdb bench
sql -c "CREATE EXTENSION workflow_engine" -c "SELECT wf_pause()" >/dev/null
sql -v runs="$RUNS" -v t="$T" -f src/bench/runs.sql
make_measure
sql -c "SELECT to_char($RUNS, 'FM999,999,999') || ' runs, ' ||
	pg_size_pretty(pg_total_relation_size('workflow_runs'))"
measure owner "RESET ROLE"
measure viewer "SET ROLE viewer"
measure bound "SET ROLE viewer; SET workflow_engine.tenant_id = '${T}2'"
