/*
 * store_units.c
 *	  The tables that units are in: their names, and where their columns are.
 *
 * Whatever reads or writes the row of a unit asks here, by the unit's table,
 * so that nothing else assumes which one it is.  That the columns are there is
 * what store_tables.c checks.  Constant; every process.
 */
#include "postgres.h"
#include "compat.h"

#include "store/run_columns.h"
#include "store/store_units.h"

const UnitTableInfo store_unit_tables[UNIT_NTABLES] = {
	[UNIT_RUN] = {
		.name = "workflow_runs",
		.key = "workflow_runs_pkey",
		.columns = {
			[UNIT_COLUMN_DEFINITION_ID] = Anum_workflow_runs_definition_id,
			[UNIT_COLUMN_DEFINITION_VERSION] =
			Anum_workflow_runs_definition_version,
			[UNIT_COLUMN_TENANT_ID] = Anum_workflow_runs_tenant_id,
			[UNIT_COLUMN_TRIGGER_PAYLOAD] = Anum_workflow_runs_trigger_payload,
			[UNIT_COLUMN_PLACE] = Anum_workflow_runs_place,
			[UNIT_COLUMN_STATUS] = Anum_workflow_runs_status,
			[UNIT_COLUMN_CURRENT_STEP] = Anum_workflow_runs_current_step,
			[UNIT_COLUMN_STEP_RESULTS] = Anum_workflow_runs_step_results,
			[UNIT_COLUMN_PREVIOUS_RESULTS] =
			Anum_workflow_runs_previous_results,
			[UNIT_COLUMN_ERROR_MESSAGE] = Anum_workflow_runs_error_message,
			[UNIT_COLUMN_QUEUED_AT] = Anum_workflow_runs_queued_at,
			[UNIT_COLUMN_RUN_AT] = Anum_workflow_runs_run_at,
			[UNIT_COLUMN_STARTED_AT] = Anum_workflow_runs_started_at,
			[UNIT_COLUMN_COMPLETED_AT] = Anum_workflow_runs_completed_at,
			[UNIT_COLUMN_PRIORITY] = Anum_workflow_runs_priority,
			[UNIT_COLUMN_DEPTH] = Anum_workflow_runs_depth,
			[UNIT_COLUMN_OWNER] = Anum_workflow_runs_owner,
			[UNIT_COLUMN_ATTEMPT] = Anum_workflow_runs_attempt,
			[UNIT_COLUMN_ATTEMPT_AT] = Anum_workflow_runs_attempt_at,
			[UNIT_COLUMN_FAILED_ATTEMPTS] = Anum_workflow_runs_failed_attempts,
			[UNIT_COLUMN_ABNORMAL_ENDS] = Anum_workflow_runs_abnormal_ends,
			[UNIT_COLUMN_ABNORMAL_STEP] = Anum_workflow_runs_abnormal_step,
		},
	},
};
