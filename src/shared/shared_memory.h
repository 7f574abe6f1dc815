/*
 * shared_memory.h
 *	  Shared memory: whether it is there.
 */
#ifndef WF_SHARED_MEMORY_H
#define WF_SHARED_MEMORY_H

/* Called in _PG_init of a preloaded library. */
extern void shared_memory_install(void);

/*
 * False if the library was not preloaded.  There are no workers then, and no
 * function of this folder may be called but those that say so.
 */
extern bool shared_memory_attached(void);

#endif							/* WF_SHARED_MEMORY_H */
