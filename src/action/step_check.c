/*
 * step_check.c
 *	  One step that is compared with the catalog, as its action sees it.
 *
 * Runs in the backend that writes or validates a definition, never in a
 * worker.  Owns nothing.
 */
#include "postgres.h"
#include "compat.h"

#include "action/step_check.h"
#include "base/json_value.h"

char *
step_check_text(const StepCheck *check, const char *param)
{
	const Template *t = template_member(check->params, param);

	if (t == NULL || template_shape(t) != TEMPLATE_CONSTANT ||
		template_constant(t)->type == jbvNull)
		return NULL;
	return json_text(template_constant(t));
}
