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

-- OAuth 2.
\set client '{"client_id": "a", "client_secret": "b"}'
SELECT try_connection(jsonb_build_object('oauth2', o), :'client')
  FROM (VALUES
	('{"token_url": "https://login.example.com/token"}'::jsonb),
	('{"token_url": "https://login.example.com/t?x=1", "scope": "a b", "audience": "https://c", "auth": "body"}'),
	('{"token_url": "http://login/t", "auth": "basic"}'),
	('{}'),
	('7'),
	('{"token_url": "login.example.com"}'),
	('{"token_url": "smtp://login.example.com"}'),
	('{"token_url": "https://u:p@login.example.com/t"}'),
	('{"token_url": {"file": "x"}}'),
	('{"token_url": "https://l/t", "scope": ["a"]}'),
	('{"token_url": "https://l/t", "scope": ""}'),
	('{"token_url": "https://l/t", "audience": 7}'),
	('{"token_url": "https://l/t", "auth": "none"}'),
	('{"token_url": "https://l/t", "scop": "a"}')) v(o);
\set oauth '{"oauth2": {"token_url": "https://login.example.com/token"}}'
SELECT try_connection(:'oauth', '{}');
SELECT try_connection(:'oauth', '{"client_id": "a"}');
SELECT try_connection(:'oauth', '{"client_id": {"file": "id"}, "client_secret": {"file": "secret"}}');
SELECT try_connection(:'oauth', '{"client_id": "a", "client_secret": 7}');
SELECT try_connection('{}', :'client');
SELECT try_connection(:'oauth', :'client'::jsonb || '{"bearer_token": "x"}');
SELECT try_connection(:'oauth', :'client'::jsonb || '{"basic": {"username": "x", "password": "y"}}');
SELECT try_connection(:'oauth', :'client'::jsonb || '{"headers": {"authorization": "x"}}');
SELECT try_connection(:'oauth'::jsonb || '{"headers": {"Authorization": "x"}}', :'client');
SELECT try_connection(:'oauth'::jsonb || '{"signature": {"header": "Authorization"}}', :'client'::jsonb || '{"signing_secret": "x"}');
SELECT try_connection(:'oauth', :'client'::jsonb || '{"headers": {"X-Key": "x"}, "signing_secret": "aHVzaA=="}');

DROP FUNCTION try_connection(jsonb, jsonb);
