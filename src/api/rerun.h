/*
 * rerun.h
 *	  New runs of events that have run before.
 */
#ifndef WF_RERUN_H
#define WF_RERUN_H

#include "api/stopped_run.h"

/*
 * Queues a new run of the definition's current version, with the payload of
 * the run, whose row is locked, or that payload if it is not NULL; its column
 * rerun_of names the run.  Sets *new_id.  False, and objection is filled: the
 * run has not ended.  Raises 54001 in a step, as wf_fire does.
 */
extern bool rerun_run(const StoppedRun *run, Jsonb *payload,
					  pg_uuid_t *new_id, Objection *objection);

#endif							/* WF_RERUN_H */
