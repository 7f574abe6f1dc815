# fire: what a fire costs its transaction.  To be sourced by bench.sh.
# shellcheck shell=bash

# slice STATEMENT CLIENTS SECONDS: pgbench; adds transactions per second and WAL
# bytes per transaction to $WORK/slices.KEY, for KEY in $4.
slice()
{
	local lsn lsn2 out tps n

	wf_run bash -c "printf '%s\n' '\\set id random(1, 1000000)' \"\$1\" \
		>bench.pgbench" - "$1"
	lsn=$(sql -c "SELECT lsn FROM bench_wal()")
	out=$(wf_run pgbench -n -M prepared -c "$2" -j 2 -T "$3" \
		-f bench.pgbench bench 2>&1) || {
		head -n 3 <<<"$out" >&2
		return 1
	}
	lsn2=$(sql -c "SELECT lsn FROM bench_wal()")
	tps=$(sed -n 's/^tps = \([0-9]*\).*/\1/p' <<<"$out")
	n=$(sed -n 's/^number of transactions actually processed: \([0-9]*\).*/\1/p' \
		<<<"$out")
	echo "$tps $(divide $((lsn2 - lsn)) "$n" 0)" >>"$WORK/slices.$4"
}

# mean COLUMN: of standard input
mean()
{
	awk -v c="$1" '{ s += $c } END { printf "%.0f\n", s / NR }'
}

# fire_clients CLIENTS: both in turn, a second or two each, so that what else
# the machine does hits both.
fire_clients()
{
	local key what slices=$(((SECONDS_EACH + 1) / 2))

	sql -c "TRUNCATE workflow_runs, bare_runs" -c CHECKPOINT
	rm -f "$WORK"/slices.*
	for _ in $(seq $slices)
	do
		slice "$FIRE" "$1" 2 fire
		slice "$BARE" "$1" 2 bare
	done
	for what in fire bare
	do
		key="$what, $1 $([ "$1" = 1 ] && echo client || echo clients)"
		record "$key" tps "$(mean 1 <"$WORK/slices.$what")"
		record "$key: WAL" bytes/fire "$(mean 2 <"$WORK/slices.$what")"
	done
}

# Seconds that the insertion of so many orders takes.
bulk_insert()
{
	sql -c "TRUNCATE workflow_runs, shop.orders" -c CHECKPOINT
	sql <<-EOF
		CREATE TEMP TABLE began AS SELECT clock_timestamp() AS at;
		INSERT INTO shop.orders (tenant_id, customer_phone, total_amount)
		SELECT '$A', '+9613' || i, i % 1000 FROM generate_series(1, $RUNS) i;
		SELECT extract(epoch FROM clock_timestamp() - at) FROM began;
	EOF
}

fire_bulk()
{
	record "bulk, plain" s "$(bulk_insert)"
	sql -c "CREATE TRIGGER bulk AFTER INSERT ON shop.orders
		REFERENCING NEW TABLE AS new FOR EACH STATEMENT EXECUTE FUNCTION
		wf_fire_trigger('confirm', 'tenant_id', 'order_id=id', 'customer_phone',
						'total_amount')"
	record "bulk, statement trigger" s "$(bulk_insert)"
	sql -c "DROP TRIGGER bulk ON shop.orders"
}

fire_once()
{
	fire_clients 1
	fire_clients 8
	fire_clients 32
	fire_bulk
}

part_fire()
{
	local definition

	definition=$(sql -c "SELECT id FROM workflow_definitions
		WHERE name = 'confirm'")
	FIRE="SELECT wf_fire('$A', 'confirm', jsonb_build_object('id', :id::int));"
	BARE="INSERT INTO bare_runs (definition_id, definition_version, tenant_id,
		trigger_payload) VALUES ('$definition', 1, '$A',
		jsonb_build_object('id', :id::int));"
	BARE=${BARE//$'\n'/ }
	sql -c "SELECT wf_pause()" >/dev/null
	for_each_disk fire_once
	fresh
}
