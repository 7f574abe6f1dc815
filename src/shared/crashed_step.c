/*
 * crashed_step.c
 *	  Shared memory: steps that ended their worker, and what outlives a crash.
 *
 * A step may end the process that executes it: by a bug of a C function, by
 * the memory it takes, or because it traps its cancellation so that nothing
 * else stops it.  So may the row of a run, if somebody has written into it
 * what the engine cannot read.  The run would be taken again and do the same
 * again.  So each worker keeps in its slot which run it is about, from before
 * it loads the row until it has saved it, and which step it executes.  When
 * the worker ends abnormally meanwhile, that is a suspect, and a worker of
 * the database books it on the run (tick_recovery.c) before it claims
 * anything.  The other runs of that definition are isolated (set_aside.c).
 *
 * A crash of a process makes the postmaster throw shared memory away.  Just
 * before, a callback in the postmaster takes the suspects out: those that
 * wait to be booked, and what slots say whose workers neither left nor were
 * told to quit by the postmaster (SIGQUIT goes to all when one crashes, and
 * in an immediate stop).  The callback copies plain bytes within bounds,
 * since a process that crashed may have left anything.  They go into the new
 * memory or, where the postmaster ends, into a file, which the next one
 * reads and removes.  Where there is no such file and pg_control says that
 * the server was not shut down, the postmaster itself was killed: nobody
 * knows then which steps were executing.
 *
 * After a crash, and where the last end is not known, workers are on
 * probation for a while: they take runs one by one and commit the beginning
 * of each attempt before they make it (run.c).  What is found begun by a
 * worker that was killed with its postmaster is a suspect as well.
 *
 * A suspect whose run somebody has locked, or that cannot be booked for
 * another reason, is put off.  The claiming waits for it, but not for long:
 * a session that is idle in a transaction must not stop the others' runs.
 *
 * The list is guarded by the lock.  A slot's part is written by its worker
 * alone and read when that has ended.
 */
#include "postgres.h"
#include "compat.h"

#include "catalog/pg_control.h"
#include "common/controldata_utils.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "shared/crashed_step.h"
#include "shared/launcher_slot.h"
#include "shared/shared.h"
#include "shared/worker_slot.h"
#include "storage/fd.h"
#include "storage/ipc.h"
#include "utils/timestamp.h"

#define STOP_FILE "pg_stat/workflow_engine.stop"
#define STOP_MAGIC 0x57460003

/* Of a suspect that cannot be booked: when again, and others wait so long. */
#define BOOK_RETRY_US INT64CONST(100000)
#define BOOK_PATIENCE_US INT64CONST(1000000)

/* How the file begins; the suspects follow. */
typedef struct StopHeader
{
	uint32		magic;
	uint32		size;			/* of a suspect */
	int32		ncrashed;
	int32		unknown;		/* the end before was not known, and no worker
								 * has been about that */
} StopHeader;

/* In the postmaster: what the memory held that is no more. */
static bool outlived = false;
static int	nkept = 0;
static CrashedStep kept[MAX_CRASHED_STEPS];

/*--- in the postmaster ---*/

static void
keep(const CrashedStep *crashed)
{
	if (nkept < MAX_CRASHED_STEPS)
		kept[nkept++] = *crashed;
}

static bool
has_worked(void)
{
	for (int i = 0; i < MAX_WORKER_SLOTS; i++)
		if (shared_state->slots[i].generation != 0)
			return true;
	return false;
}

static void
write_stop_file(void)
{
	FILE	   *file = AllocateFile(STOP_FILE, PG_BINARY_W);
	StopHeader	header = {.magic = STOP_MAGIC,.size = sizeof(CrashedStep),
		.ncrashed = nkept,
	.unknown = shared_state->last_end_unknown && !has_worked()};
	bool		written;

	if (file == NULL)
		return;					/* the next start will be careful */
	written = fwrite(&header, sizeof(header), 1, file) == 1 &&
		(nkept == 0 || fwrite(kept, sizeof(CrashedStep), nkept, file) == nkept);
	if (FreeFile(file) != 0 || !written)
		(void) unlink(STOP_FILE);
}

/* The shared memory goes: at the postmaster's end, or after a crash. */
static void
outlive(int code, Datum arg)
{
	nkept = 0;
	for (int i = 0; i < MAX_WORKER_SLOTS; i++)
	{
		WorkerSlot *slot = &shared_state->slots[i];

		if (slot->state == SLOT_LIVE && slot->is_executing && !slot->quit)
			keep(&slot->executing);
	}
	for (int i = 0; i < Min(shared_state->ncrashed, MAX_CRASHED_STEPS); i++)
		keep(&shared_state->crashed_steps[i]);
	isolated_keep();
	outlived = true;
	if (proc_exit_inprogress)
		write_stop_file();
}

static bool
was_shut_down(void)
{
	bool		crc_ok;
	ControlFileData *control = get_controlfile(DataDir, &crc_ok);
	bool		clean = crc_ok && (control->state == DB_SHUTDOWNED ||
								   control->state == DB_SHUTDOWNED_IN_RECOVERY);

	pfree(control);
	return clean;
}

/*
 * Fills kept from the file, where there is one of ours, and removes it.
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

void
crashed_step_init(SharedState *shared)
{
	bool		crashed = outlived;

	outlived = false;
	if (!crashed)
		shared->last_end_unknown = !read_stop_file();
	shared->probation = crashed || shared->last_end_unknown || nkept > 0;
	shared->ncrashed = nkept;
	memcpy(shared->crashed_steps, kept, sizeof(CrashedStep) * nkept);
	for (int i = 0; i < nkept; i++)
	{
		CrashedStep *crashed = &shared->crashed_steps[i];

		crashed->claimed_by = crashed->held_since = crashed->next_try = 0;
		isolate_for(crashed);
	}
	if (!IsUnderPostmaster)
		on_shmem_exit(outlive, (Datum) 0);
}

/*--- of a worker ---*/

/* The caller holds the lock. */
static void
forget(int i)
{
	shared_state->ncrashed--;
	memmove(&shared_state->crashed_steps[i], &shared_state->crashed_steps[i + 1],
			sizeof(CrashedStep) * (shared_state->ncrashed - i));
}

/* Where they are too many, the oldest goes: its database may be gone. */
void
crashed_step_report(const CrashedStep *crashed)
{
	LWLockAcquire(shared_state->lock, LW_EXCLUSIVE);
	if (shared_state->ncrashed == MAX_CRASHED_STEPS)
		forget(0);
	shared_state->crashed_steps[shared_state->ncrashed++] = *crashed;
	isolate_for(crashed);
	LWLockRelease(shared_state->lock);
}

void
crashed_step_note_run(const pg_uuid_t *run_id,
					  const pg_uuid_t *definition_id)
{
	WorkerSlot *slot = worker_slot_mine();

	if (slot == NULL)
		return;
	slot->is_executing = false;
	if (run_id == NULL)
		return;
	pg_write_barrier();
	memset(&slot->executing, 0, sizeof(slot->executing));
	slot->executing.database = MyDatabaseId;
	slot->executing.run_id = *run_id;
	if (definition_id != NULL)
		slot->executing.definition_id = *definition_id;
	slot->executing.step = STEP_POSITION_NONE;
	pg_write_barrier();
	slot->is_executing = true;
}

void
crashed_step_note_begin(const CrashedStep *step)
{
	WorkerSlot *slot = worker_slot_mine();

	if (slot == NULL)
		return;
	slot->is_executing = false;
	pg_write_barrier();
	slot->executing = *step;
	pg_write_barrier();
	slot->is_executing = true;
}

/* A word is written at once: nobody sees half of it. */
void
crashed_step_note_end(void)
{
	WorkerSlot *slot = worker_slot_mine();

	if (slot != NULL)
		slot->executing.step = STEP_POSITION_NONE;
}

/* In a signal handler. */
void
crashed_step_note_quit(void)
{
	WorkerSlot *slot = worker_slot_mine();

	if (slot != NULL)
		slot->quit = true;
}

bool
crashed_step_on_probation(bool *last_end_unknown)
{
	*last_end_unknown = shared_state->last_end_unknown;
	return shared_state->probation;
}

/*--- judging ---*/

CrashedSearch
crashed_step_find(int64 epoch, CrashedStep *crashed)
{
	CrashedSearch found = CRASHED_NONE;
	TimestampTz now;

	if (shared_state->ncrashed == 0)
		return CRASHED_NONE;	/* read without the lock: a hint */
	now = GetCurrentTimestamp();
	LWLockAcquire(shared_state->lock, LW_EXCLUSIVE);
	for (int i = 0; i < shared_state->ncrashed; i++)
	{
		CrashedStep *s = &shared_state->crashed_steps[i];

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
	LWLockRelease(shared_state->lock);
	return found;
}

/* Its number in the list, or -1.  The caller holds the lock. */
static int
number_of(const CrashedStep *crashed)
{
	for (int i = 0; i < shared_state->ncrashed; i++)
	{
		const CrashedStep *s = &shared_state->crashed_steps[i];

		if (s->claimed_by == crashed->claimed_by && s->since == crashed->since &&
			step_position_equal(s->step, crashed->step) &&
			memcmp(&s->run_id, &crashed->run_id, UUID_LEN) == 0)
			return i;
	}
	return -1;
}

void
crashed_step_drop(const CrashedStep *crashed)
{
	int			i;

	LWLockAcquire(shared_state->lock, LW_EXCLUSIVE);
	i = number_of(crashed);
	if (i >= 0)
		forget(i);
	LWLockRelease(shared_state->lock);
}

void
crashed_step_put_off(const CrashedStep *crashed)
{
	TimestampTz now = GetCurrentTimestamp();
	int			i;

	LWLockAcquire(shared_state->lock, LW_EXCLUSIVE);
	i = number_of(crashed);
	if (i >= 0)
	{
		CrashedStep *s = &shared_state->crashed_steps[i];

		s->claimed_by = 0;
		s->next_try = now + BOOK_RETRY_US;
		if (s->held_since == 0)
			s->held_since = now;
	}
	LWLockRelease(shared_state->lock);
}
