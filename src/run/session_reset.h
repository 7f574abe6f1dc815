/*
 * session_reset.h
 *	  What a step leaves in the worker's session, and how it goes away.
 */
#ifndef WF_SESSION_RESET_H
#define WF_SESSION_RESET_H

#include "postgres.h"

/* To be called before the first step of the process. */
extern void session_reset_begin(void);

/*
 * Undoes what a step may have left in the session and what no subtransaction
 * gives back.  To be called after each step that used user code, as the
 * worker, in its transaction, outside of any query.  False if something is
 * left that cannot be undone: then no further step may use this process.
 */
extern bool session_reset(void);

#endif							/* WF_SESSION_RESET_H */
