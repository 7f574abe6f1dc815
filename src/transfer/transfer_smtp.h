/*
 * transfer_smtp.h
 *	  The dialogue of a mail, after libcurl has logged in.
 */
#ifndef WF_TRANSFER_SMTP_H
#define WF_TRANSFER_SMTP_H

#include "transfer/transfer_state.h"

/*
 * Makes the epoll set of dialogues; returns its descriptor.  Raises what the
 * operating system says.
 */
extern int	smtp_start(void);

/*
 * Begins the dialogue on a connection that libcurl has made and logged in to.
 * What cannot begin has ended at once, for smtp_take_ended().
 */
extern void smtp_begin(Transfer *t);

/*
 * Moves the dialogues whose sockets are ready, then ends those whose time is
 * over.  now is monotonic_ms().
 */
extern void smtp_drive(int64 now);

/* Milliseconds until the time of a dialogue is over, -1: there is none. */
extern long smtp_timeout(int64 now);

/* A transfer whose dialogue has ended, or NULL. */
extern Transfer *smtp_take_ended(void);

/* Breaks a dialogue off, before its connection is closed. */
extern void smtp_forget(Transfer *t);

#endif							/* WF_TRANSFER_SMTP_H */
