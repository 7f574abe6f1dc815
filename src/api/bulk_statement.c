/*
 * bulk_statement.c
 *	  The statement that finds the runs which a BulkFilter chooses.
 *
 * Runs in the backend that calls a function about many runs.  Owns nothing.
 *
 * The definitions are chosen first; each status is then read by the index that
 * has it:
 *
 *	 failed, cancelled, running
 *							workflow_runs_state, definition by definition;
 *	 queued, waiting		the indexes of what is due, of what is due later
 *							and of what is not due at all, each as a whole:
 *							they hold nothing else;
 *	 completed				workflow_runs_definition, of which every run
 *							between since and until is looked at.
 *
 * A step, or a class of errors, is in no index.  So with either the newest
 * FILTER_WINDOW runs of the status are looked at, whatever "after" is: a
 * caller that goes on after the last run of a call sees the same ones.
 */
#include "postgres.h"
#include "compat.h"

#include "api/bulk_statement.h"
#include "lib/stringinfo.h"
#include "store/run_status.h"
#include "store/store_schema.h"

#define FILTER_WINDOW "10000"	/* runs looked at for a step or an error */

/*
 * Formats of readings.  Of each definition the runs of a status (%s), from the
 * first id on, or the newest of them, or any (the second %s).
 */
#define OF_DEFINITION \
	"(SELECT x.id FROM d CROSS JOIN LATERAL" \
	" (SELECT r.id FROM %%t.workflow_runs r WHERE r.definition_id = d.id" \
	"  AND %s AND r.id >= $4 AND r.id < $5%s) x)"
#define FIRST_ONES " AND r.id > $6 ORDER BY r.id LIMIT $7"
#define ANY_ONES " AND r.id > $6 LIMIT $7"
#define NEWEST " ORDER BY r.id DESC LIMIT " FILTER_WINDOW

/* The runs of an index of what workers take, by its condition. */
#define OF_INDEX(condition) \
	"(SELECT r.id FROM %%t.workflow_runs r WHERE " condition \
	" AND r.status IN ('queued', 'waiting') AND %s" \
	" AND r.definition_id IN (SELECT d.id FROM d)" \
	" AND r.id >= $4 AND r.id < $5%s)"

/* Which runs of a reading are wanted. */
typedef enum Wanted
{
	WANTED_FIRST,				/* after $6, by id */
	WANTED_NEWEST,				/* that a step or an error is looked for in */
	WANTED_ANY					/* after $6 */
} Wanted;

static Wanted
wanted_of(const BulkFilter *filter, const FilterRule *rule)
{
	if (filter->step != NULL || filter->error_class != NULL)
		return WANTED_NEWEST;
	return rule->enough > 0 ? WANTED_ANY : WANTED_FIRST;
}

/*
 * Appends a reading, which has %s for what is asked of the status and for
 * where it begins.
 */
static void
add_reading(StringInfo sql, const char *reading, const char *status,
			const char *after)
{
	if (sql->len > 0)
		appendStringInfoString(sql, " UNION ALL ");
	appendStringInfo(sql, reading, status, after);
}

/* Appends the readings of queued or waiting runs, or of both. */
static void
add_open(StringInfo sql, const char *status, Wanted wanted)
{
	const char *after = wanted == WANTED_NEWEST ? "" : " AND r.id > $6";

	add_reading(sql, OF_INDEX("r.run_at <= r.queued_at"), status, after);
	add_reading(sql, OF_INDEX("r.run_at > r.queued_at"
							  " AND r.run_at < 'infinity'"), status, after);
	add_reading(sql, OF_INDEX("r.run_at > r.queued_at"
							  " AND r.run_at = 'infinity'"), status, after);
}

/* Appends the reading of a status, definition by definition. */
static void
add_of_definition(StringInfo sql, const char *status, Wanted wanted)
{
	static const char *const ends[] = {
		[WANTED_FIRST] = FIRST_ONES,
		[WANTED_NEWEST] = NEWEST,
		[WANTED_ANY] = ANY_ONES
	};

	add_reading(sql, OF_DEFINITION, status, ends[wanted]);
}

/* Appends the readings of the runs that the filter may choose. */
static void
add_readings(StringInfo sql, const BulkFilter *filter, const FilterRule *rule,
			 Wanted wanted)
{
	switch (filter->status)
	{
		case RUN_STATUS_QUEUED:
			add_open(sql, "r.status = 'queued'", wanted);
			break;
		case RUN_STATUS_WAITING:
			add_open(sql, "r.status = 'waiting'", wanted);
			break;
		case RUN_STATUS_RUNNING:
			add_of_definition(sql, "r.status = 'running'", wanted);
			break;
		case RUN_STATUS_FAILED:
			add_of_definition(sql, "r.status = 'failed'", wanted);
			break;
		case RUN_STATUS_COMPLETED:
			add_of_definition(sql, "r.status = 'completed'", wanted);
			break;
		case RUN_STATUS_CANCELLED:
			add_of_definition(sql, "r.status = 'cancelled'", wanted);
			break;
		case RUN_STATUS_UNKNOWN:
			if (rule->any_status)
			{
				add_of_definition(sql, "true", wanted);
				break;
			}
			add_open(sql, "true", wanted);
			add_of_definition(sql, "r.status = 'running'", wanted);
			break;
	}
}

#define ERROR_OF_RUN \
	"CASE r.status WHEN 'failed' THEN r.error_message" \
	" ELSE r.failed_attempts->-1->>'error' END"

/*
 * Of the newest runs of the readings those that stand or failed at the step,
 * with their errors.
 */
static void
add_newest(StringInfo sql, const char *readings)
{
	appendStringInfo(sql, "SELECT c.id, " ERROR_OF_RUN " FROM"
					 " (SELECT u.id FROM (%s) u"
					 "  ORDER BY u.id DESC LIMIT " FILTER_WINDOW ") c"
					 " JOIN %%t.workflow_runs r ON r.id = c.id"
					 " JOIN %%t.workflow_definition_versions v"
					 "  ON v.definition_id = r.definition_id"
					 "  AND v.version = r.definition_version"
					 " WHERE c.id > $6 AND ($8 IS NULL OR"
					 "  v.definition->'steps'->r.current_step->>'name' = $8)"
					 " ORDER BY c.id", readings);
}

char *
bulk_statement(const BulkFilter *filter, const FilterRule *rule)
{
	Wanted		wanted = wanted_of(filter, rule);
	StringInfoData readings;
	StringInfoData sql;

	initStringInfo(&readings);
	add_readings(&readings, filter, rule, wanted);
	initStringInfo(&sql);
	appendStringInfoString(&sql, BULK_WITH_DEFINITIONS);
	if (wanted == WANTED_NEWEST)
		add_newest(&sql, readings.data);
	else
		appendStringInfo(&sql, "SELECT u.id, NULL::text FROM (%s) u%s LIMIT $7",
						 readings.data,
						 wanted == WANTED_FIRST ? " ORDER BY u.id" : "");
	return store_sql(sql.data);
}
