/*
 * store_defect.c
 *	  Is a run's row as the engine writes it?
 *
 * Somebody may have changed it by UPDATE.  Whoever goes on with a run takes
 * the shape of its columns for granted, so it is looked at once, when the row
 * is read: a run with a defect is failed, and nothing else of it is used.
 *
 * Pure.  Used by workers and by backends.
 */
#include "postgres.h"
#include "compat.h"

#include "base/json_value.h"
#include "plan/plan.h"
#include "store/store_defect.h"
#include "utils/numeric.h"

#define MAX_ATTEMPT (PG_INT32_MAX - 100000)

/* What the elements of step_results, previous_results ... are like. */
typedef enum Element
{
	ELEMENT_RESULT,				/* an object with the number of its step */
	ELEMENT_EARLIER,			/* an object, maybe with its repetition */
	ELEMENT_ATTEMPT				/* an object */
} Element;

/* Is the member an int of at least min? */
static bool
is_int(const JsonbValue *value, int min)
{
	bool		error = false;
	int32		number;

	if (value->type != jbvNumeric)
		return false;
	number = numeric_int4_opt_error(value->val.numeric, &error);
	return !error && number >= min;
}

/* Why the value is not such an element, or NULL. */
static const char *
element_defect(const JsonbValue *value, Element element)
{
	JsonbValue *member;

	if (!json_is_object(value))
		return psprintf("is %s, but must be an object", json_a_type(value));
	if (element == ELEMENT_RESULT)
	{
		member = json_member(value, "step");
		if (member == NULL || !is_int(member, 0))
			return "has no member \"step\" that is the number of a step";
	}
	if (element == ELEMENT_EARLIER)
	{
		member = json_member(value, "repeat");
		if (member != NULL && !is_int(member, 1))
			return "has a member \"repeat\" that is not a number from 1";
	}
	return NULL;
}

/* Looks at every element or member of the container. */
static char *
elements_defect(const char *column, Jsonb *json, Element element)
{
	JsonbIterator *it = JsonbIteratorInit(&json->root);
	JsonbIteratorToken token;
	JsonbValue	value;
	char	   *key = NULL;
	int			n = 0;

	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		const char *defect;

		if (token == WJB_KEY)
			key = json_cstring(&value);
		if (token != WJB_ELEM && token != WJB_VALUE)
			continue;
		defect = element_defect(&value, element);
		if (defect != NULL)
			return psprintf("column \"%s\" of the run is damaged: its element %s %s",
							column, key ? key : psprintf("%d", n), defect);
		n++;
	}
	return NULL;
}

/* json may be NULL, if the column may. */
static char *
json_defect(const char *column, Jsonb *json, bool is_array, Element element)
{
	JsonbValue	value;

	if (json == NULL)
		return NULL;
	json_of_jsonb(json, &value);
	if (is_array ? !json_is_array(&value) : !json_is_object(&value))
		return psprintf("column \"%s\" of the run is damaged: it is %s, but must be %s",
						column, json_a_type(&value),
						is_array ? "an array" : "an object");
	return JB_ROOT_COUNT(json) == 0 ? NULL
		: elements_defect(column, json, element);
}

static char *
number_defect(const char *column, int number, int max)
{
	if (number >= 0 && number <= max)
		return NULL;
	return psprintf("column \"%s\" of the run is damaged: it is %d", column,
					number);
}

char *
store_results_defect(Jsonb *step_results, Jsonb *failed_attempts,
					 Jsonb *previous_results)
{
	char	   *defect = json_defect("step_results", step_results, true,
									 ELEMENT_RESULT);

	if (defect == NULL)
		defect = json_defect("failed_attempts", failed_attempts, true,
							 ELEMENT_ATTEMPT);
	if (defect == NULL)
		defect = json_defect("previous_results", previous_results, false,
							 ELEMENT_EARLIER);
	return defect;
}

char *
store_run_defect(const RunRow *run)
{
	char	   *defect = NULL;
	JsonbValue	payload;

	if (!JB_ROOT_IS_OBJECT(run->payload))
	{
		json_of_jsonb(run->payload, &payload);
		return psprintf("column \"trigger_payload\" of the run is damaged: it is %s, but must be an object",
						json_a_type(&payload));
	}
	defect = store_results_defect(run->step_results, run->failed_attempts,
								  run->previous_results);
	if (defect == NULL)
		defect = number_defect("current_step", run->current_step.number,
							   PLAN_MAX_STEPS);
	if (defect == NULL)
		defect = number_defect("attempt", run->attempt, MAX_ATTEMPT);
	if (defect == NULL)
		defect = number_defect("depth", run->depth, PG_INT32_MAX - 1);
	return defect;
}
