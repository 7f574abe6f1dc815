/*
 * transfer_redirect.h
 *	  Which redirects of an HTTP exchange are followed, and with what.
 */
#ifndef WF_TRANSFER_REDIRECT_H
#define WF_TRANSFER_REDIRECT_H

#include "transfer/transfer_state.h"

extern bool redirect_follow(Transfer *t, CURLcode code);

#endif							/* WF_TRANSFER_REDIRECT_H */
