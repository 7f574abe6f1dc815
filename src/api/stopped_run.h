/*
 * stopped_run.h
 *	  A run that people act on by hand: looked up, locked, cancelled.
 */
#ifndef WF_STOPPED_RUN_H
#define WF_STOPPED_RUN_H

#include "postgres.h"
#include "fmgr.h"
#include "plan/step_position.h"
#include "store/run_status.h"
#include "store/store_execute.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

/* What is read of a run after its row was locked. */
typedef struct StoppedRun
{
	pg_uuid_t	id;
	pg_uuid_t	tenant_id;
	pg_uuid_t	definition_id;
	int			version;		/* of the definition */
	RunStatus	status;
	StepPosition current_step;
	int			attempt;		/* of the current step */
	bool		belongs_here;	/* its place is executed in this database */
	int64		place;
	Jsonb	   *step_results;
	Jsonb	   *failed_attempts;	/* of the current step; NULL: none */
	Jsonb	   *previous_results;	/* NULL: none */
} StoppedRun;

/*
 * Why a run is left as it is: the parts of an error.  Palloc'd; detail and
 * hint may be NULL.
 */
typedef struct Objection
{
	int			sqlstate;
	char	   *message;
	char	   *detail;
	char	   *hint;
} Objection;

/* Raises the error. */
extern void objection_raise(const Objection *objection)
			compat_noreturn;

/*
 * What every function about runs by hand begins with: the schema that it
 * belongs to is ours, and our tables are as the engine needs them (55000).
 */
extern void stopped_run_enter(FunctionCallInfo fcinfo);

/*
 * Locks the row of a run and fills run, in the current memory context.  False:
 * there is no such run, or it belongs to a tenant that the session may not act
 * for; then it waits for no lock.
 */
extern bool stopped_run_lock(const pg_uuid_t *id, StoppedRun *run);

/* The same; raises P0002 for false. */
extern void stopped_run_require(const pg_uuid_t *id, StoppedRun *run);

/*
 * Cancels the run with that id, if it has not ended, and announces that.
 * False: it has ended.  Waits for a lock of its row.  The caller has checked
 * that the session may act for the run's tenant.
 */
extern bool stopped_run_cancel(const pg_uuid_t *id);

/*
 * store_execute (within SPI) of a statement that changes a run; what says in
 * an error what was being done.  An error that a trigger or a constraint of a
 * user's raises gets a hint.
 */
extern void stopped_run_change(const char *what, StoreStatement statement,
							   Datum *values, const char *nulls);

#endif							/* WF_STOPPED_RUN_H */
