/*
 * step_position.c
 *	  Where a run stands, read back from what the run has recorded.
 *
 * Pure: values in, values out.  Runs in workers and in backends that read the
 * history of a run.
 */
#include "postgres.h"
#include "compat.h"

#include "plan/step_position.h"
#include "utils/numeric.h"

bool
step_position_of_result(JsonbContainer *result, StepPosition *position)
{
	JsonbValue *value = getKeyJsonValueFromContainer(result, "step",
													 strlen("step"), NULL);
	bool		error = false;
	int32		number;

	if (value == NULL || value->type != jbvNumeric)
		return false;
	/* a row may have been changed by hand: the number may be no int */
	number = numeric_int4_opt_error(value->val.numeric, &error);
	if (error || number < 0)
		return false;
	position->number = number;
	return true;
}
