/*
 * transfer_budget.h
 *	  How much of all answers a worker holds at a time.
 */
#ifndef WF_TRANSFER_BUDGET_H
#define WF_TRANSFER_BUDGET_H

#include "transfer/transfer_state.h"

/*
 * May the answer grow by that many bytes?  If not, the transfer is noted as
 * paused, and the caller, a callback of libcurl, must pause it.
 */
extern bool budget_allows(Transfer *t, size_t more);

/* Counts the answer anew: its buffer has grown, or is gone. */
extern void budget_count(Transfer *t);

/*
 * The transfer reads no more: it neither waits for room nor may go over the
 * budget.  What it holds still counts.
 */
extern void budget_leave(Transfer *t);

/* The same, and nothing that it holds counts any more. */
extern void budget_free(Transfer *t);

/*
 * Lets paused transfers go on if there is room.  Not callable in a callback of
 * libcurl.
 */
extern void budget_resume(void);

#endif							/* WF_TRANSFER_BUDGET_H */
