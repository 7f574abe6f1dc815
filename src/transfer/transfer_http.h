/*
 * transfer_http.h
 *	  One HTTP exchange.
 */
#ifndef WF_TRANSFER_HTTP_H
#define WF_TRANSFER_HTTP_H

#include "transfer/transfer_state.h"

/* Sets the options of t->easy.  Returns libcurl's first refusal. */
extern CURLcode http_options(Transfer *t);

/*
 * Was the request sent on a reused connection that its server had closed
 * before?  Then it may be sent again, once, on a new connection.
 */
extern bool http_found_closed(Transfer *t, CURLcode code);

/*
 * Has the whole answer come, though libcurl's verdict is that the exchange
 * broke?
 */
extern bool http_answer_whole(Transfer *t, CURLcode code);

/*
 * After a time-out: shuts the connection down if nothing has come on it for
 * so long that its server seems to be gone.
 */
extern void http_leave_silent(Transfer *t);

#endif							/* WF_TRANSFER_HTTP_H */
