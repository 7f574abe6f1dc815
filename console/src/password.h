/*
 * password.h
 *	  A new password for the role of a session.
 */
#ifndef WF_PASSWORD_H
#define WF_PASSWORD_H

#include <event2/event.h>

#include "client.h"
#include "database.h"
#include "session.h"
#include "throttle.h"

extern void password_start(struct event_base *base, const Database *database,
						   Sessions *sessions, Throttle *throttle);
extern void password_begin(Client *client, const Session *session,
						   const char *body, size_t length);
extern void password_stop(void);

#endif							/* WF_PASSWORD_H */
