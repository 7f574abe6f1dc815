/*
 * in_flight.h
 *	  What a worker has in hand between two ticks.
 */
#ifndef WF_IN_FLIGHT_H
#define WF_IN_FLIGHT_H

#include "lib/ilist.h"
#include "run/run.h"

/* An exchange under way, or ended and not yet recorded. */
typedef struct PendingRequest
{
	dlist_node	node;			/* in hand.out or hand.ended */
	MemoryContext context;		/* holds this struct and what it points to */
	pg_uuid_t	run_id;
	pg_uuid_t	tenant_id;
	Answer		answer;
	size_t		bytes;			/* of what it holds, about */
	TimestampTz next_try;		/* its run's row was locked; 0: it was not */
	Transfer   *transfer;
} PendingRequest;

/* A run that has a tick of its own: its native step is slow, or met a lock. */
typedef struct Blocked
{
	pg_uuid_t	run_id;			/* first: a list of these is one of ids */
	pg_uuid_t	tenant_id;		/* if it is slow */
	TimestampTz since;			/* when it met the lock; 0: it is slow */
	TimestampTz next_try;
} Blocked;

typedef struct InFlight
{
	int64		epoch;			/* owner of the runs in hand */
	int			nrequests;
	size_t		bytes;			/* of all flights */
	int			nended;			/* answers to record */
	TimestampTz recorded_at;	/* when the last answers were */
	bool		urgent;			/* they are not to wait for more */
	dlist_head	out;			/* of PendingRequest: under way */
	dlist_head	ended;			/* of PendingRequest: answers to record */
	List	   *runnable;		/* of pg_uuid_t *: native steps left */
	List	   *blocked;		/* of Blocked *: each in a tick of its own */
} InFlight;

extern InFlight in_flight;

extern void in_flight_begin(int64 epoch);

/* Takes over the answers of exchanges that have ended. */
extern void in_flight_collect(void);

/* Answers to record, at most n; those whose rows were locked may wait. */
extern List *in_flight_ready_answers(int n);

/*
 * When the next answers are to be recorded; 1: now, 0: there is none.  Where
 * many are under way, it is time for a few together.
 */
extern TimestampTz in_flight_next_answer(TimestampTz now);

/* How many exchanges it may hold now; more runs are not claimed. */
extern int	in_flight_limit(void);

/*
 * Has the tenant as many exchanges in hand as there is room left for others,
 * or as many bytes?  So one tenant can have half of the limit, two a third
 * each, and there is always room for the next.
 */
extern bool in_flight_is_full_for(const pg_uuid_t *tenant);

/* The same with these in hand as well (Intent *), by bytes. */
extern bool in_flight_is_full_with(const pg_uuid_t *tenant, List *intents);

/* Sends these (Intent *), whose commit is done, and wipes their secrets. */
extern void in_flight_send(List *intents);

/*
 * Nothing more is sent: what waits for a place comes back as an answer, of
 * FAILURE_WITHDRAWN.  The others' answers are recorded as they come.
 */
extern void in_flight_wind_up(void);

/* Runs (ids) and flights that a committed tick has dealt with go. */
extern void in_flight_release(List *ids, List *requests);

/* Runs (ids, copied) that go on in a later tick. */
extern void in_flight_keep_runnable(List *ids);
extern void in_flight_keep_blocked(List *ids, TimestampTz since);

/* The same for those (RunRow *) whose steps are slow. */
extern void in_flight_keep_alone(List *runs);

/* How many of these does the tenant have? */
extern int	in_flight_count_alone(const pg_uuid_t *tenant);

/* The clock was set back, and is at now: all are tried again at once. */
extern void in_flight_clock_set_back(TimestampTz now);

/* The run whose turn it is to be tried again, or NULL. */
extern Blocked *in_flight_next_blocked(TimestampTz now);

/* All runs in hand: ids, not copied. */
extern List *in_flight_all_ids(void);

#endif							/* WF_IN_FLIGHT_H */
