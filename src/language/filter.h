/*
 * filter.h
 *	  The filters of templates: {{ path | filter: arg, arg }}
 */
#ifndef WF_FILTER_H
#define WF_FILTER_H

#include "postgres.h"
#include "utils/jsonb.h"

#define FILTER_MAX_ARGS 2

typedef struct FilterDef FilterDef;

/* One use of a filter; its arguments are literals, owned by the template. */
typedef struct Filter
{
	const FilterDef *def;
	char	   *subject;		/* what it is applied to, for messages:
								 * "trigger.items | first" */
	int			nargs;
	JsonbValue	args[FILTER_MAX_ARGS];
} Filter;

/* The filter of that name; if there is none, NULL, and *hint (or NULL). */
extern const FilterDef *filter_find(const char *name, char **hint);

/*
 * A hint for a filter's name in another language: "Write \"upper\"." for
 * "upcase".  Palloc'd; NULL if the name is not known.
 */
extern char *filter_foreign_hint(const char *name);

extern const char *filter_name(const Filter *filter);

/* What is wrong with the filter's arguments, palloc'd; NULL if nothing is. */
extern char *filter_check(Filter *filter);

/* Does the filter take a missing value?  (default) */
extern bool filter_allows_missing(const Filter *filter);

/* Is the filter's result percent-encoded?  (urlencode) */
extern bool filter_encodes_url(const Filter *filter);

/*
 * Applies the filter.  value may be NULL, which is a missing value; the result
 * is then NULL unless the filter is default.  JSON null stays null unless the
 * filter is default or json.  The result is palloc'd, or points to what value
 * or the arguments point to.  Raises 22023 if the filter cannot take the
 * value, and what PostgreSQL's own conversions raise.
 */
extern JsonbValue *filter_apply(const Filter *filter, JsonbValue *value);

#endif							/* WF_FILTER_H */
