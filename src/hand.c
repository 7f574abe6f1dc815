/*
 * hand.c
 *	  What a worker has in hand: exchanges in flight, and runs that go on.
 *
 * Runs in a worker, between ticks and after their commits.  Owns hand_context:
 * a flight has a memory context of its own below it, the lists of ids are in
 * it.  All of it goes with the process; the rows of those runs stay, owned by
 * an epoch that is then dead, and are taken over.
 */
#include "postgres.h"
#include "compat.h"

#include "clock.h"
#include "hand.h"
#include "ids.h"
#include "utils/memutils.h"

/* A run whose step met a lock is tried again after this time. */
#define BLOCKED_RETRY_US INT64CONST(50000)

Hand		hand;
static MemoryContext hand_context;

void
hand_begin(int64 epoch)
{
	hand_context = AllocSetContextCreate(TopMemoryContext,
										 "workflow_engine hand",
										 ALLOCSET_DEFAULT_SIZES);
	hand.epoch = epoch;
}

void
hand_collect(void)
{
	MemoryContext old = MemoryContextSwitchTo(hand_context);
	Transfer   *transfer;

	while ((transfer = transfer_collect()) != NULL)
	{
		Flight	   *flight = transfer_cookie(transfer);

		flight->answer.response = transfer_response(transfer);
		hand.ended = lappend(hand.ended, flight);
	}
	MemoryContextSwitchTo(old);
}

static Jsonb *
copy_json(Jsonb *json)
{
	Jsonb	   *copy;

	if (json == NULL)
		return NULL;
	copy = palloc(VARSIZE(json));
	memcpy(copy, json, VARSIZE(json));
	return copy;
}

static void
send_one(Intent *intent)
{
	MemoryContext context = AllocSetContextCreate(hand_context,
												  "workflow_engine flight",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Flight	   *flight = palloc0(sizeof(Flight));

	flight->context = context;
	flight->run_id = intent->run_id;
	flight->answer.step = intent->step;
	flight->answer.attempt = intent->attempt;
	flight->answer.action = intent->action;
	flight->answer.started_at = intent->started_at;
	flight->answer.input = copy_json(intent->input);
	flight->answer.carry = copy_json(intent->carry);
	flight->bytes = intent->request.body_len +
		(intent->input ? VARSIZE(intent->input) : 0);
	hand.bytes += flight->bytes;
	flight->transfer = transfer_submit(&intent->request, flight);
	MemoryContextSwitchTo(hand_context);
	hand.flights = lappend(hand.flights, flight);
	MemoryContextSwitchTo(old);
	request_wipe(&intent->request);
	if (intent->connection != NULL)
		connection_forget(intent->connection);
}

List *
hand_ready_flights(int n)
{
	TimestampTz now = clock_now();
	List	   *ready = NIL;
	ListCell   *lc;

	foreach(lc, hand.ended)
	{
		Flight	   *flight = lfirst(lc);

		if (list_length(ready) < n && flight->next_try <= now)
			ready = lappend(ready, flight);
	}
	return ready;
}

void
hand_send(List *intents)
{
	ListCell   *lc;

	foreach(lc, intents)
		send_one(lfirst(lc));
}

static void
forget_flight(Flight *flight)
{
	hand.flights = list_delete_ptr(hand.flights, flight);
	hand.ended = list_delete_ptr(hand.ended, flight);
	hand.bytes -= flight->bytes;
	transfer_free(flight->transfer);
	MemoryContextDelete(flight->context);
}

void
hand_release(List *ids, List *flights)
{
	MemoryContext old = MemoryContextSwitchTo(hand_context);
	ListCell   *lc;

	hand.blocked = ids_remove(hand.blocked, ids);
	hand.continuing = ids_remove(hand.continuing, ids);
	foreach(lc, flights)
		forget_flight(lfirst(lc));
	MemoryContextSwitchTo(old);
}

void
hand_keep_continuing(List *ids)
{
	MemoryContext old = MemoryContextSwitchTo(hand_context);

	hand.continuing = ids_append_copies(hand.continuing, ids);
	MemoryContextSwitchTo(old);
}

void
hand_keep_blocked(List *ids, TimestampTz since)
{
	MemoryContext old = MemoryContextSwitchTo(hand_context);
	ListCell   *lc;

	foreach(lc, ids)
	{
		Blocked    *blocked = palloc(sizeof(Blocked));

		blocked->run_id = *(pg_uuid_t *) lfirst(lc);
		blocked->since = since;
		blocked->next_try = clock_now() + BLOCKED_RETRY_US;
		hand.blocked = lappend(hand.blocked, blocked);
	}
	MemoryContextSwitchTo(old);
}

Blocked *
hand_next_blocked(TimestampTz now)
{
	ListCell   *lc;

	foreach(lc, hand.blocked)
	{
		Blocked    *blocked = lfirst(lc);

		if (blocked->next_try <= now)
			return blocked;
	}
	return NULL;
}

List *
hand_flight_ids(List *flights)
{
	List	   *ids = NIL;
	ListCell   *lc;

	foreach(lc, flights)
		ids = lappend(ids, &((Flight *) lfirst(lc))->run_id);
	return ids;
}
