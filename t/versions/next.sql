/*
 * What a next version may bring, for the tests: make.sh makes an upgrade script
 * of this.  It also makes one without each block but "always"; a block begins
 * with its name and ends at the next one.
 */

-- complain if script is sourced in psql, rather than via ALTER EXTENSION
\echo Use "ALTER EXTENSION workflow_engine UPDATE" to load this file. \quit

--: always
CREATE TABLE workflow_marks (
	id uuid PRIMARY KEY,
	tenant_id uuid NOT NULL,
	mark text,
	set_at timestamptz
);
CREATE FUNCTION wf_mark_check() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	NEW.mark := coalesce(NEW.mark, 'none');
	RETURN NEW;
END $$;
COMMENT ON FUNCTION wf_mark_check() IS 'Internal: a mark is written.';
CREATE FUNCTION wf_mark_name(mark text) RETURNS text LANGUAGE sql VOLATILE
AS 'SELECT mark';
COMMENT ON FUNCTION wf_mark_name(text) IS 'A mark, for people.';

--: column
ALTER TABLE workflow_runs ADD COLUMN remark text;
COMMENT ON COLUMN workflow_runs.remark IS 'What somebody said of the run.';

--: comment
COMMENT ON TABLE workflow_marks IS 'What people say of runs.';

--: default
ALTER TABLE workflow_marks ALTER COLUMN set_at SET DEFAULT now();

--: not null
ALTER TABLE workflow_marks ALTER COLUMN set_at SET NOT NULL;

--: constraint
ALTER TABLE workflow_marks ADD CONSTRAINT workflow_marks_short
	CHECK (length(mark) <= 100);

--: index
CREATE INDEX workflow_marks_tenant ON workflow_marks (tenant_id, set_at);

--: trigger
CREATE TRIGGER wf_mark_check BEFORE INSERT OR UPDATE ON workflow_marks
FOR EACH ROW EXECUTE FUNCTION wf_mark_check();

--: row security
ALTER TABLE workflow_marks ENABLE ROW LEVEL SECURITY;

--: policy
CREATE POLICY tenant ON workflow_marks USING (wf_tenant_visible(tenant_id));

--: privilege
REVOKE ALL ON workflow_marks FROM PUBLIC;
REVOKE ALL ON FUNCTION wf_mark_check(), wf_mark_name(text) FROM PUBLIC;

--: configuration
SELECT pg_catalog.pg_extension_config_dump('workflow_marks', '');

--: storage
ALTER TABLE workflow_marks SET (fillfactor = 90);

--: function
CREATE FUNCTION wf_marks(tenant_id uuid) RETURNS bigint LANGUAGE sql STABLE
AS 'SELECT 1::bigint';
COMMENT ON FUNCTION wf_marks(uuid) IS 'How many marks a tenant has.';
REVOKE ALL ON FUNCTION wf_marks(uuid) FROM PUBLIC;

--: body
CREATE OR REPLACE FUNCTION wf_mark_name(mark text) RETURNS text
LANGUAGE sql VOLATILE AS 'SELECT initcap(mark)';

--: flags
ALTER FUNCTION wf_mark_name(text) STABLE STRICT PARALLEL SAFE;

--: row
UPDATE workflow_actions SET description = 'Sends an HTTP request, and waits.'
WHERE name = 'webhook';

--: always
SELECT wf_revoke_defaults();
