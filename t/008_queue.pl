
# The queue of ids beside the table: no run is lost or executed twice, however
# often it is announced; priority and turns hold also where the queue is full.

use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Runs qw(create_hold hold_definition);
use WorkflowEngine::Test;

my $node = new_node('main', <<'CONF');
workflow_engine.workers = 2
workflow_engine.poll_interval = '1h'
max_prepared_transactions = 1
CONF

# Tenant number n.
sub tenant
{
	return sprintf '00000000-0000-0000-0000-%012d', shift;
}

my $define = q{'{"name": "count", "trigger_type": "count", "steps": [
	{"name": "count", "action": "update_record", "params":
		{"table": "counts", "id": "{{trigger.id}}",
		 "fields": {"n": "{{trigger.n}}", "at": "{{now}}"}}},
	{"name": "note", "action": "insert_record", "params":
		{"table": "notes", "fields": {"id": "{{trigger.id}}"}}}]}'};
my $one = tenant(1);
$node->safe_psql('postgres', qq{
	CREATE EXTENSION workflow_engine;
	CREATE TABLE counts (id int PRIMARY KEY, n int NOT NULL CHECK (n <> 13),
		at timestamptz);
	INSERT INTO counts SELECT g, 0 FROM generate_series(1, 30000) g;
	CREATE TABLE notes (id int);
	SELECT wf_define('$one', $define)});

sub wait_all
{
	my ($what) = @_;
	wait_for(
		$node,
		'postgres',
		"SELECT count(*) = 0 FROM workflow_runs "
		  . "WHERE status IN ('queued', 'running', 'waiting')",
		$what);
	return;
}

# How many runs noted how many ids, and how many times in all.
sub notes
{
	return $node->safe_psql('postgres',
		'SELECT count(DISTINCT id), count(*) FROM notes');
}

#
# A run that is announced again and again, while its row is locked.
#
my $session = $node->background_psql('postgres');
$node->safe_psql('postgres', 'SELECT wf_pause()');
$node->safe_psql('postgres',
	qq{SELECT wf_fire('$one', 'count', '{"id": 1, "n": 1}')});
$session->query_safe(
	'BEGIN; SELECT FROM workflow_runs WHERE status = \'queued\' FOR UPDATE');
$node->safe_psql('postgres', 'SELECT wf_resume()');
foreach my $n (2 .. 6)
{
	$node->safe_psql('postgres', 'NOTIFY workflow_engine');
	$node->safe_psql('postgres',
		qq{SELECT wf_fire('$one', 'count', '{"id": $n, "n": 1}')});
	wait_for($node, 'postgres',
		"SELECT count(*) = $n - 1 FROM notes", "run $n passes it");
}
$session->query_safe('COMMIT');
wait_all('the locked one goes on, unasked');
is(notes(), '6|6', 'each was executed once');
$session->quit;

#
# A worker that has read that all are paused, when wf_resume commits and the
# other worker rescans.  What is fired after that wakes workers all the same.
#
# The first worker reads the pauses for long, since there are many.  Meanwhile
# wf_resume commits and the other one ends a step, and rescans.
#
my $hold = hold_definition();
my $other = $node->background_psql('postgres');
my $nactive = q{SELECT count(*) FROM pg_stat_activity
	WHERE backend_type = 'workflow_engine worker' AND state = 'active'};
create_hold($node);
$other->query_safe(qq{
	SELECT wf_define('$one', '$hold');
	SELECT wf_fire('$one', 'hold')});
wait_until(sub { $other->query_safe($nactive) eq '1' },
	'one worker is in its step, the other one rests');
$other->query_safe(qq{
	BEGIN;
	INSERT INTO workflow_pauses (tenant_id)
	SELECT gen_random_uuid() FROM generate_series(1, 300000);
	SELECT wf_pause();
	SELECT wf_fire('$one', 'count', '{"id": 7, "n": 1}');
	COMMIT;
	DO \$\$
	BEGIN
		FOR i IN 1 .. 10000 LOOP
			EXIT WHEN EXISTS (SELECT FROM pg_locks WHERE pid <> pg_backend_pid()
				AND relation = 'workflow_pauses'::regclass);
		END LOOP;
	END \$\$;
	SELECT wf_resume();
	INSERT INTO ended VALUES (1)});
wait_all('what was held goes on');
$other->query_safe('DELETE FROM workflow_pauses');
wait_until(sub { $other->query_safe($nactive) eq '0' }, 'both rest');
$other->query_safe(qq{SELECT wf_fire('$one', 'count', '{"id": 8, "n": 1}')});
wait_for($node, 'postgres', 'SELECT count(*) = 8 FROM notes',
	'what is fired then is executed');
$other->quit;

#
# One step fails among many that go well.
#
$node->safe_psql('postgres', 'TRUNCATE notes; SELECT wf_pause()');
$node->safe_psql('postgres',
	"SELECT wf_fire('$one', 'count', jsonb_build_object('id', g, 'n', "
	  . "CASE g % 50 WHEN 13 THEN 13 ELSE 1 END)) "
	  . 'FROM generate_series(1001, 1400) g');
$node->safe_psql('postgres', 'SELECT wf_resume()');
wait_all('400 runs end');
is(notes(), '392|392', 'those that went well took effect once');
like(
	$node->safe_psql(
		'postgres',
		"SELECT count(*), min(error_message) FROM workflow_runs "
		  . "WHERE status = 'failed'"),
	qr/^8\|step "count": new row .* violates check constraint/,
	'those that did not say why');

#
# What a step leaves in its session does not reach the next one, also if they
# share a subtransaction, and if that is rolled back.
#
$node->safe_psql('postgres', qq{
	CREATE TABLE dirt (id int, who name, setting text, tenant text);
	CREATE FUNCTION make_dirt() RETURNS trigger LANGUAGE plpgsql AS \$\$
	BEGIN
		NEW.who := current_user;
		NEW.setting := current_setting('work_mem');
		NEW.tenant := current_setting('workflow_engine.tenant_id');
		PERFORM pg_advisory_lock(7), set_config('work_mem', '99MB', false);
		EXECUTE 'PREPARE dirt AS SELECT 1';
		IF NEW.id % 20 = 7 THEN
			RAISE EXCEPTION 'no %', NEW.id;
		END IF;
		RETURN NEW;
	END \$\$;
	CREATE TRIGGER make_dirt BEFORE INSERT ON dirt
		FOR EACH ROW EXECUTE FUNCTION make_dirt();
	CREATE ROLE app;
	GRANT INSERT ON dirt TO app;
	SELECT wf_define('$one', format('{"name": "dirt_%s", "trigger_type": "dirt",
		"steps": [{"name": "go", "action": "insert_record", "params":
			{"table": "dirt", "fields": {"id": "{{trigger.id}}"}}}]}', x)::jsonb)
	FROM unnest('{a,b}'::text[]) x;
	UPDATE workflow_definitions SET run_as = 'app' WHERE name = 'dirt_b';
	SELECT wf_pause();
	SELECT count(*) FROM generate_series(1, 200) g,
		wf_fire('$one', 'dirt', jsonb_build_object('id', g));
	SELECT wf_resume()});
wait_all('400 runs end');
is( $node->safe_psql(
		'postgres',
		'SELECT who, setting, tenant, count(*) FROM dirt '
		  . 'GROUP BY who, setting, tenant ORDER BY 1'),
	"app|4MB|$one|190\npostgres|4MB|$one|190",
	'each ran as its role, with its own settings');
is( $node->safe_psql(
		'postgres', "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"),
	0,
	'no lock is left');

#
# More than the queue holds: what is urgent goes first all the same.  One
# worker, since another would go on while the first waits for a core.
#
sub set_workers
{
	my ($n) = @_;

	$node->safe_psql('postgres',
		"ALTER SYSTEM SET workflow_engine.workers = $n");
	$node->safe_psql('postgres', 'SELECT pg_reload_conf()');
	wait_for($node, 'postgres', "SELECT count(*) = $n FROM wf_workers()",
		"$n at work");
	return;
}

set_workers(1);
$node->safe_psql('postgres', 'TRUNCATE notes; SELECT wf_pause()');
$node->safe_psql('postgres',
	"SELECT count(*) FROM generate_series(2001, 14000) g, "
	  . "wf_fire('$one', 'count', jsonb_build_object('id', g, 'n', 1))");
$node->safe_psql('postgres',
	"SELECT count(*) FROM generate_series(14001, 14010) g, wf_fire('$one', "
	  . "'count', jsonb_build_object('id', g, 'n', 1), priority => 5)");
$node->safe_psql('postgres', 'SELECT wf_resume()');
wait_all('12,010 runs end');
is(notes(), '12010|12010', 'each was executed once');
cmp_ok(
	$node->safe_psql(
		'postgres',
		'SELECT count(*) FROM workflow_runs WHERE '
		  . "(trigger_payload->>'id')::int BETWEEN 2001 AND 14000 "
		  . 'AND started_at < '
		  . '(SELECT max(started_at) FROM workflow_runs WHERE priority = 5)'),
	'<', 30, 'the ten that are urgent go before all others');
set_workers(2);

#
# Two tenants take turns, and more tenants than the queue has places for.
#
$node->safe_psql('postgres', 'TRUNCATE notes; SELECT wf_pause()');
$node->safe_psql('postgres',
	"SELECT count(wf_define(('00000000-0000-0000-0000-' || "
	  . "lpad(g::text, 12, '0'))::uuid, $define)) "
	  . 'FROM generate_series(2, 2600) g');
$node->safe_psql('postgres',
	"SELECT count(*) FROM generate_series(15001, 20000) g, "
	  . "wf_fire('$one', 'count', jsonb_build_object('id', g, 'n', 1))");
$node->safe_psql('postgres',
	'SELECT count(*) FROM generate_series(2, 2600) g, '
	  . "wf_fire(('00000000-0000-0000-0000-' || lpad(g::text, 12, '0'))::uuid, "
	  . "'count', jsonb_build_object('id', 20000 + g, 'n', 1))");
$node->safe_psql('postgres', 'SELECT wf_resume()');
wait_all('runs of 2,600 tenants end');
is(notes(), '7599|7599', 'each was executed once');
cmp_ok(
	$node->safe_psql(
		'postgres',
		"SELECT count(*) FROM workflow_runs WHERE tenant_id = '$one' AND "
		  . "(trigger_payload->>'id')::int BETWEEN 15001 AND 20000 AND "
		  . 'started_at < (SELECT started_at FROM workflow_runs '
		  . "WHERE tenant_id <> '$one' ORDER BY started_at OFFSET 1000 LIMIT 1)"),
	'<', 600, 'a tenant with many runs takes its turn and no more');

#
# A rescan that finds room for some tenants only goes on after them later.  Of
# a tenant that it has passed, what NOTIFY asks to look for is found as well.
#
# The one worker is in a step when it has told the queue of the first tenants.
#
set_workers(1);
my $second = tenant(2);
$node->safe_psql('postgres', qq{
	TRUNCATE notes, ended;
	SELECT wf_define('$second', '$hold');
	SELECT wf_pause();
	BEGIN;
	SELECT wf_fire('$one', 'count', '{"id": 1, "n": 1}');
	PREPARE TRANSACTION 'fired';
	SELECT wf_fire('$second', 'hold');
	SELECT count(*) FROM generate_series(2, 2600) g,
		wf_fire(('00000000-0000-0000-0000-' || lpad(g::text, 12, '0'))::uuid,
			'count', jsonb_build_object('id', g, 'n', 1));
	SELECT wf_resume()});
wait_for($node, 'postgres',
	q{SELECT count(*) = 1 FROM workflow_runs WHERE status = 'running'},
	'the worker is in the step');
$node->safe_psql('postgres',
	"COMMIT PREPARED 'fired'; NOTIFY workflow_engine; "
	  . 'INSERT INTO ended VALUES (1)');
wait_all('the run of the transaction that was prepared, too');
is(notes(), '2600|2600', 'each was executed once');
set_workers(2);

#
# What is fired for later comes by the clock; what was rolled back does not.
#
$node->safe_psql('postgres', 'TRUNCATE notes');
$node->safe_psql('postgres', qq{
	BEGIN;
	SAVEPOINT s;
	SELECT wf_fire('$one', 'count', '{"id": 21, "n": 1}');
	ROLLBACK TO s;
	SELECT wf_fire('$one', 'count', '{"id": 22, "n": 1}',
		run_at => now() + interval '1 s');
	SELECT wf_fire('$one', 'count', '{"id": 23, "n": 1}',
		run_at => now() + interval '300 ms');
	SELECT count(*) FROM generate_series(31, 130) g, wf_fire('$one', 'count',
		jsonb_build_object('id', g, 'n', 1),
		run_at => now() + interval '600 ms');
	COMMIT});
wait_all('later runs end');
is(notes(), '102|102', 'each was executed once');
is( $node->safe_psql(
		'postgres',
		'SELECT count(*) FROM workflow_runs WHERE started_at < run_at'),
	0,
	'none before its time');

#
# A transaction that fires more runs than it names at its commit, for more
# tenants than it names: the table is asked for the others, at once or when
# they are due.  Each case alone, so that no other one makes a worker look.
#
my $many_tenants = 'SELECT count(*) FROM generate_series(%d, %d) g, '
  . "wf_fire(('00000000-0000-0000-0000-' || lpad(g::text, 12, '0'))::uuid, "
  . "'count', jsonb_build_object('id', 20000 + g, 'n', 1)%s);";
my $named = "SELECT count(*) FROM generate_series(201, 264) g, "
  . "wf_fire('$one', 'count', jsonb_build_object('id', g, 'n', 1)%s);";
foreach my $later ('', q{, run_at => now() + interval '300 ms'})
{
	my $when = $later ? 'later' : 'at once';

	$node->safe_psql('postgres', 'TRUNCATE notes');
	$node->safe_psql('postgres', 'BEGIN;'
		  . sprintf($named, $later)
		  . sprintf($many_tenants, 2, 60, $later) . 'COMMIT');
	wait_all("$when: runs of 59 tenants beyond 64 runs");
	is(notes(), '123|123', 'each was executed once');
}

# Of a tenant, some are due at once and others are not.
$node->safe_psql('postgres', 'TRUNCATE notes');
$node->safe_psql('postgres', 'BEGIN;'
	  . sprintf($named, '') . sprintf($many_tenants, 2, 17, '')
	  . sprintf($many_tenants, 102, 117, q{, run_at => now() + interval '300 ms'})
	  . 'COMMIT');
wait_all('some at once, others later');
is(notes(), '96|96', 'each was executed once');

# Only the last tenant's is not for tomorrow.
my $tomorrow = q{, run_at => now() + interval '1 day'};
$node->safe_psql('postgres', 'TRUNCATE notes');
$node->safe_psql('postgres', 'BEGIN;'
	  . sprintf($named, $tomorrow) . sprintf($many_tenants, 2, 17, $tomorrow)
	  . sprintf($many_tenants, 18, 18, q{, run_at => now() + interval '300 ms'})
	  . 'COMMIT');
wait_for($node, 'postgres', 'SELECT count(*) = 1 FROM notes', 'it is not late');
$node->safe_psql('postgres', q{DELETE FROM workflow_runs WHERE status = 'queued'});

#
# wf_cancel against the claiming of runs: one that was cancelled has done
# nothing, and one that was not has.
#
$node->safe_psql('postgres', qq{
	CREATE TABLE cancelled (id int, done boolean);
	TRUNCATE notes;
	SELECT wf_define('$one', '{"name": "race", "trigger_type": "race",
		"steps": [{"name": "note", "action": "insert_record", "params":
			{"table": "notes", "fields": {"id": "{{trigger.id}}"}}}]}')});
my @cancellers = map { $node->background_psql('postgres') } 1 .. 2;
foreach my $i (0, 1)
{
	# fires 40 runs and cancels them at once, beginning with the last
	$cancellers[$i]->query_until(qr/begun/, qq{\\echo begun
		DO \$\$
		DECLARE
			ids uuid[];
		BEGIN
			FOR k IN 0 .. 24 LOOP
				ids := ARRAY(SELECT r FROM generate_series(1, 40) g,
					wf_fire('$one', 'race', jsonb_build_object('id',
						50000 + 2 * (40 * k + g) + $i)) r);
				COMMIT;
				FOR j IN REVERSE 40 .. 1 LOOP
					INSERT INTO cancelled
					SELECT (trigger_payload->>'id')::int, wf_cancel(id)
					FROM workflow_runs WHERE id = ids[j];
					COMMIT;
				END LOOP;
			END LOOP;
		END \$\$;
	});
}
wait_for($node, 'postgres', 'SELECT count(*) = 2000 FROM cancelled',
	'2,000 runs are fired and cancelled');
wait_all('all end');
$_->quit foreach @cancellers;
my ($stopped, $wrong) = split /\|/, $node->safe_psql('postgres', q{
	SELECT count(*) FILTER (WHERE c.done),
		count(*) FILTER (WHERE c.done <> (r.status = 'cancelled')
			OR (r.status = 'completed') <> EXISTS
				(SELECT FROM notes n WHERE n.id = c.id))
	FROM cancelled c JOIN workflow_runs r
		ON (r.trigger_payload->>'id')::int = c.id
	JOIN workflow_definitions d ON d.id = r.definition_id AND d.name = 'race'});
is($wrong, 0, 'a cancelled run has no effect, any other has');
cmp_ok($stopped, '>', 0, "$stopped were cancelled in time");

#
# The history of a run that makes many steps in one tick.
#
$node->safe_psql('postgres', qq{
	SELECT wf_define('$one', jsonb_build_object('name', 'many',
		'trigger_type', 'many', 'steps', jsonb_agg(jsonb_build_object(
			'name', 's' || g, 'action', 'insert_record', 'params',
			jsonb_build_object('table', 'notes', 'fields',
				jsonb_build_object('id', 100000 + g))) ORDER BY g)))
	FROM generate_series(0, 69) g;
	SELECT wf_fire('$one', 'many') FROM generate_series(1, 3)});
wait_all('runs of 70 steps end');
is( $node->safe_psql(
		'postgres', q{
	SELECT count(*), bool_and(step_results = step_results::text::jsonb),
		min(jsonb_array_length(step_results)),
		min((SELECT count(*) FROM generate_series(0, 69) g
			WHERE (step_results->g->>'step')::int = g
				AND step_results->g->>'step_name' = 's' || g
				AND step_results->g->'output' ? 'inserted'))
	FROM workflow_runs r JOIN workflow_definitions d ON d.id = definition_id
	WHERE d.name = 'many' AND status = 'completed'}),
	'3|t|70|70',
	'each step is there, and found by its number');

#
# Room in the queue that becomes less while a worker reads from the table: what
# it has read and finds no room for is read again later.
#
# The one worker is in a step, so nobody takes anything.  With 241 times 64 ids
# there is room for 960 more (32,768 less half of it less these).  When the step
# ends, the worker reads 600 runs of another tenant.  That takes a while, since
# the table has many dead rows of the tenant, which an old snapshot keeps;
# meanwhile the rest of the room is taken.
#
my $reader = tenant(3000);
my $snapshot = $node->background_psql('postgres');
set_workers(1);
$snapshot->query_safe(
	'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM counts');
$node->safe_psql('postgres', qq{
	SELECT wf_define('$reader', $define);
	SELECT count(wf_define(
		('00000000-0000-0000-0000-' || lpad(g::text, 12, '0'))::uuid,
		'{"name": "fill", "trigger_type": "fill", "steps": [
			{"name": "note", "action": "insert_record", "params":
				{"table": "notes", "fields": {"id": 0}}}]}'))
	FROM generate_series(2, 256) g;
	CREATE PROCEDURE fill(first int, last int) LANGUAGE plpgsql AS \$\$
	BEGIN
		FOR t IN first .. last LOOP
			PERFORM wf_fire(
				('00000000-0000-0000-0000-' || lpad(t::text, 12, '0'))::uuid,
				'fill') FROM generate_series(1, 64);
			COMMIT;
		END LOOP;
	END \$\$;
	SELECT wf_pause();
	SELECT count(*) FROM generate_series(1, 40000) g,
		wf_fire('$reader', 'count', '{"id": 1, "n": 1}');
	DELETE FROM workflow_runs WHERE tenant_id = '$reader';
	SELECT wf_resume()});
$node->safe_psql('postgres', qq{
	SELECT wf_fire('$reader', 'count', '{"id": 1, "n": 1}')});
wait_all('nothing is in the queue');
$node->safe_psql('postgres', qq{
	TRUNCATE notes, ended;
	SELECT wf_fire('$one', 'hold')});
wait_for($node, 'postgres',
	q{SELECT count(*) = 1 FROM workflow_runs WHERE status = 'running'},
	'the worker is in a step');
$node->safe_psql('postgres', qq{
	DO \$\$
	BEGIN
		-- these are announced by name, so the others are not
		PERFORM wf_fire('@{[tenant(242)]}', 'fill')
		FROM generate_series(1, 64);
		PERFORM wf_fire('$reader', 'count', jsonb_build_object('id', g, 'n', 1))
		FROM generate_series(1, 600) g;
		COMMIT;
		CALL fill(2, 241);
		INSERT INTO ended VALUES (1);
		COMMIT;
		-- it reads the pauses before it reads runs
		FOR i IN 1 .. 100000 LOOP
			EXIT WHEN EXISTS (SELECT FROM pg_locks
				WHERE relation = 'workflow_pauses'::regclass);
		END LOOP;
		CALL fill(243, 256);
	END \$\$});
wait_all('all are executed');
is($node->safe_psql('postgres',
		'SELECT count(DISTINCT id), count(*) FROM notes WHERE id <> 0'),
	'600|600', 'those that were read, once');
is($node->safe_psql('postgres', 'SELECT count(*) FROM notes WHERE id = 0'),
	255 * 64, 'and the others');
$snapshot->quit;

$node->stop;
done_testing();
