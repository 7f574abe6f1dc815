/*
 * record_change.c
 *	  What insert_record and update_record do to a row: before and after.
 *
 * Runs in the process of a preview, inside a step's sandbox, as the step's
 * role, before and after the action itself.  Reads the row without locking it.
 * Owns nothing.
 */
#include "postgres.h"
#include "compat.h"

#include "access/table.h"
#include "action/record_change.h"
#include "base/json_object.h"
#include "base/json_value.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "store/step_result.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/rel.h"

/*--- reading the row ---*/

static bool
may_read(Oid relid, AttrNumber column)
{
	return pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK ||
		pg_attribute_aclcheck(relid, column, GetUserId(),
							  ACL_SELECT) == ACLCHECK_OK;
}

/* 'r."a", r."b"': the columns that the role may read; "" if there is none. */
static char *
readable_columns(const RecordTable *table)
{
	Relation	rel = table_open(table->relid, AccessShareLock);
	TupleDesc	desc = RelationGetDescr(rel);
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(desc, i);

		if (!column->attisdropped && may_read(table->relid, column->attnum))
			appendStringInfo(&list, "%sr.%s", list.len > 0 ? ", " : "",
							 quote_identifier(NameStr(column->attname)));
	}
	table_close(rel, AccessShareLock);
	return list.data;
}

/* The row as it is now, or NULL if the role does not see it. */
static Jsonb *
read_row(const RecordChange *change)
{
	MemoryContext caller = CurrentMemoryContext;
	const RecordTable *table = &change->table;
	RecordParams params = {0};
	StringInfoData sql;
	Jsonb	   *row;

	if (change->key == NULL || change->id == NULL ||
		!may_read(table->relid, record_column(table, change->key)))
		return NULL;
	initStringInfo(&sql);
	appendStringInfo(&sql,
					 "SELECT pg_catalog.to_jsonb(x.*) FROM (SELECT %s FROM %s AS r, ",
					 readable_columns(table), table->qualified);
	record_values(&sql, table, &params, change->id, "k",
				  list_make1(change->key), RECORD_COMPARED);
	appendStringInfoString(&sql, " WHERE ");
	record_equals(&sql, table, change->key, "k");
	appendStringInfoString(&sql, " LIMIT 1) x");

	SPI_connect();
	record_execute(sql.data, &params);
	row = record_result(caller);
	SPI_finish();
	return row;
}

/*--- before ---*/

static Jsonb *
make_id(const char *key, JsonbValue *value)
{
	ObjectBuilder b;

	object_begin(&b);
	object_value(&b, key, value);
	return object_end(&b);
}

bool
record_change_begin(RecordChange *change, const Call *call)
{
	JsonbValue	id;
	char	   *text;

	change->is_update = strcmp(call->action, "update_record") == 0;
	if (!change->is_update && strcmp(call->action, "insert_record") != 0)
		return false;
	change->table = record_table(call);
	if (change->is_update)
		change->key = param_text(call, "id_column");
	if (change->key == NULL)
		change->key = record_key_column(&change->table);
	if (!change->is_update || change->key == NULL)
		return true;
	text = param_text_required(call, "id");

	json_set_string(&id, text, strlen(text));
	change->id = make_id(change->key, &id);
	change->before = read_row(change);
	return true;
}

/*--- after ---*/

/* The member, or NULL; object may be NULL. */
static JsonbValue *
member(Jsonb *object, const char *key)
{
	JsonbValue	value;

	if (object == NULL)
		return NULL;
	json_of_jsonb(object, &value);
	return json_member(&value, key);
}

/* Has the step set the column, or something else changed it? */
static bool
is_touched(const char *column, Jsonb *fields, Jsonb *before, Jsonb *after)
{
	JsonbValue *old = member(before, column);
	JsonbValue *new = member(after, column);

	return before == NULL || after == NULL || member(fields, column) != NULL ||
		old == NULL || new == NULL || !json_equal(old, new);
}

/* Of row, which may be NULL, the columns that were touched. */
static Jsonb *
touched(Jsonb *row, Jsonb *fields, Jsonb *before, Jsonb *after)
{
	ObjectBuilder b;
	JsonbValue	object;
	JsonMember *columns;
	int			n;

	if (row == NULL)
		return NULL;
	json_of_jsonb(row, &object);
	columns = json_members(&object, &n);
	object_begin(&b);
	for (int i = 0; i < n; i++)
		if (is_touched(columns[i].key, fields, before, after))
			object_value(&b, columns[i].key, &columns[i].value);
	return object_end(&b);
}

/* The key as the row has it, if it can be read. */
static Jsonb *
shown_key(const RecordChange *change, Jsonb *after)
{
	JsonbValue *value = change->key == NULL ? NULL
		: member(after != NULL ? after : change->before, change->key);

	return value != NULL ? make_id(change->key, value) : change->id;
}

Jsonb *
record_change_end(const RecordChange *change, const Call *call,
				  Jsonb *output)
{
	RecordChange now = *change;
	Jsonb	   *fields = param_json(call, "fields");
	Jsonb	   *after;
	ObjectBuilder b;

	if (!change->is_update && change->key != NULL)
	{
		JsonbValue *id = member(output, "id");

		if (id != NULL)
			now.id = make_id(change->key, id);
	}
	after = read_row(&now);
	if (after == NULL && !change->is_update)
		after = fields;			/* all that this role may know */
	object_begin(&b);
	object_text(&b, "table", change->table.qualified);
	object_json(&b, "key", shown_key(&now, after));
	object_json(&b, "before",
				step_result_cap(touched(change->before, fields,
										change->before, after)));
	object_json(&b, "after",
				step_result_cap(touched(after, fields, change->before,
										after)));
	return object_end(&b);
}
