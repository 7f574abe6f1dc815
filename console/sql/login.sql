-- What a sign-in needs to know: the schema, quoted; the version; whether the
-- role may look.  No row: the extension is not there.  No capability is needed.
SELECT quote_ident(n.nspname) AS schema, e.extversion AS version,
	has_schema_privilege(n.oid, 'USAGE') AND EXISTS (SELECT FROM pg_proc p
		WHERE p.pronamespace = n.oid AND p.proname = 'wf_runs'
		AND has_function_privilege(p.oid, 'EXECUTE')) AS may_view
FROM pg_extension e
JOIN pg_namespace n ON n.oid = e.extnamespace
WHERE e.extname = 'workflow_engine';
