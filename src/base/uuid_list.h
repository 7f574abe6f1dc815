/*
 * uuid_list.h
 *	  Lists of run ids (pg_uuid_t *), and idempotency keys.
 */
#ifndef WF_UUID_LIST_H
#define WF_UUID_LIST_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "utils/uuid.h"

extern bool ids_equal(const pg_uuid_t *a, const pg_uuid_t *b);
extern bool ids_contain(List *ids, const pg_uuid_t *id);

/* ids with copies of more behind, in the current context. */
extern List *ids_append_copies(List *ids, List *more);

/* Removes and frees those of ids that are in gone. */
extern List *ids_remove(List *ids, List *gone);

/* A palloc'd copy; the text of an id, palloc'd. */
extern pg_uuid_t *id_copy(const pg_uuid_t *id);
extern char *id_text(const pg_uuid_t *id);

/* In bytes: an index has it, whose entries are bounded. */
#define MAX_IDEMPOTENCY_KEY 1000

/* Raises 22023 for a key that is empty or too long. */
extern void check_idempotency_key(const char *key);

#endif							/* WF_UUID_LIST_H */
