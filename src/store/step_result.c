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

#include "base/json_object.h"
#include "base/json_value.h"
#include "catalog/pg_type.h"
#include "config/settings.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "store/step_result.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/json.h"
#include "utils/numeric.h"

#define MAX_ATTEMPT_ERROR 1024	/* and of that of an attempt before the last */
#define MAX_PREVIOUS 10			/* repetitions whose results are kept */

/* What step_results may grow to while there is room for input and output. */
#define MAX_RESULTS (JENTRY_OFFLENMASK - 1024 * 1024)

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

/* Adds "started_at" and "duration_ms". */
static void
add_times(ObjectBuilder *b, TimestampTz started_at, int64 duration_us)
{
	JsonbValue	duration = {.type = jbvNull};

	if (started_at != 0)
	{
		duration.type = jbvNumeric;
		duration.val.numeric =
			int64_div_fast_to_numeric(Max(duration_us, 0), 3);
	}
	object_text(b, "started_at", started_at ? iso_time(started_at) : NULL);
	object_value(b, "duration_ms", &duration);
}

Jsonb *
step_failed_attempt(int attempt, const char *error, TimestampTz started_at,
					int64 duration_us)
{
	ObjectBuilder b;

	object_begin(&b);
	object_number(&b, "attempt", attempt);
	object_text(&b, "error", clip_text(error, MAX_ATTEMPT_ERROR));
	add_times(&b, started_at, duration_us);
	return object_end(&b);
}

/*--- after wf_retry ---*/

static JsonbValue *
member(JsonbContainer *object, const char *key)
{
	return getKeyJsonValueFromContainer(object, key, strlen(key), NULL);
}

int
step_result_repeat(Jsonb *previous)
{
	JsonbValue *status = member(&previous->root, "status");
	JsonbValue *number = member(&previous->root, "repeat");
	bool		error = false;
	int			repeat = 1;

	if (number != NULL && number->type == jbvNumeric)
		repeat = numeric_int4_opt_error(number->val.numeric, &error);
	if (error || repeat < 1 || repeat == PG_INT32_MAX)
		repeat = 1;
	if (status != NULL && status->type == jbvString &&
		strcmp(json_cstring(status), "completed") == 0)
		repeat++;
	return repeat;
}

/* element with at most depth earlier ones in each other. */
static Jsonb *
prune(const JsonbValue *element, int depth)
{
	ObjectBuilder b;
	int			n;
	JsonMember *each = json_members(element, &n);

	object_begin(&b);
	for (int i = 0; i < n; i++)
	{
		if (strcmp(each[i].key, "previous") != 0 ||
			!json_is_object(&each[i].value))
			object_value(&b, each[i].key, &each[i].value);
		else if (depth > 0)
			object_json(&b, each[i].key, prune(&each[i].value, depth - 1));
	}
	return object_end(&b);
}

static void
add_previous(ObjectBuilder *b, Jsonb *previous)
{
	JsonbValue	value;

	json_of_jsonb(previous, &value);
	object_json(b, "previous", prune(&value, MAX_PREVIOUS - 1));
}

/*--- elements ---*/

Jsonb *
step_result_element(const StepResult *result)
{
	ObjectBuilder b;

	object_begin(&b);
	object_number(&b, "step", result->step.number);
	object_text(&b, "step_name", result->step_name);
	object_text(&b, "action", result->action);
	object_text(&b, "status", result->status);
	object_json(&b, "input", step_result_cap(result->input));
	object_json(&b, "output", step_result_cap(result->output));
	object_text(&b, "error",
				result->error == NULL ? NULL
				: clip_text(result->error, STEP_RESULT_MAX_ERROR));
	object_number(&b, "attempts", result->attempts);
	add_times(&b, result->started_at, result->duration_us);
	if (result->failed_attempts != NULL)
		object_json(&b, "failed_attempts", result->failed_attempts);
	if (result->repeat > 1)
		object_number(&b, "repeat", result->repeat);
	if (result->previous != NULL)
		add_previous(&b, result->previous);
	return object_end(&b);
}

Jsonb *
step_results_empty(void)
{
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_ARRAY, NULL));
}

bool
step_results_fit(Jsonb *results, List *more, Jsonb *element)
{
	Size		size = (Size) VARSIZE(results) + VARSIZE(element);
	ListCell   *lc;

	foreach(lc, more)
		size += VARSIZE(lfirst(lc));
	return size <= MAX_RESULTS;
}

/*
 * The array of these objects, laid out as convertJsonbArray() of the server
 * lays it out.
 *
 * Why by hand.  The server's way to an array leads through JsonbValues: each
 * object is taken apart member by member, its keys are sorted again and it is
 * written again.  The elements here are finished jsonb values already, made a
 * moment ago, and a run of one native step would spend as much on that as on
 * the step.  Copied whole, an object costs a memcpy.
 *
 * What jsonb looks like in memory, and so on disk (utils/jsonb.h):
 *
 *	 varlena header | container header | n JEntries | data of element 0, 1, ...
 *
 * The container header is the number of elements and JB_FARRAY.  A JEntry has
 * the type of its element, and either the length of its data or, if
 * JENTRY_HAS_OFF is set, where the data ends, counted from the first
 * element's.  The server sets that in every JB_OFFSET_STRIDE-th entry, so that
 * an element is found without adding up all lengths before it.  So it is here:
 * a reader goes back to the last such entry and adds up the lengths after it,
 * so without any it would be as slow as the array is long.
 *
 * The data of an object is its own container, header and all, without the
 * varlena header of the jsonb it comes from.  A container begins at a multiple
 * of four bytes; the padding before it belongs to its own element, as in the
 * server: the length in its JEntry counts from the end of the element before.
 * palloc0 makes the padding zero.
 *
 * A JEntry has 28 bits for lengths and ends, which bounds the array; the size
 * is checked before anything is allocated, with the padding at its largest.
 *
 * t/008_queue.pl compares such a column, of 70 elements, with the same value
 * made by jsonb_in.
 */
static Jsonb *
array_of(List *objects)
{
	int			n = list_length(objects);
	Size		size = VARHDRSZ + sizeof(uint32) + n * sizeof(JEntry);
	uint32		offset = 0;
	Jsonb	   *array;
	char	   *data;

	for (int i = 0; i < n; i++)
		size += INTALIGN(VARSIZE(list_nth(objects, i)) - VARHDRSZ);
	if (size > JENTRY_OFFLENMASK)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the results of a run's steps are too large"),
				 errdetail("A jsonb array holds at most %d bytes.",
						   JENTRY_OFFLENMASK)));
	array = palloc0(size);
	array->root.header = n | JB_FARRAY;
	data = (char *) &array->root.children[n];
	for (int i = 0; i < n; i++)
	{
		Jsonb	   *object = list_nth(objects, i);
		uint32		length = VARSIZE(object) - VARHDRSZ;
		uint32		start = INTALIGN(offset);

		memcpy(data + start, &object->root, length);
		array->root.children[i] = JENTRY_ISCONTAINER |
			(i % JB_OFFSET_STRIDE == 0 ? (start + length) | JENTRY_HAS_OFF
			 : start + length - offset);
		offset = start + length;
	}
	SET_VARSIZE(array, data + offset - (char *) array);
	return array;
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
	if (JB_ROOT_IS_ARRAY(results) && JB_ROOT_COUNT(results) == 0)
		return array_of(more);
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
