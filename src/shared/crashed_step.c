/*
 * crashed_step.c
 *	  Shared memory: steps that ended their worker, and what outlives a crash.
 *
 * A step may end the process that executes it: by a bug of a C function, by
 * the memory it takes, or because it traps its cancellation so that nothing
 * else stops it.  So may the row of a run, if somebody has written into it
 * what the engine cannot read.  The run would be taken again and do the same
 * again.  So each worker writes down which run it is about, from before it
 * loads the row until it has saved it, and which step it executes.  If the
 * worker ends abnormally meanwhile, that is a crashed step, and a worker of
 * the database books it on the run (tick_recovery.c) before it claims
 * anything.  The other runs of that definition are isolated (set_aside.c).
 *
 * A crash of a process makes the postmaster throw shared memory away.  Just
 * before, a callback in the postmaster takes the crashed steps out: those that
 * wait to be booked, and what the workers have written down that neither left
 * nor were told to quit by the postmaster (SIGQUIT goes to all when one
 * crashes, and in an immediate stop).  The callback copies plain bytes within
 * bounds, since a process that crashed may have left anything.  They go into
 * the new memory or, if the postmaster ends, into a file, which the next one
 * reads and removes.  If there is no such file and pg_control says that the
 * server was not shut down, the postmaster itself was killed: nobody knows
 * then which steps were executing.
 *
 * After a crash, and if the last end is not known, workers are on probation
 * for a while: they take runs one by one and commit the beginning of each
 * attempt before they make it (run.c).  A step that is found begun by a worker
 * that was killed with its postmaster is a crashed step as well.
 *
 * A crashed step whose run somebody has locked, or that cannot be booked for
 * another reason, is put off.  Claiming waits for it, but not for long: a
 * session that is idle in a transaction must not stop the others' runs.
 *
 * Runs in workers and in the postmaster.  The list is guarded by the lock of
 * the slots.  What a worker has written down is written by that worker alone
 * and read after it has ended.
 */
#include "postgres.h"
#include "compat.h"

#include <signal.h>
#include <unistd.h>

#include "catalog/pg_control.h"
#include "common/controldata_utils.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "shared/crashed_step.h"
#include "shared/set_aside.h"
#include "shared/shared.h"
#include "shared/worker_slot.h"
#include "storage/fd.h"
#include "storage/ipc.h"
#include "utils/timestamp.h"

#define STOP_FILE "pg_stat/workflow_engine.stop"
#define STOP_MAGIC 0x57460004

#define MAX_CRASHED_STEPS 256

/* Of one that cannot be booked: when again, and how long claiming waits. */
#define BOOK_RETRY_US INT64CONST(100000)
#define BOOK_PATIENCE_US INT64CONST(1000000)

/* What the worker in the slot of the same number is about. */
typedef struct ExecutingStep
{
	CrashedStep step;			/* valid while is_set */
	volatile bool is_set;
	volatile sig_atomic_t quit; /* the postmaster ended the worker */
} ExecutingStep;

typedef struct CrashedSteps
{
	LWLock	   *lock;			/* that of the slots */

	/* written when the memory is made */
	bool		probation;
	bool		last_end_unknown;

	/* guarded by the lock; the oldest first */
	int			n;
	CrashedStep list[MAX_CRASHED_STEPS];

	ExecutingStep executing[MAX_WORKER_SLOTS];
} CrashedSteps;

/* How the file begins; the crashed steps follow. */
typedef struct StopHeader
{
	uint32		magic;
	uint32		size;			/* of a CrashedStep */
	int32		ncrashed;
	int32		unknown;		/* the end before was not known, and no worker
								 * was started since */
} StopHeader;

/* The memory; the same address in every process. */
static CrashedSteps *crashed_steps = NULL;

/* Of this worker; NULL in other processes.  Used in a signal handler. */
static ExecutingStep *mine = NULL;

/* In the postmaster alone: what the memory held that is no more. */
static bool outlived = false;
static int	nkept = 0;
static CrashedStep kept[MAX_CRASHED_STEPS];

/*--- in the postmaster ---*/

/* One that does not fit is lost: its run is tried again. */
static void
keep(const CrashedStep *crashed)
{
	if (nkept < MAX_CRASHED_STEPS)
		kept[nkept++] = *crashed;
}

static void
write_stop_file(void)
{
	FILE	   *file = AllocateFile(STOP_FILE, PG_BINARY_W);
	StopHeader	header = {.magic = STOP_MAGIC,.size = sizeof(CrashedStep),
		.ncrashed = nkept,
		.unknown = crashed_steps->last_end_unknown &&
	!worker_slot_any_was_reserved()};
	bool		written;

	if (file == NULL)
		return;					/* the next start will be careful */
	written = fwrite(&header, sizeof(header), 1, file) == 1 &&
		fwrite(kept, sizeof(CrashedStep), nkept, file) == nkept;
	if (FreeFile(file) != 0 || !written)
		(void) unlink(STOP_FILE);
}

/* In the postmaster, when the memory goes: at its end, or after a crash. */
static void
outlive(int code, Datum arg)
{
	nkept = 0;
	for (int i = 0; i < MAX_WORKER_SLOTS; i++)
	{
		const ExecutingStep *executing = &crashed_steps->executing[i];

		if (executing->is_set && !executing->quit)
			keep(&executing->step);
	}
	for (int i = 0; i < Min(crashed_steps->n, MAX_CRASHED_STEPS); i++)
		keep(&crashed_steps->list[i]);
	isolated_keep();
	outlived = true;
	if (proc_exit_inprogress)
		write_stop_file();
}

/* Does pg_control say that the server was shut down in good order? */
static bool
was_shut_down(void)
{
	bool		crc_ok;
	ControlFileData *control = get_controlfile(DataDir, &crc_ok);
	DBState		state = control->state;
	bool		clean = crc_ok && (state == DB_SHUTDOWNED ||
								   state == DB_SHUTDOWNED_IN_RECOVERY);

	pfree(control);
	return clean;
}

/*
 * Fills kept from the file, if there is one of ours, and removes it.
 * False: nobody knows how the server ended.
 */
static bool
read_stop_file(void)
{
	FILE	   *file = AllocateFile(STOP_FILE, PG_BINARY_R);
	StopHeader	header;
	bool		whole;

	nkept = 0;
	if (file == NULL)
		return was_shut_down();
	whole = fread(&header, sizeof(header), 1, file) == 1 &&
		header.magic == STOP_MAGIC && header.size == sizeof(CrashedStep) &&
		header.ncrashed >= 0 && header.ncrashed <= MAX_CRASHED_STEPS &&
		fread(kept, sizeof(CrashedStep), header.ncrashed,
			  file) == header.ncrashed;
	FreeFile(file);
	(void) unlink(STOP_FILE);
	if (!whole)
		return was_shut_down();
	nkept = header.ncrashed;
	return !header.unknown;
}

/* The other runs of its definition would do the same. */
static void
isolate_for(const CrashedStep *crashed)
{
	static const pg_uuid_t unknown = {{0}};

	if (memcmp(&crashed->definition_id, &unknown, UUID_LEN) != 0)
		isolated_add(crashed->database, &crashed->definition_id);
}

/* The crash took the processes that claimed, and the time that passed. */
static void
take_over_kept(void)
{
	crashed_steps->n = nkept;
	memcpy(crashed_steps->list, kept, sizeof(CrashedStep) * nkept);
	for (int i = 0; i < nkept; i++)
	{
		CrashedStep *crashed = &crashed_steps->list[i];

		crashed->claimed_by = crashed->held_since = crashed->next_try = 0;
		isolate_for(crashed);
	}
}

static void
attach(void *memory, LWLock *lock, bool is_new)
{
	bool		after_crash = outlived;

	crashed_steps = memory;
	if (!is_new)
		return;
	crashed_steps->lock = lock;
	outlived = false;
	if (!after_crash)
		crashed_steps->last_end_unknown = !read_stop_file();
	crashed_steps->probation = after_crash ||
		crashed_steps->last_end_unknown || nkept > 0;
	take_over_kept();
	if (!IsUnderPostmaster)
		on_shmem_exit(outlive, (Datum) 0);
}

const SharedPart crashed_step_part = {
	.name = "workflow_engine crashed steps",
	.size = sizeof(CrashedSteps),
	.lock = SHARED_LOCK_SLOTS,
	.attach = attach
};

/*--- what a worker is about ---*/

void
crashed_step_enter(int slot)
{
	Assert(LWLockHeldByMeInMode(crashed_steps->lock, LW_EXCLUSIVE));
	mine = &crashed_steps->executing[slot];
	mine->is_set = false;
	mine->quit = false;
}

/* The list gets the step before it is forgotten here: none is lost. */
void
crashed_step_leave(bool has_crashed)
{
	ExecutingStep *own = mine;

	if (has_crashed)
		crashed_step_report(&own->step);
	own->is_set = false;
	mine = NULL;
}

bool
crashed_step_has_run(void)
{
	return mine != NULL && mine->is_set;
}

/*
 * The postmaster may read the step at any moment, if this process is killed:
 * is_set is down while the step is written.
 */
static void
write_down(const CrashedStep *step)
{
	mine->is_set = false;
	pg_write_barrier();
	mine->step = *step;
	pg_write_barrier();
	mine->is_set = true;
}

void
crashed_step_note_run(const Unit *unit, const pg_uuid_t *definition_id)
{
	CrashedStep step = {.step = STEP_POSITION_NONE};

	if (mine == NULL)
		return;
	if (unit == NULL)
	{
		mine->is_set = false;
		return;
	}
	step.database = MyDatabaseId;
	step.unit = *unit;
	if (definition_id != NULL)
		step.definition_id = *definition_id;
	write_down(&step);
}

void
crashed_step_note_begin(const CrashedStep *step)
{
	if (mine != NULL)
		write_down(step);
}

/* A word is written at once: nobody sees half of it. */
void
crashed_step_note_end(void)
{
	if (mine != NULL)
		mine->step.step = STEP_POSITION_NONE;
}

void
crashed_step_note_quit(void)
{
	if (mine != NULL)
		mine->quit = true;
}

bool
crashed_step_on_probation(bool *last_end_unknown)
{
	*last_end_unknown = crashed_steps->last_end_unknown;
	return crashed_steps->probation;
}

/*--- the list ---*/

static void
forget(int i)
{
	Assert(LWLockHeldByMeInMode(crashed_steps->lock, LW_EXCLUSIVE));
	Assert(i >= 0 && i < crashed_steps->n);
	crashed_steps->n--;
	memmove(&crashed_steps->list[i], &crashed_steps->list[i + 1],
			sizeof(CrashedStep) * (crashed_steps->n - i));
}

/* If they are too many, the oldest goes: its database may be gone. */
void
crashed_step_report(const CrashedStep *crashed)
{
	LWLockAcquire(crashed_steps->lock, LW_EXCLUSIVE);
	if (crashed_steps->n == MAX_CRASHED_STEPS)
		forget(0);
	crashed_steps->list[crashed_steps->n++] = *crashed;
	isolate_for(crashed);
	LWLockRelease(crashed_steps->lock);
}

CrashedSearch
crashed_step_find(int64 epoch, CrashedStep *crashed)
{
	CrashedSearch found = CRASHED_NONE;
	TimestampTz now;

	/* read without the lock: one that comes now is found in the next tick */
	if (crashed_steps->n == 0)
		return CRASHED_NONE;
	now = GetCurrentTimestamp();
	LWLockAcquire(crashed_steps->lock, LW_EXCLUSIVE);
	for (int i = 0; i < crashed_steps->n; i++)
	{
		CrashedStep *s = &crashed_steps->list[i];

		if (s->database != MyDatabaseId)
			continue;
		if (s->held_since == 0 || now < s->held_since + BOOK_PATIENCE_US)
			found = CRASHED_ELSEWHERE;
		if (now < s->next_try ||
			(s->claimed_by != epoch && worker_slot_epoch_alive(s->claimed_by)))
			continue;
		s->claimed_by = epoch;
		*crashed = *s;
		found = CRASHED_FOUND;
		break;
	}
	LWLockRelease(crashed_steps->lock);
	return found;
}

/* Its number in the list, or -1. */
static int
number_of(const CrashedStep *crashed)
{
	Assert(LWLockHeldByMe(crashed_steps->lock));
	for (int i = 0; i < crashed_steps->n; i++)
	{
		const CrashedStep *s = &crashed_steps->list[i];

		if (s->claimed_by == crashed->claimed_by &&
			s->since == crashed->since &&
			step_position_equal(s->step, crashed->step) &&
			unit_equal(&s->unit, &crashed->unit))
			return i;
	}
	return -1;
}

void
crashed_step_drop(const CrashedStep *crashed)
{
	int			i;

	LWLockAcquire(crashed_steps->lock, LW_EXCLUSIVE);
	i = number_of(crashed);
	if (i >= 0)
		forget(i);
	LWLockRelease(crashed_steps->lock);
}

void
crashed_step_put_off(const CrashedStep *crashed)
{
	TimestampTz now = GetCurrentTimestamp();
	int			i;

	LWLockAcquire(crashed_steps->lock, LW_EXCLUSIVE);
	i = number_of(crashed);
	if (i >= 0)
	{
		CrashedStep *s = &crashed_steps->list[i];

		s->claimed_by = 0;
		s->next_try = now + BOOK_RETRY_US;
		if (s->held_since == 0)
			s->held_since = now;
	}
	LWLockRelease(crashed_steps->lock);
}
