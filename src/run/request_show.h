/*
 * request_show.h
 *	  A request as JSON, for people who want to see what would be sent.
 */
#ifndef WF_REQUEST_SHOW_H
#define WF_REQUEST_SHOW_H

#include "connection/connection.h"

/*
 * {"method", "url", "headers", "body"} of HTTP; {"url", "from", "to",
 * "headers", "text", "html"} of a mail; and of both "connection" and
 * "credentials" if there is one.  connection, which may be NULL, comes from
 * connection_find_shown(); what it adds to the request is added here.  No
 * credential is in the result, since none was read.  *problem: why the request
 * might be refused, or NULL.  In the current memory context.
 */
extern Jsonb *request_show(Request *request, const Connection *connection,
						   char **problem);

#endif							/* WF_REQUEST_SHOW_H */
