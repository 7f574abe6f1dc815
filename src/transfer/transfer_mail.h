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

/* Sets the options of t->easy.  Returns libcurl's first refusal. */
extern CURLcode mail_options(Transfer *t);

/*
 * Takes one line of a reply, "250-text" or "250 text" for its last, and keeps
 * the reply in t->head and its code in t->reply.
 */
extern ReplyLine mail_take_line(Transfer *t, const char *line, size_t len);

/* Notes that the last reply refuses the recipient that was named last. */
extern void mail_note_refusal(Transfer *t);

#endif							/* WF_TRANSFER_MAIL_H */
