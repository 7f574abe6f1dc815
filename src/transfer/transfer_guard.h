/*
 * transfer_guard.h
 *	  The guard of outbound requests: which addresses may be connected to.
 */
#ifndef WF_TRANSFER_GUARD_H
#define WF_TRANSFER_GUARD_H

#include "config/address_list.h"
#include "transfer/transfer_state.h"

extern void guard_set(const AddressList *allowed, const char *proxy);
extern CURLcode guard_options(Transfer *t);
extern bool guard_connection(Transfer *t, const char *ip, int port);
extern void guard_result(Transfer *t, CURLcode code);

#endif							/* WF_TRANSFER_GUARD_H */
