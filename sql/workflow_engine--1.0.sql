/* workflow_engine 1.0: tables, functions, privileges */

-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION workflow_engine" to load this file. \quit

/*
 * The type of run_as.  It is regrole but for its input (src/role.c), and is
 * coercible to oid, so that every operator of oid takes it.
 */
CREATE TYPE wf_role;
CREATE FUNCTION wf_role_in(cstring) RETURNS wf_role
AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION wf_role_in(cstring) IS
'Internal: input of wf_role. Errors: 42704 (no such role; in a restore it is no role).';
CREATE FUNCTION wf_role_out(wf_role) RETURNS cstring
AS 'regroleout' LANGUAGE internal STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION wf_role_out(wf_role) IS 'Internal: output of wf_role.';
CREATE FUNCTION wf_role_recv(internal) RETURNS wf_role
AS 'regrolerecv' LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION wf_role_recv(internal) IS 'Internal: binary input of wf_role.';
CREATE FUNCTION wf_role_send(wf_role) RETURNS bytea
AS 'regrolesend' LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION wf_role_send(wf_role) IS 'Internal: binary output of wf_role.';
CREATE TYPE wf_role (
	INPUT = wf_role_in,
	OUTPUT = wf_role_out,
	RECEIVE = wf_role_recv,
	SEND = wf_role_send,
	LIKE = oid,
	CATEGORY = 'N'
);
COMMENT ON TYPE wf_role IS
'A role, as regrole: shown by its name; its number if it was dropped; "-" is no role. A restore reads a role that does not exist as no role.';
-- USAGE stays with PUBLIC, as of any type: CREATE TABLE AS wants it
CREATE CAST (wf_role AS oid) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (wf_role AS regrole) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (oid AS wf_role) WITHOUT FUNCTION AS ASSIGNMENT;
CREATE CAST (regrole AS wf_role) WITHOUT FUNCTION AS ASSIGNMENT;
COMMENT ON CAST (wf_role AS oid) IS 'The role''s oid; 0 is no role.';
COMMENT ON CAST (wf_role AS regrole) IS 'The same role.';
COMMENT ON CAST (oid AS wf_role) IS 'The role of that oid.';
COMMENT ON CAST (regrole AS wf_role) IS 'The same role.';

/*
 * Internal functions.  Tables refer to them, so they come first.
 */
CREATE FUNCTION wf_new_run_id() RETURNS uuid
AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL SAFE;
COMMENT ON FUNCTION wf_new_run_id() IS
'Internal: a time-ordered identifier (UUID version 7), the default of workflow_runs.id.';

CREATE FUNCTION wf_run_id_floor("time" timestamptz) RETURNS uuid
AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION wf_run_id_floor(timestamptz) IS
'The smallest id of a run of that millisecond, so that times can be conditions on workflow_runs.id and use its index: id >= wf_run_id_floor(now() - interval ''1 hour''). Before 1970 the nil UUID, for infinity and after the year 10889 the greatest UUID.';

CREATE FUNCTION wf_tenant_visible(tenant_id uuid) RETURNS boolean
AS 'MODULE_PATHNAME' LANGUAGE C STABLE LEAKPROOF PARALLEL SAFE COST 1;
COMMENT ON FUNCTION wf_tenant_visible(uuid) IS
'Internal: whether this session may see rows of that tenant, by workflow_engine.tenant_id. The row security policies call it. A null tenant (a row for every tenant) is visible to sessions that are not bound.';

CREATE FUNCTION wf_tenant_any() RETURNS boolean
AS 'MODULE_PATHNAME' LANGUAGE C STABLE LEAKPROOF PARALLEL SAFE COST 1;
COMMENT ON FUNCTION wf_tenant_any() IS
'Internal: false if workflow_engine.tenant_id is none, so that this session sees no row at all.';

CREATE FUNCTION wf_connection_visible(credentials jsonb) RETURNS boolean
AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE COST 1;
COMMENT ON FUNCTION wf_connection_visible(jsonb) IS
'Internal: whether sessions that are bound to a tenant may see a connection for every tenant that has these credentials: not if one of them is literal. The row security policy calls it.';

CREATE FUNCTION wf_worker_alive(epoch bigint) RETURNS boolean
AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION wf_worker_alive(bigint) IS
'Internal: whether the worker that owns runs under this epoch is alive now. Volatile on purpose: it must be asked at the moment a row is looked at.';

CREATE FUNCTION wf_belongs_here(place bigint) RETURNS boolean
AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION wf_belongs_here(bigint) IS
'Internal: whether runs and schedules of that place are executed in this database: the place is its own, or was accepted. Null is place 0.';

CREATE FUNCTION wf_check_preload() RETURNS void
AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION wf_check_preload() IS
'Internal: warns if the library was not preloaded, so that no worker can run. CREATE EXTENSION calls it.';

CREATE FUNCTION wf_default_run_as() RETURNS wf_role
AS 'MODULE_PATHNAME', 'wf_default_run_as_role' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION wf_default_run_as() IS
'Internal: the default of workflow_definitions.run_as: the role of workflow_engine.default_run_as, if the current user can SET ROLE to it, else the current user.';

CREATE FUNCTION wf_revoke_defaults() RETURNS void
AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION wf_revoke_defaults() IS
'Internal: takes back what ALTER DEFAULT PRIVILEGES has given others on the tables and functions that a script of the extension has made, which calls it. Errors: 55000 (called by anybody else).';

CREATE FUNCTION wf_extension_update() RETURNS event_trigger
AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION wf_extension_update() IS
'Internal: before and after ALTER EXTENSION workflow_engine UPDATE; roles keep their capabilities, new objects included.';

CREATE FUNCTION wf_definition_check() RETURNS trigger
AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION wf_definition_check() IS
'Internal: trigger of workflow_definitions. Validates, fills name and trigger_type from the JSON, counts version. Errors: 22023 (every problem with its path), 42501 (run_as), 428C9 (version), 0A000 (id, tenant_id).';

CREATE FUNCTION wf_definition_saved() RETURNS trigger
AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION wf_definition_saved() IS
'Internal: trigger of workflow_definitions. Writes workflow_definition_versions. Errors: 23505 (that version exists and differs).';

CREATE FUNCTION wf_definition_gone() RETURNS trigger
AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION wf_definition_gone() IS
'Internal: trigger of workflow_definitions. Removes the versions of a definition that was deleted.';

CREATE FUNCTION wf_lock_runs() RETURNS trigger
AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION wf_lock_runs() IS
'Internal: trigger of workflow_definitions and workflow_definition_versions. When a row was deleted, waits for the transactions that have fired and holds up others until this one ends: fires skip the per-row foreign key check.';

CREATE FUNCTION wf_version_check() RETURNS trigger
AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION wf_version_check() IS
'Internal: trigger of workflow_definition_versions. Only the table''s owner writes, as the engine does (42501); a saved version never changes (55000); a run_as that names no role is stored as no role.';

CREATE FUNCTION wf_run_check() RETURNS trigger
AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION wf_run_check() IS
'Internal: trigger of workflow_runs for rows inserted by hand. Fills tenant_id and definition_version from the definition, place with that of this database, in a restore with 0; the id must be a UUID of version 7 (but not in a restore), the payload an object, the idempotency key have 1 to 1000 bytes (22023).';

CREATE FUNCTION wf_schedule_check() RETURNS trigger
AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION wf_schedule_check() IS
'Internal: trigger of workflow_schedules for rows inserted by hand or by a restore. Fills place, as wf_run_check does.';

CREATE FUNCTION wf_action_check() RETURNS trigger
AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION wf_action_check() IS
'Internal: triggers of workflow_actions. Checks params and that the handler is a function (jsonb, jsonb) returning jsonb (22023, 42883, 42P13), and who writes (42501): no session that is bound to a tenant, a row that users added only the owner of its function or a superuser, a built-in row only the extension''s scripts.';

CREATE FUNCTION wf_connection_check() RETURNS trigger
AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION wf_connection_check() IS
'Internal: trigger of workflow_connections. Checks kind, config and credentials (22023); never quotes a credential.';

CREATE FUNCTION wf_connection_saved() RETURNS trigger
AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION wf_connection_saved() IS
'Internal: trigger of workflow_connections. Records in workflow_operations who inserted, changed or deleted a connection, and never a credential; nothing in a restore.';

CREATE FUNCTION wf_template_check() RETURNS trigger
AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION wf_template_check() IS
'Internal: trigger of workflow_templates. Compiles subject, body and html (22023, every problem with its position), counts version (428C9; 0A000: id).';

CREATE FUNCTION wf_template_saved() RETURNS trigger
AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION wf_template_saved() IS
'Internal: trigger of workflow_templates. Writes workflow_template_versions, and removes those of a template that was deleted; in a restore nothing.';

CREATE FUNCTION wf_template_version_check() RETURNS trigger
AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION wf_template_version_check() IS
'Internal: trigger of workflow_template_versions. Only the table''s owner writes, as the engine does (42501); a saved version never changes (55000).';

/*
 * What to run.  Versions come first: definitions refer to them, so that a
 * restore loads them first.
 */
CREATE TABLE workflow_definition_versions (
	definition_id	uuid NOT NULL,
	version			int NOT NULL,
	definition		jsonb NOT NULL,
	run_as			wf_role NOT NULL,
	created_at		timestamptz NOT NULL DEFAULT now(),
	created_by		name NOT NULL DEFAULT current_user,
	note			text,
	PRIMARY KEY (definition_id, version)
);
COMMENT ON TABLE workflow_definition_versions IS
'Every version of every definition ever saved, immutable. A run executes the version it was fired with. Rows are written by the engine when a definition is saved.';
COMMENT ON COLUMN workflow_definition_versions.definition_id IS 'The definition (workflow_definitions.id).';
COMMENT ON COLUMN workflow_definition_versions.version IS 'Counts from 1.';
COMMENT ON COLUMN workflow_definition_versions.definition IS 'The JSON as it was saved.';
COMMENT ON COLUMN workflow_definition_versions.run_as IS 'The role that steps of this version run as; "-" or a number: the role is gone, and nothing runs.';
COMMENT ON COLUMN workflow_definition_versions.created_at IS 'When it was saved.';
COMMENT ON COLUMN workflow_definition_versions.created_by IS 'Who saved it.';
COMMENT ON COLUMN workflow_definition_versions.note IS 'Why, as wf_save was told.';

CREATE TABLE workflow_definitions (
	id				uuid PRIMARY KEY DEFAULT gen_random_uuid(),
	tenant_id		uuid NOT NULL,
	name			text NOT NULL,
	trigger_type	text NOT NULL,
	definition		jsonb NOT NULL,
	is_active		boolean NOT NULL DEFAULT true,
	version			int NOT NULL DEFAULT 1 CHECK (version > 0),
	created_at		timestamptz NOT NULL DEFAULT now(),
	run_as			wf_role NOT NULL DEFAULT wf_default_run_as(),
	updated_at		timestamptz NOT NULL DEFAULT now(),
	updated_by		name NOT NULL DEFAULT current_user,
	UNIQUE (tenant_id, name),
	UNIQUE (id, tenant_id),
	FOREIGN KEY (id, version) REFERENCES workflow_definition_versions
);
CREATE INDEX workflow_definitions_trigger
	ON workflow_definitions (tenant_id, trigger_type) WHERE is_active;
-- whether anybody has defined a trigger type
CREATE INDEX workflow_definitions_type
	ON workflow_definitions (trigger_type, tenant_id);
COMMENT ON TABLE workflow_definitions IS
'What to run when an event fires: one row a workflow. Edit it with INSERT and UPDATE; it is validated on write (22023). A change of definition or run_as makes a new version; runs already fired keep theirs.';
COMMENT ON COLUMN workflow_definitions.id IS 'Identifies the definition.';
COMMENT ON COLUMN workflow_definitions.tenant_id IS 'Whose workflow it is.';
COMMENT ON COLUMN workflow_definitions.name IS 'Unique within the tenant. Left out of an INSERT, it is taken from the JSON; present in both, they must agree.';
COMMENT ON COLUMN workflow_definitions.trigger_type IS 'The event that fires it, such as new_order. Left out of an INSERT, it is taken from the JSON; present in both, they must agree.';
COMMENT ON COLUMN workflow_definitions.definition IS 'The steps: see docs/definitions.md.';
COMMENT ON COLUMN workflow_definitions.is_active IS 'False: events do not fire it. Runs already fired go on.';
COMMENT ON COLUMN workflow_definitions.version IS 'Raised by one by each UPDATE that changes definition or run_as; an UPDATE may not set it.';
COMMENT ON COLUMN workflow_definitions.created_at IS 'When it was first saved.';
COMMENT ON COLUMN workflow_definitions.run_as IS 'The role that steps run as; by default that of workflow_engine.default_run_as, if the writer can SET ROLE to it, else the writer. Whoever writes it must be able to SET ROLE to it. "-" or a number: the role is gone, and nothing runs.';
COMMENT ON COLUMN workflow_definitions.updated_at IS 'When it was last written.';
COMMENT ON COLUMN workflow_definitions.updated_by IS 'Who wrote it last.';

/*
 * What ran.  As long as nobody has added anything to the table, wf_fire inserts
 * past the trigger and the per-row check of the foreign keys; src/api/fire.c tells
 * how the keys hold all the same.  Columns are found by number: the order stays.
 */
CREATE TABLE workflow_runs (
	id					uuid PRIMARY KEY DEFAULT wf_new_run_id(),
	definition_id		uuid NOT NULL,
	trigger_payload		jsonb NOT NULL,
	status				text NOT NULL DEFAULT 'queued'
						CHECK (status IN ('queued', 'running', 'waiting',
										  'completed', 'failed', 'cancelled')),
	current_step		int NOT NULL DEFAULT 0,
	step_results		jsonb NOT NULL DEFAULT '[]',
	error_message		text,
	started_at			timestamptz NOT NULL DEFAULT now(),
	completed_at		timestamptz,
	tenant_id			uuid NOT NULL,
	definition_version	int NOT NULL,
	queued_at			timestamptz NOT NULL DEFAULT now(),
	run_at				timestamptz NOT NULL DEFAULT now(),
	priority			smallint NOT NULL DEFAULT 0,
	idempotency_key		text,
	attempt				int NOT NULL DEFAULT 0,
	place				bigint,
	owner				bigint,
	parent_id			uuid,
	depth				int NOT NULL DEFAULT 0,
	attempt_at			timestamptz,
	failed_attempts		jsonb,
	abnormal_ends		smallint,
	abnormal_step		int,
	previous_results	jsonb,
	rerun_of			uuid,
	-- with the tenant: nobody runs another tenant's definition
	CONSTRAINT workflow_runs_definition_id_fkey
		FOREIGN KEY (definition_id, tenant_id)
		REFERENCES workflow_definitions (id, tenant_id),
	FOREIGN KEY (definition_id, definition_version)
		REFERENCES workflow_definition_versions
);
-- what was due when it was fired: tenant by tenant, by priority, then time.
-- What waits for its time is not in it, so that it costs the rest nothing.
CREATE INDEX workflow_runs_due
	ON workflow_runs (place, tenant_id, priority DESC, run_at, id)
	WHERE run_at <= queued_at AND status IN ('queued', 'waiting');
-- what waits for its time or has waited for it, in the same order: store_due.c
-- merges the two
CREATE INDEX workflow_runs_later
	ON workflow_runs (place, tenant_id, priority DESC, run_at, id)
	WHERE run_at > queued_at AND run_at < 'infinity'
	AND status IN ('queued', 'waiting');
-- the same of all tenants, by time: what has become due, and when the next is
CREATE INDEX workflow_runs_timer ON workflow_runs (place, run_at)
	WHERE run_at > queued_at AND run_at < 'infinity'
	AND status IN ('queued', 'waiting');
-- what waits until it is cancelled or retried
CREATE INDEX workflow_runs_held ON workflow_runs (definition_id, id)
	WHERE run_at > queued_at AND run_at = 'infinity'
	AND status IN ('queued', 'waiting');
-- what runs, waits for its next attempt, failed or was cancelled, also of one definition
CREATE INDEX workflow_runs_state
	ON workflow_runs (status, definition_id, id)
	WHERE status IN ('running', 'waiting', 'failed', 'cancelled');
-- a definition's runs, newest first: ids ascend with time
CREATE INDEX workflow_runs_definition ON workflow_runs (definition_id, id);
-- what ran for this order; the workers clean its list of new entries (in kB)
-- long before it is so long that who fires has to
CREATE INDEX workflow_runs_payload
	ON workflow_runs USING gin (trigger_payload jsonb_path_ops)
	WITH (gin_pending_list_limit = 16384);
-- what the steps of a run have fired
CREATE INDEX workflow_runs_parent ON workflow_runs (parent_id, id)
	WHERE parent_id IS NOT NULL;
CREATE UNIQUE INDEX workflow_runs_key
	ON workflow_runs (definition_id, idempotency_key)
	WHERE idempotency_key IS NOT NULL;
-- Each save of a run leaves a dead row, since the indexes name its status: never
-- HOT, so room beside it (fillfactor) would help nothing.  A twentieth of the
-- table may be dead before it is vacuumed, not a fifth: in a table of millions
-- the fifth would be months of what was deleted.  And a small table is left
-- alone until 10,000 rows are dead: while it grows, fewer vacuums leave less
-- dead, for the same CPU (bench/upkeep.sh vacuum).
ALTER TABLE workflow_runs SET (
	autovacuum_vacuum_scale_factor = 0.05,
	autovacuum_vacuum_threshold = 10000,
	autovacuum_vacuum_insert_scale_factor = 0.05,
	autovacuum_vacuum_insert_threshold = 10000,
	autovacuum_analyze_scale_factor = 0.05,
	autovacuum_analyze_threshold = 10000
);
COMMENT ON TABLE workflow_runs IS
'One row a run: its state and its history. wf_fire inserts, the workers advance; wf_history and wf_trace read it well.';
COMMENT ON COLUMN workflow_runs.id IS 'Identifies the run; ascends with time (UUID version 7).';
COMMENT ON COLUMN workflow_runs.definition_id IS 'The definition that runs.';
COMMENT ON COLUMN workflow_runs.trigger_payload IS 'The event''s data, an object.';
COMMENT ON COLUMN workflow_runs.status IS 'queued, running, waiting (a retry''s back-off), completed, failed or cancelled.';
COMMENT ON COLUMN workflow_runs.current_step IS 'The step that runs next, counted from 0; in a failed run the step that failed.';
COMMENT ON COLUMN workflow_runs.step_results IS 'One element a step passed: step, step_name, action, status, input, output, error, attempts, started_at, duration_ms; failed_attempts if there were any, previous (and repeat) after wf_retry.';
COMMENT ON COLUMN workflow_runs.error_message IS 'Why a failed run failed: step "name": the error.';
COMMENT ON COLUMN workflow_runs.started_at IS 'When the first step began; equals queued_at until then.';
COMMENT ON COLUMN workflow_runs.completed_at IS 'When it ended, either way.';
COMMENT ON COLUMN workflow_runs.tenant_id IS 'Whose run it is: the tenant of its definition.';
COMMENT ON COLUMN workflow_runs.definition_version IS 'The version of the definition that it executes: the one it was fired with, or was retried on.';
COMMENT ON COLUMN workflow_runs.queued_at IS 'When it was fired.';
COMMENT ON COLUMN workflow_runs.run_at IS 'Not before; of a waiting run, when its step is tried again.';
COMMENT ON COLUMN workflow_runs.priority IS 'Higher goes first, within the tenant.';
COMMENT ON COLUMN workflow_runs.idempotency_key IS 'Given to wf_fire, 1 to 1000 bytes: a second fire with it queues nothing, as long as this run is kept.';
COMMENT ON COLUMN workflow_runs.attempt IS 'How often the current step has been tried.';
COMMENT ON COLUMN workflow_runs.place IS 'Where it is executed: a number for one database, so that a copy executes nothing that it was not told to (wf_places). Null and 0: not known.';
COMMENT ON COLUMN workflow_runs.owner IS 'Internal: the epoch of the worker that has it.';
COMMENT ON COLUMN workflow_runs.parent_id IS 'The run whose step fired this one, if any.';
COMMENT ON COLUMN workflow_runs.depth IS 'How many runs stand above it in that chain.';
COMMENT ON COLUMN workflow_runs.attempt_at IS 'When the attempt began that was committed before it was made: a request under way.';
COMMENT ON COLUMN workflow_runs.failed_attempts IS 'Of the current step: attempt, error, started_at, duration_ms of each attempt that failed; and, with waits and waited_ms, how often and how long the step has waited because its provider asks to, which is no attempt.';
COMMENT ON COLUMN workflow_runs.abnormal_ends IS 'How often a worker ended abnormally while it executed step abnormal_step; at three that step fails. -1: it would not be cancelled after its time-out, and fails.';
COMMENT ON COLUMN workflow_runs.abnormal_step IS 'The step that abnormal_ends is about.';
COMMENT ON COLUMN workflow_runs.previous_results IS 'After wf_retry: the earlier elements of step_results, by step, until the run completes.';
COMMENT ON COLUMN workflow_runs.rerun_of IS 'The run whose event wf_rerun has fired again, if it did.';

/*
 * The action library, connections, mail templates, pauses.
 */
CREATE TABLE workflow_actions (
	name		text PRIMARY KEY
				CHECK (name ~ '^[A-Za-z_][A-Za-z0-9_-]{0,127}$'),
	kind		text NOT NULL
				CHECK (kind IN ('native', 'http', 'smtp', 'function')),
	handler		text,
	params		jsonb NOT NULL DEFAULT '{}',
	description	text
);
COMMENT ON TABLE workflow_actions IS
'The action library: what a step''s "action" may name. wf_register_action adds a function of yours. Rows are written by sessions that are bound to no tenant, by the owner of the function or a superuser; built-in rows by nobody.';
COMMENT ON COLUMN workflow_actions.name IS 'The name that definitions use.';
COMMENT ON COLUMN workflow_actions.kind IS 'native, http and smtp are built in; function is a row that users added.';
COMMENT ON COLUMN workflow_actions.handler IS 'Of a function: its qualified signature, such as public.refund(jsonb,jsonb).';
COMMENT ON COLUMN workflow_actions.params IS 'The parameters: {"name": {"type", "required", "enum", "format", "default", "label", "order", "example", "help"}}; {} accepts anything.';
COMMENT ON COLUMN workflow_actions.description IS 'What it does, in a line.';

CREATE TABLE workflow_connections (
	id			uuid PRIMARY KEY DEFAULT gen_random_uuid(),
	tenant_id	uuid,
	name		text NOT NULL,
	kind		text NOT NULL,
	config		jsonb NOT NULL DEFAULT '{}',
	credentials	jsonb NOT NULL DEFAULT '{}',
	UNIQUE NULLS NOT DISTINCT (tenant_id, name)
);
COMMENT ON TABLE workflow_connections IS
'Where outbound steps send, and with which credentials. A step takes the one its "connection" names, else its action''s default (whatsapp, email, team); the tenant''s row before the row for all.';
COMMENT ON COLUMN workflow_connections.id IS 'Identifies the row.';
COMMENT ON COLUMN workflow_connections.tenant_id IS 'Whose it is; null is every tenant''s.';
COMMENT ON COLUMN workflow_connections.name IS 'The name that steps use.';
COMMENT ON COLUMN workflow_connections.kind IS 'whatsapp_cloud, smtp, slack, slack_webhook, teams_webhook or http.';
COMMENT ON COLUMN workflow_connections.config IS 'What is no secret: addresses, senders, channels.';
COMMENT ON COLUMN workflow_connections.credentials IS 'Secrets, literal or {"file": "name"}: a file in workflow_engine.secrets_dir, or of a tenant''s row in the directory of the tenant''s id below it. Only admin can read this column.';

CREATE TABLE workflow_templates (
	id			uuid PRIMARY KEY DEFAULT gen_random_uuid(),
	tenant_id	uuid,
	name		text NOT NULL,
	subject		text,
	body		text,
	html		text,
	version		int NOT NULL DEFAULT 1 CHECK (version > 0),
	UNIQUE NULLS NOT DISTINCT (tenant_id, name),
	CHECK (body IS NOT NULL OR html IS NOT NULL)
);
COMMENT ON TABLE workflow_templates IS
'Mail templates, which a send_email step names. The tenant''s row goes before the row for all.';
COMMENT ON COLUMN workflow_templates.id IS 'Identifies the row.';
COMMENT ON COLUMN workflow_templates.tenant_id IS 'Whose it is; null is every tenant''s.';
COMMENT ON COLUMN workflow_templates.name IS 'The name that steps use.';
COMMENT ON COLUMN workflow_templates.subject IS 'The subject, if the step gives none.';
COMMENT ON COLUMN workflow_templates.body IS 'The plain text.';
COMMENT ON COLUMN workflow_templates.html IS 'The HTML alternative; values are escaped.';
COMMENT ON COLUMN workflow_templates.version IS 'Raised by one by each UPDATE that changes the name or a text; an UPDATE may not set it. UPDATE … WHERE version = 3 changes nothing if somebody else has changed it meanwhile.';

CREATE TABLE workflow_template_versions (
	template_id	uuid NOT NULL,
	version		int NOT NULL,
	name		text NOT NULL,
	subject		text,
	body		text,
	html		text,
	created_at	timestamptz NOT NULL DEFAULT now(),
	created_by	name NOT NULL DEFAULT current_user,
	PRIMARY KEY (template_id, version)
);
COMMENT ON TABLE workflow_template_versions IS
'Every version of every mail template, immutable, as long as the template is there. Steps use the newest. Rows are written by the engine when a template is written.';
COMMENT ON COLUMN workflow_template_versions.template_id IS 'The mail template (workflow_templates.id).';
COMMENT ON COLUMN workflow_template_versions.version IS 'Counts from 1.';
COMMENT ON COLUMN workflow_template_versions.name IS 'Its name then.';
COMMENT ON COLUMN workflow_template_versions.subject IS 'Its subject then.';
COMMENT ON COLUMN workflow_template_versions.body IS 'Its plain text then.';
COMMENT ON COLUMN workflow_template_versions.html IS 'Its HTML then.';
COMMENT ON COLUMN workflow_template_versions.created_at IS 'When it was written.';
COMMENT ON COLUMN workflow_template_versions.created_by IS 'Who wrote it.';

CREATE TABLE workflow_tenants (
	tenant_id	uuid PRIMARY KEY,
	name		text NOT NULL CHECK (name <> '')
);
COMMENT ON TABLE workflow_tenants IS
'What people call the tenants. Nothing depends on it: a tenant needs no row.';
COMMENT ON COLUMN workflow_tenants.tenant_id IS 'The tenant.';
COMMENT ON COLUMN workflow_tenants.name IS 'Its name, for people.';

CREATE TABLE workflow_pauses (
	tenant_id	uuid,
	paused_at	timestamptz NOT NULL DEFAULT now(),
	paused_by	name NOT NULL DEFAULT current_user,
	definition_id	uuid,
	reason		text,
	UNIQUE NULLS NOT DISTINCT (tenant_id, definition_id),
	CHECK (definition_id IS NULL OR tenant_id IS NOT NULL)
);
COMMENT ON TABLE workflow_pauses IS
'Who is paused: wf_pause and wf_resume write it.';
COMMENT ON COLUMN workflow_pauses.tenant_id IS 'The paused tenant; null is all of them.';
COMMENT ON COLUMN workflow_pauses.paused_at IS 'Since when.';
COMMENT ON COLUMN workflow_pauses.paused_by IS 'By whom.';
COMMENT ON COLUMN workflow_pauses.definition_id IS 'The paused workflow of that tenant; null is all of them.';
COMMENT ON COLUMN workflow_pauses.reason IS 'Why, in words for people.';

/*
 * When definitions fire by themselves.
 */
CREATE TABLE workflow_schedules (
	definition_id	uuid NOT NULL,
	tenant_id		uuid NOT NULL,
	key				text NOT NULL,
	next_at			timestamptz,
	last_at			timestamptz,
	last_run_id		uuid,
	error			text,
	place			bigint,
	PRIMARY KEY (definition_id, key),
	FOREIGN KEY (definition_id, tenant_id)
		REFERENCES workflow_definitions (id, tenant_id) ON DELETE CASCADE
);
-- what is due
CREATE INDEX workflow_schedules_next ON workflow_schedules (place, next_at);
COMMENT ON TABLE workflow_schedules IS
'The state of the schedules of definitions. The engine writes it, when a definition is saved and when a schedule fires; wf_schedules() reads it well.';
COMMENT ON COLUMN workflow_schedules.definition_id IS 'The definition that has the schedule.';
COMMENT ON COLUMN workflow_schedules.tenant_id IS 'Whose definition it is.';
COMMENT ON COLUMN workflow_schedules.key IS 'The schedule''s name; without one, its cron and its zone.';
COMMENT ON COLUMN workflow_schedules.next_at IS 'When it fires next; in the past while it is paused or switched off. Null: never.';
COMMENT ON COLUMN workflow_schedules.last_at IS 'The newest time that it was fired for.';
COMMENT ON COLUMN workflow_schedules.last_run_id IS 'The run that was fired for that time; it may have been deleted since.';
COMMENT ON COLUMN workflow_schedules.error IS 'Why firing it failed; it is tried again. Null: it did not.';
COMMENT ON COLUMN workflow_schedules.place IS 'Where it fires, as workflow_runs.place.';

/*
 * Places: which database runs and schedules were made for, so that a copy of
 * it does not send what the original sends.  No dump carries these two tables.
 */
CREATE TABLE workflow_identity (
	incarnation	uuid PRIMARY KEY DEFAULT gen_random_uuid()
);
CREATE UNIQUE INDEX workflow_identity_one ON workflow_identity ((true));
COMMENT ON TABLE workflow_identity IS
'One row, which CREATE EXTENSION draws and no dump carries: with the server''s identifier, the database''s oid and workflow_engine.site it makes this database a place of its own.';
COMMENT ON COLUMN workflow_identity.incarnation IS 'Drawn at random. Nobody changes it.';
INSERT INTO workflow_identity DEFAULT VALUES;

CREATE TABLE workflow_places (
	here		bigint NOT NULL,
	accepted	bigint NOT NULL,
	at			timestamptz NOT NULL DEFAULT now(),
	by			name NOT NULL DEFAULT current_user,
	PRIMARY KEY (here, accepted)
);
COMMENT ON TABLE workflow_places IS
'Places whose runs are executed here: wf_accept_place and wf_discard_place write it, wf_places shows it. No dump carries it.';
COMMENT ON COLUMN workflow_places.here IS 'The place that this was decided for: a copy of the database is another one.';
COMMENT ON COLUMN workflow_places.accepted IS 'The place whose runs are executed.';
COMMENT ON COLUMN workflow_places.at IS 'Since when.';
COMMENT ON COLUMN workflow_places.by IS 'Who accepted it.';

/*
 * Who did what by hand.
 */
CREATE TABLE workflow_operations (
	id				uuid PRIMARY KEY DEFAULT wf_new_run_id(),
	at				timestamptz NOT NULL DEFAULT now(),
	who				name NOT NULL DEFAULT current_user,
	what			text NOT NULL,
	tenant_id		uuid,
	definition_id	uuid,
	run_id			uuid,
	detail			jsonb NOT NULL DEFAULT '{}'
);
-- what people did to this run
CREATE INDEX workflow_operations_run ON workflow_operations (run_id)
	WHERE run_id IS NOT NULL;
COMMENT ON TABLE workflow_operations IS
'Who did what by hand: one row for each call that changed something. Rows are written by the engine, and kept as long as runs.';
COMMENT ON COLUMN workflow_operations.id IS 'Identifies the row; ascends with time (UUID version 7).';
COMMENT ON COLUMN workflow_operations.at IS 'When it was done.';
COMMENT ON COLUMN workflow_operations.who IS 'The role of the session, also inside of SECURITY DEFINER functions; in a step, the role of the worker.';
COMMENT ON COLUMN workflow_operations.what IS 'cancel, retry, rerun: runs; pause, resume: a tenant, a workflow or all; save, switch (is_active), delete: a definition; connection: a connection was inserted, updated or deleted; accept place, discard place: runs that came in with a copy; purge: runs were deleted by wf_purge.';
COMMENT ON COLUMN workflow_operations.tenant_id IS 'The tenant that it was about; null: every tenant.';
COMMENT ON COLUMN workflow_operations.definition_id IS 'The definition that it was about, if it was one.';
COMMENT ON COLUMN workflow_operations.run_id IS 'The run that it was about, if it was one.';
COMMENT ON COLUMN workflow_operations.detail IS 'More about it, an object: the filter and the count of a call that was about several runs, the reason of a pause, the version that was saved.';

SELECT pg_catalog.pg_extension_config_dump('workflow_definition_versions', '');
SELECT pg_catalog.pg_extension_config_dump('workflow_definitions', '');
SELECT pg_catalog.pg_extension_config_dump('workflow_runs', '');
SELECT pg_catalog.pg_extension_config_dump('workflow_actions', 'WHERE kind = ''function''');
SELECT pg_catalog.pg_extension_config_dump('workflow_connections', '');
SELECT pg_catalog.pg_extension_config_dump('workflow_templates', '');
SELECT pg_catalog.pg_extension_config_dump('workflow_template_versions', '');
SELECT pg_catalog.pg_extension_config_dump('workflow_tenants', '');
SELECT pg_catalog.pg_extension_config_dump('workflow_pauses', '');
SELECT pg_catalog.pg_extension_config_dump('workflow_schedules', '');
SELECT pg_catalog.pg_extension_config_dump('workflow_operations', '');

CREATE TRIGGER wf_definition_check BEFORE INSERT OR UPDATE ON workflow_definitions
	FOR EACH ROW EXECUTE FUNCTION wf_definition_check();
-- names with "A_" sort before those of foreign keys, so that these triggers run
-- before the keys' checks
CREATE TRIGGER "A_wf_definition_saved" AFTER INSERT OR UPDATE ON workflow_definitions
	FOR EACH ROW EXECUTE FUNCTION wf_definition_saved();
CREATE TRIGGER "A_wf_definition_lock" AFTER DELETE ON workflow_definitions
	FOR EACH ROW EXECUTE FUNCTION wf_lock_runs();
CREATE TRIGGER wf_definition_gone AFTER DELETE ON workflow_definitions
	FOR EACH ROW EXECUTE FUNCTION wf_definition_gone();
CREATE TRIGGER "A_wf_version_lock" AFTER DELETE ON workflow_definition_versions
	FOR EACH ROW EXECUTE FUNCTION wf_lock_runs();
CREATE TRIGGER wf_version_check BEFORE INSERT OR UPDATE ON workflow_definition_versions
	FOR EACH ROW EXECUTE FUNCTION wf_version_check();
CREATE TRIGGER wf_run_check BEFORE INSERT ON workflow_runs
	FOR EACH ROW EXECUTE FUNCTION wf_run_check();
CREATE TRIGGER wf_schedule_check BEFORE INSERT ON workflow_schedules
	FOR EACH ROW EXECUTE FUNCTION wf_schedule_check();
CREATE TRIGGER wf_action_check BEFORE INSERT OR UPDATE OR DELETE ON workflow_actions
	FOR EACH ROW EXECUTE FUNCTION wf_action_check();
CREATE TRIGGER wf_action_truncate BEFORE TRUNCATE ON workflow_actions
	FOR EACH STATEMENT EXECUTE FUNCTION wf_action_check();
CREATE TRIGGER wf_connection_check BEFORE INSERT OR UPDATE ON workflow_connections
	FOR EACH ROW EXECUTE FUNCTION wf_connection_check();
CREATE TRIGGER wf_connection_saved AFTER INSERT OR UPDATE OR DELETE ON workflow_connections
	FOR EACH ROW EXECUTE FUNCTION wf_connection_saved();
CREATE TRIGGER wf_template_check BEFORE INSERT OR UPDATE ON workflow_templates
	FOR EACH ROW EXECUTE FUNCTION wf_template_check();
CREATE TRIGGER wf_template_saved AFTER INSERT OR UPDATE OR DELETE ON workflow_templates
	FOR EACH ROW EXECUTE FUNCTION wf_template_saved();
CREATE TRIGGER wf_template_version_check BEFORE INSERT OR UPDATE ON workflow_template_versions
	FOR EACH ROW EXECUTE FUNCTION wf_template_version_check();

/*
 * Tenants.  A session bound by workflow_engine.tenant_id sees one tenant's
 * rows, and reads (but does not write) the rows for every tenant.
 */
ALTER TABLE workflow_definitions ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON workflow_definitions
	USING (wf_tenant_visible(tenant_id));
ALTER TABLE workflow_definition_versions ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON workflow_definition_versions
	USING (EXISTS (SELECT FROM workflow_definitions d WHERE d.id = definition_id));
ALTER TABLE workflow_runs ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON workflow_runs
	USING (wf_tenant_visible(tenant_id));
ALTER TABLE workflow_connections ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON workflow_connections
	USING (wf_tenant_visible(tenant_id));
CREATE POLICY tenant_shared ON workflow_connections FOR SELECT
	USING (tenant_id IS NULL AND wf_tenant_any() AND
		   wf_connection_visible(credentials));
ALTER TABLE workflow_templates ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON workflow_templates
	USING (wf_tenant_visible(tenant_id));
CREATE POLICY tenant_shared ON workflow_templates FOR SELECT
	USING (tenant_id IS NULL AND wf_tenant_any());
ALTER TABLE workflow_template_versions ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON workflow_template_versions
	USING (EXISTS (SELECT FROM workflow_templates t WHERE t.id = template_id));
ALTER TABLE workflow_tenants ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON workflow_tenants
	USING (wf_tenant_visible(tenant_id));
ALTER TABLE workflow_pauses ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON workflow_pauses
	USING (wf_tenant_visible(tenant_id));
CREATE POLICY tenant_shared ON workflow_pauses FOR SELECT
	USING (tenant_id IS NULL AND wf_tenant_any());
ALTER TABLE workflow_operations ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON workflow_operations
	USING (wf_tenant_visible(tenant_id));

ALTER TABLE workflow_schedules ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON workflow_schedules
	USING (wf_tenant_visible(tenant_id));

/*
 * What applications and operations call.
 */
CREATE FUNCTION wf_define(tenant_id uuid, definition jsonb) RETURNS uuid
AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION wf_define(uuid, jsonb) IS
'Inserts or updates the definition of that tenant with the name in the JSON, as the caller; returns its id. Unchanged JSON makes no new version. A WARNING lists what is probably meant otherwise, another one names an active definition of that tenant with the same trigger type and steps (a new name makes a second definition). Errors: 22023 (not valid; every problem in the detail), 42501 (privileges, tenant, run_as).';

CREATE FUNCTION wf_save(INOUT id uuid, tenant_id uuid, definition jsonb,
	run_as regrole DEFAULT NULL, base_version int DEFAULT NULL,
	note text DEFAULT NULL, OUT version int, OUT changed boolean)
AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION wf_save(uuid, uuid, jsonb, regrole, int, text) IS
'Saves a definition, as the caller, unless somebody else has saved it since base_version, the version that was changed. id null: a new definition of tenant_id; else tenant_id may be null. The columns name and trigger_type follow the JSON. run_as null: as it is, or of a new one the default; note (at most 10000 characters): why, kept in workflow_definition_versions. Returns the id, the version now, and whether it is a new one: the same JSON and run_as make none. Warns as wf_define. Errors: WF409 (it has another version than base_version; the detail says who saved it), 23505 (a new one has the name of another), P0002 (no such definition), 22004 (no definition, base_version or tenant), 22023 (not valid; every problem in the detail), 42501 (privileges, tenant, run_as).';

CREATE FUNCTION wf_run_as_roles()
RETURNS TABLE (role name, is_default boolean, is_current boolean)
AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL UNSAFE ROWS 10;
COMMENT ON FUNCTION wf_run_as_roles() IS
'The roles that the caller may give a definition as run_as: those that it could SET ROLE to, a superuser only if it is one. is_default: that of workflow_engine.default_run_as, which comes first; is_current: the caller itself. What several people edit needs a role that all of them are members of.';

CREATE FUNCTION wf_fire(tenant_id uuid, trigger_type text,
	payload jsonb DEFAULT '{}', idempotency_key text DEFAULT NULL,
	run_at timestamptz DEFAULT NULL, priority int DEFAULT 0)
RETURNS SETOF uuid
AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 1;
COMMENT ON FUNCTION wf_fire(uuid, text, jsonb, text, timestamptz, int) IS
'Queues one run for each active definition of that tenant and trigger type, in the caller''s transaction; returns their ids (none matching: no rows; a type that no definition has: a NOTICE with the nearest). payload: an object of at most workflow_engine.max_payload. idempotency_key (1 to 1000 bytes): if a definition has seen it, that run''s id comes back and nothing is queued (until that run is deleted, by wf_purge or after workflow_engine.retention); run_at: not before (infinity: not until it is cancelled and retried); priority: -32768 to 32767, higher first. A serializable transaction fails with 40001 if its snapshot does not show the definitions, or the run that has the key, as they are now; at other levels wf_fire sees them as they are now. Errors: 22004 (null argument), 22023 (payload no object; key empty or too long), 54000 (payload too large), 22003 (priority), 42501 (another tenant), 54001 (fired by its own steps deeper than workflow_engine.max_depth), 55000 (a column of the extension''s tables was dropped or altered), and what a constraint or trigger raises that somebody has added to workflow_runs.';

CREATE FUNCTION wf_fire_trigger() RETURNS trigger
AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION wf_fire_trigger() IS
'A table trigger that fires workflows: EXECUTE FUNCTION wf_fire_trigger(''new_order'' [, ''tenant_id'' [, ''order_id=id'', ''total_amount'', ...]]). Arguments: the trigger type; the column that holds the tenant, or a literal uuid; the columns of the payload, renamed by new=old (none: the whole row). AFTER INSERT, UPDATE or DELETE, for each row or statement (with transition tables). The payload also has _op, _schema and _table (of the table that the trigger was created on) and, on UPDATE, _old; it does not depend on the session''s settings. CREATE TRIGGER refuses what cannot work (39P01, 22023, 22P02, 42701, 42703, 42804). Afterwards the statement succeeds, with a warning: a value that cannot be sent is null, a row without a tenant fires nothing. Errors: 42501 (another tenant), 54001 (fired by its own steps deeper than workflow_engine.max_depth).';

CREATE FUNCTION wf_history(match jsonb DEFAULT '{}', tenant_id uuid DEFAULT NULL,
	workflow text DEFAULT NULL, status text DEFAULT NULL,
	since timestamptz DEFAULT NULL, max_rows int DEFAULT 100,
	until timestamptz DEFAULT NULL)
RETURNS TABLE (run_id uuid, workflow_name text, version int, status text,
	trigger_type text, trigger_payload jsonb, queued_at timestamptz,
	started_at timestamptz, completed_at timestamptz, duration interval,
	steps_completed int, steps_total int, error_message text)
AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL UNSAFE ROWS 100
SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION wf_history(jsonb, uuid, text, text, timestamptz, int, timestamptz) IS
'What automation ran, newest first, whole payloads included. match: the payload contains it (wf_history(''{"order_id": "123"}'')), by index; tenant_id, workflow (name), status, since and until (the time in the run''s id, in milliseconds: at or after, before) narrow it; max_rows: 1 to 10000. A session bound to a tenant sees that tenant''s runs only. Errors: 22023 (match no object, or without a value that the index can find; unknown status; max_rows).';

CREATE FUNCTION wf_runs(match jsonb[] DEFAULT NULL, tenant_id uuid DEFAULT NULL,
	definition_id uuid DEFAULT NULL, statuses text[] DEFAULT NULL,
	since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
	step text DEFAULT NULL, error_class text DEFAULT NULL,
	before uuid DEFAULT NULL, max_rows int DEFAULT 50)
RETURNS TABLE (run_id uuid, tenant_id uuid, definition_id uuid,
	workflow_name text, version int, status text, title text,
	payload_head text, queued_at timestamptz, run_at timestamptz,
	started_at timestamptz, completed_at timestamptz, step_name text, step int,
	steps_total int, attempt int, error_message text, error_class text)
AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL UNSAFE ROWS 50
SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION wf_runs(jsonb[], uuid, uuid, text[], timestamptz, timestamptz, text, text, uuid, int) IS
'A page of the runs that match, newest first; the next page begins before the last run_id of this one. match: the payload contains one of these, by index; statuses: one of these; since, until: the time in the run''s id, in milliseconds: at or after, before; step, error_class: runs that failed at that step, with an error of that class: the newest 10000 that failed and match the rest are looked at; max_rows: 1 to 10000. title is rendered by the definition''s title; payload_head is the beginning of the payload, up to 200 characters; step_name, step: where the run is or stopped. A session bound to a tenant sees that tenant''s runs only. Errors: 22023 (a match that is no object, or without a value that the index can find; unknown status; max_rows), 22004 (a null element), P0002 (no such definition).';

CREATE FUNCTION wf_search(q text, tenant_id uuid DEFAULT NULL,
	before uuid DEFAULT NULL, max_rows int DEFAULT 50)
RETURNS TABLE (run_id uuid, tenant_id uuid, definition_id uuid,
	workflow_name text, version int, status text, title text,
	payload_head text, queued_at timestamptz, run_at timestamptz,
	started_at timestamptz, completed_at timestamptz, step_name text, step int,
	steps_total int, attempt int, error_message text, error_class text)
AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL UNSAFE ROWS 50
SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION wf_search(text, uuid, uuid, int) IS
'Runs by what people type, newest first, as wf_runs shows them. q: the id of a run; path=value; words and a value, such as order 12345: the words are those of the paths and labels that definitions have under search, or of paths in their newest payloads; a value alone is looked for at all of these. Values are found as text and as number, with digits of any script, without marks of direction and vowels, in lower and upper case, and as phone numbers with and without the country code. The next page begins before the last run_id of this one; max_rows: 1 to 10000. A session bound to a tenant sees that tenant''s runs only. Errors: 22004 (no q), 22023 (q without a value, or of more than 500 characters; max_rows).';

CREATE FUNCTION wf_run(run_id uuid) RETURNS jsonb
AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION wf_run(uuid) IS
'All of a run: its columns, title, workflow and definition of its version; payload (of more than 64 kB: head, size and truncated); error_class; next_attempt_at; parent and up to 100 children (run_id, workflow_name, status); operations (at, who, what, detail): what people did to it; steps: the columns of wf_trace, and condition, on_error, retry, timeout, failed_attempts, previous, repeat. Errors: P0002 (no such run, or one of a tenant this session is not bound to).';

CREATE FUNCTION wf_samples(trigger_type text, tenant_id uuid DEFAULT NULL)
RETURNS TABLE (run_id uuid, queued_at timestamptz, payload jsonb)
AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL UNSAFE ROWS 20
SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION wf_samples(text, uuid) IS
'The last 20 different payloads of that trigger type, newest first, of one tenant or of all that this session sees, with the newest run that has each; of each workflow the last 20 runs are looked at. Errors: 22004 (no trigger_type).';

CREATE FUNCTION wf_trace(run_id uuid)
RETURNS TABLE (step int, step_name text, action text, status text,
	attempts int, started_at timestamptz, duration_ms numeric, input jsonb,
	output jsonb, error text)
AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL UNSAFE ROWS 10
SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION wf_trace(uuid) IS
'One row per step of a run, in order: what was sent in, what came out, how long it took (duration_ms, milliseconds). Steps not yet reached have status pending; the one under way running or (until its next attempt) waiting, with its attempts and the error of the last. An unknown run, or one of a tenant this session is not bound to: no rows.';

CREATE FUNCTION wf_schedules(tenant_id uuid DEFAULT NULL)
RETURNS TABLE (definition_id uuid, workflow_name text, schedule text,
	next_at timestamptz, last_at timestamptz, last_run_id uuid)
AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL UNSAFE ROWS 100
SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION wf_schedules(uuid) IS
'The schedules of all definitions, or of one tenant''s, the next one first: schedule is its name, else its cron and zone; next_at lies in the past while it is paused or its definition is not active; last_at is the newest time that was fired, by run last_run_id. A session bound to a tenant sees that tenant''s only.';

CREATE FUNCTION wf_fire_schedules() RETURNS timestamptz
AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION wf_fire_schedules() IS
'Internal: fires the schedules that are due, and returns when the next one is (null: none is known). The workers call it. Errors: 42501 (no superuser).';

CREATE FUNCTION wf_health(tenant_id uuid DEFAULT NULL)
RETURNS TABLE (due int, oldest_due_at timestamptz, later int, waiting int,
	running int, failed_1h int, failed_24h int, paused boolean,
	completed_per_minute int, standing_still int, workers int,
	last_error text, notify_events text)
AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL UNSAFE ROWS 1
SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION wf_health(uuid) IS
'Is everything all right? One row, of one tenant or of all: runs that are due and since when the oldest, later (fired for a later time), waiting (for their next attempt), running, failed of those that were fired in the last hour and day; paused: all that is asked for is; completed_per_minute: in the last minute, looked for among the newest runs and those just before the oldest that is due; standing_still: runs of another place, which are not executed here; workers: alive in this database, and the last error of one; workflow_engine.notify_events. Each count stops at 10001, which is to be shown as 10,000+. A session bound to a tenant learns that tenant''s only, and no last_error.';

CREATE FUNCTION wf_failures(tenant_id uuid DEFAULT NULL,
	since timestamptz DEFAULT NULL, max_groups int DEFAULT 100)
RETURNS TABLE (definition_id uuid, workflow_name text, step text,
	error_class text, count int, first timestamptz, last timestamptz,
	newest_run uuid, still_failing boolean)
AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL UNSAFE ROWS 100
SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION wf_failures(uuid, timestamptz, int) IS
'What fails, in groups of workflow, step and error_class (the error with numbers, uuids, quoted texts and addresses replaced), the largest group first; of one tenant or of all. Looks at the newest 10000 failed runs, of those fired since; count, first and last failure (completed_at) and newest_run are of these. still_failing: no run of that workflow that was fired after newest_run has completed. max_groups: 1 to 1000. A session bound to a tenant sees that tenant''s only. Errors: 22023 (max_groups).';

CREATE FUNCTION wf_diagram(definition jsonb) RETURNS text
AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION wf_diagram(jsonb) IS
'A definition as a flowchart in the language of Mermaid: its event, its steps with their conditions, and the end. The definition need not be valid. Errors: 22023 (no object with an array "steps").';

CREATE FUNCTION wf_run_diagram(run_id uuid) RETURNS text
AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION wf_run_diagram(uuid) IS
'The flowchart of the version that a run executes, each step with what it has come to, in words and by its colour. Errors: P0002 (no such run, or one of a tenant this session is not bound to).';

CREATE PROCEDURE wf_wait(run_id uuid, timeout interval DEFAULT '30 s',
	INOUT status text DEFAULT NULL)
AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON PROCEDURE wf_wait(uuid, interval, text) IS
'CALL wf_wait(run_id): waits until the run has ended, and returns its status, for scripts and tests. It commits while it waits, unless it is called in a transaction block or by a function. Errors: WF408 (it has not ended after timeout; the detail says where it stands), 55000 (it was queued by this transaction, so nobody else sees it yet), P0002 (no such run, or one of a tenant this session is not bound to), 22004 (null argument), 22023 (negative timeout).';

CREATE FUNCTION wf_stats()
RETURNS TABLE (definition_id uuid, tenant_id uuid, workflow_name text,
	version int, is_active boolean, run_as wf_role, run_as_exists boolean,
	queued int, running int, waiting int, oldest_queued_age interval,
	completed_1h int, failed_1h int, p50_duration interval,
	p95_duration interval, standing_still int, paused boolean)
AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL UNSAFE ROWS 100
SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION wf_stats() IS
'Internal: the rows of view workflow_stats.';

CREATE FUNCTION wf_validate(definition jsonb, tenant_id uuid DEFAULT NULL)
RETURNS TABLE (path text, severity text, message text, hint text, code text,
	args jsonb, pos int)
AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL UNSAFE ROWS 10
SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION wf_validate(jsonb, uuid) IS
'Every problem of a definition at once: path (steps[1].params.phone), severity (error, warning), message, hint; code, a word that stays the same for a message, and args, what was put into it, for programs that show it in other words; pos, in characters from 1, where in the text at path it is (null: all of it). No rows: it is valid. With warnings alone it can be saved, but probably does not mean what it says, or names what is not there: tables, columns and privileges are those of the role of the tenant''s definition of that name, else of the role that it would be saved with; connections and mail templates are looked up only with tenant_id, or in a session bound to a tenant. With workflow_engine.strict_definitions these warnings are errors.';

CREATE FUNCTION wf_check(tenant_id uuid DEFAULT NULL)
RETURNS TABLE (definition_id uuid, workflow_name text, path text,
	severity text, message text, hint text)
AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL UNSAFE ROWS 10
SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION wf_check(uuid) IS
'Compares all active definitions, or those of one tenant, with the database as it is now: the tables and columns that their steps name, the literals for them, what their roles may do, connections, mail templates, functions. A row for each problem, as wf_validate says it; a definition that can no longer be compiled has an error. Only what no template decides is checked; a table that is being altered is passed over. A session bound to a tenant sees that tenant''s only.';

CREATE VIEW workflow_stats AS
SELECT s.*, coalesce(c.problems, 0) AS problems
FROM wf_stats() s
LEFT JOIN (SELECT definition_id, count(*)::int AS problems FROM wf_check()
	GROUP BY definition_id) c ON c.definition_id = s.definition_id;
COMMENT ON VIEW workflow_stats IS
'One row a definition: what it does now and has done of what was fired in the last hour. Each count stops at 10001, which is to be shown as 10,000+. A session bound to a tenant sees that tenant''s definitions only.';
COMMENT ON COLUMN workflow_stats.definition_id IS 'The definition (workflow_definitions.id).';
COMMENT ON COLUMN workflow_stats.tenant_id IS 'Whose it is.';
COMMENT ON COLUMN workflow_stats.workflow_name IS 'Its name.';
COMMENT ON COLUMN workflow_stats.version IS 'Its version now.';
COMMENT ON COLUMN workflow_stats.is_active IS 'False: events do not fire it.';
COMMENT ON COLUMN workflow_stats.run_as IS 'The role that its steps run as; "-" or a number: the role is gone.';
COMMENT ON COLUMN workflow_stats.run_as_exists IS 'False: run_as names no role, and nothing of it runs.';
COMMENT ON COLUMN workflow_stats.queued IS 'Runs that are queued, those for a later time included. If its tenant has more than 10000 of them, a lower bound.';
COMMENT ON COLUMN workflow_stats.running IS 'Runs under way.';
COMMENT ON COLUMN workflow_stats.waiting IS 'Runs that wait for the next attempt of a step.';
COMMENT ON COLUMN workflow_stats.oldest_queued_age IS 'How long the oldest of the queued runs has been due; null: none is.';
COMMENT ON COLUMN workflow_stats.completed_1h IS 'Runs that have completed, of those fired in the last hour.';
COMMENT ON COLUMN workflow_stats.failed_1h IS 'Runs that have failed, of those fired in the last hour.';
COMMENT ON COLUMN workflow_stats.p50_duration IS 'From start to end, the median of completed_1h.';
COMMENT ON COLUMN workflow_stats.p95_duration IS 'The same, which 95 of 100 do not exceed.';
COMMENT ON COLUMN workflow_stats.standing_still IS 'Runs of another place, which are not executed here.';
COMMENT ON COLUMN workflow_stats.paused IS 'True: its runs queue and are not begun.';
COMMENT ON COLUMN workflow_stats.problems IS 'What no longer fits the database, of an active definition: wf_check() lists it.';

CREATE FUNCTION wf_preview(definition jsonb, payload jsonb,
	tenant_id uuid DEFAULT NULL, run_as regrole DEFAULT NULL,
	execute boolean DEFAULT true, run_functions boolean DEFAULT false,
	outputs jsonb DEFAULT '{}', max_time interval DEFAULT '5 s')
RETURNS TABLE (step int, step_name text, action text, status text,
	duration_ms numeric, input jsonb, output jsonb, error text, reason text,
	request jsonb, changes jsonb)
AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 10;
COMMENT ON FUNCTION wf_preview(jsonb, jsonb, uuid, regrole, boolean, boolean, jsonb, interval) IS
'What a run of the definition would do with that payload: one row a step, in order. Nothing is sent and nothing stays. status: would send (request has what, with credentials masked), would run, completed (executed and rolled back; duration_ms in milliseconds, changes has the row before and after), skipped, failed, unknown (it depends on what a step that is not executed returns), pending (the run would not come to it); reason says why. tenant_id: by default the one this session is bound to; run_as: by default that of the tenant''s definition of that name, else as for a new one. execute: native steps are executed as run_as, in a process of its own; false: nothing is executed or locked. Functions, and all steps of a run_as that is a superuser, are executed only with run_functions. outputs: {"step": output} of steps that are not executed. max_time (1 ms to 10 min) ends the whole: the rest is pending. Errors: 22004, 22023 (not valid, every problem in the detail; outputs, max_time), 54000 (payload too large), 42501 (another tenant; with execute: without operate, or a run_as to which the caller cannot SET ROLE), 42704 (run_as); with execute: 25001 (the transaction has written), 25006 (it is read only), 53000 (no process is free).';

CREATE FUNCTION wf_preview_run(run_id uuid, definition jsonb DEFAULT NULL,
	run_as regrole DEFAULT NULL, execute boolean DEFAULT true,
	run_functions boolean DEFAULT false, outputs jsonb DEFAULT '{}',
	max_time interval DEFAULT '5 s')
RETURNS TABLE (step int, step_name text, action text, status text,
	duration_ms numeric, input jsonb, output jsonb, error text, reason text,
	request jsonb, changes jsonb)
AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 10;
COMMENT ON FUNCTION wf_preview_run(uuid, jsonb, regrole, boolean, boolean, jsonb, interval) IS
'wf_preview with the payload and the tenant of a run. definition: by default that of the run''s workflow as it is now. What completed steps of the run have returned stands for steps of the same name that are not executed, unless outputs has them; run_as: by default that of the run''s workflow. Errors: as wf_preview, and P0002 (no such run, or one that this session does not see).';

CREATE FUNCTION wf_register_action(name text, handler regprocedure,
	params jsonb DEFAULT '{}', description text DEFAULT NULL) RETURNS void
AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION wf_register_action(text, regprocedure, jsonb, text) IS
'Makes a function (params jsonb, context jsonb) returning jsonb an action, or replaces one registered under that name. The caller must own the function, and that of an action that is replaced, or be a superuser; a session that is bound to a tenant registers nothing. Steps call it as the definition''s run_as, which needs EXECUTE on it, and to which the function''s owner must be able to SET ROLE. params: {"name": {"type", "required", "enum", "format", "default", "label", "order", "example", "help"}}; {} accepts anything. Errors: 22023 (params, a built-in name), 23514 (no valid name), 42P13 (signature), 42501.';

CREATE FUNCTION wf_cancel(run_id uuid) RETURNS boolean
AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION wf_cancel(uuid) IS
'Ends a run that has not ended, at once: no further step begins. A step in the database that is under way goes on to its end, and its result is recorded; the answer to a request that is out is lost. Needs no worker. True: it was cancelled; false: it had ended. Errors: P0002 (no such run, or one of a tenant this session is not bound to); what a trigger or constraint that somebody added to workflow_runs raises.';

CREATE FUNCTION wf_retry(run_id uuid, from_step text DEFAULT NULL,
	on_version text DEFAULT 'own') RETURNS boolean
AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION wf_retry(uuid, text, text) IS
'Queues a run again that has failed, was cancelled, or waits for its next attempt. on_version own: on the version it has, at the step where it stopped, or at from_step, an earlier one. current: on the workflow as it is now; results are kept by the names of their steps, the run goes on at the first step without one and passes later steps that have one, or at from_step, and then that step and all after it are executed again. The steps'' earlier results stay, under previous in their element. Returns true. Errors: P0002 (no such run), 55000 (it has completed, or runs; somebody has damaged its row; it does not fit the current version, and the error says which step), 22023 (on_version; from_step is none of the steps, or comes after the one where it stopped).';

CREATE FUNCTION wf_rerun(run_id uuid, payload jsonb DEFAULT NULL) RETURNS uuid
AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION wf_rerun(uuid, jsonb) IS
'Queues a new run of the current version of a run''s workflow, from its first step, with the same payload or the given one; returns its id, and its column rerun_of is run_id. The run must have ended. Steps that have effects have them again: the new run''s requests have keys of their own. Errors: P0002 (no such run), 55000 (it has not ended), 22023 (payload no object), 54000 (payload too large), 54001 (as wf_fire).';

CREATE FUNCTION wf_cancel_many(run_ids uuid[])
RETURNS TABLE (run_id uuid, outcome text)
AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 100
SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION wf_cancel_many(uuid[]) IS
'wf_cancel of each of these runs, by ascending id. outcome: cancelled; not found; or the status of a run that had ended. Errors: 22004 (null), 22023 (more than 10000).';

CREATE FUNCTION wf_retry_many(run_ids uuid[], from_step text DEFAULT NULL,
	on_version text DEFAULT 'own')
RETURNS TABLE (run_id uuid, outcome text)
AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 100
SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION wf_retry_many(uuid[], text, text) IS
'wf_retry of each of these runs, by ascending id. outcome: retried; not found; the status of a run that cannot be retried in it (queued, running, completed); or the message of the error that wf_retry would raise. Errors: 22004 (null), 22023 (more than 10000, on_version).';

CREATE FUNCTION wf_cancel_runs(tenant_id uuid, workflow text DEFAULT NULL,
	status text DEFAULT NULL, since timestamptz DEFAULT NULL,
	definition_id uuid DEFAULT NULL, until timestamptz DEFAULT NULL,
	step text DEFAULT NULL, error_class text DEFAULT NULL,
	after uuid DEFAULT NULL, max_rows int DEFAULT NULL)
RETURNS SETOF uuid
AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 100
SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION wf_cancel_runs(uuid, text, text, timestamptz, uuid, timestamptz, text, text, uuid, int) IS
'wf_cancel of every run that has not ended (or, by status, of those queued, running or waiting); returns the ids of those cancelled. tenant_id: null is every tenant that the session sees; workflow (name), definition_id, status, since and until (fired at or after, and before) narrow it; step and error_class (an error, or its class) choose among the newest 10000 of that status by what failed; by ascending id, after that one, max_rows at most. Of runs that have not ended, step is the one that they stand at, and error_class that of its last attempt. Errors: 22023 (status, max_rows; step or error_class of runs that did not fail), 42501 (a session bound to another tenant), 42704 (no such workflow), P0002 (no such definition).';

CREATE FUNCTION wf_retry_runs(tenant_id uuid, workflow text DEFAULT NULL,
	status text DEFAULT NULL, since timestamptz DEFAULT NULL,
	definition_id uuid DEFAULT NULL, until timestamptz DEFAULT NULL,
	step text DEFAULT NULL, error_class text DEFAULT NULL,
	after uuid DEFAULT NULL, max_rows int DEFAULT NULL,
	on_version text DEFAULT 'own') RETURNS SETOF uuid
AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 100
SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION wf_retry_runs(uuid, text, text, timestamptz, uuid, timestamptz, text, text, uuid, int, text) IS
'wf_retry of every failed run (or, by status, of those cancelled or waiting), on_version as there; returns the ids of those queued again. Runs that cannot be are left as they are, and a WARNING tells of them. tenant_id: null is every tenant that the session sees; workflow (name), definition_id, status, since and until (fired at or after, and before) narrow it; step and error_class (an error, or its class) choose among the newest 10000 of that status by what failed; by ascending id, after that one, max_rows at most. Errors: 22023 (status, max_rows; step or error_class of runs that did not fail), 42501 (a session bound to another tenant), 42704 (no such workflow), P0002 (no such definition).';

CREATE FUNCTION wf_rerun_runs(tenant_id uuid, workflow text DEFAULT NULL,
	status text DEFAULT NULL, since timestamptz DEFAULT NULL,
	definition_id uuid DEFAULT NULL, until timestamptz DEFAULT NULL,
	step text DEFAULT NULL, error_class text DEFAULT NULL,
	after uuid DEFAULT NULL, max_rows int DEFAULT NULL)
RETURNS TABLE (run_id uuid, new_run_id uuid)
AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 100
SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION wf_rerun_runs(uuid, text, text, timestamptz, uuid, timestamptz, text, text, uuid, int) IS
'wf_rerun of every failed run (or, by status, of those completed or cancelled); returns the ids of each and of its new run. tenant_id: null is every tenant that the session sees; workflow (name), definition_id, status, since and until (fired at or after, and before) narrow it; step and error_class (an error, or its class) choose among the newest 10000 of that status by what failed; by ascending id, after that one, max_rows at most. Errors: 22023 (status, max_rows; step or error_class of runs that did not fail), 42501 (a session bound to another tenant), 42704 (no such workflow), P0002 (no such definition).';

CREATE FUNCTION wf_count_runs(tenant_id uuid, workflow text DEFAULT NULL,
	status text DEFAULT NULL, since timestamptz DEFAULT NULL,
	definition_id uuid DEFAULT NULL, until timestamptz DEFAULT NULL,
	step text DEFAULT NULL, error_class text DEFAULT NULL,
	after uuid DEFAULT NULL, max_rows int DEFAULT NULL)
RETURNS int
AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION wf_count_runs(uuid, text, text, timestamptz, uuid, timestamptz, text, text, uuid, int) IS
'How many runs wf_cancel_runs, wf_retry_runs and wf_rerun_runs would find with these arguments; 10000 is that many or more. status may be any; without it runs of every status count, with step or error_class failed ones. tenant_id: null is every tenant that the session sees; workflow (name), definition_id, status, since and until (fired at or after, and before) narrow it; step and error_class (an error, or its class) choose among the newest 10000 of that status by what failed; by ascending id, after that one, max_rows at most. Errors: 22023 (status, max_rows; step or error_class of runs that did not fail), 42501 (a session bound to another tenant), 42704 (no such workflow), P0002 (no such definition).';

CREATE FUNCTION wf_pause(tenant_id uuid DEFAULT NULL, workflow text DEFAULT NULL,
	reason text DEFAULT NULL) RETURNS void
AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION wf_pause(uuid, text, text) IS
'Stops claiming runs of one workflow (its name), of one tenant, or (null) of all, until wf_resume; survives a restart. Fired runs queue, and none is lost; schedules fire nothing and catch up by their rule; a run that a worker has begun goes on to its end. reason: for people, kept in workflow_pauses. Errors: 42501 (a session bound to another tenant, or to any if all are meant), 42704 (no such workflow), 22004 (a workflow without its tenant).';

CREATE FUNCTION wf_resume(tenant_id uuid DEFAULT NULL, workflow text DEFAULT NULL,
	reason text DEFAULT NULL) RETURNS void
AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION wf_resume(uuid, text, text) IS
'Takes back wf_pause of the same tenant_id and workflow. reason: for workflow_operations. Errors: as wf_pause.';

CREATE PROCEDURE wf_purge(older_than interval)
AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON PROCEDURE wf_purge(interval) IS
'Deletes the runs of all tenants that ended longer ago than that, failed and cancelled ones and idempotency keys too, and the operations that were done longer ago but on runs that are kept; by index, the oldest first. Each batch is a transaction of its own that lasts some 50 milliseconds and waits for no run that is locked. A NOTICE says how many were deleted, also each 10 seconds; what was deleted stays so if the call is cancelled. Errors: 2D000 (in a transaction block or a function), 42501 (a session that is bound to a tenant), 22004 (null), 22023 (negative).';
CREATE FUNCTION wf_places()
RETURNS TABLE (place bigint, runs bigint, oldest timestamptz, accepted boolean)
AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 10
SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION wf_places() IS
'Where runs and schedules come from that were not made for this database (a restore, a copy, a replication): the place; how many of its runs have not ended, and when the oldest of them was fired; whether it was accepted. Unless it was, its runs and schedules stand still. A place may have schedules alone; 0 is any that is not known. Errors: 42501 (a session bound to a tenant).';

CREATE FUNCTION wf_accept_place(place bigint) RETURNS bigint
AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION wf_accept_place(bigint) IS
'Has the runs and schedules of that place executed here, those too that come in from it later; returns how many runs have not ended. Only if the original no longer executes them: else both do. Errors: 22004 (null), 22023 (the place of this database), P0002 (nothing has that place), 42501 (a session bound to a tenant).';

CREATE FUNCTION wf_discard_place(place bigint) RETURNS bigint
AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION wf_discard_place(bigint) IS
'Cancels what has not ended of that place, and takes back wf_accept_place; returns how many runs were cancelled. A schedule of that place does not fire before its definition is changed. Errors: as wf_accept_place.';

CREATE FUNCTION wf_grant(role name, capability text) RETURNS void
AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION wf_grant(name, text) IS
'Grants a role what a capability needs, the schema included: fire, view, operate (view, and edit definitions and templates, cancel, retry, pause), admin (operate, and connections and actions). docs/security.md lists it object by object. Errors: 22023 (no such capability), 42704 (no such role), 42501.';

CREATE FUNCTION wf_revoke(role name, capability text) RETURNS void
AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION wf_revoke(name, text) IS
'Takes back all that the capability gives, and with it the capabilities that include it. Errors: as wf_grant.';

CREATE FUNCTION wf_workers()
RETURNS TABLE (pid int, database name, state text, in_flight int,
	runs_done bigint, steps_done bigint, started_at timestamptz, last_error text)
AS 'MODULE_PATHNAME', 'wf_list_workers' LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 4;
COMMENT ON FUNCTION wf_workers() IS
'The live workers of all databases: process id, database, state, transfers in flight, runs and steps done since started_at, last error. The last four are null in a session that is bound to a tenant: they are of all tenants. Without shared_preload_libraries there are none.';

REVOKE ALL ON PROCEDURE wf_wait(uuid, interval, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION
	wf_role_in(cstring), wf_role_out(wf_role), wf_role_recv(internal),
	wf_role_send(wf_role), wf_new_run_id(), wf_run_id_floor(timestamptz), wf_tenant_visible(uuid), wf_worker_alive(bigint),
	wf_belongs_here(bigint), wf_check_preload(), wf_revoke_defaults(), wf_extension_update(), wf_tenant_any(), wf_connection_visible(jsonb),
	wf_default_run_as(), wf_definition_check(), wf_definition_saved(), wf_definition_gone(), wf_lock_runs(), wf_version_check(),
	wf_run_check(), wf_schedule_check(), wf_action_check(), wf_connection_check(),
	wf_connection_saved(), wf_template_check(),
	wf_template_saved(), wf_template_version_check(),
	wf_define(uuid, jsonb), wf_save(uuid, uuid, jsonb, regrole, int, text), wf_run_as_roles(),
	wf_fire(uuid, text, jsonb, text, timestamptz, int), wf_fire_trigger(),
	wf_history(jsonb, uuid, text, text, timestamptz, int, timestamptz),
	wf_runs(jsonb[], uuid, uuid, text[], timestamptz, timestamptz, text, text, uuid, int),
	wf_run(uuid), wf_samples(text, uuid),
	wf_search(text, uuid, uuid, int),
	wf_trace(uuid), wf_schedules(uuid), wf_fire_schedules(),
	wf_validate(jsonb, uuid), wf_check(uuid),
	wf_health(uuid), wf_failures(uuid, timestamptz, int), wf_stats(),
	wf_diagram(jsonb), wf_run_diagram(uuid),
	wf_preview(jsonb, jsonb, uuid, regrole, boolean, boolean, jsonb, interval),
	wf_preview_run(uuid, jsonb, regrole, boolean, boolean, jsonb, interval),
	wf_register_action(text, regprocedure, jsonb, text),
	wf_cancel(uuid), wf_retry(uuid, text, text), wf_rerun(uuid, jsonb),
	wf_cancel_many(uuid[]), wf_retry_many(uuid[], text, text),
	wf_cancel_runs(uuid, text, text, timestamptz, uuid, timestamptz, text, text, uuid, int),
	wf_retry_runs(uuid, text, text, timestamptz, uuid, timestamptz, text, text, uuid, int, text),
	wf_rerun_runs(uuid, text, text, timestamptz, uuid, timestamptz, text, text, uuid, int),
	wf_count_runs(uuid, text, text, timestamptz, uuid, timestamptz, text, text, uuid, int),
	wf_pause(uuid, text, text), wf_resume(uuid, text, text),
	wf_places(), wf_accept_place(bigint), wf_discard_place(bigint),
	wf_grant(name, text), wf_revoke(name, text), wf_workers()
FROM PUBLIC;
REVOKE ALL ON PROCEDURE wf_purge(interval) FROM PUBLIC;
REVOKE ALL ON
	workflow_definition_versions, workflow_definitions, workflow_runs,
	workflow_actions, workflow_connections, workflow_templates,
	workflow_pauses, workflow_schedules, workflow_operations, workflow_stats,
	workflow_template_versions, workflow_tenants,
	workflow_identity, workflow_places
FROM PUBLIC;
SELECT wf_revoke_defaults();

/*
 * Event triggers see no CREATE EXTENSION that makes them, so there they do
 * nothing.  ALWAYS: also under session_replication_role = replica.
 */
CREATE EVENT TRIGGER workflow_engine_update_begins ON ddl_command_start
WHEN TAG IN ('ALTER EXTENSION') EXECUTE FUNCTION wf_extension_update();
ALTER EVENT TRIGGER workflow_engine_update_begins ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER workflow_engine_update_begins IS
'Internal: notes who has which capability, for workflow_engine_update_ends.';
CREATE EVENT TRIGGER workflow_engine_update_ends ON ddl_command_end
WHEN TAG IN ('ALTER EXTENSION') EXECUTE FUNCTION wf_extension_update();
ALTER EVENT TRIGGER workflow_engine_update_ends ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER workflow_engine_update_ends IS
'Internal: grants each capability again, for the objects that an update has made.';

/*
 * The built-in actions.
 */
INSERT INTO workflow_actions (name, kind, params, description) VALUES
('update_record', 'native', '{
	"table": {"order": 1, "label": "Table", "type": "string", "required": true, "format": "table", "example": "orders", "help": "The table, schema-qualified or found by workflow_engine.search_path."},
	"id": {"order": 2, "label": "Row", "type": "string|number", "required": true, "example": "{{ trigger.order_id }}", "help": "The row''s key."},
	"fields": {"order": 3, "label": "Columns", "type": "object", "required": true, "format": "columns", "example": {"status": "confirmed"}, "help": "Columns and their new values."},
	"id_column": {"order": 4, "label": "Key column", "type": "string", "example": "order_number", "help": "The column that id is compared with; by default the single-column primary key."}
 }', 'Updates one row of a table.'),
('insert_record', 'native', '{
	"table": {"order": 1, "label": "Table", "type": "string", "required": true, "format": "table", "example": "order_notes", "help": "The table, schema-qualified or found by workflow_engine.search_path."},
	"fields": {"order": 2, "label": "Columns", "type": "object", "required": true, "format": "columns", "example": {"order_id": "{{ trigger.order_id }}", "note": "paid"}, "help": "Columns and their values."}
 }', 'Inserts one row into a table.'),
('find_record', 'native', '{
	"table": {"order": 1, "label": "Table", "type": "string", "required": true, "format": "table", "example": "customers", "help": "The table, schema-qualified or found by workflow_engine.search_path."},
	"where": {"order": 2, "label": "Where", "type": "object", "required": true, "format": "columns", "example": {"id": "{{ trigger.customer_id }}"}, "help": "Columns and the values they must equal; null is IS NULL."},
	"columns": {"order": 3, "label": "Columns", "type": "array", "format": "columns", "example": ["name", "phone"], "help": "The columns to return; by default all."}
 }', 'Looks one row up.'),
('query', 'native', '{
	"table": {"order": 1, "label": "Table", "type": "string", "required": true, "format": "table", "example": "orders", "help": "The table or view, schema-qualified or found by workflow_engine.search_path."},
	"where": {"order": 2, "label": "Where", "type": "object", "format": "columns", "example": {"status": "open", "total": {"gte": 100}}, "help": "Columns and the values they must equal, or objects of operators: eq, ne, gt, gte, lt, lte, in, not_in, like; null is IS NULL. By default all rows."},
	"columns": {"order": 3, "label": "Columns", "type": "array", "format": "columns", "example": ["id", "total"], "help": "The columns to return; by default all."},
	"order_by": {"order": 4, "label": "Order", "type": "array", "example": ["-total", "id"], "help": "The columns to sort by, descending with a minus sign before the name; by default the primary key, and with aggregate the columns of group_by."},
	"limit": {"order": 5, "label": "At most", "type": "number", "default": 100, "example": 20, "help": "How many rows to return, from 1 to 10000; 100 by default."},
	"aggregate": {"order": 6, "label": "Aggregates", "type": "object", "example": {"orders": "count", "total": {"sum": "total"}}, "help": "Instead of columns: names for results, each \"count\" or an object of a function (count, count_distinct, sum, avg, min, max) and its column."},
	"group_by": {"order": 7, "label": "Group by", "type": "array", "format": "columns", "example": ["region"], "help": "Columns: a result for each of their values; by default one result."},
	"$needs": {"group_by": ["aggregate"]}
 }', 'Reads rows of a table, or adds them up.'),
('webhook', 'http', '{
	"url": {"order": 1, "label": "URL", "type": "string", "format": "url", "example": "https://api.example.com/orders", "help": "Where to send; or give path and connection."},
	"connection": {"order": 2, "label": "Connection", "type": "string", "format": "connection:http", "example": "billing", "help": "A connection of kind http."},
	"path": {"order": 3, "label": "Path", "type": "string", "format": "template", "example": "/orders/{{ trigger.order_id }}", "help": "Appended to the connection''s base_url."},
	"method": {"order": 4, "label": "Method", "type": "string", "enum": ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"], "default": "POST", "example": "PUT", "help": "GET, POST (default), PUT, PATCH, DELETE or HEAD."},
	"query": {"order": 5, "label": "Query", "type": "object", "example": {"id": "{{ trigger.order_id }}"}, "help": "Query parameters to add to the URL; an array repeats its key."},
	"headers": {"order": 6, "label": "Headers", "type": "object", "example": {"X-Source": "orders"}, "help": "Headers to add."},
	"body": {"order": 7, "label": "Body", "format": "template", "example": {"total": "{{ trigger.total_amount }}"}, "help": "The body: JSON, unless the header Content-Type says something else."},
	"merge_payload": {"order": 8, "label": "Send the event", "type": "boolean", "example": false, "help": "true: the payload, with the keys of the body over it; false: the body alone. By default true for POST, PUT and PATCH."},
	"$one_of": [["url", "path"]],
	"$needs": {"path": ["connection"]}
 }', 'Sends an HTTP request.'),
('whatsapp_notify', 'http', '{
	"phone": {"order": 1, "label": "Phone", "type": "string|number", "required": true, "format": "phone", "example": "{{ trigger.phone }}", "help": "The recipient, with the country code unless the connection has a default_country."},
	"template": {"order": 2, "label": "Template", "type": "string", "required": true, "example": "order_confirmed", "help": "The name of the approved message template."},
	"language": {"order": 3, "label": "Language", "type": "string", "default": "en_US", "example": "ar", "help": "The template''s language; en_US by default."},
	"template_vars": {"order": 4, "label": "Variables", "type": "object|array", "format": "template", "example": ["{{ trigger.order_id }}"], "help": "The body''s variables: an object for named, an array for positional ones."},
	"header_vars": {"order": 5, "label": "Header variables", "type": "object|array", "format": "template", "example": ["{{ trigger.order_id }}"], "help": "The header''s variables."},
	"button_vars": {"order": 6, "label": "Button variables", "type": "object|array", "format": "template", "example": {"0": "{{ trigger.order_id }}"}, "help": "The buttons'' variables, by the button''s number from 0."},
	"connection": {"order": 7, "label": "Connection", "type": "string", "format": "connection:whatsapp_cloud", "default": "whatsapp", "example": "whatsapp_lb", "help": "A connection of kind whatsapp_cloud; whatsapp by default."}
 }', 'Sends a WhatsApp template message.'),
('send_email', 'smtp', '{
	"to": {"order": 1, "label": "To", "type": "string|array", "required": true, "format": "email", "example": "{{ trigger.email }}", "help": "The recipients, separated by commas or semicolons, or as an array."},
	"subject": {"order": 2, "label": "Subject", "type": "string", "format": "template", "example": "Order {{ trigger.order_id }}", "help": "The subject; if a template is named, its own by default."},
	"template": {"order": 3, "label": "Mail template", "type": "string", "format": "mail_template", "example": "order_confirmed", "help": "A row of workflow_templates, in the place of body and html."},
	"body": {"order": 4, "label": "Text", "type": "string", "format": "multiline", "example": "Thank you, {{ trigger.name }}.", "help": "The text."},
	"html": {"order": 5, "label": "HTML", "type": "string", "format": "html", "example": "<p>Thank you, {{ trigger.name }}.</p>", "help": "The HTML; values are escaped. With body too, readers choose."},
	"cc": {"order": 6, "label": "Cc", "type": "string|array", "format": "email", "example": "sales@example.com", "help": "Further recipients."},
	"bcc": {"order": 7, "label": "Bcc", "type": "string|array", "format": "email", "example": "archive@example.com", "help": "Further recipients that no header shows."},
	"reply_to": {"order": 8, "label": "Reply to", "type": "string|array", "format": "email", "example": "help@example.com", "help": "Where answers go."},
	"from": {"order": 9, "label": "From", "type": "string", "format": "email", "example": "Orders <orders@example.com>", "help": "The sender; the connection''s by default."},
	"attachments": {"order": 10, "label": "Attachments", "type": "array", "format": "attachments", "example": [{"filename": "order.csv", "content_type": "text/csv", "text": "{{ trigger.csv }}"}], "help": "Files: a list of objects with filename, content_type, and text or base64."},
	"headers": {"order": 11, "label": "Headers", "type": "object", "format": "mail_headers", "example": {"List-Unsubscribe": "<https://example.com/unsubscribe/{{ trigger.token }}>"}, "help": "Further headers of the mail."},
	"connection": {"order": 12, "label": "Connection", "type": "string", "format": "connection:smtp", "default": "email", "example": "email_marketing", "help": "A connection of kind smtp; email by default."},
	"$any_of": [["template", "body", "html"], ["subject", "template"]],
	"$excludes": {"template": ["body", "html"]}
 }', 'Sends a mail.'),
('team_notify', 'http', '{
	"channel": {"order": 1, "label": "Channel", "type": "string", "required": true, "example": "#orders", "help": "The channel."},
	"message": {"order": 2, "label": "Message", "type": "string", "required": true, "format": "multiline", "example": "Order {{ trigger.order_id }} is paid.", "help": "The text; with blocks or a card, what is shown where these cannot be."},
	"blocks": {"order": 3, "label": "Blocks", "type": "array", "format": "template", "example": [{"type": "section", "text": {"type": "mrkdwn", "text": "Order *{{ trigger.order_id }}*"}}], "help": "Slack only: the blocks of the message, at most 50."},
	"thread_ts": {"order": 4, "label": "Thread", "type": "string", "format": "template", "example": "{{ steps.alert.output.ts }}", "help": "Slack only: the ts of the message to answer in its thread."},
	"card": {"order": 5, "label": "Card", "type": "object", "format": "template", "example": {"type": "AdaptiveCard", "version": "1.4", "body": [{"type": "TextBlock", "text": "Order {{ trigger.order_id }}"}]}, "help": "Teams only: an Adaptive Card, in the place of one that shows the message."},
	"connection": {"order": 6, "label": "Connection", "type": "string", "format": "connection:slack|slack_webhook|teams_webhook", "default": "team", "example": "team_kitchen", "help": "A connection of kind slack, slack_webhook or teams_webhook; team by default."}
 }', 'Posts to Slack or Teams.');

SELECT wf_check_preload();
