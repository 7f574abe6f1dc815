/*
 * plan_schedule.c
 *	  The schedules of a definition: when it fires by itself.
 *
 * Runs in the backend that writes or validates a definition, and in workers,
 * which fire what is due.  Owns nothing; a definition's next times are rows of
 * workflow_schedules.
 */
#include "postgres.h"
#include "compat.h"

#include "base/time_zone.h"
#include "plan/plan_internal.h"
#include "plan/plan_schedule.h"

static const char *const schedule_keys[] = {
	"cron", "time_zone", "payload", "catch_up", "name"
};

/* In the order of CatchUp. */
static const char *const catch_up_words[] = {"last", "none", "all"};

/* Adds a problem if there is none of that text, which must be there. */
static char *
required_text(const JsonbValue *json, const char *key, const char *path,
			  const char *hint, Problems *problems)
{
	if (json_member(json, key) == NULL)
	{
		problem_error(problems, problem_path_member(path, key), "missing_key",
					  hint, "%s is missing", key);
		return NULL;
	}
	return plan_text(json, key, path, problems);
}

static bool
compile_cron(const JsonbValue *json, const char *path, PlanSchedule *schedule,
			 Problems *problems)
{
	Mistake		mistake;

	schedule->cron_text =
		required_text(json, "cron", path,
					  "Write five fields, such as \"0 8 * * mon-fri\".",
					  problems);
	if (schedule->cron_text == NULL)
		return false;
	if (cron_parse(schedule->cron_text, &schedule->cron, &mistake))
		return true;
	problem_error(problems, problem_path_member(path, "cron"), mistake.code,
				  mistake.hint, "\"%s\" %s", schedule->cron_text,
				  mistake.message);
	problem_at(problems, schedule->cron_text, strlen(schedule->cron_text),
			   mistake.offset);
	return false;
}

static bool
compile_zone(const JsonbValue *json, const char *path, PlanSchedule *schedule,
			 Problems *problems)
{
	schedule->zone_name =
		required_text(json, "time_zone", path,
					  "Name the time zone, such as \"Asia/Beirut\" or \"UTC\".",
					  problems);
	if (schedule->zone_name == NULL)
		return false;
	schedule->zone = time_zone_named(schedule->zone_name);
	if (schedule->zone != NULL)
		return true;
	problem_error(problems, problem_path_member(path, "time_zone"),
				  "unknown_time_zone",
				  "The view pg_timezone_names lists the names.",
				  "\"%s\" is not the name of a time zone",
				  schedule->zone_name);
	return false;
}

static bool
compile_catch_up(const JsonbValue *json, const char *path,
				 PlanSchedule *schedule, Problems *problems)
{
	char	   *word;

	if (json_member(json, "catch_up") == NULL)
		return true;
	word = plan_text(json, "catch_up", path, problems);
	if (word == NULL)
		return false;
	for (int i = 0; i < lengthof(catch_up_words); i++)
	{
		if (strcmp(word, catch_up_words[i]) == 0)
		{
			schedule->catch_up = (CatchUp) i;
			return true;
		}
	}
	problem_error(problems, problem_path_member(path, "catch_up"),
				  "unknown_catch_up",
				  known_words_hint(word, catch_up_words,
								   lengthof(catch_up_words)),
				  "\"%s\" is not a way to catch up", word);
	return false;
}

static bool
compile_payload(const JsonbValue *json, const char *path,
				PlanSchedule *schedule, Problems *problems)
{
	JsonbValue *value = json_member(json, "payload");

	if (value == NULL)
		return true;
	path = problem_path_member(path, "payload");
	if (!json_is_object(value))
	{
		problem_type(problems, path, NULL, "payload", "an object", value);
		return false;
	}
	if (json_member(value, SCHEDULED_FOR) != NULL)
	{
		problem_error(problems, problem_path_member(path, SCHEDULED_FOR),
					  "reserved_key", "Leave it out.",
					  "%s is set by the engine", SCHEDULED_FOR);
		return false;
	}
	schedule->payload = json_to_jsonb(value);
	return true;
}

/* NULL after adding a problem. */
static PlanSchedule *
compile_schedule(const JsonbValue *json, const char *path, Problems *problems)
{
	PlanSchedule *schedule = palloc0(sizeof(PlanSchedule));
	char	   *name;
	int			nerrors = problems->nerrors;

	if (!json_is_object(json))
	{
		problem_type(problems, path,
					 "Write {\"cron\": \"0 8 * * *\", \"time_zone\": \"Asia/Beirut\"}.",
					 "schedule", "an object", json);
		return NULL;
	}
	plan_check_keys(json, path, schedule_keys, lengthof(schedule_keys),
					problems);
	name = plan_text(json, "name", path, problems);
	compile_cron(json, path, schedule, problems);
	compile_zone(json, path, schedule, problems);
	compile_catch_up(json, path, schedule, problems);
	compile_payload(json, path, schedule, problems);
	if (problems->nerrors != nerrors)
		return NULL;
	schedule->key = name != NULL ? name
		: psprintf("%s %s", schedule->cron_text, schedule->zone_name);
	return schedule;
}

static bool
has_key(List *schedules, const char *key)
{
	ListCell   *lc;

	foreach(lc, schedules)
		if (strcmp(((PlanSchedule *) lfirst(lc))->key, key) == 0)
		return true;
	return false;
}

static List *
add_schedule(List *schedules, const JsonbValue *json, const char *path,
			 Problems *problems)
{
	PlanSchedule *schedule = compile_schedule(json, path, problems);

	if (schedule == NULL)
		return schedules;
	if (has_key(schedules, schedule->key))
	{
		problem_error(problems, path, "duplicate_schedule",
					  "Give each a name of its own.",
					  "a schedule \"%s\" is there already", schedule->key);
		return schedules;
	}
	return lappend(schedules, schedule);
}

List *
plan_compile_schedules(const JsonbValue *json, Problems *problems)
{
	List	   *schedules = NIL;
	JsonMember *elements;
	int			n;

	if (!json_is_array(json))
		return add_schedule(NIL, json, "schedule", problems);
	n = json_count(json);
	if (n < 1 || n > PLAN_MAX_SCHEDULES)
	{
		problem_error(problems, "schedule", "number_of_schedules", NULL,
					  "a definition has 1 to %d schedules, not %d",
					  PLAN_MAX_SCHEDULES, n);
		return NIL;
	}
	elements = json_members(json, &n);
	for (int i = 0; i < n; i++)
		schedules = add_schedule(schedules, &elements[i].value,
								 problem_path_element("schedule", i),
								 problems);
	return schedules;
}

List *
plan_schedules_of(Jsonb *definition)
{
	Problems	problems = {0};
	JsonbValue	json;
	JsonbValue *schedule;

	json_of_jsonb(definition, &json);
	schedule = json_is_object(&json) ? json_member(&json, "schedule") : NULL;
	return schedule == NULL ? NIL :
		plan_compile_schedules(schedule, &problems);
}
