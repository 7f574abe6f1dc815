/*
 * record_check_columns.c
 *	  Checks the columns that a record action names, and the literals for them.
 *
 * Between record_check_begin() and record_check_end(), which record_check.c
 * has: the table is locked, and the step's role is the current user.  Owns
 * nothing.
 */
#include "postgres.h"
#include "compat.h"

#include "access/htup_details.h"
#include "action/record_check.h"
#include "action/record_check_internal.h"
#include "base/json_value.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "config/output_settings.h"
#include "miscadmin.h"
#include "nodes/value.h"
#include "parser/parse_func.h"
#include "parser/parse_oper.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/*--- the columns of the table ---*/

/* How many columns it has, dropped ones too. */
static int
count_columns(const RecordTable *table)
{
	HeapTuple	tuple = SearchSysCache1(RELOID,
										ObjectIdGetDatum(table->relid));
	int			n;

	if (!HeapTupleIsValid(tuple))
		return 0;
	n = ((Form_pg_class) GETSTRUCT(tuple))->relnatts;
	ReleaseSysCache(tuple);
	return n;
}

/* "Did you mean ...?" with a column of the table, or NULL. */
static char *
column_hint(const RecordTable *table, const char *column)
{
	int			n = count_columns(table);
	const char **names = palloc(sizeof(char *) * Max(n, 1));
	int			nnames = 0;

	for (int i = 1; i <= n; i++)
	{
		char	   *name = get_attname(table->relid, i, true);

		/* a dropped column has a name that no column can be given */
		if (name != NULL && record_find_column(table, name) == i)
			names[nnames++] = name;
	}
	return nearest_word_hint(column, names, nnames);
}

/* The number of the column; InvalidAttrNumber after adding a problem. */
static AttrNumber
find_column(RecordCheck *check, const char *path, const char *column)
{
	AttrNumber	number = record_find_column(&check->table, column);

	if (number == InvalidAttrNumber)
		problem_warning(check->step->problems, path, "unknown_column",
						column_hint(&check->table, column),
						"column \"%s\" of relation \"%s\" does not exist",
						column, check->table.name);
	return number;
}

/* Does PostgreSQL compute the column, so that no statement can set it? */
static bool
is_generated(const RecordTable *table, AttrNumber number)
{
	HeapTuple	tuple = SearchSysCache2(ATTNUM,
										ObjectIdGetDatum(table->relid),
										Int16GetDatum(number));
	Form_pg_attribute att;
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return false;
	att = (Form_pg_attribute) GETSTRUCT(tuple);
	result = att->attgenerated != '\0' ||
		att->attidentity == ATTRIBUTE_IDENTITY_ALWAYS;
	ReleaseSysCache(tuple);
	return result;
}

typedef struct LiteralInput
{
	Oid			type;
	int32		typmod;
	char	   *text;
} LiteralInput;

/* Input functions of base types and enums hold nothing but memory. */
static void
convert_literal(void *arg)
{
	LiteralInput *literal = arg;
	Oid			input;
	Oid			ioparam;

	getTypeInputInfo(literal->type, &input, &ioparam);
	(void) OidInputFunctionCall(input, literal->text, ioparam,
								literal->typmod);
}

/*
 * Does the column's type take a literal?  A domain's own constraints are not
 * looked at, since they are code of its owner.
 */
static void
check_literal(RecordCheck *check, const char *path, const char *column,
			  AttrNumber number, const Template *value, RecordUse use)
{
	LiteralInput literal;
	Oid			type;
	Oid			collation;
	char	   *message;
	int			level;

	if (value == NULL || template_shape(value) != TEMPLATE_CONSTANT ||
		template_constant(value)->type == jbvNull)
		return;
	get_atttypetypmodcoll(check->table.relid, number, &type, &literal.typmod,
						  &collation);
	literal.type = getBaseTypeAndTypmod(type, &literal.typmod);
	if (!record_is_plain_type(literal.type))
		return;
	if (use == RECORD_COMPARED)
		literal.typmod = -1;
	literal.text = json_text(template_constant(value));
	level = output_settings_enter(OUTPUT_UNKNOWN_TYPE);
	message = problem_catch(convert_literal, &literal);
	output_settings_leave(level);
	if (message != NULL)
		problem_warning(check->step->problems, path, "bad_constant", NULL,
						"column \"%s\" does not take this value: %s", column,
						message);
}

/* A key of an object parameter, and its value. */
static void
check_member(RecordCheck *check, const char *path, const char *column,
			 const Template *value, AclMode mode)
{
	AttrNumber	number = find_column(check, path, column);

	if (number == InvalidAttrNumber)
		return;
	record_check_privilege(check, number, column, mode);
	if (is_generated(&check->table, number))
		problem_warning(check->step->problems, path, "generated_column", NULL,
						"column \"%s\" of relation \"%s\" is generated",
						column, check->table.name);
	else
		check_literal(check, path, column, number, value, RECORD_STORED);
}

void
record_check_object(RecordCheck *check, const char *param, AclMode mode)
{
	const Template *object = template_member(check->step->params, param);
	const char *path = problem_path_member(check->step->path, param);
	const char **keys;
	int			n;

	if (object == NULL || template_shape(object) != TEMPLATE_OBJECT)
	{
		(void) record_check_any(check, mode);
		return;
	}
	keys = template_keys(object, &n);
	for (int i = 0; i < n; i++)
	{
		const char *member = problem_path_member(path, keys[i]);
		const Template *value = template_member(object, keys[i]);

		CHECK_FOR_INTERRUPTS();
		if (mode == ACL_SELECT)
			record_check_compared(check, member, keys[i], value);
		else
			check_member(check, member, keys[i], value, mode);
	}
}

void
record_check_read(RecordCheck *check, const char *path, const char *column)
{
	AttrNumber	number = find_column(check, path, column);

	if (number != InvalidAttrNumber)
		record_check_privilege(check, number, column, ACL_SELECT);
}

/* Columns that are compared with null are asked for IS NULL. */
static bool
is_null(const Template *value)
{
	return value != NULL && template_shape(value) == TEMPLATE_CONSTANT &&
		template_constant(value)->type == jbvNull;
}

/* Can PostgreSQL compare, or sort by, the column? */
static void
check_operator(RecordCheck *check, const char *path, const char *column,
			   AttrNumber number, RecordOperator operator)
{
	Oid			type = get_atttype(check->table.relid, number);

	if (!record_has_operator(type, operator))
		problem_warning(check->step->problems, path, "no_equality", NULL,
						"column \"%s\" cannot be compared: type %s has no "
						"%s operator", column, format_type_be(type),
						operator == RECORD_EQUAL ? "equality" : "ordering");
}

/* "like" compares with a text. */
static void
check_like(RecordCheck *check, const char *path, const char *column,
		   AttrNumber number)
{
	Oid			type = get_atttype(check->table.relid, number);
	List	   *name = lappend(list_make1(makeString("pg_catalog")),
								 makeString("~~"));

	if (!OidIsValid(compatible_oper_opid(name, type, TEXTOID, true)))
		problem_warning(check->step->problems, path, "no_equality", NULL,
						"column \"%s\" cannot be compared: type %s has no "
						"%s operator", column, format_type_be(type), "LIKE");
}

void
record_check_test(RecordCheck *check, const char *path, const char *column,
				  RecordTest test, const Template *value)
{
	AttrNumber	number = find_column(check, path, column);
	const Template *const *elements;
	int			n;

	if (number == InvalidAttrNumber)
		return;
	record_check_privilege(check, number, column, ACL_SELECT);
	if (is_null(value))
		return;
	if (test == RECORD_TEST_LIKE)
	{
		check_like(check, path, column, number);
		return;
	}
	check_operator(check, path, column, number, record_test_operator(test));
	if (test != RECORD_TEST_IN && test != RECORD_TEST_NOT_IN)
		check_literal(check, path, column, number, value, RECORD_COMPARED);
	else if (value != NULL && template_shape(value) == TEMPLATE_ARRAY)
	{
		elements = template_elements(value, &n);
		for (int i = 0; i < n; i++)
			check_literal(check, problem_path_element(path, i), column,
						  number, elements[i], RECORD_COMPARED);
	}
}

void
record_check_compared(RecordCheck *check, const char *path,
					  const char *column, const Template *value)
{
	record_check_test(check, path, column, RECORD_TEST_EQ, value);
}

void
record_check_sorted(RecordCheck *check, const char *path, const char *column)
{
	AttrNumber	number = find_column(check, path, column);

	if (number == InvalidAttrNumber)
		return;
	record_check_privilege(check, number, column, ACL_SELECT);
	check_operator(check, path, column, number, RECORD_LESS);
}

/* Is there an aggregate function of PostgreSQL's for the type? */
static bool
has_aggregate(const char *function, Oid type)
{
	List	   *name = lappend(list_make1(makeString("pg_catalog")),
								 makeString(pstrdup(function)));
	Oid			found;
	Oid			result;
	bool		is_set;
	int			nvariadic;
	Oid			variadic;
	Oid		   *types;
	List	   *defaults;

	return func_get_detail(name, NIL, NIL, 1, &type, false, false, false,
						   &found, &result, &is_set, &nvariadic, &variadic,
						   &types, &defaults) == FUNCDETAIL_AGGREGATE;
}

void
record_check_aggregated(RecordCheck *check, const char *path,
						const char *column, const char *function)
{
	AttrNumber	number = find_column(check, path, column);
	Oid			type;

	if (number == InvalidAttrNumber)
		return;
	record_check_privilege(check, number, column, ACL_SELECT);
	type = get_atttype(check->table.relid, number);
	if (!has_aggregate(function, type))
		problem_warning(check->step->problems, path, "no_aggregate", NULL,
						"there is no function %s(%s) for column \"%s\"",
						function, format_type_be(type), column);
}

void
record_check_read_all(RecordCheck *check)
{
	int			n = count_columns(&check->table);

	if (!record_check_any(check, ACL_SELECT))
		return;
	for (int i = 1; i <= n; i++)
	{
		char	   *name = get_attname(check->table.relid, i, true);

		if (name != NULL && record_find_column(&check->table, name) == i)
			record_check_privilege(check, i, name, ACL_SELECT);
	}
}

void
record_check_columns(RecordCheck *check)
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
