/*
 * in_flight.c
 *	  What a worker has in flight: requests (here) and runs that go on
 *	  (in_flight_runs.c).
 *
 * Runs in a worker, between ticks and after their commits.  Nothing here reads
 * or writes a table.
 *
 * Owns in_flight and its memory context: a request has a context of its own
 * below it, which holds a copy of what recording the answer will need; lists
 * of runs and hash tables are in it directly.  All of it goes with the
 * process.  The rows of those runs stay, owned by an epoch that is then dead,
 * and are taken over by another worker.
 */
#include "postgres.h"
#include "compat.h"

#include "base/unit.h"
#include "base/uuid_list.h"
#include "config/clock.h"
#include "config/settings.h"
#include "shared/gate.h"
#include "shared/set_aside.h"
#include "store/step_result.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "worker/in_flight.h"

/*
 * Requests that may wait for a place beside those under way.  They wait in
 * memory, host by host (transfer.c), so that claiming goes on, and a host that
 * does not answer holds up requests to no other.
 */
#define MIN_WAITING 2048

/* Of all requests of a worker, with their answers. */
#define MAX_BYTES (32 * 1024 * 1024)

/*
 * Answers are recorded at once if those that have come are one of
 * SHARE_TO_RECORD of the requests under way, and in any case GATHER_US after
 * answers were last recorded.
 */
#define SHARE_TO_RECORD 10
#define GATHER_US INT64CONST(5000)

/* An entry of in_flight.by_unit. */
typedef struct PendingEntry
{
	Unit		unit;
	PendingRequest *pending;
} PendingEntry;

/* An entry of in_flight.by_tenant. */
typedef struct TenantEntry
{
	pg_uuid_t	tenant_id;
	int			nrequests;
	size_t		bytes;
} TenantEntry;

InFlight	in_flight;			/* the files of the tick use it */

/* A hash table by what each entry begins with. */
static HTAB *
make_table(const char *name, Size key_size, Size entry_size)
{
	HASHCTL		info = {.keysize = key_size,.entrysize = entry_size,
	.hcxt = in_flight.context};

	return hash_create(name, 256, &info,
					   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

void
in_flight_begin(int64 epoch)
{
	in_flight.context = AllocSetContextCreate(TopMemoryContext,
											  "workflow_engine in flight",
											  ALLOCSET_DEFAULT_SIZES);
	in_flight.by_unit = make_table("workflow_engine requests", sizeof(Unit),
								   sizeof(PendingEntry));
	in_flight.by_tenant = make_table("workflow_engine tenants",
									 sizeof(pg_uuid_t), sizeof(TenantEntry));
	dlist_init(&in_flight.out);
	dlist_init(&in_flight.waiting);
	dlist_init(&in_flight.ended);
	in_flight.epoch = epoch;
}

/* The request that this node of out or ended belongs to. */
static inline PendingRequest *
request_at(dlist_node *node)
{
	return dlist_container(PendingRequest, node, node);
}

/*
 * Takes back requests that wait for their place, unsent: all of them, or those
 * to a provider that has asked to wait since (gate.c).
 */
static void
withdraw(bool all)
{
	dlist_iter	iter;

	dlist_foreach(iter, &in_flight.out)
	{
		PendingRequest *pending = request_at(iter.cur);

		if (all || gate_is_closed(&pending->answer.gate))
			(void) transfer_withdraw(pending->transfer);
	}
}

/* Does the answer look as if the provider asks to wait? */
static bool
is_refusal(const Response *response)
{
	return response->status == 429 || response->status == 503;
}

/* Its answer has come, or its token has: that is to be recorded. */
static void
end_request(PendingRequest *pending)
{
	pending->ended = true;
	dlist_delete(&pending->node);
	dlist_push_tail(&in_flight.ended, &pending->node);
	in_flight.nended++;
}

/* Tokens have come, or come to nothing: those that waited go on. */
static void
end_waits(void)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &in_flight.waiting)
	{
		PendingRequest *pending = request_at(iter.cur);

		if (!token_is_settled(pending->token))
			continue;
		end_request(pending);
		in_flight.urgent = true;
	}
}

void
in_flight_collect(void)
{
	uint32		closings = gate_closing_count();
	bool		settled = false;
	Transfer   *transfer;

	if (closings != in_flight.closings_seen)
		withdraw(false);
	in_flight.closings_seen = closings;
	while ((transfer = transfer_collect()) != NULL)
	{
		PendingRequest *pending;

		if (token_collect(transfer))
		{
			settled = true;
			continue;
		}
		pending = transfer_cookie(transfer);
		pending->answer.response = transfer_response(transfer);
		end_request(pending);
		/* the other requests to that provider are to be held back soon */
		if (is_refusal(pending->answer.response))
			in_flight.urgent = true;
	}
	if (settled)
		end_waits();
}

/*--- requests ---*/

/* NULL: the tenant has no request in flight. */
static TenantEntry *
find_tenant(const pg_uuid_t *tenant)
{
	return hash_search(in_flight.by_tenant, tenant, HASH_FIND, NULL);
}

/*
 * Counts one request more (sign 1) or less (-1), for the worker and for its
 * tenant.
 */
static void
count_request(const PendingRequest *pending, int sign)
{
	const pg_uuid_t *tenant = &pending->tenant_id;
	bool		found;
	TenantEntry *entry = hash_search(in_flight.by_tenant, tenant, HASH_ENTER,
									 &found);

	if (!found)
		entry->nrequests = entry->bytes = 0;
	entry->nrequests += sign;
	entry->bytes += sign * pending->bytes;
	in_flight.nrequests += sign;
	in_flight.bytes += sign * pending->bytes;
	if (entry->nrequests == 0)
		(void) hash_search(in_flight.by_tenant, tenant, HASH_REMOVE, NULL);
}

int
in_flight_limit(void)
{
	if (in_flight.bytes >= MAX_BYTES)
		return in_flight.nrequests;
	return wf_max_in_flight + Max(wf_max_in_flight, MIN_WAITING);
}

/*
 * Does a tenant that has that much in flight, and so many bytes more, have as
 * many bytes as there are left for others?  NULL: it has nothing in flight.
 */
static bool
is_full(const TenantEntry *entry, size_t more)
{
	size_t		own = more + (entry != NULL ? entry->bytes : 0);

	return own > 0 && own + in_flight.bytes + more >= MAX_BYTES;
}

bool
in_flight_is_full_for(const pg_uuid_t *tenant)
{
	const TenantEntry *entry = find_tenant(tenant);

	if (entry == NULL)
		return false;
	return is_full(entry, 0) ||
		entry->nrequests >= in_flight_limit() - in_flight.nrequests;
}

bool
in_flight_fills_up(const pg_uuid_t *tenant, List *intents)
{
	size_t		more = 0;
	ListCell   *lc;

	foreach(lc, intents)
	{
		const Intent *intent = lfirst(lc);

		if (ids_equal(&intent->tenant_id, tenant))
			more += intent->request.body_len + VARSIZE(intent->input);
	}
	return more > 0 && is_full(find_tenant(tenant), more);
}

/* Ends the transfer, or the wait, if it is under way; frees pending. */
static void
forget_request(PendingRequest *pending)
{
	(void) hash_search(in_flight.by_unit, &pending->unit, HASH_REMOVE, NULL);
	count_request(pending, -1);
	if (pending->ended)
		in_flight.nended--;
	dlist_delete(&pending->node);
	if (pending->token != NULL)
		token_leave(pending->token);
	else
		transfer_free(pending->transfer);
	MemoryContextDelete(pending->context);
}

/*
 * Adds a request.  If the run has an earlier one, that goes: the run was
 * cancelled and queued again meanwhile, and nobody waits for its answer.
 */
static void
enter_request(PendingRequest *pending)
{
	const Unit *unit = &pending->unit;
	bool		found;
	PendingEntry *entry = hash_search(in_flight.by_unit, unit, HASH_ENTER,
									  &found);

	if (found)
	{
		forget_request(entry->pending);
		entry = hash_search(in_flight.by_unit, unit, HASH_ENTER, &found);
	}
	entry->pending = pending;
	count_request(pending, 1);
	dlist_push_tail(pending->token != NULL ? &in_flight.waiting
					: &in_flight.out, &pending->node);
}

/* In the current context; NULL of NULL. */
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

/* As in_flight_send, of one intent. */
static void
send_one(Intent *intent)
{
	MemoryContext context = AllocSetContextCreate(in_flight.context,
												  "workflow_engine request",
												  ALLOCSET_SMALL_SIZES);

	/* the history of the run keeps no more of its input */
	Jsonb	   *input = step_result_cap(intent->input);
	MemoryContext old = MemoryContextSwitchTo(context);
	PendingRequest *pending = palloc0(sizeof(PendingRequest));

	pending->context = context;
	pending->unit = intent->unit;
	pending->tenant_id = intent->tenant_id;
	pending->answer.step = intent->step;
	pending->answer.attempt = intent->attempt;
	pending->answer.action = intent->action;
	pending->answer.started_at = intent->started_at;
	pending->answer.gate = intent->gate;
	pending->answer.token = intent->token;
	pending->answer.input = copy_json(input);
	pending->answer.prepare_state = copy_json(intent->prepare_state);
	pending->bytes = MemoryContextMemAllocated(context, true);
	if (intent->asks)
		pending->answer.waited = pending->token =
			token_ask(&intent->token.key, &intent->request);
	else
	{
		pending->transfer = transfer_submit(&intent->request, pending);
		pending->bytes += transfer_size(pending->transfer);
	}
	enter_request(pending);
	MemoryContextSwitchTo(old);
	request_wipe(&intent->request);
	if (intent->connection != NULL)
		connection_forget(intent->connection);
}

void
in_flight_send(List *intents)
{
	ListCell   *lc;

	foreach(lc, intents)
		send_one(lfirst(lc));
}

void
in_flight_wind_up(void)
{
	dlist_mutable_iter iter;

	withdraw(true);
	in_flight_collect();
	dlist_foreach_modify(iter, &in_flight.waiting)
		forget_request(request_at(iter.cur));
	in_flight.urgent = true;
}

/*--- answers ---*/

List *
in_flight_ready_answers(int n)
{
	TimestampTz now = clock_now();
	List	   *ready = NIL;
	dlist_iter	iter;

	dlist_foreach(iter, &in_flight.ended)
	{
		PendingRequest *pending = request_at(iter.cur);

		if (list_length(ready) >= n)
			break;
		if (pending->next_try <= now && !aside_contains(&pending->unit))
			ready = lappend(ready, pending);
	}
	return ready;
}

/* When it is time to record the answers that have come; 1: now. */
static TimestampTz
time_to_record(TimestampTz now)
{
	int			under_way = Min(in_flight.nrequests, wf_max_in_flight);
	TimestampTz when = in_flight.recorded_at + GATHER_US;

	if (in_flight.urgent || in_flight.nended * SHARE_TO_RECORD >= under_way)
		return 1;
	if (when <= now)
		return 1;
	if (now < in_flight.recorded_at)	/* the clock was set back */
		return 1;
	return when;
}

TimestampTz
in_flight_next_answer(TimestampTz now)
{
	TimestampTz next = 0;
	dlist_iter	iter;

	dlist_foreach(iter, &in_flight.ended)
	{
		PendingRequest *pending = request_at(iter.cur);

		if (aside_contains(&pending->unit))
			continue;			/* aside_next_try says when it is tried */
		if (pending->next_try <= now)
			return time_to_record(now);
		if (next == 0 || pending->next_try < next)
			next = pending->next_try;
	}
	return next;
}

/*--- both ---*/

void
in_flight_release(List *units, List *recorded)
{
	MemoryContext old = MemoryContextSwitchTo(in_flight.context);
	ListCell   *lc;

	in_flight.blocked = units_remove(in_flight.blocked, units);
	in_flight.runnable = units_remove(in_flight.runnable, units);
	foreach(lc, recorded)
		forget_request(lfirst(lc));
	if (recorded != NIL)
	{
		in_flight.recorded_at = clock_now();
		in_flight.urgent = false;
	}
	MemoryContextSwitchTo(old);
}

void
in_flight_clock_set_back(TimestampTz now)
{
	ListCell   *lc;
	dlist_iter	iter;

	dlist_foreach(iter, &in_flight.ended)
		request_at(iter.cur)->next_try = 0;
	foreach(lc, in_flight.blocked)
	{
		Blocked    *blocked = lfirst(lc);

		blocked->next_try = now;
		blocked->since = Min(blocked->since, now);	/* 0 stays 0 */
	}
}

List *
in_flight_all(void)
{
	List	   *all = list_concat_copy(in_flight.runnable, in_flight.blocked);
	HASH_SEQ_STATUS scan;
	PendingEntry *entry;

	hash_seq_init(&scan, in_flight.by_unit);
	while ((entry = hash_seq_search(&scan)) != NULL)
		all = lappend(all, &entry->pending->unit);
	return all;
}
