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
#include "throttle.h"

#define LOGIN_OLDEST_EXTENSION "1.1"	/* whose objects statements call */

extern void login_start(struct event_base *base, const Config *config,
						const Database *database, Sessions *sessions,
						Throttle *throttle);
extern void login_begin(Client *client, const char *body, size_t length);
extern void login_stop(void);
extern bool login_takes_version(const char *version);

#endif							/* WF_LOGIN_H */
