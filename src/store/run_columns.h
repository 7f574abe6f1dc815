/*
 * run_columns.h
 *	  The columns of workflow_runs, by number.
 */
#ifndef WF_RUN_COLUMNS_H
#define WF_RUN_COLUMNS_H

#include "postgres.h"

/* Columns of workflow_runs, in the order of the install script. */
enum
{
	Anum_workflow_runs_id = 1,
	Anum_workflow_runs_definition_id,
	Anum_workflow_runs_trigger_payload,
	Anum_workflow_runs_status,
	Anum_workflow_runs_current_step,
	Anum_workflow_runs_step_results,
	Anum_workflow_runs_error_message,
	Anum_workflow_runs_started_at,
	Anum_workflow_runs_completed_at,
	Anum_workflow_runs_tenant_id,
	Anum_workflow_runs_definition_version,
	Anum_workflow_runs_queued_at,
	Anum_workflow_runs_run_at,
	Anum_workflow_runs_priority,
	Anum_workflow_runs_idempotency_key,
	Anum_workflow_runs_attempt,
	Anum_workflow_runs_place,
	Anum_workflow_runs_owner,
	Anum_workflow_runs_parent_id,
	Anum_workflow_runs_depth,
	Anum_workflow_runs_attempt_at,
	Anum_workflow_runs_failed_attempts,
	Anum_workflow_runs_abnormal_ends,
	Anum_workflow_runs_abnormal_step,
	Anum_workflow_runs_previous_results,
	Anum_workflow_runs_rerun_of,
	Natts_workflow_runs = Anum_workflow_runs_rerun_of
};

#endif							/* WF_RUN_COLUMNS_H */
