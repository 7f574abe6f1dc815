/*
 * update_record.c
 *	  Action update_record: sets columns of one row.
 *
 * Runs in a worker, inside a step's sandbox, as the step's role.
 */
#include "postgres.h"
#include "compat.h"

#include "action/record.h"
#include "action/record_check.h"
#include "base/json_object.h"
#include "executor/spi.h"
#include "utils/builtins.h"

/* The column that id is compared with. */
static char *
id_column(const Call *call, const RecordTable *table)
{
	char	   *column = param_text(call, "id_column");

	if (column == NULL)
		column = record_key_column(table);
	if (column == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("table \"%s\" has no single-column primary key",
						table->name),
				 errhint("Name a column with parameter \"id_column\".")));
	return column;
}

static char *
update_statement(const RecordTable *table, List *columns, Jsonb *fields,
				 char *key, Jsonb *id, RecordParams *params)
{
	StringInfoData sql;
	const char *separator = " SET ";
	ListCell   *lc;

	initStringInfo(&sql);
	appendStringInfo(&sql, "UPDATE %s AS r", table->qualified);
	foreach(lc, columns)
	{
		const char *column = quote_identifier(lfirst(lc));

		appendStringInfo(&sql, "%s%s = v.%s", separator, column, column);
		separator = ", ";
	}
	appendStringInfoString(&sql, " FROM ");
	record_values(&sql, table, params, fields, "v", columns,
				  RECORD_STORED);
	appendStringInfoString(&sql, ", ");
	record_values(&sql, table, params, id, "k", list_make1(key),
				  RECORD_COMPARED);
	appendStringInfoString(&sql, " WHERE ");
	record_equals(&sql, table, key, "k");
	return sql.data;
}

/*
 * Raises P0002 if no row has that id (or row security hides it), 21000 if
 * several rows have it, and what PostgreSQL raises for the statement.
 */
static Jsonb *
update_record(Call *call)
{
	RecordTable table = record_table(call);
	List	   *columns = record_keys(call, "fields");
	char	   *key = id_column(call, &table);
	char	   *id = param_text_required(call, "id");
	ObjectBuilder b;
	RecordParams params = {0};
	char	   *sql;
	uint64		updated;

	object_begin(&b);
	object_text(&b, key, id);
	sql = update_statement(&table, columns, param_json(call, "fields"), key,
						   object_end(&b), &params);

	SPI_connect();
	record_execute(sql, &params);
	updated = SPI_processed;
	SPI_finish();

	if (updated == 0)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("table \"%s\" has no row with %s = %s", table.name,
						quote_identifier(key), quote_literal_cstr(id))));
	if (updated > 1)
		ereport(ERROR,
				(errcode(ERRCODE_CARDINALITY_VIOLATION),
				 errmsg("table \"%s\" has " UINT64_FORMAT " rows with %s = %s",
						table.name, updated, quote_identifier(key),
						quote_literal_cstr(id))));
	object_begin(&b);
	object_number(&b, "updated", 1);
	return object_end(&b);
}

/* The column that id is compared with, unless a template names it. */
static void
check_id_column(RecordCheck *check)
{
	const StepCheck *step = check->step;
	const Template *id = template_member(step->params, "id");
	char	   *column = step_check_text(step, "id_column");

	if (column != NULL)
		record_check_compared(check,
							  problem_path_member(step->path, "id_column"),
							  column, id);
	else if (template_member(step->params, "id_column") == NULL)
	{
		column = record_key_column(&check->table);
		if (column != NULL)
			record_check_compared(check,
								  problem_path_member(step->path, "id"),
								  column, id);
		else
			problem_warning(step->problems, check->table_path,
							"no_primary_key",
							"Name a column with parameter \"id_column\".",
							"table \"%s\" has no single-column primary key",
							check->table.name);
	}
}

static void
check_update(const StepCheck *step)
{
	RecordCheck check;

	if (!record_check_begin(&check, step, ACL_UPDATE))
		return;
	check_id_column(&check);
	record_check_object(&check, "fields", ACL_UPDATE);
	record_check_end(&check);
}

const Action update_record_action = {
	.name = "update_record",
	.kind = ACTION_NATIVE,
	.execute = update_record,
	.check = check_update,
};
