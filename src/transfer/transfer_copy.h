/*
 * transfer_copy.h
 *	  A transfer's own copy of its request: checked, and wiped.
 */
#ifndef WF_TRANSFER_COPY_H
#define WF_TRANSFER_COPY_H

#include "transfer/transfer_state.h"

/*
 * Checks a request and copies it into t, in the current memory context, which
 * must be the transfer's.  Returns NULL and, in *host, the host that the
 * transfer belongs to; or the reason for which the request is refused.
 */
extern const char *transfer_copy(Transfer *t, const Request *request,
								 const char *user_agent, char **host);

/* Overwrites every secret and frees what is not in the memory context. */
extern void transfer_wipe(Transfer *t);

#endif							/* WF_TRANSFER_COPY_H */
