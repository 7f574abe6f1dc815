/*
 * plan_read.c
 *	  What the plan's compiler reads JSON with: keys, texts, names, intervals.
 *
 * Each reader adds a problem for what it does not accept, and goes on.  Part
 * of the plan's compiler: see plan.c.
 */
#include "postgres.h"
#include "compat.h"

#include <ctype.h>
#include <math.h>

#include "config/output_settings.h"
#include "mb/pg_wchar.h"
#include "plan/plan_internal.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* Longer texts are no intervals. */
#define MAX_INTERVAL_BYTES 256

void
plan_check_keys(const JsonbValue *object, const char *path,
				const char *const *known, int nknown, Problems *problems)
{
	int			n;
	JsonMember *members = json_members(object, &n);

	for (int i = 0; i < n; i++)
	{
		const char *key = members[i].key;
		int			k = 0;

		while (k < nknown && strcmp(known[k], key) != 0)
			k++;
		if (k == nknown)
			problem_error(problems, problem_path_member(path, key),
						  "unknown_key", known_words_hint(key, known, nknown),
						  "unknown key \"%s\"", key);
	}
}

char *
plan_text(const JsonbValue *object, const char *key, const char *path,
		  Problems *problems)
{
	JsonbValue *value = json_member(object, key);
	int			length;

	if (value == NULL)
		return NULL;
	path = problem_path_member(path, key);
	if (value->type != jbvString)
	{
		problem_type(problems, path, NULL, key, "a string", value);
		return NULL;
	}
	length = pg_mbstrlen_with_len(value->val.string.val,
								  value->val.string.len);
	if (length == 0 || length > PLAN_MAX_TEXT)
	{
		problem_error(problems, path, "text_length", NULL,
					  "%s must have 1 to %d characters", key, PLAN_MAX_TEXT);
		return NULL;
	}
	return json_cstring(value);
}

bool
plan_is_step_name(const char *name)
{
	if (strlen(name) > PLAN_MAX_NAME ||
		!(isalpha((unsigned char) *name) || *name == '_'))
		return false;
	for (; *name; name++)
	{
		if (IS_HIGHBIT_SET(*name) ||
			!(isalnum((unsigned char) *name) || *name == '_' || *name == '-'))
			return false;
	}
	return true;
}

/*--- intervals ---*/

typedef struct IntervalInput
{
	const char *text;
	Interval   *result;
} IntervalInput;

static void
parse_interval(void *arg)
{
	IntervalInput *input = arg;
	Datum		interval = DirectFunctionCall3(interval_in,
											   CStringGetDatum(input->text),
											   ObjectIdGetDatum(InvalidOid),
											   Int32GetDatum(-1));

	input->result = DatumGetIntervalP(interval);
}

/* A month has 30 days and a day 24 hours here; a part of a ms is one. */
static double
milliseconds(const Interval *interval)
{
	double		days = interval->month * 30.0 + interval->day;

	return ceil(days * 24 * 60 * 60 * 1000 + interval->time / 1000.0);
}

int64
plan_interval(const JsonbValue *object, const char *key, const char *path,
			  int64 max_ms, const char *max_text, Problems *problems)
{
	JsonbValue *value = json_member(object, key);
	IntervalInput input;
	char	   *message;
	double		ms;
	int			level;

	if (value == NULL)
		return -1;
	path = problem_path_member(path, key);
	if (value->type != jbvString || value->val.string.len > MAX_INTERVAL_BYTES)
	{
		problem_error(problems, path, "bad_interval",
					  "Write it with its unit, as in \"30 seconds\".",
					  "%s must be a text that is an interval", key);
		return -1;
	}
	input.text = json_cstring(value);
	/* IntervalStyle decides what the sign in "-1 hour 2 days" is for */
	level = output_settings_enter(OUTPUT_INTERVALSTYLE);
	message = problem_catch(parse_interval, &input);
	output_settings_leave(level);
	if (message != NULL)
	{
		problem_error(problems, path, "bad_interval",
					  "Write it as in \"30 seconds\" or \"2 hours\".",
					  "%s", message);
		return -1;
	}
	ms = milliseconds(input.result);
	if (!(ms >= 1 && ms <= max_ms))
	{
		problem_error(problems, path, "interval_range", NULL,
					  "%s must be more than nothing and at most %s", key,
					  max_text);
		return -1;
	}
	return (int64) ms;
}
