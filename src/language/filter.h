/*
 * filter.h
 *	  The filters of templates: {{ path | filter: arg, arg }}
 */
#ifndef WF_FILTER_H
#define WF_FILTER_H

#include "language/scope.h"
#include "utils/jsonb.h"

#define FILTER_MAX_ARGS 2

typedef struct FilterDef FilterDef;

/* One use of a filter; it belongs to the template, and so do its arguments. */
typedef struct Filter
{
	const FilterDef *def;
	char	   *subject;		/* what it is applied to, for messages:
								 * "trigger.items | first" */
	int			nargs;
	bool		has_paths;		/* is one of them a path? */
	JsonbValue	args[FILTER_MAX_ARGS];	/* those that are literals, */
	ScopePath  *paths[FILTER_MAX_ARGS]; /* and those that are not, or NULL */
} Filter;

/* The filter of that name; if there is none, NULL, and *hint (or NULL). */
extern const FilterDef *filter_find(const char *name, char **hint);

/*
 * A hint for a filter's name in another language: "Write \"upper\"." for
 * "upcase".  Palloc'd; NULL if the name is not known.
 */
extern char *filter_foreign_hint(const char *name);

extern const char *filter_name(const Filter *filter);

/* A hint that shows how the filter is used, palloc'd. */
extern char *filter_usage(const Filter *filter);

/*
 * What is wrong with the filter's arguments, palloc'd; NULL if nothing is.
 * Of an argument that is a path, nothing is known yet.
 */
extern char *filter_check(Filter *filter);

/* Does the filter take a missing value?  (default) */
extern bool filter_allows_missing(const Filter *filter);

/*
 * Does the filter leave that value, or NULL if it is missing, as it is,
 * whatever its arguments are?  (default, if the value is given)
 */
extern bool filter_keeps(const Filter *filter, const JsonbValue *value);

/*
 * Would the filter make a wrong list or number of something that stands in
 * for a value of which only the beginning is known?
 */
extern bool filter_needs_whole(const Filter *filter);

/* Is the filter's result percent-encoded?  (urlencode) */
extern bool filter_encodes_url(const Filter *filter);

/*
 * Applies the filter.  args are the values of all its arguments.  value may be
 * NULL, which is a missing value; the result is then NULL unless the filter is
 * default.  JSON null stays null unless the filter is default or json.  The
 * result is palloc'd, or points to what value or args point to.  Raises 22023
 * if the filter cannot take the value or an argument, 54000 for a text that is
 * too large, and what PostgreSQL's own conversions and arithmetic raise.
 */
extern JsonbValue *filter_apply(const Filter *filter, const JsonbValue *args,
								JsonbValue *value);

#endif							/* WF_FILTER_H */
