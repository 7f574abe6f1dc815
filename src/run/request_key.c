/*
 * request_key.c
 *	  The idempotency key of a step's requests, and what it depends on.
 *
 * All attempts of one delivery have the same key, so that a receiver that got
 * the request twice can tell: after a lost answer, a worker crash, a retry by
 * hand.  Only a delivery that was completed and is asked for again, by
 * wf_retry from an earlier step, is meant as another one and gets another key.
 *
 * Runs in a worker.  Pure: values in, values out.
 */
#include "postgres.h"
#include "compat.h"

#include "base/json_value.h"
#include "base/uuid_list.h"
#include "run/request_key.h"
#include "store/step_result.h"

Jsonb *
request_previous_result(const RunRow *run)
{
	JsonbValue	results;
	JsonbValue *element;

	if (run->previous_results == NULL)
		return NULL;
	json_of_jsonb(run->previous_results, &results);
	element = json_member(&results,
						  psprintf("%d", run->current_step.number));
	return element != NULL && json_is_object(element)
		? json_to_jsonb(element) : NULL;
}

int
request_delivery(Jsonb *previous)
{
	return previous == NULL ? 1 : step_result_repeat(previous);
}

char *
request_key(const pg_uuid_t *run_id, const char *step_name,
			const int *indexes, int nindexes, int delivery)
{
	char	   *key = psprintf("%s:%s", id_text(run_id), step_name);

	Assert(delivery >= 1);
	for (int i = 0; i < nindexes; i++)
		key = psprintf("%s%c%d", key, i == 0 ? '/' : '.', indexes[i]);
	return delivery > 1 ? psprintf("%s:%d", key, delivery) : key;
}
