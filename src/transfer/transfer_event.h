/*
 * transfer_event.h
 *	  libcurl's multi handle behind one descriptor and one timer.
 */
#ifndef WF_TRANSFER_EVENT_H
#define WF_TRANSFER_EVENT_H

#include "postgres.h"

#include <curl/curl.h>

/*
 * Makes the multi handle and its descriptor; once per process.  Raises 53000
 * if libcurl cannot be had, and what the operating system says.
 */
extern void event_start(void);

extern CURLM *event_multi(void);

/* The descriptor that is readable if event_drive() has something to do. */
extern int	event_fd(void);

/* Milliseconds until event_drive() is due, 0 if it is, -1 if never. */
extern long event_timeout(void);

/* Moves what is ready: sockets, then timers, then the dialogues of mails. */
extern void event_drive(void);

#endif							/* WF_TRANSFER_EVENT_H */
