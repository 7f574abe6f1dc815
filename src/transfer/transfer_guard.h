/*
 * transfer_guard.h
 *	  The guard of outbound requests: which addresses may be connected to.
 */
#ifndef WF_TRANSFER_GUARD_H
#define WF_TRANSFER_GUARD_H

#include "config/address_list.h"
#include "transfer/transfer_state.h"

/*
 * Takes the settings and copies them: the list may be NULL, the proxy is ""
 * or a URL.  Allocates in TopMemoryContext.
 */
extern void guard_set(const AddressList *allowed, const char *proxy);

/*
 * Sets the proxy of t->easy and the callback that judges each address before
 * a socket is opened.  Returns libcurl's first refusal.
 */
extern CURLcode guard_options(Transfer *t);

/*
 * May the request be sent on the connection that libcurl has chosen, which
 * goes to that address?  It may be a reused one.  If not, the failure is
 * noted.
 */
extern bool guard_connection(Transfer *t, const char *ip, int port);

/*
 * Notes the failure if libcurl could not connect because every address of the
 * host was refused.
 */
extern void guard_result(Transfer *t, CURLcode code);

#endif							/* WF_TRANSFER_GUARD_H */
