/*
 * params.c
 *	  Reading the rendered parameters of a step.
 *
 * Runs in a worker, inside the step's subtransaction.  A parameter
 * that is JSON null counts as absent; a value of the wrong type raises 22023,
 * whose message names the parameter.
 */
#include "postgres.h"
#include "compat.h"

#include "action/action.h"
#include "action/outcome.h"
#include "base/json_value.h"
#include "base/utf8.h"

/* The parameter, or NULL. */
static JsonbValue *
find_param(const Call *call, const char *name)
{
	JsonbValue	params;
	JsonbValue *value;

	json_of_jsonb(call->params, &params);
	value = json_member(&params, name);
	return value == NULL || value->type == jbvNull ? NULL : value;
}

char *
param_text(const Call *call, const char *name)
{
	JsonbValue *value = find_param(call, name);

	if (value == NULL)
		return NULL;
	if (value->type == jbvBinary)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"%s\" must be a text, not %s",
						name, json_a_type(value))));
	return json_text(value);
}

char *
param_text_required(const Call *call, const char *name)
{
	char	   *text = param_text(call, name);

	if (text == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"%s\" is missing", name)));
	return text;
}

char *
param_text_filled(const Call *call, const char *name)
{
	char	   *text = param_text_required(call, name);

	if (utf8_is_empty(to_utf8(text)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"%s\" is empty", name)));
	return text;
}

Jsonb *
param_json(const Call *call, const char *name)
{
	JsonbValue *value = find_param(call, name);

	return value == NULL ? NULL : json_to_jsonb(value);
}

bool
param_bool(const Call *call, const char *name, bool dflt)
{
	JsonbValue *value = find_param(call, name);

	if (value == NULL)
		return dflt;
	if (value->type != jbvBool)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"%s\" must be true or false, not %s",
						name, json_a_type(value))));
	return value->val.boolean;
}
