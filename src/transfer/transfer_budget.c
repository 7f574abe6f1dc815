/*
 * transfer_budget.c
 *	  How much of all answers a worker holds at a time.
 *
 * Runs in a worker.  Each answer has a limit of its own (max_response_size),
 * but many answers at a time could still fill the memory.  So all answers
 * together have a budget.  The first bytes of each answer come in always.  If
 * more of an answer would go over the budget, its transfer is paused: libcurl
 * stops reading, and the flow control of TCP or HTTP/2 stops the server.  The
 * transfer's time-out goes on.  One transfer at a time, the favoured one, may
 * go over the budget, so that one of them always goes on until it is complete
 * or too late.
 *
 * Owns the sum of all answers, the favoured transfer and the list of paused
 * ones; they are lost with the process.  An answer counts until it is dropped
 * or its transfer is freed.
 */
#include "postgres.h"
#include "compat.h"

#include "transfer/transfer_budget.h"
#include "transfer/transfer_os.h"

#define BUDGET ((size_t) 48 * 1024 * 1024)
#define ALWAYS_READ (64 * 1024) /* of each answer, whatever is held */

static size_t held = 0;			/* bytes of all answers */
static Transfer *favoured = NULL;	/* may go over the budget; or NULL */
static dlist_head waiting = DLIST_STATIC_INIT(waiting); /* paused */

bool
budget_allows(Transfer *t, size_t more)
{
	if (t->answer.len + more <= ALWAYS_READ || held + more <= BUDGET ||
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

void
budget_count(Transfer *t)
{
	Assert(held >= t->counted_bytes);
	held = held - t->counted_bytes + t->answer.size;
	t->counted_bytes = t->answer.size;
}

void
budget_leave(Transfer *t)
{
	if (t->paused)
		dlist_delete(&t->paused_node);
	t->paused = false;
	if (favoured == t)
		favoured = NULL;
}

void
budget_free(Transfer *t)
{
	budget_leave(t);
	held -= t->counted_bytes;
	t->counted_bytes = 0;
}

/* Would another piece of an answer be let in? */
static bool
has_room(void)
{
	return favoured == NULL || held + CURL_MAX_WRITE_SIZE <= BUDGET;
}

void
budget_resume(void)
{
	dlist_head	again = DLIST_STATIC_INIT(again);
	sigset_t	saved;

	if (dlist_is_empty(&waiting) || !has_room())
		return;

	/*
	 * libcurl calls back at once with what it has read.  A transfer for which
	 * there is still no room joins the list again, at its end: so the list is
	 * emptied first.  No transfer is resumed in vain: from version 8.13 on,
	 * libcurl reads more each time and keeps that itself, beside the budget.
	 */
	while (!dlist_is_empty(&waiting))
		dlist_push_tail(&again, dlist_pop_head_node(&waiting));
	signals_block(&saved);
	while (!dlist_is_empty(&again) && has_room())
	{
		Transfer   *t = dlist_container(Transfer, paused_node,
										dlist_pop_head_node(&again));

		t->paused = false;
		(void) curl_easy_pause(t->easy, CURLPAUSE_CONT);
	}
	signals_restore(&saved);

	/* the others go on waiting, before those that joined the list again */
	while (!dlist_is_empty(&again))
	{
		dlist_node *last = dlist_tail_node(&again);

		dlist_delete(last);
		dlist_push_head(&waiting, last);
	}
}
