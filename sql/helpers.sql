--
-- More of what suites share: workflows by name, of two tenants, under roles.
--
GRANT USAGE ON SCHEMA t TO PUBLIC;

-- The tenants of most tests.
CREATE FUNCTION t.a() RETURNS uuid IMMUTABLE
RETURN '00000000-0000-4000-8000-00000000000a'::uuid;
CREATE FUNCTION t.b() RETURNS uuid IMMUTABLE
RETURN '00000000-0000-4000-8000-00000000000b'::uuid;

-- Defines a workflow of tenant A with these steps (a single step may leave
-- its name and the array out) and fires it: its trigger type is its name.
CREATE FUNCTION t.go(workflow text, steps jsonb, payload jsonb DEFAULT '{}',
	run_as text DEFAULT current_user)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	IF jsonb_typeof(steps) = 'object' THEN
		steps := jsonb_build_array('{"name": "step"}' || steps);
	END IF;
	INSERT INTO workflow_definitions (tenant_id, definition, run_as)
	VALUES (t.a(), jsonb_build_object('name', workflow,
			'trigger_type', workflow, 'steps', steps), run_as::regrole)
	ON CONFLICT (tenant_id, name) DO UPDATE
	SET definition = excluded.definition, run_as = excluded.run_as;
	PERFORM wf_fire(t.a(), workflow, payload);
END $$;

-- Waits until no run of a workflow is under way, or of any; 30 s at most.
CREATE FUNCTION t.wait(workflow text DEFAULT NULL)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	give_up timestamptz := clock_timestamp() + '30 s';
BEGIN
	WHILE EXISTS (SELECT FROM workflow_runs r
			JOIN workflow_definitions d ON d.id = r.definition_id
			WHERE r.status IN ('queued', 'running', 'waiting')
			AND r.run_at <= clock_timestamp()
			AND d.name = coalesce(workflow, d.name)) LOOP
		IF clock_timestamp() > give_up THEN
			RAISE WARNING 'runs do not end';
			EXIT;
		END IF;
		PERFORM pg_sleep(0.01);
	END LOOP;
END $$;

-- Waits for the newest run of a workflow and shows its steps: the error of a
-- failed one, the output of another.
CREATE FUNCTION t.result(workflow text)
RETURNS TABLE (step text, status text, result text) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM t.wait(workflow);
	RETURN QUERY
		SELECT s.step_name, s.status, coalesce(s.error, s.output::text)
		FROM (SELECT run_id FROM wf_history(workflow => $1, max_rows => 1)) h,
			wf_trace(h.run_id) s;
END $$;

-- Away with what a suite made.
CREATE FUNCTION t.clean() RETURNS void LANGUAGE sql AS $$
	DELETE FROM workflow_runs WHERE tenant_id IN (t.a(), t.b());
	DELETE FROM workflow_definitions WHERE tenant_id IN (t.a(), t.b());
	DELETE FROM workflow_connections WHERE coalesce(tenant_id, t.a()) IN (t.a(), t.b());
	DELETE FROM workflow_templates WHERE coalesce(tenant_id, t.a()) IN (t.a(), t.b());
	DELETE FROM workflow_actions
	WHERE kind = 'function' AND handler NOT LIKE 't.%';
$$;
