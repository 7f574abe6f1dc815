/*
 * long_step.h
 *	  Shared memory: permission for steps that take long.
 */
#ifndef WF_LONG_STEP_H
#define WF_LONG_STEP_H

/*
 * May this worker execute a step that takes long?  One of the workers of its
 * database is kept from that, unless it is the only one.  True in processes
 * that are no worker.
 */
extern bool long_step_begin(void);
extern void long_step_end(void);

/* For worker_life.c: a worker enters that slot.  The slots' lock is held. */
extern void long_step_enter(int slot);

#endif							/* WF_LONG_STEP_H */
