# fairness: ten tenants fire now and then while another has a backlog.  To be
# sourced by bench.sh.
# shellcheck shell=bash

# Of what was fired while the tenants in $2 had runs left: from fire to
# completion.
record_beside()
{
	percentiles "$1" "SELECT 1000 * extract(epoch FROM completed_at - queued_at)
		FROM fired JOIN workflow_runs ON id = run
		WHERE queued_at < (SELECT coalesce(max(coalesce(completed_at, 'infinity')),
				'infinity') FROM workflow_runs WHERE $2)"
	record "$1: fires counted" fires "$(sql -c "SELECT count(*)
		FROM fired JOIN workflow_runs ON id = run
		WHERE queued_at < (SELECT coalesce(max(coalesce(completed_at, 'infinity')),
				'infinity') FROM workflow_runs WHERE $2)")"
}

# beside KEY TENANTS BACKLOG_OF: BESIDE fires of the tenants, in turn.
beside()
{
	sql -c "SELECT wf_resume()" >/dev/null
	sql -c "CALL fire_spaced('$2', 'confirm', $BESIDE, 0.01)"
	wait_for_sql "SELECT count(*) = 0 FROM fired JOIN workflow_runs ON id = run
		WHERE completed_at IS NULL"
	record_beside "$1" "$3"
	sql -c "SELECT wf_pause()" >/dev/null
	wait_for_sql "SELECT count(*) = 0 FROM workflow_runs
		WHERE status = 'running'"
}

fairness_once()
{
	fresh
	beside "idle" "$FEW" false
	fresh
	sql -c "CALL fire('$A', 'confirm', $BACKLOG)" -c "ANALYZE workflow_runs"
	beside "backlog" "$FEW" "tenant_id = '$A'"
	fresh
	sql -c "CALL fire('$A', 'slow', $BACKLOG)" -c "ANALYZE workflow_runs"
	beside "backlog of slow requests" "$FEW" "tenant_id = '$A'"
	fresh
	sql -c "CALL fire('$A', 'confirm', $BACKLOG)" -c "ANALYZE workflow_runs"
	beside "backlog, 1000 tenants fire" "$MANY" "tenant_id = '$A'"
	fresh
	sql -c "SELECT count(*) FROM (SELECT wf_fire(id, 'confirm',
			jsonb_build_object('id', i))
		FROM generate_series(1, $BACKLOG / 1000) i, tenants WHERE n > 10) AS fires" \
		-c "ANALYZE workflow_runs" >/dev/null
	beside "backlog of 1000 tenants" "$FEW" "id NOT IN (SELECT run FROM fired)"
}

part_fairness()
{
	need_responder
	set_limits 256 32
	sql <<-EOF
		CREATE TABLE tenants AS
		SELECT n, md5('tenant ' || n)::uuid AS id FROM generate_series(1, 1000) n;
		SELECT count(wf_define(id, (SELECT definition FROM workflow_definitions
			WHERE name = 'confirm'))) FROM tenants \g /dev/null
	EOF
	FEW=$(sql -c "SELECT array_agg(id) FROM tenants WHERE n <= 10")
	MANY=$(sql -c "SELECT array_agg(id) FROM tenants")
	define "$A" slow "[{\"name\": \"call\", \"action\": \"webhook\",
		\"params\": {\"url\": \"http://127.0.0.1:$RESPONDER/delay/1000\"}}]"
	for_each_disk fairness_once
}
