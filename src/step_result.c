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
#include "jsonobject.h"
#include "jsonvalue.h"
#include "lib/stringinfo.h"
#include "settings.h"
#include "step_result.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/json.h"
#include "utils/numeric.h"

#define MAX_ERROR 4096			/* bytes of an error kept */

char *
iso_time(TimestampTz time)
{
	char		buf[MAXDATELEN + 1];

	JsonEncodeDateTime(buf, TimestampTzGetDatum(time), TIMESTAMPTZOID, NULL);
	return pstrdup(buf);
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
 * The beginning of value as JSON text, at least max bytes where it has them.
 * A number of a few bytes may be a text of a hundred thousand digits, so the
 * whole is never made.
 */
static char *
json_head(Jsonb *value, int max)
{
	JsonbIterator *it = JsonbIteratorInit(&value->root);
	JsonbIteratorToken token;
	JsonbValue	v;
	StringInfoData text;
	bool		first = true;

	initStringInfo(&text);
	if (JB_ROOT_IS_SCALAR(value))
	{
		json_of_jsonb(value, &v);
		json_append(&text, &v);
		return text.data;
	}
	while (text.len < max &&
		   (token = JsonbIteratorNext(&it, &v, false)) != WJB_DONE)
	{
		bool		ends = token == WJB_END_ARRAY || token == WJB_END_OBJECT;

		if (!first && !ends && token != WJB_VALUE)
			appendStringInfoString(&text, ", ");
		first = token == WJB_BEGIN_ARRAY || token == WJB_BEGIN_OBJECT ||
			token == WJB_KEY;
		if (token == WJB_BEGIN_ARRAY || token == WJB_BEGIN_OBJECT)
			appendStringInfoChar(&text, token == WJB_BEGIN_ARRAY ? '[' : '{');
		else if (ends)
			appendStringInfoChar(&text, token == WJB_END_ARRAY ? ']' : '}');
		else
			json_append(&text, &v);
		if (token == WJB_KEY)
			appendStringInfoString(&text, ": ");
	}
	return text.data;
}

Jsonb *
step_result_cap(Jsonb *value)
{
	int			max = wf_max_output * 1024;
	ObjectBuilder b;
	char	   *text;

	if (value == NULL || VARSIZE(value) <= max)
		return value;
	text = json_head(value, max);
	object_begin(&b);
	object_text(&b, "head", clip_text(text, Max(max - 256, 0)));
	object_number(&b, "size", VARSIZE(value));
	object_bool(&b, "truncated", true);
	pfree(text);
	return object_end(&b);
}

Jsonb *
step_result_element(const StepResult *result)
{
	ObjectBuilder b;
	JsonbValue	duration;

	duration.type = jbvNumeric;
	duration.val.numeric =
		int64_div_fast_to_numeric(Max(result->duration_us, 0), 3);

	object_begin(&b);
	object_number(&b, "step", result->step);
	object_text(&b, "step_name", result->step_name);
	object_text(&b, "action", result->action);
	object_text(&b, "status", result->status);
	object_json(&b, "input", step_result_cap(result->input));
	object_json(&b, "output", step_result_cap(result->output));
	object_text(&b, "error",
				  result->error ? clip_text(result->error, MAX_ERROR) : NULL);
	object_number(&b, "attempts", result->attempts);
	object_text(&b, "started_at", iso_time(result->started_at));
	object_value(&b, "duration_ms", &duration);
	return object_end(&b);
}

Jsonb *
step_results_join(Jsonb *results, List *more)
{
	JsonbParseState *state = NULL;
	JsonbIterator *it = JsonbIteratorInit(&results->root);
	JsonbIteratorToken token;
	JsonbValue	value;
	ListCell   *lc;

	if (more == NIL)
		return results;
	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		if (token == WJB_ELEM)
			pushJsonbValue(&state, WJB_ELEM, &value);
	}
	foreach(lc, more)
	{
		json_of_jsonb(lfirst(lc), &value);
		pushJsonbValue(&state, WJB_ELEM, &value);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_ARRAY, NULL));
}

static JsonbValue *
member(JsonbContainer *object, const char *key)
{
	return getKeyJsonValueFromContainer(object, key, strlen(key), NULL);
}

/* {"status", "output", "error"} of one element. */
static Jsonb *
outline(JsonbContainer *element)
{
	static const char *const keys[] = {"status", "output", "error"};
	ObjectBuilder b;

	object_begin(&b);
	for (int i = 0; i < lengthof(keys); i++)
	{
		JsonbValue *value = member(element, keys[i]);

		object_value(&b, keys[i], value ? value :
					 &(JsonbValue) {.type = jbvNull});
	}
	return object_end(&b);
}

/* Adds "name": its outline. */
static void
add_outline(ObjectBuilder *b, JsonbContainer *element)
{
	JsonbValue *name = member(element, "step_name");

	if (name != NULL && name->type == jbvString)
		object_json(b, json_cstring(name), outline(element));
}

Jsonb *
step_results_context(Jsonb *results, List *more)
{
	ObjectBuilder b;
	uint32		n = JB_ROOT_IS_ARRAY(results) ? JB_ROOT_COUNT(results) : 0;
	ListCell   *lc;

	object_begin(&b);
	for (uint32 i = 0; i < n; i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(&results->root, i);

		if (element != NULL && json_is_object(element))
			add_outline(&b, element->val.binary.data);
	}
	foreach(lc, more)
		add_outline(&b, &((Jsonb *) lfirst(lc))->root);
	return object_end(&b);
}
