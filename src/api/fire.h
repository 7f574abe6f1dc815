/*
 * fire.h
 *	  Queueing runs, one or a hundred thousand.
 */
#ifndef WF_FIRE_H
#define WF_FIRE_H

#include "postgres.h"
#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

typedef struct Firing Firing;

/*
 * Begins to queue runs for an event.  schema is the extension's.  run_at NULL
 * is now; what it points to must last until firing_end.  Takes ROW EXCLUSIVE
 * on workflow_runs.  Raises 54001 if the caller is a step too deep in a chain
 * of its own making.
 */
extern Firing *firing_begin(Oid schema, const char *trigger_type,
							const TimestampTz *run_at, int priority);

/*
 * Queues a run for each definition of the tenant that the event fires.  Ids
 * are appended to *ids (of pg_uuid_t *, in the caller's context) if ids is not
 * NULL, at the latest by firing_end; a keyed run that exists already gives
 * its id.  Without a key rows may wait in memory until firing_end.  Raises
 * 42501 for a tenant that this session is not bound to, 22023 and 54000 for
 * the payload, 22023 for the key, 40001 in a serializable transaction, 55000
 * if a table is not as the engine needs it; and, here or in firing_end,
 * whatever raises what somebody has put on workflow_runs.
 */
extern void firing_add(Firing *firing, const pg_uuid_t *tenant,
					   Jsonb *payload, const char *key, List **ids);

/* Writes what waits, and has the workers woken at commit. */
extern void firing_end(Firing *firing);

#endif							/* WF_FIRE_H */
