/*
 * server_hooks.h
 *	  What the engine wants to know of commands that the server executes.
 */
#ifndef WF_SERVER_HOOKS_H
#define WF_SERVER_HOOKS_H

#include "postgres.h"

/* Called in _PG_init of a preloaded library. */
extern void server_hooks_install(void);

#endif							/* WF_SERVER_HOOKS_H */
