/*
 * transfer_text.h
 *	  Texts of a transfer that may be shown.
 */
#ifndef WF_TRANSFER_TEXT_H
#define WF_TRANSFER_TEXT_H

#include "transfer/transfer_state.h"

/*
 * A copy of text, which has len bytes, in the transfer's context: one line
 * without control characters, valid in the database's encoding, with
 * asterisks in place of the transfer's secrets and of its URL's query.
 */
extern char *transfer_clean_text(Transfer *t, const char *text, size_t len);

#endif							/* WF_TRANSFER_TEXT_H */
