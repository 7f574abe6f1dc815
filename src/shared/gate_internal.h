/*
 * gate_internal.h
 *	  What the files of the gates share.
 *
 * gate.c			the table, and who is let through
 * gate_pace.c	how fast
 */
#ifndef WF_GATE_INTERNAL_H
#define WF_GATE_INTERNAL_H

#include "shared/gate.h"

#define MS INT64CONST(1000)
#define SECOND (1000 * MS)

typedef struct Gate
{
	GateKey		key;			/* its database is InvalidOid: unused */
	int64		number;			/* a gate's own, never used again */
	TimestampTz closed_at;		/* what was sent before tells nothing new */
	TimestampTz closed_until;
	TimestampTz last_slot;		/* of the last request that went through */
	TimestampTz next_slot;		/* of the next one */
	int64		interval_us;
	bool		learning;		/* the interval is a guess */
	bool		is_tried;		/* requests come at that pace */

	/* since it was opened: */
	int			nanswers;
	int			nrefusals;		/* one after the other, no answer between */

	/* since the pace was changed: */
	TimestampTz changed_at;
	int			nchanged;		/* answers */

	TimestampTz refused_at;
	int64		refused_us;		/* the interval that was too short then */

	int64		served;			/* the number whose turn is next */
	int64		last_turn;		/* that was given */
	int			given_by;		/* pid of the worker that gives turns, */
	TimestampTz given_until;	/* alone until then */
	TimestampTz used_at;
} Gate;

/*--- for callers that hold the lock ---*/

/*
 * A request was refused that was sent since the gate opened; the provider asks
 * to wait for pause_us.
 */
extern void gate_slow_down(Gate *gate, int64 pause_us, TimestampTz now);

/* An answer has come that is no refusal. */
extern void gate_speed_up(Gate *gate, TimestampTz now);

#endif							/* WF_GATE_INTERNAL_H */
