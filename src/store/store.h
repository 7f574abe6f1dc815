/*
 * store.h
 *	  Every SQL statement on the extension's tables, as functions.
 */
#ifndef WF_STORE_H
#define WF_STORE_H

#include "postgres.h"
#include "base/unit.h"
#include "datatype/timestamp.h"
#include "plan/plan.h"
#include "shared/due_queue.h"
#include "storage/itemptr.h"
#include "store/run_status.h"
#include "store/store_units.h"
#include "utils/jsonb.h"
#include "utils/relcache.h"
#include "utils/uuid.h"

/*--- where the extension lives (store_schema.c) ---*/

/* The extension's schema, or InvalidOid if it is not installed. */
extern Oid	store_find_schema(void);

/*
 * The functions below work on the tables of this schema from now on.  Raises
 * 55000 if the SQL objects are newer than the library (store_version.h).
 */
extern void store_use_schema(Oid schema);

/* The same without that error. */
extern void store_use_schema_of_any_version(Oid schema);

/*
 * Keeps the extension from being dropped or updated until the transaction
 * ends; false if there is none.  Also does store_use_schema_of_any_version.
 */
extern bool store_hold_extension(void);

/* Another number whenever the functions below work on another schema. */
extern uint64 store_schema_generation(void);

/* The schema's name, not quoted, palloc'd.  Raises 42704 if there is none. */
extern char *store_schema_name(void);

/* OID of one of the extension's relations; raises 42P01. */
extern Oid	store_relation(const char *relation);

/*
 * From here to store_leave_owner the current user is the owner of the
 * extension's tables, so that neither privileges nor row security of the
 * caller apply.  After an error the transaction's abort gives both back.
 */
extern void store_enter_owner(Oid *save_user, int *save_context);
extern void store_leave_owner(Oid save_user, int save_context);

/*
 * Fixes the search_path to pg_catalog for a statement of ours; returns what
 * to hand to store_leave_search_path.
 */
extern int	store_enter_search_path(void);
extern void store_leave_search_path(int level);

/*
 * Text of a statement with each %t replaced by the schema: "FROM
 * %t.workflow_runs".  Palloc'd.
 */
extern char *store_sql(const char *sql);

/* The same, and each %r by that table of units, with its schema: "FROM %r". */
extern char *store_sql_on(UnitTable table, const char *sql);

/*--- what somebody may have changed of the tables (store_tables.c) ---*/

/* So many of the tables: the first four are all that wf_fire needs, ... */
typedef enum StoreTables
{
	STORE_TABLES_OF_FIRE = 4,
	STORE_TABLES_OF_RUNS = 5,	/* with the versions of definitions */
	STORE_ALL_TABLES = 9
} StoreTables;

/*
 * Raises 55000 if a column that the library reads or writes is not there or
 * of another type.  Costs a comparison until one of the tables changes.
 */
extern void store_check_tables(StoreTables n);

/* Did the last check raise that error? */
extern bool store_tables_mismatch(void);

/* How rows of workflow_runs are written, since somebody has added things. */
typedef struct RunsWriting
{
	bool		insert_by_statement;
	bool		update_by_statement;
	bool		has_rules;		/* without RETURNING and ON CONFLICT, then */
} RunsWriting;

/* The caller has workflow_runs open, so that this does not change. */
extern RunsWriting store_runs_writing(void);

/*--- statements that are prepared once a process (store_execute.c) ---*/

typedef enum StoreStatement
{
	STORE_TENANTS_DUE,
	STORE_DUE,
	STORE_LATER,
	STORE_NEXT_DUE,
	STORE_TAKE_OVER,
	STORE_OWNED_BUT,
	STORE_SAVE,
	STORE_EXISTS,
	STORE_INSERT,
	STORE_INSERT_RULED,
	STORE_INSERT_KEYED,
	STORE_INSERTED,
	STORE_KEYED,
	STORE_STOPPED_RUN,
	STORE_CANCEL,
	STORE_REQUEUE,
	STORE_RERUN,
	STORE_IS_CRASHED,
	STORE_CANCELLED,
	STORE_FAIL,
	STORE_LOCK_CRASHED,
	STORE_COUNT_CRASH,
	STORE_PAUSES,
	STORE_VERSION,
	STORE_NAME,
	STORE_ACTION,
	STORE_CONNECTION,
	STORE_CONNECTION_SHOWN,
	STORE_TEMPLATE,
	STORE_ACTIONS,
	STORE_DEFINITION,
	STORE_HAS_DEFINITION,
	STORE_CHAIN,
	STORE_PURGE_LOOK_RUNS,
	STORE_PURGE_RUNS,
	STORE_PURGE_LOOK_OPERATIONS,
	STORE_PURGE_OPERATIONS,
	STORE_FOREIGN_PLACES,
	STORE_COUNT_PLACE,
	STORE_OPEN_IDS,
	STORE_NSTATEMENTS
} StoreStatement;

/*
 * Executes it within SPI (the caller has connected); as SPI_execute_plan.
 * nulls may be NULL.
 */
extern int	store_execute(StoreStatement statement, Datum *values,
						  const char *nulls, bool read_only, long limit);

/* The same, of a statement on the units of that table. */
extern int	store_execute_on(UnitTable table, StoreStatement statement,
							 Datum *values, const char *nulls, bool read_only,
							 long limit);

/*--- definitions, actions, connections, templates (store_actions.c) ---*/

/* The action library; in the caller's context. */
extern ActionCatalogue *store_catalogue(void);

/*
 * The handler's signature of a function action, or NULL if there is no
 * such action.  Palloc'd in the caller's context.
 */
extern char *store_action_handler(const char *name);

/*
 * The tenant's row before the row for all; false: there is neither.
 * *is_shared: it is the row for all.
 */
extern bool store_fetch_connection(const pg_uuid_t *tenant, const char *name,
								   pg_uuid_t *id, bool *is_shared, char **kind,
								   Jsonb **config, Jsonb **credentials);
/*
 * The same without the credentials, which most roles may not read: as the
 * current user, who sees the rows that row security shows.
 */
extern bool store_fetch_connection_shown(const pg_uuid_t *tenant,
										 const char *name, pg_uuid_t *id,
										 bool *is_shared, char **kind,
										 Jsonb **config);
extern bool store_fetch_template(const pg_uuid_t *tenant, const char *name,
								 char **subject, char **body, char **html);

/* A saved version; false: it does not exist. */
extern bool store_fetch_version(const pg_uuid_t *definition_id, int version,
								Jsonb **definition, Oid *run_as);

/* The definition's name now, and when that version was saved. */
extern bool store_fetch_name(const pg_uuid_t *id, int version, char **name,
							 TimestampTz *saved_at);

/* Are the definition and that version of it there, as of now? */
extern bool store_has_definition(const pg_uuid_t *id, int version);

/*--- runs, as workers see them (store_runs.c) ---*/

/* Columns of workflow_runs, in the order of the install script. */
enum
{
	Anum_workflow_runs_id = 1,
	Anum_workflow_runs_definition_id,
	Anum_workflow_runs_trigger_payload,
	Anum_workflow_runs_status,
	Anum_workflow_runs_current_step,
	Anum_workflow_runs_step_results,
	Anum_workflow_runs_error_message,
	Anum_workflow_runs_started_at,
	Anum_workflow_runs_completed_at,
	Anum_workflow_runs_tenant_id,
	Anum_workflow_runs_definition_version,
	Anum_workflow_runs_queued_at,
	Anum_workflow_runs_run_at,
	Anum_workflow_runs_priority,
	Anum_workflow_runs_idempotency_key,
	Anum_workflow_runs_attempt,
	Anum_workflow_runs_place,
	Anum_workflow_runs_owner,
	Anum_workflow_runs_parent_id,
	Anum_workflow_runs_depth,
	Anum_workflow_runs_attempt_at,
	Anum_workflow_runs_failed_attempts,
	Anum_workflow_runs_abnormal_ends,
	Anum_workflow_runs_abnormal_step,
	Anum_workflow_runs_previous_results,
	Anum_workflow_runs_rerun_of,
	Natts_workflow_runs = Anum_workflow_runs_rerun_of
};

/* A run as loaded; lives in the context it was loaded in. */
typedef struct RunRow
{
	ItemPointerData tid;		/* of the version that was loaded */
	Unit		unit;
	pg_uuid_t	definition_id;
	int			version;
	TimestampTz saved_at;		/* when that version was saved */
	pg_uuid_t	tenant_id;
	char	   *workflow_name;
	Jsonb	   *payload;
	Jsonb	   *step_results;	/* as saved */
	List	   *new_results;	/* of Jsonb *: elements to append */
	RunStatus	status;
	StepPosition current_step;
	StepPosition loaded_step;	/* current_step as loaded */
	int			attempt;		/* of the current step, begun */
	TimestampTz attempt_at;		/* when, where that was committed; else 0 */
	Jsonb	   *failed_attempts;	/* of the current step; NULL: none */
	int			abnormal_ends;	/* of workers that executed abnormal_step; -1:
								 * it would not be cancelled */
	StepPosition abnormal_step;
	Jsonb	   *previous_results;	/* by step, after wf_retry; or NULL */
	bool		taken_over;		/* its owner is gone */
	int			depth;
	TimestampTz queued_at;
	TimestampTz started_at;
	TimestampTz run_at;
	int16		priority;
	TimestampTz completed_at;	/* 0: not yet */
	char	   *error_message;
	int64		owner;			/* 0: nobody */
	char	   *defect;			/* the run is to be failed for it; or NULL */
} RunRow;

/* The tables of units, opened for one tick's transaction (store_row.c). */
typedef struct RunTable RunTable;

/*--- is a row as the engine writes it? (store_defect.c) ---*/

/* What is wrong with it, naming the column; NULL: nothing. */
extern char *store_run_defect(const RunRow *run);

/* The same of these columns alone; the latter two may be NULL. */
extern char *store_results_defect(Jsonb *step_results, Jsonb *failed_attempts,
								  Jsonb *previous_results);

/*--- taking over, and saving by statements (store_runs.c, store_save.c) ---*/

/*
 * Up to limit runs whose owner is gone, locked and loaded.  List of RunRow *.
 */
extern List *store_take_over(RunTable *runs, int limit);

/*
 * The runs that this epoch owns, without known.  Lists of Unit *.
 */
extern List *store_owned_but(List *known, int64 epoch);

/*
 * Executes a statement that writes that run, whose id is its first value, as
 * the owner of the table.  Raises 57014 if that takes longer than a second.
 * False: no row was written.
 */
extern bool store_write_run(const Unit *unit, StoreStatement statement,
							Datum *values, const char *nulls);

/*
 * Locks a run whose worker ended while it executed that step (store_crash.c).
 * False: it is not there, has passed the step or ended, or a worker has it by
 * now; or, *locked, somebody has locked its row.
 */
extern bool store_lock_crashed(const Unit *unit, StepPosition step,
							   bool *locked);

/* The same, and loads it; NULL for false. */
extern RunRow *store_load_crashed(const Unit *unit, StepPosition step,
								  bool *locked);

/*
 * Was the run, which is locked, cancelled in the transaction under way?  Then
 * run takes over what that wrote.
 */
extern bool store_take_cancelled(RunRow *run);

/*
 * Writes back what changes in a run, by a statement, as the table's owner.
 * Raises 09000 if a trigger or rule left out the UPDATE, and whatever
 * somebody's constraint or trigger raises.
 */
extern void store_update_run(const RunRow *run);

/*
 * What an advance changes: columns, and their values in that order
 * (store_changes.c).
 */
#define STORE_NCHANGES 13
extern const UnitColumn store_changed_columns[STORE_NCHANGES];
extern void store_changes(const RunRow *run, Datum *values, bool *isnull);

/* Fails a run that no tick could process. */
extern void store_fail_run(const Unit *unit, const char *message);

/*
 * Counts an end of a worker on the run that it was about without executing a
 * step.  The run is queued again; at the max_ends-th such end at the same
 * step it is failed with that message.  Reads nothing of the row but plain
 * columns.  Raises nothing if there is no such run, or a worker has it by now;
 * *locked: somebody has locked its row.
 */
extern void store_count_crash(const Unit *unit, int max_ends,
							  const char *message, bool *locked);

/*
 * '"a" > "b"': the workflows of a run and of those above it, that of the run
 * last; at most five.
 */
extern char *store_chain_of_names(const pg_uuid_t *run_id);

/*--- what is due (store_due.c) ---*/

/* Who is paused, as of now. */
typedef struct Pauses
{
	bool		all;
	int			ntenants;
	pg_uuid_t  *tenants;		/* in the caller's context */
	int			ndefinitions;
	pg_uuid_t  *definitions;	/* likewise */
} Pauses;

extern void store_load_pauses(Pauses *pauses);
extern bool store_is_paused(const Pauses *pauses, const pg_uuid_t *tenant);
extern bool store_definition_is_paused(const Pauses *pauses,
									   const pg_uuid_t *definition_id);

/*
 * Fills tenants with the next ones, after *after (NULL: from the first), that
 * have runs which were due when they were fired; with_later: also those with
 * runs that wait for their time, whether it has come or not.  Returns how
 * many there are, at most STORE_TENANTS_A_LOOK.
 */
#define STORE_TENANTS_A_LOOK 64
extern int	store_tenants_due(const pg_uuid_t *after, bool with_later,
							  pg_uuid_t *tenants);

/*
 * Fills runs with a tenant's next ones that are due, in their order, without
 * those of paused definitions; returns how many, at most reading->limit.
 */
extern int	store_read_due(const DueReading *reading, TimestampTz now,
						   const Pauses *pauses, DueRun *runs);

/*
 * Fills runs with those that were to wait for a moment after since and up to
 * now, the earliest first; returns how many, at most max.
 */
extern int	store_read_later(TimestampTz since, TimestampTz now,
							 DueRun *runs, int max);

/* When the next run that waits for its time is due, after now; 0: none. */
extern TimestampTz store_next_due(TimestampTz now);

/*--- runs, past the executor (store_row.c) ---*/

/* In the current memory context and resource owner.  Raises 55000. */
extern RunTable *store_open_runs(void);
extern void store_close_runs(RunTable *runs);

/* The indexes of workflow_runs, which it has open. */
extern Relation *store_indexes(RunTable *runs, int *n);

/* After a subtransaction was rolled back in which runs were saved. */
extern void store_renew_runs(RunTable *runs);

/* Between these two runs are loaded, as a snapshot taken now sees them. */
extern void store_loading_begin(RunTable *runs);
extern void store_loading_end(RunTable *runs);

/*
 * Locks and loads a run if it is due and its definition is not paused; else
 * NULL, and *later if somebody else holds its row or it is not due yet.
 */
extern RunRow *store_claim_run(RunTable *runs, const Unit *unit,
							   TimestampTz now, const Pauses *pauses,
							   bool *later);

/*
 * Loads a run that this epoch owns, and locks it if that is wanted; else NULL,
 * *busy if it does and somebody else holds the row.
 */
extern RunRow *store_load_owned(RunTable *runs, const Unit *unit,
								int64 epoch, bool lock, bool *busy);

/*
 * Loads a run whose row this transaction has locked; NULL if it, or its
 * definition, is not there.
 */
extern RunRow *store_load_locked(RunTable *runs, const Unit *unit);

typedef enum RelockResult
{
	RELOCK_OURS,				/* run may be saved */
	RELOCK_CANCELLED,			/* the same, and run says so now */
	RELOCK_GONE					/* it is not ours any more */
} RelockResult;

/*
 * Locks the row of a run that was loaded unlocked and has been advanced since.
 * Waits for whoever has it; raises 55P03 after LockTimeout.
 */
extern RelockResult store_relock_owned(RunTable *runs, RunRow *run,
									   int64 epoch);

/* Writes back what changes in a run.  runs may be NULL. */
extern void store_save_run(RunTable *runs, const RunRow *run);

/*--- the index of payloads (store_pending.c) ---*/

/* An index whose list of new entries is to be cleaned, or InvalidOid. */
extern Oid	store_find_pending(RunTable *runs);

/*
 * Sorts what is on the list into the index, unless another worker is about
 * it.  In a transaction.
 */
extern void store_clean_pending(Oid index);

#endif							/* WF_STORE_H */
