/*
 * failures.c
 *	  wf_failures: what fails, in groups.
 *
 * Runs in the backend that asks, as the owner of our tables (the function is
 * SECURITY DEFINER): the tenant binding of the session is applied here.  The
 * newest failed runs are found by the index of what has failed, definition by
 * definition, and grouped here by definition, step and class of the error.
 * Owns nothing beyond a call.
 */
#include "postgres.h"
#include "compat.h"

#include "api/asked_tenant.h"
#include "api/run_find.h"
#include "api/run_query.h"
#include "base/error_class.h"
#include "base/uuid7.h"
#include "base/uuid_list.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "store/store_schema.h"
#include "store/store_tables.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#define NCOLUMNS 9
#define MAX_GROUPS 1000
#define EXAMINED 10000			/* the newest failed runs, so many */
#define EXAMINED_LIMIT "10000"	/* the same, in SQL */
#define AFTER "1000"			/* runs after the newest failed one, so many */

/*--- the failed runs ---*/

/*
 * $1 and %a as asked_tenant_query() gives them, $2 from this id on.  What is
 * examined is in the heap anyway, so it is read with the index.
 */
#define FAILED \
	"SELECT f.*, d.name" \
	" FROM %t.workflow_definitions d CROSS JOIN LATERAL" \
	"  (SELECT q.id, q.definition_id, q.definition_version, q.current_step," \
	"    q.error_message, q.completed_at" \
	"   FROM %t.workflow_runs q WHERE q.status = 'failed'" \
	"    AND q.definition_id = d.id AND q.id >= $2" \
	"    ORDER BY q.id DESC LIMIT " EXAMINED_LIMIT ") f" \
	" WHERE %a OR d.tenant_id = $1" \
	" ORDER BY f.id DESC LIMIT " EXAMINED_LIMIT

/*
 * Of each definition the newest m ids, m being $3 times its share.  The
 * greatest of the m-th ids is one from which on all are known; how many these
 * are.  No row: no definition has so many.
 */
#define KNOWN_FROM \
	"WITH d AS (SELECT id FROM %t.workflow_definitions" \
	"  WHERE %a OR tenant_id = $1)," \
	" m AS (SELECT least(" EXAMINED_LIMIT ", greatest(50," \
	"   $3 * " EXAMINED_LIMIT " / greatest(count(*), 1)))::bigint AS most FROM d)," \
	" c AS MATERIALIZED (SELECT f.id, f.place = m.most AS is_last" \
	"  FROM m CROSS JOIN d CROSS JOIN LATERAL" \
	"   (SELECT q.id, row_number() OVER (ORDER BY q.id DESC) AS place" \
	"    FROM %t.workflow_runs q WHERE q.status = 'failed'" \
	"     AND q.definition_id = d.id AND q.id >= $2" \
	"    ORDER BY q.id DESC LIMIT m.most) f)" \
	" SELECT l.id, (SELECT count(*) FROM c WHERE c.id >= l.id)" \
	" FROM (SELECT c.id FROM c WHERE c.is_last ORDER BY c.id DESC LIMIT 1) l"

/*
 * Of each definition in $1, has a run that was fired after the one in $2
 * completed?  Of the next ones.
 */
#define COMPLETED_AFTER \
	"SELECT EXISTS (SELECT FROM (SELECT q.status FROM %t.workflow_runs q" \
	"   WHERE q.definition_id = g.definition_id AND q.id > g.newest" \
	"   ORDER BY q.id LIMIT " AFTER ") x WHERE x.status = 'completed')" \
	" FROM unnest($1, $2) WITH ORDINALITY g (definition_id, newest, place)" \
	" ORDER BY g.place"

/* Number $3 of the steps of version $2 of definition $1. */
#define STEP_NAME \
	"SELECT v.definition->'steps'->$3->>'name'" \
	" FROM %t.workflow_definition_versions v" \
	" WHERE v.definition_id = $1 AND v.version = $2"

/*--- groups ---*/

/* Those that have failed alike; in the memory of the call, as its key is. */
typedef struct FailureGroup
{
	pg_uuid_t	definition_id;
	const char *workflow_name;
	const char *step;			/* "": the version has no such step */
	const char *error_class;
	int			count;
	TimestampTz first;
	TimestampTz last;
	pg_uuid_t	newest_run;
	bool		still_failing;
} FailureGroup;

typedef struct GroupEntry
{
	const char *key;			/* must be first */
	FailureGroup *group;
} GroupEntry;

/* The names of steps that were looked up, by version and number. */
typedef struct StepKey
{
	pg_uuid_t	definition_id;
	int32		version;
	int32		step;
} StepKey;

typedef struct StepEntry
{
	StepKey		key;			/* must be first */
	const char *name;
} StepEntry;

/* What a call has in hand. */
typedef struct Failures
{
	MemoryContext context;		/* of the call; what is kept is in it */
	HTAB	   *groups;
	HTAB	   *steps;
	List	   *list;			/* of FailureGroup * */
} Failures;

static uint32
hash_text(const void *key, Size size)
{
	const char *text = *(const char *const *) key;

	return DatumGetUInt32(hash_any((const unsigned char *) text,
								   strlen(text)));
}

static int
compare_text(const void *a, const void *b, Size size)
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

static void
failures_begin(Failures *failures)
{
	HASHCTL		groups = {.keysize = sizeof(char *),
		.entrysize = sizeof(GroupEntry),.hash = hash_text,
	.match = compare_text,.hcxt = CurrentMemoryContext};
	HASHCTL		steps = {.keysize = sizeof(StepKey),
	.entrysize = sizeof(StepEntry),.hcxt = CurrentMemoryContext};

	failures->context = CurrentMemoryContext;
	failures->list = NIL;
	failures->groups = hash_create("groups of failures", 64, &groups,
								   HASH_ELEM | HASH_FUNCTION | HASH_COMPARE |
								   HASH_CONTEXT);
	failures->steps = hash_create("steps of failures", 64, &steps,
								  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* The name of that step, or "" if there is none.  Within SPI. */
static const char *
step_name(Failures *failures, const pg_uuid_t *definition_id, int version,
		  int step)
{
	StepKey		key;
	StepEntry  *entry;
	RunQuery	query;
	char	   *name = NULL;
	bool		found;

	memset(&key, 0, sizeof(key));
	key.definition_id = *definition_id;
	key.version = version;
	key.step = step;
	entry = hash_search(failures->steps, &key, HASH_ENTER, &found);
	if (found)
		return entry->name;

	entry->name = "";
	run_query_begin(&query);
	run_query_add(&query, STEP_NAME);
	run_query_param(&query, UUIDOID, UUIDPGetDatum(definition_id));
	run_query_param(&query, INT4OID, Int32GetDatum(version));
	run_query_param(&query, INT4OID, Int32GetDatum(step));
	run_query_execute(&query, PLANNER_BY_INDEX);
	if (SPI_processed > 0)
		name = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	if (name != NULL)
		entry->name = MemoryContextStrdup(failures->context, name);
	SPI_freetuptable(SPI_tuptable);
	return entry->name;
}

/* The group of such runs, made if it is new. */
static FailureGroup *
group_of(Failures *failures, const FailureGroup *alike)
{
	char	   *key = psprintf("%s %s %s",
							   id_text(&alike->definition_id), alike->step,
							   alike->error_class);
	GroupEntry *entry;
	MemoryContext old;
	bool		found;

	entry = hash_search(failures->groups, &key, HASH_ENTER, &found);
	if (found)
		return entry->group;
	old = MemoryContextSwitchTo(failures->context);
	entry->key = pstrdup(key);
	entry->group = palloc(sizeof(FailureGroup));
	*entry->group = *alike;
	entry->group->workflow_name = pstrdup(alike->workflow_name);
	entry->group->error_class = pstrdup(alike->error_class);
	failures->list = lappend(failures->list, entry->group);
	MemoryContextSwitchTo(old);
	return entry->group;
}

/* Counts a row of FAILED.  They come newest first. */
static void
count_failed(Failures *failures, HeapTuple row, TupleDesc desc)
{
	FailureGroup alike = {0};
	FailureGroup *group;
	TimestampTz failed_at;
	char	   *message;
	int			version;
	int			step;
	bool		isnull;

	alike.newest_run = *DatumGetUUIDP(SPI_getbinval(row, desc, 1, &isnull));
	alike.definition_id = *DatumGetUUIDP(SPI_getbinval(row, desc, 2, &isnull));
	version = DatumGetInt32(SPI_getbinval(row, desc, 3, &isnull));
	step = DatumGetInt32(SPI_getbinval(row, desc, 4, &isnull));
	alike.step = step_name(failures, &alike.definition_id, version, step);
	message = SPI_getvalue(row, desc, 5);
	alike.error_class = error_class(message ? message : "");
	failed_at = DatumGetTimestampTz(SPI_getbinval(row, desc, 6, &isnull));
	if (isnull)
		failed_at = 0;
	alike.workflow_name = SPI_getvalue(row, desc, 7);

	group = group_of(failures, &alike);
	group->count++;
	if (failed_at == 0)
		return;					/* somebody has damaged the row */
	group->first = group->first == 0 ? failed_at :
		Min(group->first, failed_at);
	group->last = group->last == 0 ? failed_at :
		Max(group->last, failed_at);
}

/* The largest groups first, and of equal ones the newer. */
static int
compare_groups(const ListCell *a, const ListCell *b)
{
	const FailureGroup *x = lfirst(a);
	const FailureGroup *y = lfirst(b);

	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return memcmp(y->newest_run.data, x->newest_run.data, UUID_LEN);
}

/*--- the function ---*/

/* Sets whether each of the groups still fails.  Within SPI. */
static void
decide_still_failing(List *groups)
{
	int			n = list_length(groups);
	pg_uuid_t  *definitions = palloc(sizeof(pg_uuid_t) * n);
	pg_uuid_t  *newest = palloc(sizeof(pg_uuid_t) * n);
	RunQuery	query;

	for (int i = 0; i < n; i++)
	{
		const FailureGroup *group = list_nth(groups, i);

		definitions[i] = group->definition_id;
		newest[i] = group->newest_run;
	}
	run_query_begin(&query);
	run_query_add(&query, COMPLETED_AFTER);
	run_query_param(&query, UUIDARRAYOID, run_ids_array(definitions, n));
	run_query_param(&query, UUIDARRAYOID, run_ids_array(newest, n));
	run_query_execute(&query, PLANNER_BY_INDEX);
	for (int i = 0; i < n; i++)
	{
		FailureGroup *group = list_nth(groups, i);
		bool		isnull;

		group->still_failing =
			!DatumGetBool(SPI_getbinval(SPI_tuptable->vals[i],
										SPI_tuptable->tupdesc, 1, &isnull));
	}
	SPI_freetuptable(SPI_tuptable);
}

static void
put_group(ReturnSetInfo *rsinfo, const FailureGroup *group)
{
	Datum		values[NCOLUMNS];
	bool		nulls[NCOLUMNS] = {0};

	values[0] = UUIDPGetDatum(&group->definition_id);
	values[1] = CStringGetTextDatum(group->workflow_name);
	values[2] = CStringGetTextDatum(group->step);
	nulls[2] = group->step[0] == '\0';
	values[3] = CStringGetTextDatum(group->error_class);
	values[4] = Int32GetDatum(group->count);
	values[5] = TimestampTzGetDatum(group->first);
	values[6] = TimestampTzGetDatum(group->last);
	nulls[5] = nulls[6] = group->first == 0;
	values[7] = UUIDPGetDatum(&group->newest_run);
	values[8] = BoolGetDatum(group->still_failing);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/* Argument 2, max_groups.  Raises 22023. */
static int
max_groups(FunctionCallInfo fcinfo)
{
	int			max = PG_ARGISNULL(2) ? 100 : PG_GETARG_INT32(2);

	if (max < 1 || max > MAX_GROUPS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"max_groups\" of wf_failures must be from 1 to %d",
						MAX_GROUPS)));
	return max;
}

/*
 * Raises *low, from which id on failed runs are looked for, as far as the
 * newest ones are still found: else the newest of every definition are read,
 * many times what is examined.  Most often they are spread over the
 * definitions, so little more than the share of each is tried first.  Within
 * SPI.
 */
static void
raise_low(const pg_uuid_t *tenant, pg_uuid_t *low)
{
	double		factor = 1.5;
	bool		enough = false;

	while (!enough)
	{
		RunQuery	query;
		bool		isnull;

		asked_tenant_query(&query, KNOWN_FROM, tenant);
		run_query_param(&query, UUIDOID, UUIDPGetDatum(low));
		run_query_param(&query, FLOAT8OID, Float8GetDatum(factor));
		run_query_execute(&query, PLANNER_BY_INDEX);
		if (SPI_processed == 0)
			return;
		enough = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0],
											 SPI_tuptable->tupdesc, 2,
											 &isnull)) >= EXAMINED;
		if (enough)
			*low = *DatumGetUUIDP(SPI_getbinval(SPI_tuptable->vals[0],
												SPI_tuptable->tupdesc, 1,
												&isnull));
		SPI_freetuptable(SPI_tuptable);
		factor *= 4;
	}
}

/* Reads the newest failed runs and groups them.  Within SPI. */
static void
group_failed(Failures *failures, const pg_uuid_t *tenant, TimestampTz since)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext,
												  "failed run",
												  ALLOCSET_DEFAULT_SIZES);
	SPITupleTable *rows;
	uint64		n;
	pg_uuid_t	low;
	RunQuery	query;

	uuid7_floor(&low, since);
	raise_low(tenant, &low);
	asked_tenant_query(&query, FAILED, tenant);
	run_query_param(&query, UUIDOID, UUIDPGetDatum(&low));
	run_query_execute(&query, PLANNER_BY_INDEX);
	rows = SPI_tuptable;
	n = SPI_processed;
	for (uint64 i = 0; i < n; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(scratch);

		CHECK_FOR_INTERRUPTS();
		count_failed(failures, rows->vals[i], rows->tupdesc);
		MemoryContextSwitchTo(old);
		MemoryContextReset(scratch);
	}
	MemoryContextDelete(scratch);
}

PG_FUNCTION_INFO_V1(wf_failures);

/* Raises 22023 (max_groups). */
Datum
wf_failures(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	TimestampTz since = PG_ARGISNULL(1) ? DT_NOBEGIN
		: PG_GETARG_TIMESTAMPTZ(1);
	int			max = max_groups(fcinfo);
	pg_uuid_t	tenant;
	AskedTenant asked = asked_tenant(fcinfo, 0, &tenant);
	Failures	failures;
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	store_use_schema(get_func_namespace(fcinfo->flinfo->fn_oid));
	store_check_tables(STORE_TABLES_OF_RUNS);
	if (asked == ASKED_NOBODY)
		return (Datum) 0;

	SPI_connect();
	failures_begin(&failures);
	group_failed(&failures, asked == ASKED_ONE ? &tenant : NULL, since);
	list_sort(failures.list, compare_groups);
	failures.list = list_truncate(failures.list, max);
	decide_still_failing(failures.list);
	foreach(lc, failures.list)
		put_group(rsinfo, lfirst(lc));
	SPI_finish();
	return (Datum) 0;
}
