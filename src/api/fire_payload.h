/*
 * fire_payload.h
 *	  A row of somebody's table as the payload of an event.
 */
#ifndef WF_FIRE_PAYLOAD_H
#define WF_FIRE_PAYLOAD_H

#include "postgres.h"
#include "api/trigger_spec.h"
#include "executor/tuptable.h"
#include "utils/jsonb.h"

/* The trigger, and the table that it was created on, as its author sees it. */
typedef struct TriggerName
{
	Oid			oid;			/* of the trigger that was created */
	const char *trigger;
	const char *schema;
	const char *table;
} TriggerName;

typedef struct PayloadFormat PayloadFormat;

/*
 * Prepares to make payloads of rel's rows, as spec has them.  name and spec
 * must last as long as the result, which is in the current context.
 */
extern PayloadFormat *payload_format_make(Relation rel,
										  const TriggerSpec *spec,
										  const TriggerName *name);

/*
 * The payload of a row, with _old made of old (of null, if has_old and old is
 * NULL).  A value that JSON cannot hold is null, with a warning, and so are
 * the largest values if the payload is larger than an event may be; NULL,
 * after a warning, if that is not enough.  In the current context.  Raises nothing because of a value; what the server
 * cannot go on after (a cancelled query, memory) passes through.
 */
extern Jsonb *payload_of_row(PayloadFormat *format, const char *operation,
							 TupleTableSlot *row, bool has_old,
							 TupleTableSlot *old);

/* Warns, once a statement.  detail and hint may be NULL. */
extern void payload_warn(const TriggerName *name, int sqlstate,
						 const char *message, const char *detail,
						 const char *hint);

#endif							/* WF_FIRE_PAYLOAD_H */
