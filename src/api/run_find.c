/*
 * run_find.c
 *	  Which runs match a filter: their ids, newest first.
 *
 * Runs in the backend that calls wf_history, wf_runs or wf_search, as the
 * owner of our tables; see run_query.c.  Reads only; owns nothing beyond a
 * call.
 *
 * Ids ascend with time, so "newest" and every limit of time are conditions on
 * the id.  Each way to ask has its index, and is written so that the planner
 * has no other choice that is cheap:
 *
 *	match				workflow_runs_payload; all else is decided on what it
 *						finds, since another index may find less by the
 *						planner's estimate and more in truth
 *	running, failed or	workflow_runs_state, for each definition that may match
 *	cancelled runs
 *	queued or waiting	workflow_runs_due, _later and _held, which hold these
 *	runs				and no others
 *	any run, or also	workflow_runs_definition, for each definition that may
 *	completed ones		match; if any may, the primary key
 *
 * The step and the class of the error of failed runs are in no index.  They
 * are decided on the newest 10,000 that the rest finds.
 */
#include "postgres.h"
#include "compat.h"

#include "access/htup_details.h"
#include "api/run_find.h"
#include "api/run_query.h"
#include "base/error_class.h"
#include "catalog/pg_type.h"
#include "config/settings.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

/* So many failed runs are looked at for their step or error. */
#define MAX_FAILED 10000

/* So many runs that contain an element are found by the index of payloads. */
#define MAX_PROBED 4000

#define BIT(status) RUN_STATUS_BIT(RUN_STATUS_ ## status)
#define OPEN (BIT(QUEUED) | BIT(WAITING))

Datum
run_ids_array(const pg_uuid_t *ids, int n)
{
	Datum	   *datums = palloc(sizeof(Datum) * Max(n, 1));

	for (int i = 0; i < n; i++)
		datums[i] = UUIDPGetDatum(&ids[i]);
	return PointerGetDatum(construct_array(datums, n, UUIDOID, UUID_LEN,
										   false, TYPALIGN_CHAR));
}

/* The names of the statuses, as a value of type text[]. */
static Datum
status_array(uint32 statuses)
{
	Datum		names[RUN_STATUS_CANCELLED + 1];
	int			n = 0;

	for (RunStatus s = RUN_STATUS_QUEUED; s <= RUN_STATUS_CANCELLED; s++)
	{
		if (statuses & RUN_STATUS_BIT(s))
			names[n++] = CStringGetTextDatum(run_status_name(s));
	}
	return PointerGetDatum(construct_array(names, n, TEXTOID, -1, false,
										   TYPALIGN_INT));
}

/*
 * Executes a statement that returns ids, and copies them to context.  If the
 * first row is null, it is left out, and *capped is set.  Within SPI.
 */
static pg_uuid_t *
fetch_ids(const RunQuery *query, PlannerRule rule, MemoryContext context,
		  int *n, bool *capped)
{
	SPITupleTable *table;
	uint64		rows;
	pg_uuid_t  *ids;

	run_query_execute(query, rule);
	table = SPI_tuptable;
	rows = SPI_processed;
	ids = MemoryContextAlloc(context, sizeof(pg_uuid_t) * Max(rows, 1));
	*n = 0;
	if (capped != NULL)
		*capped = false;
	for (uint64 i = 0; i < rows; i++)
	{
		bool		isnull;
		Datum		id = SPI_getbinval(table->vals[i], table->tupdesc, 1,
									   &isnull);

		if (!isnull)
			ids[(*n)++] = *DatumGetUUIDP(id);
		else if (capped != NULL)
			*capped = true;
	}
	SPI_freetuptable(table);
	return ids;
}

/* Narrows "d", which is workflow_definitions, to what may match. */
static void
add_definitions(RunQuery *query, const RunFilter *filter)
{
	if (filter->tenant != NULL)
		run_query_add_param(query, " AND d.tenant_id = $", UUIDOID,
							UUIDPGetDatum(filter->tenant));
	if (filter->definition != NULL)
		run_query_add_param(query, " AND d.id = $", UUIDOID,
							UUIDPGetDatum(filter->definition));
	if (filter->workflow != NULL)
		run_query_add_param(query, " AND d.name = $", TEXTOID,
							PointerGetDatum(filter->workflow));
	run_query_bind_tenant(query, "d.tenant_id = $");
}

/* Narrows "r", which is workflow_runs or what was found of it. */
static void
add_bounds(RunQuery *query, const RunFilter *filter)
{
	if (filter->from != NULL)
		run_query_add_param(query, " AND r.id >= $", UUIDOID,
							UUIDPGetDatum(filter->from));
	if (filter->before != NULL)
		run_query_add_param(query, " AND r.id < $", UUIDOID,
							UUIDPGetDatum(filter->before));
}

static void
add_statuses(RunQuery *query, uint32 statuses)
{
	if (statuses != 0)
		run_query_add_param(query, " AND r.status = ANY ($)", TEXTARRAYOID,
							status_array(statuses));
}

static void
add_newest(RunQuery *query, const RunFilter *filter)
{
	run_query_add_param(query, " ORDER BY r.id DESC LIMIT $", INT8OID,
						Int64GetDatum(filter->max_rows));
}

/*
 * Narrows "r", which has the columns of FOUND, by all but the match.  The
 * definitions are read by a statement of their own: the planner must not join
 * them with what it reads of workflow_runs.
 */
#define FOUND "SELECT r.id, r.definition_id, r.tenant_id, r.status" \
	" FROM %t.workflow_runs r WHERE "

static void
add_found(RunQuery *query, const RunFilter *filter)
{
	if (filter->definition != NULL || filter->workflow != NULL)
	{
		RunQuery	definitions;
		pg_uuid_t  *ids;
		int			n;

		run_query_begin(&definitions);
		run_query_add(&definitions,
					  "SELECT d.id FROM %t.workflow_definitions d WHERE true");
		add_definitions(&definitions, filter);
		ids = fetch_ids(&definitions, PLANNER_BY_INDEX,
						CurrentMemoryContext, &n, NULL);
		run_query_add_param(query, " AND r.definition_id = ANY ($)",
							UUIDARRAYOID, run_ids_array(ids, n));
	}
	if (filter->tenant != NULL)
		run_query_add_param(query, " AND r.tenant_id = $", UUIDOID,
							UUIDPGetDatum(filter->tenant));
	run_query_bind_tenant(query, "r.tenant_id = $");
	add_statuses(query, filter->statuses);
	add_bounds(query, filter);
}

/* Each part is the predicate of a partial index. */
static void
write_open(RunQuery *query, const RunFilter *filter)
{
	run_query_add(query, "(SELECT r.id FROM ((" FOUND
				  "r.run_at <= r.queued_at"
				  " AND r.status IN ('queued', 'waiting') OFFSET 0)"
				  " UNION ALL (" FOUND
				  "r.run_at > r.queued_at AND r.run_at < 'infinity'"
				  " AND r.status IN ('queued', 'waiting') OFFSET 0)"
				  " UNION ALL (" FOUND
				  "r.run_at > r.queued_at AND r.run_at = 'infinity'"
				  " AND r.status IN ('queued', 'waiting') OFFSET 0)) r"
				  " WHERE true");
	add_found(query, filter);
	add_newest(query, filter);
	run_query_add(query, ")");
}

/* The newest of each definition; of one status, or, if NULL, as filtered. */
static void
write_by_definition(RunQuery *query, const RunFilter *filter,
					const char *status)
{
	run_query_add(query, "(SELECT r.id FROM %t.workflow_definitions d"
				  " CROSS JOIN LATERAL (SELECT r.id FROM %t.workflow_runs r"
				  " WHERE r.definition_id = d.id");
	if (status != NULL)
		run_query_add(query, psprintf(" AND r.status = '%s'", status));
	else
		add_statuses(query, filter->statuses);
	add_bounds(query, filter);
	add_newest(query, filter);
	run_query_add(query, ") r WHERE true");
	add_definitions(query, filter);
	add_newest(query, filter);
	run_query_add(query, ")");
}

/* Statuses of which none is "completed": each has an index of its own. */
static void
write_by_status(RunQuery *query, const RunFilter *filter)
{
	const char *separator = "";

	run_query_add(query, "SELECT r.id FROM (");
	for (RunStatus s = RUN_STATUS_QUEUED; s <= RUN_STATUS_CANCELLED; s++)
	{
		if (!(filter->statuses & RUN_STATUS_BIT(s) & ~OPEN))
			continue;
		run_query_add(query, separator);
		write_by_definition(query, filter, run_status_name(s));
		separator = " UNION ALL ";
	}
	if (filter->statuses & OPEN)
	{
		RunFilter	open = *filter;

		open.statuses &= OPEN;
		run_query_add(query, separator);
		write_open(query, &open);
	}
	run_query_add(query, ") r");
	add_newest(query, filter);
}

/* Could runs of every definition match? */
static bool
is_of_all(const RunFilter *filter)
{
	pg_uuid_t	bound;

	return filter->tenant == NULL && filter->definition == NULL &&
		filter->workflow == NULL && settings_tenant(&bound) == TENANT_UNBOUND;
}

static void
write_newest(RunQuery *query, const RunFilter *filter)
{
	if (!is_of_all(filter))
	{
		write_by_definition(query, filter, NULL);
		return;
	}
	run_query_add(query, "SELECT r.id FROM %t.workflow_runs r WHERE true");
	add_statuses(query, filter->statuses);
	add_bounds(query, filter);
	add_newest(query, filter);
}

/* Writes the statement for a filter without a match. */
static void
write_unmatched(RunQuery *query, const RunFilter *filter)
{
	if (filter->statuses != 0 && !(filter->statuses & BIT(COMPLETED)))
		write_by_status(query, filter);
	else
		write_newest(query, filter);
}

/*--- by what the payload contains ---*/

/*
 * Each element of the match is looked for by itself: of what the index finds,
 * the heap is asked whether it contains that element, not whether it contains
 * one of a thousand.  limit is of each element; 0: none.  If an element has
 * more, the first row is null.
 */
static void
write_matching(RunQuery *query, const RunFilter *filter, int limit)
{
	run_query_add(query, "WITH m AS MATERIALIZED (SELECT e.n, r.* FROM ");
	run_query_add_param(query, "unnest($) WITH ORDINALITY e (match, n)",
						JSONBARRAYOID, PointerGetDatum(filter->match));
	run_query_add(query, " CROSS JOIN LATERAL (" FOUND
				  "r.trigger_payload @> e.match");
	if (limit > 0)
		run_query_add(query, psprintf(" LIMIT %d", limit + 1));
	run_query_add(query, ") r)");
	if (limit > 0)
		run_query_add(query, psprintf(" (SELECT NULL::uuid WHERE EXISTS"
									  " (SELECT FROM m GROUP BY m.n"
									  "  HAVING count(*) > %d)) UNION ALL",
									  limit));
	run_query_add(query, " (SELECT r.id FROM (SELECT DISTINCT ON (m.id) m.*"
				  " FROM m) r WHERE true");
	add_found(query, filter);
	add_newest(query, filter);
	run_query_add(query, ")");
}

/* Of the newest runs that match the rest, those that contain an element. */
static void
write_newest_matching(RunQuery *query, const RunFilter *filter, int newest)
{
	RunFilter	rest = *filter;

	rest.match = NULL;
	rest.max_rows = newest;
	run_query_add(query, "SELECT r.id FROM (SELECT r.id FROM (");
	write_unmatched(query, &rest);
	run_query_add(query, ") r ORDER BY r.id DESC OFFSET 0) i"
				  " JOIN %t.workflow_runs r ON r.id = i.id WHERE");
	run_query_add_param(query, " r.trigger_payload @> ANY ($)",
						JSONBARRAYOID, PointerGetDatum(filter->match));
	/* in the order of the subquery, so that nothing is sorted */
	run_query_add_param(query, " ORDER BY i.id DESC LIMIT $", INT8OID,
						Int64GetDatum(filter->max_rows));
}

/*
 * What few runs contain is found by the index at once.  What many contain is
 * likely to be among the newest, which are looked at; if there are not enough,
 * all that the index finds is read.
 */
static pg_uuid_t *
find_matching(const RunFilter *filter, MemoryContext context, int *n)
{
	static const int newest[] = {1000, 20000};
	RunQuery	query;
	pg_uuid_t  *ids;
	bool		capped;

	run_query_begin(&query);
	write_matching(&query, filter, MAX_PROBED);
	ids = fetch_ids(&query, PLANNER_BY_BITMAP, context, n, &capped);
	if (!capped)
		return ids;
	for (int i = 0; i < lengthof(newest); i++)
	{
		run_query_begin(&query);
		write_newest_matching(&query, filter, newest[i]);
		ids = fetch_ids(&query, PLANNER_BY_INDEX, context, n, NULL);
		if (*n == filter->max_rows)
			return ids;
	}
	run_query_begin(&query);
	write_matching(&query, filter, 0);
	return fetch_ids(&query, PLANNER_BY_BITMAP, context, n, NULL);
}

/*--- failed runs, by their step and error ---*/

/*
 * Of those runs, the ones that failed at the step: by their version's name of
 * it.  What a step is called is looked up once for each version and step that
 * occurs.
 */
static void
write_failed(RunQuery *query, const RunFilter *filter, const pg_uuid_t *ids,
			 int n)
{
	run_query_begin(query);
	run_query_add(query, "WITH f AS MATERIALIZED"
				  " (SELECT r.id, r.definition_id, r.definition_version,"
				  "  r.current_step, r.error_message FROM ");
	run_query_add_param(query, "unnest($) i (id)", UUIDARRAYOID,
						run_ids_array(ids, n));
	run_query_add(query, " JOIN %t.workflow_runs r ON r.id = i.id)");
	if (filter->step != NULL)
	{
		run_query_add(query, ", s AS MATERIALIZED (SELECT o.* FROM"
					  " (SELECT DISTINCT definition_id, definition_version,"
					  "  current_step FROM f) o"
					  " JOIN %t.workflow_definition_versions v"
					  "  ON v.definition_id = o.definition_id"
					  "  AND v.version = o.definition_version WHERE");
		run_query_add_param(query, " v.definition->'steps'->o.current_step"
							"->>'name' = $)", TEXTOID,
							PointerGetDatum(filter->step));
	}
	run_query_add(query, " SELECT f.id, f.error_message FROM f");
	/* IS TRUE, or the planner would join what it may not hash */
	if (filter->step != NULL)
		run_query_add(query, " WHERE ((f.definition_id, f.definition_version,"
					  " f.current_step) IN (SELECT s.definition_id,"
					  " s.definition_version, s.current_step FROM s)) IS TRUE");
	run_query_add(query, " ORDER BY f.id DESC");
}

/* Is the error of that class?  NULL is every class. */
static bool
is_of_class(const char *message, const char *class)
{
	char	   *its;
	bool		same;

	if (class == NULL)
		return true;
	if (message == NULL)
		return false;
	its = error_class(message);
	same = strcmp(its, class) == 0;
	pfree(its);
	return same;
}

/*
 * Keeps of *ids those that match step and error_class; returns how many.
 * Within SPI.
 */
static int
keep_failed(const RunFilter *filter, pg_uuid_t *ids, int n)
{
	RunQuery	query;
	char	   *class = filter->error_class != NULL
		? text_to_cstring(filter->error_class) : NULL;
	int			kept = 0;

	write_failed(&query, filter, ids, n);
	run_query_execute(&query, PLANNER_BY_INDEX);
	for (uint64 i = 0; i < SPI_processed && kept < filter->max_rows; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		bool		isnull;

		CHECK_FOR_INTERRUPTS();
		if (is_of_class(SPI_getvalue(row, desc, 2), class))
			ids[kept++] = *DatumGetUUIDP(SPI_getbinval(row, desc, 1, &isnull));
	}
	return kept;
}

pg_uuid_t *
run_find(const RunFilter *filter, int *n)
{
	MemoryContext caller = CurrentMemoryContext;
	RunFilter	rest = *filter;
	RunQuery	query;
	pg_uuid_t  *ids;
	bool		of_failed = filter->step != NULL ||
		filter->error_class != NULL;

	*n = 0;
	if (of_failed && filter->statuses != 0 &&
		!(filter->statuses & BIT(FAILED)))
		return NULL;
	if (of_failed)
	{
		rest.statuses = BIT(FAILED);
		rest.max_rows = MAX_FAILED;
	}
	SPI_connect();
	if (rest.match != NULL)
		ids = find_matching(&rest, caller, n);
	else
	{
		run_query_begin(&query);
		write_unmatched(&query, &rest);
		ids = fetch_ids(&query, PLANNER_BY_INDEX, caller, n, NULL);
	}
	if (*n > 0 && of_failed)
		*n = keep_failed(filter, ids, *n);
	SPI_finish();
	return ids;
}
