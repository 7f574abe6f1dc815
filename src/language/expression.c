/*
 * expression.c
 *	  Parses and evaluates what is between {{ and }}: a path and its filters.
 *
 *		expression = path { "|" filter [ ":" literal { "," literal } ] }
 *		literal    = quoted text | number | true | false | null
 *
 * An expression is parsed when a definition is compiled, into the current
 * memory context, and evaluated in any process that renders a template.  Owns
 * nothing beyond that.
 */
#include "postgres.h"
#include "compat.h"

#include <ctype.h>

#include "base/json_value.h"
#include "language/expression.h"
#include "language/filter.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

/* A longer number in a template is a mistake. */
#define MAX_NUMBER_BYTES 128

struct Expression
{
	ScopePath  *path;
	bool		allows_missing;
	int			nfilters;
	Filter	   *filters;
};

/* The text being read. */
typedef struct Reader
{
	const char *text;
	int			len;
	int			pos;
	Mistake    *mistake;
} Reader;

/* Fills the error; returns false. */
static bool
fail(Reader *reader, int offset, char *message, char *hint)
{
	reader->mistake->code = "template_syntax";
	reader->mistake->message = message;
	reader->mistake->offset = offset;
	reader->mistake->hint = hint;
	return false;
}

static void
skip_space(Reader *reader)
{
	while (reader->pos < reader->len &&
		   isspace((unsigned char) reader->text[reader->pos]))
		reader->pos++;
}

static bool
at(const Reader *reader, char c)
{
	return reader->pos < reader->len && reader->text[reader->pos] == c;
}

static bool
at_end(const Reader *reader)
{
	return at(reader, '}') && reader->pos + 1 < reader->len &&
		reader->text[reader->pos + 1] == '}';
}

/*
 * A hint for a text at the reader's position that is no expression but may be
 * one of another language; or NULL.
 */
static char *
foreign_hint(const Reader *reader)
{
	static const char *const words[] = {
		"and", "or", "not", "if", "else", "is", "in"
	};
	const char *text = reader->text + reader->pos;
	int			len = 0;

	if (*text == '(' || *text == '"' || *text == '\'')
		return pstrdup("Arguments stand after a colon, as in "
					   "{{ trigger.name | default: \"friend\" }}.");
	if (*text == '}' && !at_end(reader))
		return pstrdup("Close it with \"}}\".");
	while (reader->pos + len < reader->len &&
		   isalpha((unsigned char) text[len]))
		len++;
	for (int i = 0; i < lengthof(words); i++)
	{
		if (len == strlen(words[i]) && memcmp(words[i], text, len) == 0)
			text = "=";
	}
	if (strchr("=!<>?+-*/%&|", *text) != NULL)
		return pstrdup("A template has a path and filters, no operators. A "
					   "value for what is missing: "
					   "{{ trigger.name | default: \"friend\" }}.");
	if (len > 0)
		return pstrdup("A key with a blank is written as "
					   "trigger[\"odd key\"].");
	return NULL;
}

/* Fills the error: something else is expected at the position.  False. */
static bool
unexpected(Reader *reader, const char *expected)
{
	int			len;

	if (reader->pos >= reader->len)
		return fail(reader, reader->pos,
					psprintf("text ends where %s is expected", expected),
					NULL);
	len = pg_mbcliplen(reader->text + reader->pos,
					   reader->len - reader->pos, 12);
	return fail(reader, reader->pos,
				psprintf("%s is expected, not \"%.*s\"", expected, len,
						 reader->text + reader->pos), foreign_hint(reader));
}

/* The end of the path that begins at the reader's position. */
static int
path_end(const Reader *reader)
{
	bool		in_brackets = false;
	int			pos = reader->pos;

	while (pos < reader->len)
	{
		char		c = reader->text[pos];

		if (in_brackets && (c == '"' || c == '\''))
		{
			StringInfoData buf;
			int			end;

			initStringInfo(&buf);
			end = scope_read_quoted(reader->text, reader->len, pos, &buf);
			pfree(buf.data);
			if (end < 0)
				return reader->len;
			pos = end;
			continue;
		}
		if (c == '[')
			in_brackets = true;
		else if (c == ']')
			in_brackets = false;
		else if (c == '}' || c == '|')
			break;
		else if (!in_brackets && isspace((unsigned char) c))
			break;
		pos++;
	}
	return pos;
}

static bool
read_path(Reader *reader, const ScopeNames *names, Expression *expression)
{
	int			end;

	skip_space(reader);
	end = path_end(reader);
	if (end == reader->pos)
		return unexpected(reader, "a path");
	expression->path = scope_path_parse(reader->text + reader->pos,
										end - reader->pos, names,
										reader->mistake);
	if (expression->path == NULL)
	{
		reader->mistake->offset += reader->pos; /* of the whole text */
		return false;
	}
	reader->pos = end;
	return true;
}

/* Reads letters, digits and underscores; NULL if there are none. */
static char *
read_word(Reader *reader)
{
	int			start = reader->pos;

	while (reader->pos < reader->len &&
		   (isalnum((unsigned char) reader->text[reader->pos]) ||
			reader->text[reader->pos] == '_'))
		reader->pos++;
	if (reader->pos == start)
		return NULL;
	return pnstrdup(reader->text + start, reader->pos - start);
}

static void
parse_numeric(void *arg)
{
	JsonbValue *value = arg;

	value->val.numeric = DatumGetNumeric(DirectFunctionCall3(
		numeric_in, CStringGetDatum(json_cstring(value)),
		ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
	value->type = jbvNumeric;
}

/* Reads the bytes that a number may have; numeric_in checks the number. */
static bool
read_number(Reader *reader, JsonbValue *value)
{
	int			start = reader->pos;
	char	   *message;

	while (reader->pos < reader->len &&
		   strchr("+-.0123456789eE", reader->text[reader->pos]) != NULL)
		reader->pos++;
	if (reader->pos - start > MAX_NUMBER_BYTES)
		return fail(reader, start, pstrdup("number is too long"), NULL);
	json_set_string(value, reader->text + start, reader->pos - start);
	message = problem_catch(parse_numeric, value);
	if (message != NULL)
		return fail(reader, start, message, NULL);
	return true;
}

static bool
read_keyword(Reader *reader, JsonbValue *value)
{
	int			start = reader->pos;
	char	   *word = read_word(reader);

	if (word != NULL && strcmp(word, "null") == 0)
		value->type = jbvNull;
	else if (word != NULL &&
			 (strcmp(word, "true") == 0 || strcmp(word, "false") == 0))
	{
		value->type = jbvBool;
		value->val.boolean = word[0] == 't';
	}
	else
	{
		reader->pos = start;
		unexpected(reader, "an argument");
		reader->mistake->hint = pstrdup("An argument is a text in quotes, a "
									  "number, true, false or null.");
		return false;
	}
	return true;
}

static bool
read_literal(Reader *reader, JsonbValue *value)
{
	char		c;

	skip_space(reader);
	c = reader->pos < reader->len ? reader->text[reader->pos] : '\0';
	if (c == '"' || c == '\'')
	{
		StringInfoData buf;
		int			end;

		initStringInfo(&buf);
		end = scope_read_quoted(reader->text, reader->len, reader->pos, &buf);
		if (end < 0)
			return fail(reader, reader->pos, pstrdup("unclosed quote"), NULL);
		reader->pos = end;
		json_set_string(value, pnstrdup(buf.data, buf.len), buf.len);
		pfree(buf.data);
		return true;
	}
	if (c == '-' || isdigit((unsigned char) c))
		return read_number(reader, value);
	return read_keyword(reader, value);
}

static bool
read_args(Reader *reader, Filter *filter)
{
	JsonbValue	value;

	do
	{
		reader->pos++;			/* ":" or "," */
		if (!read_literal(reader, &value))
			return false;
		if (filter->nargs < FILTER_MAX_ARGS)
			filter->args[filter->nargs] = value;
		filter->nargs++;
		skip_space(reader);
	} while (at(reader, ','));
	return true;
}

static bool
read_filter(Reader *reader, Filter *filter)
{
	int			start;
	char	   *name;
	char	   *message;
	char	   *hint;

	skip_space(reader);
	start = reader->pos;
	name = read_word(reader);
	if (name == NULL)
		return unexpected(reader, "a filter");
	filter->def = filter_find(name, &hint);
	if (filter->def == NULL)
	{
		fail(reader, start, psprintf("unknown filter \"%s\"", name), hint);
		reader->mistake->code = "unknown_filter";
		return false;
	}
	skip_space(reader);
	if (at(reader, ':') && !read_args(reader, filter))
		return false;
	message = filter_check(filter);
	if (message != NULL)
	{
		fail(reader, start, message,
			 at_end(reader) ? NULL : foreign_hint(reader));
		reader->mistake->code = "filter_arguments";
		return false;
	}
	return true;
}

static bool
read_filters(Reader *reader, Expression *expression)
{
	Filter		read[EXPRESSION_MAX_FILTERS];
	char	   *subject = expression->path->text;

	for (;;)
	{
		Filter	   *filter = &read[expression->nfilters];

		skip_space(reader);
		if (at_end(reader))
			break;
		if (!at(reader, '|'))
			return unexpected(reader, "\"|\" or \"}}\"");
		if (expression->nfilters == EXPRESSION_MAX_FILTERS)
			return fail(reader, reader->pos,
						psprintf("more than %d filters",
								 EXPRESSION_MAX_FILTERS), NULL);
		reader->pos++;
		memset(filter, 0, sizeof(Filter));
		if (!read_filter(reader, filter))
			return false;
		filter->subject = subject;
		subject = psprintf("%s | %s", subject, filter_name(filter));
		expression->allows_missing |= filter_allows_missing(filter);
		expression->nfilters++;
	}
	reader->pos += 2;
	if (expression->nfilters == 0)
		return true;
	expression->filters = palloc(sizeof(Filter) * expression->nfilters);
	memcpy(expression->filters, read, sizeof(Filter) * expression->nfilters);
	return true;
}

Expression *
expression_parse(const char *text, int len, int *pos,
				 const ScopeNames *names, Mistake *mistake)
{
	Expression *expression = palloc0(sizeof(Expression));
	Reader		reader = {text, len, *pos, mistake};

	if (!read_path(&reader, names, expression) ||
		!read_filters(&reader, expression))
		return NULL;
	*pos = reader.pos;
	return expression;
}

/* The value at the path, or NULL.  Raises ERRCODE_SCOPE_UNKNOWN. */
static JsonbValue *
look_up(const Expression *expression, const Scope *scope, int *missing)
{
	JsonbValue *value = scope_lookup(scope, expression->path, missing);
	char	   *unknown = scope_unknown(scope, expression->path);

	if (unknown != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_SCOPE_UNKNOWN),
				 errmsg("%s", unknown)));
	return value;
}

static JsonbValue *
apply_filters(const Expression *expression, JsonbValue *value)
{
	for (int i = 0; i < expression->nfilters; i++)
		value = filter_apply(&expression->filters[i], value);
	return value;
}

JsonbValue *
expression_evaluate(const Expression *expression, const Scope *scope)
{
	const ScopePath *path = expression->path;
	int			missing;
	JsonbValue *value = look_up(expression, scope, &missing);

	if (value == NULL && !expression->allows_missing)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s", scope_missing(scope, path, missing)),
				 errhint("Where it may be missing, give it a default: "
						 "{{ %s | default: \"\" }}.", path->text)));
	return apply_filters(expression, value);
}

JsonbValue *
expression_evaluate_if_any(const Expression *expression, const Scope *scope)
{
	int			missing;
	JsonbValue *value = look_up(expression, scope, &missing);
	char	   *cut = value != NULL ? NULL
		: scope_cut(scope, expression->path, missing);

	if (cut != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s", cut)));
	return apply_filters(expression, value);
}

const ScopePath *
expression_path(const Expression *expression)
{
	return expression->path;
}

bool
expression_is_url_encoded(const Expression *expression)
{
	return expression->nfilters > 0 &&
		filter_encodes_url(&expression->filters[expression->nfilters - 1]);
}
