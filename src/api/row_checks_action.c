/*
 * row_checks_action.c
 *	  workflow_actions: who may write what in it; wf_register_action.
 *
 * Runs in the backend that writes, as the role that writes.
 *
 * The table is one for all tenants, and a name in it stands in the
 * definitions of all of them.  So a session that is bound to a tenant writes
 * nothing here, nobody takes an action away from the owner of its function,
 * and the built-in rows are written by the extension's own scripts alone.
 * (What a function may do is another question, which is asked at each call:
 * action_handler.c.)
 *
 * pg_dump carries the rows that users added.  Its scripts turn
 * check_function_bodies off; anybody can do that, so that it tells of a
 * restore only for a superuser.
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
#include "store/store.h"
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

/*--- who writes ---*/

/* Is it a script of our own extension that writes? */
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

/* May this role replace, change or delete the row?  row holds the old one. */
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

/*--- the row as it shall be ---*/

static void
check_kind(const char *kind)
{
	if (strcmp(kind, "native") != 0 && strcmp(kind, "http") != 0 &&
		strcmp(kind, "smtp") != 0)
		return;					/* the CHECK of the table will say so */
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("actions of kind \"%s\" are built in", kind),
			 errhint("Register a function of yours with wf_register_action.")));
}

static void
check_name_and_handler(const char *name, const char *handler)
{
	if (name != NULL && action_find(name) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("action \"%s\" is built in", name),
				 errhint("Choose another name.")));
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

/* Stores the handler qualified, so that it means one function. */
static void
check_handler(TriggerRow *row)
{
	char	   *handler = row_text(row, ACTION_HANDLER);
	Oid			function;

	check_name_and_handler(row_text(row, ACTION_NAME), handler);
	if (in_restore())
		return;					/* the function may come later */
	function = handler_function(handler);
	handler_check_signature(function);
	if (!handler_is_owned_by(function, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_FUNCTION,
					   get_func_name(function));
	row_set(row, ACTION_HANDLER,
			CStringGetTextDatum(format_procedure_qualified(function)));
}

static void
check_params(const TriggerRow *row)
{
	Problems	problems = {0};
	ActionSpec	spec = {0};
	Jsonb	   *params = row_json(row, ACTION_PARAMS);

	if (params == NULL)
		return;					/* NOT NULL will say so */
	action_spec_parse(&spec, params, &problems);
	problems_raise(&problems, "the parameters of the action are not valid");
}

static void
check_new(TriggerRow *row)
{
	char	   *kind = row_text(row, ACTION_KIND_NAME);

	check_params(row);
	if (kind == NULL || in_own_script())
		return;					/* NOT NULL will say so */
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

Datum
wf_register_action(PG_FUNCTION_ARGS)
{
	Oid			types[4] = {TEXTOID, TEXTOID, JSONBOID, TEXTOID};
	Datum		values[4];
	char		nulls[] = "    ";
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
	values[1] = CStringGetTextDatum(format_procedure_qualified(PG_GETARG_OID(1)));
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
