/*
 * store_indexes.h
 *	  What the partial indexes of what is due hold, as conditions.
 *
 * A statement on workflow_runs, which it calls q, must spell these conditions
 * as the install script does, or it cannot use the indexes.  store_due.c tells
 * what they are for.
 */
#ifndef WF_STORE_INDEXES_H
#define WF_STORE_INDEXES_H

/* workflow_runs_due */
#define IN_DUE \
	" q.run_at <= q.queued_at AND q.status IN ('queued', 'waiting')"

/* workflow_runs_later and workflow_runs_timer */
#define IN_LATER \
	" q.run_at > q.queued_at AND q.run_at < 'infinity'" \
	" AND q.status IN ('queued', 'waiting')"

/* workflow_runs_held: what is not due before it is cancelled and retried */
#define IN_HELD \
	" q.run_at > q.queued_at AND q.run_at = 'infinity'" \
	" AND q.status IN ('queued', 'waiting')"

#endif							/* WF_STORE_INDEXES_H */
