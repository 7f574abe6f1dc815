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
due_take_runs(DueRun *runs, int max, int64 epoch,
			  DueLeftOut left_out, const void *arg, DueReading *reading,
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
		bool		out = left_out(&tenant->id, arg);
		bool		in_reading = tenant->reader != epoch &&
			worker_slot_epoch_alive(tenant->reader);

		if (out || in_reading)
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
		while (kept < n && due_add_to_tenant(tenant, &runs[kept]))
			kept++;
		tenant->reader = 0;
		tenant->has_position = !all || kept < n;
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
		db->wants_rescan = true;
	due_unlock();
	wakeup_workers(MyDatabaseId);	/* there is something for all */
}

void
due_set_paused(void)
{
	DueDatabase *db = due_lock_database();

	if (db != NULL)
		db->paused = true;
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
due_begin_rescan(int64 sweep_us, pg_uuid_t *after, bool *has_after)
{
	TimestampTz now = clock_now();
	DueDatabase *db = due_lock_database();
	bool		wanted = false;

	/* rescanned_at lies in the future if the clock was set back */
	if (db != NULL)
		wanted = db->wants_rescan ||
			(sweep_us >= 0 && (now < db->rescanned_at ||
							   now - db->rescanned_at >= sweep_us));

	if (wanted)
	{
		db->wants_rescan = db->paused = false;
		db->rescanned_at = now;
		*after = db->cursor;
		*has_after = db->has_cursor;
		db->later_until = now;
	}
	due_unlock();
	return wanted;
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

void
due_end_rescan(const pg_uuid_t *last, TimestampTz next_due)
{
	DueDatabase *db = due_lock_database();
	bool		earlier = false;

	if (db != NULL)
	{
		db->has_cursor = last != NULL;
		if (last != NULL)
			db->cursor = *last;
		db->wants_rescan |= last != NULL;
		earlier = due_note_later(db, next_due);
	}
	due_unlock();
	if (earlier)
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
		*since = Min(db->later_until, now);
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
