/*
 * budget.c
 *	  How much memory bodies and answers may take, all connections together.
 *
 * One number of the process; the loop alone changes it.  Whoever takes gives
 * back the same.
 */
#include "budget.h"

#include <assert.h>

/* bytes that are taken */
static size_t taken = 0;

/* Takes so many bytes, or none at all: then the answer is 503 "memory". */
bool
budget_take(size_t bytes)
{
	if (bytes > BUDGET_LIMIT - taken)
		return false;
	taken += bytes;
	return true;
}

void
budget_give(size_t bytes)
{
	assert(bytes <= taken);
	taken -= bytes;
}
