/*
 * gate.h
 *	  Shared memory: providers that have asked to wait.
 */
#ifndef WF_GATE_H
#define WF_GATE_H

#include "datatype/timestamp.h"
#include "utils/uuid.h"

/* What a gate stands before. */
typedef struct GateKey
{
	Oid			database;
	pg_uuid_t	id;				/* of the connection's row, or of a tenant */
	uint64		host;			/* a hash, with a tenant; else 0 */
} GateKey;

/* The place of a run among those that a gate holds. */
typedef struct GateTurn
{
	int64		gate;			/* number of the gate that has given it; 0:
								 * none has */
	int64		number;
	/* set by gate_ask: */
	TimestampTz until;			/* the run is to come again then */
	TimestampTz not_before;		/* the provider has said so; 0: it has not */
} GateTurn;

/* Is there any gate?  If not, no other function here need be called. */
extern bool gate_any_exists(void);

/*
 * May a request go through now?  *turn is what the run has brought along;
 * false: the run is held, and *turn says for how long.
 */
extern bool gate_ask(const GateKey *key, GateTurn *turn);

/*
 * The answer to a request that was begun at sent_at is "too many requests".
 * retry_after_ms: how long the provider asks to wait; -1: it does not say.
 * turn is what the run of the request has.
 */
extern void gate_refused(const GateKey *key, const GateTurn *turn,
						 TimestampTz sent_at, int64 retry_after_ms);

/* The answer to a request that was begun at sent_at is another one. */
extern void gate_answered(const GateKey *key, TimestampTz sent_at);

/* How often gates were closed: after a change, ask gate_is_closed again. */
extern uint32 gate_closing_count(void);
extern bool gate_is_closed(const GateKey *key);

/* The clock was set back: what the gates know is of no use. */
extern void gate_clock_set_back(TimestampTz now);

#endif							/* WF_GATE_H */
