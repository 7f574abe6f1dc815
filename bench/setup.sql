-- What the benchmark works with, in database bench.

CREATE EXTENSION workflow_engine;

-- what the steps of one-step runs, the peers and the bound update
CREATE TABLE orders (
	id		int PRIMARY KEY,
	status	text NOT NULL DEFAULT 'new',
	total	numeric(12, 2) NOT NULL DEFAULT 99.50
);
-- for find_record and insert_record
CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE notes (order_id int NOT NULL, customer text NOT NULL);

-- wf_fire's row, inserted by hand: the same columns, defaults and indexes;
-- neither foreign keys nor triggers
CREATE TABLE bare_runs (LIKE workflow_runs INCLUDING ALL);

-- the bound: a queue of one's own
CREATE TABLE bound_queue (
	id			bigint PRIMARY KEY,
	order_id	int NOT NULL,
	status		text NOT NULL DEFAULT 'queued',
	done_at		timestamptz
);
CREATE INDEX bound_queue_due ON bound_queue (id) WHERE status = 'queued';
CREATE TABLE bound_times (began timestamptz, ended timestamptz, cpu numeric);

-- The CPU that a process of the server has used, in microseconds.
CREATE FUNCTION cpu_us(pid int) RETURNS numeric LANGUAGE sql AS
	'SELECT split_part(pg_read_file(format(''/proc/%s/schedstat'', pid)), '' '', 1)::numeric / 1000';

CREATE PROCEDURE bound_fill(n int) LANGUAGE sql AS $$
	TRUNCATE bound_queue, bound_times;
	INSERT INTO bound_queue (id, order_id) SELECT i, i FROM generate_series(1, n) i;
$$;

-- claims 100, updates 100 orders, marks them done: three statements a commit
CREATE PROCEDURE bound_drain() LANGUAGE plpgsql AS $$
DECLARE
	began timestamptz := clock_timestamp();
	cpu numeric := cpu_us(pg_backend_pid());
	ids bigint[];
	orders_of int[];
BEGIN
	LOOP
		SELECT array_agg(id), array_agg(order_id) INTO ids, orders_of
		  FROM (SELECT id, order_id FROM bound_queue WHERE status = 'queued'
				 ORDER BY id LIMIT 100 FOR UPDATE SKIP LOCKED) AS claimed;
		EXIT WHEN ids IS NULL;
		UPDATE orders SET status = 'confirmed' WHERE id = ANY (orders_of);
		UPDATE bound_queue SET status = 'done', done_at = clock_timestamp()
		 WHERE id = ANY (ids);
		COMMIT;
	END LOOP;
	INSERT INTO bound_times VALUES (began, clock_timestamp(),
									cpu_us(pg_backend_pid()) - cpu);
END $$;

-- the same with a statement for each order, as runs have
CREATE PROCEDURE bound_drain_each() LANGUAGE plpgsql AS $$
DECLARE
	began timestamptz := clock_timestamp();
	cpu numeric := cpu_us(pg_backend_pid());
	claimed record;
	n int;
BEGIN
	LOOP
		n := 0;
		FOR claimed IN SELECT id, order_id FROM bound_queue
						WHERE status = 'queued'
						ORDER BY id LIMIT 100 FOR UPDATE SKIP LOCKED LOOP
			UPDATE orders SET status = 'confirmed' WHERE id = claimed.order_id;
			UPDATE bound_queue SET status = 'done', done_at = clock_timestamp()
			 WHERE id = claimed.id;
			n := n + 1;
		END LOOP;
		EXIT WHEN n = 0;
		COMMIT;
	END LOOP;
	INSERT INTO bound_times VALUES (began, clock_timestamp(),
									cpu_us(pg_backend_pid()) - cpu);
END $$;

-- WAL written and flushed, blocks looked at; a worker's count as soon as it
-- is idle, a backend's when it ends.  From 18 on flushes are in pg_stat_io.
DO $$
DECLARE
	flushes text := 'SELECT wal_sync FROM pg_stat_wal';
BEGIN
	IF current_setting('server_version_num')::int >= 180000 THEN
		flushes := 'SELECT sum(fsyncs)::bigint FROM pg_stat_io WHERE object = ''wal''';
	END IF;
	EXECUTE format('CREATE FUNCTION bench_wal(OUT lsn numeric, OUT flushes bigint,
			OUT blocks bigint) LANGUAGE sql AS %L',
		format('SELECT pg_current_wal_insert_lsn() - ''0/0'', (%s),
			(SELECT blks_hit + blks_read FROM pg_stat_database
			  WHERE datname = current_database())', flushes));
END $$;

CREATE FUNCTION runs_done() RETURNS numeric LANGUAGE sql AS
	'SELECT coalesce(sum(runs_done), 0) FROM wf_workers()';

-- Waits until the workers have ended n runs more than before: asked of shared
-- memory, so that it neither reads the table nor holds a snapshot.
CREATE PROCEDURE wait_for_runs(n numeric, before numeric) LANGUAGE plpgsql AS $$
DECLARE
	give_up timestamptz := clock_timestamp() + interval '15 minutes';
BEGIN
	WHILE runs_done() < before + n LOOP
		IF clock_timestamp() > give_up THEN
			RAISE 'runs do not end: % of %', runs_done() - before, n;
		END IF;
		COMMIT;
		PERFORM pg_sleep(0.003);
	END LOOP;
END $$;

-- Resumes, waits for n runs; seconds.
CREATE PROCEDURE drain(n int, INOUT seconds numeric) LANGUAGE plpgsql AS $$
DECLARE
	before numeric := runs_done();
	began timestamptz := clock_timestamp();
BEGIN
	PERFORM wf_resume();
	CALL wait_for_runs(n, before);
	seconds := extract(epoch FROM clock_timestamp() - began);
END $$;

-- Fires n runs, for the orders behind the first so many.
CREATE PROCEDURE fire(tenant uuid, event text, n int, behind int DEFAULT 0)
LANGUAGE sql AS $$
	SELECT count(*) FROM generate_series(behind + 1, behind + n) i,
		wf_fire(tenant, event, jsonb_build_object('id', i));
$$;

-- When the commit of a fire had returned.
CREATE TABLE fired (run uuid, committed timestamptz, seen timestamptz);

-- Fires n runs of an event for the tenants in turn, one each gap seconds, each
-- in a transaction of its own; with watch, a run is looked for until it can be
-- seen completed.
CREATE PROCEDURE fire_spaced(tenants uuid[], event text, n int, gap numeric,
	watch boolean DEFAULT false, ids int DEFAULT 1000) LANGUAGE plpgsql AS $$
DECLARE
	next timestamptz := clock_timestamp();
	run uuid;
	runs uuid[];
	committed timestamptz[];
	seen timestamptz[];
BEGIN
	FOR i IN 1 .. n LOOP
		next := next + gap * interval '1 second';
		PERFORM pg_sleep(greatest(extract(epoch FROM next - clock_timestamp()), 0));
		COMMIT;
		run := wf_fire(tenants[1 + i % cardinality(tenants)], event,
					   jsonb_build_object('id', 1 + i % ids));
		COMMIT;
		committed[i] := clock_timestamp();
		WHILE watch AND NOT EXISTS (SELECT FROM workflow_runs
				WHERE id = run AND completed_at IS NOT NULL) LOOP
			PERFORM pg_sleep(0.0001);
		END LOOP;
		seen[i] := clock_timestamp();
		runs[i] := run;
		COMMIT;
	END LOOP;
	INSERT INTO fired SELECT * FROM unnest(runs, committed, seen);
END $$;

-- n more runs that have ended, after the example of those in the table.  The
-- indexes are made anew behind them: ten million rows are too many otherwise.
CREATE PROCEDURE add_ended(n int) LANGUAGE plpgsql
SET maintenance_work_mem = '1GB' SET session_replication_role = replica AS $$
DECLARE
	indexes text[] := ARRAY(SELECT pg_get_indexdef(indexrelid) FROM pg_index
		WHERE indrelid = 'workflow_runs'::regclass AND NOT indisprimary);
	names text[] := ARRAY(SELECT indexrelid::regclass FROM pg_index
		WHERE indrelid = 'workflow_runs'::regclass AND NOT indisprimary);
	targets text;
	sources text;
BEGIN
	SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum),
		string_agg(CASE attname WHEN 'id' THEN 'wf_new_run_id()'
			WHEN 'trigger_payload' THEN 'jsonb_build_object(''id'', 1000000 + i)'
			ELSE quote_ident(attname) END, ', ' ORDER BY attnum)
	  INTO targets, sources
	  FROM pg_attribute WHERE attrelid = 'workflow_runs'::regclass
	   AND attnum > 0 AND NOT attisdropped;
	FOR i IN 1 .. cardinality(names) LOOP
		EXECUTE 'DROP INDEX ' || names[i];
	END LOOP;
	EXECUTE format('INSERT INTO workflow_runs (%s) SELECT %s
		FROM generate_series(1, $1) i JOIN (SELECT *, row_number() OVER () AS k
			FROM workflow_runs LIMIT 1000) AS like_this ON k = 1 + i %% 1000',
		targets, sources) USING n;
	FOR i IN 1 .. cardinality(indexes) LOOP
		EXECUTE indexes[i];
	END LOOP;
END $$;
