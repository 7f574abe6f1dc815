/*
 * worker_stop.c
 *	  How a worker ends that is told to: SIGTERM, and what follows.
 *
 * Runs in a worker.  SIGTERM comes from the postmaster when the server stops,
 * from pg_terminate_backend, and from commands that wait for the workers of a
 * database to leave.  At the first one
 *
 * - nothing more is begun, and the tick under way is cancelled, with the
 *	 native step that it executes: its transaction is rolled back, as if the
 *	 step had never begun;
 * - requests that wait for a place are withdrawn, unsent;
 * - answers of those under way are waited for, up to stop_grace, and recorded
 *	 (worker.c, wind_up).
 *
 * So a restart sends nothing twice that is answered in time.  A second
 * SIGTERM, some time later, ends the process at its next
 * CHECK_FOR_INTERRUPTS.  So does the first one, if it comes before
 * worker_may_stop was called: there is nothing to wait for then.
 *
 * A step may trap its cancellation, in a block with an exception handler.
 * Such a step has ended a subtransaction, at which it is cancelled again; if
 * it goes on and on, its process ends.
 *
 * Owns flags of this process.  Nothing outlives it.
 */
#include "postgres.h"
#include "compat.h"

#include <signal.h>
#include <time.h>

#include "access/xact.h"
#include "config/clock.h"
#include "config/settings.h"
#include "miscadmin.h"
#include "shared/worker_leave.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "worker/worker_internal.h"

/* Two SIGTERMs within this time are one. */
#define SAME_MS 250

/* A step that traps more cancellations than these ends its process. */
#define MAX_TRAPPED 10

/* The nest level of a step's own subtransaction (step_sandbox.c). */
#define STEP_LEVEL 2

/* The handler of SIGTERM reads and sets these, so they are of the file. */

static volatile sig_atomic_t may_stop = false;
static volatile sig_atomic_t in_tick = false;
static struct timespec first_term;	/* when the first SIGTERM came */
static int	ntrapped = 0;

/*
 * A callback of PostgreSQL's.  If this worker is to stop and a subtransaction
 * within a step was rolled back, the step has trapped its cancellation, and is
 * cancelled again.
 */
static void
after_subtransaction(SubXactEvent event, SubTransactionId own,
					 SubTransactionId parent, void *arg)
{
	if (event != SUBXACT_EVENT_ABORT_SUB || !in_tick ||
		!worker_leave_is_stopping() ||
		GetCurrentTransactionNestLevel() <= STEP_LEVEL)
		return;
	if (++ntrapped > MAX_TRAPPED)
		ProcDiePending = true;
	else
		QueryCancelPending = true;
	InterruptPending = true;
}

void
worker_may_stop(void)
{
	RegisterSubXactCallback(after_subtransaction, NULL);
	may_stop = true;
}

void
worker_in_tick(bool yes)
{
	in_tick = yes;
}

/*
 * The postmaster sends each signal to the process, and then to the group that
 * it leads: if it is quick to take the first, they do not become one.
 */
static bool
is_same_signal(void)
{
	struct timespec now;

	(void) clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - first_term.tv_sec) * 1000 +
		(now.tv_nsec - first_term.tv_nsec) / 1000000 < SAME_MS;
}

/* In the handler, at the first SIGTERM. */
static void
begin_stop(void)
{
	(void) clock_gettime(CLOCK_MONOTONIC, &first_term);
	worker_leave_set_stopping();
	if (in_tick)
		QueryCancelPending = InterruptPending = true;
	SetLatch(MyLatch);
}

void
worker_terminate(SIGNAL_ARGS)
{
	int			save_errno = errno;

	worker_leave_note_terminate();
	if (!may_stop || worker_leave_wish() == LEAVE_AT_ONCE ||
		(worker_leave_is_stopping() && !is_same_signal()))
		die(postgres_signal_arg);
	else if (!worker_leave_is_stopping())
		begin_stop();
	errno = save_errno;
}

long
worker_grace_left(TimestampTz began)
{
	int			grace = wf_stop_grace;

	if (worker_leave_wish() != LEAVE_NOT)
		grace = Min(grace, MAX_LEAVE_GRACE_MS);
	return clock_ms_until(began + (int64) grace * 1000, grace);
}
