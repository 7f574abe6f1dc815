/*
 * retry_place.h
 *	  Where a retried run goes on, and which results it keeps.
 */
#ifndef WF_RETRY_PLACE_H
#define WF_RETRY_PLACE_H

#include "api/stopped_run.h"

/* The names of a version's steps, by number. */
typedef struct StepNames
{
	int			n;
	char	  **names;
} StepNames;

/* What is asked for. */
typedef struct RetryRequest
{
	bool		on_current;		/* on the definition's current version, */
	int			version;		/* that is, on this one */
	const char *from_step;		/* NULL: where the run stopped */
	StepNames	own;			/* of the version that the run has */
	StepNames	target;			/* of the version that it shall go on in */
} RetryRequest;

/* What the run becomes. */
typedef struct RetryPlace
{
	StepPosition step;			/* that runs next */
	Jsonb	   *step_results;
	Jsonb	   *previous_results;	/* NULL: none */
} RetryPlace;

/* The names of a definition's steps, in the current memory context. */
extern void step_names_read(StepNames *steps, Jsonb *definition);

/* The number of the step of that name; -1: there is none. */
extern int	step_names_find(const StepNames *steps, const char *name);

/*
 * Decides where the run goes on; in the current memory context.  False, and
 * objection is filled: it cannot go on as asked for (22023 for from_step, else
 * 55000).
 *
 * On its own version the run goes on at the step where it stopped, or at
 * from_step, an earlier one; that step and all after it are executed again.
 *
 * On the current version, results are kept by the names of their steps.  The
 * run goes on at the first step without a result, and passes later steps that
 * have one; or at from_step, and then that step and all after it are executed
 * again.  Every step before has a result, and every step that the run has
 * finished is in the version.
 *
 * The results of steps that are executed again, and the failed attempts of the
 * step where the run stopped, move to previous_results.
 */
extern bool retry_place_find(const StoppedRun *run,
							 const RetryRequest *request, RetryPlace *place,
							 Objection *objection);

#endif							/* WF_RETRY_PLACE_H */
