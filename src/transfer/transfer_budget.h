/*
 * transfer_budget.h
 *	  How much of all answers a worker holds at a time.
 */
#ifndef WF_TRANSFER_BUDGET_H
#define WF_TRANSFER_BUDGET_H

#include "transfer/transfer_state.h"

extern bool budget_allows(Transfer *t, size_t more);
extern void budget_count(Transfer *t);
extern void budget_leave(Transfer *t);
extern void budget_free(Transfer *t);
extern void budget_resume(void);

#endif							/* WF_TRANSFER_BUDGET_H */
