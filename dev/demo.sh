#!/usr/bin/env bash
#
# make demo: the order workflow, end to end.  Builds the extension, starts a
# throw-away PostgreSQL and loopback receivers for the WhatsApp API and SMTP,
# inserts an order and shows what came of it; then everything is stopped and
# removed.  Fails where anything did not arrive.
#
#	make demo KEEP=1		leave it running and print the psql command
#	make demo CONSOLE=1		then serve the console with more to look at, until
#							Ctrl-C (CONSOLE_PORT=8480 chooses the port)
#	dev/demo.sh stop DIR	end one that was left running

set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=server.sh
. "$(dirname "${BASH_SOURCE[0]}")/server.sh"

LIMIT=30 # seconds that the run may take
TENANT=7f0e8a52-3c1d-4c55-9d0b-5a6f7e8d9c01
WORK=
finished=

finish()
{
	trap - EXIT
	trap '' INT TERM
	if [ -n "$WORK" ] && [ -z "$finished" ] && [ -s "$WORK/server.log" ]
	then
		echo "FAILED. The end of the server's log:" >&2
		tail -n 30 "$WORK/server.log" >&2
	fi
	if [ -n "$WORK" ] && ! { [ -n "$finished" ] && [ -n "${KEEP:-}" ]; }
	then
		wf_stop_all
		rm -rf "$WORK"
		[ -z "$finished" ] || wf_say "Stopped and removed"
	fi
	[ -n "$finished" ] && exit 0
	exit 1
}

# The console, with the data of console/demo.sql, in a database of its own: the
# workflow above stays out of it.  Serves until it is interrupted.
serve_console()
{
	local port=${CONSOLE_PORT:-8480} password=demo peer

	peer=$(wf_run id -un)
	wf_say "Building and starting the console"
	wf_run make -s -C src/console BUILD="$WORK/build/console" >&2
	wf_run bash -c 'printf "%s\n" "local shop +wf_console scram-sha-256" \
		"local all all trust" >data/pg_hba.conf'
	wf_run pg_ctl -D "$WORK/data" reload >/dev/null
	wf_run createdb shop
	wf_run psql -X -q -v ON_ERROR_STOP=1 -d shop \
		-c 'CREATE EXTENSION workflow_engine'
	wf_run psql -X -q -v ON_ERROR_STOP=1 -d shop -f src/console/demo.sql \
		-v http="$whatsapp" -v password="$password"
	cat >"$WORK/console.conf" <<-EOF
		listen = 127.0.0.1:$port
		url = http://127.0.0.1:$port
		database = host=$WORK/tmp port=$WF_PORT dbname=shop requirepeer=$peer
		languages = en, ar
	EOF
	chmod 644 "$WORK/console.conf"
	wf_run build/console/wf_console --config "$WORK/console.conf" --check \
		>"$WORK/check.out" 2>&1 || {
		cat "$WORK/check.out" >&2
		die "the console cannot start"
	}
	finished=yes
	heading "The console"
	cat <<-EOF
		    http://127.0.0.1:$port
		    sign in as   ops     password $password    may retry, cancel, switch off
		    or as        viewer  password $password    may look
		    or as        admin   password $password    may also change connections, and
		                                     run a workflow for real
		Ctrl-C stops and removes everything.
	EOF
	trap 'exit 0' INT TERM
	wf_run build/console/wf_console --config "$WORK/console.conf" \
		2>"$WORK/console.log" &
	wait $!
	tail -n 20 "$WORK/console.log" >&2
	finished=
	die "the console has ended"
}

heading()
{
	printf '\n\033[1m%s\033[0m\n' "── $* ──"
}

# With colour only on a terminal.
if [ ! -t 1 ]
then
	heading()
	{
		printf '\n%s\n' "── $* ──"
	}
fi

die()
{
	echo "demo: $*" >&2
	exit 1
}

sql()
{
	wf_run psql -X -q -v ON_ERROR_STOP=1 -P pager=off -d demo "$@"
}

# One value.
ask()
{
	sql -At -c "$1"
}

# receiver KIND: starts t/loopback/KIND_receiver.py and sets PORT.  Its
# standard input is a fifo that it holds open itself, so it lives until it is
# killed.
receiver()
{
	local kind=$1

	wf_run bash -c "mkfifo $kind.in
		nohup \"\$PYTHON\" src/t/loopback/${kind}_receiver.py \\
			--log $kind.jsonl <>$kind.in >$kind.out 2>&1 &"
	for _ in $(seq 100)
	do
		PORT=$(sed -n 's/^ready //p' "$WORK/$kind.out" 2>/dev/null)
		[ -z "$PORT" ] || return 0
		sleep 0.05
	done
	cat "$WORK/$kind.out" >&2
	die "the $kind receiver does not start"
}

# Waits until the run of the order has ended; sets RUN and STATUS.
wait_for_run()
{
	local until=$((SECONDS + LIMIT))

	while [ $SECONDS -lt $until ]
	do
		IFS='|' read -r RUN STATUS <<<"$(ask "SELECT id, status
			FROM workflow_runs
			WHERE trigger_payload->>'order_id' = '$1'")"
		case ${STATUS:-} in
			completed | failed | cancelled) return 0 ;;
		esac
		sleep 0.1
	done
	ask "SELECT row_to_json(r) FROM workflow_runs r" >&2 || true
	die "the run did not end within $LIMIT seconds (${STATUS:-not fired})"
}

if [ "${1:-}" = stop ]
then
	WORK=${2:?usage: demo.sh stop DIR}
	[ -f "$WORK/.workflow_engine" ] || die "$WORK is no folder of a demo"
	wf_find_postgres || die "no PostgreSQL found"
	wf_stop_all
	rm -rf "$WORK"
	exit 0
fi

trap finish EXIT
trap 'exit 1' INT TERM

"$WF_TOP/dev/setup.sh" ${CONSOLE:+console-}demo
wf_find_postgres || die "no PostgreSQL with headers found"
wf_say "Building against $("$PGC" --version)"
wf_open demo
COPT=${COPT-} wf_build

wf_say "Starting a throw-away PostgreSQL and the receivers"
wf_start </dev/null
wf_run createdb demo
receiver http
whatsapp=http://127.0.0.1:$PORT
receiver smtp
smtp=smtp://127.0.0.1:$PORT

wf_say "Loading the extension, the orders table and the workflow"
sql -c 'CREATE EXTENSION workflow_engine'
sql -f src/examples/orders.sql
sql -f src/examples/connections.sql -v whatsapp_url="$whatsapp" \
	-v smtp_url="$smtp"
sql -f src/examples/templates.sql
sql -f src/examples/workflow.sql -v tenant="$TENANT"

heading "An order comes in"
insert="INSERT INTO orders (tenant_id, customer_phone, total_amount)
VALUES ('$TENANT', '+9613123456', 1250.50)"
echo "$insert;"
order=$(sql -U shop -At -c "$insert RETURNING id")
wait_for_run "$order"

heading "The order, confirmed by update_record"
sql -c "SELECT id, customer_phone, total_amount, status FROM orders"

heading "The WhatsApp request, as received"
"$PYTHON" "$WF_TOP/dev/show.py" http "$WORK/http.jsonl" ||
	die "no WhatsApp request arrived: $(ask "SELECT step_results
		FROM workflow_runs WHERE id = '$RUN'")"

heading "The mail, as received"
"$PYTHON" "$WF_TOP/dev/show.py" smtp "$WORK/smtp.jsonl" ||
	die "no mail arrived: $(ask "SELECT step_results
		FROM workflow_runs WHERE id = '$RUN'")"

heading "What automation ran for this order?"
query="SELECT workflow_name, version, status, queued_at, duration,
       steps_completed AS done, steps_total AS of, error_message
FROM wf_history('{\"order_id\": \"$order\"}')"
echo "$query;"
sql -c "$query"

heading "And what did it do, step by step?"
query="SELECT step, step_name, action, status, attempts, duration_ms, output,
       error
FROM wf_trace('$RUN')"
echo "$query;"
sql -c "$query"

[ "$STATUS" = completed ] || die "the run has $STATUS"
[ "$(ask "SELECT status FROM orders WHERE id = '$order'")" = confirmed ] ||
	die "the order is not confirmed"
[ "$(ask "SELECT string_agg(status, ' ' ORDER BY step)
	FROM wf_trace('$RUN')")" = 'completed completed completed' ] ||
	die "a step has not completed"

finished=yes
[ -z "${CONSOLE:-}" ] || serve_console
if [ -n "${KEEP:-}" ]
then
	wf_say "Left running. To look around:"
	echo "    $BINDIR/psql -h $WORK/tmp -p $WF_PORT -U postgres demo"
	wf_say "To stop and remove it:"
	echo "    $WF_TOP/dev/demo.sh stop $WORK"
fi
