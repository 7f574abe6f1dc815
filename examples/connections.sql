-- 2 of 4: where messages go.  A null tenant_id stands for every tenant; the
-- names are those that the actions look for if a step names no connection.
--
-- Put in your own addresses and your WhatsApp token, or set the psql variables
-- whatsapp_url and smtp_url (make demo sets them to receivers on this machine).
-- Keep a real token in a file below workflow_engine.secrets_dir, and write
-- {"access_token": {"file": "whatsapp_token"}} (in a row of one tenant the file
-- is in the directory of the tenant's id below that).

\if :{?whatsapp_url}
\else
\set whatsapp_url 'https://graph.facebook.com'
\endif
\if :{?smtp_url}
\else
\set smtp_url 'smtp://mail.example.com:587'
\endif

INSERT INTO workflow_connections (tenant_id, name, kind, config, credentials)
VALUES
	(NULL, 'whatsapp', 'whatsapp_cloud',
	 jsonb_build_object('base_url', :'whatsapp_url',
						'phone_number_id', '106540352242922',
						'api_version', 'v21.0'),
	 '{"access_token": "not-a-real-token"}'),
	-- "optional" sends in clear text if the mail server has no TLS, as the
	-- demo's has not.  Leave starttls out for a mail server on the Internet.
	(NULL, 'email', 'smtp',
	 jsonb_build_object('url', :'smtp_url',
						'from', 'Order desk <orders@example.com>',
						'starttls', 'optional'),
	 '{}');
