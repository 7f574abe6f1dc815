/*
 * api.h
 *	  From a request to what answers it.
 */
#ifndef WF_API_H
#define WF_API_H

#include "client.h"
#include "session.h"

#define CONSOLE_VERSION "1.1"

extern void api_start(const Config *config, Sessions *sessions);
extern bool api_admit(Client *client, const Request *request);
extern void api_handle(Client *client, const Request *request,
					   const char *body);
extern void api_expire(void);

#endif							/* WF_API_H */
