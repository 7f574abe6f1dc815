/*
 * transfer_queue.h
 *	  Which transfer starts next: a queue for each host, and turns.
 */
#ifndef WF_TRANSFER_QUEUE_H
#define WF_TRANSFER_QUEUE_H

#include "transfer/transfer_state.h"

/* Room for the name of a host: scheme, name of up to 255 bytes, port, NUL. */
#define QUEUE_HOST_NAME 288

/* Makes the table of hosts in that context; once per process. */
extern void queue_start(MemoryContext context);

/*
 * Puts a transfer into the queue of the host of that name, which has less
 * than QUEUE_HOST_NAME bytes, and sets t->host.
 */
extern void queue_put(Transfer *t, const char *name);

/*
 * Takes out the transfer whose turn it is; it counts as active at its host.
 * NULL if every host with waiting transfers has max_per_host active ones.
 */
extern Transfer *queue_take(int max_per_host);

/* Takes a queued transfer out of its queue; t->host is NULL then. */
extern void queue_remove(Transfer *t);

/* An active transfer has ended at its host; t->host is NULL then. */
extern void queue_leave(Transfer *t);

/* How many transfers wait. */
extern int	queue_length(void);

#endif							/* WF_TRANSFER_QUEUE_H */
