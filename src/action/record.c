/*
 * record.c
 *	  What the actions on records share: a table, its columns, statements.
 *	  record_select.c has the columns and the conditions of those that read.
 *
 * Runs in a worker, inside a step's sandbox, as the step's role: names are
 * found, and privileges checked, as for that role at a psql prompt.
 *
 * No value becomes SQL text.  Values go in as parameters of the columns' own
 * types, scalars by the type's input function, the rest by jsonb_to_record,
 * so that PostgreSQL's input conversions and nothing else decide what is a
 * number, a timestamp, an array or a member of a domain.  Names come from the
 * catalog and are quoted; operators and functions are named with their
 * schema, so that nothing planted on the search_path takes part.
 *
 * Owns nothing: plans are kept in statement_cache.c.
 */
#include "postgres.h"
#include "compat.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "action/record.h"
#include "action/statement_cache.h"
#include "base/json_value.h"
#include "catalog/namespace.h"
#include "catalog/pg_index.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "nodes/makefuncs.h"
#include "nodes/params.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"
#include "utils/varlena.h"

/*--- names ---*/

RangeVar *
record_range_var(const char *name)
{
	return makeRangeVarFromNameList(compat_qualified_name_list(name));
}

RecordTable
record_table_of(const char *name, Oid relid)
{
	RecordTable table;
	char	   *schema = get_namespace_name(get_rel_namespace(relid));

	table.relid = relid;
	table.name = pstrdup(name);
	table.qualified = quote_qualified_identifier(schema, get_rel_name(relid));
	return table;
}

RecordTable
record_table(const Call *call)
{
	char	   *name = param_text_required(call, "table");

	/* the lock keeps it from going away until the step is done */
	return record_table_of(name, RangeVarGetRelid(record_range_var(name),
												  AccessShareLock, false));
}

AttrNumber
record_find_column(const RecordTable *table, const char *column)
{
	AttrNumber	number = get_attnum(table->relid, column);

	return number > 0 ? number : InvalidAttrNumber;
}

AttrNumber
record_column(const RecordTable *table, const char *column)
{
	AttrNumber	number = record_find_column(table, column);

	if (number == InvalidAttrNumber)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of relation \"%s\" does not exist",
						column, get_rel_name(table->relid))));
	return number;
}

/* Appends the columns of an index to names, if it is the primary key. */
static List *
append_key_columns(List *names, const RecordTable *table, Oid index)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	Form_pg_index form;

	if (!HeapTupleIsValid(tuple))
		return names;
	form = (Form_pg_index) GETSTRUCT(tuple);
	if (form->indisprimary)
		for (int i = 0; i < form->indnkeyatts; i++)
			names = lappend(names, get_attname(table->relid,
											   form->indkey.values[i], false));
	ReleaseSysCache(tuple);
	return names;
}

List *
record_primary_key(const RecordTable *table)
{
	Relation	rel = table_open(table->relid, AccessShareLock);
	List	   *indexes = RelationGetIndexList(rel);
	List	   *names = NIL;
	ListCell   *lc;

	foreach(lc, indexes)
		names = append_key_columns(names, table, lfirst_oid(lc));
	table_close(rel, AccessShareLock);
	return names;
}

char *
record_key_column(const RecordTable *table)
{
	List	   *names = record_primary_key(table);

	return list_length(names) == 1 ? linitial(names) : NULL;
}

List *
record_keys(const Call *call, const char *param)
{
	Jsonb	   *object = param_json(call, param);
	List	   *keys = NIL;
	JsonbIterator *it;
	JsonbValue	v;
	JsonbIteratorToken token;

	if (object == NULL || !JB_ROOT_IS_OBJECT(object) ||
		JB_ROOT_COUNT(object) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"%s\" must be an object that names at least one column",
						param)));
	it = JsonbIteratorInit(&object->root);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			keys = lappend(keys, pnstrdup(v.val.string.val, v.val.string.len));
	}
	return keys;
}

List *
record_names(const Call *call, const char *param)
{
	Jsonb	   *array = param_json(call, param);
	List	   *names = NIL;
	JsonbIterator *it;
	JsonbValue	v;
	JsonbIteratorToken token;

	if (array == NULL)
		return NIL;
	it = JsonbIteratorInit(&array->root);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		if (!JB_ROOT_IS_ARRAY(array) || JB_ROOT_IS_SCALAR(array) ||
			(token == WJB_ELEM && v.type != jbvString))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("parameter \"%s\" must be an array of column names",
							param)));
		if (token == WJB_ELEM)
			names = lappend(names, json_cstring(&v));
	}
	return names;
}

/*--- pieces of statements ---*/

#define PARAMS_AT_FIRST 8

static void
make_room(RecordParams *params)
{
	int			room = params->room * 2;

	if (params->n < params->room)
		return;
	if (params->room == 0)
	{
		room = PARAMS_AT_FIRST;
		params->types = palloc(1);
		params->values = palloc(1);
		params->nulls = palloc(1);
	}
	params->room = room;
	params->types = repalloc(params->types, room * sizeof(Oid));
	params->values = repalloc(params->values, room * sizeof(Datum));
	params->nulls = repalloc(params->nulls, room);
}

void
record_add_param(RecordParams *params, Oid type, Datum value, bool isnull)
{
	make_room(params);
	params->types[params->n] = type;
	params->values[params->n] = value;
	params->nulls[params->n++] = isnull ? 'n' : ' ';
}

Oid
record_type(const RecordTable *table, const char *column, RecordUse use,
			int32 *typmod)
{
	Oid			type;
	Oid			base;
	Oid			collation;
	int32		modifier;

	get_atttypetypmodcoll(table->relid, record_column(table, column), &type,
						  typmod, &collation);
	if (use == RECORD_STORED)
		return type;
	/* 5.004 is not 5.00, which numeric(10,2) would make of it */
	modifier = *typmod;
	base = getBaseTypeAndTypmod(type, &modifier);
	*typmod = -1;
	return modifier >= 0 ? base : type;
}

char *
record_type_text(const RecordTable *table, const char *column, RecordUse use)
{
	int32		typmod;
	Oid			type = record_type(table, column, use, &typmod);

	return format_type_extended(type, typmod, FORMAT_TYPE_TYPEMOD_GIVEN |
								FORMAT_TYPE_FORCE_QUALIFY);
}

/*
 * Appends a call of jsonb_to_record, which can convert every JSON value to
 * every type.
 */
static void
add_record(StringInfo sql, const RecordTable *table, RecordParams *params,
		   Jsonb *values, const char *alias, List *columns, RecordUse use)
{
	const char *separator = "";
	ListCell   *lc;

	record_add_param(params, JSONBOID, JsonbPGetDatum(values), false);
	appendStringInfo(sql, "pg_catalog.jsonb_to_record($%d) AS %s(", params->n,
					 alias);
	foreach(lc, columns)
	{
		appendStringInfo(sql, "%s%s %s", separator,
						 quote_identifier(lfirst(lc)),
						 record_type_text(table, lfirst(lc), use));
		separator = ", ";
	}
	appendStringInfoChar(sql, ')');
}

/* The value as text for a type's input function; false: it is no scalar. */
static bool
scalar_text(const JsonbValue *value, char **text)
{
	*text = NULL;
	if (value == NULL || value->type == jbvNull)
		return true;
	if (value->type == jbvBinary)
		return false;
	*text = json_text(value);
	return true;
}

/* Base types are created by superusers alone. */
bool
record_is_plain_type(Oid type)
{
	char		kind = get_typtype(type);

	return (kind == TYPTYPE_BASE || kind == TYPTYPE_ENUM) &&
		type != JSONOID && type != JSONBOID &&
		!OidIsValid(get_element_type(type));
}

bool
record_convert(const RecordTable *table, const char *column,
			   const JsonbValue *value, RecordUse use, RecordValue *result)
{
	int32		typmod;
	Oid			input;
	Oid			ioparam;
	char	   *text;

	result->type = record_type(table, column, use, &typmod);
	if (!record_is_plain_type(result->type) || !scalar_text(value, &text))
		return false;
	getTypeInputInfo(result->type, &input, &ioparam);
	result->isnull = text == NULL;
	result->datum = OidInputFunctionCall(input, text, ioparam, typmod);
	return true;
}

/*
 * Appends a SELECT of one parameter for each column.  False if a value is no
 * scalar or a type is not plain; sql and params may have been changed then.
 */
static bool
add_scalars(StringInfo sql, const RecordTable *table, RecordParams *params,
			Jsonb *values, const char *alias, List *columns, RecordUse use)
{
	const char *separator = "(SELECT ";
	ListCell   *lc;

	foreach(lc, columns)
	{
		char	   *column = lfirst(lc);
		JsonbValue *value = getKeyJsonValueFromContainer(&values->root, column,
														 strlen(column), NULL);
		RecordValue converted;

		if (!record_convert(table, column, value, use, &converted))
			return false;
		record_add_param(params, converted.type, converted.datum,
						 converted.isnull);
		appendStringInfo(sql, "%s$%d AS %s", separator, params->n,
						 quote_identifier(column));
		separator = ", ";
	}
	appendStringInfo(sql, ") AS %s", alias);
	return true;
}

/*
 * jsonb_to_record takes several times as long as the rest of the statement, so
 * it is used only if a value or a type needs it.
 */
void
record_values(StringInfo sql, const RecordTable *table, RecordParams *params,
			  Jsonb *values, const char *alias, List *columns, RecordUse use)
{
	int			length = sql->len;
	int			n = params->n;

	if (add_scalars(sql, table, params, values, alias, columns, use))
		return;
	sql->len = length;
	sql->data[length] = '\0';
	params->n = n;
	add_record(sql, table, params, values, alias, columns, use);
}

/*
 * What follows an operand of the operator, so that no other one is meant: in
 * a schema in which others may create operators, there could be one for the
 * column's own type (a domain), which PostgreSQL would prefer.
 */
static const char *
operand_cast(Form_pg_operator operator)
{
	if (operator->oprnamespace == PG_CATALOG_NAMESPACE ||
		IsPolymorphicType(operator->oprleft))
		return "";
	return psprintf("::%s", format_type_be_qualified(operator->oprleft));
}

static Oid
operator_of_type(Oid type, RecordOperator operator)
{
	TypeCacheEntry *entry = lookup_type_cache(type, TYPECACHE_EQ_OPR |
											  TYPECACHE_LT_OPR |
											  TYPECACHE_GT_OPR);

	return operator == RECORD_EQUAL ? entry->eq_opr
		: operator == RECORD_LESS ? entry->lt_opr : entry->gt_opr;
}

bool
record_has_operator(Oid type, RecordOperator operator)
{
	return OidIsValid(operator_of_type(type, operator));
}

char *
record_comparison(const RecordTable *table, const char *column,
				  RecordOperator operator, const char **cast)
{
	Oid			type = get_atttype(table->relid, record_column(table, column));
	Oid			oid = operator_of_type(type, operator);
	HeapTuple	tuple;
	Form_pg_operator form;
	char	   *text;

	if (!OidIsValid(oid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("could not identify an %s operator for type %s",
						operator == RECORD_EQUAL ? "equality" : "ordering",
						format_type_be(type))));
	tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(oid));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for operator %u", oid);
	form = (Form_pg_operator) GETSTRUCT(tuple);
	*cast = operand_cast(form);
	text = psprintf("r.%s%s OPERATOR(%s.%s)", quote_identifier(column), *cast,
					quote_identifier(get_namespace_name(form->oprnamespace)),
					NameStr(form->oprname));
	ReleaseSysCache(tuple);
	return text;
}

void
record_equals(StringInfo sql, const RecordTable *table, const char *column,
			  const char *alias)
{
	const char *cast;
	char	   *text = record_comparison(table, column, RECORD_EQUAL, &cast);

	appendStringInfo(sql, "%s %s.%s%s", text, alias, quote_identifier(column),
					 cast);
}

/*--- execution ---*/

int
record_execute(const char *sql, const RecordParams *params)
{
	Statement	statement = {.sql = sql,.nparams = params->n,
	.types = params->types};
	int			result = SPI_execute_plan(statement_plan(&statement),
										  params->values, params->nulls,
										  false, 0);

	if (result < 0)
		elog(ERROR, "SPI_execute_plan failed: %s",
			 SPI_result_code_string(result));
	return result;
}

/* The parameters as the executor wants them. */
static ParamListInfo
param_list(const RecordParams *params)
{
	ParamListInfo list = makeParamList(params->n);

	for (int i = 0; i < params->n; i++)
	{
		list->params[i].value = params->values[i];
		list->params[i].isnull = params->nulls[i] == 'n';
		list->params[i].pflags = PARAM_FLAG_CONST;
		list->params[i].ptype = params->types[i];
	}
	return list;
}

void
record_execute_into(const char *sql, const RecordParams *params,
					DestReceiver *receiver)
{
	Statement	statement = {.sql = sql,.nparams = params->n,
	.types = params->types};
	SPIExecuteOptions options = {.params = param_list(params),
	.dest = receiver};
	int			result = SPI_execute_plan_extended(statement_plan(&statement),
												   &options);

	if (result < 0)
		elog(ERROR, "SPI_execute_plan_extended failed: %s",
			 SPI_result_code_string(result));
}

Jsonb *
record_result(MemoryContext context)
{
	MemoryContext old;
	Datum		datum;
	bool		isnull;
	Jsonb	   *json;

	if (SPI_processed == 0 || SPI_tuptable == NULL)
		return NULL;
	datum = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1,
						  &isnull);
	if (isnull)
		return NULL;
	old = MemoryContextSwitchTo(context);
	json = DatumGetJsonbPCopy(datum);
	MemoryContextSwitchTo(old);
	return json;
}
