/*
 * fire.h
 *	  Queueing runs for events: one, or a hundred thousand of one statement.
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
 * Begins to queue runs for events of a trigger type; the result is in the
 * current memory context.  schema is the extension's.  run_at NULL is now;
 * what it points to, and trigger_type, must last until firing_end.  Locks
 * workflow_runs ROW EXCLUSIVE until the end of the transaction.  Raises 25006
 * if the transaction cannot write, and 54001 if the caller is a step of a
 * workflow that was fired by workflows max_depth deep.
 */
extern Firing *firing_begin(Oid schema, const char *trigger_type,
							const TimestampTz *run_at, int priority);

/*
 * Queues a run for each definition of the tenant that the event fires.  If ids
 * is not NULL, the ids are appended to *ids (of pg_uuid_t *, in the current
 * memory context, which must be that of firing_begin), at the latest by
 * firing_end.  If a run has the key already,
 * its id is appended instead.  Rows without a key may wait in memory until
 * firing_end.
 *
 * Raises 42501 for a tenant that this session is not bound to, 22023 and 54000
 * for the payload, 22023 for the key, 40001 in a serializable transaction,
 * 55000 if a table is not as the engine needs it.  Here or in firing_end, what
 * users have added to workflow_runs may raise anything.
 */
extern void firing_add(Firing *firing, const pg_uuid_t *tenant,
					   Jsonb *payload, const char *key, List **ids);

/*
 * How many runs stand above a run that is queued here; 0 outside of a step.
 * Raises 54001 if they are more than max_depth; trigger_type is for the error.
 */
extern int	firing_depth(const char *trigger_type);

/* Writes the rows that wait, and has the workers woken at commit. */
extern void firing_end(Firing *firing);

/* Raises 22023 if the payload is no object, 54000 if it is too large. */
extern void fire_check_payload(Jsonb *payload);

#endif							/* WF_FIRE_H */
