/*
 * fire_targets.h
 *	  The definitions that an event fires.
 */
#ifndef WF_FIRE_TARGETS_H
#define WF_FIRE_TARGETS_H

#include "postgres.h"
#include "utils/uuid.h"

typedef struct Target
{
	pg_uuid_t	definition_id;
	int			version;
} Target;

/*
 * The tenant's active definitions of that trigger type as they are now, not
 * as the transaction's snapshot shows them; *n of them, in context.  In a
 * serializable transaction, raises 40001 if the two differ.
 */
extern Target *targets_read(const pg_uuid_t *tenant, const char *trigger_type,
							MemoryContext context, int *n);

#endif							/* WF_FIRE_TARGETS_H */
