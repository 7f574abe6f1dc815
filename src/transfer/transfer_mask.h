/*
 * transfer_mask.h
 *	  The secrets of a transfer, and finding them in answers.
 */
#ifndef WF_TRANSFER_MASK_H
#define WF_TRANSFER_MASK_H

#include "transfer/transfer_state.h"

/*
 * Adds a secret to those that are looked for, also as base64.  One that is
 * too short to be told from other text is left out.  Allocates in the current
 * memory context, which must be the transfer's.
 */
extern void mask_add(Transfer *t, const char *data, size_t len);

/* The same for a secret that is sent as base64: of that, base64 again. */
extern void mask_add_encoded(Transfer *t, const char *data, size_t len);

/* The same for a secret address: all after its host, whole and in parts. */
extern void mask_add_url(Transfer *t, const char *url);

/* Overwrites each occurrence of needle, if it is not too short to search. */
extern void mask_exact(char *text, size_t len, const char *needle,
					   size_t needle_len);

/* Overwrites the transfer's secrets in text, however they are spelled. */
extern void mask_text(Transfer *t, char *text, size_t len);

/* Overwrites the list of secrets. */
extern void mask_wipe(Transfer *t);

#endif							/* WF_TRANSFER_MASK_H */
