/*
 * queue_suspect.c
 *	  Shared memory: steps that ended their worker, and what outlives a crash.
 *
 * A step may end the process that executes it: by a bug of a C function, by
 * the memory it takes, or because it traps its cancellation so that nothing
 * else stops it.  The run would be taken again and do the same again.  So
 * each worker keeps in its slot what it executes; when it ends abnormally
 * meanwhile, that step is a suspect, and a worker of the database books it
 * on the run (tick_trouble.c) before it claims anything.
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

#define STOP_FILE "pg_stat/workflow_engine.stop"
#define STOP_MAGIC 0x57460001

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

static void
write_stop_file(void)
{
	FILE	   *file = AllocateFile(STOP_FILE, PG_BINARY_W);
	uint32		magic = STOP_MAGIC;
	bool		written;

	if (file == NULL)
		return;					/* the next start will be careful */
	written = fwrite(&magic, sizeof(magic), 1, file) == 1 &&
		fwrite(&nkept, sizeof(nkept), 1, file) == 1 &&
		(nkept == 0 || fwrite(kept, sizeof(Suspect), nkept, file) == nkept);
	if (FreeFile(file) != 0 || !written)
		(void) unlink(STOP_FILE);
}

/* The shared memory goes: at the postmaster's end, or after a crash. */
static void
outlive(int code, Datum arg)
{
	nkept = 0;
	for (int i = 0; i < Min(queue_shared->nsuspects, QUEUE_MAX_SUSPECTS); i++)
		keep(&queue_shared->suspects[i]);
	for (int i = 0; i < QUEUE_MAX_WORKERS; i++)
	{
		Slot	   *slot = &queue_shared->slots[i];

		if (slot->state == SLOT_LIVE && slot->is_executing && !slot->quit)
			keep(&slot->executing);
	}
	outlived = true;
	if (proc_exit_inprogress)
		write_stop_file();
}

/* Fills kept from the file; false where there is none of ours. */
static bool
read_stop_file(void)
{
	FILE	   *file = AllocateFile(STOP_FILE, PG_BINARY_R);
	uint32		magic = 0;
	bool		whole;

	if (file == NULL)
		return false;
	whole = fread(&magic, sizeof(magic), 1, file) == 1 &&
		magic == STOP_MAGIC && fread(&nkept, sizeof(nkept), 1, file) == 1 &&
		nkept >= 0 && nkept <= QUEUE_MAX_SUSPECTS &&
		fread(kept, sizeof(Suspect), nkept, file) == nkept;
	FreeFile(file);
	(void) unlink(STOP_FILE);
	if (!whole)
		nkept = 0;
	return whole;
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

void
queue_suspects_init(QueueShared *shared)
{
	bool		crashed = outlived;

	outlived = false;
	if (!crashed)
	{
		nkept = 0;
		shared->last_end_unknown = !read_stop_file() && !was_shut_down();
	}
	shared->probation = crashed || shared->last_end_unknown || nkept > 0;
	shared->nsuspects = nkept;
	memcpy(shared->suspects, kept, sizeof(Suspect) * nkept);
	for (int i = 0; i < nkept; i++)
		shared->suspects[i].judge = 0;
	if (!IsUnderPostmaster)
		on_shmem_exit(outlive, (Datum) 0);
}

/*--- of a worker ---*/

void
queue_accuse(const Suspect *suspect)
{
	LWLockAcquire(queue_shared->lock, LW_EXCLUSIVE);
	if (queue_shared->nsuspects < QUEUE_MAX_SUSPECTS)
		queue_shared->suspects[queue_shared->nsuspects++] = *suspect;
	LWLockRelease(queue_shared->lock);
}

void
queue_worker_executing(const pg_uuid_t *run_id, int step, TimestampTz since)
{
	Slot	   *slot = queue_my_slot();

	if (slot == NULL)
		return;
	slot->executing.database = MyDatabaseId;
	slot->executing.run_id = *run_id;
	slot->executing.step = step;
	slot->executing.since = since;
	slot->executing.judge = 0;
	slot->executing.uncancelled = false;
	pg_write_barrier();
	slot->is_executing = true;
}

void
queue_worker_executed(void)
{
	Slot	   *slot = queue_my_slot();

	if (slot != NULL)
		slot->is_executing = false;
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

	if (queue_shared->nsuspects == 0)
		return SUSPECT_NONE;	/* read without the lock: a hint */
	LWLockAcquire(queue_shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < queue_shared->nsuspects; i++)
	{
		Suspect    *s = &queue_shared->suspects[i];

		if (s->database != MyDatabaseId)
			continue;
		found = SUSPECT_ELSEWHERE;
		if (s->judge != epoch && queue_epoch_alive(s->judge))
			continue;
		s->judge = epoch;
		*suspect = *s;
		found = SUSPECT_FOUND;
		break;
	}
	LWLockRelease(queue_shared->lock);
	return found;
}

void
queue_drop_suspect(const Suspect *suspect)
{
	LWLockAcquire(queue_shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < queue_shared->nsuspects; i++)
	{
		if (memcmp(&queue_shared->suspects[i], suspect, sizeof(Suspect)) != 0)
			continue;
		queue_shared->suspects[i] =
			queue_shared->suspects[--queue_shared->nsuspects];
		break;
	}
	LWLockRelease(queue_shared->lock);
}
