/*
 * search_paths.c
 *	  Where values stand in payloads: the paths that a search tries.
 *
 * Runs in the backend that calls wf_search, as the owner of our tables; see
 * run_query.c.  Reads only; owns nothing beyond a call.
 *
 * Nobody says what payloads contain, so the newest of each definition are
 * looked at.  How many, and how many paths there may be, is limited, so that a
 * search takes the same time however many definitions and runs there are.
 */
#include "postgres.h"
#include "compat.h"

#include "access/detoast.h"
#include "api/run_find.h"
#include "api/run_query.h"
#include "api/search_paths.h"
#include "base/json_value.h"
#include "base/search_text.h"
#include "base/utf8.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "plan/plan_title.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#define MAX_DEFINITIONS 2000	/* the newest */
#define MAX_PAYLOADS 2000		/* of all definitions */
#define MAX_PAYLOADS_EACH 50	/* of one */
#define MAX_PAYLOAD_BYTES (64 * 1024)	/* larger ones are not looked at */
#define MAX_PATHS 400
#define MAX_DEPTH 16
#define MAX_ELEMENTS 10			/* of an array */
#define MAX_KEY 512				/* bytes of a path */

/* A part of a path: the name of a member, not terminated by a zero byte. */
typedef struct Part
{
	const char *name;			/* NULL: any element of an array */
	int			length;
	int			end;			/* of the path's key with this part */
} Part;

/* The paths that have been found, and where in a payload the search is. */
typedef struct KnownPaths
{
	List	   *paths;
	HTAB	   *keys;			/* of those paths */
	MemoryContext context;		/* of the result */
	Part		parts[PATH_MAX_PARTS];
	char		key[MAX_KEY];	/* the parts in one text */
} KnownPaths;

/*--- a path ---*/

/*
 * Makes a name part number depth of the path, which ends with it.  False: the
 * path is too long.  Each part has a control character before it that no name
 * has unescaped, so that no two paths have the same key.
 */
static bool
set_part(KnownPaths *known, int depth, const char *name, int length)
{
	int			start = depth > 0 ? known->parts[depth - 1].end : 0;
	int			end = start + 1 + length;

	if (depth >= PATH_MAX_PARTS || end >= MAX_KEY)
		return false;
	known->key[start] = name != NULL ? '\x01' : '\x02';
	if (name != NULL)
		memcpy(known->key + start + 1, name, length);
	known->key[end] = '\0';
	known->parts[depth] = (Part) {name, length, end};
	return true;
}

static List *
words_of_parts(const List *parts)
{
	List	   *words = NIL;
	ListCell   *lc;

	foreach(lc, parts)
	{
		if (lfirst(lc) != NULL)
			words = list_concat(words, search_words(to_utf8(lfirst(lc))));
	}
	return words;
}

SearchPath *
search_path_of(const ScopePath *path)
{
	SearchPath *result = palloc0(sizeof(SearchPath));

	for (int i = 1; i < path->nparts; i++)
		result->parts = lappend(result->parts, path->parts[i].name);
	result->words = words_of_parts(result->parts);
	return result;
}

bool
search_path_has(const SearchPath *path, const List *words)
{
	ListCell   *lc;

	foreach(lc, words)
	{
		ListCell   *own;
		bool		found = false;

		foreach(own, path->words)
			found = found || strcmp(lfirst(own), lfirst(lc)) == 0;
		if (!found)
			return false;
	}
	return words != NIL;
}

Jsonb *
search_path_match(const SearchPath *path, JsonbValue *value)
{
	JsonbParseState *state = NULL;
	JsonbValue *result = NULL;
	ListCell   *lc;
	bool		in_object = false;

	foreach(lc, path->parts)
	{
		JsonbValue	key;

		in_object = lfirst(lc) != NULL;
		pushJsonbValue(&state, in_object ? WJB_BEGIN_OBJECT : WJB_BEGIN_ARRAY,
					   NULL);
		if (!in_object)
			continue;
		json_set_string(&key, lfirst(lc), strlen(lfirst(lc)));
		pushJsonbValue(&state, WJB_KEY, &key);
	}
	pushJsonbValue(&state, in_object ? WJB_VALUE : WJB_ELEM, value);
	for (int i = list_length(path->parts) - 1; i >= 0; i--)
		result = pushJsonbValue(&state, list_nth(path->parts, i) != NULL
								? WJB_END_OBJECT : WJB_END_ARRAY, NULL);
	return JsonbValueToJsonb(result);
}

/*--- paths that are known ---*/

/* Adds the path of the first n parts, with the words of labels besides. */
static void
add_path(KnownPaths *known, int n, List *labels)
{
	bool		found;
	MemoryContext old;
	SearchPath *path;
	ListCell   *lc;

	if (list_length(known->paths) >= MAX_PATHS)
		return;
	hash_search(known->keys, known->key, HASH_ENTER, &found);
	if (found)
		return;
	old = MemoryContextSwitchTo(known->context);
	path = palloc0(sizeof(SearchPath));
	for (int i = 0; i < n; i++)
	{
		const Part *part = &known->parts[i];

		path->parts = lappend(path->parts, part->name == NULL ? NULL :
							  pnstrdup(part->name, part->length));
	}
	path->words = words_of_parts(path->parts);
	foreach(lc, labels)
		path->words = list_concat(path->words,
								  search_words(to_utf8(lfirst(lc))));
	known->paths = lappend(known->paths, path);
	MemoryContextSwitchTo(old);
}

/* Adds the path that a definition names. */
static void
add_search_key(KnownPaths *known, const PlanSearchKey *key)
{
	int			n = 0;
	ListCell   *lc;

	foreach(lc, search_path_of(key->path)->parts)
	{
		const char *name = lfirst(lc);

		if (!set_part(known, n++, name, name != NULL ? strlen(name) : 0))
			return;
	}
	if (n > 0)
		add_path(known, n, key->labels);
}

/*
 * Adds the paths of the strings and numbers in a container, which is at the
 * first depth parts.
 */
static void
add_scalars(KnownPaths *known, JsonbContainer *container, int depth)
{
	JsonbIterator *iterator = JsonbIteratorInit(container);
	JsonbIteratorToken token;
	JsonbValue	value;
	bool		fits = false;
	int			n = 0;

	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			fits = set_part(known, depth, value.val.string.val,
							value.val.string.len);
		else if (token == WJB_ELEM)
			fits = set_part(known, depth, NULL, 0);
		if ((token != WJB_VALUE && token != WJB_ELEM) || !fits)
			continue;
		if (token == WJB_ELEM && ++n > MAX_ELEMENTS)
			break;
		if (value.type == jbvString || value.type == jbvNumeric)
			add_path(known, depth + 1, NIL);
		else if (value.type == jbvBinary && depth + 1 < MAX_DEPTH)
			add_scalars(known, value.val.binary.data, depth + 1);
	}
}

/* Narrows "d", which is workflow_definitions. */
static void
add_tenant(RunQuery *query, const pg_uuid_t *tenant)
{
	if (tenant != NULL)
		run_query_add_param(query, " AND d.tenant_id = $", UUIDOID,
							UUIDPGetDatum(tenant));
	run_query_bind_tenant(query, "d.tenant_id = $");
}

/*
 * Adds the paths that definitions name, and returns the ids of those
 * definitions, *n of them.  Within SPI.
 */
static pg_uuid_t *
read_definitions(KnownPaths *known, const pg_uuid_t *tenant, int *n)
{
	RunQuery	query;
	SPITupleTable *table;
	pg_uuid_t  *ids;

	run_query_begin(&query);
	run_query_add(&query, "SELECT d.id, CASE WHEN d.definition ? 'search'"
				  " THEN d.definition END"
				  " FROM %t.workflow_definitions d WHERE true");
	add_tenant(&query, tenant);
	run_query_add(&query, psprintf(" ORDER BY d.is_active DESC,"
								   " d.updated_at DESC LIMIT %d",
								   MAX_DEFINITIONS));
	run_query_execute(&query, PLANNER_BY_INDEX);
	table = SPI_tuptable;
	*n = (int) SPI_processed;
	ids = palloc(sizeof(pg_uuid_t) * Max(*n, 1));
	for (int i = 0; i < *n; i++)
	{
		bool		isnull;
		Datum		datum;
		ListCell   *lc;

		ids[i] = *DatumGetUUIDP(SPI_getbinval(table->vals[i], table->tupdesc,
											  1, &isnull));
		datum = SPI_getbinval(table->vals[i], table->tupdesc, 2, &isnull);
		if (isnull)
			continue;
		foreach(lc, plan_search_of(DatumGetJsonbP(datum)))
			add_search_key(known, lfirst(lc));
	}
	return ids;
}

/* Adds the paths that are in the newest payloads of definitions. */
static void
read_payloads(KnownPaths *known, const pg_uuid_t *definitions, int n)
{
	RunQuery	query;
	SPITupleTable *table;
	uint64		rows;
	MemoryContext old = CurrentMemoryContext;
	MemoryContext scratch = AllocSetContextCreate(old, "a payload's paths",
												  ALLOCSET_DEFAULT_SIZES);
	int			each = Max(1, Min(MAX_PAYLOADS_EACH, MAX_PAYLOADS / n));

	run_query_begin(&query);
	run_query_add(&query, "SELECT r.trigger_payload FROM ");
	run_query_add_param(&query, "unnest($) d (id)", UUIDARRAYOID,
						run_ids_array(definitions, n));
	run_query_add(&query, " CROSS JOIN LATERAL"
				  " (SELECT r.trigger_payload FROM %t.workflow_runs r"
				  "  WHERE r.definition_id = d.id");
	run_query_add_param(&query, " ORDER BY r.id DESC LIMIT $) r", INT8OID,
						Int64GetDatum(each));
	run_query_execute(&query, PLANNER_BY_INDEX);
	table = SPI_tuptable;
	rows = SPI_processed;
	MemoryContextSwitchTo(scratch);
	for (uint64 i = 0; i < rows; i++)
	{
		bool		isnull;
		Datum		datum = SPI_getbinval(table->vals[i], table->tupdesc, 1,
										  &isnull);

		CHECK_FOR_INTERRUPTS();
		if (toast_raw_datum_size(datum) > MAX_PAYLOAD_BYTES)
			continue;
		add_scalars(known, &DatumGetJsonbP(datum)->root, 0);
		MemoryContextReset(scratch);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
}

List *
search_known_paths(const pg_uuid_t *tenant)
{
	HASHCTL		control = {.keysize = MAX_KEY,.entrysize = MAX_KEY};
	KnownPaths *known = palloc0(sizeof(KnownPaths));
	pg_uuid_t  *definitions;
	int			n;

	known->context = CurrentMemoryContext;
	SPI_connect();
	control.hcxt = CurrentMemoryContext;
	known->keys = hash_create("known paths", MAX_PATHS, &control,
							 HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	definitions = read_definitions(known, tenant, &n);
	if (n > 0)
		read_payloads(known, definitions, n);
	SPI_finish();
	return known->paths;
}
