/*
 * transfer_redirect.h
 *	  Which redirects of an HTTP exchange are followed, and with what.
 */
#ifndef WF_TRANSFER_REDIRECT_H
#define WF_TRANSFER_REDIRECT_H

#include "transfer/transfer_state.h"

/*
 * Is the answer that has come a redirect that is followed?  If so, t is ready
 * to be given to libcurl again.  If it is a redirect that is not followed,
 * t->response.redirect says why, or a failure is noted.
 */
extern bool redirect_follow(Transfer *t, CURLcode code);

#endif							/* WF_TRANSFER_REDIRECT_H */
