/*
 * queue_suspect.c
 *	  Shared memory: steps that ended their worker, and what outlives a crash.
 *
 * A step may end the process that executes it: by a bug of a C function, by
 * the memory it takes, or because it traps its cancellation so that nothing
 * else stops it.  So may the row of a run, if somebody has written into it
 * what the engine cannot read.  The run would be taken again and do the same
 * again.  So each worker keeps in its slot which run it is about, from before
 * it loads the row until it has saved it, and which step it executes.  When
 * the worker ends abnormally meanwhile, that is a suspect, and a worker of
 * the database books it on the run (tick_trouble.c) before it claims
 * anything.  The other runs of that definition are isolated (queue_aside.c).
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
#include "queue.h"
#include "queue_internal.h"
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
	int32		nsuspects;
	int32		unknown;		/* the end before was not known, and no worker
								 * has been about that */
} StopHeader;

/* In the postmaster: what the memory held that is no more. */
static bool outlived = false;
static int	nkept = 0;
static Suspect kept[QUEUE_MAX_SUSPECTS];

/*--- in the postmaster ---*/

static void
keep(const Suspect *suspect)
{
	if (nkept < QUEUE_MAX_SUSPECTS)
		kept[nkept++] = *suspect;
}

static bool
has_worked(void)
{
	for (int i = 0; i < QUEUE_MAX_WORKERS; i++)
		if (queue_shared->slots[i].generation != 0)
			return true;
	return false;
}

static void
write_stop_file(void)
{
	FILE	   *file = AllocateFile(STOP_FILE, PG_BINARY_W);
	StopHeader	header = {.magic = STOP_MAGIC,.size = sizeof(Suspect),
		.nsuspects = nkept,
		.unknown = queue_shared->last_end_unknown && !has_worked()};
	bool		written;

	if (file == NULL)
		return;					/* the next start will be careful */
	written = fwrite(&header, sizeof(header), 1, file) == 1 &&
		(nkept == 0 || fwrite(kept, sizeof(Suspect), nkept, file) == nkept);
	if (FreeFile(file) != 0 || !written)
		(void) unlink(STOP_FILE);
}

/* The shared memory goes: at the postmaster's end, or after a crash. */
static void
outlive(int code, Datum arg)
{
	nkept = 0;
	for (int i = 0; i < QUEUE_MAX_WORKERS; i++)
	{
		Slot	   *slot = &queue_shared->slots[i];

		if (slot->state == SLOT_LIVE && slot->is_executing && !slot->quit)
			keep(&slot->executing);
	}
	for (int i = 0; i < Min(queue_shared->nsuspects, QUEUE_MAX_SUSPECTS); i++)
		keep(&queue_shared->suspects[i]);
	queue_keep_isolated();
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
		header.magic == STOP_MAGIC && header.size == sizeof(Suspect) &&
		header.nsuspects >= 0 && header.nsuspects <= QUEUE_MAX_SUSPECTS &&
		fread(kept, sizeof(Suspect), header.nsuspects,
			  file) == header.nsuspects;
	FreeFile(file);
	(void) unlink(STOP_FILE);
	if (!whole)
		return was_shut_down();
	nkept = header.nsuspects;
	return !header.unknown;
}

/* The other runs of its definition would do the same. */
static void
isolate_for(const Suspect *suspect)
{
	static const pg_uuid_t unknown = {{0}};

	if (memcmp(&suspect->definition_id, &unknown, UUID_LEN) != 0)
		queue_isolate(suspect->database, &suspect->definition_id);
}

void
queue_suspects_init(QueueShared *shared)
{
	bool		crashed = outlived;

	outlived = false;
	if (!crashed)
		shared->last_end_unknown = !read_stop_file();
	shared->probation = crashed || shared->last_end_unknown || nkept > 0;
	shared->nsuspects = nkept;
	memcpy(shared->suspects, kept, sizeof(Suspect) * nkept);
	for (int i = 0; i < nkept; i++)
	{
		Suspect    *suspect = &shared->suspects[i];

		suspect->judge = suspect->held_since = suspect->next_try = 0;
		isolate_for(suspect);
	}
	if (!IsUnderPostmaster)
		on_shmem_exit(outlive, (Datum) 0);
}

/*--- of a worker ---*/

/* The caller holds the lock. */
static void
forget(int i)
{
	queue_shared->nsuspects--;
	memmove(&queue_shared->suspects[i], &queue_shared->suspects[i + 1],
			sizeof(Suspect) * (queue_shared->nsuspects - i));
}

/* Where they are too many, the oldest goes: its database may be gone. */
void
queue_accuse(const Suspect *suspect)
{
	LWLockAcquire(queue_shared->lock, LW_EXCLUSIVE);
	if (queue_shared->nsuspects == QUEUE_MAX_SUSPECTS)
		forget(0);
	queue_shared->suspects[queue_shared->nsuspects++] = *suspect;
	isolate_for(suspect);
	LWLockRelease(queue_shared->lock);
}

void
queue_worker_is_about(const pg_uuid_t *run_id,
					  const pg_uuid_t *definition_id)
{
	Slot	   *slot = queue_my_slot();

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
	slot->executing.step = -1;
	pg_write_barrier();
	slot->is_executing = true;
}

void
queue_worker_executing(const Suspect *step)
{
	Slot	   *slot = queue_my_slot();

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
queue_worker_executed(void)
{
	Slot	   *slot = queue_my_slot();

	if (slot != NULL)
		slot->executing.step = -1;
}

/* In a signal handler. */
void
queue_worker_quit(void)
{
	Slot	   *slot = queue_my_slot();

	if (slot != NULL)
		slot->quit = true;
}

bool
queue_on_probation(bool *last_end_unknown)
{
	*last_end_unknown = queue_shared->last_end_unknown;
	return queue_shared->probation;
}

/*--- judging ---*/

SuspectSearch
queue_find_suspect(int64 epoch, Suspect *suspect)
{
	SuspectSearch found = SUSPECT_NONE;
	TimestampTz now;

	if (queue_shared->nsuspects == 0)
		return SUSPECT_NONE;	/* read without the lock: a hint */
	now = GetCurrentTimestamp();
	LWLockAcquire(queue_shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < queue_shared->nsuspects; i++)
	{
		Suspect    *s = &queue_shared->suspects[i];

		if (s->database != MyDatabaseId)
			continue;
		if (s->held_since == 0 || now < s->held_since + BOOK_PATIENCE_US)
			found = SUSPECT_ELSEWHERE;
		if (now < s->next_try ||
			(s->judge != epoch && queue_epoch_alive(s->judge)))
			continue;
		s->judge = epoch;
		*suspect = *s;
		found = SUSPECT_FOUND;
		break;
	}
	LWLockRelease(queue_shared->lock);
	return found;
}

/* Its number in the list, or -1.  The caller holds the lock. */
static int
number_of(const Suspect *suspect)
{
	for (int i = 0; i < queue_shared->nsuspects; i++)
	{
		const Suspect *s = &queue_shared->suspects[i];

		if (s->judge == suspect->judge && s->since == suspect->since &&
			s->step == suspect->step &&
			memcmp(&s->run_id, &suspect->run_id, UUID_LEN) == 0)
			return i;
	}
	return -1;
}

void
queue_drop_suspect(const Suspect *suspect)
{
	int			i;

	LWLockAcquire(queue_shared->lock, LW_EXCLUSIVE);
	i = number_of(suspect);
	if (i >= 0)
		forget(i);
	LWLockRelease(queue_shared->lock);
}

void
queue_put_off_suspect(const Suspect *suspect)
{
	TimestampTz now = GetCurrentTimestamp();
	int			i;

	LWLockAcquire(queue_shared->lock, LW_EXCLUSIVE);
	i = number_of(suspect);
	if (i >= 0)
	{
		Suspect    *s = &queue_shared->suspects[i];

		s->judge = 0;
		s->next_try = now + BOOK_RETRY_US;
		if (s->held_since == 0)
			s->held_since = now;
	}
	LWLockRelease(queue_shared->lock);
}
