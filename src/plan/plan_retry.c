/*
 * plan_retry.c
 *	  How often a step is attempted, and how long it waits in between.
 *
 * Part of the plan's compiler: see plan.c.
 */
#include "postgres.h"
#include "compat.h"

#include <math.h>

#include "plan/plan_internal.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/numeric.h"

static const char *const retry_keys[] = {
	"max_attempts", "initial_interval", "backoff_coefficient", "max_interval"
};

/*
 * The member key of object as a number from min to max; dflt if it is
 * absent (a problem if that is not a number) or after adding a problem.
 */
static double
number_member(const JsonbValue *object, const char *key, const char *path,
			  double min, double max, double dflt, Problems *problems)
{
	JsonbValue *value = json_member(object, key);
	Datum		value_datum;
	double		number;

	if (value == NULL)
	{
		if (isnan(dflt))
			problem_error(problems, path, "missing_key", NULL, "%s is missing",
						  key);
		return dflt;
	}
	path = problem_path_member(path, key);
	if (value->type != jbvNumeric)
	{
		problem_type(problems, path, NULL, key, "a number", value);
		return dflt;
	}
	/* This one takes what is out of range as infinite, and raises nothing. */
	value_datum = NumericGetDatum(value->val.numeric);
	number = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
												value_datum));
	if (!(number >= min && number <= max))
	{
		problem_error(problems, path, "number_range", NULL,
					  "%s must be from %g to %g", key, min, max);
		return dflt;
	}
	return number;
}

void
plan_compile_retry(const JsonbValue *json, const char *path,
				   PlanRetry *retry, Problems *problems)
{
	double		attempts;

	if (!json_is_object(json))
	{
		problem_type(problems, path, "Write it as {\"max_attempts\": 5}.",
					 "retry", "an object", json);
		return;
	}
	plan_check_keys(json, path, retry_keys, lengthof(retry_keys), problems);

	attempts = number_member(json, "max_attempts", path, 1,
							 PLAN_MAX_ATTEMPTS, get_float8_nan(), problems);
	if (isnan(attempts))
		attempts = 1;
	if (attempts != floor(attempts))
		problem_error(problems, problem_path_member(path, "max_attempts"),
					  "whole_number", NULL,
					  "max_attempts must be a whole number");
	retry->max_attempts = (int) attempts;
	retry->coefficient = number_member(json, "backoff_coefficient", path, 1,
									   PLAN_MAX_COEFFICIENT, 2, problems);
	retry->initial_ms = plan_interval(json, "initial_interval", path,
									  PLAN_MAX_INTERVAL_MS, "30 days",
									  problems);
	retry->max_ms = plan_interval(json, "max_interval", path,
								  PLAN_MAX_INTERVAL_MS, "30 days", problems);
	if (retry->max_ms >= 0 && retry->initial_ms > retry->max_ms)
		problem_error(problems, problem_path_member(path, "max_interval"),
					  "interval_order", NULL,
					  "max_interval is shorter than initial_interval");
}
