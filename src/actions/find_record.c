/*
 * find_record.c
 *	  Action find_record: looks one row up by equalities.
 *
 * Runs in a worker, inside a step's sandbox, as the step's role.
 */
#include "postgres.h"
#include "compat.h"

#include "action/record_check.h"
#include "action/record_select.h"
#include "base/json_object.h"
#include "base/json_value.h"
#include "executor/spi.h"
#include "utils/builtins.h"

static char *
find_statement(const Call *call, const RecordTable *table,
			   RecordParams *params)
{
	List	   *names = record_names(call, "columns");
	const char *separator = " ORDER BY ";
	JsonbValue	where;
	StringInfoData sql;
	ListCell   *lc;

	(void) record_keys(call, "where");
	json_of_jsonb(param_json(call, "where"), &where);
	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT pg_catalog.to_jsonb(x.*) FROM (SELECT %s",
					 record_columns(table, names));
	record_from(&sql, table, params, record_equalities(&where));
	foreach(lc, record_primary_key(table))
	{
		appendStringInfo(&sql, "%sr.%s", separator,
						 quote_identifier(lfirst(lc)));
		separator = ", ";
	}
	appendStringInfoString(&sql, " LIMIT 1) x");
	return sql.data;
}

/*
 * If no row is found, the step completes and its output says so.  Of several
 * rows the first by the whole primary key is taken; without a primary key, any
 * of them.
 */
static Jsonb *
find_record(Call *call)
{
	MemoryContext caller = CurrentMemoryContext;
	RecordTable table = record_table(call);
	RecordParams params = {0};
	char	   *sql = find_statement(call, &table, &params);
	Jsonb	   *record;
	ObjectBuilder b;

	SPI_connect();
	record_execute(sql, &params);
	record = record_result(caller);
	SPI_finish();

	object_begin(&b);
	object_bool(&b, "found", record != NULL);
	object_json(&b, "record", record);
	return object_end(&b);
}

/* The statement sorts by the primary key, so it reads that as well. */
static void
check_find(const StepCheck *step)
{
	RecordCheck check;
	ListCell   *lc;

	if (!record_check_begin(&check, step, ACL_SELECT))
		return;
	record_check_object(&check, "where", ACL_SELECT);
	record_check_columns(&check);
	foreach(lc, record_primary_key(&check.table))
		record_check_read(&check, check.table_path, lfirst(lc));
	record_check_end(&check);
}

const Action find_record_action = {
	.name = "find_record",
	.kind = ACTION_NATIVE,
	.execute = find_record,
	.check = check_find,
};
