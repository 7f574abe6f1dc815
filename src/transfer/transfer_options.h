/*
 * transfer_options.h
 *	  The options that HTTP and mail have in common.
 */
#ifndef WF_TRANSFER_OPTIONS_H
#define WF_TRANSFER_OPTIONS_H

#include "transfer/transfer_state.h"

/*
 * Sets them on t->easy; libcurl calls header_callback for each line of a
 * head.  Returns libcurl's first refusal, or CURLE_OK.
 */
extern CURLcode common_options(Transfer *t,
							   curl_write_callback header_callback);

#endif							/* WF_TRANSFER_OPTIONS_H */
