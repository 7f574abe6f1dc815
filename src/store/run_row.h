/*
 * run_row.h
 *	  The row of a run, as it is loaded and saved.
 */
#ifndef WF_RUN_ROW_H
#define WF_RUN_ROW_H

#include "postgres.h"
#include "base/unit.h"
#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "plan/step_position.h"
#include "storage/itemptr.h"
#include "store/run_status.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

/* A run as loaded; lives in the context it was loaded in. */
typedef struct RunRow
{
	ItemPointerData tid;		/* of the version that was loaded */
	Unit		unit;
	pg_uuid_t	definition_id;
	int			version;
	TimestampTz saved_at;		/* when that version was saved */
	pg_uuid_t	tenant_id;
	char	   *workflow_name;
	Jsonb	   *payload;
	Jsonb	   *step_results;	/* as saved */
	List	   *new_results;	/* of Jsonb *: elements to append */
	RunStatus	status;
	StepPosition current_step;
	StepPosition loaded_step;	/* current_step as loaded */
	int			attempt;		/* of the current step, begun */
	TimestampTz attempt_at;		/* when, if that was committed; else 0 */
	Jsonb	   *failed_attempts;	/* of the current step; NULL: none */
	int			abnormal_ends;	/* of workers that executed abnormal_step; -1:
								 * it would not be cancelled */
	StepPosition abnormal_step;
	Jsonb	   *previous_results;	/* by step, after wf_retry; or NULL */
	bool		taken_over;		/* its owner is gone */
	int			depth;
	TimestampTz queued_at;
	TimestampTz started_at;
	TimestampTz run_at;
	int16		priority;
	TimestampTz completed_at;	/* 0: not yet */
	char	   *error_message;
	int64		owner;			/* 0: nobody */
	char	   *defect;			/* the run is to be failed for it; or NULL */
} RunRow;

#endif							/* WF_RUN_ROW_H */
