/*
 * queue_take.c
 *	  Shared memory: what workers take of the queue, and read for it.
 *
 * Runs in a worker.  queue_runs.c tells how the queue and the table belong
 * together.
 */
#include "postgres.h"
#include "compat.h"

#include "clock.h"
#include "miscadmin.h"
#include "queue.h"
#include "queue_internal.h"
#include "queue_runs_internal.h"

/*--- taking ---*/

/* Its next run is not known before the table has been read. */
static bool
must_read(const QueuedTenant *tenant)
{
	const QueuedRun *first;

	if (!tenant->more)
		return false;
	if (tenant->nruns == 0)
		return true;
	first = (const QueuedRun *) pairingheap_first(unconstify(pairingheap *,
															 &tenant->runs));
	return tenant->more_priority > first->priority;
}

static void
begin_reading(QueuedTenant *tenant, int64 epoch, DueReading *reading)
{
	if (!tenant->has_position || queue_room_for(tenant) <= 0 ||
		tenant->more_priority > tenant->position.priority)
	{
		queue_drop_runs(tenant);
		memset(&tenant->position, 0, sizeof(DuePosition));
		tenant->position.priority = PG_INT16_MAX;
		tenant->position.run_at = DT_NOBEGIN;
	}
	tenant->more = false;
	tenant->reader = epoch;
	reading->tenant_id = tenant->id;
	reading->after = tenant->position;
	reading->limit = Min(queue_room_for(tenant), DUE_READ_AHEAD);
}

/* To the end of the turns. */
static void
pass_turn(QueuedDatabase *db, QueuedTenant *tenant)
{
	dlist_delete(&tenant->node);
	dlist_push_tail(&db->turns, &tenant->node);
}

int
queue_take_runs(DueRun *runs, int max, int64 epoch,
				bool (*left_out) (const pg_uuid_t *tenant),
				DueReading *reading, bool *must_be_read)
{
	QueuedDatabase *db = queue_lock_database();
	int			passed = 0;		/* in a row that gave nothing */
	int			n = 0;

	*must_be_read = false;
	while (db != NULL && n < max && passed < db->ntenants)
	{
		QueuedTenant *tenant = dlist_head_element(QueuedTenant, node,
												  &db->turns);
		bool		out = left_out(&tenant->id);
		bool		in_reading = tenant->reader != epoch &&
			queue_epoch_alive(tenant->reader);

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
			queue_drop_tenant(db, tenant);
			continue;
		}
		else
		{
			queue_pop_run(tenant, &runs[n]);
			runs[n++].is_last = tenant->nruns == 0 && !tenant->more &&
				db->ntenants > 1;
			passed = 0;
		}
		pass_turn(db, tenant);
	}
	queue_unlock();
	return n;
}

void
queue_end_reading(const DueReading *reading, const DueRun *runs, int n,
				  bool all)
{
	QueuedDatabase *db = queue_lock_database();
	QueuedTenant *tenant = db == NULL ? NULL
		: queue_enter_tenant(db, &reading->tenant_id);
	int			kept = 0;

	if (tenant != NULL)
	{
		while (kept < n && queue_add_to_tenant(tenant, &runs[kept]))
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
				tenant->position.id = runs[kept - 1].id;
			}
			queue_note_more(tenant, tenant->position.priority);
		}
	}
	else if (db != NULL)
		db->look = true;
	queue_unlock();
	queue_wake_workers(MyDatabaseId);	/* there is something for all */
}

void
queue_is_paused(void)
{
	QueuedDatabase *db = queue_lock_database();

	if (db != NULL)
		db->paused = true;
	queue_unlock();
}

bool
queue_has_work(void)
{
	QueuedDatabase *db = queue_lock_database();
	bool		has = db != NULL && queue_database_has_work(db);

	queue_unlock();
	return has;
}

/*--- looking at the table ---*/

bool
queue_begin_look(int64 sweep_us, pg_uuid_t *after, bool *has_after)
{
	TimestampTz now = clock_now();
	QueuedDatabase *db = queue_lock_database();
	bool		wanted = db != NULL &&
		(db->look || (sweep_us >= 0 && (now < db->looked_at ||
										now - db->looked_at >= sweep_us)));

	if (wanted)
	{
		db->look = db->paused = false;
		db->looked_at = now;
		*after = db->cursor;
		*has_after = db->has_cursor;
		db->later_until = now;
	}
	queue_unlock();
	return wanted;
}

bool
queue_look_found(const pg_uuid_t *id)
{
	QueuedDatabase *db = queue_lock_database();
	QueuedTenant *tenant = db != NULL ? queue_enter_tenant(db, id) : NULL;

	if (tenant != NULL)
	{
		tenant->has_position = false;
		queue_note_more(tenant, PG_INT16_MAX);
	}
	queue_unlock();
	return tenant != NULL;
}

void
queue_end_look(const pg_uuid_t *last, TimestampTz next_due)
{
	QueuedDatabase *db = queue_lock_database();
	bool		earlier = false;

	if (db != NULL)
	{
		db->has_cursor = last != NULL;
		if (last != NULL)
			db->cursor = *last;
		db->look |= last != NULL;
		earlier = queue_note_due(db, next_due);
	}
	queue_unlock();
	if (earlier)
		queue_wake_others();
}

bool
queue_take_timer(TimestampTz now, TimestampTz *since)
{
	QueuedDatabase *db = queue_lock_database();
	bool		due = db != NULL && db->next_due != 0 && db->next_due <= now;

	if (due)
	{
		db->next_due = 0;
		*since = Min(db->later_until, now);
		db->later_until = now;
	}
	queue_unlock();
	return due;
}

bool
queue_put_timer(TimestampTz when)
{
	QueuedDatabase *db = queue_lock_database();
	bool		earlier = db != NULL && queue_note_due(db, when);

	queue_unlock();
	return earlier;
}

void
queue_set_timer(TimestampTz when)
{
	if (queue_put_timer(when))
		queue_wake_others();
}

TimestampTz
queue_next_due(void)
{
	QueuedDatabase *db = queue_lock_database();
	TimestampTz when = db != NULL ? db->next_due : 0;
	queue_unlock();
	return when;
}
