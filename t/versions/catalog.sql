--
-- What the catalog says of the extension, in a form that two installations can
-- be compared by: no oids, sorted, one fact a line.  For sql/upgrade.sql and
-- t/093_upgrade.pl; \i it into a database of the test's own.
--
-- extension_facts()		the facts
-- extension_differences()	what an upgrade leaves out, and what it has instead
-- of_installation()		the facts of a version, installed at once
-- of_update()				the facts of an update
--
CREATE SCHEMA facts;

-- Every object that belongs to the extension, and the parts of its tables.
CREATE VIEW facts.objects AS
WITH member AS (
	SELECT d.classid, d.objid, 0 AS objsubid FROM pg_depend d
	JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass
		AND d.refobjid = e.oid AND d.deptype = 'e'
	WHERE e.extname = 'workflow_engine'
), relation AS (
	SELECT objid FROM member WHERE classid = 'pg_class'::regclass
)
SELECT *, true AS is_member FROM member
UNION ALL
SELECT 'pg_class'::regclass, attrelid, attnum, false
FROM pg_attribute JOIN relation ON attrelid = objid
WHERE attnum > 0 AND NOT attisdropped
UNION ALL
SELECT 'pg_attrdef'::regclass, d.oid, 0, false
FROM pg_attrdef d JOIN relation ON adrelid = objid
UNION ALL
SELECT 'pg_constraint'::regclass, c.oid, 0, false
FROM pg_constraint c JOIN relation ON conrelid = objid
UNION ALL
SELECT 'pg_class'::regclass, indexrelid, 0, false
FROM pg_index JOIN relation ON indrelid = objid
UNION ALL
SELECT 'pg_trigger'::regclass, t.oid, 0, false
FROM pg_trigger t JOIN relation ON tgrelid = objid WHERE NOT tgisinternal
UNION ALL
SELECT 'pg_policy'::regclass, p.oid, 0, false
FROM pg_policy p JOIN relation ON polrelid = objid
UNION ALL
SELECT 'pg_rewrite'::regclass, r.oid, 0, false
FROM pg_rewrite r JOIN relation ON ev_class = objid
UNION ALL
SELECT 'pg_extension'::regclass, oid, 0, false
FROM pg_extension WHERE extname = 'workflow_engine';

-- A catalog row as json, but for what differs from one installation to the
-- next: oids, and the texts of parsed trees, whose readable form is told apart.
CREATE FUNCTION facts.plain(catalog_row jsonb) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_object_agg(key, value) FROM jsonb_each(catalog_row)
	WHERE key NOT IN ('oid', 'extversion') AND key !~ '(relfilenode|xmin|frozenxid)$'
		AND key NOT IN ('relpages', 'reltuples', 'relallvisible', 'relallfrozen',
			'relminmxid', 'relhasindex', 'relhasrules', 'relhastriggers', 'reltoastrelid',
			'reltype', 'relnatts', 'relowner', 'relnamespace', 'relacl', 'proacl',
			'pronamespace', 'proowner', 'prosqlbody', 'proargdefaults',
			'prorettype', 'proargtypes', 'proallargtypes', 'typacl', 'typowner',
			'typnamespace', 'typrelid', 'typarray', 'typelem', 'typinput', 'typoutput',
			'typreceive', 'typsend', 'attrelid', 'attnum', 'attacl', 'atttypid',
			'attmissingval', 'atthasmissing', 'attcacheoff', 'tgrelid', 'tgfoid', 'tgqual',
			'tgconstraint', 'tgconstrrelid', 'tgconstrindid', 'tgattr', 'polrelid',
			'polqual', 'polwithcheck', 'conrelid', 'confrelid', 'conindid',
			'connamespace', 'contypid', 'conbin', 'conkey', 'confkey', 'conpfeqop',
			'conppeqop', 'conffeqop', 'conexclop', 'adrelid', 'adnum', 'adbin',
			'castsource', 'casttarget', 'castfunc', 'ev_class', 'ev_action', 'ev_qual',
			'evtowner', 'evtfoid', 'extowner', 'extnamespace', 'extconfig',
			'extcondition', 'relrewrite')
$$;

CREATE FUNCTION facts.of_class(class regclass, id oid, sub int) RETURNS jsonb
LANGUAGE sql AS $$
	SELECT CASE class
		WHEN 'pg_class'::regclass THEN CASE WHEN sub > 0
			THEN (SELECT facts.plain(to_jsonb(a)) || jsonb_build_object(
					-- some servers count the versions of a column here
					'attoptions', array_remove(attoptions, (SELECT o FROM unnest(attoptions) o
						WHERE o LIKE 'pg_attver=%')),
					'type', format_type(atttypid, atttypmod),
					'place', (SELECT count(*) FROM pg_attribute b
						WHERE b.attrelid = id AND b.attnum BETWEEN 1 AND sub
						AND NOT b.attisdropped))
				FROM pg_attribute a WHERE attrelid = id AND attnum = sub)
			ELSE (SELECT facts.plain(to_jsonb(c)) || jsonb_build_object(
					'index', CASE WHEN relkind = 'i' THEN pg_get_indexdef(id) END,
					'view', CASE WHEN relkind = 'v' THEN pg_get_viewdef(id) END,
					'valid', (SELECT indisvalid AND indisready FROM pg_index
						WHERE indexrelid = id),
					'am', (SELECT amname FROM pg_am a WHERE a.oid = relam))
					- 'relam'
				FROM pg_class c WHERE oid = id) END
		WHEN 'pg_attrdef'::regclass THEN (SELECT jsonb_build_object('is', pg_get_expr(adbin, adrelid))
			FROM pg_attrdef WHERE oid = id)
		WHEN 'pg_constraint'::regclass THEN (SELECT facts.plain(to_jsonb(c)) ||
				jsonb_build_object('is', pg_get_constraintdef(id))
			FROM pg_constraint c WHERE oid = id)
		WHEN 'pg_trigger'::regclass THEN (SELECT facts.plain(to_jsonb(t)) ||
				jsonb_build_object('is', pg_get_triggerdef(id))
			FROM pg_trigger t WHERE oid = id)
		WHEN 'pg_policy'::regclass THEN (SELECT facts.plain(to_jsonb(p)) ||
				jsonb_build_object('using', pg_get_expr(polqual, polrelid),
					'check', pg_get_expr(polwithcheck, polrelid))
			FROM pg_policy p WHERE oid = id)
		WHEN 'pg_proc'::regclass THEN (SELECT facts.plain(to_jsonb(p)) ||
				jsonb_build_object('is', pg_get_functiondef(id))
			FROM pg_proc p WHERE oid = id)
		WHEN 'pg_type'::regclass THEN (SELECT facts.plain(to_jsonb(t)) ||
				jsonb_build_object('input', typinput::regproc, 'output', typoutput::regproc,
					'receive', typreceive::regproc, 'send', typsend::regproc)
			FROM pg_type t WHERE oid = id)
		WHEN 'pg_cast'::regclass THEN (SELECT facts.plain(to_jsonb(c))
			FROM pg_cast c WHERE oid = id)
		WHEN 'pg_event_trigger'::regclass THEN (SELECT facts.plain(to_jsonb(t)) ||
				jsonb_build_object('calls', evtfoid::regproc)
			FROM pg_event_trigger t WHERE oid = id)
		WHEN 'pg_rewrite'::regclass THEN (SELECT facts.plain(to_jsonb(r))
			FROM pg_rewrite r WHERE oid = id)
		WHEN 'pg_extension'::regclass THEN (SELECT facts.plain(to_jsonb(e))
			FROM pg_extension e WHERE oid = id)
	END
$$;

-- The privileges on an object; without any of its own: those by default.
CREATE FUNCTION facts.privileges(class regclass, id oid, sub int) RETURNS SETOF text
LANGUAGE sql AS $$
	SELECT format('%s: %s%s', a.grantee::regrole, privilege_type,
		CASE WHEN is_grantable THEN ' with grant option' END)
	FROM (SELECT coalesce(relacl, acldefault('r', relowner)) FROM pg_class
			WHERE class = 'pg_class'::regclass AND sub = 0 AND oid = id AND relkind <> 'i'
		UNION ALL SELECT attacl FROM pg_attribute
			WHERE class = 'pg_class'::regclass AND sub > 0 AND attrelid = id AND attnum = sub
		UNION ALL SELECT coalesce(proacl, acldefault('f', proowner)) FROM pg_proc
			WHERE class = 'pg_proc'::regclass AND oid = id
		UNION ALL SELECT coalesce(typacl, acldefault('T', typowner)) FROM pg_type
			WHERE class = 'pg_type'::regclass AND oid = id) AS o (acl),
	aclexplode(acl) AS a
$$;

CREATE FUNCTION facts.extension_facts() RETURNS text[] LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	result text[];
	tab regclass;
	line text;
BEGIN
	-- with an empty path every name is qualified
	SELECT array_agg(DISTINCT what || ': ' || fact) INTO result
	FROM (SELECT o.*, i.type || ' ' || i.identity AS what
		FROM facts.objects o, pg_identify_object(classid, objid, objsubid) i) o
	CROSS JOIN LATERAL (
		SELECT CASE WHEN is_member THEN 'belongs to the extension' ELSE 'is there' END
		UNION ALL
		SELECT format('%s %s', key, value)
		FROM jsonb_each(facts.of_class(classid, objid, objsubid))
		UNION ALL
		SELECT 'comment ' || quote_literal(description) FROM pg_description d
		WHERE d.classoid = classid AND d.objoid = objid AND d.objsubid = o.objsubid
		UNION ALL
		SELECT 'privilege ' || facts.privileges(classid, objid, objsubid)
		UNION ALL
		SELECT 'privilege of the extension ' || a.grantee::regrole || ': ' || a.privilege_type
		FROM pg_init_privs p, aclexplode(p.initprivs) a WHERE p.classoid = classid
			AND p.objoid = objid AND p.objsubid = o.objsubid
		UNION ALL
		SELECT 'is dumped ' || quote_literal(c.condition)
		FROM pg_extension e, unnest(e.extconfig, e.extcondition) AS c (rel, condition)
		WHERE classid = 'pg_class'::regclass AND c.rel = objid AND o.objsubid = 0
		UNION ALL
		SELECT 'needs ' || pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid)
			|| ' (' || d.deptype::text || ')'
		FROM pg_depend d WHERE d.classid = o.classid AND d.objid = o.objid
			AND d.objsubid = o.objsubid AND d.deptype IN ('n', 'a', 'x', 'i')
			AND d.refclassid <> 'pg_namespace'::regclass
	) AS f (fact);
	FOR tab IN SELECT objid::regclass FROM facts.objects o JOIN pg_class c ON c.oid = objid
		WHERE o.is_member AND classid = 'pg_class'::regclass AND relkind = 'r'
			AND relname <> 'workflow_identity'
	LOOP
		FOR line IN EXECUTE format('SELECT to_jsonb(t) FROM %s t', tab) LOOP
			result := result || format('table %s: has %s', tab, line);
		END LOOP;
	END LOOP;
	RETURN result;
END $$;

CREATE FUNCTION facts.extension_differences(wanted text[], found text[])
RETURNS TABLE (difference text) LANGUAGE sql AS $$
	(SELECT 'missing: ' || unnest(wanted) EXCEPT SELECT 'missing: ' || unnest(found))
	UNION ALL
	(SELECT 'instead: ' || unnest(found) EXCEPT SELECT 'instead: ' || unnest(wanted))
	ORDER BY 1 DESC
$$;

-- The facts of a fresh installation, and of an update from one version to
-- another.  The extension is not there before and afterwards.
CREATE FUNCTION facts.of_installation(version text) RETURNS text[]
LANGUAGE plpgsql AS $$
DECLARE
	found text[];
BEGIN
	EXECUTE format('CREATE EXTENSION workflow_engine SCHEMA public VERSION %I', version);
	found := facts.extension_facts();
	DROP EXTENSION workflow_engine;
	RETURN found;
END $$;

CREATE FUNCTION facts.of_update(source text, target text) RETURNS text[]
LANGUAGE plpgsql AS $$
DECLARE
	found text[];
BEGIN
	EXECUTE format('CREATE EXTENSION workflow_engine SCHEMA public VERSION %I', source);
	EXECUTE format('ALTER EXTENSION workflow_engine UPDATE TO %I', target);
	found := facts.extension_facts();
	DROP EXTENSION workflow_engine;
	RETURN found;
END $$;
