/*
 * commit_wakeup.h
 *	  What the commit of the current transaction announces to the workers and
 *	  to the launcher.
 *
 * May be called in any backend, and if the library was not preloaded.  Cheap
 * to repeat.  No effect if the transaction aborts; lost if it is prepared.
 */
#ifndef WF_COMMIT_WAKEUP_H
#define WF_COMMIT_WAKEUP_H

#include "shared/due_queue.h"

/* The workers of this database wake and take that run. */
extern void wakeup_run_at_commit(const DueRun *run);

/* The workers of this database wake and rescan the table. */
extern void wakeup_at_commit(void);

/* The launcher checks whether this database has the extension. */
extern void wakeup_check_extension_at_commit(void);

/*
 * The workers of all databases read anew what ALTER DATABASE and ALTER ROLE
 * ... SET have set.
 */
extern void wakeup_settings_at_commit(void);

/*
 * How many transactions have committed that changed such settings.  A worker
 * that sees another number than before must read them.
 */
extern uint32 wakeup_settings_count(void);

/*
 * The workers of this database wake and look when schedules are due.  What a
 * prepared transaction has saved they see at their next sweep.
 */
extern void wakeup_schedules_at_commit(void);

/*
 * How many transactions have committed, in any database, that saved schedules.
 * A worker that sees another number than before must look.
 */
extern uint32 wakeup_schedules_count(void);

/*
 * Has a transaction been prepared, in any database since the server started,
 * that would have announced an extension or settings, and so lost that?
 */
extern bool wakeup_lost_by_prepare(void);

#endif							/* WF_COMMIT_WAKEUP_H */
