/*
 * fire_statement.c
 *	  The rows of a fire, inserted by SQL statements.
 *
 * fire.c inserts through the table's access method.  If a user has added
 * something to workflow_runs that this would skip (store_added.c), the rows
 * are inserted here, and defaults, generated columns, checks, triggers, rules
 * and foreign keys act as in any INSERT.  If they raise, the caller of the
 * fire gets the error.
 *
 * Runs in the backend that fires, in its transaction, as the owner of the
 * table with the search_path pg_catalog: the triggers of the table get neither
 * the privileges nor the settings of the session that fires.
 *
 * Owns nothing beyond a fire.
 */
#include "postgres.h"
#include "compat.h"

#include "api/fire_statement.h"
#include "base/uuid7.h"
#include "base/uuid_list.h"
#include "catalog/pg_type.h"
#include "config/clock.h"
#include "executor/spi.h"
#include "run/run_context.h"
#include "shared/commit_wakeup.h"
#include "shared/due_queue.h"
#include "store/run_status.h"
#include "store/store_execute.h"
#include "store/store_place.h"
#include "store/store_schema.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define NPARAMETERS 12
#define MAX_ROWS 500			/* of one statement */
#define MAX_BYTES (1024 * 1024) /* of their payloads */

/* A run to be inserted. */
typedef struct FiredRun
{
	pg_uuid_t	id;
	pg_uuid_t	definition_id;
	int			version;
	pg_uuid_t	tenant_id;
	Jsonb	   *payload;
	TimestampTz fired_at;
} FiredRun;

struct FireStatement
{
	MemoryContext context;		/* of this struct, and of ids */
	MemoryContext batch_context;	/* of the payloads that wait */
	const TimestampTz *run_at;	/* NULL: the time of the fire */
	int			priority;
	int			depth;
	bool		has_rules;
	const char *key;			/* of the run that is inserted; NULL: none */
	List	  **ids;			/* NULL: the caller does not want them */
	int			nrows;			/* so many wait */
	size_t		nbytes;			/* of the payloads that wait */
	FiredRun	rows[MAX_ROWS];
};

/*--- parameters ---*/

/* Reads one column of a run. */
typedef Datum (*RunColumn) (const FiredRun *run);

static Datum
id_of(const FiredRun *run)
{
	return UUIDPGetDatum(&run->id);
}

static Datum
definition_of(const FiredRun *run)
{
	return UUIDPGetDatum(&run->definition_id);
}

static Datum
version_of(const FiredRun *run)
{
	return Int32GetDatum(run->version);
}

static Datum
tenant_of(const FiredRun *run)
{
	return UUIDPGetDatum(&run->tenant_id);
}

static Datum
payload_of(const FiredRun *run)
{
	return JsonbPGetDatum(run->payload);
}

static Datum
fired_at_of(const FiredRun *run)
{
	return TimestampTzGetDatum(run->fired_at);
}

/* One value of each run, as an array. */
static Datum
column_array(const FiredRun *runs, int n, RunColumn column, Oid type)
{
	Datum	   *values = palloc(sizeof(Datum) * n);
	int			length = type == JSONBOID ? -1
		: type == UUIDOID ? UUID_LEN
		: type == INT4OID ? sizeof(int32) : sizeof(TimestampTz);
	char		align = type == UUIDOID ? TYPALIGN_CHAR
		: type == TIMESTAMPTZOID ? TYPALIGN_DOUBLE : TYPALIGN_INT;

	for (int i = 0; i < n; i++)
		values[i] = column(&runs[i]);
	return PointerGetDatum(construct_array(values, n, type, length,
										   type == INT4OID ||
										   type == TIMESTAMPTZOID, align));
}

/*
 * Fills the parameters of the statements that insert, in the order of
 * INSERT_RUNS (store_statements.c).
 */
static void
fill_parameters(const FireStatement *fire, const FiredRun *runs, int n,
				Datum *values, char *nulls)
{
	values[0] = column_array(runs, n, id_of, UUIDOID);
	values[1] = column_array(runs, n, definition_of, UUIDOID);
	values[2] = column_array(runs, n, version_of, INT4OID);
	values[3] = column_array(runs, n, tenant_of, UUIDOID);
	values[4] = column_array(runs, n, payload_of, JSONBOID);
	values[5] = column_array(runs, n, fired_at_of, TIMESTAMPTZOID);
	values[6] = fire->run_at ? TimestampTzGetDatum(*fire->run_at) : (Datum) 0;
	values[7] = Int16GetDatum((int16) fire->priority);
	values[8] = fire->key ? CStringGetTextDatum(fire->key) : (Datum) 0;
	values[9] = UUIDPGetDatum(&current_run.id);
	values[10] = Int32GetDatum(fire->depth);
	values[11] = Int64GetDatum(store_place());
	memset(nulls, ' ', NPARAMETERS);
	nulls[6] = fire->run_at == NULL ? 'n' : ' ';
	nulls[8] = fire->key == NULL ? 'n' : ' ';
	nulls[9] = current_run.active ? ' ' : 'n';
	nulls[NPARAMETERS] = '\0';
}

/*--- the rows that were inserted ---*/

/* A column of a row of the SPI result, which is not null. */
static Datum
value_of(uint64 row, int column)
{
	bool		isnull;

	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc,
						 column, &isnull);
}

/* Appends an id to the caller's list. */
static void
note_id(FireStatement *fire, const pg_uuid_t *id)
{
	MemoryContext old;

	if (fire->ids == NULL)
		return;
	old = MemoryContextSwitchTo(fire->context);
	*fire->ids = lappend(*fire->ids, id_copy(id));
	MemoryContextSwitchTo(old);
}

/*
 * Notes the ids in the SPI result, and has the workers woken at commit for the
 * runs that wait for one: a trigger may have set another status.
 */
static void
take_inserted(FireStatement *fire)
{
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		RunStatus	status = run_status_of(DatumGetTextPP(value_of(i, 5)));
		DueRun		due = {.unit = unit_of_run(DatumGetUUIDP(value_of(i, 1))),
			.tenant_id = *DatumGetUUIDP(value_of(i, 2)),
			.run_at = DatumGetTimestampTz(value_of(i, 3)),
		.priority = DatumGetInt16(value_of(i, 4))};

		note_id(fire, &due.unit.id);
		if (run_status_is_open(status))
			wakeup_run_at_commit(&due);
	}
}

/*
 * Inserts runs; the rows that were inserted become the SPI result.  If the
 * table has rules, INSERT cannot return them, so they are searched for by
 * their ids.  Within SPI.
 */
static void
insert(const FireStatement *fire, const FiredRun *runs, int n)
{
	Datum		values[NPARAMETERS];
	char		nulls[NPARAMETERS + 1];

	fill_parameters(fire, runs, n, values, nulls);
	if (fire->has_rules)
	{
		store_execute(STORE_INSERT_RULED, values, nulls, false, 0);
		store_execute(STORE_INSERTED, values, NULL, false, 0);
	}
	else
		store_execute(fire->key ? STORE_INSERT_KEYED : STORE_INSERT,
					  values, nulls, false, 0);
}

/* Inserts the rows that wait with one statement. */
static void
flush(FireStatement *fire)
{
	Oid			save_user;
	int			save_context;

	if (fire->nrows == 0)
		return;
	store_enter_owner(&save_user, &save_context);
	SPI_connect();
	insert(fire, fire->rows, fire->nrows);
	take_inserted(fire);
	SPI_finish();
	store_leave_owner(save_user, save_context);
	fire->nrows = 0;
	fire->nbytes = 0;
	MemoryContextReset(fire->batch_context);
}

/* Notes the id of the run that has the key; false if there is none. */
static bool
find_keyed(FireStatement *fire, const FiredRun *run)
{
	Datum		values[2] = {UUIDPGetDatum(&run->definition_id),
	CStringGetTextDatum(fire->key)};

	store_execute(STORE_KEYED, values, NULL, false, 1);
	if (SPI_processed == 0)
		return false;
	note_id(fire, DatumGetUUIDP(value_of(0, 1)));
	return true;
}

/*
 * Inserts a run with a key, or notes the id of the run that has it.  ON
 * CONFLICT waits for a transaction that is about to insert the same key.  A
 * table with rules takes no ON CONFLICT: then, of two fires at the same time,
 * the later one raises 23505.
 */
static void
insert_keyed(FireStatement *fire, const FiredRun *run)
{
	Oid			save_user;
	int			save_context;

	store_enter_owner(&save_user, &save_context);
	SPI_connect();
	if (!fire->has_rules || !find_keyed(fire, run))
	{
		insert(fire, run, 1);
		if (SPI_processed > 0)
			take_inserted(fire);
		else
			(void) find_keyed(fire, run);
	}
	SPI_finish();
	store_leave_owner(save_user, save_context);
}

/*--- one fire ---*/

FireStatement *
fire_statement_begin(const TimestampTz *run_at, int priority, int depth,
					 bool has_rules)
{
	FireStatement *fire = palloc0(sizeof(FireStatement));

	fire->context = CurrentMemoryContext;
	fire->batch_context = AllocSetContextCreate(CurrentMemoryContext,
												"workflow_engine fire",
												ALLOCSET_DEFAULT_SIZES);
	fire->run_at = run_at;
	fire->priority = priority;
	fire->depth = depth;
	fire->has_rules = has_rules;
	return fire;
}

/* Copies a run to the rows that wait. */
static void
add_row(FireStatement *fire, const FiredRun *run)
{
	Size		size = VARSIZE(run->payload);
	FiredRun   *row;

	if (fire->nrows == MAX_ROWS || fire->nbytes > MAX_BYTES)
		flush(fire);
	row = &fire->rows[fire->nrows++];
	*row = *run;
	row->payload = MemoryContextAlloc(fire->batch_context, size);
	memcpy(row->payload, run->payload, size);
	fire->nbytes += size;
}

void
fire_statement_add(FireStatement *fire, const pg_uuid_t *definition_id,
				   int version, const pg_uuid_t *tenant, Jsonb *payload,
				   const char *key, List **ids)
{
	FiredRun	run = {.definition_id = *definition_id,.version = version,
	.tenant_id = *tenant,.payload = payload,.fired_at = clock_now()};

	uuid7_generate(&run.id, run.fired_at);
	fire->key = key;
	fire->ids = ids;
	if (key != NULL)
		insert_keyed(fire, &run);
	else
		add_row(fire, &run);
}

void
fire_statement_end(FireStatement *fire)
{
	flush(fire);
	MemoryContextDelete(fire->batch_context);
	pfree(fire);
}
