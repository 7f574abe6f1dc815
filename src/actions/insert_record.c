/*
 * insert_record.c
 *	  Action insert_record: inserts one row.
 *
 * Runs in a worker, inside a step's sandbox, as the step's role.
 */
#include "postgres.h"
#include "compat.h"

#include "access/htup_details.h"
#include "action/record.h"
#include "action/record_check.h"
#include "base/json_object.h"
#include "catalog/pg_class.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/*
 * The key column whose value can be reported: RETURNING needs SELECT on it,
 * which a role that may only insert does not have.
 */
static char *
reported_key(const RecordTable *table)
{
	char	   *key = record_key_column(table);

	if (key == NULL)
		return NULL;
	if (pg_class_aclcheck(table->relid, GetUserId(),
						  ACL_SELECT) != ACLCHECK_OK &&
		pg_attribute_aclcheck(table->relid, get_attnum(table->relid, key),
							  GetUserId(), ACL_SELECT) != ACLCHECK_OK)
		return NULL;
	return key;
}

static char *
insert_statement(const RecordTable *table, List *columns, Jsonb *fields,
				 const char *key, RecordParams *params)
{
	StringInfoData sql;
	StringInfoData list;
	ListCell   *lc;

	initStringInfo(&sql);
	initStringInfo(&list);
	foreach(lc, columns)
		appendStringInfo(&list, "%s%s", list.len ? ", " : "",
						 quote_identifier(lfirst(lc)));
	appendStringInfo(&sql, "INSERT INTO %s AS r (%s) SELECT %s FROM ",
					 table->qualified, list.data, list.data);
	record_values(&sql, table, params, fields, "v", columns,
				  RECORD_STORED);
	if (key != NULL)
		appendStringInfo(&sql, " RETURNING pg_catalog.to_jsonb(r.%s)",
						 quote_identifier(key));
	return sql.data;
}

/*
 * Raises P0002 if a trigger suppressed the row, and what PostgreSQL
 * raises for the statement.
 */
static Jsonb *
insert_record(Call *call)
{
	MemoryContext caller = CurrentMemoryContext;
	RecordTable table = record_table(call);
	List	   *columns = record_keys(call, "fields");
	RecordParams params = {0};
	char	   *key = reported_key(&table);
	char	   *sql = insert_statement(&table, columns,
									   param_json(call, "fields"), key,
									   &params);
	Jsonb	   *id;
	ObjectBuilder b;

	SPI_connect();
	record_execute(sql, &params);
	if (SPI_processed == 0)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("no row was inserted into table \"%s\"", table.name),
				 errdetail("A trigger or a rule suppressed it.")));
	id = record_result(caller);
	SPI_finish();

	object_begin(&b);
	object_number(&b, "inserted", 1);
	if (id != NULL)
		object_json(&b, "id", id);
	return object_end(&b);
}

static void
check_insert(const StepCheck *step)
{
	RecordCheck check;

	if (!record_check_begin(&check, step, ACL_INSERT))
		return;
	record_check_object(&check, "fields", ACL_INSERT);
	record_check_end(&check);
}

const Action insert_record_action = {
	.name = "insert_record",
	.kind = ACTION_NATIVE,
	.execute = insert_record,
	.check = check_insert,
};
