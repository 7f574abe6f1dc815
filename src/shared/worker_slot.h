/*
 * worker_slot.h
 *	  Shared memory: which workers live, who is woken, who must leave.
 */
#ifndef WF_WORKER_SLOT_H
#define WF_WORKER_SLOT_H

#include "postgres.h"
#include "datatype/timestamp.h"
#include "plan/step_position.h"
#include "utils/uuid.h"

#define MAX_WORKER_SLOTS 128	/* slots, all databases together */

/* What wf_workers() shows of a worker. */
typedef struct WorkerStatus
{
	int			pid;
	Oid			database;
	int64		epoch;			/* owner of its runs; never used again */
	char		state[NAMEDATALEN]; /* starting, idle, working, paused ... */
	int			in_flight;
	int64		runs_done;
	int64		steps_done;
	TimestampTz started_at;
	char		last_error[256];
} WorkerStatus;

/* Called in _PG_init of a preloaded library. */
extern void shared_install(void);

/* False where the library was not preloaded: nothing below works then. */
extern bool shared_attached(void);

/*--- of a worker ---*/

/*
 * Registers this process as a worker of its database (it has connected)
 * under a new epoch, which it returns; a before_shmem_exit callback takes it
 * out again.  slot was reserved by the launcher (its number is in
 * bgw_main_arg); where the launcher has given it up, the process ends
 * (FATAL).  Ask worker_should_leave next, before anything else.
 */
extern int64 worker_slot_enter(int slot);

/*
 * The state "starting" holds until the first call: a worker must have found
 * the extension by then, and the launcher goes by that.  In the states
 * "idle", "paused" and "pausing" a worker may be asked to give way; it counts
 * as idle since it last told of work by worker_slot_count.
 */
extern void worker_slot_set_state(const char *state);
extern void worker_slot_count(int in_flight, int64 more_runs,
							  int64 more_steps);
extern void worker_slot_error(const char *message);

/*
 * How many workers, of any database, have ended since the server started?  If
 * it has changed, runs may have lost their owner.
 */
extern uint32 worker_slot_ends(void);

/* True once after a wake-up for this database (clears it for this worker). */
extern bool worker_slot_take_wakeup(void);

/*--- of a worker: leaving (worker_leave.c) ---*/

typedef enum LeaveWish
{
	LEAVE_NOT,
	LEAVE_SOON,					/* answers under way are waited for, shortly */
	LEAVE_AT_ONCE
} LeaveWish;

/*
 * Has somebody asked this worker to leave (DROP DATABASE and friends, the
 * launcher)?  It then exits with 0 after the tick under way.  Signal-safe.
 */
extern LeaveWish worker_should_leave(void);

/* This worker is to leave soon, as if somebody had asked it to. */
extern void worker_leave(void);

/* A SIGTERM came: it begins nothing more.  Signal-safe, both. */
extern void worker_begin_stop(void);
extern bool worker_is_stopping(void);

/*
 * Tells the launcher that this worker's database has no extension (any
 * more); the worker then exits with 0.
 */
extern void database_lacks_extension(Oid database);

/* Is a worker of that epoch alive?  Lock-free: cheap enough for each row. */
extern bool worker_epoch_alive(int64 epoch);

/* Copies of all live workers into the caller's context; returns how many. */
extern int	worker_slot_list(WorkerStatus **workers);

/*--- of a worker: steps that end workers (crashed_step.c) ---*/

/* A run that a worker was about when it ended, and the step it executed. */
typedef struct CrashedStep
{
	Oid			database;
	pg_uuid_t	run_id;
	pg_uuid_t	definition_id;	/* zero: not known */
	StepPosition step;			/* none: the run was loaded or saved */
	TimestampTz since;			/* when the attempt began */
	bool		uncancelled;	/* it would not end after its time-out */
	/* by crashed_step.c alone: */
	int64		claimed_by;		/* epoch of the worker that books it, or 0 */
	TimestampTz held_since;		/* it could not be booked then; 0: it may */
	TimestampTz next_try;
} CrashedStep;

/*
 * Which run this worker is about from now on, executing no step.  NULL for
 * run_id: none; NULL for definition_id: it is not known yet.
 */
extern void worker_is_about(const pg_uuid_t *run_id,
							const pg_uuid_t *definition_id);

/*
 * What it executes from now on, until worker_executed; after that it
 * is about the same run.
 */
extern void worker_executing(const CrashedStep *step);
extern void worker_executed(void);

/*
 * It is not by an error that this worker ends: it is told to (SIGTERM, or by
 * its time limit), or quits with all others.  Signal-safe.
 */
extern void worker_note_terminate(void);
extern void worker_note_quit(void);

/* May be called while the process exits.  Zero what is not filled. */
extern void crashed_step_report(const CrashedStep *crashed);

typedef enum CrashedSearch
{
	CRASHED_NONE,
	CRASHED_FOUND,				/* book it, then drop it or put it off */
	CRASHED_ELSEWHERE			/* another worker is about it, or its run is
								 * locked for the moment: claim nothing */
} CrashedSearch;

/* A suspect of this database for this worker to book. */
extern CrashedSearch crashed_step_find(int64 epoch, CrashedStep *crashed);
extern void crashed_step_drop(const CrashedStep *crashed);

/*
 * It cannot be booked now.  Nothing is claimed for a while, in case it can
 * soon; then the others go on without it.
 */
extern void crashed_step_put_off(const CrashedStep *crashed);

/*
 * Have we come from a crash, or from nobody knows what (*last_end_unknown)?
 * Then workers begin on probation.
 */
extern bool crashed_step_probation(bool *last_end_unknown);

/*--- runs that are due (due_queue.c) ---*/

typedef struct DueRun
{
	pg_uuid_t	id;
	pg_uuid_t	tenant_id;
	TimestampTz run_at;
	int16		priority;
	bool		is_last;		/* as taken: its tenant has no other, some
								 * other tenant may have */
} DueRun;

/* A place in the order of a tenant's runs. */
typedef struct DuePosition
{
	int16		priority;
	TimestampTz run_at;
	pg_uuid_t	id;
} DuePosition;

/* What is to be read from the table: a tenant's next runs. */
#define DUE_READ_AHEAD 1000
typedef struct DueReading
{
	pg_uuid_t	tenant_id;
	DuePosition after;
	int			limit;			/* at most DUE_READ_AHEAD */
} DueReading;

/* At the commit, have the workers take that run. */
extern void wakeup_run_at_commit(const DueRun *run);

/* In a worker: these are committed, and due now or later.  Wakes the others. */
extern void due_add_runs(const DueRun *runs, int n);

/* Runs that were taken, and were not advanced or are to wait. */
extern void due_return_runs(const DueRun *runs, int n);

/* All tenants are paused: until a look is wanted nobody need be woken. */
extern void due_is_paused(void);

/*
 * Takes up to max runs, the tenants in turn but for those left out; returns
 * how many.  *must_be_read: before any more, read what *reading says, and
 * call due_end_reading.
 */
extern int	due_take_runs(DueRun *runs, int max, int64 epoch,
						  bool (*left_out) (const pg_uuid_t *tenant),
						  DueReading *reading, bool *must_be_read);

/* all: there are no others that are due. */
extern void due_end_reading(const DueReading *reading, const DueRun *runs,
							int n, bool all);

/* Has another worker of this worker's database nothing to do? */
extern bool worker_others_idle(void);

/* Wakes the other workers of this worker's database. */
extern void wakeup_others(void);

/* May there be something to take? */
extern bool due_has_work(void);

/* Ids may have been lost, or never came here: look at the whole table. */
extern void due_want_rescan(void);

/*
 * Is such a look due (sweep_us >= 0: also where the last was so long ago)?
 * Then tell what it finds, tenant by tenant, from the one behind *after.
 */
extern bool due_begin_rescan(int64 sweep_us, pg_uuid_t *after,
							 bool *has_after);

/* False where there is no room: end the look there. */
extern bool due_rescan_found(const pg_uuid_t *tenant_id);

/* last: the look is to go on after that tenant; NULL: it is complete. */
extern void due_end_rescan(const pg_uuid_t *last, TimestampTz next_due);

/*
 * Has something become due by the time?  Then ask the table for runs due
 * after *since, and set the timer anew.  An earlier one wakes the others.
 */
extern bool due_take_timer(TimestampTz now, TimestampTz *since);
extern void due_set_timer(TimestampTz when);

/* 0: nothing is known to come. */
extern TimestampTz due_next(void);

/*--- what is kept from disturbing others (set_aside.c) ---*/

/*
 * The transaction that was to save that run failed, for its sake alone.  It
 * is left alone for a while; is_queued: then it goes back to the queue.
 * Returns how many times this has happened.
 */
extern int	aside_set(const DueRun *run, bool is_queued);

/* Is it to be left alone now? */
extern bool aside_is(const pg_uuid_t *run_id);

/* Its row was saved, and that has committed. */
extern void aside_was_saved(const pg_uuid_t *run_id);

typedef enum DefinitionTurn
{
	TURN_FREE,					/* it is not isolated */
	TURN_MAY,					/* it is, and one run may go, alone */
	TURN_WAIT					/* none may go now */
} DefinitionTurn;

/*
 * May this worker advance a run of that definition?  take: and no other may
 * until isolated_end_turn.
 */
extern DefinitionTurn isolated_turn(const pg_uuid_t *definition_id,
									int64 epoch, bool take);
extern void isolated_end_turn(const pg_uuid_t *definition_id, bool went_well);

/* When something that is set aside or isolated has its turn; 0: nothing is. */
extern TimestampTz aside_until(void);

/* The clock was set back, and is at now: their waits end. */
extern void aside_clock_set_back(TimestampTz now);

/*
 * Has those taken up again whose time has come.  True: runs that were set
 * aside are among them.
 */
extern bool aside_bring_back(TimestampTz now);

/*
 * May this worker execute a step that takes long?  One of the workers of its
 * database is kept from that, unless it is the only one.
 */
extern bool long_step_begin(void);
extern void long_step_end(void);

/*--- providers that have asked to wait (gate.c) ---*/

/* What a gate stands before. */
typedef struct GateKey
{
	Oid			database;
	pg_uuid_t	id;				/* of the connection's row, or of a tenant */
	uint64		host;			/* a hash, with a tenant; else 0 */
} GateKey;

/* The place of a run among those that a gate holds. */
typedef struct GateTurn
{
	int64		gate;			/* which gate has given it; 0: none has */
	int64		number;
	/* as a gate holds it: */
	TimestampTz until;			/* then it is to come again */
	TimestampTz not_before;		/* the provider has said so; 0: he has not */
} GateTurn;

/* Is there any?  If there is none, nothing else of these need be called. */
extern bool gate_is_any(void);

/*
 * May a request go through now?  *turn is what the run has brought along;
 * false: it is held, and *turn says for how long.
 */
extern bool gate_ask(const GateKey *key, GateTurn *turn);

/*
 * The answer to a request that was begun at sent_at: the provider asks to
 * wait (for so many ms, -1: he does not say), or he does not.  turn is what
 * its run has.
 */
extern void gate_refused(const GateKey *key, const GateTurn *turn,
						 TimestampTz sent_at, int64 retry_after_ms);
extern void gate_answered(const GateKey *key, TimestampTz sent_at);

/* The clock was set back: what the gates know is of no use. */
extern void gates_clock_set_back(TimestampTz now);

/* Counts gates that were closed: whoever sees another number may look. */
extern uint32 gate_closings(void);
extern bool gate_is_closed(const GateKey *key);

/*--- of anybody: wake-ups ---*/

/*
 * At the commit of the current transaction, wake the workers of this
 * database and have them look at the table.  Cheap to repeat; no effect on
 * abort.
 */
extern void wakeup_at_commit(void);

/* At the commit, have the launcher look here (CREATE EXTENSION). */
extern void extension_check_at_commit(void);

/*
 * At the commit, have the workers of all databases read anew what ALTER
 * DATABASE and ALTER ROLE ... SET have set.
 */
extern void new_settings_at_commit(void);

/* Counts these commits: a worker that sees another number must read. */
extern uint32 new_settings_count(void);

/*
 * Has a transaction been prepared, in any database since the server started,
 * that asked for a probe or for the settings to be read, and so lost that?
 */
extern bool news_were_prepared(void);

/*
 * Workers of that database must leave, and none starts, until the current
 * transaction has ended either way.  LEAVE_SOON: they may wait for answers for
 * MAX_LEAVE_GRACE_MS.  A step that is under way is cancelled by SIGTERM after
 * a second.  Returns when they have left, or a moment after their time is
 * over, when those still there have been sent SIGTERM once more.
 */
#define MAX_LEAVE_GRACE_MS 3000
extern void database_block(Oid database, LeaveWish wish);

/*--- of the launcher ---*/

typedef enum WorkerSlotState
{
	SLOT_FREE,
	SLOT_STARTING,				/* reserved, its process has not entered */
	SLOT_LIVE,
	SLOT_LEFT					/* its process has ended or is about to */
} WorkerSlotState;

typedef enum WorkerEnd
{
	WORKER_END_ERROR,			/* also: never entered */
	WORKER_END_ASKED,			/* worker_should_leave was true */
	WORKER_END_TERMINATED,		/* pg_terminate_backend, server stop */
	WORKER_END_STEP,			/* an error, while it was about a run */
	WORKER_END_LACKS			/* its database has no extension */
} WorkerEnd;

/* A slot as the launcher sees it. */
typedef struct LauncherSlot
{
	WorkerSlotState state;
	Oid			database;
	TimestampTz since;			/* reserved at; once live, entered at */
	bool		found_extension;	/* live, and it found the extension */
	bool		leaving;		/* asked to leave */
	TimestampTz idle_since;		/* when it last had work; 0: busy now */
	WorkerEnd	end;			/* where state is SLOT_LEFT */
} LauncherSlot;

/* This process's latch is the launcher's from now on, until it exits. */
extern void launcher_slot_enter(void);

/* Copies all slots. */
extern void launcher_look_at_slots(LauncherSlot slots[MAX_WORKER_SLOTS]);

/*
 * Reserves a slot for a worker of that database and returns its number; -1
 * where all are taken.  The new worker needs the generation as well, behind
 * the database in bgw_extra.
 */
extern int	launcher_slot_reserve(Oid database, uint32 *generation);

/* May no worker of that database start now? */
extern bool database_is_blocked(Oid database);

/*
 * Frees a slot whose process has ended.  Returns how it ended, *since as in
 * LauncherSlot.
 */
extern WorkerEnd launcher_slot_release(int slot, TimestampTz *since);

/* Asks the slot's worker to leave. */
extern void worker_ask_to_leave(int slot, LeaveWish wish);

/*
 * Takes the databases that are to be probed: at most max of them, and *all
 * where they were too many to remember.  Returns how many.
 */
#define MAX_EXTENSION_CHECKS 64
extern int	extension_checks_take(Oid databases[MAX_EXTENSION_CHECKS], bool *all);

#endif							/* WF_WORKER_SLOT_H */
