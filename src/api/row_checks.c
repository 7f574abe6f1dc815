/*
 * row_checks.c
 *	  What is written beside definitions: connections, mail templates, runs
 *	  inserted by hand; and wf_validate.  (Actions: row_checks_action.c.)
 *
 * Runs in the backend that writes, as the role that writes.
 */
#include "postgres.h"
#include "compat.h"

#include "api/trigger_row.h"
#include "base/uuid_list.h"
#include "catalog/pg_type.h"
#include "connection/connection.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "language/template.h"
#include "miscadmin.h"
#include "plan/plan.h"
#include "shared/commit_wakeup.h"
#include "storage/latch.h"
#include "store/store.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/wait_event.h"

/* Columns of our tables, in the order of the install script. */
enum
{
	CONNECTION_ID = 1,
	CONNECTION_NAME = 3,
	CONNECTION_KIND,
	CONNECTION_CONFIG,
	CONNECTION_CREDENTIALS
};

enum
{
	TEMPLATE_SUBJECT = 4,
	TEMPLATE_BODY,
	TEMPLATE_HTML
};

/*--- connections, templates, runs by hand ---*/

PG_FUNCTION_INFO_V1(wf_connection_check);

Datum
wf_connection_check(PG_FUNCTION_ARGS)
{
	TriggerRow	row;
	char	   *kind;
	Jsonb	   *config;
	Jsonb	   *credentials;
	bool		no_id;

	row_begin(&row, fcinfo, "workflow_connections");
	(void) row_get(&row, CONNECTION_ID, &no_id);
	kind = row_text(&row, CONNECTION_KIND);
	config = row_json(&row, CONNECTION_CONFIG);
	credentials = row_json(&row, CONNECTION_CREDENTIALS);
	/* the constraints would say so too, and show the row with its secrets */
	if (no_id || row_text(&row, CONNECTION_NAME) == NULL || kind == NULL ||
		config == NULL || credentials == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NOT_NULL_VIOLATION),
				 errmsg("id, name, kind, config and credentials of a connection must not be null")));
	connection_check(kind, config, credentials);
	return row_end(&row);
}

PG_FUNCTION_INFO_V1(wf_template_check);

Datum
wf_template_check(PG_FUNCTION_ARGS)
{
	static const struct
	{
		int			column;
		const char *name;
	}			parts[] = {{TEMPLATE_SUBJECT, "subject"},
	{TEMPLATE_BODY, "body"}, {TEMPLATE_HTML, "html"}};
	TriggerRow	row;
	Problems	problems = {0};

	row_begin(&row, fcinfo, "workflow_templates");
	for (int i = 0; i < lengthof(parts); i++)
	{
		char	   *text = row_text(&row, parts[i].column);

		if (text !=NULL)
			template_compile_text(text, strlen(text), parts[i].name, NULL,
								  &problems);
	}
	problems_raise(&problems, "the mail template is not valid");
	return row_end(&row);
}

/* Fills what the seed's INSERT does not name from the definition. */
static void
fill_run(TriggerRow *row)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		id;
	bool		isnull;
	Oid			save_user;
	int			save_context;
	Datum		tenant;
	Datum		version;

	id = row_get(row, Anum_workflow_runs_definition_id, &isnull);
	if (isnull)
		return;
	store_enter_owner(&save_user, &save_context);
	SPI_connect();
	store_execute(STORE_DEFINITION, &id, NULL, false, 1);
	if (SPI_processed == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
				 errmsg("there is no definition %s",
						DatumGetCString(DirectFunctionCall1(uuid_out, id)))));
	else
	{
		HeapTuple	found = SPI_tuptable->vals[0];
		MemoryContext spi;

		tenant = SPI_getbinval(found, SPI_tuptable->tupdesc, 1, &isnull);
		version = SPI_getbinval(found, SPI_tuptable->tupdesc, 2, &isnull);
		spi = MemoryContextSwitchTo(caller);
		row_get(row, Anum_workflow_runs_tenant_id, &isnull);
		if (isnull)
			row_set(row, Anum_workflow_runs_tenant_id, tenant);
		row_get(row, Anum_workflow_runs_definition_version, &isnull);
		if (isnull)
			row_set(row, Anum_workflow_runs_definition_version, version);
		MemoryContextSwitchTo(spi);
	}
	SPI_finish();
	store_leave_owner(save_user, save_context);
}

#define RESTORE_WAIT_MS 60000
#define RESTORE_POLL_MS 20

static bool
version_is_there(const pg_uuid_t *id, int version)
{
	Oid			save_user;
	int			save_context;
	bool		found;

	/* whatever its role may see */
	store_enter_owner(&save_user, &save_context);
	found = store_has_definition(id, version);
	store_leave_owner(save_user, save_context);
	return found;
}

/*
 * In a restore, waits until the run's version has been restored: pg_restore
 * -j loads the tables side by side, and the foreign key would fail.  Gives
 * up after a minute; the foreign key then says what is missing.
 */
static void
wait_for_version(TriggerRow *row)
{
	static pg_uuid_t last_id;
	static int32 last_version = 0;
	bool		isnull;
	pg_uuid_t  *id = DatumGetUUIDP(row_get(row, Anum_workflow_runs_definition_id, &isnull));
	int32		version;

	if (isnull)
		return;
	version = DatumGetInt32(row_get(row, Anum_workflow_runs_definition_version, &isnull));
	if (isnull || (version == last_version &&
				   memcmp(id, &last_id, UUID_LEN) == 0))
		return;
	for (int waited = 0; waited < RESTORE_WAIT_MS; waited += RESTORE_POLL_MS)
	{
		if (version_is_there(id, version))
		{
			last_id = *id;
			last_version = version;
			return;
		}
		CHECK_FOR_INTERRUPTS();
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT |
						 WL_EXIT_ON_PM_DEATH, RESTORE_POLL_MS,
						 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
}

/* A restore is refused nothing. */
static void
check_key(TriggerRow *row)
{
	bool		isnull;
	Datum		key = row_get(row, Anum_workflow_runs_idempotency_key, &isnull);

	if (!isnull && check_function_bodies)
		check_idempotency_key(TextDatumGetCString(key));
}

PG_FUNCTION_INFO_V1(wf_run_check);

Datum
wf_run_check(PG_FUNCTION_ARGS)
{
	TriggerRow	row;
	Jsonb	   *payload;
	bool		no_tenant;
	bool		no_version;

	row_begin(&row, fcinfo, "workflow_runs");
	payload = row_json(&row, Anum_workflow_runs_trigger_payload);
	if (payload != NULL && !JB_ROOT_IS_OBJECT(payload))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the payload of an event must be a JSON object")));
	check_key(&row);
	row_get(&row, Anum_workflow_runs_tenant_id, &no_tenant);
	row_get(&row, Anum_workflow_runs_definition_version, &no_version);
	if (no_tenant || no_version)
		fill_run(&row);
	else if (!check_function_bodies)
		wait_for_version(&row);
	wakeup_at_commit();
	return row_end(&row);
}

/*--- wf_validate ---*/

PG_FUNCTION_INFO_V1(wf_validate);

Datum
wf_validate(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Problems	problems = {0};
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"definition\" of wf_validate must not be null")));
	store_use_schema(get_func_namespace(fcinfo->flinfo->fn_oid));
	plan_compile(PG_GETARG_JSONB_P(0), store_catalogue(), &problems);
	foreach(lc, problems.items)
	{
		Problem    *problem = lfirst(lc);
		Datum		values[4];
		bool		nulls[4] = {false, false, false, problem->hint == NULL};

		values[0] = CStringGetTextDatum(problem->path);
		values[1] = CStringGetTextDatum(problem->is_error ? "error"
										: "warning");
		values[2] = CStringGetTextDatum(problem->message);
		values[3] = problem->hint ? CStringGetTextDatum(problem->hint) : 0;
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values,
							 nulls);
	}
	return (Datum) 0;
}
