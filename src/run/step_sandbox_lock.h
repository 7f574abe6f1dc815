/*
 * step_sandbox_lock.h
 *	  Which lock a statement has waited for in vain.
 */
#ifndef WF_STEP_SANDBOX_LOCK_H
#define WF_STEP_SANDBOX_LOCK_H

#include "postgres.h"
#include "utils/elog.h"

/* A handler of SIGINT: cancels the statement, and notes the lock awaited. */
extern void sandbox_cancel_handler(SIGNAL_ARGS);

/* From here on, only what is noted later counts. */
extern void sandbox_forget_lock(void);

/*
 * Of an error that is a lock time-out: what was waited for, palloc'd, as in
 * "waited for table public.orders"; NULL if it is none, or nothing is known
 * of the lock.  Looks names up, so it must be called within a transaction
 * that has not failed.
 */
extern char *sandbox_lock_text(const ErrorData *error);

#endif							/* WF_STEP_SANDBOX_LOCK_H */
