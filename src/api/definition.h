/*
 * definition.h
 *	  The table workflow_definitions, and the JSON of a definition.
 */
#ifndef WF_DEFINITION_H
#define WF_DEFINITION_H

#include "postgres.h"
#include "plan/plan.h"
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

/*
 * The member of that name if the JSON is an object that has it as a string,
 * palloc'd; else NULL.
 */
extern char *definition_text(Jsonb *json, const char *key);

/*
 * All actions, in the current memory context.  They are read as the owner of
 * our tables, so that the caller needs no privilege on workflow_actions.
 */
extern ActionCatalogue *definition_catalogue(void);

#endif							/* WF_DEFINITION_H */
