/*
 * cancel.h
 *	  PQcancel, in a thread of its own.
 */
#ifndef WF_CANCEL_H
#define WF_CANCEL_H

#include <event2/event.h>
#include <libpq-fe.h>
#include <stdbool.h>

typedef struct Cancel Cancel;
typedef void (*CancelDone) (void *arg);

extern bool cancel_start(struct event_base *base);
extern void cancel_stop(void);
extern Cancel *cancel_send(PGconn *conn, CancelDone done, void *arg);
extern void cancel_forget(Cancel *cancel);

#endif							/* WF_CANCEL_H */
