/*
 * many.h
 *	  Functions that act on the runs of a list of ids.
 */
#ifndef WF_MANY_H
#define WF_MANY_H

#include "api/stopped_run.h"
#include "base/json_object.h"

/*
 * Does what is asked for to a run, whose row is locked.  False: it is left as
 * it is.  Sets *outcome, which says which; in the current memory context.
 */
typedef bool (*ManyAction) (const StoppedRun *run, void *arg, char **outcome);

/* Of a set-returning function: checks its first argument (22004, 22023). */
extern void many_begin(FunctionCallInfo fcinfo);

/*
 * Acts on each run of the first argument, by ascending id, and puts a row
 * (run_id, outcome) for each into the result.  Records one operation if a run
 * was changed: detail, which has been begun, gets the count and is ended.
 */
extern void many_each(FunctionCallInfo fcinfo, const char *what,
					  ManyAction action, void *arg, ObjectBuilder *detail);

#endif							/* WF_MANY_H */
