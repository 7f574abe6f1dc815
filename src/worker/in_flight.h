/*
 * in_flight.h
 *	  What a worker has in flight between two ticks: requests, and runs that go
 *	  on.
 */
#ifndef WF_IN_FLIGHT_H
#define WF_IN_FLIGHT_H

#include "base/unit.h"
#include "lib/ilist.h"
#include "run/run.h"
#include "utils/hsearch.h"

/*
 * A request that waits for a token or is under way, or one whose answer has
 * come and is not recorded.
 */
typedef struct PendingRequest
{
	dlist_node	node;			/* in in_flight.out, .waiting or .ended */
	MemoryContext context;		/* holds this struct and what it points to */
	Unit		unit;
	pg_uuid_t	tenant_id;
	Answer		answer;
	size_t		bytes;			/* of memory, about, with the request */
	TimestampTz next_try;		/* its run's row was locked, and the answer is
								 * recorded then; 0: it was not */
	bool		ended;			/* the answer has come, or the token has */
	Transfer   *transfer;		/* NULL: the request is not sent yet, and */
	Token	   *token;			/* waits for this */
} PendingRequest;

/* A run that has a tick of its own: its native step is slow, or met a lock. */
typedef struct Blocked
{
	Unit		unit;			/* first: a list of these is one of units */
	pg_uuid_t	tenant_id;		/* if it is slow */
	TimestampTz since;			/* when it met the lock; 0: it is slow */
	TimestampTz next_try;
} Blocked;

/* Of one worker. */
typedef struct InFlight
{
	int64		epoch;			/* the worker's, as owner of its runs */
	MemoryContext context;		/* holds all of this */
	int			nrequests;
	size_t		bytes;			/* of all requests */
	int			nended;			/* answers to record */
	TimestampTz recorded_at;	/* when the last answers were */
	bool		urgent;			/* they are not to wait for more */
	uint32		closings_seen;	/* gate_closing_count when it was last asked */
	dlist_head	out;			/* of PendingRequest: under way */
	dlist_head	waiting;		/* of PendingRequest: for a token */
	dlist_head	ended;			/* of PendingRequest: answers to record */
	HTAB	   *by_unit;		/* the request of each run */
	HTAB	   *by_tenant;		/* what each tenant has of requests */
	List	   *runnable;		/* of Unit *: native steps left */
	List	   *blocked;		/* of Blocked *: each in a tick of its own */
} InFlight;

/* Of this process, which is one worker. */
extern InFlight in_flight;

/* Once per process; epoch is the owner of the runs that it claims. */
extern void in_flight_begin(int64 epoch);

/*
 * Takes over the answers of transfers that have ended, and lets runs go on
 * whose token has come, or come to nothing.  Takes back requests that wait for
 * their place, unsent, if the provider has asked to wait.
 */
extern void in_flight_collect(void);

/*
 * Answers to record (PendingRequest *), at most n, in the current context.
 * Those whose run's row was locked a moment ago wait.
 */
extern List *in_flight_ready_answers(int n);

/*
 * When the next answers are to be recorded; 1: now, 0: there is none.  If many
 * requests are under way, a few answers are waited for, so that one commit
 * serves them all.
 */
extern TimestampTz in_flight_next_answer(TimestampTz now);

/* So many requests there may be now; if there are, no run is claimed. */
extern int	in_flight_limit(void);

/*
 * Has the tenant as many requests in flight as there is room left for others,
 * or as many bytes?  So one tenant can have half of the limit, two tenants a
 * third each, and there is always room for the next one.
 */
extern bool in_flight_is_full_for(const pg_uuid_t *tenant);

/*
 * Would the tenant have as many bytes, if those of these intents (Intent *)
 * that are its own were sent as well?  False if none is its own.
 */
extern bool in_flight_fills_up(const pg_uuid_t *tenant, List *intents);

/*
 * Sends the requests of these intents (Intent *), whose commit is done, or
 * asks for the tokens that they need, and wipes the secrets in the intents.
 */
extern void in_flight_send(List *intents);

/*
 * Nothing more is sent: requests that wait for their place come back with
 * FAILURE_WITHDRAWN for an answer.  Runs that wait for a token are forgotten:
 * their rows say that no attempt of theirs is begun.  Other answers are
 * recorded as they come.
 */
extern void in_flight_wind_up(void);

/*
 * After a commit, forgets what the tick has dealt with: runs (Unit *), and
 * requests (PendingRequest *) whose answers it recorded.
 */
extern void in_flight_release(List *units, List *recorded);

/* The clock was set back, and is at now: all are tried again at once. */
extern void in_flight_clock_set_back(TimestampTz now);

/* All runs in flight (Unit *), not copied. */
extern List *in_flight_all(void);

/*--- in_flight_runs.c ---*/

/* Runs (Unit *, copied) that go on in a later tick. */
extern void in_flight_keep_runnable(List *units);

/* Runs (Unit *, copied) whose steps met a lock, since that moment. */
extern void in_flight_keep_blocked(List *units, TimestampTz since);

/* Runs (RunRow *, copied) whose steps are slow. */
extern void in_flight_keep_alone(List *runs);

/* How many runs with slow steps does the tenant have here? */
extern int	in_flight_count_alone(const pg_uuid_t *tenant);

/* The blocked or slow run whose turn it is, or NULL. */
extern Blocked *in_flight_next_blocked(TimestampTz now);

#endif							/* WF_IN_FLIGHT_H */
