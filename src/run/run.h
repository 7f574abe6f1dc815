/*
 * run.h
 *	  One run: from a state and an event to the next state.
 */
#ifndef WF_RUN_H
#define WF_RUN_H

#include "action/action.h"
#include "shared/gate.h"
#include "store/run_row.h"

/*
 * What a step leads to, and so where a run stands when run_advance or
 * run_receive returns.
 */
typedef enum RunVerdict
{
	RUN_PASSED,					/* on to the next step, in this tick; not
								 * returned by the functions below */
	RUN_ENDED,					/* completed or failed */
	RUN_SENDING,				/* an intent to send is recorded, or a token is
								 * to be asked for */
	RUN_WAITING,				/* for the next attempt of a step */
	RUN_RUNNABLE,				/* more native steps; in the next tick */
	RUN_ALONE,					/* the same, in a tick of its own */
	RUN_BLOCKED					/* a lock is held: again, in its own tick */
} RunVerdict;

/*
 * A request to be sent once the intent is committed.  If the step needs a
 * token that this worker has not, it is the request for that: no attempt is
 * begun then, and the run goes on when the token has come.
 */
typedef struct Intent
{
	Unit		unit;
	pg_uuid_t	tenant_id;
	StepPosition step;
	int			attempt;
	const Action *action;
	Request		request;
	Connection *connection;
	Jsonb	   *input;
	Jsonb	   *prepare_state;
	TimestampTz started_at;
	GateKey		gate;			/* before its provider */
	bool		asks;			/* for a token: */
	TokenUse	token;			/* this one; else the one that is sent */
} Intent;

/*
 * An exchange that has ended; what run_receive needs of the intent.  waited is
 * the token that the run has waited for; then there is no response.
 */
typedef struct Answer
{
	StepPosition step;
	int			attempt;
	const Action *action;
	Jsonb	   *input;
	Jsonb	   *prepare_state;
	TimestampTz started_at;
	GateKey		gate;
	TokenUse	token;			/* that was sent */
	const Token *waited;
	const Response *response;
} Answer;

/* Steps of one tick may take so long in all; then it commits. */
#define RUN_TICK_US INT64CONST(50000)

/* What the runs of one tick share. */
typedef struct TickContext
{
	int64		epoch;			/* of this worker */
	int			lock_timeout_ms;	/* of each wait for a lock */
	bool		give_up;		/* a lock time-out is the step's failure */
	bool		in_batch;		/* one subtransaction is around all of them */
	bool		alone;			/* there is one run, whose row is not locked */
	int			soft_limit_ms;	/* a native step is cut off then; 0: only
								 * after its time-out */
	int64		spent_us;		/* in steps */
	bool		ending;			/* no more steps are begun: the tick commits */
	bool		stopping;		/* no step is begun at all */
	bool		probation;		/* an attempt is committed before it is
								 * made */
	TimestampTz killed_before;	/* attempts committed before were under way
								 * when the server was killed; 0: none was */
	int			subtransactions_left;	/* so many more may write */
	int64		steps_done;
	int64		waited_for;		/* number of the token that the run has
								 * waited for; 0: none */
	bool		cancelled;		/* a step has cancelled runs, maybe of these */
	List	   *intents;		/* of Intent * */
} TickContext;

/*
 * Begins or resumes a run and takes it as far as it goes without the
 * network.  run is changed in memory; the caller saves it.
 */
extern RunVerdict run_advance(RunRow *run, TickContext *tick);

/* The same with the answer to the run's current step. */
extern RunVerdict run_receive(RunRow *run, const Answer *answer,
							  TickContext *tick);

/* A step, or a run, that has ended so many workers is failed. */
#define MAX_ABNORMAL_ENDS 3

/* A worker's end, and the step that it executed then. */
typedef struct WorkerCrash
{
	StepPosition step;
	TimestampTz since;			/* when its attempt had begun */
	bool		uncancelled;	/* it was ended since the step went on after
								 * its time-out */
} WorkerCrash;

/*
 * Books a worker crash on its run, which stands at that step or, if the steps
 * between were undone with the crash, before it.  The run is queued again, or
 * its step is failed if that was one crash too many.
 */
extern RunVerdict run_book_crash(RunRow *run, const WorkerCrash *crash,
								 TickContext *tick);

#endif							/* WF_RUN_H */
