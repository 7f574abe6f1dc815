/*
 * transfer_mail.h
 *	  How libcurl enters a mail server; what replies say.
 */
#ifndef WF_TRANSFER_MAIL_H
#define WF_TRANSFER_MAIL_H

#include "transfer/transfer_state.h"

/* What a line of a mail server's reply was. */
typedef enum ReplyLine
{
	REPLY_CONTINUES,
	REPLY_COMPLETE,
	REPLY_FAILED				/* the failure is noted */
} ReplyLine;

extern CURLcode mail_options(Transfer *t);
extern ReplyLine mail_take_line(Transfer *t, const char *line, size_t len);
extern void mail_note_refusal(Transfer *t);

#endif							/* WF_TRANSFER_MAIL_H */
