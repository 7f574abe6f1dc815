/*
 * transfer_copy.h
 *	  A transfer's own copy of its request: checked, and wiped.
 */
#ifndef WF_TRANSFER_COPY_H
#define WF_TRANSFER_COPY_H

#include "transfer/transfer_state.h"

extern const char *transfer_copy(Transfer *t, const Request *request,
								 const char *user_agent, char **host);
extern void transfer_wipe(Transfer *t);

#endif							/* WF_TRANSFER_COPY_H */
