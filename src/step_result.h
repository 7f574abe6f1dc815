/*
 * step_result.h
 *	  Elements of workflow_runs.step_results, and what is read back of them.
 */
#ifndef WF_STEP_RESULT_H
#define WF_STEP_RESULT_H

#include "postgres.h"
#include "datatype/timestamp.h"
#include "utils/jsonb.h"

typedef struct StepResult
{
	int			step;			/* 0-based */
	const char *step_name;
	const char *action;
	const char *status;			/* completed, failed, skipped */
	Jsonb	   *input;			/* NULL: none */
	Jsonb	   *output;			/* NULL: none */
	const char *error;			/* NULL: none */
	int			attempts;
	TimestampTz started_at;
	int64		duration_us;
} StepResult;

/*
 * results with one more element.  Input and output are cut at
 * workflow_engine.max_output each.
 */
extern Jsonb *step_results_append(Jsonb *results, const StepResult *result);

/* {"name": {"status", "output", "error"}} of all elements. */
extern Jsonb *step_results_context(Jsonb *results);

/* ISO 8601 with offset; palloc'd. */
extern char *iso_time(TimestampTz time);

/* text[0..len) at most max bytes, at a character's border; palloc'd. */
extern char *clip_text(const char *text, int max);

#endif							/* WF_STEP_RESULT_H */
