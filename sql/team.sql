--
-- team_notify: blocks and threads of Slack, cards of Teams
--
SET client_min_messages = error;
\pset format unaligned
\pset fieldsep ' | '
INSERT INTO workflow_connections (tenant_id, name, kind, config, credentials) VALUES
	(t.a(), 'team', 'slack', '{}', '{"bot_token": "hush-bot"}'),
	(t.a(), 'hook', 'slack_webhook', '{"url": "https://hooks.example/services/hush-path"}', '{}'),
	(t.a(), 'teams', 'teams_webhook', '{"url": "https://hooks.example/hush-path"}', '{}');
RESET client_min_messages;
CREATE SCHEMA team;
-- The body that a step would send by a connection, or why it would not.
CREATE FUNCTION team.body(connection text, params jsonb, payload jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(error, jsonb_pretty(request->'body'))
	FROM wf_preview(jsonb_build_object('name', 'tell', 'trigger_type', 'tell', 'steps', jsonb_build_array(jsonb_build_object(
			'name', 'tell', 'action', 'team_notify',
			'params', jsonb_build_object('channel', '#ops', 'message', 'Order {{ trigger.name }}', 'connection', connection) || params))),
		'{"name": "A & B", "markup": "<!channel> *x* [a](b)", "n": 7}' || payload, t.a(), execute => false)
$$;
\set blocks '[{"type": "header", "text": {"type": "plain_text", "text": "{{ trigger.name }}"}}, {"type": "section", "text": {"type": "mrkdwn", "text": "<https://x.example|Order> {{ trigger.markup }}"}, "fields": [{"type": "mrkdwn", "text": "{{ trigger.name }}"}], "accessory": {"type": "button", "action_id": "open", "value": "{{ trigger.name }}", "url": "https://x.example/orders?q={{ trigger.name }}", "text": {"type": "plain_text", "text": "Open {{ trigger.n }}"}}}, {"type": "image", "image_url": "https://x.example/{{ trigger.name }}.png", "alt_text": "{{ trigger.name }}"}, {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "{{ trigger.name }}"}, {"type": "link", "url": "https://x.example", "text": "{{ trigger.name }}"}]}]}, {"type": "markdown", "text": "**x** {{ trigger.markup }}"}]'
\set card '{"type": "AdaptiveCard", "version": "1.5", "body": [{"type": "TextBlock", "text": "**Order** {{ trigger.markup }}"}, {"type": "FactSet", "facts": [{"title": "{{ trigger.markup }}", "value": "{{ trigger.markup }}"}]}, {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": "{{ trigger.markup }}"}]}, {"type": "Input.ChoiceSet", "id": "c", "choices": [{"title": "{{ trigger.markup }}", "value": "{{ trigger.markup }}"}]}], "actions": [{"type": "Action.OpenUrl", "title": "{{ trigger.markup }}", "url": "https://x.example/{{ trigger.markup }}", "iconUrl": "{{ trigger.link }}"}]}'

-- Values are escaped as their member needs it; what the author wrote is not.
SELECT team.body('team', jsonb_build_object('blocks', :'blocks'::jsonb, 'thread_ts', '1700000000.000100'));
SELECT team.body('hook', '{"blocks": [{"type": "divider"}], "thread_ts": "{{ trigger.ts }}"}', '{"ts": "1700000000.000200"}');
SELECT team.body('teams', jsonb_build_object('card', :'card'::jsonb), '{"link": "https://x.example/a?b=c&d"}');
SELECT team.body('teams', '{"card": {"type": "AdaptiveCard", "version": "1.4", "fallbackText": "own"}}');
-- Blocks and cards that come in whole stand as they are.
SELECT team.body('team', '{"blocks": "{{ trigger.blocks }}"}', '{"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "<https://x|a> & b"}}]}');
SELECT team.body('teams', '{"card": "{{ trigger.card }}"}', '{"card": {"type": "AdaptiveCard", "version": "1.0", "body": [{"type": "TextBlock", "text": "[a](b)"}]}}');
-- What is null is not there, and neither are no blocks.
SELECT team.body('team', '{"blocks": "{{ trigger.none }}", "thread_ts": "{{ trigger.none }}", "card": null}', '{"none": null}');
SELECT team.body('team', '{"blocks": []}');
SELECT team.body('teams', '{"card": "{{ trigger.none }}", "blocks": null}', '{"none": null}');

-- What the provider would refuse, or not show
\set text '{"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "{{ trigger.t }}"}}]}'
SELECT length(team.body('team', :'text', jsonb_build_object('t', repeat('é', 3000)))) > 3000 AS fits;
SELECT team.body('team', :'text', jsonb_build_object('t', repeat('é', 3001)));
SELECT team.body('team', :'text', jsonb_build_object('t', repeat('&', 601)));
SELECT team.body('team', :'text', '{"t": ""}');
SELECT team.body('team', '{"blocks": [{"type": "divider"}, {"type": "section", "text": {"type": "plain_text", "text": "{{ trigger.t }}"}}]}', '{"t": {"a": 1}}');
SELECT team.body('team', '{"blocks": [{"type": "header", "text": {"type": "plain_text", "text": "{{ trigger.t }}"}}]}', jsonb_build_object('t', repeat('x', 151)));
SELECT team.body('team', '{"blocks": [{"type": "section", "fields": [{"type": "mrkdwn", "text": "{{ trigger.t }}"}]}]}', jsonb_build_object('t', repeat('x', 2001)));
SELECT team.body('team', '{"blocks": "{{ trigger.b }}"}', (SELECT jsonb_build_object('b', jsonb_agg('{"type": "divider"}'::jsonb)) FROM generate_series(1, 51)));
SELECT team.body('team', '{"blocks": "{{ trigger.b }}"}', '{"b": {"type": "divider"}}');
SELECT team.body('team', '{"blocks": "{{ trigger.b }}"}', '{"b": [{"text": "x"}]}');
SELECT team.body('team', '{"blocks": "{{ trigger.b }}"}', '{"b": ["x"]}');
SELECT ts, team.body('team', '{"thread_ts": "{{ trigger.ts }}"}', jsonb_build_object('ts', ts)) FROM unnest(ARRAY['', 'x', '1700000000', '1700000000.', '.5', '1700000000.000100 ', 'p1700000000000100']) AS ts;
SELECT team.body('team', '{"thread_ts": "{{ trigger.ts }}"}', '{"ts": 1700000000.000100}') LIKE '%"thread_ts": "1700000000.000100"%' AS number;
SELECT team.body('team', '{"message": " ", "blocks": [{"type": "divider"}]}');
SELECT team.body('teams', '{"card": "{{ trigger.card }}"}', '{"card": [1]}');
SELECT team.body('teams', '{"card": "{{ trigger.card }}"}', '{"card": {"type": "adaptivecard", "version": "1.4"}}');
SELECT team.body('teams', '{"card": "{{ trigger.card }}"}', '{"card": {"type": "AdaptiveCard", "version": 1.4}}');
SELECT team.body('teams', '{"card": {"type": "AdaptiveCard", "version": "{{ trigger.v }}"}}', '{"v": "latest"}');
SELECT team.body('teams', '{"card": {"type": "AdaptiveCard", "version": "1.4", "body": [{"type": "TextBlock", "text": "{{ trigger.t }}"}]}}', jsonb_build_object('t', repeat('x', 30000)));

-- A parameter that the kind of the connection does not take
SELECT team.body('teams', '{"blocks": [{"type": "divider"}]}');
SELECT team.body('teams', '{"thread_ts": "1700000000.000100"}');
SELECT team.body('team', '{"card": {"type": "AdaptiveCard", "version": "1.4"}}');
SELECT team.body('hook', '{"card": {"type": "AdaptiveCard", "version": "1.4"}}');

-- It is said when the definition is written, if the connection is known.
CREATE FUNCTION team.check(params jsonb, tenant uuid DEFAULT t.a()) RETURNS TABLE (severity text, path text, message text, hint text) LANGUAGE sql AS $$
	SELECT severity, path, message, hint FROM wf_validate(jsonb_build_object('name', 'tell', 'trigger_type', 'tell', 'steps',
		(SELECT jsonb_agg(jsonb_build_object('name', 's' || n, 'action', 'team_notify', 'params', '{"channel": "a", "message": "m"}' || p) ORDER BY n)
		 FROM jsonb_array_elements(params) WITH ORDINALITY AS e (p, n))), tenant);
$$;
\set kinds '[{"card": {"type": "AdaptiveCard", "version": "1.4"}}, {"connection": "hook", "card": "{{ trigger.card }}"}, {"connection": "teams", "blocks": [{"type": "divider"}], "thread_ts": "{{ trigger.ts }}"}, {"connection": "{{ trigger.c }}", "blocks": [{"type": "divider"}]}, {"connection": "teams", "card": {"type": "AdaptiveCard", "version": "{{ trigger.v }}"}, "blocks": null}, {"blocks": ["{{ trigger.block }}"]}]'
SELECT * FROM team.check(:'kinds');
SELECT * FROM team.check(:'kinds', NULL);
SELECT * FROM team.check('[{"blocks": ["x"]}, {"blocks": [{"text": "x"}, {"type": 5}]}, {"blocks": {"type": "divider"}}, {"connection": "teams", "card": {"version": "1.4"}}, {"connection": "teams", "card": {"type": "Card", "version": "1.4"}}, {"connection": "teams", "card": {"type": "AdaptiveCard"}}, {"connection": "teams", "card": {"type": "AdaptiveCard", "version": "one"}}, {"connection": "teams", "card": {"type": "AdaptiveCard", "version": 1.4}}]');
SELECT * FROM team.check((SELECT jsonb_build_array(jsonb_build_object('blocks', jsonb_agg('{"type": "divider"}'::jsonb))) FROM generate_series(1, 51)));

SELECT t.clean();
DROP SCHEMA team CASCADE;
