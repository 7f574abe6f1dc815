/*
 * budget.h
 *	  How much memory bodies and answers may take.
 */
#ifndef WF_BUDGET_H
#define WF_BUDGET_H

#include <stdbool.h>
#include <stddef.h>

#define BUDGET_LIMIT ((size_t) 96 * 1024 * 1024)

extern bool budget_take(size_t bytes);
extern void budget_give(size_t bytes);

#endif							/* WF_BUDGET_H */
