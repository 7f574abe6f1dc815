/*
 * expression_node.h
 *	  The struct of a parsed expression, and what the files expression*.c call
 *	  of one another.  No other file includes it.
 */
#ifndef WF_EXPRESSION_NODE_H
#define WF_EXPRESSION_NODE_H

#include "language/expression.h"
#include "language/filter.h"

struct Expression
{
	ScopePath  *path;
	List	   *argument_paths; /* of ScopePath *: those of all filters */
	int			last_default;	/* number of the last filter that takes a
								 * missing value; -1: none does */
	bool		needs_whole;	/* does one of the filters? */
	int			nfilters;
	Filter	   *filters;
};

/* The text being read. */
typedef struct Reader
{
	const char *text;
	int			len;
	int			pos;
	const ScopeNames *names;
	Mistake    *mistake;
} Reader;

static inline bool
expression_at(const Reader *reader, char c)
{
	return reader->pos < reader->len && reader->text[reader->pos] == c;
}

extern void expression_skip_space(Reader *reader);

/* Is the position at "}}"? */
extern bool expression_at_end(const Reader *reader);

/* Fills the mistake; returns false. */
extern bool expression_fail(Reader *reader, int offset, char *message,
							char *hint);

/* The same: something else is expected at the position. */
extern bool expression_unexpected(Reader *reader, const char *expected);

/*
 * A hint for a text at the reader's position that is no expression but may be
 * one of another language; or NULL.
 */
extern char *expression_foreign_hint(const Reader *reader);

/* Reads letters, digits and underscores, palloc'd; NULL if there are none. */
extern char *expression_read_word(Reader *reader);

/*
 * Where the path at the reader's position ends: before a blank, "|", "}" or a
 * byte of stops.  expression_read_path() reads it; NULL after filling the
 * mistake.
 */
extern int	expression_path_end(const Reader *reader, const char *stops);
extern ScopePath *expression_read_path(Reader *reader, const char *stops);

/*
 * Reads the arguments of a filter from the ":" before them; false after
 * filling the mistake.  nargs counts those too that are too many.
 */
extern bool expression_read_arguments(Reader *reader, Filter *filter);

#endif							/* WF_EXPRESSION_NODE_H */
