/*
 * due_take.c
 *	  Shared memory: what workers take out of the queue, and read for it.
 *
 * Runs in workers; due_put_timer also in any backend at the end of a
 * transaction.  due_queue.c describes how the queue and the table belong
 * together.  Owns nothing.
 */
#include "postgres.h"
#include "compat.h"

#include "config/clock.h"
#include "miscadmin.h"
#include "shared/due_queue.h"
#include "shared/due_queue_internal.h"
#include "shared/wakeup.h"
#include "shared/worker_slot.h"

/*--- taking ---*/

/*
 * Must the table be read before its next run is known?  Yes if the table has
 * one that may be more urgent than the first that is here.
 */
static bool
must_read(const DueTenant *tenant)
{
	const DueEntry *first;

	if (!tenant->more)
		return false;
	if (tenant->nruns == 0)
		return true;
	first = (const DueEntry *) pairingheap_first(unconstify(pairingheap *,
															&tenant->runs));
	return tenant->more_priority > first->priority;
}

/*
 * Makes this worker the reader of the tenant.  The table is read on from the
 * position, unless runs that are more urgent than the position have come
 * since, or there is no room for further ones: then what is here is dropped,
 * and the table is read from the beginning.
 */
static void
begin_reading(DueTenant *tenant, int64 epoch, DueReading *reading)
{
	if (!tenant->has_position || due_room_for(tenant) <= 0 ||
		tenant->more_priority > tenant->position.priority)
	{
		due_drop_runs(tenant);
		memset(&tenant->position, 0, sizeof(DuePosition));
		tenant->position.priority = PG_INT16_MAX;
		tenant->position.run_at = DT_NOBEGIN;
	}
	tenant->more = false;
	tenant->reader = epoch;
	reading->tenant_id = tenant->id;
	reading->after = tenant->position;
	reading->limit = Min(due_room_for(tenant), DUE_READ_AHEAD);
}

/* To the end of the turns. */
static void
pass_turn(DueDatabase *db, DueTenant *tenant)
{
	dlist_delete(&tenant->node);
	dlist_push_tail(&db->turns, &tenant->node);
}

int
due_take_runs(DueRun *runs, int max, int64 epoch, uint32 nrescans,
			  DueChoose choose, const void *arg, DueReading *reading,
			  bool *must_be_read)
{
	DueDatabase *db = due_lock_database();
	int			passed = 0;		/* tenants in a row that gave nothing */
	int			n = 0;

	*must_be_read = false;
	while (db != NULL && n < max && passed < db->ntenants)
	{
		DueTenant  *tenant = dlist_head_element(DueTenant, node,
												&db->turns);
		DueChoice	choice = choose(&tenant->id, arg);
		bool		in_reading = tenant->reader != epoch &&
			worker_slot_epoch_alive(tenant->reader);

		if (choice == DUE_PAUSED && !in_reading &&
			db->nrescans == nrescans)
		{
			due_drop_tenant(db, tenant);
			continue;
		}
		if (choice != DUE_TAKE || in_reading)
			passed++;
		else if (must_read(tenant))
		{
			begin_reading(tenant, epoch, reading);
			*must_be_read = true;
			break;
		}
		else if (tenant->nruns == 0)
		{
			due_drop_tenant(db, tenant);
			continue;
		}
		else
		{
			due_pop_run(tenant, &runs[n]);
			runs[n++].is_last = tenant->nruns == 0 && !tenant->more &&
				db->ntenants > 1;
			passed = 0;
		}
		pass_turn(db, tenant);
	}
	due_unlock();
	return n;
}

void
due_end_reading(const DueReading *reading, const DueRun *runs, int n,
				bool all)
{
	DueDatabase *db = due_lock_database();
	DueTenant  *tenant = db == NULL ? NULL
		: due_enter_tenant(db, &reading->tenant_id);
	int			kept = 0;

	if (tenant != NULL)
	{
		/*
		 * A rescan has come upon the tenant meanwhile: runs may be due that
		 * come before those just read.
		 */
		bool		anew = tenant->more &&
			tenant->more_priority == PG_INT16_MAX;

		while (kept < n && due_add_to_tenant(tenant, &runs[kept]))
			kept++;
		tenant->reader = 0;
		tenant->has_position = !anew && (!all || kept < n);
		if (tenant->has_position)
		{
			tenant->position = reading->after;
			if (kept > 0)
			{
				tenant->position.priority = runs[kept - 1].priority;
				tenant->position.run_at = runs[kept - 1].run_at;
				tenant->position.unit = runs[kept - 1].unit;
			}
			due_note_more(tenant, tenant->position.priority);
		}
	}
	else if (db != NULL)
		due_note_rescan(db);
	due_unlock();
	wakeup_workers(MyDatabaseId);	/* there is something for all */
}

void
due_forget_reading(int64 epoch)
{
	DueDatabase *db = due_lock_database();
	dlist_iter	iter;

	if (db != NULL)
		dlist_foreach(iter, &db->turns)
		{
			DueTenant  *tenant = dlist_container(DueTenant, node, iter.cur);

			if (tenant->reader != epoch)
				continue;
			tenant->reader = 0;
			tenant->has_position = false;
			due_note_more(tenant, PG_INT16_MAX);
		}
	due_unlock();
}

void
due_set_paused(uint32 nrescans)
{
	DueDatabase *db = due_lock_database();
	dlist_mutable_iter iter;

	if (db != NULL && db->nrescans == nrescans)
	{
		db->paused = true;
		dlist_foreach_modify(iter, &db->turns)
		{
			DueTenant  *tenant = dlist_container(DueTenant, node, iter.cur);

			if (!worker_slot_epoch_alive(tenant->reader))
				due_drop_tenant(db, tenant);
		}
	}
	due_unlock();
}

bool
due_has_work(void)
{
	DueDatabase *db = due_lock_database();
	bool		has = db != NULL && due_database_has_work(db);

	due_unlock();
	return has;
}

/*--- rescans ---*/

bool
due_begin_rescan(int64 sweep_us, pg_uuid_t *after, bool *has_after,
				 uint32 *nrescans)
{
	TimestampTz now = clock_now();
	DueDatabase *db = due_lock_database();
	bool		wanted = false;

	/* rescanned_at lies in the future if the clock was set back */
	if (db != NULL && sweep_us >= 0 &&
		(now < db->rescanned_at || now - db->rescanned_at >= sweep_us))
		due_note_rescan(db);
	if (db != NULL && db->wants_rescan)
	{
		wanted = true;
		db->wants_rescan = db->paused = false;
		db->nrescans++;
		*after = db->cursor;
		*has_after = db->has_cursor;
		if (!db->has_cursor)
		{
			db->wants_whole = false;
			db->rescanned_at = now;
		}
		db->later_until = now;
	}
	*nrescans = db != NULL ? db->nrescans : 0;
	due_unlock();
	return wanted;
}

uint32
due_count_rescans(void)
{
	DueDatabase *db = due_lock_database();
	uint32		n = db != NULL ? db->nrescans : 0;

	due_unlock();
	return n;
}

bool
due_rescan_add_tenant(const pg_uuid_t *id)
{
	DueDatabase *db = due_lock_database();
	DueTenant  *tenant = db != NULL ? due_enter_tenant(db, id) : NULL;

	if (tenant != NULL)
	{
		tenant->has_position = false;
		due_note_more(tenant, PG_INT16_MAX);
	}
	due_unlock();
	return tenant != NULL;
}

/*
 * Several workers may rescan at a time.  If a rescan ends for want of room,
 * the next one goes on from there only if no other rescan has begun meanwhile:
 * that one may have begun at the first tenant, and not have come so far.  Else
 * all tenants are rescanned once more.
 */
void
due_end_rescan(uint32 nrescans, bool complete, const pg_uuid_t *last,
			   TimestampTz next_due)
{
	DueDatabase *db = due_lock_database();
	bool		earlier = false;
	bool		again = false;
	bool		has_work = false;

	if (db != NULL)
	{
		bool		is_newest = db->nrescans == nrescans;

		if (!complete && !is_newest)
			due_note_rescan(db);
		if (is_newest)
		{
			db->has_cursor = !complete && last != NULL;
			if (db->has_cursor)
				db->cursor = *last;
			again = complete && db->wants_whole;
			db->wants_rescan |= !complete || again;
		}
		earlier = due_note_later(db, next_due);
		/* this worker may be unable to take what it has found */
		has_work = complete && due_database_has_work(db);
	}
	due_unlock();
	if (again)
		wakeup_workers(MyDatabaseId);
	else if (earlier || has_work)
		wakeup_others();
}

bool
due_take_timer(TimestampTz now, TimestampTz *since)
{
	DueDatabase *db = due_lock_database();
	bool		due = db != NULL && db->next_due != 0 && db->next_due <= now;

	if (due)
	{
		db->next_due = 0;
		/* it lies in the future if the clock was set back */
		*since = db->later_until <= now ? db->later_until : DT_NOBEGIN;
		db->later_until = now;
	}
	due_unlock();
	return due;
}

bool
due_put_timer(TimestampTz when)
{
	DueDatabase *db = due_lock_database();
	bool		earlier = db != NULL && due_note_later(db, when);

	due_unlock();
	return earlier;
}

void
due_set_timer(TimestampTz when)
{
	if (due_put_timer(when))
		wakeup_others();
}

TimestampTz
due_next_timer(void)
{
	DueDatabase *db = due_lock_database();
	TimestampTz when = db != NULL ? db->next_due : 0;

	due_unlock();
	return when;
}
