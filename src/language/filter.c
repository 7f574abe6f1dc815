/*
 * filter.c
 *	  The filters of templates: functions that change a value before it is put
 *	  into the text.
 *
 * A filter is a row in the table below: its name, the arguments it takes, and
 * a function from value to value.  Arguments are literals and are checked when
 * the definition is compiled.
 *
 * A filter that needs a text takes a scalar as the text that interpolation
 * would print, so "upper" works on a number; it refuses containers.  Two rules
 * hold for all filters and are not in the functions.  A missing value stays
 * missing until "default".  Null stays null, except that "default" replaces it
 * and "json" prints it.
 *
 * Pure, but for what filter_format.c says of "date" and "number".
 */
#include "postgres.h"
#include "compat.h"

#include "base/escape.h"
#include "base/json_value.h"
#include "base/problems.h"
#include "catalog/pg_collation_d.h"
#include "catalog/pg_type_d.h"
#include "language/filter.h"
#include "language/filter_format.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/formatting.h"
#include "utils/numeric.h"

typedef JsonbValue *(*FilterFunction) (const Filter *filter,
									   JsonbValue *value, const char *path);

struct FilterDef
{
	const char *name;
	int			min_args;
	int			max_args;
	bool		text_args;		/* arguments must be text, and not empty */
	FilterFunction apply;
};

/*
 * Raises 22023: the filter cannot take the value.  A macro, so that the
 * compiler sees that it does not return.
 */
#define refuse(filter, value, path) \
	ereport(ERROR, \
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE), \
			 errmsg("filter \"%s\" cannot take %s: %s is %s", \
					(filter)->def->name, json_a_type(value), path, \
					json_a_type(value))))

static JsonbValue *
string_value(const char *text, int len)
{
	JsonbValue *result = palloc(sizeof(JsonbValue));

	json_set_string(result, text, len);
	return result;
}

/* A scalar as palloc'd text.  Raises 22023 for a container. */
static char *
scalar_text(const Filter *filter, const JsonbValue *value, const char *path)
{
	if (value->type == jbvBinary)
		refuse(filter, value, path);
	return json_text(value);
}

static JsonbValue *
text_result(const text *t)
{
	return string_value(VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t));
}

/*
 * Replaces a missing value, null and "": a form in which a field was left
 * empty sends "".  0, false, [] and {} are kept.
 */
static JsonbValue *
apply_default(const Filter *filter, JsonbValue *value, const char *path)
{
	if (value != NULL && value->type != jbvNull &&
		!(value->type == jbvString && value->val.string.len == 0))
		return value;
	return unconstify(JsonbValue *, &filter->args[0]);
}

static JsonbValue *
apply_upper(const Filter *filter, JsonbValue *value, const char *path)
{
	char	   *text = scalar_text(filter, value, path);
	char	   *upper = str_toupper(text, strlen(text), DEFAULT_COLLATION_OID);

	return string_value(upper, strlen(upper));
}

static JsonbValue *
apply_lower(const Filter *filter, JsonbValue *value, const char *path)
{
	char	   *text = scalar_text(filter, value, path);
	char	   *lower = str_tolower(text, strlen(text), DEFAULT_COLLATION_OID);

	return string_value(lower, strlen(lower));
}

/* How many bytes has the blank with which text[0..len) begins?  0: none. */
static int
blank_at(const char *text, int len)
{
	/* in UTF-8: Unicode's White_Space, and two characters without width */
	static const char *const blanks[] = {
		" ", "\t", "\n", "\v", "\f", "\r", "\xC2\x85", "\xC2\xA0",
		"\xE1\x9A\x80", "\xE2\x80\x80", "\xE2\x80\x81", "\xE2\x80\x82",
		"\xE2\x80\x83", "\xE2\x80\x84", "\xE2\x80\x85", "\xE2\x80\x86",
		"\xE2\x80\x87", "\xE2\x80\x88", "\xE2\x80\x89", "\xE2\x80\x8A",
		"\xE2\x80\x8B", "\xE2\x80\xA8", "\xE2\x80\xA9", "\xE2\x80\xAF",
		"\xE2\x81\x9F", "\xE3\x80\x80", "\xEF\xBB\xBF"
	};

	for (int i = 0; i < lengthof(blanks); i++)
	{
		int			size = strlen(blanks[i]);

		if (size <= len && memcmp(text, blanks[i], size) == 0)
			return size;
	}
	return 0;
}

static JsonbValue *
apply_trim(const Filter *filter, JsonbValue *value, const char *path)
{
	char	   *rest = scalar_text(filter, value, path);
	int			len;
	int			size;

	rest = pg_server_to_any(rest, strlen(rest), PG_UTF8);
	len = strlen(rest);
	while ((size = blank_at(rest, len)) > 0)
	{
		rest += size;
		len -= size;
	}
	for (int end = len; end > 0;)
	{
		int			start = end - 1;

		/* to the first byte of a character */
		while (start > 0 && ((unsigned char) rest[start] & 0xC0) == 0x80)
			start--;
		if (blank_at(rest + start, end - start) == 0)
			break;
		len = end = start;
	}
	rest = pg_any_to_server(pnstrdup(rest, len), len, PG_UTF8);
	return string_value(rest, strlen(rest));
}

/* Characters of a string, elements of an array, members of an object. */
static JsonbValue *
apply_length(const Filter *filter, JsonbValue *value, const char *path)
{
	JsonbValue *result = palloc(sizeof(JsonbValue));
	int			length;

	if (value->type == jbvString)
		length = pg_mbstrlen_with_len(value->val.string.val,
									  value->val.string.len);
	else if (value->type == jbvBinary)
		length = json_count(value);
	else
		refuse(filter, value, path);
	result->type = jbvNumeric;
	result->val.numeric = int64_to_numeric(length);
	return result;
}

static JsonbValue *
apply_join(const Filter *filter, JsonbValue *value, const char *path)
{
	StringInfoData buf;
	JsonMember *elements;
	int			n;

	if (!json_is_array(value))
		refuse(filter, value, path);
	initStringInfo(&buf);
	elements = json_members(value, &n);
	for (int i = 0; i < n; i++)
	{
		if (i > 0 && filter->nargs > 0)
			json_append_text(&buf, &filter->args[0]);
		else if (i > 0)
			appendStringInfoString(&buf, ", ");
		json_append_text(&buf, &elements[i].value);
	}
	return string_value(buf.data, buf.len);
}

/* The first or the last element of an array; null if it is empty. */
static JsonbValue *
element_at(const Filter *filter, JsonbValue *value, const char *path,
		   bool last)
{
	int			n;

	if (!json_is_array(value))
		refuse(filter, value, path);
	n = json_count(value);
	if (n == 0)
	{
		JsonbValue *null = palloc(sizeof(JsonbValue));

		null->type = jbvNull;
		return null;
	}
	return getIthJsonbValueFromContainer(value->val.binary.data,
										 last ? n - 1 : 0);
}

static JsonbValue *
apply_first(const Filter *filter, JsonbValue *value, const char *path)
{
	return element_at(filter, value, path, false);
}

static JsonbValue *
apply_last(const Filter *filter, JsonbValue *value, const char *path)
{
	return element_at(filter, value, path, true);
}

static JsonbValue *
apply_json(const Filter *filter, JsonbValue *value, const char *path)
{
	StringInfoData buf;

	initStringInfo(&buf);
	json_append(&buf, value);
	return string_value(buf.data, buf.len);
}

static JsonbValue *
apply_urlencode(const Filter *filter, JsonbValue *value, const char *path)
{
	StringInfoData plain;
	StringInfoData buf;

	initStringInfo(&plain);
	initStringInfo(&buf);
	json_append_text(&plain, value);
	escape_append(&buf, plain.data, plain.len, ESCAPE_URL);
	return string_value(buf.data, buf.len);
}

/* A number, or a string that reads as one. */
static JsonbValue *
apply_number(const Filter *filter, JsonbValue *value, const char *path)
{
	Numeric		number;

	if (value->type == jbvNumeric)
		number = value->val.numeric;
	else if (value->type == jbvString)
	{
		char	   *digits = json_cstring(value);
		Datum		datum = DirectFunctionCall3(numeric_in,
												CStringGetDatum(digits),
												ObjectIdGetDatum(InvalidOid),
												Int32GetDatum(-1));

		number = DatumGetNumeric(datum);
	}
	else
		refuse(filter, value, path);
	return text_result(format_number(number, json_cstring(&filter->args[0])));
}

/* A time as text that PostgreSQL reads, or as a number since 1970. */
static JsonbValue *
apply_date(const Filter *filter, JsonbValue *value, const char *path)
{
	const char *picture = json_cstring(&filter->args[0]);
	const char *zone = NULL;

	if (filter->nargs > 1)
		zone = json_cstring(&filter->args[1]);
	if (value->type == jbvNumeric)
		return text_result(format_epoch(value->val.numeric, picture, zone));
	if (value->type == jbvString)
		return text_result(format_moment(json_cstring(value), picture, zone));
	refuse(filter, value, path);
}

static const FilterDef filters[] = {
	{"default", 1, 1, false, apply_default},
	{"upper", 0, 0, false, apply_upper},
	{"lower", 0, 0, false, apply_lower},
	{"trim", 0, 0, false, apply_trim},
	{"length", 0, 0, false, apply_length},
	{"join", 0, 1, false, apply_join},
	{"first", 0, 0, false, apply_first},
	{"last", 0, 0, false, apply_last},
	{"json", 0, 0, false, apply_json},
	{"urlencode", 0, 0, false, apply_urlencode},
	{"number", 1, 1, true, apply_number},
	{"date", 1, 2, true, apply_date},
};

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
		*hint = known_words_hint(name, names, lengthof(filters));
	return NULL;
}

/* Applies a date filter to 1970: raises if its picture or zone is wrong. */
static void
try_date(void *arg)
{
	JsonbValue	epoch;

	epoch.type = jbvNumeric;
	epoch.val.numeric = int64_to_numeric(0);
	apply_date(arg, &epoch, "");
}

/* Applies a number filter: raises if the number does not fit its picture. */
static void
try_number_on(const Filter *filter, int64 number)
{
	JsonbValue	value;

	value.type = jbvNumeric;
	value.val.numeric = int64_to_numeric(number);
	apply_number(filter, &value, "");
}

static void
try_zero(void *arg)
{
	try_number_on(arg, 0);
}

static void
try_one(void *arg)
{
	try_number_on(arg, 1);
}

/*
 * What is wrong with the picture, or NULL.  Zero fits every picture but that
 * of Roman numerals, which 1 fits.
 */
static char *
check_number(Filter *filter)
{
	char	   *message = problem_catch(try_zero, filter);

	return message != NULL && problem_catch(try_one, filter) == NULL
		? NULL : message;
}

static char *
wrong_count(const Filter *filter)
{
	const FilterDef *def = filter->def;

	if (def->max_args == 0)
		return psprintf("filter \"%s\" takes no argument", def->name);
	if (def->min_args == def->max_args)
		return psprintf("filter \"%s\" takes %d argument%s, not %d",
						def->name, def->min_args,
						def->min_args == 1 ? "" : "s", filter->nargs);
	return psprintf("filter \"%s\" takes %d to %d arguments, not %d",
					def->name, def->min_args, def->max_args, filter->nargs);
}

char *
filter_check(Filter *filter)
{
	const FilterDef *def = filter->def;

	if (filter->nargs < def->min_args || filter->nargs > def->max_args)
		return wrong_count(filter);
	for (int i = 0; i < filter->nargs && def->text_args; i++)
	{
		if (filter->args[i].type != jbvString ||
			filter->args[i].val.string.len == 0)
			return psprintf("argument %d of filter \"%s\" must be a text in "
							"quotes", i + 1, def->name);
	}
	if (def->apply == apply_join && filter->nargs == 1 &&
		filter->args[0].type != jbvString)
		return psprintf("argument 1 of filter \"%s\" must be a text in "
						"quotes", def->name);
	if (def->apply == apply_date)
		return problem_catch(try_date, filter);
	if (def->apply == apply_number)
		return check_number(filter);
	return NULL;
}

const char *
filter_name(const Filter *filter)
{
	return filter->def->name;
}

bool
filter_allows_missing(const Filter *filter)
{
	return filter->def->apply == apply_default;
}

bool
filter_encodes_url(const Filter *filter)
{
	return filter->def->apply == apply_urlencode;
}

JsonbValue *
filter_apply(const Filter *filter, JsonbValue *value)
{
	FilterFunction apply = filter->def->apply;

	if (value == NULL && apply != apply_default)
		return NULL;
	if (value != NULL && value->type == jbvNull &&
		apply != apply_default && apply != apply_json)
		return value;
	return apply(filter, value, filter->subject);
}
