/*
 * query_check.c
 *	  Compares a step of action query with the catalog.
 *
 * Runs in the backend that writes or validates a definition, never in a
 * worker.  What no change of the catalog can make right is an error (a word
 * that is no operator); what the catalog lacks is a warning, as for the other
 * actions on records.  Owns nothing beyond a call.
 */
#include "postgres.h"
#include "compat.h"

#include "action/record_check.h"
#include "actions/query.h"
#include "base/json_value.h"
#include "language/condition.h"
#include "miscadmin.h"
#include "utils/builtins.h"

/* record is NULL if the table is not known, or there is none. */
typedef struct QueryCheck
{
	const StepCheck *step;
	RecordCheck *record;
} QueryCheck;

/* A literal string, palloc'd, or NULL. */
static char *
literal_text(const Template *t)
{
	if (t == NULL || template_shape(t) != TEMPLATE_CONSTANT ||
		template_constant(t)->type != jbvString)
		return NULL;
	return json_cstring(template_constant(t));
}

/* Sets *value to [] or {}. */
static void
set_empty(JsonbValue *value, JsonbIteratorToken begin, JsonbIteratorToken end)
{
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, begin, NULL);
	json_of_jsonb(JsonbValueToJsonb(pushJsonbValue(&state, end, NULL)), value);
}

/*
 * What a template will certainly be; false: that is not known.  Of texts,
 * arrays and objects only the type is what it will be.
 */
static bool
certain_value(const Template *t, JsonbValue *value)
{
	switch (template_shape(t))
	{
		case TEMPLATE_CONSTANT:
			*value = *template_constant(t);
			return true;
		case TEMPLATE_TEXT:
			json_set_string(value, "", 0);
			return true;
		case TEMPLATE_ARRAY:
			set_empty(value, WJB_BEGIN_ARRAY, WJB_END_ARRAY);
			return true;
		case TEMPLATE_OBJECT:
			set_empty(value, WJB_BEGIN_OBJECT, WJB_END_OBJECT);
			return true;
		default:
			return false;
	}
}

/*--- where ---*/

/* What to write for a word that is no operator. */
static char *
test_hint(const char *word)
{
	const char *meant = condition_op_of_word(word);
	RecordTest	test;

	return meant != NULL && record_find_test(meant, &test)
		? psprintf("Write \"%s\".", meant)
		: known_words_hint(word, record_test_words, RECORD_TESTS);
}

/* One member of an object of operators. */
static void
check_test(const QueryCheck *check, const char *path, const char *column,
		   const char *word, const Template *value)
{
	Problems   *problems = check->step->problems;
	RecordTest	test;
	JsonbValue	certain;
	const char *takes;

	if (!record_find_test(word, &test))
	{
		problem_error(problems, path, "unknown_op",
					  test_hint(word),
					  "unknown op \"%s\"", word);
		return;
	}
	takes = certain_value(value, &certain)
		? record_test_refuses(test, &certain) : NULL;
	if (takes != NULL)
		problem_error(problems, path, "op_value", NULL,
					  "\"%s\" takes %s, not %s", word, takes,
					  json_a_type(&certain));
	else if (check->record != NULL)
		record_check_test(check->record, path, column, test, value);
}

static void
check_tests(const QueryCheck *check, const char *path, const char *column,
			const Template *object)
{
	int			n;
	const char **words = template_keys(object, &n);

	if (n == 0)
		problem_error(check->step->problems, path, "no_operator",
					  "Write it as in {\"gte\": 100}.",
					  "there is no operator for column \"%s\"", column);
	for (int i = 0; i < n; i++)
		check_test(check, problem_path_member(path, words[i]), column,
				   words[i], template_member(object, words[i]));
}

static void
check_where(const QueryCheck *check)
{
	const Template *where = template_member(check->step->params, "where");
	const char *path = problem_path_member(check->step->path, "where");
	const char **columns;
	int			n;

	if (where == NULL || template_shape(where) != TEMPLATE_OBJECT)
		return;
	columns = template_keys(where, &n);
	for (int i = 0; i < n; i++)
	{
		const char *member = problem_path_member(path, columns[i]);
		const Template *value = template_member(where, columns[i]);

		CHECK_FOR_INTERRUPTS();
		if (template_shape(value) == TEMPLATE_OBJECT)
			check_tests(check, member, columns[i], value);
		else if (check->record != NULL)
			record_check_compared(check->record, member, columns[i], value);
	}
}

/*--- limit ---*/

static void
check_limit(const QueryCheck *check)
{
	const Template *limit = template_member(check->step->params, "limit");
	const char *path = problem_path_member(check->step->path, "limit");
	double		number;

	if (limit == NULL || template_shape(limit) != TEMPLATE_CONSTANT ||
		template_constant(limit)->type != jbvNumeric)
		return;
	number = strtod(json_text(template_constant(limit)), NULL);
	if (number < 1 || number > QUERY_MAX_LIMIT)
		problem_error(check->step->problems, path, "number_range", NULL,
					  "%s must be from %g to %g", "limit", 1.0,
					  (double) QUERY_MAX_LIMIT);
	else if (number != (int) number)
		problem_error(check->step->problems, path, "whole_number", NULL,
					  "%s must be a whole number", "limit");
}

/*--- aggregates ---*/

/* {"sum": "total"} */
static void
check_function(const QueryCheck *check, const char *path,
			   const Template *object)
{
	int			n;
	const char **words = template_keys(object, &n);
	const Template *argument = n == 1 ? template_member(object, words[0])
		: NULL;
	char	   *column = literal_text(argument);
	JsonbValue	certain;

	if (n == 1 && !query_is_function(words[0]))
		problem_error(check->step->problems, path, "unknown_aggregate",
					  known_words_hint(words[0], query_functions,
									   QUERY_FUNCTIONS),
					  "unknown function \"%s\"", words[0]);
	else if (n != 1 || (column == NULL && certain_value(argument, &certain) &&
						certain.type != jbvString))
		problem_error(check->step->problems, path, "bad_aggregate",
					  "Write it as in {\"sum\": \"total\"}.",
					  "an aggregate is \"count\", or an object of one function and its column");
	else if (column != NULL && check->record != NULL)
	{
		path = problem_path_member(path, words[0]);
		if (strcmp(words[0], "count_distinct") == 0)
			record_check_compared(check->record, path, column, NULL);
		else
			record_check_aggregated(check->record, path, column, words[0]);
	}
}

static void
check_aggregate(const QueryCheck *check, const Template *aggregate)
{
	const char *path = problem_path_member(check->step->path, "aggregate");
	int			n;
	const char **names;
	JsonbValue	certain;

	if (template_shape(aggregate) != TEMPLATE_OBJECT)
		return;
	names = template_keys(aggregate, &n);
	for (int i = 0; i < n; i++)
	{
		const char *member = problem_path_member(path, names[i]);
		const Template *value = template_member(aggregate, names[i]);
		char	   *word = literal_text(value);

		if (template_shape(value) == TEMPLATE_OBJECT)
			check_function(check, member, value);
		else if (certain_value(value, &certain) &&
				 template_shape(value) != TEMPLATE_TEXT &&
				 (word == NULL || strcmp(word, "count") != 0))
			problem_error(check->step->problems, member, "bad_aggregate",
						  "Write it as in {\"sum\": \"total\"}.",
						  "an aggregate is \"count\", or an object of one function and its column");
	}
	if (check->record != NULL)
		record_check_read_any(check->record);
}

/*--- order_by, group_by ---*/

/*
 * The names that the results have, of n; NULL if a template decides on one.
 */
static const char **
result_names(const StepCheck *step, int *n)
{
	const Template *groups = template_member(step->params, "group_by");
	const Template *aggregate = template_member(step->params, "aggregate");
	const Template *const *elements = NULL;
	const char **words;
	const char **names;
	int			ngroups = 0;

	if (template_shape(aggregate) != TEMPLATE_OBJECT ||
		(groups != NULL && template_shape(groups) != TEMPLATE_ARRAY))
		return NULL;
	if (groups != NULL)
		elements = template_elements(groups, &ngroups);
	words = template_keys(aggregate, n);
	names = palloc(sizeof(char *) * (*n + ngroups + 1));
	memcpy(names, words, sizeof(char *) * *n);
	for (int i = 0; i < ngroups; i++)
	{
		names[*n] = literal_text(elements[i]);
		if (names[(*n)++] == NULL)
			return NULL;
	}
	return names;
}

static void
check_result_name(const StepCheck *step, const char *path, const char *name)
{
	int			n;
	const char **names = result_names(step, &n);

	for (int i = 0; names != NULL && i < n; i++)
	{
		if (strcmp(names[i], name) == 0)
			return;
	}
	if (names != NULL)
		problem_error(step->problems, path, "unknown_result",
					  known_words_hint(name, names, n),
					  "neither group_by nor aggregate has \"%s\"", name);
}

/* The default order is that of the primary key, which is then read as well. */
static void
check_order(const QueryCheck *check, bool aggregates)
{
	const StepCheck *step = check->step;
	const Template *order = template_member(step->params, "order_by");
	const char *path = problem_path_member(step->path, "order_by");
	const Template *const *elements = NULL;
	ListCell   *lc;
	int			n = 0;

	if (order != NULL && template_shape(order) != TEMPLATE_ARRAY)
		return;
	if (order != NULL)
		elements = template_elements(order, &n);
	for (int i = 0; i < n; i++)
	{
		char	   *text = literal_text(elements[i]);
		const char *at = problem_path_element(path, i);
		const char *name;

		if (text == NULL)
			continue;
		(void) query_sort_key(text, &name);
		if (aggregates)
			check_result_name(step, at, name);
		else if (check->record != NULL)
			record_check_sorted(check->record, at, name);
	}
	if (n > 0 || aggregates || check->record == NULL)
		return;
	foreach(lc, record_primary_key(&check->record->table))
		record_check_read(check->record, check->record->table_path,
						  lfirst(lc));
}

static void
check_groups(const QueryCheck *check)
{
	const Template *groups = template_member(check->step->params, "group_by");
	const char *path = problem_path_member(check->step->path, "group_by");
	const Template *const *elements;
	int			n;

	if (check->record == NULL || groups == NULL ||
		template_shape(groups) != TEMPLATE_ARRAY)
		return;
	elements = template_elements(groups, &n);
	for (int i = 0; i < n; i++)
	{
		char	   *column = literal_text(elements[i]);

		if (column != NULL)
			record_check_compared(check->record,
								  problem_path_element(path, i), column,
								  NULL);
	}
}

/*--- all ---*/

/* Is it there, and not the literal null? */
static bool
is_given(const Template *t)
{
	return t != NULL && (template_shape(t) != TEMPLATE_CONSTANT ||
						 template_constant(t)->type != jbvNull);
}

static void
check_parts(const QueryCheck *check)
{
	const StepCheck *step = check->step;
	const Template *aggregate = template_member(step->params, "aggregate");
	bool		aggregates = is_given(aggregate);

	check_where(check);
	check_limit(check);
	if (aggregates)
	{
		if (is_given(template_member(step->params, "columns")))
			problem_error(step->problems,
						  problem_path_member(step->path, "columns"),
						  "excluding_keys",
						  "Columns beside aggregates belong in \"group_by\".",
						  "columns and aggregate exclude each other");
		check_aggregate(check, aggregate);
		check_groups(check);
	}
	else if (check->record != NULL)
		record_check_columns(check->record);
	check_order(check, aggregates);
}

void
query_check(const StepCheck *step)
{
	RecordCheck record;
	QueryCheck	check = {step, NULL};

	if (!record_check_begin(&record, step, ACL_SELECT))
	{
		check_parts(&check);
		return;
	}
	check.record = &record;
	check_parts(&check);
	record_check_end(&record);
}
