/*
 * store_statements.c
 *	  Every SQL statement on the extension's tables that workers execute.
 *
 * Text only; store_execute.c prepares and executes them, store_runs.c,
 * store_due.c and store_actions.c make typed results of them.  Statements name
 * every relation and operator with its schema, so that no search_path changes
 * what they mean.  %t is the extension's schema, %r a table of units with its
 * schema: those statements are prepared once a table.
 */
#include "postgres.h"
#include "compat.h"

#include "catalog/pg_type.h"
#include "store/store_indexes.h"
#include "store/store_statements.h"

/* Run $1, if its worker ended at step $2 or before it and none has it now. */
#define CRASHED \
	" FROM %r q WHERE q.id = $1 AND q.current_step <= $2" \
	" AND q.status IN ('queued', 'waiting', 'running')" \
	" AND %t.wf_belongs_here(q.place) AND NOT %t.wf_worker_alive(q.owner)"

/*
 * Rows of one fire.  What is null in a new run is not named, so that a
 * default that somebody has given it counts.
 */
#define INSERT_RUNS \
	"INSERT INTO %t.workflow_runs (id, definition_id, definition_version," \
	" tenant_id, trigger_payload, started_at, queued_at, run_at, priority," \
	" idempotency_key, parent_id, depth, place, status, current_step," \
	" step_results, attempt)" \
	" SELECT n.id, n.definition_id, n.version, n.tenant_id, n.payload," \
	"  n.fired_at, n.fired_at, coalesce($7, n.fired_at), $8, $9, $10, $11," \
	"  $12, 'queued', 0, '[]', 0" \
	" FROM unnest($1, $2, $3, $4, $5, $6)" \
	"  n (id, definition_id, version, tenant_id, payload, fired_at)"

#define INSERTED_COLUMNS " RETURNING id, tenant_id, run_at, priority, status"

#define INSERT_TYPES UUIDARRAYOID, UUIDARRAYOID, INT4ARRAYOID, UUIDARRAYOID, \
	JSONBARRAYOID, TIMESTAMPTZARRAYOID, TIMESTAMPTZOID, INT2OID, TEXTOID, \
	UUIDOID, INT4OID, INT8OID

/* Has the run ended before that?  A row of somebody's may not say when. */
#define ENDED_BEFORE(when) \
	" (q.status IN ('completed', 'failed', 'cancelled')" \
	"  AND coalesce(q.completed_at, q.queued_at) < " when ")"

/* Was it done before that, on nothing or on a run that is kept no more? */
#define OPERATION_BEFORE(when) \
	" (q.at < " when " AND (q.run_id IS NULL OR NOT EXISTS (SELECT" \
	"  FROM %t.workflow_runs r WHERE r.id = q.run_id)))"
/* The first place of runs in that index, of those that condition names. */
#define FIRST_PLACE(condition, index) \
	"(SELECT q.place FROM %t.workflow_runs q" \
	"  WHERE q.place " condition " AND" index " ORDER BY q.place LIMIT 1)"
#define NEXT_PLACE(condition) \
	"(SELECT n.place FROM (" FIRST_PLACE(condition, IN_DUE) \
	" UNION ALL " FIRST_PLACE(condition, IN_LATER) ") n" \
	" ORDER BY n.place LIMIT 1)"

/* Those of other places than $1. */
#define OTHER_PLACES(condition) \
	"(SELECT DISTINCT q.place FROM %t.workflow_runs q" \
	"  WHERE q.place IS DISTINCT FROM $1 AND" condition ")"

/*
 * A place's runs that have not ended, of tenant $2 unless it is null, and
 * those that are held only if that is wanted: their index does not begin with
 * the place.
 */
#define RUNS_IN(column, condition, index) \
	"SELECT q." column " FROM %t.workflow_runs q WHERE " condition \
	" AND ($2 IS NULL OR q.tenant_id = $2) AND" index
#define OPEN_RUNS(column, condition, with_held) \
	RUNS_IN(column, condition, IN_DUE) \
	" UNION ALL " RUNS_IN(column, condition, IN_LATER) \
	" UNION ALL " RUNS_IN(column, condition, " q.status = 'running'") \
	" UNION ALL " RUNS_IN(column, condition, IN_HELD " AND " with_held)

#define FIRST_TENANT(condition, index) \
	"(SELECT q.tenant_id FROM %r q" \
	"  WHERE q.place = $1 AND q.tenant_id " condition " AND" index \
	"  ORDER BY q.tenant_id LIMIT 1)"

#define NEXT_TENANT(condition) \
	"(SELECT n.tenant_id FROM (" FIRST_TENANT(condition, IN_DUE) \
	" UNION ALL " FIRST_TENANT(condition " AND $3", IN_LATER) ") n" \
	" ORDER BY n.tenant_id LIMIT 1)"

/*
 * A tenant's next runs in one of the indexes, after (priority, run_at, id) =
 * ($3, $4, $5).  Priority by priority: each is one stretch of the index, which
 * ends before the runs that are not due yet; the first begins after the run
 * that was read last.  Runs of the definitions $8, which are paused, are left
 * out here, so that a reading is not full of them.
 */
#define NEXT_RUNS(index) \
	"(WITH RECURSIVE p(priority) AS (" \
	"  SELECT $3" \
	" UNION ALL" \
	"  SELECT x.priority FROM p CROSS JOIN LATERAL" \
	"   (SELECT q.priority FROM %r q" \
	"     WHERE q.place = $1 AND q.tenant_id = $2 AND" index \
	"       AND q.priority < p.priority" \
	"     ORDER BY q.priority DESC LIMIT 1) x)" \
	" SELECT d.id, d.run_at, d.priority FROM p CROSS JOIN LATERAL" \
	"  (SELECT q.id, q.run_at, q.priority FROM %r q" \
	"    WHERE q.place = $1 AND q.tenant_id = $2" \
	"      AND q.priority = p.priority AND" index " AND q.run_at <= $6" \
	"      AND q.definition_id <> ALL ($8)" \
	"      AND (q.run_at, q.id) >" \
	"       (CASE WHEN p.priority = $3 THEN $4 ELSE '-infinity' END," \
	"        CASE WHEN p.priority = $3 THEN $5 ELSE" \
	"         '00000000-0000-0000-0000-000000000000' END)" \
	"    ORDER BY q.run_at, q.id LIMIT $7) d LIMIT $7)"

const StatementText store_statements[STORE_NSTATEMENTS] = {
	[STORE_TENANTS_DUE] = {
		"WITH RECURSIVE t(tenant_id, n) AS ("
		" SELECT x.tenant_id, 1 FROM " NEXT_TENANT(">= $2") " x"
		" UNION ALL"
		" SELECT x.tenant_id, t.n + 1 FROM t CROSS JOIN LATERAL "
		NEXT_TENANT("> t.tenant_id") " x"
		"  WHERE t.n < $4)"
		" SELECT tenant_id FROM t",
		4, {INT8OID, UUIDOID, BOOLOID, INT4OID}
	},
	[STORE_DUE] = {
		"SELECT u.id, $2, u.run_at, u.priority FROM ("
		NEXT_RUNS(IN_DUE) " UNION ALL " NEXT_RUNS(IN_LATER) ") u"
		" ORDER BY u.priority DESC, u.run_at, u.id LIMIT $7",
		8, {INT8OID, UUIDOID, INT2OID, TIMESTAMPTZOID, UUIDOID,
		TIMESTAMPTZOID, INT4OID, UUIDARRAYOID}
	},
	[STORE_LATER] = {
		"SELECT q.id, q.tenant_id, q.run_at, q.priority"
		" FROM %r q WHERE q.place = $1 AND" IN_LATER
		"  AND q.run_at > $2 AND q.run_at <= $3 ORDER BY q.run_at LIMIT $4",
		4, {INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID, INT4OID}
	},
	[STORE_NEXT_DUE] = {
		"SELECT q.run_at FROM %r q"
		" WHERE q.place = $1 AND" IN_LATER " AND q.run_at > $2"
		" ORDER BY q.run_at LIMIT 1",
		2, {INT8OID, TIMESTAMPTZOID}
	},
	[STORE_TAKE_OVER] = {
		"SELECT q.id FROM %r q"
		" WHERE q.place = ANY ($2) AND q.status = 'running'"
		"  AND NOT %t.wf_worker_alive(q.owner)"
		"  AND NOT EXISTS (SELECT FROM %t.workflow_pauses p"
		"   WHERE p.tenant_id = q.tenant_id AND"
		"    (p.definition_id IS NULL OR p.definition_id = q.definition_id))"
		" ORDER BY q.definition_id, q.id LIMIT $1"
		" FOR NO KEY UPDATE SKIP LOCKED",
		2, {INT4OID, INT8ARRAYOID}
	},
	[STORE_OWNED_BUT] = {
		"SELECT q.id FROM %r q"
		" WHERE q.status = 'running' AND q.owner = $2 AND q.id <> ALL ($1)"
		" AND q.place = ANY ($3)",
		3, {UUIDARRAYOID, INT8OID, INT8ARRAYOID}
	},
	[STORE_SAVE] = {
		"UPDATE %r SET status = $2, current_step = $3,"
		" step_results = $4, error_message = $5, started_at = $6,"
		" completed_at = $7, run_at = $8, attempt = $9, owner = $10,"
		" attempt_at = $11, failed_attempts = $12, abnormal_ends = $13,"
		" abnormal_step = $14,"
		" previous_results = CASE WHEN $2 = 'completed' THEN NULL"
		"  ELSE previous_results END"
		" WHERE id = $1",
		14, {UUIDOID, TEXTOID, INT4OID, JSONBOID, TEXTOID, TIMESTAMPTZOID,
			TIMESTAMPTZOID, TIMESTAMPTZOID, INT4OID, INT8OID, TIMESTAMPTZOID,
		JSONBOID, INT2OID, INT4OID}
	},
	[STORE_EXISTS] = {
		"SELECT FROM %r WHERE id = $1",
		1, {UUIDOID}
	},
	[STORE_INSERT] = {INSERT_RUNS INSERTED_COLUMNS, 12, {INSERT_TYPES}},
	/* with a rule of somebody's there can be no RETURNING */
	[STORE_INSERT_RULED] = {INSERT_RUNS, 12, {INSERT_TYPES}},
	[STORE_INSERT_KEYED] = {
		INSERT_RUNS
		" ON CONFLICT (definition_id, idempotency_key)"
		"  WHERE idempotency_key IS NOT NULL DO NOTHING" INSERTED_COLUMNS,
		12, {INSERT_TYPES}
	},
	[STORE_INSERTED] = {
		"SELECT id, tenant_id, run_at, priority, status FROM %t.workflow_runs"
		" WHERE id = ANY ($1) ORDER BY id",
		1, {UUIDARRAYOID}
	},
	[STORE_KEYED] = {
		"SELECT id FROM %t.workflow_runs WHERE definition_id = $1"
		" AND idempotency_key = $2",
		2, {UUIDOID, TEXTOID}
	},
	[STORE_STOPPED_RUN] = {
		"SELECT tenant_id, definition_id, definition_version, status,"
		" current_step, attempt, step_results, failed_attempts,"
		" previous_results, %t.wf_belongs_here(place), coalesce(place, 0)"
		" FROM %t.workflow_runs"
		" WHERE id = $1 AND ($2 IS NULL OR tenant_id = $2)"
		" FOR NO KEY UPDATE",
		2, {UUIDOID, UUIDOID}
	},
	[STORE_CANCEL] = {
		/* nobody knows what a request under way comes to */
		"UPDATE %t.workflow_runs SET status = 'cancelled', completed_at = $2,"
		" error_message = 'cancelled by ' || quote_ident($3), owner = NULL,"
		" failed_attempts = CASE WHEN attempt_at IS NULL THEN failed_attempts"
		"  ELSE coalesce(failed_attempts, '[]') || jsonb_build_object("
		"   'attempt', attempt, 'error', 'cancelled while it was under way',"
		"   'started_at', attempt_at, 'duration_ms',"
		"   CASE WHEN isfinite(attempt_at)"
		"    THEN round(1000 * extract(epoch FROM $2 - attempt_at), 3) END) END,"
		" attempt_at = NULL"
		" WHERE id = $1 AND status IN ('queued', 'running', 'waiting')",
		3, {UUIDOID, TIMESTAMPTZOID, TEXTOID}
	},
	[STORE_REQUEUE] = {
		"UPDATE %t.workflow_runs SET status = 'queued', run_at = $2,"
		" place = coalesce(place, 0),"
		" definition_version = $3, current_step = $4, step_results = $5,"
		" previous_results = $6, attempt = 0, attempt_at = NULL,"
		" failed_attempts = NULL, abnormal_ends = NULL, abnormal_step = NULL,"
		" owner = NULL, completed_at = NULL, error_message = NULL"
		" WHERE id = $1",
		6, {UUIDOID, TIMESTAMPTZOID, INT4OID, INT4OID, JSONBOID, JSONBOID}
	},
	[STORE_RERUN] = {
		"INSERT INTO %t.workflow_runs (id, definition_id, definition_version,"
		" tenant_id, trigger_payload, started_at, queued_at, run_at, priority,"
		" parent_id, depth, place, status, current_step, step_results,"
		" attempt, rerun_of)"
		" SELECT $1, d.id, d.version, d.tenant_id,"
		"  coalesce($3, r.trigger_payload), $4, $4, $4, r.priority, $5, $6, $7,"
		"  'queued', 0, '[]', 0, r.id"
		" FROM %t.workflow_runs r JOIN %t.workflow_definitions d"
		"  ON d.id = r.definition_id WHERE r.id = $2"
		"  AND jsonb_typeof(coalesce($3, r.trigger_payload)) = 'object'",
		7, {UUIDOID, UUIDOID, JSONBOID, TIMESTAMPTZOID, UUIDOID, INT4OID,
		INT8OID}
	},
	[STORE_IS_CRASHED] = {"SELECT" CRASHED,
	2, {UUIDOID, INT4OID}},
	[STORE_CANCELLED] = {
		"SELECT error_message, completed_at, failed_attempts"
		" FROM %r WHERE id = $1 AND status = 'cancelled'",
		1, {UUIDOID}
	},
	[STORE_FAIL] = {
		"UPDATE %r SET status = 'failed', error_message = $2,"
		" completed_at = $3, owner = NULL"
		" WHERE id = $1 AND status IN ('queued', 'running', 'waiting')",
		3, {UUIDOID, TEXTOID, TIMESTAMPTZOID}
	},
	[STORE_LOCK_CRASHED] = {
		"SELECT" CRASHED " FOR NO KEY UPDATE SKIP LOCKED",
		2, {UUIDOID, INT4OID}
	},
	[STORE_COUNT_CRASH] = {
		"UPDATE %r r SET owner = NULL, abnormal_ends = x.n,"
		" abnormal_step = r.current_step,"
		" status = CASE WHEN x.n < $2 THEN 'queued' ELSE 'failed' END,"
		" error_message = CASE WHEN x.n < $2 THEN NULL ELSE $3 END,"
		" completed_at = CASE WHEN x.n < $2 THEN NULL ELSE $4 END"
		" FROM (SELECT q.id, CASE WHEN q.abnormal_step = q.current_step"
		"    THEN greatest(coalesce(q.abnormal_ends, 0), 0) ELSE 0 END + 1 AS n"
		"   FROM %r q WHERE q.id = $1) x"
		" WHERE r.id = x.id",
		4, {UUIDOID, INT4OID, TEXTOID, TIMESTAMPTZOID}
	},
	[STORE_PAUSES] = {
		"SELECT tenant_id, definition_id FROM %t.workflow_pauses",
		0, {0}
	},
	[STORE_VERSION] = {
		"SELECT definition, run_as FROM %t.workflow_definition_versions"
		" WHERE definition_id = $1 AND version = $2",
		2, {UUIDOID, INT4OID}
	},
	[STORE_NAME] = {
		"SELECT d.name, v.created_at FROM %t.workflow_definitions d"
		" JOIN %t.workflow_definition_versions v ON v.definition_id = d.id"
		" WHERE d.id = $1 AND v.version = $2",
		2, {UUIDOID, INT4OID}
	},
	[STORE_ACTION] = {
		"SELECT handler FROM %t.workflow_actions"
		" WHERE name = $1 AND kind = 'function'",
		1, {TEXTOID}
	},
	[STORE_CONNECTION] = {
		/* no sort sees the credentials: its memory is not wiped */
		"SELECT kind, config, credentials, tenant_id, id"
		" FROM %t.workflow_connections"
		" WHERE id = (SELECT id FROM %t.workflow_connections"
		"  WHERE name = $2 AND (tenant_id = $1 OR tenant_id IS NULL)"
		"  ORDER BY tenant_id NULLS LAST LIMIT 1)",
		2, {UUIDOID, TEXTOID}
	},
	[STORE_CONNECTION_SHOWN] = {
		"SELECT kind, config, id, tenant_id IS NULL"
		" FROM %t.workflow_connections"
		" WHERE name = $2 AND (tenant_id = $1 OR tenant_id IS NULL)"
		" ORDER BY tenant_id NULLS LAST LIMIT 1",
		2, {UUIDOID, TEXTOID}
	},
	[STORE_TEMPLATE] = {
		"SELECT subject, body, html FROM %t.workflow_templates"
		" WHERE name = $2 AND (tenant_id = $1 OR tenant_id IS NULL)"
		" ORDER BY tenant_id NULLS LAST LIMIT 1",
		2, {UUIDOID, TEXTOID}
	},
	[STORE_ACTIONS] = {
		"SELECT name, kind, params, handler FROM %t.workflow_actions"
		" ORDER BY name",
		0, {0}
	},
	[STORE_CHAIN] = {
		"WITH RECURSIVE up AS ("
		" SELECT r.parent_id, r.definition_id, 1 AS n"
		"  FROM %t.workflow_runs r WHERE r.id = $1"
		" UNION ALL"
		" SELECT r.parent_id, r.definition_id, n + 1"
		"  FROM up JOIN %t.workflow_runs r ON r.id = up.parent_id"
		"  WHERE n < 5)"
		"SELECT d.name FROM up JOIN %t.workflow_definitions d"
		" ON d.id = up.definition_id ORDER BY n DESC",
		1, {UUIDOID}
	},
	[STORE_PURGE_LOOK_RUNS] = {
		"SELECT q.id," ENDED_BEFORE("$3") " FROM %t.workflow_runs q"
		" WHERE q.id > $1 AND q.id < $2 ORDER BY q.id LIMIT $4",
		4, {UUIDOID, UUIDOID, TIMESTAMPTZOID, INT4OID}
	},
	[STORE_PURGE_RUNS] = {
		/* what is locked is left: a purge waits for nobody */
		"DELETE FROM %t.workflow_runs WHERE ctid = ANY (ARRAY("
		"SELECT q.ctid FROM %t.workflow_runs q"
		" WHERE q.id = ANY ($1) AND" ENDED_BEFORE("$2")
		" FOR UPDATE SKIP LOCKED))",
		2, {UUIDARRAYOID, TIMESTAMPTZOID}
	},
	[STORE_PURGE_LOOK_OPERATIONS] = {
		"SELECT q.id," OPERATION_BEFORE("$3") " FROM %t.workflow_operations q"
		" WHERE q.id > $1 AND q.id < $2 ORDER BY q.id LIMIT $4",
		4, {UUIDOID, UUIDOID, TIMESTAMPTZOID, INT4OID}
	},
	[STORE_PURGE_OPERATIONS] = {
		"DELETE FROM %t.workflow_operations WHERE ctid = ANY (ARRAY("
		"SELECT q.ctid FROM %t.workflow_operations q"
		" WHERE q.id = ANY ($1) AND" OPERATION_BEFORE("$2")
		" FOR UPDATE SKIP LOCKED))",
		2, {UUIDARRAYOID, TIMESTAMPTZOID}
	},
	[STORE_FOREIGN_PLACES] = {
		"WITH RECURSIVE p(place) AS ("
		" SELECT x.place FROM " NEXT_PLACE(">= -9223372036854775808") " x"
		" UNION ALL"
		" SELECT x.place FROM p CROSS JOIN LATERAL "
		NEXT_PLACE("> p.place") " x)"
		" SELECT place FROM p WHERE place <> $1"
		" UNION ALL " FIRST_PLACE("IS NULL", IN_DUE)
		" UNION ALL " FIRST_PLACE("IS NULL", IN_LATER)
		" UNION ALL " OTHER_PLACES(" q.status = 'running'")
		" UNION ALL " OTHER_PLACES(IN_HELD " AND $2")
		" UNION ALL (SELECT DISTINCT s.place FROM %t.workflow_schedules s"
		"  WHERE s.place IS DISTINCT FROM $1)",
		2, {INT8OID, BOOLOID}
	},
	[STORE_COUNT_PLACE] = {
		"SELECT count(*), min(queued_at) FROM ("
		OPEN_RUNS("queued_at", "q.place = $1", "$3 IS NULL") " UNION ALL "
		OPEN_RUNS("queued_at", "q.place IS NULL AND $1 = 0", "$3 IS NULL")
		" LIMIT $3) r",
		3, {INT8OID, UUIDOID, INT8OID}
	},
	[STORE_OPEN_IDS] = {
		"SELECT coalesce(array_agg(id), '{}') FROM ("
		OPEN_RUNS("id", "q.place = $1", "true") " UNION ALL "
		OPEN_RUNS("id", "q.place IS NULL AND $1 = 0", "true") ") r",
		2, {INT8OID, UUIDOID}
	},
	[STORE_HAS_DEFINITION] = {
		"SELECT FROM %t.workflow_definitions d"
		" JOIN %t.workflow_definition_versions v ON v.definition_id = d.id"
		" WHERE d.id = $1 AND v.version = $2",
		2, {UUIDOID, INT4OID}
	},
	[STORE_DEFINITION] = {
		"SELECT tenant_id, version FROM %t.workflow_definitions WHERE id = $1",
		1, {UUIDOID}
	},
};
