/*
 * hand.c
 *	  What a worker has in hand: exchanges in flight, and runs that go on.
 *
 * Runs in a worker, between ticks and after their commits.  Owns hand_context:
 * a flight has a memory context of its own below it, the lists of ids and the
 * tables (flights by run, their number by tenant) are in it.  All of it goes with the process; the rows of those runs stay, owned by
 * an epoch that is then dead, and are taken over.
 */
#include "postgres.h"
#include "compat.h"

#include "clock.h"
#include "hand.h"
#include "ids.h"
#include "queue.h"
#include "settings.h"
#include "step_result.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

/* A run whose step met a lock is tried again after this time. */
#define BLOCKED_RETRY_US INT64CONST(50000)

/*
 * Exchanges that may wait for a place beside those under way.  They wait in
 * memory, host by host (transfer.c), so that the claiming goes on and a dead
 * endpoint holds up nobody else.
 */
#define MIN_WAITING 2048
#define MAX_BYTES (32 * 1024 * 1024)

/*
 * Answers are recorded together where many are under way: at once where a
 * share of those has come, and no later than this after the last were.
 */
#define SHARE_TO_RECORD 10
#define GATHER_US INT64CONST(5000)

typedef struct FlightEntry
{
	pg_uuid_t	run_id;
	Flight	   *flight;
} FlightEntry;

typedef struct TenantEntry
{
	pg_uuid_t	tenant_id;
	int			nflights;
	size_t		bytes;
} TenantEntry;

Hand		hand;
static MemoryContext hand_context;
static HTAB *flights;
static HTAB *tenants;

static HTAB *
make_table(const char *name, Size entry_size)
{
	HASHCTL		info = {.keysize = sizeof(pg_uuid_t),.entrysize = entry_size,
	.hcxt = hand_context};

	return hash_create(name, 256, &info,
					   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

void
hand_begin(int64 epoch)
{
	hand_context = AllocSetContextCreate(TopMemoryContext,
										 "workflow_engine hand",
										 ALLOCSET_DEFAULT_SIZES);
	flights = make_table("workflow_engine flights", sizeof(FlightEntry));
	tenants = make_table("workflow_engine tenants", sizeof(TenantEntry));
	dlist_init(&hand.out);
	dlist_init(&hand.ended);
	hand.epoch = epoch;
}

/*
 * Takes back what waits for its place before a gate that has been closed, or
 * all that does.
 */
static void
withdraw(bool all)
{
	dlist_iter	iter;

	dlist_foreach(iter, &hand.out)
	{
		Flight	   *flight = dlist_container(Flight, node, iter.cur);

		if (all || queue_gate_is_closed(&flight->answer.gate))
			(void) transfer_withdraw(flight->transfer);
	}
}

/* Does the answer look as if the provider asked to wait? */
static bool
is_refusal(const Response *response)
{
	return response->status == 429 || response->status == 503;
}

void
hand_collect(void)
{
	static uint32 seen_closings = 0;
	uint32		closings = queue_gate_closings();
	Transfer   *transfer;

	if (closings != seen_closings)
		withdraw(false);
	seen_closings = closings;
	while ((transfer = transfer_collect()) != NULL)
	{
		Flight	   *flight = transfer_cookie(transfer);

		flight->answer.response = transfer_response(transfer);
		dlist_delete(&flight->node);
		dlist_push_tail(&hand.ended, &flight->node);
		hand.nended++;
		if (is_refusal(flight->answer.response))
			hand.urgent = true;
	}
}

/*--- exchanges ---*/

/* One more, or one less (sign), for the hand and its tenant. */
static void
count_flight(const Flight *flight, int sign)
{
	bool		found;
	TenantEntry *entry = hash_search(tenants, &flight->tenant_id, HASH_ENTER,
									 &found);

	if (!found)
		entry->nflights = entry->bytes = 0;
	entry->nflights += sign;
	entry->bytes += sign * flight->bytes;
	hand.nflights += sign;
	hand.bytes += sign * flight->bytes;
	if (entry->nflights == 0)
		(void) hash_search(tenants, &flight->tenant_id, HASH_REMOVE, NULL);
}

int
hand_limit(void)
{
	if (hand.bytes >= MAX_BYTES)
		return hand.nflights;
	return wf_max_in_flight + Max(wf_max_in_flight, MIN_WAITING);
}

static bool
is_full(const TenantEntry *entry, size_t more)
{
	size_t		own = more + (entry != NULL ? entry->bytes : 0);

	return own > 0 && own + hand.bytes + more >= MAX_BYTES;
}

bool
hand_is_full_for(const pg_uuid_t *tenant)
{
	TenantEntry *entry = hash_search(tenants, tenant, HASH_FIND, NULL);

	return entry != NULL && (is_full(entry, 0) ||
							 entry->nflights >= hand_limit() - hand.nflights);
}

bool
hand_is_full_with(const pg_uuid_t *tenant, List *intents)
{
	size_t		more = 0;
	ListCell   *lc;

	foreach(lc, intents)
	{
		const Intent *intent = lfirst(lc);

		if (ids_equal(&intent->tenant_id, tenant))
			more += intent->request.body_len + VARSIZE(intent->input);
	}
	return more > 0 && is_full(hash_search(tenants, tenant, HASH_FIND, NULL),
							   more);
}

static void
forget_flight(Flight *flight)
{
	(void) hash_search(flights, &flight->run_id, HASH_REMOVE, NULL);
	count_flight(flight, -1);
	if (flight->answer.response != NULL)
		hand.nended--;
	dlist_delete(&flight->node);
	transfer_free(flight->transfer);
	MemoryContextDelete(flight->context);
}

/*
 * The run's exchange of before goes: the run was cancelled and queued again
 * meanwhile, and its answer is nobody's.
 */
static void
enter_flight(Flight *flight)
{
	bool		found;
	FlightEntry *entry = hash_search(flights, &flight->run_id, HASH_ENTER,
									 &found);

	if (found)
	{
		forget_flight(entry->flight);
		entry = hash_search(flights, &flight->run_id, HASH_ENTER, &found);
	}
	entry->flight = flight;
	count_flight(flight, 1);
	dlist_push_tail(&hand.out, &flight->node);
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
	Jsonb	   *input = step_result_cap(intent->input);	/* history keeps no
														 * more of it */
	MemoryContext old = MemoryContextSwitchTo(context);
	Flight	   *flight = palloc0(sizeof(Flight));

	flight->context = context;
	flight->run_id = intent->run_id;
	flight->tenant_id = intent->tenant_id;
	flight->answer.step = intent->step;
	flight->answer.attempt = intent->attempt;
	flight->answer.action = intent->action;
	flight->answer.started_at = intent->started_at;
	flight->answer.gate = intent->gate;
	flight->answer.input = copy_json(input);
	flight->answer.carry = copy_json(intent->carry);
	flight->transfer = transfer_submit(&intent->request, flight);
	flight->bytes = transfer_size(flight->transfer) +
		MemoryContextMemAllocated(context, true);
	enter_flight(flight);
	MemoryContextSwitchTo(old);
	request_wipe(&intent->request);
	if (intent->connection != NULL)
		connection_forget(intent->connection);
}

void
hand_send(List *intents)
{
	ListCell   *lc;

	foreach(lc, intents)
		send_one(lfirst(lc));
}

void
hand_wind_up(void)
{
	withdraw(true);
	hand_collect();
	hand.urgent = true;
}

/*--- answers ---*/

List *
hand_ready_flights(int n)
{
	TimestampTz now = clock_now();
	List	   *ready = NIL;
	dlist_iter	iter;

	dlist_foreach(iter, &hand.ended)
	{
		Flight	   *flight = dlist_container(Flight, node, iter.cur);

		if (list_length(ready) >= n)
			break;
		if (flight->next_try <= now && !queue_is_aside(&flight->run_id))
			ready = lappend(ready, flight);
	}
	return ready;
}

/* When it is time to record what has come; 1: now. */
static TimestampTz
time_to_record(TimestampTz now)
{
	int			under_way = Min(hand.nflights, wf_max_in_flight);
	TimestampTz when = hand.recorded_at + GATHER_US;

	if (hand.urgent || hand.nended * SHARE_TO_RECORD >= under_way ||
		when <= now || now < hand.recorded_at)	/* the clock was set back */
		return 1;
	return when;
}

TimestampTz
hand_next_answer(TimestampTz now)
{
	TimestampTz next = 0;
	dlist_iter	iter;

	dlist_foreach(iter, &hand.ended)
	{
		Flight	   *flight = dlist_container(Flight, node, iter.cur);

		if (queue_is_aside(&flight->run_id))
			continue;			/* queue_aside_until says when it is tried */
		if (flight->next_try <= now)
			return time_to_record(now);
		if (next == 0 || flight->next_try < next)
			next = flight->next_try;
	}
	return next;
}

/*--- runs ---*/

void
hand_release(List *ids, List *done)
{
	MemoryContext old = MemoryContextSwitchTo(hand_context);
	ListCell   *lc;

	hand.blocked = ids_remove(hand.blocked, ids);
	hand.continuing = ids_remove(hand.continuing, ids);
	foreach(lc, done)
		forget_flight(lfirst(lc));
	if (done != NIL)
	{
		hand.recorded_at = clock_now();
		hand.urgent = false;
	}
	MemoryContextSwitchTo(old);
}

void
hand_keep_continuing(List *ids)
{
	MemoryContext old = MemoryContextSwitchTo(hand_context);

	hand.continuing = ids_append_copies(hand.continuing, ids);
	MemoryContextSwitchTo(old);
}

static Blocked *
add_blocked(const pg_uuid_t *run_id)
{
	Blocked    *blocked = palloc0(sizeof(Blocked));

	blocked->run_id = *run_id;
	hand.blocked = lappend(hand.blocked, blocked);
	return blocked;
}

void
hand_keep_blocked(List *ids, TimestampTz since)
{
	MemoryContext old = MemoryContextSwitchTo(hand_context);
	ListCell   *lc;

	foreach(lc, ids)
	{
		Blocked    *blocked = add_blocked(lfirst(lc));

		blocked->since = since;
		blocked->next_try = clock_now() + BLOCKED_RETRY_US;
	}
	MemoryContextSwitchTo(old);
}

void
hand_keep_alone(List *runs)
{
	MemoryContext old = MemoryContextSwitchTo(hand_context);
	ListCell   *lc;

	foreach(lc, runs)
	{
		const RunRow *run = lfirst(lc);

		add_blocked(&run->id)->tenant_id = run->tenant_id;
	}
	MemoryContextSwitchTo(old);
}

int
hand_count_alone(const pg_uuid_t *tenant)
{
	int			n = 0;
	ListCell   *lc;

	foreach(lc, hand.blocked)
	{
		const Blocked *blocked = lfirst(lc);

		if (blocked->since == 0 && ids_equal(&blocked->tenant_id, tenant))
			n++;
	}
	return n;
}

void
hand_clock_set_back(TimestampTz now)
{
	ListCell   *lc;
	dlist_iter	iter;

	dlist_foreach(iter, &hand.ended)
		dlist_container(Flight, node, iter.cur)->next_try = 0;
	foreach(lc, hand.blocked)
	{
		Blocked    *blocked = lfirst(lc);

		blocked->next_try = now;
		blocked->since = Min(blocked->since, now);
	}
}

Blocked *
hand_next_blocked(TimestampTz now)
{
	ListCell   *lc;

	foreach(lc, hand.blocked)
	{
		Blocked    *blocked = lfirst(lc);

		if (blocked->next_try <= now && !queue_is_aside(&blocked->run_id))
			return blocked;
	}
	return NULL;
}

List *
hand_all_ids(void)
{
	List	   *ids = list_concat_copy(hand.continuing, hand.blocked);
	HASH_SEQ_STATUS scan;
	FlightEntry *entry;

	hash_seq_init(&scan, flights);
	while ((entry = hash_seq_search(&scan)) != NULL)
		ids = lappend(ids, &entry->flight->run_id);
	return ids;
}
