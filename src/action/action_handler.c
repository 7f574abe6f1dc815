/*
 * action_handler.c
 *	  The function of an action that a user added: which one it is, whether it
 *	  fits, and for which roles it may work.
 *
 * Runs in the backend that writes workflow_actions, as the role that writes,
 * and in a worker, as the role of the step.  Owns nothing.
 *
 * A function executes what its owner wrote, with the privileges of the role
 * that calls it.  A step calls it as the definition's run_as, which may be a
 * superuser.  So the owner could do all that run_as may do, and therefore must
 * be able to SET ROLE to run_as.  That is checked at each call, for the
 * function that is called: after the registration, owners change, functions
 * are dropped and created again, and schemas are renamed.
 */
#include "postgres.h"
#include "compat.h"

#include "access/htup_details.h"
#include "action/action_handler.h"
#include "catalog/namespace.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

Oid
handler_function(const char *handler)
{
	return DatumGetObjectId(DirectFunctionCall1(regprocedurein,
												CStringGetDatum(handler)));
}

Oid
handler_function_if_any(const char *handler)
{
	LOCAL_FCINFO(fcinfo, 1);
	Datum		result;

	InitFunctionCallInfoData(*fcinfo, NULL, 1, InvalidOid, NULL, NULL);
	fcinfo->args[0].value = CStringGetTextDatum(handler);
	fcinfo->args[0].isnull = false;
	result = to_regprocedure(fcinfo);
	return fcinfo->isnull ? InvalidOid : DatumGetObjectId(result);
}

/* The function's row, to be released.  Raises 42883 if it is gone. */
static HeapTuple
find_function(Oid function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("function with OID %u does not exist", function)));
	return tuple;
}

void
handler_check_signature(Oid function)
{
	HeapTuple	tuple = find_function(function);
	Form_pg_proc proc = (Form_pg_proc) GETSTRUCT(tuple);
	bool		temporary = isAnyTempNamespace(proc->pronamespace);
	bool		fits;

	fits = proc->prokind == PROKIND_FUNCTION && !proc->proretset &&
		proc->prorettype == JSONBOID && proc->pronargs == 2 &&
		proc->proargtypes.values[0] == JSONBOID &&
		proc->proargtypes.values[1] == JSONBOID;
	ReleaseSysCache(tuple);
	if (!fits || temporary)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_FUNCTION_DEFINITION),
				 errmsg("function %s cannot be an action",
						format_procedure(function)),
				 fits ? errdetail("It is temporary: it goes with its session.")
				 : errdetail("An action is a function (params jsonb, context jsonb) returning jsonb.")));
}

bool
handler_is_owned_by(Oid function, Oid role)
{
	return compat_function_ownercheck(function, role);
}

/*
 * A step's result has the message and the detail only, so the detail says what
 * to do; but it does not advise to grant a superuser's role.
 */
static char *
owner_problem(Oid function, Oid owner, Oid role, char **detail)
{
	char	   *signature = format_procedure(function);
	char	   *owner_name = GetUserNameFromId(owner, true);
	char	   *role_name = GetUserNameFromId(role, false);
	char	   *grant = "";

	owner_name = pstrdup(quote_identifier(owner_name ? owner_name : "unknown"));
	role_name = pstrdup(quote_identifier(role_name));
	if (!superuser_arg(role))
		grant = psprintf("GRANT %s TO %s, or ", role_name, owner_name);
	*detail = psprintf("Its owner %s must be a superuser or able to SET ROLE to %s: %sALTER FUNCTION %s OWNER TO %s.",
					   owner_name, role_name, grant, signature, role_name);
	return psprintf("function %s may not work as role %s", signature,
					role_name);
}

char *
handler_call_problem(Oid function, Oid role, char **detail)
{
	HeapTuple	tuple = find_function(function);
	Oid			owner = ((Form_pg_proc) GETSTRUCT(tuple))->proowner;

	ReleaseSysCache(tuple);
	*detail = NULL;
	if (!compat_can_set_role(owner, role))
		return owner_problem(function, owner, role, detail);
	if (compat_schema_aclcheck(get_func_namespace(function), role,
							   ACL_USAGE) != ACLCHECK_OK)
		return psprintf("permission denied for schema %s",
						get_namespace_name(get_func_namespace(function)));
	if (compat_function_aclcheck(function, role, ACL_EXECUTE) != ACLCHECK_OK)
		return psprintf("permission denied for function %s",
						get_func_name(function));
	return NULL;
}

void
handler_check_call(Oid function)
{
	char	   *detail;
	char	   *problem = handler_call_problem(function, GetUserId(), &detail);

	if (problem != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("%s", problem),
				 detail ? errdetail("%s", detail) : 0));
}
