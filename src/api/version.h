/*
 * version.h
 *	  Saved versions of definitions.
 */
#ifndef WF_VERSION_H
#define WF_VERSION_H

#include "api/trigger_row.h"
#include "utils/jsonb.h"

/* Columns of workflow_definitions, in the order of the install script. */
enum
{
	DEF_ID = 1,
	DEF_TENANT_ID,
	DEF_NAME,
	DEF_TRIGGER_TYPE,
	DEF_DEFINITION,
	DEF_IS_ACTIVE,
	DEF_VERSION,
	DEF_CREATED_AT,
	DEF_RUN_AS,
	DEF_UPDATED_AT,
	DEF_UPDATED_BY
};

/* Is this version of a definition saved already, the same as in its row? */
extern bool version_is_saved(const TriggerRow *row, const Jsonb *definition);

extern bool version_role_exists(Oid role);

#endif							/* WF_VERSION_H */
