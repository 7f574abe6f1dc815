/*
 * transfer_result.h
 *	  From libcurl's verdict on a transfer to a Response.
 */
#ifndef WF_TRANSFER_RESULT_H
#define WF_TRANSFER_RESULT_H

#include "transfer/transfer_state.h"

/*
 * Fills t->response from what the callbacks left and libcurl's verdict, in
 * the transfer's context.  t->easy must still be there.
 */
extern void transfer_result(Transfer *t, CURLcode code);

#endif							/* WF_TRANSFER_RESULT_H */
