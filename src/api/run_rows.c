/*
 * run_rows.c
 *	  The rows of wf_runs and wf_search: what a list shows of runs.
 *
 * Runs in the backend that calls one of them, as the owner of our tables; see
 * run_query.c.  Owns nothing beyond a call.
 *
 * Payloads may be of many megabytes, so they are read one at a time, and a row
 * has the beginning only.  Of each version of a definition that occurs, the
 * title is compiled and the steps are named once.
 */
#include "postgres.h"
#include "compat.h"

#include "access/htup_details.h"
#include "api/run_find.h"
#include "api/run_query.h"
#include "api/run_rows.h"
#include "api/run_title.h"
#include "base/error_class.h"
#include "base/json_value.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "plan/plan_title.h"
#include "store/store_actions.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#define HEAD_CHARACTERS 200

/* The columns that the statement selects. */
enum
{
	FOUND_ID,
	FOUND_TENANT,
	FOUND_DEFINITION,
	FOUND_NAME,
	FOUND_VERSION,
	FOUND_STATUS,
	FOUND_PAYLOAD,
	FOUND_QUEUED_AT,
	FOUND_RUN_AT,
	FOUND_STARTED_AT,
	FOUND_COMPLETED_AT,
	FOUND_STEP,
	FOUND_ATTEMPT,
	FOUND_ERROR,
	FOUND_COLUMNS
};

/* The columns of the result. */
enum
{
	ROW_ID,
	ROW_TENANT,
	ROW_DEFINITION,
	ROW_NAME,
	ROW_VERSION,
	ROW_STATUS,
	ROW_TITLE,
	ROW_HEAD,
	ROW_QUEUED_AT,
	ROW_RUN_AT,
	ROW_STARTED_AT,
	ROW_COMPLETED_AT,
	ROW_STEP_NAME,
	ROW_STEP,
	ROW_STEPS,
	ROW_ATTEMPT,
	ROW_ERROR,
	ROW_ERROR_CLASS,
	ROW_COLUMNS
};

/*--- versions of definitions ---*/

typedef struct VersionKey
{
	pg_uuid_t	definition_id;
	int32		version;
} VersionKey;

/* What rows show of a version. */
typedef struct ListedVersion
{
	VersionKey	key;
	Template   *title;			/* NULL: it has none */
	int			nsteps;
	char	  **steps;			/* their names; NULL: it has none */
} ListedVersion;

static HTAB *
create_versions(void)
{
	HASHCTL		control = {.keysize = sizeof(VersionKey),
		.entrysize = sizeof(ListedVersion),
	.hcxt = CurrentMemoryContext};

	return hash_create("listed versions", 64, &control,
					   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

static void
fill_version(ListedVersion *version)
{
	Jsonb	   *definition = NULL;
	Oid			run_as;
	JsonbValue	json;
	JsonbValue *steps;
	JsonMember *members;

	if (!store_fetch_version(&version->key.definition_id,
							 version->key.version, &definition, &run_as))
		return;
	version->title = plan_title_of(definition);
	json_of_jsonb(definition, &json);
	steps = json_is_object(&json) ? json_member(&json, "steps") : NULL;
	if (steps == NULL || !json_is_array(steps))
		return;
	members = json_members(steps, &version->nsteps);
	version->steps = palloc0(sizeof(char *) * Max(version->nsteps, 1));
	for (int i = 0; i < version->nsteps; i++)
		version->steps[i] = json_member_string(&members[i].value, "name");
}

/* The version; what is read of it lives in the given context. */
static const ListedVersion *
find_version(HTAB *versions, const pg_uuid_t *definition_id, int number,
			 MemoryContext context)
{
	VersionKey	key;
	ListedVersion *version;
	bool		found;

	memset(&key, 0, sizeof(key));
	key.definition_id = *definition_id;
	key.version = number;
	version = hash_search(versions, &key, HASH_ENTER, &found);
	if (!found)
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		version->title = NULL;
		version->nsteps = 0;
		version->steps = NULL;
		fill_version(version);
		MemoryContextSwitchTo(old);
	}
	return version;
}

/*--- rows ---*/

static void
set_text(Datum *values, bool *nulls, int column, const char *text)
{
	nulls[column] = text == NULL;
	values[column] = text !=NULL ? CStringGetTextDatum(text) : (Datum) 0;
}

/* Copies columns as they are: from, to. */
static void
copy_columns(const Datum *found, const bool *isnull, Datum *values,
			 bool *nulls)
{
	static const int columns[][2] = {
		{FOUND_ID, ROW_ID}, {FOUND_TENANT, ROW_TENANT},
		{FOUND_DEFINITION, ROW_DEFINITION}, {FOUND_NAME, ROW_NAME},
		{FOUND_VERSION, ROW_VERSION}, {FOUND_STATUS, ROW_STATUS},
		{FOUND_QUEUED_AT, ROW_QUEUED_AT}, {FOUND_RUN_AT, ROW_RUN_AT},
		{FOUND_STARTED_AT, ROW_STARTED_AT},
		{FOUND_COMPLETED_AT, ROW_COMPLETED_AT}, {FOUND_STEP, ROW_STEP},
		{FOUND_ATTEMPT, ROW_ATTEMPT}, {FOUND_ERROR, ROW_ERROR}
	};

	for (int i = 0; i < lengthof(columns); i++)
	{
		values[columns[i][1]] = found[columns[i][0]];
		nulls[columns[i][1]] = isnull[columns[i][0]];
	}
}

/* Fills what is made of the payload. */
static void
fill_payload(const Datum *found, const ListedVersion *version, Datum *values,
			 bool *nulls)
{
	Jsonb	   *payload = DatumGetJsonbP(found[FOUND_PAYLOAD]);
	TitledRun	run = {
		.id = DatumGetUUIDP(found[FOUND_ID]),
		.tenant_id = DatumGetUUIDP(found[FOUND_TENANT]),
		.definition_id = DatumGetUUIDP(found[FOUND_DEFINITION]),
		.workflow_name = TextDatumGetCString(found[FOUND_NAME]),
		.version = DatumGetInt32(found[FOUND_VERSION]),
		.attempt = DatumGetInt32(found[FOUND_ATTEMPT]),
		.queued_at = DatumGetTimestampTz(found[FOUND_QUEUED_AT]),
		.payload = payload
	};

	set_text(values, nulls, ROW_TITLE, run_title(&run, version->title));
	/* a character has up to four bytes; one more shows that there is more */
	set_text(values, nulls, ROW_HEAD,
			 run_clip(json_head(payload, 4 * (HEAD_CHARACTERS + 1)),
					  HEAD_CHARACTERS));
}

static void
put_row(ReturnSetInfo *rsinfo, const Datum *found, const bool *isnull,
		const ListedVersion *version)
{
	Datum		values[ROW_COLUMNS] = {0};
	bool		nulls[ROW_COLUMNS] = {0};
	int			step = DatumGetInt32(found[FOUND_STEP]);
	bool		failed = !isnull[FOUND_ERROR];

	copy_columns(found, isnull, values, nulls);
	fill_payload(found, version, values, nulls);
	set_text(values, nulls, ROW_STEP_NAME,
			 step >= 0 && step < version->nsteps ? version->steps[step] :
			 NULL);
	values[ROW_STEPS] = Int32GetDatum(version->nsteps);
	nulls[ROW_STEPS] = version->steps == NULL;
	set_text(values, nulls, ROW_ERROR_CLASS,
			 !failed ? NULL :
			 error_class(TextDatumGetCString(found[FOUND_ERROR])));
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/* Puts what the statement has found.  Within SPI. */
static void
put_found(ReturnSetInfo *rsinfo)
{
	SPITupleTable *table = SPI_tuptable;
	uint64		n = SPI_processed;
	MemoryContext call = CurrentMemoryContext;
	MemoryContext row = AllocSetContextCreate(call, "a run's row",
											  ALLOCSET_DEFAULT_SIZES);
	HTAB	   *versions = create_versions();

	for (uint64 i = 0; i < n; i++)
	{
		Datum		found[FOUND_COLUMNS];
		bool		isnull[FOUND_COLUMNS];

		CHECK_FOR_INTERRUPTS();
		MemoryContextSwitchTo(row);
		heap_deform_tuple(table->vals[i], table->tupdesc, found, isnull);
		put_row(rsinfo, found, isnull,
				find_version(versions, DatumGetUUIDP(found[FOUND_DEFINITION]),
							 DatumGetInt32(found[FOUND_VERSION]), call));
		MemoryContextSwitchTo(call);
		MemoryContextReset(row);
	}
}

void
run_rows_put(ReturnSetInfo *rsinfo, const pg_uuid_t *ids, int n)
{
	RunQuery	query;

	if (n == 0)
		return;
	SPI_connect();
	run_query_begin(&query);
	run_query_add(&query,
				  "SELECT r.id, r.tenant_id, r.definition_id, d.name,"
				  " r.definition_version, r.status, r.trigger_payload,"
				  " r.queued_at, r.run_at, r.started_at, r.completed_at,"
				  " r.current_step, r.attempt, r.error_message FROM ");
	run_query_add_param(&query, "unnest($) i (id)", UUIDARRAYOID,
						run_ids_array(ids, n));
	run_query_add(&query, " JOIN %t.workflow_runs r ON r.id = i.id"
				  " JOIN %t.workflow_definitions d ON d.id = r.definition_id"
				  " ORDER BY r.id DESC");
	run_query_execute(&query, PLANNER_BY_INDEX);
	put_found(rsinfo);
	SPI_finish();
}
