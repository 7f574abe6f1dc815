-- Where messages go.  A null tenant_id stands for every tenant; the names
-- are those that the actions look for by default.
--
-- psql variables: whatsapp_url, smtp_url (the demo sets them to receivers on
-- this machine).  In real life a credential would rather be a file below
-- workflow_engine.secrets_dir: {"access_token": {"file": "whatsapp_token"}}
-- (for a row of one tenant, in the directory of its id below that).

INSERT INTO workflow_connections (tenant_id, name, kind, config, credentials)
VALUES
	(NULL, 'whatsapp', 'whatsapp_cloud',
	 jsonb_build_object('base_url', :'whatsapp_url',
						'phone_number_id', '106540352242922',
						'api_version', 'v21.0'),
	 '{"access_token": "not-a-real-token"}'),
	(NULL, 'email', 'smtp',
	 jsonb_build_object('url', :'smtp_url',
						'from', 'Order desk <orders@example.com>',
						'starttls', 'never'),
	 '{}');
