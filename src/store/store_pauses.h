/*
 * store_pauses.h
 *	  Who is paused.
 */
#ifndef WF_STORE_PAUSES_H
#define WF_STORE_PAUSES_H

#include "postgres.h"
#include "utils/uuid.h"

/* Who is paused, as of now. */
typedef struct Pauses
{
	bool		all;
	int			ntenants;
	pg_uuid_t  *tenants;		/* sorted, in the caller's context */
	int			ndefinitions;
	pg_uuid_t  *definitions;	/* likewise */
} Pauses;

extern void store_load_pauses(Pauses *pauses);
extern bool store_is_paused(const Pauses *pauses, const pg_uuid_t *tenant);
extern bool store_definition_is_paused(const Pauses *pauses,
									   const pg_uuid_t *definition_id);

#endif							/* WF_STORE_PAUSES_H */
