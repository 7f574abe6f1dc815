/*
 * uuid_list.h
 *	  Lists of ids (pg_uuid_t *), and idempotency keys.
 */
#ifndef WF_UUID_LIST_H
#define WF_UUID_LIST_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "utils/uuid.h"

extern bool ids_equal(const pg_uuid_t *a, const pg_uuid_t *b);

/* Is the id in the list? */
extern bool ids_contain(List *ids, const pg_uuid_t *id);

/* A palloc'd copy; the text of an id, palloc'd. */
extern pg_uuid_t *id_copy(const pg_uuid_t *id);
extern char *id_text(const pg_uuid_t *id);

/* Bytes: the key is in an index, whose entries have a limit. */
#define MAX_IDEMPOTENCY_KEY 1000

/* Raises 22023 if the key is empty or too long. */
extern void check_idempotency_key(const char *key);

#endif							/* WF_UUID_LIST_H */
