/*
 * expression.c
 *	  Parses what is between {{ and }}: a path and its filters.
 *
 *		expression = path { "|" filter [ ":" argument { "," argument } ] }
 *		argument   = path | quoted text | number | "true" | "false" | "null"
 *				   | "[" "]"
 *
 * Arguments are in expression_argument.c.  An expression is parsed when a
 * definition is compiled, into the current memory context.  Owns nothing
 * beyond that.
 */
#include "postgres.h"
#include "compat.h"

#include "language/expression_node.h"

static bool
read_path(Reader *reader, Expression *expression)
{
	expression_skip_space(reader);
	if (expression_path_end(reader, "") == reader->pos)
		return expression_unexpected(reader, "a path");
	expression->path = expression_read_path(reader, "");
	return expression->path != NULL;
}

static bool
read_filter(Reader *reader, Filter *filter)
{
	int			start;
	char	   *name;
	char	   *message;
	char	   *hint;

	expression_skip_space(reader);
	start = reader->pos;
	name = expression_read_word(reader);
	if (name == NULL)
		return expression_unexpected(reader, "a filter");
	filter->def = filter_find(name, &hint);
	if (filter->def == NULL)
	{
		expression_fail(reader, start,
						psprintf("unknown filter \"%s\"", name), hint);
		reader->mistake->code = "unknown_filter";
		return false;
	}
	expression_skip_space(reader);
	if (expression_at(reader, ':') &&
		!expression_read_arguments(reader, filter))
		return false;
	message = filter_check(filter);
	if (message != NULL)
	{
		hint = expression_at_end(reader) || expression_at(reader, '|') ? NULL
			: expression_foreign_hint(reader);
		expression_fail(reader, start, message,
						hint != NULL ? hint : filter_usage(filter));
		reader->mistake->code = "filter_arguments";
		return false;
	}
	return true;
}

/* Counts a filter that was read, and notes what the evaluation asks for. */
static void
add_filter(Expression *expression, const Filter *filter)
{
	for (int i = 0; i < filter->nargs; i++)
	{
		if (filter->paths[i] != NULL)
			expression->argument_paths = lappend(expression->argument_paths,
												 filter->paths[i]);
	}
	if (filter_allows_missing(filter))
		expression->last_default = expression->nfilters;
	expression->needs_whole |= filter_needs_whole(filter);
	expression->nfilters++;
}

static bool
read_filters(Reader *reader, Expression *expression)
{
	Filter		read[EXPRESSION_MAX_FILTERS];
	char	   *subject = expression->path->text;

	for (;;)
	{
		Filter	   *filter = &read[expression->nfilters];

		expression_skip_space(reader);
		if (expression_at_end(reader))
			break;
		if (!expression_at(reader, '|'))
			return expression_unexpected(reader, "\"|\" or \"}}\"");
		if (expression->nfilters == EXPRESSION_MAX_FILTERS)
			return expression_fail(reader, reader->pos,
								   psprintf("more than %d filters",
											EXPRESSION_MAX_FILTERS), NULL);
		reader->pos++;
		memset(filter, 0, sizeof(Filter));
		if (!read_filter(reader, filter))
			return false;
		filter->subject = subject;
		subject = psprintf("%s | %s", subject, filter_name(filter));
		add_filter(expression, filter);
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
	Reader		reader = {text, len, *pos, names, mistake};

	expression->last_default = -1;
	if (!read_path(&reader, expression) || !read_filters(&reader, expression))
		return NULL;
	*pos = reader.pos;
	return expression;
}
