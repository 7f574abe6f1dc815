/*
 * step_result.h
 *	  Elements of workflow_runs.step_results, and what is read back of them.
 */
#ifndef WF_STEP_RESULT_H
#define WF_STEP_RESULT_H

#include "postgres.h"
#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "plan/step_position.h"
#include "utils/jsonb.h"

/* So many bytes of an error are kept. */
#define STEP_RESULT_MAX_ERROR 4096

typedef struct StepResult
{
	StepPosition step;
	const char *step_name;
	const char *action;
	const char *status;			/* completed, failed, skipped */
	Jsonb	   *input;			/* NULL: none */
	Jsonb	   *output;			/* NULL: none */
	const char *error;			/* NULL: none */
	int			attempts;
	TimestampTz started_at;		/* of the last attempt, */
	int64		duration_us;	/* and how long it took */
	Jsonb	   *failed_attempts;	/* before the last; NULL: none */
	Jsonb	   *previous;		/* the element before wf_retry; NULL: none */
	int			repeat;			/* the number in the key; 1: none is */
} StepResult;

/* An element; input and output are cut at workflow_engine.max_output each. */
extern Jsonb *step_result_element(const StepResult *result);

/*
 * An element of failed_attempts.  A started_at of 0 is not known, and then
 * the duration is not either.
 */
extern Jsonb *step_failed_attempt(int attempt, const char *error,
								  TimestampTz started_at, int64 duration_us);

/*
 * What a step's earlier element says of its repetition: the number that its
 * next key carries, 1: none.
 */
extern int	step_result_repeat(Jsonb *previous);

/* [] */
extern Jsonb *step_results_empty(void);

/*
 * value, or, if it is larger than max_output, an object that says so: the
 * size in bytes as stored, and the beginning of its text.  What has been cut
 * is not cut again.
 */
extern Jsonb *step_result_cap(Jsonb *value);

/*
 * Is there room for element after results and more?  A jsonb array holds
 * 256 MB; one MB of it is kept for elements without input and output.
 */
extern bool step_results_fit(Jsonb *results, List *more, Jsonb *element);

/* The array results, and after them the elements of more (Jsonb *). */
extern Jsonb *step_results_join(Jsonb *results, List *more);

/* {"name": {"status", "output", "error"}} of all elements of both. */
extern Jsonb *step_results_context(Jsonb *results, List *more);

/* ISO 8601 with offset; palloc'd. */
extern char *iso_time(TimestampTz time);

/* text[0..len) at most max bytes, at a character's border; palloc'd. */
extern char *clip_text(const char *text, int max);

#endif							/* WF_STEP_RESULT_H */
