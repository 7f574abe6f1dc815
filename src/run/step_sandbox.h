/*
 * step_sandbox.h
 *	  Executes one step so that its failure undoes only itself, and nothing
 *	  of it is left in the session.
 */
#ifndef WF_STEP_SANDBOX_H
#define WF_STEP_SANDBOX_H

#include "postgres.h"
#include "base/unit.h"
#include "plan/step_position.h"
#include "utils/uuid.h"

typedef struct Sandbox
{
	const Unit *unit;			/* whose step it is, */
	const pg_uuid_t *definition_id; /* of which workflow, */
	StepPosition step;			/* and which */
	int64		timeout_ms;		/* of the whole body */
	int64		soft_ms;		/* after that it is cancelled, since others
								 * wait for its transaction; 0: nobody does */
	int			lock_timeout_ms;	/* of each wait for a lock */
	/* set by sandbox_run: */
	bool		too_long;		/* it was cancelled by soft_ms */
	/* set by sandbox_enter_role: */
	bool		in_role;
	int			guc_level;
	Oid			save_user;
	int			save_context;
} Sandbox;

/*
 * Runs body in a subtransaction.  NULL if it succeeded; else its effects are
 * undone, and the error is returned, in the caller's memory context.  Raises
 * only what concerns the whole worker (termination).
 */
extern ErrorData *sandbox_run(Sandbox *sandbox,
							  void (*body) (Sandbox *, void *), void *arg);

/*
 * Runs body in one subtransaction; sandbox_run within it has none of its own,
 * and raises.  The step settings are made for that tenant, of which most runs
 * of the batch should be.  False: something failed, and all is undone; the
 * caller does it again, each step in a subtransaction.  *too_long: a step was
 * cancelled by its soft_ms.
 */
extern bool sandbox_run_batch(const pg_uuid_t *tenant_id,
							  void (*body) (void *), void *arg,
							  bool *too_long);

/*
 * Within a body: from here to its end act as role, for that tenant.  Raises
 * 42704 if there is no such role.
 */
extern void sandbox_enter_role(Sandbox *sandbox, Oid role,
							   const pg_uuid_t *tenant_id);

/* Did the last body use user code (sandbox_enter_role)? */
#define sandbox_was_in_role(sandbox) ((sandbox)->in_role)

/*
 * Has a step left something in the session that only ends with it?  Then the
 * worker has been asked to leave, and no further step may be executed: the
 * tick must end.
 */
extern bool sandbox_session_unclean(void);

/*
 * SET CONSTRAINTS has been executed in this process, and has an effect until
 * the end of the transaction.  Noted by the hook of a preloaded library.
 */
extern void sandbox_note_constraints_set(void);

/* Has it been since the last call? */
extern bool sandbox_take_constraints_set(void);

#endif							/* WF_STEP_SANDBOX_H */
