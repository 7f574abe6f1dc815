/*
 * due_queue.c
 *	  Shared memory: the ids of runs that are due, tenant by tenant.
 *
 * Runs in workers, and in any backend at the end of a transaction that fires.
 * What is put in is here; what workers take out is in due_take.c.
 *
 * The queue is a hint beside the table, which stays the truth.  A session that
 * fires puts the ids of its runs in after its commit; a worker takes ids,
 * locks those rows by their primary key and checks again that they are due.
 * An id that is here twice, or whose run is gone, does no harm; one that is
 * missing is found by a rescan of the table.  So claiming scans no index of
 * what is due, and does not slow down if a snapshot keeps dead entries in it.
 *
 *	 database --> turns: tenant --> tenant --> ...   the next in turn gives one
 *						   |						 run and goes to the end
 *						   '-- heap of runs: priority, then run_at, then id
 *
 * If the table has more.  Memory is bounded: a tenant may have as many runs
 * here as there is room left for others.  What does not fit is noted as
 * "more": the table has due runs of the tenant that are not here, and
 * more_priority says how urgent they may be.  From then on nothing of that
 * tenant is put in, or it would overtake what waits in the table; a worker
 * reads the tenant's runs on, from the position at which it stopped, before it
 * takes one that may not be the first.  The flag goes down before the reader
 * takes its snapshot: a run that is not in the snapshot commits later, finds
 * the flag down and is put in (or raises the flag again).
 *
 * Paused tenants are dropped.  They would take the room of others, and this
 * memory is shared by all databases.  The rescan that wf_resume wants finds
 * their runs again.  A worker knows who is paused from the table, which it
 * read a while ago.  If a rescan has begun since then, that may be the one
 * which wf_resume wanted, so the worker drops nothing.
 *
 * A rescan of the whole table is wanted (wants_rescan) when a worker begins,
 * after it has ended or had an error (it may have lost ids), after NOTIFY,
 * rows inserted by hand, wf_resume and wf_retry, and at a sweep.  A rescan
 * finds the tenants that have due runs and has each of them read from the
 * beginning.  If there is no room for a tenant, the next rescan goes on from
 * there (the cursor).  If somebody wants a rescan meanwhile, that may be for a
 * tenant before the cursor.  So after the last tenant another rescan begins at
 * the first one (wants_whole).
 *
 * Runs that are due later are not here: next_due is the earliest moment at
 * which the table is to be asked for them.  Workers at rest sleep until then,
 * so they are woken when that moment becomes an earlier one, and only then.
 *
 * One lightweight lock guards it all, held for a few dozen instructions a
 * run.  A transaction callback takes it, so nothing here allocates or raises.
 * Pointers are valid in every process: the memory is mapped at one address.
 * Nothing survives a crash of a process; new workers want a rescan.
 */
#include "postgres.h"
#include "compat.h"

#include "common/hashfn.h"
#include "config/clock.h"
#include "miscadmin.h"
#include "shared/due_queue.h"
#include "shared/due_queue_internal.h"
#include "shared/shared.h"
#include "shared/wakeup.h"
#include "shared/worker_slot.h"

/* The memory; the same address in every process. */
static DueQueue *queue = NULL;

/*--- the memory ---*/

static void
attach(void *memory, LWLock *lock, bool is_new)
{
	queue = memory;
	if (!is_new)
		return;
	queue->lock = lock;
	dlist_init(&queue->free_tenants);
	for (int i = 0; i < MAX_WORKER_SLOTS; i++)
		dlist_init(&queue->databases[i].turns);
	for (int i = 0; i < MAX_TENANTS; i++)
		dlist_push_tail(&queue->free_tenants, &queue->tenants[i].node);
	for (int i = 0; i < MAX_RUNS; i++)
	{
		queue->runs[i].node.next_sibling = queue->free_runs;
		queue->free_runs = &queue->runs[i].node;
	}
	queue->nfree_runs = MAX_RUNS;
}

const SharedPart due_queue_part = {
	.name = "workflow_engine runs",
	.size = sizeof(DueQueue),
	.lock = SHARED_LOCK_DUE_QUEUE,
	.attach = attach
};

/* The greatest comes first: higher priority, then earlier, then lower id. */
static int
compare_runs(const pairingheap_node *a, const pairingheap_node *b, void *arg)
{
	const DueEntry *x = (const DueEntry *) a;
	const DueEntry *y = (const DueEntry *) b;

	if (x->priority != y->priority)
		return x->priority > y->priority ? 1 : -1;
	if (x->run_at != y->run_at)
		return x->run_at < y->run_at ? 1 : -1;
	return unit_compare(&y->unit, &x->unit);
}

/*--- tenants ---*/

static DueTenant **
bucket_of(Oid database, const pg_uuid_t *tenant)
{
	uint32		hash = hash_bytes(tenant->data, UUID_LEN) ^ database;

	return &queue->buckets[hash % NBUCKETS];
}

static DueTenant *
find_tenant(DueDatabase *db, const pg_uuid_t *id)
{
	DueTenant  *tenant = *bucket_of(db->database, id);

	Assert(LWLockHeldByMeInMode(queue->lock, LW_EXCLUSIVE));
	while (tenant != NULL && (tenant->database != db->database ||
							  memcmp(&tenant->id, id, UUID_LEN) != 0))
		tenant = tenant->next;
	return tenant;
}

DueTenant *
due_enter_tenant(DueDatabase *db, const pg_uuid_t *id)
{
	DueTenant  *tenant = find_tenant(db, id);
	DueTenant **bucket = bucket_of(db->database, id);

	if (tenant != NULL || dlist_is_empty(&queue->free_tenants))
		return tenant;
	tenant = dlist_container(DueTenant, node,
							 dlist_pop_head_node(&queue->free_tenants));
	memset(tenant, 0, sizeof(DueTenant));
	tenant->database = db->database;
	tenant->id = *id;
	tenant->runs.ph_compare = compare_runs;
	tenant->next = *bucket;
	*bucket = tenant;
	dlist_push_tail(&db->turns, &tenant->node);
	db->ntenants++;
	return tenant;
}

static void
free_run(DueEntry *run)
{
	run->node.next_sibling = queue->free_runs;
	queue->free_runs = &run->node;
	queue->nfree_runs++;
}

void
due_pop_run(DueTenant *tenant, DueRun *run)
{
	DueEntry   *queued;

	Assert(LWLockHeldByMeInMode(queue->lock, LW_EXCLUSIVE));
	Assert(tenant->nruns > 0);
	queued = (DueEntry *) pairingheap_remove_first(&tenant->runs);
	tenant->nruns--;
	run->unit = queued->unit;
	run->tenant_id = tenant->id;
	run->run_at = queued->run_at;
	run->priority = queued->priority;
	free_run(queued);
}

void
due_drop_runs(DueTenant *tenant)
{
	DueRun		gone;

	while (tenant->nruns > 0)
		due_pop_run(tenant, &gone);
}

void
due_drop_tenant(DueDatabase *db, DueTenant *tenant)
{
	DueTenant **link = bucket_of(db->database, &tenant->id);

	due_drop_runs(tenant);
	while (*link != tenant)
		link = &(*link)->next;
	*link = tenant->next;
	dlist_delete(&tenant->node);
	dlist_push_tail(&queue->free_tenants, &tenant->node);
	db->ntenants--;
}

void
due_note_more(DueTenant *tenant, int16 priority)
{
	tenant->more_priority = tenant->more
		? Max(tenant->more_priority, priority) : priority;
	tenant->more = true;
}

int
due_room_for(const DueTenant *tenant)
{
	int			room = queue->nfree_runs - RESERVE - tenant->nruns;

	return Max(room, MIN_RUNS - tenant->nruns);
}

bool
due_add_to_tenant(DueTenant *tenant, const DueRun *run)
{
	DueEntry   *queued = (DueEntry *) queue->free_runs;

	Assert(LWLockHeldByMeInMode(queue->lock, LW_EXCLUSIVE));
	if (due_room_for(tenant) <= 0 || queued == NULL)
		return false;
	queue->free_runs = queued->node.next_sibling;
	queue->nfree_runs--;
	queued->unit = run->unit;
	queued->run_at = run->run_at;
	queued->priority = run->priority;
	pairingheap_add(&tenant->runs, &queued->node);
	tenant->nruns++;
	return true;
}

void
due_note_rescan(DueDatabase *db)
{
	db->wants_rescan = db->wants_whole = true;
}

/*
 * If its tenant has more in the table, it is only noted: it would overtake.
 * If all are paused, the rescan that wf_resume wants finds it.
 */
static void
add_run(DueDatabase *db, const DueRun *run)
{
	DueTenant  *tenant;

	if (db->paused)
		return;
	tenant = due_enter_tenant(db, &run->tenant_id);
	if (tenant == NULL)
		due_note_rescan(db);
	else if (tenant->more || !due_add_to_tenant(tenant, run))
		due_note_more(tenant, run->priority);
}

/*--- databases ---*/

static DueDatabase *
find_database(Oid database)
{
	for (int i = 0; i < MAX_WORKER_SLOTS; i++)
		if (queue->databases[i].database == database)
			return &queue->databases[i];
	return NULL;
}

static void
empty_database(DueDatabase *db)
{
	while (!dlist_is_empty(&db->turns))
		due_drop_tenant(db, dlist_head_element(DueTenant, node,
											   &db->turns));
	memset(db, 0, sizeof(DueDatabase));
	dlist_init(&db->turns);
}

/*
 * Finds or makes it; never NULL.  There are as many places as slots of
 * workers, and this worker's database is not there, so one place is unused or
 * is that of a database without workers.
 */
static DueDatabase *
enter_database(Oid database)
{
	DueDatabase *db = find_database(database);

	for (int i = 0; db == NULL && i < MAX_WORKER_SLOTS; i++)
		if (queue->databases[i].database == InvalidOid ||
			!worker_slot_database_has_any(queue->databases[i].database))
		{
			db = &queue->databases[i];
			empty_database(db);
			db->database = database;
		}
	Assert(db != NULL);
	return db;
}

DueDatabase *
due_lock_database(void)
{
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	return find_database(MyDatabaseId);
}

void
due_unlock(void)
{
	LWLockRelease(queue->lock);
}

/* What was committed before a worker came may never have been put in. */
void
due_enter_worker(void)
{
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	due_note_rescan(enter_database(MyDatabaseId));
	due_unlock();
}

/*
 * The worker's slot is not live any more.  The ids that it had taken go with
 * it.  If it was the last one of its database, what that has here makes room
 * for others: the next worker will rescan.
 */
void
due_leave_worker(void)
{
	DueDatabase *db = due_lock_database();

	if (db != NULL && worker_slot_database_has_any(MyDatabaseId))
		due_note_rescan(db);
	else if (db != NULL)
		empty_database(db);
	due_unlock();
}

void
due_want_rescan(void)
{
	DueDatabase *db = due_lock_database();

	if (db != NULL)
		due_note_rescan(db);
	due_unlock();
}

bool
due_note_later(DueDatabase *db, TimestampTz when)
{
	if (when == 0 || (db->next_due != 0 && db->next_due <= when))
		return false;
	db->next_due = when;
	return true;
}

bool
due_database_has_work(const DueDatabase *db)
{
	return db->wants_rescan || (db->ntenants > 0 && !db->paused);
}

bool
due_put_runs(const DueRun *runs, int n, TimestampTz now)
{
	DueDatabase *db = due_lock_database();
	bool		earlier = false;
	bool		due = false;

	for (int i = 0; db != NULL && i < n; i++)
	{
		if (runs[i].run_at <= now)
		{
			add_run(db, &runs[i]);
			due = true;
		}
		else
			earlier |= due_note_later(db, runs[i].run_at);
	}
	due = due && due_database_has_work(db);
	due_unlock();
	return due || earlier;
}

void
due_add_runs(const DueRun *runs, int n)
{
	if (due_put_runs(runs, n, clock_now()))
		wakeup_others();
}

/*
 * These runs come before the position from which the table is read on, so they
 * are put in even if the table has more.  If there is no room for one, the
 * tenant is read from the beginning.
 */
void
due_return_runs(const DueRun *runs, int n)
{
	TimestampTz now = clock_now();
	DueDatabase *db = due_lock_database();
	bool		earlier = false;

	for (int i = 0; db != NULL && i < n; i++)
	{
		DueTenant  *tenant;

		if (runs[i].run_at > now)
		{
			earlier |= due_note_later(db, runs[i].run_at);
			continue;
		}
		if (db->paused)
			continue;
		tenant = due_enter_tenant(db, &runs[i].tenant_id);
		if (tenant == NULL)
			due_note_rescan(db);
		else if (!due_add_to_tenant(tenant, &runs[i]))
		{
			tenant->has_position = false;
			due_note_more(tenant, PG_INT16_MAX);
		}
	}
	due_unlock();
	if (earlier)
		wakeup_others();
}

bool
due_put_overflow(const DueRun *first, TimestampTz now)
{
	DueDatabase *db = due_lock_database();
	DueTenant  *tenant = NULL;
	bool		wake = false;

	if (db != NULL && first->run_at <= now && !db->paused)
	{
		tenant = due_enter_tenant(db, &first->tenant_id);
		if (tenant != NULL)
			due_note_more(tenant, first->priority);
		else
			due_note_rescan(db);
		wake = due_database_has_work(db);
	}
	due_unlock();
	return wake;
}
