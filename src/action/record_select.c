/*
 * record_select.c
 *	  What the actions that read records share: columns, and conditions.
 *
 * Runs in a worker, inside a step's sandbox, as the step's role.  Like
 * record.c, it makes no SQL text of a value: each is a parameter of the
 * column's own type, and lists are one parameter, so that a statement does not
 * depend on how long they are.
 *
 * Only an operator, its opposite and IS NULL are used: "gte" is what is not
 * less.  So a test means the same for every type, whatever its operators are
 * called, and the planner knows which operator is another's negation.
 *
 * Owns nothing.
 */
#include "postgres.h"
#include "compat.h"

#include "action/record_select.h"
#include "base/json_object.h"
#include "base/json_value.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

const char *const record_test_words[RECORD_TESTS] = {
	"eq", "ne", "gt", "gte", "lt", "lte", "in", "not_in", "like"
};

bool
record_find_test(const char *word, RecordTest *test)
{
	for (int i = 0; i < RECORD_TESTS; i++)
	{
		if (strcmp(record_test_words[i], word) == 0)
		{
			*test = i;
			return true;
		}
	}
	return false;
}

RecordOperator
record_test_operator(RecordTest test)
{
	switch (test)
	{
		case RECORD_TEST_GT:
		case RECORD_TEST_LTE:
			return RECORD_GREATER;
		case RECORD_TEST_LT:
		case RECORD_TEST_GTE:
			return RECORD_LESS;
		default:
			return RECORD_EQUAL;
	}
}

static bool
is_negation(RecordTest test)
{
	return test == RECORD_TEST_NE || test == RECORD_TEST_GTE ||
		test == RECORD_TEST_LTE || test == RECORD_TEST_NOT_IN;
}

const char *
record_test_refuses(RecordTest test, const JsonbValue *value)
{
	switch (test)
	{
		case RECORD_TEST_EQ:
		case RECORD_TEST_NE:
			return NULL;
		case RECORD_TEST_IN:
		case RECORD_TEST_NOT_IN:
			return json_is_array(value) ? NULL : "an array";
		case RECORD_TEST_LIKE:
			return value->type == jbvString ? NULL : "a string";
		default:
			return value->type != jbvNull ? NULL : "a value";
	}
}

List *
record_equalities(const JsonbValue *object)
{
	List	   *conditions = NIL;
	int			n;
	JsonMember *members = json_members(object, &n);

	for (int i = 0; i < n; i++)
	{
		RecordCondition *condition = palloc(sizeof(RecordCondition));

		condition->column = members[i].key;
		condition->test = RECORD_TEST_EQ;
		condition->value = members[i].value;
		conditions = lappend(conditions, condition);
	}
	return conditions;
}

char *
record_columns(const RecordTable *table, List *names)
{
	StringInfoData list;
	ListCell   *lc;

	initStringInfo(&list);
	foreach(lc, names)
	{
		(void) record_column(table, lfirst(lc));
		appendStringInfo(&list, "%sr.%s", list.len ? ", " : "",
						 quote_identifier(lfirst(lc)));
	}
	return names != NIL ? list.data : pstrdup("r.*");
}

/*--- conditions ---*/

typedef struct Where
{
	const RecordTable *table;
	RecordParams *params;
	StringInfoData tests;		/* "... AND ..." */

	/* values that jsonb_to_record converts: v(c1 type, ...) */
	ObjectBuilder values;
	StringInfoData types;
	int			nvalues;
} Where;

/* '$3' or 'v.c1': the value of one condition, of the column's type. */
static char *
operand(Where *where, RecordCondition *condition)
{
	const char *separator = where->nvalues > 0 ? ", " : "";
	RecordValue value;
	char	   *name;

	if (record_convert(where->table, condition->column, &condition->value,
					   RECORD_COMPARED, &value))
	{
		record_add_param(where->params, value.type, value.datum, value.isnull);
		return psprintf("$%d", where->params->n);
	}
	name = psprintf("c%d", ++where->nvalues);
	object_value(&where->values, name, &condition->value);
	appendStringInfo(&where->types, "%s%s %s", separator, name,
					 record_type_text(where->table, condition->column,
									  RECORD_COMPARED));
	return psprintf("v.%s", name);
}

/*
 * '($3::s.t[])': the elements as an array of the column's type; NULL if only
 * SQL can convert one.
 */
static char *
plain_list(Where *where, const char *column, const JsonMember *elements,
		   int n, const char *cast)
{
	Datum	   *datums = palloc(sizeof(Datum) * Max(n, 1));
	int32		typmod;
	Oid			type = record_type(where->table, column, RECORD_COMPARED,
								   &typmod);
	Oid			array_type = get_array_type(type);
	int16		len;
	bool		by_value;
	char		align;

	if (!OidIsValid(array_type) || !record_is_plain_type(type))
		return NULL;
	for (int i = 0; i < n; i++)
	{
		RecordValue value;

		CHECK_FOR_INTERRUPTS();
		if (!record_convert(where->table, column, &elements[i].value,
							RECORD_COMPARED, &value))
			return NULL;
		datums[i] = value.datum;
	}
	get_typlenbyvalalign(type, &len, &by_value, &align);
	record_add_param(where->params, array_type,
					 PointerGetDatum(construct_array(datums, n, type, len,
													 by_value, align)), false);
	return psprintf("($%d%s%s)", where->params->n, cast,
					cast[0] != '\0' ? "[]" : "");
}

/* '(SELECT e.x FROM jsonb_to_recordset($3) AS e(x type))' */
static char *
converted_list(Where *where, const char *column, JsonMember *elements,
			   int n, const char *cast)
{
	JsonbParseState *state = NULL;
	JsonbValue *array;
	JsonbValue	key;

	json_set_string(&key, "x", 1);
	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
		pushJsonbValue(&state, WJB_KEY, &key);
		pushJsonbValue(&state, WJB_VALUE, &elements[i].value);
		pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	}
	array = pushJsonbValue(&state, WJB_END_ARRAY, NULL);
	record_add_param(where->params, JSONBOID,
					 JsonbPGetDatum(JsonbValueToJsonb(array)), false);
	return psprintf("(SELECT e.x%s FROM pg_catalog.jsonb_to_recordset($%d) AS e(x %s))",
					cast, where->params->n,
					record_type_text(where->table, column, RECORD_COMPARED));
}

/* Moves the elements that are null out of the list; were there any? */
static bool
remove_nulls(JsonMember *elements, int *n)
{
	int			kept = 0;

	for (int i = 0; i < *n; i++)
	{
		if (elements[i].value.type != jbvNull)
			elements[kept++] = elements[i];
	}
	if (kept == *n)
		return false;
	*n = kept;
	return true;
}

/* In SQL a null in the list would make the answer unknown for every row. */
static char *
test_of_list(Where *where, RecordCondition *condition)
{
	const char *column = quote_identifier(condition->column);
	bool		negated = is_negation(condition->test);
	int			n;
	JsonMember *elements = json_members(&condition->value, &n);
	bool		has_null;
	const char *cast;
	char	   *left;
	char	   *list;

	if (n > RECORD_MAX_IN)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("\"%s\" of column \"%s\" has %d values, and at most %d are taken",
						record_test_words[condition->test], condition->column,
						n, RECORD_MAX_IN)));
	has_null = remove_nulls(elements, &n);
	left = record_comparison(where->table, condition->column, RECORD_EQUAL,
							 &cast);
	list = plain_list(where, condition->column, elements, n, cast);
	if (list == NULL)
		list = converted_list(where, condition->column, elements, n, cast);
	left = psprintf("%s(%s ANY %s)", negated ? "NOT " : "", left, list);
	if (!has_null)
		return left;
	return negated ? psprintf("(%s AND r.%s IS NOT NULL)", left, column)
		: psprintf("(%s OR r.%s IS NULL)", left, column);
}

static char *
test_of_pattern(Where *where, const RecordCondition *condition)
{
	char	   *pattern = json_cstring(&condition->value);

	(void) record_column(where->table, condition->column);
	record_add_param(where->params, TEXTOID, CStringGetTextDatum(pattern),
					 false);
	return psprintf("r.%s OPERATOR(pg_catalog.~~) $%d",
					quote_identifier(condition->column), where->params->n);
}

static char *
test_of_value(Where *where, RecordCondition *condition)
{
	const char *cast;
	char	   *left;

	if (condition->value.type == jbvNull)
	{
		(void) record_column(where->table, condition->column);
		return psprintf("r.%s IS %sNULL",
						quote_identifier(condition->column),
						is_negation(condition->test) ? "NOT " : "");
	}
	left = record_comparison(where->table, condition->column,
							 record_test_operator(condition->test), &cast);
	return psprintf("%s(%s %s%s)", is_negation(condition->test) ? "NOT " : "",
					left, operand(where, condition), cast);
}

static char *
test_of(Where *where, RecordCondition *condition)
{
	const char *word = record_test_words[condition->test];
	const char *takes = record_test_refuses(condition->test,
											&condition->value);

	if (takes != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" of column \"%s\" takes %s, not %s", word,
						condition->column, takes,
						json_a_type(&condition->value))));
	switch (condition->test)
	{
		case RECORD_TEST_IN:
		case RECORD_TEST_NOT_IN:
			return test_of_list(where, condition);
		case RECORD_TEST_LIKE:
			return test_of_pattern(where, condition);
		default:
			return test_of_value(where, condition);
	}
}

void
record_from(StringInfo sql, const RecordTable *table, RecordParams *params,
			List *conditions)
{
	Where		where = {.table = table,.params = params};
	Jsonb	   *values;
	ListCell   *lc;

	initStringInfo(&where.tests);
	initStringInfo(&where.types);
	object_begin(&where.values);
	foreach(lc, conditions)
		appendStringInfo(&where.tests, "%s%s",
						 where.tests.len > 0 ? " AND " : " WHERE ",
						 test_of(&where, lfirst(lc)));
	values = object_end(&where.values);

	appendStringInfo(sql, " FROM %s AS r", table->qualified);
	if (where.nvalues > 0)
	{
		record_add_param(params, JSONBOID, JsonbPGetDatum(values), false);
		appendStringInfo(sql, ", pg_catalog.jsonb_to_record($%d) AS v(%s)",
						 params->n, where.types.data);
	}
	appendStringInfoString(sql, where.tests.data);
}
