/*
 * fire_guard.h
 *	  Work whose errors must not end the statement that fires.
 */
#ifndef WF_FIRE_GUARD_H
#define WF_FIRE_GUARD_H

#include "postgres.h"

/*
 * work(arg) under guard: true, or if it raised an error that its input is to
 * blame for, false and *message, palloc'd.  If in_subtransaction, work may
 * execute anything, else it may hold nothing but memory when it raises.
 */
extern bool fire_guarded(void (*work) (void *arg), void *arg,
						 bool in_subtransaction, char **message);

#endif							/* WF_FIRE_GUARD_H */
