/*
 * search.c
 *	  wf_search: runs by what people type.
 *
 * Runs in the backend that calls it, as the owner of our tables, since the
 * function is SECURITY DEFINER: no policy applies, and run_find.c and
 * search_paths.c apply the session's tenant binding.  Reads only; owns nothing
 * beyond a call.
 *
 * What is typed becomes a list of what payloads may contain, which the index
 * of payloads finds:
 *
 *	a uuid				is the run of that id, if there is one
 *	key=value			the value at that path, and at each known path that has
 *						the words of the key
 *	order 12345			the first words may be the words of known paths: then
 *						the rest is looked for at these
 *	12345				is looked for at every known path
 *
 * A value is looked for in each way that it may be written: search_value.c
 * has its spellings.
 */
#include "postgres.h"
#include "compat.h"

#include "api/run_find.h"
#include "api/run_query.h"
#include "api/run_rows.h"
#include "api/search_paths.h"
#include "api/search_value.h"
#include "base/search_text.h"
#include "base/utf8.h"
#include "catalog/pg_type.h"
#include "config/settings.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "store/store_schema.h"
#include "store/store_tables.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#define DEFAULT_ROWS 50
#define MAX_QUERY 500			/* characters */
#define MAX_WORDS 12			/* if there are more, they are one value */
#define MAX_MATCHES 2000

/* What is looked for, as it grows. */
typedef struct Search
{
	const pg_uuid_t *tenant;
	List	   *paths;			/* of SearchPath *: the known ones */
	List	   *everywhere;		/* of char *: values for every path, so far */
	int			nmatches;
	Datum		matches[MAX_MATCHES];	/* jsonb */
} Search;

/*--- what payloads may contain ---*/

/* Looks for the spellings of a value (a list of JsonbValue *) at a path. */
static void
add_at(Search *search, const SearchPath *path, const List *spellings)
{
	ListCell   *lc;

	foreach(lc, spellings)
	{
		if (search->nmatches == MAX_MATCHES)
			return;
		search->matches[search->nmatches++] =
			JsonbPGetDatum(search_path_match(path, lfirst(lc)));
	}
}

/*
 * Looks for a value at the known paths that have all of words; with NIL, at
 * every one.  Returns whether there is such a path.
 */
static bool
add_value(Search *search, const char *value, const List *words)
{
	List	   *spellings;
	ListCell   *lc;
	bool		found = false;

	foreach(lc, words == NIL ? search->everywhere : NIL)
	{
		if (strcmp(lfirst(lc), value) == 0)
			return false;
	}
	if (words == NIL)
		search->everywhere = lappend(search->everywhere, pstrdup(value));
	spellings = search_spellings(value, search->tenant);
	foreach(lc, search->paths)
	{
		const SearchPath *path = lfirst(lc);

		CHECK_FOR_INTERRUPTS();
		if (words != NIL && !search_path_has(path, words))
			continue;
		add_at(search, path, spellings);
		found = true;
	}
	return found;
}

/* The parts from first up to last, with a blank between them. */
static char *
join(const List *parts, int first, int last)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = first; i < last; i++)
		appendStringInfo(&buf, "%s%s", i > first ? " " : "",
						 (char *) list_nth(parts, i));
	return buf.data;
}

/* The words of a key, without those that only say that a number follows. */
static List *
key_words(const char *text)
{
	List	   *words = NIL;
	ListCell   *lc;

	foreach(lc, search_words(text))
	{
		if (!search_is_filler(lfirst(lc)))
			words = lappend(words, lfirst(lc));
	}
	return words;
}

/* key=value: at the path itself, and at known ones with the key's words. */
static void
add_equation(Search *search, const char *text)
{
	const char *equals = strchr(text, '=');
	char	   *key;
	Mistake		mistake = {0};
	ScopePath  *path;
	List	   *words;

	if (equals == NULL || equals == text ||equals[1] == '\0')
		return;
	key = join(search_split(pnstrdup(text, equals - text)), 0, 1);
	if (*key == '\0')
		return;
	if (scope_root_length(key, strlen(key)) != strlen("trigger") ||
		strncmp(key, "trigger", strlen("trigger")) != 0)
		key = psprintf("trigger.%s", key);
	path = scope_path_parse(key, strlen(key), NULL, &mistake);
	if (path != NULL && path->nparts > 1)
		add_at(search, search_path_of(path),
			   search_spellings(equals + 1, search->tenant));
	words = key_words(pnstrdup(text, equals - text));
	if (words != NIL)
		(void) add_value(search, equals + 1, words);
}

/*
 * Each way to take the first words as those of paths, and the rest as the
 * value.  If no path has them, the last word alone is a value too.
 */
static void
add_words(Search *search, const char *text)
{
	List	   *parts = search_split(text);
	int			n = list_length(parts);
	bool		narrowed = false;

	for (int i = 1; i < n && n <= MAX_WORDS; i++)
	{
		List	   *words = key_words(join(parts, 0, i));

		narrowed |= add_value(search, join(parts, i, n), words) &&
			words != NIL;
	}
	(void) add_value(search, join(parts, 0, n), NIL);
	if (n > 1 && !narrowed)
		(void) add_value(search, join(parts, n - 1, n), NIL);
}

/*--- a run by its id ---*/

/* Is text the id of a run that the session sees?  Then it is put. */
static bool
put_run(ReturnSetInfo *rsinfo, const char *text, const RunFilter *filter)
{
	pg_uuid_t	id;
	RunQuery	query;
	bool		found;

	if (!settings_parse_uuid(text, &id))
		return false;
	SPI_connect();
	run_query_begin(&query);
	run_query_add(&query, "SELECT FROM %t.workflow_runs r WHERE ");
	run_query_add_param(&query, "r.id = $", UUIDOID, UUIDPGetDatum(&id));
	if (filter->tenant != NULL)
		run_query_add_param(&query, " AND r.tenant_id = $", UUIDOID,
							UUIDPGetDatum(filter->tenant));
	run_query_bind_tenant(&query, "r.tenant_id = $");
	run_query_execute(&query, PLANNER_BY_INDEX);
	found = SPI_processed > 0;
	SPI_finish();
	/* a page that begins before it has no other run */
	if (found && (filter->before == NULL ||
				  memcmp(id.data, filter->before->data, UUID_LEN) < 0))
		run_rows_put(rsinfo, &id, 1);
	return found;
}

/*--- wf_search ---*/

/*
 * The text to look for, in UTF-8.  Raises 22004 if it is null, 22023 if there
 * is nothing in it or too much.
 */
static char *
query_argument(FunctionCallInfo fcinfo)
{
	text	   *q;
	char	   *value;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"q\" of wf_search must not be null")));
	q = PG_GETARG_TEXT_PP(0);
	if (pg_mbstrlen_with_len(VARDATA_ANY(q), VARSIZE_ANY_EXHDR(q)) > MAX_QUERY)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"q\" of wf_search must have at most %d characters",
						MAX_QUERY)));
	value = search_value(to_utf8(text_to_cstring(q)));
	if (*value == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"q\" of wf_search has nothing to look for"),
				 errhint("It is a run's id, a value of the payload, or both names and a value, such as \"order 12345\" or \"order_id=12345\".")));
	return to_utf8(text_to_cstring(q));
}

PG_FUNCTION_INFO_V1(wf_search);

/*
 * Raises what query_argument raises, 22023 for max_rows, and 55000 if a table
 * is not as the engine needs it.
 */
Datum
wf_search(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Search	   *search = palloc0(sizeof(Search));
	RunFilter	filter = {0};
	char	   *text = query_argument(fcinfo);
	pg_uuid_t  *ids;
	int			n;

	InitMaterializedSRF(fcinfo, 0);
	if (!PG_ARGISNULL(1))
		filter.tenant = PG_GETARG_UUID_P(1);
	if (!PG_ARGISNULL(2))
		run_filter_before(&filter, PG_GETARG_UUID_P(2));
	filter.max_rows = PG_ARGISNULL(3) ? DEFAULT_ROWS : PG_GETARG_INT32(3);
	run_check_max_rows(filter.max_rows, "wf_search");
	store_use_schema(get_func_namespace(fcinfo->flinfo->fn_oid));
	store_check_tables(STORE_TABLES_OF_RUNS);
	if (put_run(rsinfo, search_value(text), &filter))
		return (Datum) 0;
	search->tenant = filter.tenant;
	search->paths = search_known_paths(filter.tenant);
	add_equation(search, text);
	add_words(search, text);
	if (search->nmatches == 0)
		return (Datum) 0;
	filter.match = construct_array(search->matches, search->nmatches, JSONBOID,
								   -1, false, TYPALIGN_INT);
	ids = run_find(&filter, &n);
	run_rows_put(rsinfo, ids, n);
	return (Datum) 0;
}
