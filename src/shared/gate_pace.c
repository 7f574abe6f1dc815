/*
 * gate_pace.c
 *	  Shared memory: how fast a provider takes requests.
 *
 * Runs in workers, under the lock of the gates.  gate.c describes what a gate
 * is and how its pace is learned.  Owns nothing.
 */
#include "postgres.h"
#include "compat.h"

#include "shared/gate_internal.h"

#define MIN_INTERVAL_US MS
#define MAX_GUESS_US (10 * SECOND)
#define MAX_INTERVAL_US (3600 * SECOND)
#define GROWTH 1.5				/* the pace grows by, while it is learned, at
								 * each answer */
#define MARGIN 1.05				/* the interval is longer by than the shortest
								 * that the provider takes */
#define SLOWER 1.1				/* the interval grows by, after a refusal */
#define MUCH_SLOWER 1.5			/* the same, if few answers came before it: */
#define FEW_ANSWERS 4
#define FASTER 1.06				/* the interval shrinks by, after so many
								 * answers and so much time: */
#define RAISE_ANSWERS 8
#define RAISE_US (2 * SECOND)
#define KEPT_US (30 * SECOND)	/* a pace that was refused is not tried again
								 * before */

/* A longer interval takes effect after the next request, a shorter one now. */
static void
set_interval(Gate *gate, double us, TimestampTz now)
{
	gate->interval_us = (int64) Min(Max(us, MIN_INTERVAL_US), MAX_INTERVAL_US);
	gate->next_slot = Min(gate->next_slot, Max(gate->last_slot +
											   gate->interval_us, now));
	gate->changed_at = now;
	gate->nchanged = 0;
}

/*
 * How much the provider takes is known by what it has taken in the time that
 * it asks to wait, or since the gate opened if that is longer.
 */
void
gate_slow_down(Gate *gate, int64 pause_us, TimestampTz now)
{
	double		window = Max(pause_us, now - gate->closed_until);
	double		us = gate->interval_us;

	if (gate->nanswers == 0)
	{
		us = Max(Min(us * 2, MAX_GUESS_US), us);
		gate->learning = true;	/* as if it were new */
	}
	else if (gate->learning)
	{
		gate->refused_us = window / gate->nanswers;
		us = gate->refused_us * MARGIN;
		gate->learning = false;
	}
	else
	{
		gate->refused_us = gate->interval_us;
		us *= gate->nanswers < FEW_ANSWERS ? MUCH_SLOWER : SLOWER;
	}
	gate->nrefusals = gate->nanswers == 0 ? gate->nrefusals + 1 : 1;
	gate->nanswers = 0;
	set_interval(gate, us, now);
}

void
gate_speed_up(Gate *gate, TimestampTz now)
{
	double		us = gate->interval_us / FASTER;

	gate->nanswers++;
	gate->nchanged++;
	gate->nrefusals = 0;
	if (gate->learning && gate->is_tried)
		set_interval(gate, gate->interval_us / GROWTH, now);
	else if (gate->learning)
		return;
	else if (gate->nchanged >= RAISE_ANSWERS &&
			 now >= gate->changed_at + RAISE_US &&
			 (us >= gate->refused_us * MARGIN ||
			  now >= gate->refused_at + KEPT_US))
		set_interval(gate, us, now);
}
