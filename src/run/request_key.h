/*
 * request_key.h
 *	  The idempotency key of a step's requests, and what it depends on.
 */
#ifndef WF_REQUEST_KEY_H
#define WF_REQUEST_KEY_H

#include "plan/plan.h"
#include "store/run_row.h"

/*
 * The result that the step at which the run stands had before wf_retry, in the
 * current memory context; NULL: it had none.
 */
extern Jsonb *request_previous_result(const RunRow *run);

/*
 * The number of the delivery that the step's next attempt is about, given that
 * earlier result (NULL: none): 1, and one more for each delivery that was
 * completed and is repeated on purpose.
 */
extern int	request_delivery(Jsonb *previous);

/*
 * "<run>:<step>", or "<run>:<step>:<n>" for the n-th delivery, n > 1.  A step
 * that is executed once for each item has nindexes > 0 indexes, from the
 * outermost: "<run>:<step>/<index>.<index>".  Palloc'd.
 */
extern char *request_key(const pg_uuid_t *run_id, const char *step_name,
						 const int *indexes, int nindexes, int delivery);

#endif							/* WF_REQUEST_KEY_H */
