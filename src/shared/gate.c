/*
 * gate.c
 *	  Shared memory: providers that have asked to wait, and their pace.
 *
 * A gate stands before a connection, or before a host of a tenant, once an
 * answer from there has said "too many requests".  All workers of the database
 * ask it before they record the intent of a request.  Until the provider's
 * time has come it lets nothing through; then it lets requests through one by
 * one, at the pace that the provider takes, in the order in which they came.
 *
 *		closed ──its time has come──► learning ──refused──► closed
 *		   ▲						 (the pace grows)		   │
 *		   └──────── refused ──────── at a pace ◄──────────────┘
 *
 * The pace.  While it is learned, each answer that is no refusal raises it by
 * half, as long as there are requests enough to try it.
 * The next refusal tells what the provider takes: so many requests since it
 * opened, in the time that it asks to wait.  From then on the pace is raised
 * a little at a time, and not beyond what was refused within half a minute;
 * each refusal lowers it.
 *
 * The order.  A run that is held gets a turn, a number, which it brings along
 * when it comes again (it stands in its row).  "served" is the number whose
 * turn is next.  A run whose turn is far is told to come again after a part of
 * the time that this seems to take, since the pace may rise; whoever comes
 * while nobody has come for a second is let through, since runs are cancelled
 * and paused.  Before it opens for the first time it gives no turns: all come
 * again when it does, and the table has them in their order.  Each worker takes
 * some of them at a time, so one worker alone gives turns while it is at it:
 * the runs of the others come again a moment later.
 *
 * A matter of courtesy, not of correctness: if the table is full, or lost by
 * a crash, requests go through and are refused by the provider himself.
 * Turns of a gate that is no more mean nothing.
 *
 * The lock guards the table.  ngates is read without it: while it is 0, which
 * is nearly always, a request costs no more than that.
 */
#include "postgres.h"
#include "compat.h"

#include "common/hashfn.h"
#include "config/clock.h"
#include "miscadmin.h"
#include "shared/gate.h"
#include "shared/gate_internal.h"
#include "shared/shared.h"
#include "storage/shmem.h"

#define MAX_GATES 512

/* How long it stays closed. */
#define MIN_PAUSE_US (100 * MS)
#define MIN_SLACK_US (20 * MS)	/* of a few refusals the last counts, and */
#define MAX_SLACK_US (250 * MS) /* all come back together */
#define DEFAULT_PAUSE_US SECOND /* if the provider does not say; doubled */
#define MAX_DOUBLINGS 6			/* at each refusal in a row */

/* The time from one request to the next. */
#define FIRST_INTERVAL_US (250 * MS)

#define CATCH_UP_US (20 * MS)	/* one that comes late still has its place */
#define IDLE_US SECOND			/* nobody has come: anybody may go */
#define GIVING_US (30 * MS)		/* after a turn was given */

/* When a run that is held comes again. */
#define NEAR_US (300 * MS)		/* then it comes when it is its turn */
#define FAR_US (30 * SECOND)
#define PER_RUN_US MS			/* longer if many wait */

#define FORGET_US (60 * SECOND) /* a gate that nobody has come to */
#define SWEEP_US (10 * SECOND)	/* such gates are looked for so often */

typedef struct GateTable
{
	LWLock	   *lock;
	pg_atomic_uint32 ngates;
	pg_atomic_uint32 nclosings;
	int64		last_number;
	TimestampTz swept_at;
	uint32		hashes[MAX_GATES];	/* of their keys: a look at all is cheap */
	Gate		gates[MAX_GATES];
} GateTable;

static GateTable *table = NULL;

/*--- the memory ---*/

Size
gate_memory_size(void)
{
	return MAXALIGN(sizeof(GateTable));
}

void
gate_memory_attach(LWLock *lock)
{
	bool		found;

	table = ShmemInitStruct("workflow_engine gates", sizeof(GateTable),
							&found);
	if (found)
		return;
	memset(table, 0, sizeof(GateTable));
	table->lock = lock;
	pg_atomic_init_u32(&table->ngates, 0);
	pg_atomic_init_u32(&table->nclosings, 0);
	table->last_number = clock_now();	/* above those of before a crash */
}

bool
gate_any_exists(void)
{
	return table != NULL && pg_atomic_read_u32(&table->ngates) != 0;
}

static bool
is_key(const GateKey *a, const GateKey *b)
{
	return a->host == b->host && a->database == b->database &&
		memcmp(&a->id, &b->id, UUID_LEN) == 0;
}

static uint32
hash_key(const GateKey *key)
{
	return hash_bytes(key->id.data, UUID_LEN) ^ key->database ^
		(uint32) key->host;
}

static void
forget(Gate *gate)
{
	memset(gate, 0, sizeof(Gate));
	pg_atomic_fetch_sub_u32(&table->ngates, 1);
}

/* Forgets the gates that nobody has come to for a while. */
static void
sweep(TimestampTz now)
{
	if (now >= table->swept_at && now < table->swept_at + SWEEP_US)
		return;
	table->swept_at = now;
	for (int i = 0; i < MAX_GATES; i++)
	{
		Gate	   *gate = &table->gates[i];

		if (gate->key.database == InvalidOid ||
			Max(gate->closed_until, gate->used_at) >= now - FORGET_US)
			continue;
		forget(gate);
	}
}

/* The caller holds the lock.  NULL: there is none. */
static Gate *
find(const GateKey *key, TimestampTz now)
{
	uint32		hash = hash_key(key);

	sweep(now);
	for (int i = 0; i < MAX_GATES; i++)
		if (table->hashes[i] == hash && is_key(&table->gates[i].key, key))
			return &table->gates[i];
	return NULL;
}

/* A new one, or NULL if the table is full; the caller holds the lock. */
static Gate *
make(const GateKey *key)
{
	for (int i = 0; i < MAX_GATES; i++)
	{
		Gate	   *gate = &table->gates[i];

		if (gate->key.database != InvalidOid)
			continue;
		table->hashes[i] = hash_key(key);
		gate->key = *key;
		gate->number = ++table->last_number;
		gate->interval_us = FIRST_INTERVAL_US;
		gate->learning = true;
		gate->served = 1;
		pg_atomic_fetch_add_u32(&table->ngates, 1);
		return gate;
	}
	return NULL;
}

/*--- answers ---*/

static void
close_gate(Gate *gate, int64 pause_us, TimestampTz now)
{
	int64		slack_us = Min(Max(pause_us / 20, MIN_SLACK_US), MAX_SLACK_US);

	if (now + pause_us > gate->closed_until)
		gate->closed_until = now + pause_us + slack_us;
	gate->next_slot = Max(gate->next_slot, gate->closed_until);
	gate->used_at = now;
}

static int64
pause_of(const Gate *gate, int64 retry_after_ms)
{
	if (retry_after_ms >= 0)
		return Max(retry_after_ms * MS, MIN_PAUSE_US);
	return DEFAULT_PAUSE_US << Min(gate->nrefusals, MAX_DOUBLINGS);
}

void
gate_refused(const GateKey *key, const GateTurn *turn,
			 TimestampTz sent_at, int64 retry_after_ms)
{
	TimestampTz now = clock_now();
	Gate	   *gate;
	bool		made = false;

	if (table == NULL)
		return;
	LWLockAcquire(table->lock, LW_EXCLUSIVE);
	gate = find(key, now);
	if (gate == NULL)
	{
		gate = make(key);
		made = gate != NULL;
	}
	if (gate != NULL)
	{
		int64		pause_us = pause_of(gate, retry_after_ms);

		if (made || sent_at >= gate->closed_at)
		{
			if (!made)
				gate_slow_down(gate, pause_us, now);
			gate->closed_at = gate->refused_at = now;
			pg_atomic_fetch_add_u32(&table->nclosings, 1);
		}
		close_gate(gate, pause_us, now);
		/* it gets its turn again, and those that come after it wait */
		if (turn->gate == gate->number)
			gate->served = Min(gate->served, turn->number);
	}
	LWLockRelease(table->lock);
}

void
gate_answered(const GateKey *key, TimestampTz sent_at)
{
	TimestampTz now = clock_now();
	Gate	   *gate;

	if (!gate_any_exists())
		return;
	LWLockAcquire(table->lock, LW_EXCLUSIVE);
	gate = find(key, now);
	if (gate != NULL && sent_at >= gate->closed_at)
		gate_speed_up(gate, now);
	LWLockRelease(table->lock);
}

/*--- turns ---*/

/* How many turns come before that one?  Less than 0: it has passed. */
static int64
ahead_of(const Gate *gate, const GateTurn *turn)
{
	int64		number = turn->gate == gate->number ? turn->number
		: gate->last_turn + 1;

	return number - gate->served;
}

static void
let_through(Gate *gate, int64 ahead, TimestampTz now)
{
	int64		late = Min(gate->interval_us / 4, CATCH_UP_US);
	int64		idle = now - gate->next_slot;

	if (gate->interval_us <= CATCH_UP_US)
		late = CATCH_UP_US;
	gate->last_slot = Max(gate->next_slot, now - late);
	gate->next_slot = gate->last_slot + gate->interval_us;
	gate->is_tried = idle <= gate->interval_us;
	if (ahead < 0)
		return;
	/* those before it had their time; or nobody comes, and it is one of them */
	gate->served += ahead * gate->interval_us <= idle ? ahead + 1 : 1;
}

/*
 * How long a run is held whose turn seems to be so far away.  While the pace is
 * learned, all could go within two intervals.
 */
static int64
hold_us(const Gate *gate, int64 left_us, int64 ahead)
{
	int64		nwaiting = Max(gate->last_turn - gate->served, 0);

	if (gate->learning)
		return Min(left_us, Max(gate->next_slot - clock_now(), 0) +
				   Max(Min(ahead, 2) * gate->interval_us / 2,
					   ahead * PER_RUN_US));
	if (left_us <= NEAR_US)
		return left_us;
	return Min(Max(left_us / 2, NEAR_US), FAR_US + nwaiting * PER_RUN_US);
}

static void
hold(Gate *gate, GateTurn *turn, int64 ahead, TimestampTz now)
{
	bool		closed = now < gate->closed_until;
	int64		left_us;

	turn->not_before = closed ? gate->closed_until : 0;
	turn->until = gate->closed_until;
	if (closed && gate->last_turn == 0)
		return;					/* it has never been open */
	if (turn->gate != gate->number)
	{
		if (gate->given_by != MyProcPid && now < gate->given_until)
		{
			turn->until = gate->given_until;
			return;
		}
		gate->given_by = MyProcPid;
		gate->given_until = now + GIVING_US;
		turn->gate = gate->number;
		turn->number = ++gate->last_turn;
	}
	ahead = Max(ahead, 0);
	left_us = Max(gate->next_slot + ahead * gate->interval_us - now, MS);
	turn->until = Max(now + hold_us(gate, left_us, ahead), turn->not_before);
}

bool
gate_ask(const GateKey *key, GateTurn *turn)
{
	TimestampTz now = clock_now();
	bool		open = true;
	Gate	   *gate;

	if (!gate_any_exists())
		return true;
	LWLockAcquire(table->lock, LW_EXCLUSIVE);
	gate = find(key, now);
	if (gate != NULL)
	{
		int64		ahead = ahead_of(gate, turn);

		gate->used_at = now;
		open = now >= gate->closed_until &&
			now >= gate->next_slot + Min(Max(ahead, 0) *
										 gate->interval_us, IDLE_US);
		if (!open)
			hold(gate, turn, ahead, now);
		else
		{
			if (turn->gate != gate->number)
				gate->last_turn++;
			let_through(gate, ahead, now);
		}
	}
	LWLockRelease(table->lock);
	return open;
}

void
gate_clock_set_back(TimestampTz now)
{
	if (!gate_any_exists())
		return;
	LWLockAcquire(table->lock, LW_EXCLUSIVE);
	for (int i = 0; i < MAX_GATES; i++)
		if (table->gates[i].used_at > now)
			forget(&table->gates[i]);
	LWLockRelease(table->lock);
}

/*--- those that were let through before it was closed ---*/

uint32
gate_closing_count(void)
{
	return table == NULL ? 0 : pg_atomic_read_u32(&table->nclosings);
}

bool
gate_is_closed(const GateKey *key)
{
	TimestampTz now = clock_now();
	const Gate *gate;
	bool		closed;

	if (!gate_any_exists())
		return false;
	LWLockAcquire(table->lock, LW_EXCLUSIVE);
	gate = find(key, now);
	closed = gate != NULL && now < gate->closed_until;
	LWLockRelease(table->lock);
	return closed;
}
