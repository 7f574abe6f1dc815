/*
 * transfer_budget.c
 *	  How much of all answers a worker holds at a time.
 *
 * Runs in a worker.  Each answer has a limit of its own (max_response_size);
 * many at a time would still fill the memory.  So answers that are more than
 * small share a budget.  One that would go over it waits: libcurl is told to
 * pause, and its server is kept waiting by the flow control of TCP or HTTP/2,
 * while its time runs on.  One answer at a time may go over, so that one
 * always gets on, and is finished or late in the end.
 *
 * Owns the sum, who may go over, and the list of those that wait, in static
 * memory.  An answer counts until its transfer is freed, or it is dropped.
 */
#include "postgres.h"
#include "compat.h"

#include "transfer/transfer_budget.h"
#include "transfer/transfer_os.h"

#define BUDGET ((size_t) 48 * 1024 * 1024)
#define SMALL (64 * 1024)		/* so much of each answer is never held up */

static size_t held = 0;
static Transfer *favoured = NULL;	/* may go over the budget */
static dlist_head waiting = DLIST_STATIC_INIT(waiting);

/* In a callback of libcurl's.  False: the transfer must pause. */
bool
budget_allows(Transfer *t, size_t more)
{
	if (t->answer.len + more <= SMALL || held + more <= BUDGET ||
		t == favoured)
		return true;
	if (favoured == NULL)
	{
		favoured = t;
		return true;
	}
	if (!t->paused)
		dlist_push_tail(&waiting, &t->paused_node);
	t->paused = true;
	return false;
}

/* The buffer of the answer has grown, or is gone. */
void
budget_count(Transfer *t)
{
	held = held - t->held + t->answer.size;
	t->held = t->answer.size;
}

/* The transfer reads no more. */
void
budget_leave(Transfer *t)
{
	if (t->paused)
		dlist_delete(&t->paused_node);
	t->paused = false;
	if (favoured == t)
		favoured = NULL;
}

/* Nothing is held of it any more. */
void
budget_free(Transfer *t)
{
	budget_leave(t);
	held -= t->held;
	t->held = 0;
}

/* Lets those go on for which there is room now.  Not in a callback. */
void
budget_resume(void)
{
	dlist_head	again = DLIST_STATIC_INIT(again);
	sigset_t	saved;

	if (dlist_is_empty(&waiting) || (held >= BUDGET && favoured != NULL))
		return;
	/* who must wait on puts itself behind the others */
	while (!dlist_is_empty(&waiting))
		dlist_push_tail(&again, dlist_pop_head_node(&waiting));
	signals_block(&saved);
	while (!dlist_is_empty(&again))
	{
		Transfer   *t = dlist_container(Transfer, paused_node,
										dlist_pop_head_node(&again));

		t->paused = false;
		(void) curl_easy_pause(t->easy, CURLPAUSE_CONT);
	}
	signals_restore(&saved);
}
