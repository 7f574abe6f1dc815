/*
 * plan_schedule.h
 *	  The schedules of a definition: when it fires by itself.
 */
#ifndef WF_PLAN_SCHEDULE_H
#define WF_PLAN_SCHEDULE_H

#include "base/cron.h"
#include "base/json_value.h"
#include "base/problems.h"

/* The trigger type of a definition that has schedules and names none. */
#define SCHEDULE_TRIGGER_TYPE "schedule"

/* The member that a scheduled run's payload gets. */
#define SCHEDULED_FOR "scheduled_for"

#define PLAN_MAX_SCHEDULES 100

/* At most so many missed times are fired, the newest ones. */
#define MAX_CATCH_UP 1000

/* What becomes of times that were missed. */
typedef enum CatchUp
{
	CATCH_UP_LAST,				/* the newest of them is fired */
	CATCH_UP_NONE,
	CATCH_UP_ALL				/* each, but for MAX_CATCH_UP */
} CatchUp;

typedef struct PlanSchedule
{
	char	   *key;			/* its name, else "<cron> <zone>": unique in
								 * its definition */
	char	   *cron_text;
	char	   *zone_name;
	Cron		cron;
	pg_tz	   *zone;
	CatchUp		catch_up;
	Jsonb	   *payload;		/* an object; NULL: none */
} PlanSchedule;

/*
 * Compiles the value of "schedule": one object or an array of them.  Adds
 * every problem to problems.  Returns a List of PlanSchedule *, in the current
 * memory context; schedules with a problem are left out.
 */
extern List *plan_compile_schedules(const JsonbValue *json,
									Problems *problems);

/* The same of a saved definition; NIL if it has none. */
extern List *plan_schedules_of(Jsonb *definition);

#endif							/* WF_PLAN_SCHEDULE_H */
