/*
 * query_statement.c
 *	  The statement of action query.
 *
 * Runs in a worker, inside a step's sandbox, as the step's role.  Names of
 * columns come from the catalog; the names that "aggregate" gives to its
 * results are values like others, and no part of the SQL.
 *
 * Which column is compared, and how, is the author's alone: an object is
 * operators only if it stands in the definition.  If a value that came with
 * the event happens to be an object, {"ne": null} as an order's number, it is
 * compared with the column, and fails there.
 *
 * Owns nothing.
 */
#include "postgres.h"
#include "compat.h"

#include "actions/query.h"
#include "base/json_value.h"
#include "base/problems.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

const char *const query_functions[QUERY_FUNCTIONS] = {
	"count", "count_distinct", "sum", "avg", "min", "max"
};

bool
query_is_function(const char *word)
{
	for (int i = 0; i < QUERY_FUNCTIONS; i++)
	{
		if (strcmp(query_functions[i], word) == 0)
			return true;
	}
	return false;
}

bool
query_sort_key(const char *text, const char **name)
{
	*name = text[0] == '-' || text[0] == '+' ? text + 1 : text;
	return text[0] == '-';
}

/*--- where ---*/

static RecordCondition *
make_condition(char *column, RecordTest test, const JsonbValue *value)
{
	RecordCondition *condition = palloc(sizeof(RecordCondition));

	condition->column = column;
	condition->test = test;
	condition->value = *value;
	return condition;
}

/* A member of an object of operators. */
static RecordCondition *
make_test(char *column, const JsonMember *member)
{
	RecordTest	test;

	if (!record_find_test(member->key, &test))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown operator \"%s\" of column \"%s\"",
						member->key, column),
				 errhint("%s", known_words_hint(member->key, record_test_words,
												RECORD_TESTS))));
	return make_condition(column, test, &member->value);
}

static List *
add_tests(List *conditions, const JsonMember *column)
{
	int			n;
	JsonMember *members = json_members(&column->value, &n);

	if (n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is no operator for column \"%s\"",
						column->key)));
	for (int i = 0; i < n; i++)
		conditions = lappend(conditions, make_test(column->key, &members[i]));
	return conditions;
}

/* Are these operators, written as such by the author? */
static bool
is_tests(const Template *where, const JsonMember *member)
{
	const Template *value = template_member(where, member->key);

	return value != NULL && template_shape(value) == TEMPLATE_OBJECT &&
		json_is_object(&member->value);
}

static List *
read_conditions(const Call *call)
{
	const Template *where = template_member(call->template, "where");
	Jsonb	   *json = param_json(call, "where");
	List	   *conditions = NIL;
	JsonbValue	object;
	JsonMember *members;
	int			n;

	if (json == NULL)
		return NIL;
	json_of_jsonb(json, &object);
	if (!json_is_object(&object))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"%s\" must be an object, not %s", "where",
						json_a_type(&object))));
	members = json_members(&object, &n);
	for (int i = 0; i < n; i++)
	{
		if (is_tests(where, &members[i]))
			conditions = add_tests(conditions, &members[i]);
		else
			conditions = lappend(conditions,
								 make_condition(members[i].key,
												RECORD_TEST_EQ,
												&members[i].value));
	}
	return conditions;
}

/*--- what is common to both forms ---*/

/* One more of what order_by names; the number of a result column, or a name */
static void
add_sort_key(StringInfo sql, const char *key, bool descending, int n)
{
	appendStringInfo(sql, "%s%s%s", n == 0 ? " ORDER BY " : ", ", key,
					 descending ? " DESC" : "");
}

static void
add_limit(StringInfo sql, RecordParams *params, int limit)
{
	record_add_param(params, INT8OID, Int64GetDatum(limit), false);
	appendStringInfo(sql, " LIMIT $%d) x", params->n);
}

/*--- rows ---*/

static char *
column_text(const RecordTable *table, const char *column)
{
	(void) record_column(table, column);
	return psprintf("r.%s", quote_identifier(column));
}

/* By the columns of order_by; else by the primary key, if there is one. */
static void
order_rows(StringInfo sql, const RecordTable *table, List *order_by)
{
	ListCell   *lc;

	foreach(lc, order_by)
	{
		const char *name;
		bool		descending = query_sort_key(lfirst(lc), &name);

		add_sort_key(sql, column_text(table, name), descending,
					 foreach_current_index(lc));
	}
	if (order_by != NIL)
		return;
	foreach(lc, record_primary_key(table))
		add_sort_key(sql, column_text(table, lfirst(lc)), false,
					 foreach_current_index(lc));
}

static char *
rows_statement(const Call *call, const RecordTable *table, int limit,
			   RecordParams *params)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT pg_catalog.to_jsonb(x.*) FROM (SELECT %s",
					 record_columns(table, record_names(call, "columns")));
	record_from(&sql, table, params, read_conditions(call));
	order_rows(&sql, table, record_names(call, "order_by"));
	add_limit(&sql, params, limit);
	return sql.data;
}

/*--- aggregates ---*/

/* The columns of the result: those of group_by, then the aggregates. */
typedef struct Results
{
	int			n;
	int			ngroups;
	const char *names[QUERY_MAX_GROUPS + QUERY_MAX_AGGREGATES];
	char	   *expressions[QUERY_MAX_GROUPS + QUERY_MAX_AGGREGATES];
	bool		sortable[QUERY_MAX_GROUPS + QUERY_MAX_AGGREGATES];
} Results;

static int
find_result(const Results *results, const char *name)
{
	for (int i = 0; i < results->n; i++)
	{
		if (strcmp(results->names[i], name) == 0)
			return i;
	}
	return -1;
}

static void
check_number(int n, int max, const char *param)
{
	if (n > max)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("parameter \"%s\" has %d members, and at most %d are taken",
						param, n, max)));
}

static void
add_groups(Results *results, const RecordTable *table, List *names)
{
	ListCell   *lc;

	check_number(list_length(names), QUERY_MAX_GROUPS, "group_by");
	foreach(lc, names)
	{
		const char *name = lfirst(lc);
		char	   *text = column_text(table, name);
		Oid			type = get_atttype(table->relid,
									   record_column(table, name));

		if (find_result(results, name) >= 0)
			continue;
		results->names[results->n] = name;
		results->expressions[results->n] = text;
		results->sortable[results->n++] = record_has_operator(type,
															  RECORD_LESS);
	}
	results->ngroups = results->n;
}

static void
refuse_aggregate(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("aggregate \"%s\" must be \"count\", or an object of one function and its column",
					name),
			 errhint("Write it as in {\"%s\": {\"sum\": \"total\"}}.", name)));
}

/* 'pg_catalog.sum(r."total")' for {"sum": "total"} */
static char *
function_text(const RecordTable *table, const char *name,
			  const JsonbValue *value)
{
	JsonMember *member;
	int			n;
	char	   *column;

	if (value->type == jbvString && strcmp(json_cstring(value), "count") == 0)
		return "pg_catalog.count(*)";
	if (!json_is_object(value))
		refuse_aggregate(name);
	member = json_members(value, &n);
	if (n != 1 || member->value.type != jbvString)
		refuse_aggregate(name);
	if (!query_is_function(member->key))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown function \"%s\" of aggregate \"%s\"",
						member->key, name),
				 errhint("%s", known_words_hint(member->key, query_functions,
												QUERY_FUNCTIONS))));
	column = column_text(table, json_cstring(&member->value));
	if (strcmp(member->key, "count_distinct") == 0)
		return psprintf("pg_catalog.count(DISTINCT %s)", column);
	/* one of query_functions: a name of ours */
	return psprintf("pg_catalog.%s(%s)", member->key, column);
}

static void
add_aggregates(Results *results, const RecordTable *table, Jsonb *aggregate)
{
	JsonbValue	object;
	JsonMember *members;
	int			n;

	json_of_jsonb(aggregate, &object);
	if (!json_is_object(&object) || json_count(&object) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"aggregate\" must be an object that names at least one result")));
	members = json_members(&object, &n);
	check_number(n, QUERY_MAX_AGGREGATES, "aggregate");
	for (int i = 0; i < n; i++)
	{
		if (find_result(results, members[i].key) >= 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"%s\" is in \"group_by\" and in \"aggregate\"",
							members[i].key)));
		results->names[results->n] = members[i].key;
		results->expressions[results->n++] =
			function_text(table, members[i].key, &members[i].value);
	}
}

/* 'jsonb_build_object($1, x.c1, ...)'; the names are parameters. */
static void
add_results(StringInfo sql, const Results *results, RecordParams *params)
{
	appendStringInfoString(sql, "SELECT pg_catalog.jsonb_build_object(");
	for (int i = 0; i < results->n; i++)
	{
		record_add_param(params, TEXTOID,
						 CStringGetTextDatum(results->names[i]), false);
		appendStringInfo(sql, "%s$%d, x.c%d", i > 0 ? ", " : "", params->n,
						 i + 1);
	}
	appendStringInfoString(sql, ") FROM (SELECT ");
	for (int i = 0; i < results->n; i++)
		appendStringInfo(sql, "%s%s AS c%d", i > 0 ? ", " : "",
						 results->expressions[i], i + 1);
}

static void
group_results(StringInfo sql, const Results *results)
{
	for (int i = 0; i < results->ngroups; i++)
		appendStringInfo(sql, "%s%d", i == 0 ? " GROUP BY " : ", ", i + 1);
}

/* By the results that order_by names; else by those of group_by. */
static void
order_results(StringInfo sql, const Results *results, List *order_by)
{
	ListCell   *lc;
	int			n = 0;

	foreach(lc, order_by)
	{
		const char *name;
		bool		descending = query_sort_key(lfirst(lc), &name);
		int			i = find_result(results, name);

		if (i < 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("neither \"group_by\" nor \"aggregate\" has \"%s\"",
							name)));
		add_sort_key(sql, psprintf("%d", i + 1), descending, n++);
	}
	for (int i = 0; i < results->ngroups && order_by == NIL; i++)
	{
		if (results->sortable[i])
			add_sort_key(sql, psprintf("%d", i + 1), false, n++);
	}
}

static char *
aggregate_statement(const Call *call, const RecordTable *table, int limit,
					RecordParams *params)
{
	Results    *results = palloc0(sizeof(Results));
	StringInfoData sql;

	add_groups(results, table, record_names(call, "group_by"));
	add_aggregates(results, table, param_json(call, "aggregate"));
	initStringInfo(&sql);
	add_results(&sql, results, params);
	record_from(&sql, table, params, read_conditions(call));
	group_results(&sql, results);
	order_results(&sql, results, record_names(call, "order_by"));
	add_limit(&sql, params, limit);
	return sql.data;
}

char *
query_statement(const Call *call, const RecordTable *table, int limit,
				RecordParams *params)
{
	bool		aggregates = param_json(call, "aggregate") != NULL;

	if (!aggregates && param_json(call, "group_by") != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"group_by\" needs \"aggregate\" too")));
	if (aggregates && param_json(call, "columns") != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameters \"columns\" and \"aggregate\" exclude each other"),
				 errhint("Columns beside aggregates belong in \"group_by\".")));
	return aggregates ? aggregate_statement(call, table, limit, params)
		: rows_statement(call, table, limit, params);
}
