/*
 * row_checks_action.c
 *	  Which role may write which row of workflow_actions; wf_register_action.
 *
 * The table is one for all tenants: definitions of every tenant name its rows.
 * So a session that is bound to a tenant may not write it, a row can be
 * changed by the owner of its function or a superuser only, and the built-in
 * rows are written by the extension's own scripts alone.  (For which role a
 * function may work is checked at each call: action_handler.c.)
 *
 * A dump has the rows that users added.  The scripts of pg_dump turn
 * check_function_bodies off; every role can do that, so it is taken for a
 * restore only if the role is a superuser.  (Not row_is_restored: what is
 * asked here is also who may UPDATE and DELETE rows.)
 *
 * Runs in the backend that writes, as the role that writes.  Owns nothing
 * beyond a call.
 */
#include "postgres.h"
#include "compat.h"

#include "action/action.h"
#include "action/action_handler.h"
#include "api/trigger_row.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "commands/trigger.h"
#include "config/settings.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "plan/plan.h"
#include "store/store_schema.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"

/* Columns of workflow_actions. */
enum
{
	ACTION_NAME = 1,
	ACTION_KIND_NAME,
	ACTION_HANDLER,
	ACTION_PARAMS
};

/*--- the writer ---*/

/* Does a script of our own extension write? */
static bool
in_own_script(void)
{
	return creating_extension &&
		CurrentExtensionObject == get_extension_oid("workflow_engine", true);
}

static bool
in_restore(void)
{
	return !check_function_bodies && superuser();
}

/* Raises 42501 if the session is bound to a tenant, but not in a restore. */
static void
check_unbound(void)
{
	pg_uuid_t	bound;

	if (settings_tenant(&bound) == TENANT_UNBOUND || in_restore())
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("this session may not write \"workflow_actions\""),
			 errdetail("Actions are for all tenants, and the session is bound by \"workflow_engine.tenant_id\".")));
}

/*--- the row as it was ---*/

static bool
is_function(const char *kind)
{
	return kind != NULL && strcmp(kind, "function") == 0;
}

/*
 * Raises 42501 unless the current user may change or delete the row, of which
 * row->tuple is the state before.
 */
static void
check_old(const TriggerRow *row)
{
	char	   *name = row_text(row, ACTION_NAME);
	char	   *handler = row_text(row, ACTION_HANDLER);
	Oid			function;

	if (!is_function(row_text(row, ACTION_KIND_NAME)))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("action \"%s\" is built in", name),
				 errdetail("Built-in actions can be neither changed nor deleted.")));
	if (superuser())
		return;
	function = handler ? handler_function_if_any(handler) : InvalidOid;
	if (OidIsValid(function) && handler_is_owned_by(function, GetUserId()))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("must be owner of the function of action \"%s\"", name),
			 OidIsValid(function)
			 ? errdetail("It is %s.", format_procedure_qualified(function))
			 : errdetail("Function %s does not exist, so that only a superuser may change the action.",
						 handler ? handler : "of that name")));
}

/*--- the new row ---*/

/* Raises 22023 if only the extension's scripts write rows of that kind. */
static void
check_kind(const char *kind)
{
	if (strcmp(kind, "native") != 0 && strcmp(kind, "http") != 0 &&
		strcmp(kind, "smtp") != 0)
		return;					/* the CHECK of the table raises for it */
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("actions of kind \"%s\" are built in", kind),
			 errhint("Register a function of yours with wf_register_action.")));
}

/* Raises 22023. */
static void
check_name_and_handler(const char *name, const char *handler)
{
	if (name != NULL && action_find(name) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("action \"%s\" is built in", name),
				 errhint("Choose another name.")));
	if (name != NULL && !plan_is_step_name(name))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the name of an action is not valid: \"%s\"", name),
				 errhint("A letter or \"_\", then letters, digits, \"_\" or \"-\"; at most %d characters.",
						 PLAN_MAX_NAME)));
	if (handler == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an action of kind \"function\" needs a handler")));
	if (strchr(handler, '(') == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("handler \"%s\" of action \"%s\" is no signature",
						handler, name ? name : ""),
				 errhint("Write it as schema.function(jsonb,jsonb).")));
}

/*
 * Puts the handler into the row with its schema, so that it names the same
 * function under every search_path.  Raises 22023, 42883 if there is no such
 * function, 42P13 if it cannot be an action, 42501 if the writer does not own
 * it.
 */
static void
check_handler(TriggerRow *row)
{
	char	   *handler = row_text(row, ACTION_HANDLER);
	Oid			function;

	check_name_and_handler(row_text(row, ACTION_NAME), handler);
	if (in_restore())
		return;					/* the function may be restored later */
	function = handler_function(handler);
	handler_check_signature(function);
	if (!handler_is_owned_by(function, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_FUNCTION,
					   get_func_name(function));
	row_set(row, ACTION_HANDLER,
			CStringGetTextDatum(format_procedure_qualified(function)));
}

/* Raises 22023 if the description of the parameters is not valid. */
static void
check_params(const TriggerRow *row)
{
	Problems	problems = {0};
	ActionSpec	spec = {0};
	Jsonb	   *params = row_json(row, ACTION_PARAMS);

	if (params == NULL)
		return;					/* NOT NULL raises for it */
	action_spec_parse(&spec, params, &problems);
	problems_raise(&problems, "the parameters of the action are not valid");
}

static void
check_new(TriggerRow *row)
{
	char	   *kind = row_text(row, ACTION_KIND_NAME);

	check_params(row);
	if (kind == NULL || in_own_script())
		return;					/* for null, NOT NULL raises */
	if (is_function(kind))
		check_handler(row);
	else
		check_kind(kind);
}

static void
refuse_truncate(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("\"workflow_actions\" cannot be truncated"),
			 errdetail("It holds the built-in actions."),
			 errhint("Delete the rows of kind \"function\".")));
}

PG_FUNCTION_INFO_V1(wf_action_check);

/*
 * BEFORE INSERT, UPDATE or DELETE of workflow_actions, for each row, and
 * BEFORE TRUNCATE.  row_begin puts the old row of a DELETE into row.tuple.
 */
Datum
wf_action_check(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	TriggerRow	row;
	TriggerRow	old;

	row_begin(&row, fcinfo, "workflow_actions");
	if (!in_own_script())
		check_unbound();
	if (TRIGGER_FIRED_FOR_STATEMENT(data->tg_event))
		refuse_truncate();
	old = row;
	if (row.is_update)
		old.tuple = row.old;
	if (!TRIGGER_FIRED_BY_INSERT(data->tg_event) && !in_own_script())
		check_old(&old);
	if (!TRIGGER_FIRED_BY_DELETE(data->tg_event))
		check_new(&row);
	return row_end(&row);
}

/*--- wf_register_action ---*/

PG_FUNCTION_INFO_V1(wf_register_action);

/*
 * Inserts or replaces a row, with the privileges of the role that calls it.
 * Raises 22004, 42501, 42P13, and what wf_action_check raises.
 */
Datum
wf_register_action(PG_FUNCTION_ARGS)
{
	Oid			types[4] = {TEXTOID, TEXTOID, JSONBOID, TEXTOID};
	Datum		values[4];
	char		nulls[] = "    ";
	char	   *handler;
	int			level;

	for (int i = 0; i < 3; i++)
		if (PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("name, handler and params of an action must not be null")));
	check_unbound();
	handler_check_signature(PG_GETARG_OID(1));
	store_use_schema(get_func_namespace(fcinfo->flinfo->fn_oid));
	values[0] = PG_GETARG_DATUM(0);
	handler = format_procedure_qualified(PG_GETARG_OID(1));
	values[1] = CStringGetTextDatum(handler);
	values[2] = PG_GETARG_DATUM(2);
	values[3] = PG_ARGISNULL(3) ? (Datum) 0 : PG_GETARG_DATUM(3);
	nulls[3] = PG_ARGISNULL(3) ? 'n' : ' ';

	level = store_enter_search_path();
	SPI_connect();
	SPI_execute_with_args(store_sql("INSERT INTO %t.workflow_actions AS a"
									" (name, kind, handler, params, description)"
									" VALUES ($1, 'function', $2, $3, $4)"
									" ON CONFLICT (name) DO UPDATE"
									" SET handler = EXCLUDED.handler,"
									"  params = EXCLUDED.params,"
									"  description = EXCLUDED.description"),
						  4, types, values, nulls, false, 0);
	SPI_finish();
	store_leave_search_path(level);
	PG_RETURN_VOID();
}
