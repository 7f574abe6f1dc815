/*
 * preview.c
 *	  wf_preview and wf_preview_run: what a run of a definition would do.
 *
 * Runs in the backend that asks, as the role that asks: nothing is read as
 * another role.  So the tenant binding of the session is that of row security,
 * and connections are read without their credentials.
 *
 * Without execute the steps are walked here (run_preview.c), and nothing is
 * executed.  With it they are walked in a process of its own
 * (preview_execute.c), which executes native steps as run_as and rolls back.
 */
#include "postgres.h"
#include "compat.h"

#include "access/xact.h"
#include "api/fire.h"
#include "api/preview_execute.h"
#include "api/role.h"
#include "api/trigger_row.h"
#include "base/json_object.h"
#include "base/json_value.h"
#include "base/uuid7.h"
#include "base/uuid_list.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_type.h"
#include "config/clock.h"
#include "config/settings.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/value.h"
#include "parser/parse_func.h"
#include "run/run_preview.h"
#include "storage/proc.h"
#include "store/store_actions.h"
#include "store/store_schema.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#define MAX_TIME_MS (INT64CONST(10) * 60 * 1000)

/* What was asked for, and what was found of it. */
typedef struct Asked
{
	const char *function;		/* for messages */
	Oid			schema;
	Jsonb	   *definition;
	bool		has_run_as;		/* given, or that of a definition */
	Oid			run_as;
	Preview		preview;
} Asked;

/*--- arguments ---*/

static void
refuse_null(const Asked *asked, const char *argument)
{
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 errmsg("argument \"%s\" of %s must not be null", argument,
					asked->function)));
}

static void
require_object(const Asked *asked, Jsonb *json, const char *argument)
{
	if (!JB_ROOT_IS_OBJECT(json))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" of %s must be a JSON object",
						argument, asked->function)));
}

/* In ms.  Raises 22023 unless it is a time span that a preview may take. */
static int64
read_max_time(const Asked *asked, const Interval *span)
{
	int64		ms = span->time / 1000;

	if (span->month != 0 || span->day != 0 || ms < 1 || ms > MAX_TIME_MS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"max_time\" of %s must be from 1 ms to 10 min",
						asked->function)));
	return ms;
}

/*
 * The arguments that both functions have: run_as, execute, run_functions,
 * outputs, max_time, from that number on.
 */
static void
read_options(Asked *asked, FunctionCallInfo fcinfo, int from)
{
	static const char *const names[] = {
		"run_as", "execute", "run_functions", "outputs", "max_time"
	};
	Preview    *preview = &asked->preview;

	for (int i = 1; i < lengthof(names); i++)
		if (PG_ARGISNULL(from + i))
			refuse_null(asked, names[i]);
	asked->has_run_as = !PG_ARGISNULL(from);
	if (asked->has_run_as)
		asked->run_as = PG_GETARG_OID(from);
	preview->execute = PG_GETARG_BOOL(from + 1);
	preview->run_functions = PG_GETARG_BOOL(from + 2);
	preview->outputs = PG_GETARG_JSONB_P(from + 3);
	require_object(asked, preview->outputs, "outputs");
	preview->max_time_ms = read_max_time(asked,
										 PG_GETARG_INTERVAL_P(from + 4));
	preview->deadline = GetCurrentTimestamp() + preview->max_time_ms * 1000;
	preview->lock_timeout_ms = LockTimeout;
}

/*--- who may execute ---*/

/* Operators may define workflows; whoever may not, may not try them. */
static void
check_operator(const Asked *asked)
{
	Oid			types[2] = {UUIDOID, JSONBOID};
	char	   *schema = get_namespace_name(asked->schema);
	Oid			define = LookupFuncName(list_make2(makeString(schema),
												   makeString("wf_define")),
										lengthof(types), types, false);

	if (compat_function_aclcheck(define, GetUserId(), ACL_EXECUTE) !=
		ACLCHECK_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to execute the steps of a preview"),
				 errdetail("It needs the capability \"operate\"."),
				 errhint("Call %s with execute => false.", asked->function)));
}

/*
 * What the transaction has written would not be seen, and may be locked.  So
 * no trigger of it is pending either.
 */
static void
check_transaction(const Asked *asked)
{
	PreventCommandIfReadOnly(asked->function);
	if (TransactionIdIsValid(GetTopTransactionIdIfAny()))
		ereport(ERROR,
				(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				 errmsg("%s cannot execute steps in a transaction that has written",
						asked->function),
				 errhint("Commit first, or call it with execute => false.")));
}

/* Must be able to SET ROLE to it, as whoever writes a definition must. */
static void
check_run_as(Oid role)
{
	if (!SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(role)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("the role that this workflow runs as does not exist"),
				 errhint("Name another one in run_as.")));
	if (!role_is_allowed(role))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to execute steps as role \"%s\"",
						GetUserNameFromId(role, false)),
				 errdetail("Whoever executes a preview must be able to SET ROLE to its run_as."),
				 errhint("Name a role of yours in run_as, or call it with execute => false.")));
}

/*--- what is saved ---*/

/* Executes a SELECT of ours as the caller; true: there is a row. */
static bool
select_row(const char *sql, int nargs, Oid *types, Datum *values)
{
	SPI_execute_with_args(store_sql(sql), nargs, types, values, NULL, true,
						  1);
	return SPI_processed > 0;
}

static Datum
column(int number, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, number,
						 isnull);
}

/* A jsonb of the row, in context. */
static Jsonb *
json_column(int number, MemoryContext context)
{
	bool		isnull;
	Datum		datum = column(number, &isnull);
	MemoryContext old = MemoryContextSwitchTo(context);
	Jsonb	   *copy = isnull ? NULL : DatumGetJsonbPCopy(datum);

	MemoryContextSwitchTo(old);
	return copy;
}

/* Id, version, name and run_as of a definition: these columns of the row. */
static void
take_definition(Asked *asked, int first, MemoryContext context)
{
	RunRow	   *run = &asked->preview.run;
	bool		isnull;

	run->definition_id = *DatumGetUUIDP(column(first, &isnull));
	run->version = DatumGetInt32(column(first + 1, &isnull));
	run->workflow_name =
		MemoryContextStrdup(context,
							SPI_getvalue(SPI_tuptable->vals[0],
										 SPI_tuptable->tupdesc, first + 2));
	if (!asked->has_run_as)
		asked->run_as = DatumGetObjectId(column(first + 3, &isnull));
	asked->has_run_as = true;
}

/* Looks for the tenant's definition of the name in the JSON. */
static void
find_definition(Asked *asked)
{
	MemoryContext caller = CurrentMemoryContext;
	RunRow	   *run = &asked->preview.run;
	const char *name = asked->preview.plan->name;
	Oid			types[2] = {UUIDOID, TEXTOID};
	Datum		values[2];
	int			level;

	run->version = 1;
	if (name == NULL)
		return;
	run->workflow_name = pstrdup(name);
	values[0] = UUIDPGetDatum(&run->tenant_id);
	values[1] = CStringGetTextDatum(name);
	level = store_enter_search_path();
	SPI_connect();
	if (select_row("SELECT id, version, name, run_as"
				   " FROM %t.workflow_definitions"
				   " WHERE tenant_id = $1 AND name = $2", 2, types, values))
		take_definition(asked, 1, caller);
	SPI_finish();
	store_leave_search_path(level);
}

/* Results of a run, null unless it has passed the step: its outputs. */
#define OUTPUTS_OF_RUN \
	"(SELECT jsonb_object_agg(e->>'step_name', e->'output')" \
	"  FROM jsonb_array_elements(CASE jsonb_typeof(r.step_results)" \
	"   WHEN 'array' THEN r.step_results ELSE '[]' END) e" \
	"  WHERE e->>'status' = 'completed' AND e->>'step_name' IS NOT NULL)"

/* Outputs that the caller gives go before those of the run. */
static void
add_outputs(Preview *preview, Jsonb *of_run)
{
	Datum		given = JsonbPGetDatum(preview->outputs);

	if (of_run != NULL)
		preview->outputs =
			DatumGetJsonbP(DirectFunctionCall2(jsonb_concat,
											   JsonbPGetDatum(of_run),
											   given));
}

/* Raises P0002 if the session sees no such run. */
static void
load_run(Asked *asked, const pg_uuid_t *id)
{
	MemoryContext caller = CurrentMemoryContext;
	RunRow	   *run = &asked->preview.run;
	Oid			type = UUIDOID;
	Datum		value = UUIDPGetDatum(id);
	int			level = store_enter_search_path();
	Jsonb	   *outputs = NULL;
	bool		isnull;
	bool		found;

	SPI_connect();
	found = select_row("SELECT r.trigger_payload, r.tenant_id, r.queued_at,"
					   " r.depth, d.definition, " OUTPUTS_OF_RUN ","
					   " d.id, d.version, d.name, d.run_as"
					   " FROM %t.workflow_runs r"
					   " JOIN %t.workflow_definitions d ON d.id = r.definition_id"
					   " WHERE r.id = $1", 1, &type, &value);
	if (found)
	{
		run->unit = unit_of_run(id);
		run->payload = json_column(1, caller);
		run->tenant_id = *DatumGetUUIDP(column(2, &isnull));
		run->queued_at = DatumGetTimestampTz(column(3, &isnull));
		run->depth = DatumGetInt32(column(4, &isnull));
		if (asked->definition == NULL)
			asked->definition = json_column(5, caller);
		outputs = json_column(6, caller);
		take_definition(asked, 7, caller);
	}
	SPI_finish();
	store_leave_search_path(level);
	if (!found)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("run %s does not exist", id_text(id)),
				 errhint("wf_history finds runs by their payload.")));
	add_outputs(&asked->preview, outputs);
}

/*--- the preview ---*/

/* Raises 22023 with every problem. */
static void
compile(Asked *asked)
{
	Problems	problems = {0};

	asked->preview.plan = plan_compile(asked->definition, store_catalogue(),
									   &problems);
	if (problems.nerrors > 0)
		problems_raise(&problems, "the definition is not valid");
}

/* Raises 22023 if outputs speaks of a step that is none. */
static void
check_outputs(const Asked *asked, Jsonb *outputs)
{
	const WorkflowPlan *plan = asked->preview.plan;
	const char **names = palloc(sizeof(char *) * (plan->nsteps + 1));
	JsonbValue	object;
	JsonMember *members;
	int			n;

	for (int i = 0; i < plan->nsteps; i++)
		names[i] = plan->steps[i].name;
	json_of_jsonb(outputs, &object);
	members = json_members(&object, &n);
	for (int i = 0; i < n; i++)
	{
		bool		known = false;
		char	   *hint;

		for (int k = 0; k < plan->nsteps && !known; k++)
			known = strcmp(names[k], members[i].key) == 0;
		if (known)
			continue;
		hint = known_words_hint(members[i].key, names, plan->nsteps);
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"outputs\" of %s names step \"%s\", which the definition does not have",
						asked->function, members[i].key),
				 hint != NULL ? errhint("%s", hint) : 0));
	}
}

static void
put_row(const PreviewRow *row, void *arg)
{
	ReturnSetInfo *result = arg;
	Datum		values[PREVIEW_COLUMNS];
	bool		isnull[PREVIEW_COLUMNS];

	run_preview_values(row, values, isnull);
	tuplestore_putvalues(result->setResult, result->setDesc, values, isnull);
}

static void
walk(Asked *asked, ReturnSetInfo *result)
{
	Preview    *preview = &asked->preview;
	PreviewTexts texts = {asked->definition, asked->schema};

	if (!preview->execute)
	{
		run_preview(preview, put_row, result);
		return;
	}
	preview->run_as = asked->has_run_as ? asked->run_as
		: role_default_run_as(GetUserId());
	check_run_as(preview->run_as);
	preview_execute(preview, &texts, result);
}

static void
begin(Asked *asked, FunctionCallInfo fcinfo, const char *function,
	  int options)
{
	memset(asked, 0, sizeof(*asked));
	asked->function = function;
	asked->schema = get_func_namespace(fcinfo->flinfo->fn_oid);
	store_use_schema(asked->schema);
	read_options(asked, fcinfo, options);
	if (!asked->preview.execute)
		return;
	check_operator(asked);
	check_transaction(asked);
}

/*
 * The tenant that is given, else the one that the session is bound to, else
 * none: the id of zeros.
 */
static void
choose_tenant(RunRow *run, const pg_uuid_t *given)
{
	if (given != NULL)
		run->tenant_id = *given;
	else if (settings_tenant(&run->tenant_id) == TENANT_UNBOUND)
		return;
	if (settings_tenant_visible(&run->tenant_id))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("this session may only preview workflows of its own tenant"),
			 errdetail("It is bound by \"workflow_engine.tenant_id\".")));
}

PG_FUNCTION_INFO_V1(wf_preview);

Datum
wf_preview(PG_FUNCTION_ARGS)
{
	Asked		asked;
	RunRow	   *run = &asked.preview.run;

	InitMaterializedSRF(fcinfo, 0);
	begin(&asked, fcinfo, "wf_preview", 3);
	if (PG_ARGISNULL(0))
		refuse_null(&asked, "definition");
	if (PG_ARGISNULL(1))
		refuse_null(&asked, "payload");
	asked.definition = PG_GETARG_JSONB_P(0);
	run->payload = PG_GETARG_JSONB_P(1);
	fire_check_payload(run->payload);
	choose_tenant(run, PG_ARGISNULL(2) ? NULL : PG_GETARG_UUID_P(2));
	run->queued_at = clock_now();
	uuid7_generate(&run->unit.id, run->queued_at);
	compile(&asked);
	check_outputs(&asked, asked.preview.outputs);
	find_definition(&asked);
	walk(&asked, (ReturnSetInfo *) fcinfo->resultinfo);
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(wf_preview_run);

Datum
wf_preview_run(PG_FUNCTION_ARGS)
{
	Asked		asked;
	Jsonb	   *given;

	InitMaterializedSRF(fcinfo, 0);
	begin(&asked, fcinfo, "wf_preview_run", 2);
	if (PG_ARGISNULL(0))
		refuse_null(&asked, "run_id");
	if (!PG_ARGISNULL(1))
		asked.definition = PG_GETARG_JSONB_P(1);
	given = asked.preview.outputs;
	load_run(&asked, PG_GETARG_UUID_P(0));
	compile(&asked);
	check_outputs(&asked, given);
	walk(&asked, (ReturnSetInfo *) fcinfo->resultinfo);
	return (Datum) 0;
}
