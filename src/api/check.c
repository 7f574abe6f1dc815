/*
 * check.c
 *	  wf_validate, which checks a definition, and wf_check, which compares all
 *	  that are saved with the catalog.
 *
 * Runs in the backend that calls it, as the owner of our tables (both are
 * SECURITY DEFINER): the session's tenant binding is applied here.  Nothing
 * here executes code of users, so the capability "view" suffices whatever the
 * role of a definition.  Owns nothing beyond a call.
 */
#include "postgres.h"
#include "compat.h"

#include "api/asked_tenant.h"
#include "api/catalog_check.h"
#include "api/definition.h"
#include "api/role.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "plan/plan.h"
#include "plan/plan_schedule.h"
#include "store/store_actions.h"
#include "store/store_schema.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/uuid.h"

static const char *
severity(const Problem *problem)
{
	return problem->is_error ? "error" : "warning";
}

/*--- wf_validate ---*/

/* The role of the tenant's definition of that name; InvalidOid: none. */
static Oid
saved_role(const pg_uuid_t *tenant_id, const char *name)
{
	Oid			types[2] = {UUIDOID, TEXTOID};
	Datum		values[2] = {UUIDPGetDatum(tenant_id),
	CStringGetTextDatum(name)};
	Oid			role = InvalidOid;
	bool		isnull;

	SPI_connect();
	SPI_execute_with_args(store_sql("SELECT run_as FROM %t.workflow_definitions"
									" WHERE tenant_id = $1 AND name = $2"),
						  2, types, values, NULL, true, 1);
	if (SPI_processed > 0)
		role = DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[0],
											  SPI_tuptable->tupdesc, 1,
											  &isnull));
	SPI_finish();
	return role;
}

/*
 * The role that the definition runs as if the caller saves it: a definition
 * that is there keeps its own.
 */
static Oid
role_if_saved(const pg_uuid_t *tenant_id, Jsonb *definition)
{
	char	   *name = definition_text(definition, "name");
	Oid			role = InvalidOid;

	if (tenant_id != NULL && name != NULL)
		role = saved_role(tenant_id, name);
	return role_exists(role) ? role
		: role_default_run_as(GetOuterUserId());
}

static void
put_problem(ReturnSetInfo *rsinfo, const Problem *problem)
{
	Datum		values[7];
	bool		nulls[7] = {false};

	values[0] = CStringGetTextDatum(problem->path);
	values[1] = CStringGetTextDatum(severity(problem));
	values[2] = CStringGetTextDatum(problem->message);
	nulls[3] = problem->hint == NULL;
	values[3] = problem->hint ? CStringGetTextDatum(problem->hint) : 0;
	values[4] = CStringGetTextDatum(problem->code);
	values[5] = DirectFunctionCall1(jsonb_in,
									CStringGetDatum(problem->args));
	nulls[6] = problem->pos == 0;
	values[6] = Int32GetDatum(problem->pos);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

PG_FUNCTION_INFO_V1(wf_validate);

/*
 * A row for each problem of a definition, in the order of the JSON.  Raises
 * 22004.
 */
Datum
wf_validate(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Problems	problems = {0};
	ActionCatalogue *catalogue;
	CatalogCheck check = {0};
	pg_uuid_t	tenant_id;
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"definition\" of wf_validate must not be null")));
	store_use_schema(get_func_namespace(fcinfo->flinfo->fn_oid));
	if (asked_tenant(fcinfo, 1, &tenant_id) == ASKED_ONE)
		check.tenant_id = &tenant_id;
	check.role = role_if_saved(check.tenant_id, PG_GETARG_JSONB_P(0));
	catalogue = store_catalogue();
	catalog_check_add(catalogue, &check);
	plan_compile(PG_GETARG_JSONB_P(0), catalogue, &problems);
	foreach(lc, problems.items)
		put_problem(rsinfo, lfirst(lc));
	return (Datum) 0;
}

/*--- wf_check ---*/

/* A row of workflow_definitions, as wf_check reads it. */
enum
{
	SAVED_ID = 1,
	SAVED_NAME,
	SAVED_TENANT_ID,
	SAVED_DEFINITION,
	SAVED_RUN_AS,
	SAVED_SCHEDULES,			/* how many rows of workflow_schedules */
	SAVED_COLUMNS = SAVED_SCHEDULES
};

/* A schedule fires by its row, which only a restore leaves out. */
static void
check_schedules(const Datum *row, Problems *found)
{
	List	   *schedules =
		plan_schedules_of(DatumGetJsonbP(row[SAVED_DEFINITION - 1]));

	if (list_length(schedules) > DatumGetInt32(row[SAVED_SCHEDULES - 1]))
		problem_error(found, "schedule", "schedule_missing",
					  "Save the definition with a change, for instance of its description.",
					  "the schedule never fires: the definition was inserted as a restore does it, with check_function_bodies off, and its schedules were not");
}

/*
 * What is wrong with a saved definition: what keeps it from being compiled,
 * and what the catalog lacks.  Warnings of the language were given when it
 * was saved.
 */
static void
check_saved(ActionCatalogue *catalogue, const Datum *row, Problems *found)
{
	Problems	of_language = {0};
	CatalogCheck check = {.problems = found};
	ListCell   *lc;

	check.tenant_id = DatumGetUUIDP(row[SAVED_TENANT_ID - 1]);
	check.role = DatumGetObjectId(row[SAVED_RUN_AS - 1]);
	if (!role_exists(check.role))
	{
		check.role = InvalidOid;
		problem_error(found, problem_path_member("", "run_as"),
					  "unknown_role",
					  "Set run_as to the role that the steps shall run as.",
					  "the role that this workflow runs as does not exist");
	}
	catalog_check_add(catalogue, &check);
	plan_compile(DatumGetJsonbP(row[SAVED_DEFINITION - 1]), catalogue,
				 &of_language);
	check_schedules(row, found);
	foreach(lc, of_language.items)
	{
		const Problem *problem = lfirst(lc);

		if (problem->is_error)
			problem_error(found, problem->path, problem->code, problem->hint,
						  "%s", problem->message);
	}
}

static void
put_check(ReturnSetInfo *rsinfo, const Datum *row, const Problem *problem)
{
	Datum		values[6];
	bool		nulls[6] = {false};

	values[0] = row[SAVED_ID - 1];
	values[1] = row[SAVED_NAME - 1];
	values[2] = CStringGetTextDatum(problem->path);
	values[3] = CStringGetTextDatum(severity(problem));
	values[4] = CStringGetTextDatum(problem->message);
	nulls[5] = problem->hint == NULL;
	values[5] = problem->hint ? CStringGetTextDatum(problem->hint) : 0;
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

static void
check_row(ReturnSetInfo *rsinfo, ActionCatalogue *catalogue, HeapTuple tuple,
		  TupleDesc desc)
{
	Datum		row[SAVED_COLUMNS];
	bool		nulls[SAVED_COLUMNS];
	Problems	found = {0};
	ListCell   *lc;

	heap_deform_tuple(tuple, desc, row, nulls);
	for (int i = 0; i < SAVED_COLUMNS; i++)
	{
		if (nulls[i])
			return;				/* somebody dropped a NOT NULL */
	}
	check_saved(catalogue, row, &found);
	foreach(lc, found.items)
		put_check(rsinfo, row, lfirst(lc));
}

/* Within SPI, which holds the rows. */
static void
check_rows(ReturnSetInfo *rsinfo, ActionCatalogue *catalogue)
{
	SPITupleTable *rows = SPI_tuptable;
	uint64		n = SPI_processed;
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext,
												  "wf_check",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(scratch);

	for (uint64 i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		check_row(rsinfo, catalogue, rows->vals[i], rows->tupdesc);
		MemoryContextReset(scratch);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
}

PG_FUNCTION_INFO_V1(wf_check);

/* A row for each problem of each active definition. */
Datum
wf_check(PG_FUNCTION_ARGS)
{
	RunQuery	query;
	pg_uuid_t	tenant_id;
	AskedTenant asked = asked_tenant(fcinfo, 0, &tenant_id);
	ActionCatalogue *catalogue;

	InitMaterializedSRF(fcinfo, 0);
	if (asked == ASKED_NOBODY)
		return (Datum) 0;
	store_use_schema(get_func_namespace(fcinfo->flinfo->fn_oid));
	catalogue = store_catalogue();
	SPI_connect();
	asked_tenant_query(&query,
					   "SELECT id, name, tenant_id, definition, run_as,"
					   " (SELECT count(*) FROM %t.workflow_schedules s"
					   "   WHERE s.definition_id = d.id)::int"
					   " FROM %t.workflow_definitions d"
					   " WHERE is_active AND (%a OR tenant_id = $1)"
					   " ORDER BY name, id",
					   asked == ASKED_ONE ? &tenant_id : NULL);
	/* nearly all rows are read: not by an index */
	SPI_execute_with_args(query.sql.data, query.nparams, query.types,
						  query.values, NULL, true, 0);
	check_rows((ReturnSetInfo *) fcinfo->resultinfo, catalogue);
	SPI_finish();
	return (Datum) 0;
}
