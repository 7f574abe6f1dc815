/*
 * fire_statement.h
 *	  The rows of a fire, inserted by SQL statements.
 */
#ifndef WF_FIRE_STATEMENT_H
#define WF_FIRE_STATEMENT_H

#include "postgres.h"
#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

typedef struct FireStatement FireStatement;

/*
 * Begins to insert runs; the result is in the current memory context.  The
 * caller holds ROW EXCLUSIVE on workflow_runs; has_rules says whether that
 * table has rules.  run_at NULL is the time at which each is fired.
 */
extern FireStatement *fire_statement_begin(const TimestampTz *run_at,
										   int priority, int depth,
										   bool has_rules);

/*
 * Inserts a run: one with a key at once, others together by one statement, at
 * the latest in fire_statement_end.  If ids is not NULL, the id of the row is
 * then appended to *ids, in the memory context of fire_statement_begin.  A
 * trigger or a rule may suppress the row, and then no id is appended; with a
 * key it may be the id of the run that has the key already.  Has the workers
 * woken at commit.  Raises what users' constraints and triggers raise.
 */
extern void fire_statement_add(FireStatement *fire,
							   const pg_uuid_t *definition_id, int version,
							   const pg_uuid_t *tenant, Jsonb *payload,
							   const char *key, List **ids);

/* Inserts the rows that wait, and frees the struct. */
extern void fire_statement_end(FireStatement *fire);

#endif							/* WF_FIRE_STATEMENT_H */
