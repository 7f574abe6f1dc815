-- What a connection of kind http may hold.
\set VERBOSITY default

CREATE FUNCTION try_connection(config jsonb, credentials jsonb) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	said text;
BEGIN
	INSERT INTO workflow_connections (name, kind, config, credentials)
	VALUES ('try', 'http', '{"base_url": "https://api.example.com"}' || config,
			credentials);
	RAISE EXCEPTION 'undo' USING ERRCODE = 'YY000';
EXCEPTION
	WHEN SQLSTATE 'YY000' THEN
		RETURN 'ok';
	WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS said = PG_EXCEPTION_DETAIL;
		RETURN SQLSTATE || ' ' || said;
END $$;
\pset format unaligned
\pset tuples_only on

-- Without a scheme the secret is a key of Standard Webhooks.
SELECT try_connection('{}', '{"signing_secret": "whsec_aHVzaA=="}');
SELECT try_connection('{}', '{"signing_secret": "not base64!"}');
SELECT try_connection('{}', '{"signing_secret": {"file": "key"}}');
SELECT try_connection('{}', '{"signing_secret": 7}');

-- With one it is any text.
SELECT try_connection(jsonb_build_object('signature', s), '{"signing_secret": "not base64!"}')
  FROM (VALUES
	('{"header": "X-Hub-Signature-256", "prefix": "sha256="}'::jsonb),
	('{"header": "X-S", "prefix": "", "encoding": "base64", "algorithm": "sha512"}'),
	('{"header": "X-S", "encoding": "hex", "algorithm": "sha1"}'),
	('{"header": "Authorization", "prefix": "HMAC "}'),
	('{}'),
	('[]'),
	('"X-S"'),
	('null'),
	('{"header": ""}'),
	('{"header": "X S"}'),
	('{"header": "Content-Length"}'),
	('{"header": "content-type"}'),
	('{"header": "Idempotency-Key"}'),
	('{"header": 7}'),
	('{"header": "X-S", "prefix": "a\nb"}'),
	('{"header": "X-S", "prefix": "é"}'),
	('{"header": "X-S", "prefix": 1}'),
	('{"header": "X-S", "encoding": "base32"}'),
	('{"header": "X-S", "algorithm": "md5"}'),
	('{"header": "X-S", "algoritm": "sha1", "x": 1}')) v(s);
SELECT try_connection('{"signature": {"header": "X-S"}}', '{}');
SELECT try_connection('{"signature": {"header": "X-S"}, "headers": {"x-s": "1"}}', '{"signing_secret": "x"}');
SELECT try_connection('{"signature": {"header": "X-S"}}', '{"signing_secret": "x", "headers": {"x-S": "1"}}');
SELECT try_connection('{"signature": {"header": "X-S"}, "idempotency_header": "X-s"}', '{"signing_secret": "x"}');
SELECT try_connection('{"signature": {"header": "authorization"}}', '{"signing_secret": "x", "bearer_token": "y"}');
SELECT try_connection('{"signatur": {"header": "X-S"}}', '{"signing_secret": "aHVzaA=="}');

DROP FUNCTION try_connection(jsonb, jsonb);
