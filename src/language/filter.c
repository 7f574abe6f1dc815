/*
 * filter.c
 *	  The filters of templates: functions that change a value before it is put
 *	  into the text.
 *
 * A filter is a row in the table below: its name, the arguments it takes, and
 * a function from value to value.  An argument is a literal, which is checked
 * when the definition is compiled (filter_check.c), or a path, whose value is
 * checked when the filter is applied.
 *
 * A filter that needs a text takes a scalar as the text that interpolation
 * would print, so "upper" works on a number; it refuses containers.  One that
 * needs a number takes numbers only, so that "5" and "5 kg" are never taken
 * for 5 or 0.  Two rules hold for all filters and are not in the functions.  A
 * missing value stays missing until "default".  Null stays null, except that
 * "default" replaces it and "json" prints it.
 *
 * Pure, but for what filter_format.c says of "date" and "number".
 */
#include "postgres.h"
#include "compat.h"

#include "base/problems.h"
#include "language/filter_node.h"

/* Is value neither missing, nor null, nor ""? */
static bool
is_given(const JsonbValue *value)
{
	return value != NULL && value->type != jbvNull &&
		!(value->type == jbvString && value->val.string.len == 0);
}

/*
 * Replaces a missing value, null and "": a form in which a field was left
 * empty sends "".  0, false, [] and {} are kept.
 */
static JsonbValue *
filter_default(const FilterCall *call, JsonbValue *value)
{
	if (is_given(value))
		return value;
	return unconstify(JsonbValue *, &call->args[0]);
}

#define NONE 0, 0, {0}
#define LIST "trigger.lines | "

static const FilterDef filters[] = {
	{"default", "trigger.nick | default: \"friend\"",
	1, 1, {ARGUMENT_ANY}, false, filter_default},
	{"upper", "trigger.name | upper", NONE, false, filter_upper},
	{"lower", "trigger.name | lower", NONE, false, filter_lower},
	{"trim", "trigger.name | trim", NONE, false, filter_trim},
	{"length", LIST "length", NONE, true, filter_length},
	{"join", "trigger.tags | join: \", \"",
	0, 1, {ARGUMENT_ANY_TEXT}, true, filter_join},
	{"first", LIST "first", NONE, true, filter_first},
	{"last", LIST "last", NONE, true, filter_last},
	{"json", LIST "json", NONE, false, filter_json},
	{"urlencode", "trigger.name | urlencode", NONE, false, filter_urlencode},
	{"number", "trigger.total | number: \"FM999,990.00\"",
	1, 1, {ARGUMENT_TEXT}, true, filter_number},
	{"date", "trigger.at | date: \"YYYY-MM-DD\", \"Asia/Beirut\"",
	1, 2, {ARGUMENT_TEXT, ARGUMENT_TEXT}, false, filter_date},
	{"plus", "trigger.total | plus: trigger.shipping",
	1, 1, {ARGUMENT_NUMBER}, true, filter_plus},
	{"minus", "trigger.total | minus: trigger.paid",
	1, 1, {ARGUMENT_NUMBER}, true, filter_minus},
	{"times", "trigger.price | times: trigger.quantity",
	1, 1, {ARGUMENT_NUMBER}, true, filter_times},
	{"divided_by", "trigger.total | divided_by: 12",
	1, 1, {ARGUMENT_NUMBER}, true, filter_divided_by},
	{"round", "trigger.total | round: 2",
	0, 1, {ARGUMENT_WHOLE}, true, filter_round},
	{"abs", "trigger.change | abs", NONE, true, filter_abs},
	{"map", LIST "map: \"sku\"", 1, 1, {ARGUMENT_TEXT}, true, filter_map},
	{"where", LIST "where: \"status\", \"paid\"",
	1, 2, {ARGUMENT_TEXT, ARGUMENT_ANY}, true, filter_where},
	{"sum", LIST "sum: \"price\"",
	0, 1, {ARGUMENT_TEXT}, true, filter_sum},
	{"min", LIST "min: \"price\"",
	0, 1, {ARGUMENT_TEXT}, true, filter_min},
	{"max", LIST "max: \"price\"",
	0, 1, {ARGUMENT_TEXT}, true, filter_max},
	{"avg", LIST "avg: \"price\"",
	0, 1, {ARGUMENT_TEXT}, true, filter_avg},
	{"sort", LIST "sort: \"price\"",
	0, 1, {ARGUMENT_TEXT}, true, filter_sort},
	{"uniq", LIST "uniq: \"sku\"",
	0, 1, {ARGUMENT_TEXT}, true, filter_uniq},
	{"slice", LIST "slice: 0, 10",
	1, 2, {ARGUMENT_WHOLE, ARGUMENT_COUNT}, true, filter_slice},
	{"split", "trigger.tags | split: \",\"",
	1, 1, {ARGUMENT_TEXT}, true, filter_split},
	{"replace", "trigger.phone | replace: \" \", \"\"",
	2, 2, {ARGUMENT_TEXT, ARGUMENT_ANY_TEXT}, false, filter_replace},
	{"truncate", "trigger.note | truncate: 40",
	1, 2, {ARGUMENT_COUNT, ARGUMENT_ANY_TEXT}, false, filter_truncate},
	{"to_number", "trigger.quantity | to_number",
	NONE, true, filter_to_number},
};

/* The hint of known_words_hint() for more words than it lists, palloc'd. */
static char *
all_names(void)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfoString(&buf, "Known are");
	for (int i = 0; i < lengthof(filters); i++)
		appendStringInfo(&buf, "%s \"%s\"", i > 0 ? "," : "",
						 filters[i].name);
	appendStringInfoChar(&buf, '.');
	return buf.data;
}

const FilterDef *
filter_find(const char *name, char **hint)
{
	const char *names[lengthof(filters)];

	*hint = NULL;
	for (int i = 0; i < lengthof(filters); i++)
	{
		if (strcmp(filters[i].name, name) == 0)
			return &filters[i];
		names[i] = filters[i].name;
	}
	*hint = filter_foreign_hint(name);
	if (*hint == NULL)
		*hint = nearest_word_hint(name, names, lengthof(filters));
	if (*hint == NULL)
		*hint = all_names();
	return NULL;
}

const char *
filter_name(const Filter *filter)
{
	return filter->def->name;
}

char *
filter_usage(const Filter *filter)
{
	return psprintf("Write it as in {{ %s }}.", filter->def->example);
}

bool
filter_allows_missing(const Filter *filter)
{
	return filter->def->apply == filter_default;
}

bool
filter_keeps(const Filter *filter, const JsonbValue *value)
{
	return filter_allows_missing(filter) && is_given(value);
}

/* Of "default": [] says that the value is a list. */
bool
filter_needs_whole(const Filter *filter)
{
	return filter->def->needs_whole ||
		(filter_allows_missing(filter) && filter->paths[0] == NULL &&
		 filter->args[0].type == jbvBinary);
}

bool
filter_encodes_url(const Filter *filter)
{
	return filter->def->apply == filter_urlencode;
}

JsonbValue *
filter_apply(const Filter *filter, const JsonbValue *args, JsonbValue *value)
{
	FilterCall	call = {filter, args};
	FilterFunction apply = filter->def->apply;

	if (value == NULL && apply != filter_default)
		return NULL;
	if (value != NULL && value->type == jbvNull &&
		apply != filter_default && apply != filter_json)
		return value;
	if (filter->has_paths)
		filter_check_paths(&call);
	/* no filter returns what it was called with */
	/* cppcheck-suppress returnDanglingLifetime */
	return apply(&call, value);
}
