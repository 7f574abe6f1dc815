/*
 * step_check.h
 *	  One step that is compared with the catalog, as its action sees it.
 */
#ifndef WF_STEP_CHECK_H
#define WF_STEP_CHECK_H

#include "action/action.h"

/* One step that is checked, as an action's check sees it. */
struct StepCheck
{
	const pg_uuid_t *tenant_id; /* whose connections and mail templates; NULL:
								 * it is not known, and they are not checked */
	Oid			role;			/* that steps run as; InvalidOid: there is
								 * none, and no privilege is checked */
	const Template *params;		/* of the step, always an object */
	const char *path;			/* of params */
	const ScopeNames *names;	/* that the step sees */
	Problems   *problems;		/* gets warnings */
};

/* A scalar parameter that is a literal, as text, palloc'd; else NULL. */
extern char *step_check_text(const StepCheck *check, const char *param);

#endif							/* WF_STEP_CHECK_H */
