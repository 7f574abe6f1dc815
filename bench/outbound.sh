#!/usr/bin/env bash
#
# make figures-outbound: what a dead endpoint costs the others, what a hostile
# one costs in memory.  On a throw-away server with default durability (fsync
# on); not part of any test.  Prints
#
#	healthy		p99 from fire to completion of FIRES spaced native runs of
#				one tenant and FIRES webhook runs of another, undisturbed and
#				while 200 runs of a third wait for a server that never answers
#	memory		peak of a worker's resident memory (VmHWM) while 64 requests
#				at a time go to a server that is up to no good
#
# each REPEAT times: the median, and the least and the most; and once
#
#	burst		BURST runs fired at once, to a provider that takes RATE a second
#				and answers 429 with Retry-After: 1 to the others: how long
#				they take, how many requests were refused, and p99 of another
#				tenant's requests to the same host meanwhile

set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../dev/server.sh
. "$(dirname "${BASH_SOURCE[0]}")/../dev/server.sh"
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

FIRES=${FIRES:-1000}
DEAD=${DEAD:-200}
REPEAT=${REPEAT:-3}
BURST=${BURST:-1000}
RATE=${RATE:-20}
PARTS=${PARTS:-healthy memory burst}
KINDS=${KINDS:-bytes/10 bytes/1000000 huge endless-body endless-headers
	many-headers/100000 slow-body deep half redirect}
A=7f0e8a52-3c1d-4c55-9d0b-5a6f7e8d9c0a
B=7f0e8a52-3c1d-4c55-9d0b-5a6f7e8d9c0b
C=7f0e8a52-3c1d-4c55-9d0b-5a6f7e8d9c0c

trap bench_finish EXIT

# define TENANT NAME ACTION PARAMS: a workflow of one step.
define()
{
	sql -v definition="{\"name\": \"$2\", \"trigger_type\": \"$2\",
		\"steps\": [{\"name\": \"go\", \"action\": \"$3\", \"params\": $4,
			\"retry\": {\"max_attempts\": 1}, \"timeout\": \"1 hour\"}]}" \
		-v tenant="$1" <<<"SELECT wf_define(:'tenant', :'definition') \g /dev/null"
}

# set_limits IN_FLIGHT PER_HOST: of each worker; they are new ones then, so
# that none has the connections or the memory of before.
set_limits()
{
	sql -c "ALTER SYSTEM SET workflow_engine.max_in_flight = $1" \
		-c "ALTER SYSTEM SET workflow_engine.max_per_host = $2" \
		-c "SELECT pg_reload_conf()" >/dev/null
	new_workers
}

#
# healthy: p99 in ms of the native runs and of the requests.
#
healthy_once()
{
	sql -c "CALL fire_spaced($FIRES)"
	wait_for_sql "SELECT count(*) = 0 FROM workflow_runs
		WHERE tenant_id <> '$A' AND completed_at IS NULL"
	sql -F ' ' <<-EOF
		SELECT DISTINCT ON (tenant_id) round(1000 * extract(epoch FROM
			percentile_disc(0.99) WITHIN GROUP (ORDER BY completed_at - queued_at)),
			2)
		FROM workflow_runs WHERE tenant_id <> '$A' GROUP BY tenant_id
		ORDER BY tenant_id;
	EOF
	sql -c "DELETE FROM workflow_runs WHERE tenant_id <> '$A'"
}

part_healthy()
{
	local i

	set_limits 256 32
	: >"$WORK/alone"
	: >"$WORK/beside"
	define "$A" dead webhook "{\"url\": \"http://127.0.0.1:$PORT/hang\"}"
	define "$B" native update_record '{"table": "orders",
		"id": "{{trigger.id}}", "fields": {"n": 1}}'
	define "$C" call webhook "{\"url\": \"http://localhost:$PORT/delay/10\",
		\"body\": {\"id\": \"{{trigger.id}}\"}}"
	sql -c "TRUNCATE workflow_runs"
	healthy_once >/dev/null # warms up
	for i in $(seq "$REPEAT")
	do
		healthy_once | xargs >>"$WORK/alone"
		responder_command hang >/dev/null
		sql -c "SELECT count(*) FROM generate_series(1, $DEAD) g,
			wf_fire('$A', 'dead', jsonb_build_object('id', g))" >/dev/null
		wait_for_sql "SELECT sum(in_flight) = $DEAD FROM wf_workers()"
		healthy_once | xargs >>"$WORK/beside"
		[ "$(sql -c "SELECT count(*) FROM workflow_runs
			WHERE status = 'running'")" = "$DEAD" ] ||
			echo "healthy: not all of the $DEAD runs were waiting" >&2
		responder_command release >/dev/null
		wait_for_sql "SELECT count(*) = $DEAD * $i FROM workflow_runs
			WHERE status = 'completed'"
	done
	for i in 1 2
	do
		printf 'healthy, %s: p99 %s ms alone, %s ms beside %s waiting: %s\n' \
			"$([ $i = 1 ] && echo 'native' || echo 'requests (10 ms)')" \
			"$(spread $i <"$WORK/alone")" "$(spread $i <"$WORK/beside")" \
			"$DEAD" "$(awk -v a="$(median $i <"$WORK/alone")" \
				-v b="$(median $i <"$WORK/beside")" \
				'BEGIN { printf "%.2f times", b / a }')"
	done
}

#
# memory: one worker, new for each kind of answer.
#
memory_once()
{
	set_limits 256 64
	sql -c "SELECT count(*) FROM generate_series(1, 256) g,
		wf_fire('$A', '$1', jsonb_build_object('id', g))" >/dev/null
	wait_for_sql "SELECT count(*) = 0 FROM workflow_runs
		WHERE completed_at IS NULL"
	peak_memory
}

part_memory()
{
	local kind port

	sql -c "ALTER SYSTEM SET workflow_engine.workers = 1" \
		-c "ALTER SYSTEM SET workflow_engine.max_response_size = '1MB'" \
		-c "SELECT pg_reload_conf()" >/dev/null
	wait_for_sql "SELECT count(*) = 1 FROM wf_workers()"
	sql -c "TRUNCATE workflow_runs"
	port=$(start_receiver)
	for kind in $KINDS
	do
		sql -v tenant="$A" -v definition="{\"name\": \"$kind\",
			\"trigger_type\": \"$kind\", \"steps\": [{\"name\": \"go\",
			\"action\": \"webhook\", \"retry\": {\"max_attempts\": 1},
			\"timeout\": \"5 seconds\",
			\"params\": {\"url\": \"http://127.0.0.1:$port/$kind\"}}]}" \
			<<<"SELECT wf_define(:'tenant', :'definition') \g /dev/null"
		for _ in $(seq "$REPEAT")
		do
			memory_once "$kind"
		done >"$WORK/memory"
		echo "memory, $kind: $(spread 1 <"$WORK/memory") MB"
	done
}

#
# burst: the receiver's log says what was sent.
#
part_burst()
{
	local runs

	background limited "\"\$PYTHON\" src/t/loopback/http_receiver.py" \
		--log "$WORK/limited.log"
	sql -c "ALTER SYSTEM SET workflow_engine.workers = 2" \
		-c "SELECT pg_reload_conf()" >/dev/null
	wait_for_sql "SELECT count(*) = 2 FROM wf_workers()"
	sql -c "TRUNCATE workflow_runs"
	define "$A" burst webhook \
		"{\"url\": \"http://127.0.0.1:$PORT/limit/$RATE/burst\"}"
	define "$B" beside webhook "{\"url\": \"http://127.0.0.1:$PORT/beside\"}"
	sql -c "SELECT count(*) FROM generate_series(1, $BURST) g,
		wf_fire('$A', 'burst', jsonb_build_object('id', g))" >/dev/null
	sql -c "CALL fire_beside($BURST / $RATE * 10)"
	wait_for_sql "SELECT count(*) = 0 FROM workflow_runs
		WHERE completed_at IS NULL"
	runs="FROM workflow_runs WHERE tenant_id = '$A'"
	printf 'burst, %s runs at %s a second: %s in %s s, %s requests refused; ' \
		"$BURST" "$RATE" \
		"$(sql -F ' ' -c "SELECT count(*), status $runs GROUP BY 2" | xargs)" \
		"$(sql -c "SELECT round(extract(epoch FROM
			max(completed_at) - min(queued_at)), 1) $runs")" \
		"$(($(grep -c /burst "$WORK/limited.log") - BURST))"
	printf 'p99 of another tenant %s ms\n' "$(sql -c "SELECT
		round(1000 * extract(epoch FROM percentile_disc(0.99) WITHIN GROUP
			(ORDER BY completed_at - queued_at)), 2)
		FROM workflow_runs WHERE tenant_id = '$B'")"
}

wf_find_postgres || {
	echo "PostgreSQL's server and headers are missing: make setup" >&2
	exit 1
}
wf_open outbound
COPT='' wf_build
bench_server <<-EOF
	shared_buffers = 128MB
	${CONF:-}
EOF
sql <<-EOF
	CREATE TABLE orders (id int PRIMARY KEY, n int NOT NULL DEFAULT 0);
	INSERT INTO orders SELECT generate_series(1, $FIRES);
	-- now() is to be the moment of the fire
	CREATE PROCEDURE fire_spaced(n int) LANGUAGE plpgsql AS \$\$
	BEGIN
		FOR i IN 1 .. n LOOP
			PERFORM pg_sleep(0.005);
			COMMIT;
			PERFORM wf_fire('$B', 'native', jsonb_build_object('id', i));
			COMMIT;
			PERFORM pg_sleep(0.005);
			COMMIT;
			PERFORM wf_fire('$C', 'call', jsonb_build_object('id', i));
			COMMIT;
		END LOOP;
	END \$\$;
	CREATE PROCEDURE fire_beside(n int) LANGUAGE plpgsql AS \$\$
	BEGIN
		FOR i IN 1 .. n LOOP
			PERFORM pg_sleep(0.05);
			COMMIT;
			PERFORM wf_fire('$B', 'beside', jsonb_build_object('id', i));
			COMMIT;
		END LOOP;
	END \$\$;
EOF
start_responder
WORKERS=$(sql -c 'SHOW workflow_engine.workers')
echo "$(nproc) cores, $("$PGC" --version), $WORKERS workers;" \
	"the median [least - most] of $REPEAT"
for part in $PARTS
do
	"part_$part"
done
