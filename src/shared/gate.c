/*
 * gate.c
 *	  Shared memory: providers that have asked to wait, and their pace.
 *
 * Runs in workers.  A gate stands before a connection, or before a host of a
 * tenant, once an answer from there has said "too many requests".  All workers
 * of the database ask it before they record the intent of a request.  Until
 * the provider's time has come it lets nothing through; then it lets requests
 * through one by one, at the pace that the provider takes, in the order in
 * which they came.  README.md draws its states.
 *
 * The pace.  While it is learned, each answer that is no refusal raises it by
 * half, as long as there are requests enough to try it.  The next refusal
 * tells what the provider takes: so many requests since the gate opened, in
 * the time that the provider asks to wait.  From then on the pace is raised a
 * little at a time, and not beyond what was refused within half a minute; each
 * refusal lowers it.
 *
 * The order.  A run that is held gets a turn, a number, which stands in its
 * row and which it brings along when it comes again.  "served" is the number
 * whose turn is next.  A run whose turn is far is told to come again after a
 * part of the time that this seems to take, since the pace may rise.  If no
 * run has come for a second, the next one is let through whatever its number,
 * since the runs before it may have been cancelled or paused.
 *
 * Before it opens for the first time, a gate gives no turns: all runs come
 * again when it opens, and the table has them in their order.  Each worker
 * takes some of them at a time, so one worker alone gives turns while it is at
 * it: the runs of the others come again a moment later.  That keeps nobody
 * waiting in vain as long as the turns that were given are not over.
 *
 * A matter of courtesy, not of correctness: if the table is full, or lost by
 * a crash, requests go through and are refused by the provider itself.
 * Turns of a gate that is no more mean nothing.
 *
 * The table has a lock of its own.  ngates is read without it: while it is 0,
 * which is nearly always, a request costs no more than that.
 */
#include "postgres.h"
#include "compat.h"

#include "common/hashfn.h"
#include "config/clock.h"
#include "miscadmin.h"
#include "shared/gate.h"
#include "shared/gate_internal.h"
#include "shared/shared.h"

#define MAX_GATES 512

/* How long it stays closed. */
#define MIN_PAUSE_US (100 * MS)
#define MIN_SLACK_US (20 * MS)	/* of a few refusals the last counts, and */
#define MAX_SLACK_US (250 * MS) /* all come back together */
#define DEFAULT_PAUSE_US SECOND /* if the provider does not say; doubled */
#define MAX_DOUBLINGS 6			/* at each refusal in a row */

/* The time from one request to the next. */
#define FIRST_INTERVAL_US (250 * MS)

#define CATCH_UP_US (20 * MS)	/* a run that comes so late keeps its place */
#define IDLE_US SECOND			/* no run has come: the next may go */
#define GIVING_US (30 * MS)		/* one worker alone gives turns, or for as */
#define GIVING_MAX_US (300 * MS)	/* long as those that it gave last */

/* When a run that is held comes again. */
#define NEAR_US (300 * MS)		/* its turn is as near: at its turn */
#define FAR_US (30 * SECOND)	/* at the latest after that */
#define PER_RUN_US MS			/* and so much for each run that waits */

#define FORGET_US (60 * SECOND) /* a gate to which no run has come */
#define SWEEP_US (10 * SECOND)	/* such gates are looked for so often */

typedef struct GateTable
{
	LWLock	   *lock;
	pg_atomic_uint32 ngates;
	pg_atomic_uint32 nclosings;
	int64		last_number;
	TimestampTz swept_at;
	uint32		hashes[MAX_GATES];	/* of their keys: quick to search */
	Gate		gates[MAX_GATES];
} GateTable;

/* The memory; the same address in every process. */
static GateTable *table = NULL;

/*--- the memory ---*/

static void
attach(void *memory, LWLock *lock, bool is_new)
{
	table = memory;
	if (!is_new)
		return;
	table->lock = lock;
	pg_atomic_init_u32(&table->ngates, 0);
	pg_atomic_init_u32(&table->nclosings, 0);
	table->last_number = clock_now();	/* above those of before a crash */
}

const SharedPart gate_part = {
	.name = "workflow_engine gates",
	.size = sizeof(GateTable),
	.lock = SHARED_LOCK_GATES,
	.attach = attach
};

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
	Assert(LWLockHeldByMeInMode(table->lock, LW_EXCLUSIVE));
	memset(gate, 0, sizeof(Gate));
	pg_atomic_fetch_sub_u32(&table->ngates, 1);
}

/* Forgets the gates to which no run has come for a while. */
static void
sweep(TimestampTz now)
{
	Assert(LWLockHeldByMeInMode(table->lock, LW_EXCLUSIVE));
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

/* NULL: there is none.  Sweeps first, so it takes the exclusive lock. */
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

/* A new one, or NULL if the table is full. */
static Gate *
make(const GateKey *key)
{
	Assert(LWLockHeldByMeInMode(table->lock, LW_EXCLUSIVE));
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

/*
 * A little longer than asked: of several refusals that come one after the
 * other the last one counts, and all runs come again together.
 */
static void
close_gate(Gate *gate, int64 pause_us, TimestampTz now)
{
	int64		slack_us = Min(Max(pause_us / 20, MIN_SLACK_US), MAX_SLACK_US);

	if (now + pause_us > gate->closed_until)
		gate->closed_until = now + pause_us + slack_us;
	gate->next_slot = Max(gate->next_slot, gate->closed_until);
	gate->used_at = now;
}

/* How long, in us, the provider asks to wait, or a guess. */
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
		/* the run gets its turn again, and those after it wait */
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

/* Notes that a run with so many turns before it goes through now. */
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

	/*
	 * If the runs before it had the time to come and did not, their turns
	 * have passed.  Else one of them may still come, and this run stands in
	 * for it: only one turn has passed.
	 */
	gate->served += ahead * gate->interval_us <= idle ? ahead + 1 : 1;
}

/*
 * For how long, in us, a run is held whose turn seems to come in left_us,
 * after so many others.  While the pace is learned, all could go within two
 * intervals.
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

/* Until when no other worker gives turns, after this one has given one. */
static TimestampTz
giving_until(const Gate *gate, TimestampTz now)
{
	int64		left_us = (gate->last_turn - gate->served) *
		gate->interval_us / 2;

	return now + Min(Max(left_us, GIVING_US), GIVING_MAX_US);
}

/* Says in *turn when the run is to come again; gives it a turn if it may. */
static void
hold(Gate *gate, GateTurn *turn, int64 ahead, TimestampTz now)
{
	bool		closed = now < gate->closed_until;
	int64		left_us;

	turn->not_before = closed ? gate->closed_until : 0;
	turn->until = gate->closed_until;
	if (closed && gate->last_turn == 0)
		return;					/* it was never open: no turns are given */
	if (turn->gate != gate->number)
	{
		if (gate->given_by != MyProcPid && now < gate->given_until)
		{
			turn->until = gate->given_until;
			return;
		}
		turn->gate = gate->number;
		turn->number = ++gate->last_turn;
		gate->given_by = MyProcPid;
		gate->given_until = giving_until(gate, now);
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

/*--- for requests that were let through before the gate was closed ---*/

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
