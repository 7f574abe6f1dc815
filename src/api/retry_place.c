/*
 * retry_place.c
 *	  Where a retried run goes on, and which results it keeps.
 *
 * A result and an entry of previous_results carry the number that their step
 * has in the run's version.  In another version a step of the same name may
 * have another number, so both are renumbered; a step that the version does
 * not have has the number -1 here.
 *
 * The key of a step's requests depends on its name and on how often it was
 * completed (request_key.c), which previous_results tells: so a step keeps its
 * key on another version too, also with another content, unless it has
 * completed.
 *
 * Pure: values in, values out, in the current memory context.
 */
#include "postgres.h"
#include "compat.h"

#include "api/retry_place.h"
#include "base/json_object.h"
#include "base/json_value.h"
#include "base/uuid_list.h"
#include "plan/plan.h"
#include "store/step_result.h"

/* A result of the run. */
typedef struct OldResult
{
	JsonbValue	value;			/* an object */
	StepPosition step;			/* in the run's version */
	int			number;			/* in the version to go on in; -1: none */
	bool		finished;		/* its step need not be executed again */
} OldResult;

typedef struct OldResults
{
	int			n;
	OldResult  *results;
} OldResults;

/*--- names ---*/

void
step_names_read(StepNames *steps, Jsonb *definition)
{
	JsonbValue	root;
	JsonbValue *array;
	JsonMember *elements;

	steps->n = 0;
	steps->names = NULL;
	json_of_jsonb(definition, &root);
	array = json_is_object(&root) ? json_member(&root, "steps") : NULL;
	if (array == NULL || !json_is_array(array))
		return;
	elements = json_members(array, &steps->n);
	steps->names = palloc(sizeof(char *) * (steps->n + 1));
	for (int i = 0; i < steps->n; i++)
		steps->names[i] = json_member_string(&elements[i].value, "name");
}

int
step_names_find(const StepNames *steps, const char *name)
{
	for (int i = 0; i < steps->n; i++)
		if (steps->names[i] != NULL && strcmp(steps->names[i], name) == 0)
			return i;
	return -1;
}

/* The name of a step of the run's own version, for people. */
static const char *
own_name(const RetryRequest *request, StepPosition step)
{
	bool		known = step.number >= 0 && step.number < request->own.n &&
		request->own.names[step.number] != NULL;

	return known ? request->own.names[step.number]
		: psprintf("%d", step.number);
}

/*
 * The number that the step has in the version to go on in; -1: none, or the
 * row was changed by hand and no step has that number.
 */
static int
new_number(const RetryRequest *request, StepPosition step)
{
	if (!request->on_current)
		return step.number < PLAN_MAX_STEPS ? step.number : -1;
	return step_names_find(&request->target, own_name(request, step));
}

/*--- results ---*/

/*
 * Is the run done with the step?  Not if it has failed and the run stopped at
 * it; a step that failed earlier has on_error continue.
 */
static bool
is_finished(const StoppedRun *run, const OldResult *result)
{
	char	   *status = json_member_string(&result->value, "status");

	if (status != NULL && strcmp(status, "failed") == 0)
		return !step_position_equal(result->step, run->current_step);
	return status != NULL && (strcmp(status, "completed") == 0 ||
							  strcmp(status, "skipped") == 0);
}

/* For qsort: by number. */
static int
compare_results(const void *a, const void *b)
{
	int			x = ((const OldResult *) a)->number;
	int			y = ((const OldResult *) b)->number;

	return x < y ? -1 : x > y;
}

/*
 * The results that the run has, whose shape was checked; on the current
 * version in its order.
 */
static void
read_results(const StoppedRun *run, const RetryRequest *request,
			 OldResults *old)
{
	JsonbValue	array;
	JsonMember *elements;

	json_of_jsonb(run->step_results, &array);
	elements = json_members(&array, &old->n);
	old->results = palloc(sizeof(OldResult) * (old->n + 1));
	for (int i = 0; i < old->n; i++)
	{
		OldResult  *result = &old->results[i];

		result->value = elements[i].value;
		if (!step_position_of_result(result->value.val.binary.data,
									 &result->step))
			result->step = STEP_POSITION_NONE;
		result->number = new_number(request, result->step);
		result->finished = is_finished(run, result);
	}
	if (request->on_current)
		qsort(old->results, old->n, sizeof(OldResult), compare_results);
}

/* An object, a member "step" of which is that number. */
static Jsonb *
renumbered(const JsonbValue *object, int number)
{
	ObjectBuilder b;
	StepPosition step;
	JsonMember *members;
	int			n;

	if (step_position_of_result(object->val.binary.data, &step) &&
		step.number == number)
		return json_to_jsonb(object);
	members = json_members(object, &n);
	object_begin(&b);
	for (int i = 0; i < n; i++)
		if (strcmp(members[i].key, "step") != 0)
			object_value(&b, members[i].key, &members[i].value);
	object_number(&b, "step", number);
	return object_end(&b);
}

/*--- where to go on ---*/

static bool
object_to(Objection *objection, int sqlstate, char *message, char *detail,
		  char *hint)
{
	*objection = (Objection) {sqlstate, message, detail, hint};
	return false;
}

/* On its own version. */
static bool
find_own_step(const StoppedRun *run, const RetryRequest *request,
			  StepPosition *step, Objection *objection)
{
	*step = run->current_step;
	if (request->from_step == NULL)
		return true;
	step->number = step_names_find(&request->own, request->from_step);
	if (step_position_is_none(*step))
		return object_to(objection, ERRCODE_INVALID_PARAMETER_VALUE,
						 psprintf("run %s has no step \"%s\"",
								  id_text(&run->id), request->from_step),
						 NULL, "wf_trace() shows its steps.");
	if (step_position_passed(*step, run->current_step))
		return object_to(objection, ERRCODE_INVALID_PARAMETER_VALUE,
						 psprintf("step \"%s\" comes after the step where run %s stopped",
								  request->from_step, id_text(&run->id)),
						 NULL, "Steps cannot be left out.");
	return true;
}

/*
 * Sets *has_result, by number in the current version: which steps have a
 * result that may be kept.
 */
static bool
match_results(const StoppedRun *run, const RetryRequest *request,
			  const OldResults *old, bool *has_result, Objection *objection)
{
	for (int i = 0; i < old->n; i++)
	{
		const OldResult *result = &old->results[i];

		if (!result->finished)
			continue;
		if (result->number < 0)
			return object_to(objection,
							 ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
							 psprintf("version %d of the workflow has no step \"%s\", which run %s has finished",
									  request->version,
									  own_name(request, result->step),
									  id_text(&run->id)),
							 "Results are kept by the names of their steps.",
							 "Give the workflow a step of that name again, retry the run on its own version, or start a new one with wf_rerun().");
		has_result[result->number] = true;
	}
	return true;
}

/* On the current version. */
static bool
find_current_step(const StoppedRun *run, const RetryRequest *request,
				  const OldResults *old, StepPosition *step,
				  Objection *objection)
{
	bool	   *has_result = palloc0(sizeof(bool) * (request->target.n + 1));
	int			first = 0;
	int			from;

	if (!match_results(run, request, old, has_result, objection))
		return false;
	while (first < request->target.n && has_result[first])
		first++;
	step->number = first;
	if (request->from_step == NULL)
		return true;
	from = step_names_find(&request->target, request->from_step);
	if (from < 0)
		return object_to(objection, ERRCODE_INVALID_PARAMETER_VALUE,
						 psprintf("version %d of the workflow has no step \"%s\"",
								  request->version, request->from_step),
						 NULL, "from_step names a step of the version that the run goes on in.");
	if (from > first)
		return object_to(objection, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
						 psprintf("run %s cannot go on at step \"%s\" of version %d",
								  id_text(&run->id), request->from_step,
								  request->version),
						 psprintf("Step \"%s\", which comes before it, has no result.",
								  request->target.names[first]),
						 psprintf("Leave from_step out, or let it be \"%s\" or an earlier step.",
								  request->target.names[first]));
	step->number = from;
	return true;
}

/* Does the run keep the result, with its step being passed? */
static bool
is_kept(const StoppedRun *run, const RetryRequest *request,
		const RetryPlace *place, const OldResult *result)
{
	if (request->from_step != NULL && result->number >= place->step.number)
		return false;
	return request->on_current ? result->finished
		: request->from_step != NULL ||
		!step_position_equal(result->step, run->current_step);
}

/*--- what the run becomes ---*/

/* An entry of previous_results in the making. */
typedef struct Previous
{
	Jsonb	  **entries;		/* by number; NULL: none */
	int			n;
} Previous;

static void
set_previous(Previous *previous, int number, Jsonb *entry)
{
	if (number < 0)
		return;
	if (number >= previous->n)
	{
		int			n = number + 1;

		previous->entries = previous->n == 0
			? palloc(sizeof(Jsonb *) * n)
			: repalloc(previous->entries, sizeof(Jsonb *) * n);
		memset(previous->entries + previous->n, 0,
			   sizeof(Jsonb *) * (n - previous->n));
		previous->n = n;
	}
	previous->entries[number] = entry;
}

/* What the run has of earlier retries. */
static void
take_over_previous(const StoppedRun *run, const RetryRequest *request,
				   Previous *previous)
{
	JsonbValue	object;
	JsonMember *members;
	int			n;

	if (run->previous_results == NULL)
		return;
	json_of_jsonb(run->previous_results, &object);
	members = json_members(&object, &n);
	for (int i = 0; i < n; i++)
	{
		char	   *end;
		long		key = strtol(members[i].key, &end, 10);
		int			number = -1;

		/* somebody may have changed the column: the key may be anything */
		if (*end == '\0' && key >= 0 && key < PLAN_MAX_STEPS)
			number = new_number(request, (StepPosition) {key});
		if (number >= 0)
			set_previous(previous, number,
						 renumbered(&members[i].value, number));
	}
}

/*
 * The step that the run stood at, if attempts of it have failed: it has no
 * result, and they would be lost.
 */
static void
add_unfinished(const StoppedRun *run, const RetryRequest *request,
			   Previous *previous)
{
	int			number = new_number(request, run->current_step);
	Jsonb	   *before;
	ObjectBuilder b;

	if (run->failed_attempts == NULL || number < 0)
		return;
	before = number < previous->n ? previous->entries[number] : NULL;
	object_begin(&b);
	object_number(&b, "step", number);
	object_text(&b, "status", run_status_name(run->status));
	object_number(&b, "attempts", run->attempt);
	object_json(&b, "failed_attempts", run->failed_attempts);
	if (before != NULL)
	{
		object_json(&b, "previous", before);
		object_number(&b, "repeat", step_result_repeat(before));
	}
	set_previous(previous, number, object_end(&b));
}

/* previous_results as a jsonb; NULL: there is none. */
static Jsonb *
previous_object(const Previous *previous)
{
	ObjectBuilder b;
	bool		empty = true;

	object_begin(&b);
	for (int i = 0; i < previous->n; i++)
	{
		if (previous->entries[i] == NULL)
			continue;
		object_json(&b, psprintf("%d", i), previous->entries[i]);
		empty = false;
	}
	return empty ? NULL : object_end(&b);
}

bool
retry_place_find(const StoppedRun *run, const RetryRequest *request,
				 RetryPlace *place, Objection *objection)
{
	OldResults	old;
	Previous	previous = {0};
	List	   *kept = NIL;

	read_results(run, request, &old);
	if (request->on_current
		? !find_current_step(run, request, &old, &place->step, objection)
		: !find_own_step(run, request, &place->step, objection))
		return false;
	take_over_previous(run, request, &previous);
	add_unfinished(run, request, &previous);
	for (int i = 0; i < old.n; i++)
	{
		OldResult  *result = &old.results[i];

		if (result->number < 0)
			continue;
		if (is_kept(run, request, place, result))
			kept = lappend(kept, renumbered(&result->value, result->number));
		else
			set_previous(&previous, result->number,
						 renumbered(&result->value, result->number));
	}
	place->step_results = step_results_join(step_results_empty(), kept);
	place->previous_results = previous_object(&previous);
	return true;
}
