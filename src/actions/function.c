/*
 * function.c
 *	  Actions that users added: a function (params jsonb, context jsonb)
 *	  returning jsonb, in any language.
 *
 * Runs in a worker, inside a step's fence, as the step's role, which needs
 * EXECUTE on the function.  workflow_actions holds the signature as text; it
 * is looked up anew each time, so that a replaced function counts at once.
 */
#include "postgres.h"
#include "compat.h"

#include "actions/record.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"

/*
 * 'SELECT "public"."refund"($1, $2)'.  Raises 42883 where the function is
 * gone.
 */
static char *
call_statement(const char *signature)
{
	Oid			oid = DatumGetObjectId(DirectFunctionCall1(regprocedurein,
														   CStringGetDatum(signature)));
	char	   *name = OidIsValid(oid) ? get_func_name(oid) : NULL;
	char	   *schema = name ? get_namespace_name(get_func_namespace(oid))
		: NULL;

	if (schema == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("function %s does not exist", signature)));
	return psprintf("SELECT %s($1, $2)",
					quote_qualified_identifier(schema, name));
}

static Jsonb *
call_function(Call *call)
{
	MemoryContext caller = CurrentMemoryContext;
	RecordParams params = {0};
	char	   *sql = call_statement(call->handler);
	Jsonb	   *output;

	record_add_json(&params, call->params);
	record_add_json(&params, scope_to_jsonb(call->scope));
	SPI_connect();
	record_execute(sql, &params);
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
