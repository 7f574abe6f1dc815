/*
 * run_throttle.h
 *	  A step that waits because its provider asks to.
 */
#ifndef WF_RUN_THROTTLE_H
#define WF_RUN_THROTTLE_H

#include "run/run.h"
#include "shared/gate.h"

/* The gate before a request: its connection's, or its tenant's and host's. */
extern void throttle_key(const RunRow *run, const Connection *connection,
						 const char *url, GateKey *key);

/*
 * May the request of the run's current step go through?  False: it is held,
 * and *turn says until when.
 */
extern bool throttle_ask(const RunRow *run, const GateKey *key,
						 GateTurn *turn);

/* The provider's answer that asks to wait; zeroed for a request not sent. */
typedef struct Refusal
{
	const char *error;			/* NULL: the request was not sent */
	int64		retry_after_ms; /* -1: none */
	TimestampTz started_at;
	int64		duration_us;
} Refusal;

/*
 * The attempt under way does not count: the run waits, and its row says why.
 * Returns NULL, or, if the step would wait for longer than max_throttle_wait
 * in all, the error that it fails with; palloc'd.
 */
extern char *throttle_wait(RunRow *run, const GateTurn *turn,
						   const Refusal *refused);

/* Tells the gate of a refusal, and asks it when to come again. */
extern void throttle_refused(const RunRow *run, const GateKey *key,
							 const Refusal *refused, GateTurn *turn);

#endif							/* WF_RUN_THROTTLE_H */
