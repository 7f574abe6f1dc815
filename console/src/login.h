/*
 * login.h
 *	  Signing in.
 */
#ifndef WF_LOGIN_H
#define WF_LOGIN_H

#include <event2/event.h>

#include "client.h"
#include "database.h"
#include "session.h"

#define LOGINS 4				/* that may be under way */

extern void login_start(struct event_base *base, const Config *config,
						const Database *database, Sessions *sessions);
extern void login_begin(Client *client, const char *body, size_t length);
extern void login_stop(void);

#endif							/* WF_LOGIN_H */
