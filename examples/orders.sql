-- 1 of 4: the application's side: an orders table, and the role around it.
--
-- shop owns the table.  It is also the role that the workflow's steps run
-- as (run_as): they can do what shop may do, and no more.

-- Roles are there in every database of the server, so it may exist already.
SELECT 'CREATE ROLE shop LOGIN'
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'shop')
\gexec

CREATE TABLE orders (
	id				uuid PRIMARY KEY DEFAULT gen_random_uuid(),
	tenant_id		uuid NOT NULL,
	customer_phone	text NOT NULL,
	total_amount	numeric(12, 2) NOT NULL,
	status			text NOT NULL DEFAULT 'new',
	created_at		timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE orders OWNER TO shop;
