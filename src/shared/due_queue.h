/*
 * due_queue.h
 *	  Shared memory: runs that are due, and when the next one will be.
 *
 * About this process's database.  For workers, but for what is said to be for
 * another file.  Nothing here allocates or raises.
 */
#ifndef WF_DUE_QUEUE_H
#define WF_DUE_QUEUE_H

#include "base/unit.h"
#include "datatype/timestamp.h"
#include "utils/uuid.h"

typedef struct DueRun
{
	Unit		unit;
	pg_uuid_t	tenant_id;
	int16		priority;
	bool		is_last;		/* of a run that was taken: its tenant has no
								 * other one, and some other tenant may have */
	TimestampTz run_at;
} DueRun;

/* A place in the order of a tenant's runs. */
typedef struct DuePosition
{
	int16		priority;
	TimestampTz run_at;
	Unit		unit;
} DuePosition;

/* What is to be read from the table: a tenant's next runs. */
#define DUE_READ_AHEAD 1000
typedef struct DueReading
{
	pg_uuid_t	tenant_id;
	DuePosition after;
	int			limit;			/* at most DUE_READ_AHEAD */
} DueReading;

/*--- putting in ---*/

/* These runs are committed, and due now or later.  Wakes other workers. */
extern void due_add_runs(const DueRun *runs, int n);

/* Runs that were taken, and were not advanced or are to wait. */
extern void due_return_runs(const DueRun *runs, int n);

/*
 * All tenants are paused: until a rescan begins, nothing is kept here, and no
 * worker need be woken.  The caller has read so after due_begin_rescan gave it
 * that number.  If a rescan has begun since, wf_resume may have committed, and
 * nothing is set.
 */
extern void due_set_paused(uint32 nrescans);

/*
 * For commit_wakeup.c: as due_add_runs, but wakes nobody.  True: the caller is
 * to wake workers, since there is something to take, or something comes before
 * the moment until which they sleep.
 */
extern bool due_put_runs(const DueRun *runs, int n, TimestampTz now);

/*
 * For commit_wakeup.c: a tenant's committed runs that are too many to be
 * named; the table has them.  *first: the earliest run_at and the highest
 * priority of any.  True as above.  What is due later needs due_put_timer as
 * well.
 */
extern bool due_put_overflow(const DueRun *first, TimestampTz now);

/* For worker_life.c: a worker of this database has come, or has gone. */
extern void due_enter_worker(void);
extern void due_leave_worker(void);

/*--- taking out (due_take.c) ---*/

typedef enum DueChoice
{
	DUE_TAKE,
	DUE_LEAVE,					/* to others, or for later */
	DUE_PAUSED					/* until wf_resume, which wants a rescan */
} DueChoice;

/*
 * What is to become of that tenant's runs?  Called under the exclusive lock of
 * the queue, once a tenant: so it must be quick and must not raise.
 */
typedef DueChoice (*DueChoose) (const pg_uuid_t *tenant, const void *arg);

/*
 * Takes up to max runs for the worker of that epoch, the tenants in turn if
 * they are chosen; returns how many.  What is paused makes room, unless a
 * rescan has begun after that number was told.  *must_be_read: before the
 * caller takes more, it must read what *reading says, and call
 * due_end_reading.
 */
extern int	due_take_runs(DueRun *runs, int max, int64 epoch,
						  uint32 nrescans, DueChoose choose, const void *arg,
						  DueReading *reading, bool *must_be_read);

/* all: the tenant has no other runs that are due. */
extern void due_end_reading(const DueReading *reading, const DueRun *runs,
							int n, bool all);

/* The worker of that epoch has had an error, and reads no tenant any more. */
extern void due_forget_reading(int64 epoch);

/* May there be something to take? */
extern bool due_has_work(void);

/*--- rescans: which tenants have runs in the table (due_take.c) ---*/

/* Ids may have been lost, or never came here: the table is to be rescanned. */
extern void due_want_rescan(void);

/*
 * Is a rescan wanted, or was the last one that began at the first tenant
 * sweep_us ago (if sweep_us >= 0)?
 * If so, the caller tells each tenant that has due runs, from the one after
 * *after on (if *has_after), and calls due_end_rescan.  *nrescans, in either
 * case: how many have begun, with this one.
 */
extern bool due_begin_rescan(int64 sweep_us, pg_uuid_t *after,
							 bool *has_after, uint32 *nrescans);

/* How many rescans have begun. */
extern uint32 due_count_rescans(void);

/* False if there is no room for the tenant: end the rescan there. */
extern bool due_rescan_add_tenant(const pg_uuid_t *tenant_id);

/*
 * The end of the rescan that has that number.  complete: all tenants had room.
 * last: the last one that had; NULL: none had.  next_due: the earliest run_at
 * that lies ahead, or 0.
 */
extern void due_end_rescan(uint32 nrescans, bool complete,
						   const pg_uuid_t *last, TimestampTz next_due);

/*--- the timer: what is due later (due_take.c) ---*/

/*
 * Has the timer run out?  If so, the caller asks the table for the runs that
 * became due after *since, and sets the timer anew.
 */
extern bool due_take_timer(TimestampTz now, TimestampTz *since);

/* An earlier moment takes the place of a later one and wakes other workers. */
extern void due_set_timer(TimestampTz when);

/* For commit_wakeup.c: the same, but wakes nobody.  True as due_put_runs. */
extern bool due_put_timer(TimestampTz when);

/* 0: nothing is known to be due later. */
extern TimestampTz due_next_timer(void);

#endif							/* WF_DUE_QUEUE_H */
