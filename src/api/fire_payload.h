/*
 * fire_payload.h
 *	  A row of an application's table as the payload of an event.
 */
#ifndef WF_FIRE_PAYLOAD_H
#define WF_FIRE_PAYLOAD_H

#include "postgres.h"
#include "api/trigger_spec.h"
#include "executor/tuptable.h"
#include "utils/jsonb.h"

/*
 * The trigger that was created, and its table.  For a clone of a partition's
 * that is the trigger, and the table, that it was cloned from.
 */
typedef struct TriggerName
{
	Oid			oid;			/* of the trigger that was created */
	const char *trigger;
	const char *schema;
	const char *table;
} TriggerName;

typedef struct PayloadFormat PayloadFormat;

/*
 * Prepares to make payloads of rel's rows with the members of spec.  name and
 * spec must last as long as the result, which is in the current memory
 * context.
 */
extern PayloadFormat *payload_format_make(Relation rel,
										  const TriggerSpec *spec,
										  const TriggerName *name);

/*
 * The payload of a row, in the current memory context.  If has_old, it has a
 * member "_old" made of the row old, or null if old is NULL.
 *
 * A value that JSON cannot hold is null, with a warning.  If the payload is
 * larger than max_payload, its largest values are null, with a warning each;
 * if that is not enough, the result is NULL, after a warning.
 *
 * Raises no error whose cause is a value; other errors (a cancelled query,
 * memory) pass through.
 */
extern Jsonb *payload_of_row(PayloadFormat *format, const char *operation,
							 TupleTableSlot *row, bool has_old,
							 TupleTableSlot *old);

/*
 * Warns about the trigger, once in a statement of the client for each message.
 * detail and hint may be NULL.
 */
extern void payload_warn(const TriggerName *name, int sqlstate,
						 const char *message, const char *detail,
						 const char *hint);

#endif							/* WF_FIRE_PAYLOAD_H */
