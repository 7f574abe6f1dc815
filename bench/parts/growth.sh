# growth: does what has ended, or cannot be cleaned, slow down what runs?  To
# be sourced by bench.sh.
# shellcheck shell=bash

# Drains beside so many runs that have ended; then single fires.
growth_once()
{
	local ended=$1

	sql -c "SELECT wf_pause()" >/dev/null
	sql -c "VACUUM orders" -c "VACUUM workflow_runs" -c CHECKPOINT
	sql -c "CALL fire('$A', 'confirm', $RUNS)"
	drain "$ended ended" "$RUNS"
	sql -c "TRUNCATE fired" \
		-c "CALL fire_spaced('{$A}', 'confirm', 200, 0.01)"
	percentiles "$ended ended: fire to completed" "SELECT 1000 *
		extract(epoch FROM completed_at - committed)
		FROM fired JOIN workflow_runs ON id = run"
	[ "$ended" != 0 ] || fresh
}

# A transaction that keeps all that was visible now from being cleaned.
hold_snapshot()
{
	sql -c "BEGIN ISOLATION LEVEL REPEATABLE READ" \
		-c "SELECT count(*) FROM orders" -c "SELECT pg_sleep(7200)" \
		>/dev/null 2>&1 &
	HOLDER=$!
	wait_for_sql "SELECT count(*) = 1 FROM pg_stat_activity
		WHERE query = 'SELECT pg_sleep(7200)' AND backend_xmin IS NOT NULL"
}

release_snapshot()
{
	sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE query = 'SELECT pg_sleep(7200)'" >/dev/null
	wait "$HOLDER" || true
}

held_once()
{
	local done_before sum=0

	fresh
	sql -c "CALL fire('$A', 'confirm', $HELD_EACH)"
	drain "no snapshot held" "$HELD_EACH"
	fresh
	hold_snapshot
	for ((done_before = 0; done_before < HELD; done_before += HELD_EACH))
	do
		sql -c "SELECT wf_pause()" >/dev/null
		sql -c "CALL fire('$A', 'confirm', $HELD_EACH, $done_before)"
		drain "snapshot held, $((done_before + HELD_EACH)) runs" "$HELD_EACH"
		sum=$(awk -v a="$sum" -v b="$TOOK" 'BEGIN { print a + b }')
	done
	release_snapshot
	record "snapshot held, all" runs/s "$(divide "$HELD" "$sum" 0)"
}

part_growth()
{
	local before=0 ended

	for_each_disk held_once
	fresh
	for ended in $ENDED
	do
		if [ "$ended" -gt 0 ]
		then
			set_workers 0
			sql -c "CALL add_ended($((ended - before)))" \
				-c "VACUUM ANALYZE workflow_runs"
			set_workers 2
		fi
		before=$ended
		for_each_disk growth_once "$ended"
		[ "$ended" -gt 0 ] || seed_ended
	done
	fresh
}

# Runs that really ended, to be multiplied.
seed_ended()
{
	fresh
	sql -c "CALL fire('$A', 'confirm', 1000)" -c "CALL drain(1000, NULL)" \
		>/dev/null
}
