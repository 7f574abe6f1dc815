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

/* The filter of that name; NULL, with a hint (may become NULL). */
extern const FilterDef *filter_find(const char *name, char **hint);

/* "Write \"upper\"." for "upcase"; NULL if nobody calls a filter so. */
extern char *filter_foreign_hint(const char *name);

extern const char *filter_name(const Filter *filter);

/* Can it be called so?  NULL, or a palloc'd message. */
extern char *filter_check(Filter *filter);

/* Does it take the place of a missing value?  (default) */
extern bool filter_allows_missing(const Filter *filter);

/* Is its result percent-encoded already?  (urlencode) */
extern bool filter_encodes_url(const Filter *filter);

/*
 * Applies it.  value may be NULL (missing), which only default turns into
 * something.  JSON null stays null, but for default and json.  The result is
 * palloc'd or points to what value or the arguments point to.  Raises 22023
 * if the filter cannot take the value, and what PostgreSQL's own conversions
 * raise.
 */
extern JsonbValue *filter_apply(const Filter *filter, JsonbValue *value);

#endif							/* WF_FILTER_H */
