# latency: a fire on an idle engine.  To be sourced by bench.sh.
# shellcheck shell=bash

latency_once()
{
	local ms='SELECT 1000 * extract(epoch FROM'
	local of='FROM fired JOIN workflow_runs ON id = run'

	fresh
	sql -c "SELECT wf_resume()" >/dev/null
	sql -c "CALL fire_spaced('{$A}', 'confirm', 100, 0.005)" \
		-c "TRUNCATE workflow_runs, fired"
	sql -c "CALL fire_spaced('{$A}', 'confirm', $SPACED, 0.01)"
	check_completed
	percentiles "commit to first step begun" \
		"$ms (step_results->0->>'started_at')::timestamptz - committed) $of"
	percentiles "commit to completed, by the row" \
		"$ms completed_at - committed) $of"
	sql -c "TRUNCATE workflow_runs, fired"
	sql -c "CALL fire_spaced('{$A}', 'confirm', $SPACED, 0.01, true)"
	percentiles "commit to completed, as another session sees it" \
		"$ms seen - committed) $of"
}

part_latency()
{
	for_each_disk latency_once
}
