/*
 * fire_statement.h
 *	  Rows of a fire, inserted by SQL statements.
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
 * Begins to insert runs, in the current memory context.  workflow_runs is
 * locked ROW EXCLUSIVE; has_rules says whether it has rules.  run_at NULL is
 * when each is fired.
 */
extern FireStatement *fire_statement_begin(const TimestampTz *run_at,
										   int priority, int depth,
										   bool has_rules);

/*
 * Inserts a run: with a key at once, else with others by one statement, at
 * the latest in fire_statement_end.  Then the id of the row that came to be
 * is appended to *ids, in the context of fire_statement_begin, if ids is not
 * NULL: a trigger or a rule may leave out the row or change it.  With a key
 * it may be the id of the run that has the key already.  Has the workers
 * woken at commit.  Raises whatever somebody's constraint or trigger raises.
 */
extern void fire_statement_add(FireStatement *fire,
							   const pg_uuid_t *definition_id, int version,
							   const pg_uuid_t *tenant, Jsonb *payload,
							   const char *key, List **ids);
extern void fire_statement_end(FireStatement *fire);

#endif							/* WF_FIRE_STATEMENT_H */
