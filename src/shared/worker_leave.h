/*
 * worker_leave.h
 *	  Shared memory: workers that are asked to leave, and how soon.
 */
#ifndef WF_WORKER_LEAVE_H
#define WF_WORKER_LEAVE_H

typedef enum LeaveWish
{
	LEAVE_NOT,
	LEAVE_SOON,					/* answers under way are waited for, for at
								 * most MAX_LEAVE_GRACE_MS */
	LEAVE_AT_ONCE
} LeaveWish;

#define MAX_LEAVE_GRACE_MS 3000

/* Asks the worker in that slot, living or yet to enter, to leave. */
extern void worker_leave_ask(int slot, LeaveWish wish);

/*--- of the worker that this process is ---*/

/* LEAVE_SOON, unless it is asked already.  No effect in other processes. */
extern void worker_leave_ask_self(void);

/*
 * Is this worker asked to leave?  It then exits with 0 after the tick under
 * way.  LEAVE_NOT in other processes.  Signal-safe.
 */
extern LeaveWish worker_leave_wish(void);

/* A SIGTERM came: this process begins nothing more.  Signal-safe, both. */
extern void worker_leave_set_stopping(void);
extern bool worker_leave_is_stopping(void);

/*
 * This process ends because it was told to (SIGTERM, or a time limit), not by
 * an error.  Signal-safe, both.
 */
extern void worker_leave_note_terminate(void);
extern bool worker_leave_was_terminated(void);

#endif							/* WF_WORKER_LEAVE_H */
