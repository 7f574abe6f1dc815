--
-- Columns of the extension's tables that somebody has altered
--
-- C reads them by number and as values of known types: if they are not there
-- or are of another type, that is an error before anything is touched.
--
SET client_min_messages = warning;
SELECT wf_define(t.tenant('altered'), '{"name": "altered", "trigger_type": "altered", "steps": [
	{"name": "say", "action": "echo", "params": {"text": "hello"}}]}') IS NOT NULL;
SELECT f AS run FROM wf_fire(t.tenant('altered'), 'altered') f \gset
SELECT t.wait_run(:'run');
CREATE FUNCTION t.fails(statement text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	e record;
BEGIN
	BEGIN
		EXECUTE 'ALTER TABLE ' || statement;
		SELECT * INTO e FROM t.error($x$SELECT wf_fire(t.tenant('altered'), 'altered')$x$);
		RAISE EXCEPTION 'rolled back';
	EXCEPTION WHEN raise_exception THEN
		RETURN NEXT concat_ws(' ', e.code, e.message);
		RETURN NEXT e.hint;
	END;
END $$;
SELECT t.fails('workflow_runs ALTER step_results DROP DEFAULT, ALTER step_results TYPE json');
SELECT t.fails('workflow_runs ALTER failed_attempts TYPE text');
SELECT t.fails('workflow_runs ALTER current_step TYPE bigint');
SELECT t.fails('workflow_runs ALTER priority TYPE int');
SELECT t.fails('workflow_runs ALTER attempt_at TYPE timestamp');
SELECT t.fails('workflow_runs RENAME depth TO deep');
SELECT t.fails('workflow_runs DROP owner');
SELECT t.fails('workflow_runs DROP previous_results');
SELECT t.fails('workflow_runs ALTER step_results DROP NOT NULL');
SELECT t.fails('workflow_definitions ALTER version DROP NOT NULL');
SELECT t.fails('workflow_definitions ALTER trigger_type TYPE varchar(20)');
SELECT t.fails('workflow_definitions RENAME is_active TO active');
-- These columns no fire reads: it goes on.
SELECT t.fails('workflow_templates DROP html CASCADE');
SELECT t.fails('workflow_connections ALTER config TYPE text');
-- What is right is right again.
SELECT count(*) FROM wf_fire(t.tenant('altered'), 'altered');
SELECT t.wait_all('altered');

--
-- Workers stop, say why, and go on when it is mended
--
CREATE FUNCTION t.wait_error(pattern text) RETURNS bool LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. 3000 LOOP
		IF EXISTS (SELECT FROM wf_workers()
			WHERE database = current_database() AND last_error LIKE pattern) THEN
			RETURN true;
		END IF;
		PERFORM pg_sleep(0.01);
	END LOOP;
	RETURN false;
END $$;
SELECT wf_pause(t.tenant('altered'));
SELECT count(*) FROM wf_fire(t.tenant('altered'), 'altered', '{"n": 1}');
ALTER TABLE workflow_runs ALTER step_results DROP DEFAULT, ALTER step_results TYPE json;
-- Other doors.
SELECT (t.error(format('SELECT count(*) FROM wf_trace(%L)', :'run'))).code;
SELECT (t.error('SELECT count(*) FROM wf_history()')).code;
SELECT (t.error(format('SELECT wf_retry(%L)', :'run'))).code;
SELECT (t.error(format('SELECT wf_cancel(%L)', :'run'))).code;
SELECT (t.error('SELECT wf_retry_runs(t.tenant(''altered''))')).code;
SELECT (t.error(format('INSERT INTO workflow_runs (definition_id, trigger_payload, step_results)
	SELECT id, ''{}'', ''[]'' FROM workflow_definitions LIMIT 1'))).code;
SELECT wf_resume(t.tenant('altered'));
SELECT t.wait_error('column "step_results" of table "workflow_runs" is of type json, but the engine needs jsonb');
SELECT status FROM workflow_runs WHERE tenant_id = t.tenant('altered') AND trigger_payload = '{"n": 1}';
ALTER TABLE workflow_runs ALTER step_results TYPE jsonb, ALTER step_results SET DEFAULT '[]';
SELECT t.wait_all('altered');
SELECT status, step_results->0->'output' AS output FROM workflow_runs
WHERE tenant_id = t.tenant('altered');
-- A table that only steps read.
ALTER TABLE workflow_pauses RENAME paused_at TO since;
SELECT count(*) FROM wf_fire(t.tenant('altered'), 'altered', '{"n": 2}');
SELECT t.wait_error('column "paused_at" of table "workflow_pauses" was dropped or renamed%');
ALTER TABLE workflow_pauses RENAME since TO paused_at;
SELECT t.wait_all('altered');
SELECT status FROM workflow_runs WHERE tenant_id = t.tenant('altered') AND trigger_payload = '{"n": 2}';
DELETE FROM workflow_runs WHERE tenant_id = t.tenant('altered');
DELETE FROM workflow_definitions WHERE tenant_id = t.tenant('altered');
DROP FUNCTION t.fails(text), t.wait_error(text);
