/*
 * transfer_http.h
 *	  One HTTP exchange.
 */
#ifndef WF_TRANSFER_HTTP_H
#define WF_TRANSFER_HTTP_H

#include "transfer/transfer_state.h"

extern CURLcode http_options(Transfer *t);
extern bool http_found_closed(Transfer *t, CURLcode code);
extern bool http_answer_whole(Transfer *t, CURLcode code);
extern void http_leave_silent(Transfer *t);

#endif							/* WF_TRANSFER_HTTP_H */
