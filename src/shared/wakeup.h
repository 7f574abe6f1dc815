/*
 * wakeup.h
 *	  Shared memory: waking workers and the launcher.
 *
 * Nothing here takes a lock, allocates or raises.
 */
#ifndef WF_WAKEUP_H
#define WF_WAKEUP_H

/* Wakes the workers of a database. */
extern void wakeup_workers(Oid database);

/* Wakes the workers of this process's database, but not this process. */
extern void wakeup_others(void);

/* Wakes the launcher, if there is one. */
extern void wakeup_launcher(void);

#endif							/* WF_WAKEUP_H */
