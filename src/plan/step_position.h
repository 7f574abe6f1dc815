/*
 * step_position.h
 *	  Where a run stands: at a step of its plan, or after the last one.
 *
 * A position is stored as a number: in column "current_step", in the member
 * "step" of a result, as a key of previous_results.  Beyond those places
 * nothing computes with that number: plan.h says which position follows
 * another, and which step is at a position.
 */
#ifndef WF_STEP_POSITION_H
#define WF_STEP_POSITION_H

#include "postgres.h"
#include "utils/jsonb.h"

typedef struct StepPosition
{
	int32		number;			/* 0-based; the number of steps: the end */
} StepPosition;

/* The first step of every plan. */
#define STEP_POSITION_FIRST ((StepPosition) {0})

/* No step at all.  Equal to no step's position. */
#define STEP_POSITION_NONE ((StepPosition) {-1})

static inline bool
step_position_is_none(StepPosition position)
{
	return position.number < 0;
}

static inline bool
step_position_equal(StepPosition a, StepPosition b)
{
	return a.number == b.number;
}

/* Has a run that stands at this position passed that step? */
static inline bool
step_position_passed(StepPosition run, StepPosition step)
{
	return run.number > step.number;
}

/*
 * The position of the step whose result this is: an element of step_results.
 * False: it has no member "step" that is a position.
 */
extern bool step_position_of_result(JsonbContainer *result,
									StepPosition *position);

/*--- as a column ---*/

static inline StepPosition
DatumGetStepPosition(Datum datum)
{
	StepPosition position = {DatumGetInt32(datum)};

	return position;
}

static inline Datum
StepPositionGetDatum(StepPosition position)
{
	return Int32GetDatum(position.number);
}

#endif							/* WF_STEP_POSITION_H */
