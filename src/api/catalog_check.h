/*
 * catalog_check.h
 *	  Compares what a definition names with the catalog: tables, columns,
 *	  privileges, connections, mail templates, functions.
 */
#ifndef WF_CATALOG_CHECK_H
#define WF_CATALOG_CHECK_H

#include "plan/plan.h"

/* What a catalog check of a whole definition is made for. */
typedef struct CatalogCheck
{
	const pg_uuid_t *tenant_id; /* whose connections and mail templates; NULL:
								 * it is not known, and they are not checked */
	Oid			role;			/* that steps run as; InvalidOid: there is
								 * none, and no privilege is checked */
	Problems   *problems;		/* gets what is found; NULL: the list that
								 * plan_compile() is given */
} CatalogCheck;

/*
 * Has plan_compile() with that catalogue compare each step that has no error
 * with the catalog, and add warnings, or errors if
 * workflow_engine.strict_definitions is on.  Both must stay valid until then.
 *
 * Only what stands in the definition as it is can be checked: what a template
 * decides is passed over.  So is a table that another session is about to
 * alter: nothing waits for a lock.  No code of users is executed.
 */
extern void catalog_check_add(ActionCatalogue *catalogue,
							  const CatalogCheck *check);

#endif							/* WF_CATALOG_CHECK_H */
