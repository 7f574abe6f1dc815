/*
 * find_record.c
 *	  Action find_record: looks one row up by equalities.
 *
 * Runs in a worker, inside a step's sandbox, as the step's role.
 */
#include "postgres.h"
#include "compat.h"

#include "action/record.h"
#include "action/record_check.h"
#include "base/json_object.h"
#include "base/json_value.h"
#include "executor/spi.h"
#include "utils/builtins.h"

/* 'r."a", r."b"', or 'r.*' if parameter columns is absent. */
static char *
selected_columns(const Call *call, const RecordTable *table)
{
	Jsonb	   *columns = param_json(call, "columns");
	StringInfoData list;
	JsonbIterator *it;
	JsonbValue	v;
	JsonbIteratorToken token;

	if (columns == NULL)
		return pstrdup("r.*");
	initStringInfo(&list);
	it = JsonbIteratorInit(&columns->root);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		char	   *name;

		if (token != WJB_ELEM)
			continue;
		if (v.type != jbvString)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("parameter \"columns\" must be an array of column names")));
		name = pnstrdup(v.val.string.val, v.val.string.len);
		record_column(table, name);
		appendStringInfo(&list, "%sr.%s", list.len ? ", " : "",
						 quote_identifier(name));
	}
	return list.len > 0 ? list.data : pstrdup("r.*");
}

static bool
is_null_member(Jsonb *object, const char *key)
{
	JsonbValue	value;

	return getKeyJsonValueFromContainer(&object->root, key, strlen(key),
										&value) == NULL ||
		value.type == jbvNull;
}

static char *
find_statement(const Call *call, const RecordTable *table, List *where_columns,
			   Jsonb *where, RecordParams *params)
{
	StringInfoData sql;
	const char *separator = " WHERE ";
	ListCell   *lc;

	initStringInfo(&sql);
	appendStringInfo(&sql,
					 "SELECT pg_catalog.to_jsonb(x.*) FROM (SELECT %s FROM %s AS r, ",
					 selected_columns(call, table), table->qualified);
	record_values(&sql, table, params, where, "v", where_columns);
	foreach(lc, where_columns)
	{
		appendStringInfoString(&sql, separator);
		if (is_null_member(where, lfirst(lc)))
			appendStringInfo(&sql, "r.%s IS NULL",
							 quote_identifier(lfirst(lc)));
		else
			record_equals(&sql, table, lfirst(lc), "v");
		separator = " AND ";
	}
	separator = " ORDER BY ";
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
	List	   *columns = record_keys(call, "where");
	Jsonb	   *where = param_json(call, "where");
	RecordParams params = {0};
	char	   *sql = find_statement(call, &table, columns, where, &params);
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

/* The columns of the result: those of a literal list, or all. */
static void
check_columns(RecordCheck *check)
{
	const StepCheck *step = check->step;
	const Template *columns = template_member(step->params, "columns");
	const char *path = problem_path_member(step->path, "columns");
	const Template *const *elements = NULL;
	int			n = 0;

	if (columns != NULL && template_shape(columns) != TEMPLATE_ARRAY)
		return;					/* a template decides */
	if (columns != NULL)
		elements = template_elements(columns, &n);
	if (n == 0)
		record_check_read_all(check);
	for (int i = 0; i < n; i++)
	{
		if (template_shape(elements[i]) == TEMPLATE_CONSTANT &&
			template_constant(elements[i])->type == jbvString)
			record_check_read(check, problem_path_element(path, i),
							  json_cstring(template_constant(elements[i])));
	}
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
	check_columns(&check);
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
