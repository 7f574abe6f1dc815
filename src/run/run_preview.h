/*
 * run_preview.h
 *	  What a run of a definition would do, step by step.
 */
#ifndef WF_RUN_PREVIEW_H
#define WF_RUN_PREVIEW_H

#include "access/tupdesc.h"
#include "plan/plan.h"
#include "store/run_row.h"

/* What is asked for. */
typedef struct Preview
{
	const WorkflowPlan *plan;
	RunRow		run;			/* the run that would be: its ids, payload,
								 * tenant and workflow; no results */
	bool		execute;		/* native steps are executed; the caller rolls
								 * back its transaction */
	bool		run_functions;	/* functions are, too */
	Oid			run_as;			/* the role that they are executed as */
	Jsonb	   *outputs;		/* {"step": output} of steps that are not
								 * executed */
	int			lock_timeout_ms;	/* of each wait for a lock; 0: none */
	TimestampTz deadline;		/* when it ends, */
	int64		max_time_ms;	/* that much after it began */
} Preview;

/* What becomes of a step. */
typedef struct PreviewRow
{
	StepPosition step;
	const char *step_name;
	const char *action;
	const char *status;
	int64		duration_us;	/* -1: it was not executed */
	Jsonb	   *input;			/* these may be NULL: */
	Jsonb	   *output;
	const char *error;
	const char *reason;			/* why it has that status */
	Jsonb	   *request;
	Jsonb	   *changes;
} PreviewRow;

/*
 * Hands a row of each step, in order, to emit.  In a transaction, with a
 * snapshot set, as the user who asks.  Without execute it executes nothing,
 * writes nothing and locks no row.  With execute it must be the work of a
 * process of its own, as step_sandbox.c wants it, and outside of any query.
 *
 * Errors of steps are in their rows.  Raises only what concerns the whole:
 * 57014 if the query is cancelled, classes 53 and 57.
 */
extern void run_preview(const Preview *preview,
						void (*emit) (const PreviewRow *row, void *arg),
						void *arg);

/* The row of a step that is not reached, without a reason. */
extern PreviewRow run_preview_row(const Preview *preview,
								  StepPosition position);

/* The row of a step that is not reached since the time is over. */
extern PreviewRow run_preview_too_late(const Preview *preview,
									   StepPosition position);

/* The reason in that row, palloc'd. */
extern char *run_preview_time_text(const Preview *preview);

/*--- rows as SQL has them ---*/

#define PREVIEW_COLUMNS 11

/* The columns of wf_preview; palloc'd. */
extern TupleDesc run_preview_desc(void);
extern void run_preview_values(const PreviewRow *row, Datum *values,
							   bool *isnull);

#endif							/* WF_RUN_PREVIEW_H */
