/*
 * step_result.c
 *	  The history of a run: one JSON element a step.
 *
 * Pure: values in, values out; the only setting read is max_output.  What is
 * too large is cut here and nowhere else, so every reader (wf_trace,
 * templates that look at steps.NAME.output) sees the same.
 */
#include "postgres.h"
#include "compat.h"

#include "mb/pg_wchar.h"
#include "catalog/pg_type.h"
#include "settings.h"
#include "step_result.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/json.h"
#include "utils/numeric.h"

#define MAX_ERROR 4096			/* bytes of an error kept */

void
json_add(JsonbParseState **state, const char *key, JsonbValue *value)
{
	JsonbValue	k;

	k.type = jbvString;
	k.val.string.val = pstrdup(key);
	k.val.string.len = strlen(key);
	pushJsonbValue(state, WJB_KEY, &k);
	pushJsonbValue(state, WJB_VALUE, value);
}

void
json_add_text(JsonbParseState **state, const char *key, const char *text)
{
	JsonbValue	value;

	if (text == NULL)
		value.type = jbvNull;
	else
	{
		value.type = jbvString;
		value.val.string.val = pstrdup(text);
		value.val.string.len = strlen(text);
	}
	json_add(state, key, &value);
}

void
json_add_int(JsonbParseState **state, const char *key, int64 n)
{
	JsonbValue	value;

	value.type = jbvNumeric;
	value.val.numeric = int64_to_numeric(n);
	json_add(state, key, &value);
}

void
json_add_json(JsonbParseState **state, const char *key, Jsonb *json)
{
	JsonbValue	value;

	if (json == NULL)
		value.type = jbvNull;
	else if (JB_ROOT_IS_SCALAR(json))
		JsonbExtractScalar(&json->root, &value);
	else
	{
		value.type = jbvBinary;
		value.val.binary.data = &json->root;
		value.val.binary.len = VARSIZE(json) - VARHDRSZ;
	}
	json_add(state, key, &value);
}

char *
iso_time(TimestampTz time)
{
	char		buf[MAXDATELEN + 1];

	JsonEncodeDateTime(buf, TimestampTzGetDatum(time), TIMESTAMPTZOID, NULL);
	return pstrdup(buf);
}

void
json_add_time(JsonbParseState **state, const char *key, TimestampTz time)
{
	json_add_text(state, key, iso_time(time));
}

char *
clip_text(const char *text, int max)
{
	int			len = strlen(text);

	if (len > max)
		len = pg_mbcliplen(text, len, max);
	return pnstrdup(text, len);
}

/*
 * value, or where it is larger than max_output an object that says so: the
 * size in bytes as stored, and the beginning of its text.
 */
static Jsonb *
cap(Jsonb *value)
{
	int			max = wf_max_output * 1024;
	JsonbParseState *state = NULL;
	char	   *text;

	if (value == NULL || VARSIZE(value) <= max)
		return value;
	text = JsonbToCString(NULL, &value->root, VARSIZE(value));
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	json_add_text(&state, "head", clip_text(text, Max(max - 256, 0)));
	json_add_int(&state, "size", VARSIZE(value));
	json_add(&state, "truncated",
			 &(JsonbValue) {.type = jbvBool,.val.boolean = true});
	pfree(text);
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

Jsonb *
step_results_append(Jsonb *results, const StepResult *result)
{
	JsonbParseState *state = NULL;
	JsonbValue	duration;
	Jsonb	   *element;

	duration.type = jbvNumeric;
	duration.val.numeric =
		int64_div_fast_to_numeric(Max(result->duration_us, 0), 3);

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	json_add_int(&state, "step", result->step);
	json_add_text(&state, "step_name", result->step_name);
	json_add_text(&state, "action", result->action);
	json_add_text(&state, "status", result->status);
	json_add_json(&state, "input", cap(result->input));
	json_add_json(&state, "output", cap(result->output));
	json_add_text(&state, "error",
				  result->error ? clip_text(result->error, MAX_ERROR) : NULL);
	json_add_int(&state, "attempts", result->attempts);
	json_add_time(&state, "started_at", result->started_at);
	json_add(&state, "duration_ms", &duration);
	element = JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));

	/* an array || an object appends the object */
	return DatumGetJsonbP(DirectFunctionCall2(jsonb_concat,
											  JsonbPGetDatum(results),
											  JsonbPGetDatum(element)));
}

static JsonbValue *
member(JsonbContainer *object, const char *key)
{
	return getKeyJsonValueFromContainer(object, key, strlen(key), NULL);
}

/* Adds "name": {"status", "output", "error"} of one element. */
static void
add_step(JsonbParseState **state, JsonbContainer *element)
{
	static const char *const keys[] = {"status", "output", "error"};
	JsonbValue *name = member(element, "step_name");

	if (name == NULL || name->type != jbvString)
		return;
	pushJsonbValue(state, WJB_KEY, name);
	pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < lengthof(keys); i++)
	{
		JsonbValue *value = member(element, keys[i]);

		json_add(state, keys[i], value ? value :
				 &(JsonbValue) {.type = jbvNull});
	}
	pushJsonbValue(state, WJB_END_OBJECT, NULL);
}

Jsonb *
step_results_context(Jsonb *results)
{
	JsonbParseState *state = NULL;
	uint32		n = JB_ROOT_IS_ARRAY(results) ? JB_ROOT_COUNT(results) : 0;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (uint32 i = 0; i < n; i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(&results->root, i);

		if (element != NULL && element->type == jbvBinary &&
			JsonContainerIsObject(element->val.binary.data))
			add_step(&state, element->val.binary.data);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}
