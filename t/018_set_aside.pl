
# One run never stops the others: rows that cannot be saved, commits that
# fail, steps that end their worker, rows that crash it.

use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Runs;
use WorkflowEngine::Test;

my $bad = '33333333-3333-3333-3333-333333333333';
my $good = '44444444-4444-4444-4444-444444444444';
my $node = new_node('main', <<'CONF');
workflow_engine.workers = 1
workflow_engine.poll_interval = '1s'
restart_after_crash = on
CONF

query($node, qq{
	CREATE EXTENSION workflow_engine;
	CREATE TABLE done (n int, at timestamptz DEFAULT clock_timestamp());
	CREATE TABLE goods (id int PRIMARY KEY);
	SELECT wf_define('$good', '{"name": "good", "trigger_type": "good", "steps": [
		{"name": "note", "action": "insert_record", "params":
			{"table": "done", "fields": {"n": "{{ trigger.n }}"}}}]}');
	SELECT wf_define('$bad', '{"name": "bad", "trigger_type": "bad", "steps": [
		{"name": "note", "action": "insert_record", "params":
			{"table": "goods", "fields": {"id": "{{ trigger.id }}"}}}]}')});

# Fires runs of another tenant, one after the other.  Each must be done long
# before a worker that pauses after each failure would come to it.
my $n = 0;

sub others_go_on
{
	my ($count) = @_;

	foreach (1 .. $count)
	{
		$n++;
		fire($node, $good, 'good', qq({"n": $n}));
		wait_for($node, 'postgres', "SELECT count(*) = 1 FROM done WHERE n = $n",
			"run $n of another tenant is done", 20);
	}
	return;
}

#
# A trigger of somebody's that raises for one run.
#
query($node, q{
	CREATE TABLE refuse (run uuid);
	CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		IF EXISTS (SELECT FROM public.refuse WHERE run = new.id) THEN
			RAISE EXCEPTION 'the audit does not want run %', new.id;
		END IF;
		RETURN new;
	END $$;
	CREATE TRIGGER audit AFTER UPDATE ON workflow_runs
		FOR EACH ROW EXECUTE FUNCTION refuse();
	SELECT wf_pause()});
my $run = fire($node, $bad, 'bad', '{"id": 1}');
query($node, "INSERT INTO refuse VALUES ('$run')");
query($node, "SELECT wf_fire('$good', 'good', jsonb_build_object('n', -i)) FROM generate_series(1, 20) i; "
	  . 'SELECT wf_resume()');
wait_for($node, 'postgres', 'SELECT count(*) = 20 FROM done',
	'others of its batch are done');
others_go_on(3);
is(run_status($node, 'postgres', $run), 'queued', 'the run is not');
wait_for($node, 'postgres',
	"SELECT last_error LIKE '%$run is set aside: the audit does not want%' FROM wf_workers()",
	'wf_workers tells of it');
my ($rc, $out, $err) = $node->psql('postgres', "SELECT wf_cancel('$run')");
isnt($rc, 0, 'it cannot be cancelled either');
like($err, qr/the audit does not want run.*HINT:.*trigger or constraint/s,
	'... and the error says what is in the way');
wait_for($node, 'postgres',
	"SELECT last_error LIKE '%could not process%' OR last_error LIKE '%set aside%' FROM wf_workers()",
	'it is tried again');
query($node, 'DELETE FROM refuse');
wait_for($node, 'postgres',
	"SELECT status IN ('completed', 'failed') FROM workflow_runs WHERE id = '$run'",
	'it goes on when the trigger lets it');
query($node, 'DROP TRIGGER audit ON workflow_runs');
my $lines = () = slurp_file($node->logfile) =~ /run $run is set aside/g;
is($lines, 1, 'one log line says so');

#
# A COMMIT that fails: the remote side of a foreign table has a deferred
# constraint that the row breaks.
#
SKIP:
{
	my $has = query($node, q{SELECT count(*) FROM pg_available_extensions
		WHERE name = 'postgres_fdw'});
	skip 'no postgres_fdw', 1 unless $has;
	my $host = $node->host;
	my $port = $node->port;
	query($node, 'CREATE DATABASE remote');
	$node->safe_psql('remote', q{
		CREATE TABLE sums (id int, total int UNIQUE DEFERRABLE INITIALLY DEFERRED);
		INSERT INTO sums VALUES (0, 5)});
	query($node, qq{
		CREATE EXTENSION postgres_fdw;
		CREATE SERVER remote FOREIGN DATA WRAPPER postgres_fdw
			OPTIONS (host '$host', port '$port', dbname 'remote');
		CREATE USER MAPPING FOR CURRENT_USER SERVER remote;
		CREATE FOREIGN TABLE sums (id int, total int) SERVER remote;
		SELECT wf_define('$bad', '{"name": "remote", "trigger_type": "remote", "steps": [
			{"name": "add", "action": "insert_record", "params": {"table": "sums",
				"fields": {"id": 1, "total": "{{ trigger.total }}"}}}]}')});
	my @runs = map { fire($node, $bad, 'remote', '{"total": 5}') } 1 .. 3;
	my $fine = fire($node, $bad, 'remote', '{"total": 6}');
	others_go_on(3);
	wait_status($node, $fine, 'completed', 'one whose row is accepted completes');
	wait_status($node, $_, 'failed', 'one whose COMMIT fails is failed') foreach @runs;
	like(query($node, "SELECT error_message FROM workflow_runs WHERE id = '$runs[0]'"),
		qr/could not process this run: duplicate key value violates unique constraint/,
		'... with the server\'s message');
	is($node->safe_psql('remote', 'SELECT count(*) FROM sums WHERE total = 6'),
		1, 'and what was accepted is there once');
}

#
# What would end the worker from within is refused to the step.
#
query($node, qq{
	CREATE FUNCTION end_me(params jsonb, context jsonb) RETURNS jsonb
	LANGUAGE plpgsql AS \$\$
	BEGIN
		PERFORM set_config('exit_on_error', 'on', false);
		RAISE EXCEPTION 'x';
	END \$\$;
	SELECT wf_register_action('end_me', 'end_me(jsonb,jsonb)');
	SELECT wf_define('$bad', '{"name": "end", "trigger_type": "end", "steps": [
		{"name": "end", "action": "end_me"}]}')});
my $pid = worker_pid($node);
query($node, "SELECT wf_fire('$bad', 'end') FROM generate_series(1, 30)");
others_go_on(2);
wait_for($node, 'postgres', q{SELECT count(*) = 30 FROM workflow_runs
	WHERE error_message LIKE 'step "end": parameter "exit_on_error" cannot be changed%'},
	'each such step fails');
is(worker_pid($node), $pid, 'and no worker has ended');

#
# Steps that do end their worker: the other runs of their definition wait, and
# those of everybody else go on.
#
query($node, qq{
	CREATE FUNCTION die_now(params jsonb, context jsonb) RETURNS jsonb
	LANGUAGE plpgsql AS \$\$
	BEGIN
		LOOP
			BEGIN
				PERFORM pg_sleep(600);
			EXCEPTION WHEN query_canceled THEN
			END;
		END LOOP;
	END \$\$;
	SELECT wf_register_action('die_now', 'die_now(jsonb,jsonb)');
	SELECT wf_define('$bad', '{"name": "die", "trigger_type": "die", "steps": [
		{"name": "die", "action": "die_now", "timeout": "100 ms"}]}')});
query($node, 'ALTER SYSTEM SET workflow_engine.workers = 2');
$node->reload;
wait_for($node, 'postgres', 'SELECT count(*) = 2 FROM wf_workers()', 'there are two workers');
my @dead = split(/\n/, query($node, "SELECT wf_fire('$bad', 'die') FROM generate_series(1, 4)"));
others_go_on(20);
wait_for($node, 'postgres', "SELECT count(*) >= 1 FROM workflow_runs WHERE status = 'failed' AND error_message LIKE '%its worker was ended%'",
	'such a step fails');

#
# A run is counted as the one that its worker was about, wherever that ends:
# here while the row is saved.  At the third time it is failed; the others go
# on.
#
query($node, "SELECT wf_cancel_runs('$bad')");
query($node, q{
	DROP FUNCTION refuse() CASCADE;
	CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		LOOP
			BEGIN
				PERFORM pg_sleep(600);
			EXCEPTION WHEN query_canceled THEN
			END;
		END LOOP;
	END $$;
	CREATE TRIGGER linger AFTER UPDATE ON workflow_runs FOR EACH ROW
		WHEN (new.status = 'completed' AND new.trigger_payload @> '{"id": 77}')
		EXECUTE FUNCTION linger()});
$run = fire($node, $bad, 'bad', '{"id": 77}');
foreach my $time (1 .. 3)
{
	my $pid = wait_in_step($node, "its row is saved for the $time. time");

	kill 'KILL', $pid;
	wait_until(
		sub {
			my $count =
			  answer($node, "SELECT count(*) FROM wf_workers() WHERE pid = $pid");
			return defined $count && $count eq '0';
		},
		'the server has another worker');
}
wait_status($node, $run, 'failed', 'the run is failed');
like(query($node, "SELECT error_message FROM workflow_runs WHERE id = '$run'"),
	qr/could not process this run: its worker ended abnormally/, '... and says why');
others_go_on(1);
$node->stop;
done_testing();
