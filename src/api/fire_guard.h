/*
 * fire_guard.h
 *	  Calls work whose errors must not end the statement that fires.
 */
#ifndef WF_FIRE_GUARD_H
#define WF_FIRE_GUARD_H

#include "postgres.h"

/*
 * Calls work(arg).  Returns true, or false if it has raised an error whose
 * cause is its input; then *message says which, palloc'd in the current memory
 * context.  Other errors (a cancelled query, memory) are raised again.
 *
 * If in_subtransaction, work may execute anything; otherwise it may hold
 * nothing but memory when it raises.
 */
extern bool fire_guarded(void (*work) (void *arg), void *arg,
						 bool in_subtransaction, char **message);

#endif							/* WF_FIRE_GUARD_H */
