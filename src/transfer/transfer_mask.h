/*
 * transfer_mask.h
 *	  The secrets of a transfer, and finding them in answers.
 */
#ifndef WF_TRANSFER_MASK_H
#define WF_TRANSFER_MASK_H

#include "transfer/transfer_state.h"

extern void mask_add(Transfer *t, const char *data, size_t len);
extern void mask_add_encoded(Transfer *t, const char *data, size_t len);
extern void mask_add_url(Transfer *t, const char *url);
extern void mask_exact(char *text, size_t len, const char *needle,
					   size_t needle_len);
extern void mask_text(Transfer *t, char *text, size_t len);
extern void mask_wipe(Transfer *t);

#endif							/* WF_TRANSFER_MASK_H */
