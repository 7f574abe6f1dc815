/*
 * hooks.h
 *	  What the engine wants to know of commands that the server executes.
 */
#ifndef WF_HOOKS_H
#define WF_HOOKS_H

#include "postgres.h"

/* Called in _PG_init of a preloaded library. */
extern void hooks_install(void);

/*
 * Has SET CONSTRAINTS been executed in this process since the last call?
 * Where the library was not preloaded: never.
 */
extern bool hooks_take_constraints_set(void);

#endif							/* WF_HOOKS_H */
