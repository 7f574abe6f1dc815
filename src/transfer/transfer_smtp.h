/*
 * transfer_smtp.h
 *	  The dialogue of a mail, after libcurl has logged in.
 */
#ifndef WF_TRANSFER_SMTP_H
#define WF_TRANSFER_SMTP_H

#include "transfer/transfer_state.h"

extern int	smtp_start(void);
extern void smtp_begin(Transfer *t);
extern void smtp_drive(int64 now);
extern long smtp_timeout(int64 now);
extern Transfer *smtp_take_ended(void);
extern void smtp_forget(Transfer *t);

#endif							/* WF_TRANSFER_SMTP_H */
