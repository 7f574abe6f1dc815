/*
 * expression_argument.c
 *	  Parses the arguments of a filter: literals and paths.
 *
 * Part of the parser of expressions, see expression.c.
 */
#include "postgres.h"
#include "compat.h"

#include <ctype.h>

#include "base/json_value.h"
#include "language/expression_node.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

/* A longer number in a template is a mistake. */
#define MAX_NUMBER_BYTES 128

#define ARGUMENT_HINT \
	"An argument is a path such as trigger.name, a text in quotes, a number, true, false, null or []."

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
		return expression_fail(reader, start, pstrdup("number is too long"),
							   NULL);
	json_set_string(value, reader->text + start, reader->pos - start);
	message = problem_catch(parse_numeric, value);
	if (message != NULL)
		return expression_fail(reader, start, message, NULL);
	return true;
}

static bool
read_quoted(Reader *reader, JsonbValue *value)
{
	StringInfoData buf;
	int			end;

	initStringInfo(&buf);
	end = scope_read_quoted(reader->text, reader->len, reader->pos, &buf);
	if (end < 0)
		return expression_fail(reader, reader->pos, pstrdup("unclosed quote"),
							   NULL);
	reader->pos = end;
	json_set_string(value, pnstrdup(buf.data, buf.len), buf.len);
	pfree(buf.data);
	return true;
}

/* Reads [], the only array that is written; others come from paths. */
static bool
read_array(Reader *reader, JsonbValue *value)
{
	JsonbParseState *state = NULL;

	reader->pos++;				/* "[" */
	expression_skip_space(reader);
	if (!expression_at(reader, ']'))
	{
		expression_unexpected(reader, "\"]\"");
		reader->mistake->hint =
			pstrdup("The only array that can be written here is [].");
		return false;
	}
	reader->pos++;
	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	json_of_jsonb(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_ARRAY,
												   NULL)), value);
	return true;
}

static bool
unknown_argument(Reader *reader)
{
	expression_unexpected(reader, "an argument");
	reader->mistake->hint = pstrdup(ARGUMENT_HINT);
	return false;
}

/*
 * Reads true, false, null or a path, for which *path is set.  A word alone
 * that is no name of the context was probably meant as a text.
 */
static bool
read_word_or_path(Reader *reader, JsonbValue *value, ScopePath **path)
{
	int			start = reader->pos;
	char	   *word = expression_read_word(reader);
	bool		goes_on = expression_at(reader, '.') ||
		expression_at(reader, '[') || expression_at(reader, '-');

	if (word != NULL && !goes_on)
	{
		value->type = strcmp(word, "null") == 0 ? jbvNull : jbvBool;
		value->val.boolean = strcmp(word, "true") == 0;
		if (value->type == jbvNull || value->val.boolean ||
			strcmp(word, "false") == 0)
			return true;
	}
	reader->pos = start;
	if (word == NULL ? strchr("$@.", reader->text[start]) == NULL
		: !goes_on && scope_root_length(word, strlen(word)) == 0)
		return unknown_argument(reader);
	*path = expression_read_path(reader, ",");
	return *path != NULL;
}

/* Reads a literal into *value, or a path. */
static bool
read_argument(Reader *reader, JsonbValue *value, ScopePath **path)
{
	char		c;

	*path = NULL;
	expression_skip_space(reader);
	if (reader->pos >= reader->len)
		return unknown_argument(reader);
	c = reader->text[reader->pos];
	if (c == '"' || c == '\'')
		return read_quoted(reader, value);
	if (c == '-' || isdigit((unsigned char) c))
		return read_number(reader, value);
	if (c == '[')
		return read_array(reader, value);
	return read_word_or_path(reader, value, path);
}

bool
expression_read_arguments(Reader *reader, Filter *filter)
{
	do
	{
		JsonbValue	value;
		ScopePath  *path;

		reader->pos++;			/* ":" or "," */
		if (!read_argument(reader, &value, &path))
			return false;
		if (filter->nargs < FILTER_MAX_ARGS)
		{
			filter->paths[filter->nargs] = path;
			if (path == NULL)
				filter->args[filter->nargs] = value;
			filter->has_paths |= path != NULL;
		}
		filter->nargs++;
		expression_skip_space(reader);
	} while (expression_at(reader, ','));
	return true;
}
