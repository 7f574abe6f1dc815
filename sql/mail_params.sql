--
-- What send_email takes: texts, headers, attachments, as far as a definition
-- has them literally; and what a preview shows of them.
--
\pset format unaligned
CREATE FUNCTION t.mail_problems(params jsonb) RETURNS TABLE (path text, severity text, code text, message text, hint text)
LANGUAGE sql AS $$
	SELECT regexp_replace(path, '^steps\[0\]\.', ''), severity, code, message, hint
	FROM wf_validate(jsonb_build_object('name', 'w', 'trigger_type', 'w', 'steps', jsonb_build_array(
		jsonb_build_object('name', 's', 'action', 'send_email',
			'params', '{"to": "a@example.com", "subject": "s"}'::jsonb || params))))
$$;

-- Text and HTML may stand together; a mail template stands alone.
SELECT params, p.* FROM unnest(ARRAY['{"body": "b", "html": "h"}', '{"html": "h"}', '{"template": "t"}', '{"template": "t", "html": "h"}',
	'{"template": "t", "body": null}', '{}']::jsonb[]) params LEFT JOIN LATERAL t.mail_problems(params) p ON true;

-- Headers: their names are never templates.
SELECT header, p.code, p.message, p.hint
FROM unnest(ARRAY['From', 'TO', 'cc', 'Bcc', 'Sender', 'Reply-To', 'Subject', 'Date', 'Message-ID', 'MIME-Version', 'Content-Type',
	'content-disposition', 'DKIM-Signature', 'Received', 'Return-Path', 'Resent-To', 'ARC-Seal', 'Idempotency-Key', 'Auto-Submitted',
	'Apparently-To', 'X A', 'X-A:', E'X-A\nBcc', 'X-é', '',
	'List-Unsubscribe', 'In-Reply-To', 'References', 'Precedence', 'X-A', 'Contents', 'Dates', 'X/(a)']) header
LEFT JOIN LATERAL t.mail_problems(jsonb_build_object('body', 'b', 'headers', jsonb_build_object(header, 'v'))) p ON true;
SELECT n, count(p.*) FROM unnest(ARRAY[200, 201]) n
LEFT JOIN LATERAL t.mail_problems(jsonb_build_object('body', 'b', 'headers', jsonb_build_object(repeat('x', n), 'v'))) p ON true GROUP BY n ORDER BY n;
SELECT p.* FROM t.mail_problems('{"body": "b", "headers": {"X-A": "one\r\ntwo", "x-a": 1, "X-B": ["x"], "X-C": null, "X-D": true, "X-E": "{{ trigger.x }}\n"}}') p;
SELECT p.* FROM t.mail_problems('{"body": "b", "headers": {"X-F": "{{ nope }}"}}') p;
SELECT p.* FROM t.mail_problems('{"body": "b", "headers": "{{ trigger.headers }}"}') p;
SELECT p.* FROM t.mail_problems('{"body": "b", "headers": ["X-A"]}') p;

-- Attachments.
SELECT attachment, p.path, p.code, p.message, p.hint
FROM unnest(ARRAY['{"filename": "a.txt", "text": "x"}', '{"filename": "{{ trigger.name }}", "base64": "{{ trigger.data }}", "content_type": "{{ trigger.type }}"}',
	'"{{ trigger.file }}"', '"file"', '{"filename": "a"}', '{"text": "x"}', '{"filename": null, "text": null}', '{"filename": "a", "text": "x", "base64": "eA=="}',
	'{"filename": "a", "text": "{{ trigger.x }}", "base64": "{{ trigger.y }}"}', '{"filename": "a", "txt": "x"}', '{"filename": ["a"], "text": {}}',
	'{"filename": "a/b", "text": ""}', '{"filename": "a\\b", "text": ""}', '{"filename": "..", "text": ""}', '{"filename": "a\r\nb", "text": ""}',
	'{"filename": " ", "text": ""}', '{"filename": "a\u202eb", "text": ""}', '{"filename": "فاتورة.pdf", "base64": "eA=="}',
	'{"filename": "a", "base64": "eA="}', '{"filename": "a", "base64": "e A\n=="}', '{"filename": "a", "base64": "e-A_"}', '{"filename": "a", "base64": 5}']::jsonb[]) attachment
LEFT JOIN LATERAL t.mail_problems(jsonb_build_object('body', 'b', 'attachments', jsonb_build_array(attachment))) p ON true;
SELECT type, p.message
FROM unnest(ARRAY['application/pdf', 'text/csv; charset=utf-8; header=present', 'text/calendar;method="REQUEST"', 'a/b;c="d;\"e"', 'image/svg+xml',
	'pdf', 'text/', '/csv', 'text/csv;', 'text/csv; a', 'text/csv; a=', 'text/csv; a="b', 'text /csv', E'text/csv\r\nX: y', 'text/csv; a="b' || E'\n' || '"',
	'text/é', 'text/csv, text/html', 'multipart/mixed', 'message/rfc822', 'MESSAGE/x', 'messages/x']) type
LEFT JOIN LATERAL t.mail_problems(jsonb_build_object('body', 'b', 'attachments', jsonb_build_array(
	jsonb_build_object('filename', 'a', 'text', 'x', 'content_type', type)))) p ON true;
SELECT n, count(p.*) FROM unnest(ARRAY[200, 201]) n
LEFT JOIN LATERAL t.mail_problems(jsonb_build_object('body', 'b', 'attachments', jsonb_build_array(
	jsonb_build_object('filename', 'a', 'text', 'x', 'content_type', 'a/' || repeat('b', n - 2))))) p ON true GROUP BY n ORDER BY n;
SELECT p.* FROM t.mail_problems('{"body": "b", "attachments": {"filename": "a"}}') p;

-- A preview shows headers as they are sent, and of attachments their size.
SET client_min_messages = warning;
INSERT INTO workflow_connections (tenant_id, name, kind, config, credentials)
VALUES (t.tenant('parts'), 'email', 'smtp', '{"url": "smtp://127.0.0.1:9", "from": "shop@example.com"}', '{"username": "u", "password": "hush-smtp"}');
RESET client_min_messages;
CREATE FUNCTION t.mail_preview(params jsonb, payload jsonb) RETURNS SETOF jsonb LANGUAGE sql AS $$
	SELECT coalesce(p.request #- '{headers,Date}' #- '{headers,Message-ID}' #- '{headers,Idempotency-Key}', to_jsonb(p.error))
	FROM wf_preview(jsonb_build_object('name', 'parts', 'trigger_type', 'parts', 'steps', jsonb_build_array(jsonb_build_object(
		'name', 'go', 'action', 'send_email', 'params', '{"to": "a@example.com", "subject": "s"}'::jsonb || params))),
		payload, t.tenant('parts'), execute => false) p
$$;
SELECT jsonb_pretty(t.mail_preview('{"body": "Hi {{ trigger.x }}", "html": "<p>{{ trigger.x }}</p>",
	"headers": {"List-Unsubscribe": "<https://example.com/?u={{ trigger.id }}>", "X-Name": "é{{ trigger.x }}", "X-Null": "{{ trigger.none }}"},
	"attachments": [{"filename": "a-{{ trigger.id }}.csv", "content_type": "text/csv", "text": "é{{ trigger.x }}"}, {"filename": "b", "base64": "{{ trigger.b }}"}]}',
	'{"id": 7, "x": "<b>", "none": null, "b": "AAEC"}'));
SELECT t.mail_preview('{"body": "x", "headers": "{{ trigger.h }}"}', '{"h": {"Bcc": "victim@example.com"}}');
SELECT t.mail_preview('{"body": "x", "attachments": "{{ trigger.a }}"}', '{"a": [{"filename": "x", "base64": "!"}]}');
SELECT t.mail_preview('{"template": "{{ trigger.t }}"}', '{"t": null}');
-- Many of them.
SELECT t.mail_preview('{"body": "x", "headers": "{{ trigger.h }}"}',
	jsonb_build_object('h', (SELECT jsonb_object_agg('X-' || n, n) FROM generate_series(1, 51) n)));
SELECT t.mail_preview('{"body": "x", "attachments": "{{ trigger.a }}"}',
	jsonb_build_object('a', (SELECT jsonb_agg('{"filename": "x", "text": "x"}'::jsonb) FROM generate_series(1, 101) n)));

-- The rule between parameters is there for every action.
SELECT wf_register_action('excluding', 't.echo(jsonb, jsonb)', '{"a": {}, "b": {}, "c": {}, "$excludes": {"a": ["b", "c"]}}');
SELECT params, p.path, p.code, p.message
FROM unnest(ARRAY['{"a": 1}', '{"b": 1, "c": 1}', '{"a": 1, "c": 1}', '{"a": 1, "c": null}', '{"a": null, "b": 1}']::jsonb[]) params
LEFT JOIN LATERAL wf_validate(jsonb_build_object('name', 'w', 'trigger_type', 'w', 'steps', jsonb_build_array(
	jsonb_build_object('name', 's', 'action', 'excluding', 'params', params)))) p ON true;
SELECT * FROM t.error($$SELECT wf_register_action('x', 't.echo(jsonb, jsonb)', '{"a": {}, "$excludes": [["a"]]}')$$);
SELECT * FROM t.error($$SELECT wf_register_action('x', 't.echo(jsonb, jsonb)', '{"a": {}, "$excludes": {"a": ["b"]}}')$$);

DELETE FROM workflow_actions WHERE name = 'excluding';
DELETE FROM workflow_connections WHERE tenant_id = t.tenant('parts');
DROP FUNCTION t.mail_problems, t.mail_preview;
