/*
 * function.c
 *	  Actions that users added: a function (params jsonb, context jsonb)
 *	  returning jsonb, in any language.
 *
 * Runs in a worker, inside a step's sandbox, as the step's role, which needs
 * EXECUTE on the function; action_handler.c says who must own it.
 * workflow_actions holds the signature as text; it is looked up anew each
 * time, so that a replaced function counts at once.
 *
 * What was looked up and checked is what is called: the statement holds the
 * function's OID.  Its name could mean another function a moment later, after
 * ALTER SCHEMA ... RENAME for instance.
 *
 * Owns nothing: plans are kept in statement_cache.c.
 */
#include "postgres.h"
#include "compat.h"

#include "action/action.h"
#include "action/action_handler.h"
#include "action/record.h"
#include "action/statement_cache.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "nodes/makefuncs.h"
#include "nodes/params.h"
#include "parser/parse_node.h"

/*--- the statement ---*/

static Node *
argument(int number)
{
	Param	   *param = makeNode(Param);

	param->paramkind = PARAM_EXTERN;
	param->paramid = number;
	param->paramtype = JSONBOID;
	param->paramtypmod = -1;
	param->location = -1;
	return (Node *) param;
}

/* A parser hook: the statement's column becomes a call of the function. */
static Node *
make_call(ParseState *pstate, ColumnRef *column)
{
	Oid			function = (Oid) (uintptr_t) pstate->p_ref_hook_state;

	return (Node *) makeFuncExpr(function, JSONBOID,
								 list_make2(argument(1), argument(2)),
								 InvalidOid, InvalidOid,
								 COERCE_EXPLICIT_CALL);
}

/* Called each time the statement is analysed; arg is the OID itself. */
static void
setup_parser(ParseState *pstate, void *arg)
{
	pstate->p_pre_columnref_hook = make_call;
	pstate->p_ref_hook_state = arg;
}

/*--- the call ---*/

static ParamListInfo
arguments(Call *call)
{
	ParamListInfo list = makeParamList(2);
	Jsonb	   *values[2];

	values[0] = call->params;
	values[1] = scope_to_jsonb(call->scope);
	for (int i = 0; i < 2; i++)
	{
		list->params[i].value = JsonbPGetDatum(values[i]);
		list->params[i].isnull = false;
		list->params[i].pflags = PARAM_FLAG_CONST;
		list->params[i].ptype = JSONBOID;
	}
	return list;
}

/* Raises 42883, 42P13, 42501 and what the function raises. */
static Jsonb *
call_function(Call *call)
{
	MemoryContext caller = CurrentMemoryContext;
	Oid			function = handler_function(call->handler);
	Statement	statement = {.sql = "SELECT action",.function = function,
	.parser = setup_parser};
	ParamListInfo list;
	Jsonb	   *output;
	int			result;

	handler_check_signature(function);
	handler_check_call(function);
	list = arguments(call);
	SPI_connect();
	result = SPI_execute_plan_with_paramlist(statement_plan(&statement), list,
											 false, 0);
	if (result < 0)
		elog(ERROR, "SPI_execute_plan_with_paramlist failed: %s",
			 SPI_result_code_string(result));
	output = record_result(caller);
	SPI_finish();
	return output;
}

const Action function_action = {
	.name = "function",
	.kind = ACTION_NATIVE,
	.reads_scope = true,
	.execute = call_function,
};
