
# Slow steps: what they do to the time, to others, and to whoever cancels.

use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Runs;
use WorkflowEngine::Test;

my $quick = '11111111-1111-1111-1111-111111111111';
my $slow = '22222222-2222-2222-2222-222222222222';
my $node = new_node('main', <<'CONF');
workflow_engine.workers = 2
workflow_engine.poll_interval = '1h'
CONF

$node->safe_psql('postgres', qq{
	CREATE EXTENSION workflow_engine;
	CREATE EXTENSION IF NOT EXISTS dblink;
	CREATE TABLE gate (name text PRIMARY KEY, open boolean NOT NULL);
	CREATE TABLE effects (run text, label text, at timestamptz DEFAULT now(),
		clock timestamptz DEFAULT clock_timestamp());
	CREATE TABLE stock (id int PRIMARY KEY, n int NOT NULL DEFAULT 0);
	INSERT INTO stock SELECT generate_series(1, 100);
	CREATE SEQUENCE begun;
	-- waits until its gate is open
	CREATE FUNCTION wait_at(params jsonb, context jsonb) RETURNS jsonb
	LANGUAGE plpgsql AS \$\$
	BEGIN
		PERFORM nextval('begun');
		WHILE NOT (SELECT open FROM gate WHERE name = params->>'gate') LOOP
			PERFORM pg_sleep(0.01);
		END LOOP;
		INSERT INTO effects VALUES (context->'run'->>'id', params->>'label');
		RETURN '{}';
	END \$\$;
	SELECT wf_register_action('wait_at', 'wait_at(jsonb,jsonb)');
	-- the same for whoever touches the row
	CREATE TABLE guarded (id int PRIMARY KEY, n int NOT NULL DEFAULT 0);
	INSERT INTO guarded VALUES (1);
	CREATE FUNCTION wait_for_gate() RETURNS trigger LANGUAGE plpgsql AS \$\$
	BEGIN
		WHILE NOT (SELECT open FROM gate WHERE name = 'guarded') LOOP
			PERFORM pg_sleep(0.01);
		END LOOP;
		RETURN new;
	END \$\$;
	CREATE TRIGGER wait BEFORE UPDATE ON guarded
		FOR EACH ROW EXECUTE FUNCTION wait_for_gate();
	SELECT wf_define('$quick', '{"name": "quick", "trigger_type": "quick", "steps": [
		{"name": "take", "action": "update_record", "params":
			{"table": "stock", "id": "{{ trigger.id }}", "fields": {"n": 1}}}]}');
	SELECT wf_define('$slow', '{"name": "slow", "trigger_type": "slow", "steps": [
		{"name": "wait", "action": "wait_at", "params":
			{"gate": "{{ trigger.gate }}", "label": "slow"}}]}');
	SELECT wf_define('$slow', '{"name": "guarded", "trigger_type": "guarded", "steps": [
		{"name": "touch", "action": "update_record", "params":
			{"table": "guarded", "id": 1, "fields": {"n": 1}}}]}');
	SELECT wf_define('$slow', '{"name": "five", "trigger_type": "five", "steps": [
		{"name": "s1", "action": "wait_at", "params": {"gate": "{{ trigger.gate }}", "label": "1"}},
		{"name": "s2", "action": "wait_at", "params": {"gate": "{{ trigger.gate }}", "label": "2"}},
		{"name": "s3", "action": "wait_at", "params": {"gate": "{{ trigger.gate }}", "label": "3"}}]}');
	SELECT wf_define('$slow', '{"name": "clock", "trigger_type": "clock", "steps": [
		{"name": "note", "action": "insert_record", "params":
			{"table": "effects", "fields": {"label": "clock"}}}]}')});

sub set_gate
{
	my ($name, $open) = @_;
	query($node, "INSERT INTO gate VALUES ('$name', $open) "
		  . 'ON CONFLICT (name) DO UPDATE SET open = excluded.open');
	return;
}

sub wait_begun
{
	my ($n, $what) = @_;
	wait_for($node, 'postgres',
		"SELECT last_value >= $n AND is_called FROM begun", $what);
	return;
}

#
# now() in a step is the moment at which its transaction began.
#
wait_for($node, 'postgres',
	q{SELECT count(*) = 2 FROM wf_workers() WHERE state <> 'starting'},
	'the workers are up');
my $started = query($node, 'SELECT max(started_at) FROM wf_workers()');
wait_for($node, 'postgres',
	"SELECT clock_timestamp() > '$started'::timestamptz + interval '1.5 s'",
	'the workers have lived for a while');
my $before = query($node, 'SELECT clock_timestamp()');
wait_status($node, fire($node, $slow, 'clock'), 'completed', 'a run notes the time');
is( query($node, qq{SELECT at BETWEEN '$before' AND clock
		FROM effects WHERE label = 'clock'}),
	't',
	'now() in a step is no older than its transaction');

#
# Quick runs of one tenant and slow ones of another, fired together: the quick
# ones are done and visible, and none of their rows is locked, while the slow
# ones are at it.
#
set_gate('four', 'false');
query($node, qq{
	SELECT wf_fire(CASE WHEN i > 20 OR n = 1 THEN '$quick'::uuid ELSE '$slow' END,
		CASE n WHEN 1 THEN 'quick' ELSE 'slow' END,
		jsonb_build_object('id', i, 'gate', 'four'))
	FROM generate_series(1, 20) i, generate_series(1, 2) n
	WHERE n = 1 OR i % 5 = 0});
wait_for($node, 'postgres',
	'SELECT count(*) = 20 FROM stock WHERE n = 1', 'the quick ones are done');
wait_begun(1, 'a slow one is under way');
is( query($node, q{SET lock_timeout = '1s'; UPDATE stock SET n = 2 WHERE id <= 20 RETURNING n})
	  =~ tr/2//,
	20,
	'nobody waits for their rows');
wait_status($node, fire($node, $quick, 'quick', '{"id": 21}'),
	'completed', 'one that comes now is done at once');
is( query($node, q{SELECT count(*) FROM workflow_runs r JOIN workflow_definitions d
		ON d.id = r.definition_id WHERE d.name = 'slow' AND status = 'completed'}),
	0,
	'while no slow one has ended');
wait_for($node, 'postgres', q{SELECT count(*) = 1 FROM pg_stat_activity
	WHERE backend_type = 'workflow_engine worker'
		AND query = 'executing runs' AND state = 'active'},
	'one worker stays free for what comes');
set_gate('four', 'true');
wait_for($node, 'postgres',
	q{SELECT count(*) = 4 FROM effects WHERE label = 'slow'},
	'the slow ones are done');
is( query($node, q{SELECT count(*), count(DISTINCT run) FROM effects
		WHERE label = 'slow'}),
	'4|4',
	'each once');

#
# A step with a built-in action that is slow for a reason of the table's: it
# is cut off among others, and done again alone.
#
set_gate('guarded', 'false');
query($node, qq{
	SELECT wf_fire('$slow', 'guarded');
	SELECT wf_fire('$quick', 'quick', jsonb_build_object('id', i))
	FROM generate_series(31, 50) i;
	SELECT wf_fire('$slow', 'guarded')});
wait_for($node, 'postgres',
	'SELECT count(*) = 20 FROM stock WHERE n = 1 AND id > 30',
	'others of its batch are done');
query($node, q{SET lock_timeout = '1s'; UPDATE stock SET n = 2 WHERE id > 30});
pass('... and their rows are free');
set_gate('guarded', 'true');
wait_for($node, 'postgres', q{SELECT count(*) = 0 FROM workflow_runs
	WHERE status NOT IN ('completed')}, 'and so are the slow ones in the end');
is( query($node, q{SELECT DISTINCT r.attempt, r.step_results->0->'attempts'
		FROM workflow_runs r JOIN workflow_definitions d
		ON d.id = r.definition_id WHERE d.name = 'guarded'}),
	'0|1',
	'being cut off does not count as an attempt');

#
# wf_cancel returns at once, and no further step begins.  What the step that
# was under way did is kept, and its result recorded.
#
query($node, 'ALTER SEQUENCE begun RESTART');
set_gate('cancel', 'false');
my $run = fire($node, $slow, 'five', '{"gate": "cancel"}');
wait_begun(1, 'the first step is under way');
is(query($node, "SELECT wf_cancel('$run')"), 't', 'the run is cancelled');
is(run_status($node, 'postgres', $run), 'cancelled', '... at once');
is(query($node, "SELECT label FROM effects WHERE run = '$run'"),
	'', '... while its step is under way');
set_gate('cancel', 'true');
wait_for($node, 'postgres',
	"SELECT current_step = 1 FROM workflow_runs WHERE id = '$run'",
	'the step that was under way is recorded');
wait_status($node, fire($node, $slow, 'slow', '{"gate": "cancel"}'),
	'completed', 'the worker goes on with others');
is( query($node, "SELECT string_agg(label, ',') FROM effects WHERE run = '$run'"),
	'1', 'no other step has begun');
is( query($node, qq{SELECT status, error_message LIKE 'cancelled by %',
		completed_at IS NOT NULL, jsonb_array_length(step_results),
		step_results->0->>'status' FROM workflow_runs WHERE id = '$run'}),
	'cancelled|t|t|1|completed',
	'the history tells both');
is( query($node, "SELECT step_name, status, attempts, error FROM wf_trace('$run')"),
	"s1|completed|1|\ns2|pending|0|\ns3|pending|0|",
	'... step by step');
query($node, "SELECT wf_retry('$run')");
wait_status($node, $run, 'completed', 'it can be retried');
is( query($node, "SELECT string_agg(label, ',' ORDER BY label) FROM effects WHERE run = '$run'"),
	'1,2,3', 'from the step that had not begun');

#
# Cancelled and retried while its step is under way: the step has its effect
# once.
#
set_gate('again', 'false');
query($node, 'ALTER SEQUENCE begun RESTART');
$run = fire($node, $slow, 'five', '{"gate": "again"}');
wait_begun(1, 'the first step is under way');
query($node, "SELECT wf_cancel('$run'); SELECT wf_retry('$run')");
set_gate('again', 'true');
wait_status($node, $run, 'completed', 'cancelled and retried, it completes');
is( query($node, "SELECT string_agg(label, ',' ORDER BY label) FROM effects WHERE run = '$run'"),
	'1,2,3', '... with each effect once');

#
# Long steps of two tenants take turns, though only one may be under way.
#
query($node, qq{
	CREATE FUNCTION nap(params jsonb, context jsonb) RETURNS jsonb
	LANGUAGE plpgsql AS \$\$
	BEGIN
		INSERT INTO effects VALUES (context->'run'->>'id', 'nap');
		PERFORM pg_sleep(1.1);
		RETURN '{}';
	END \$\$;
	SELECT wf_register_action('nap', 'nap(jsonb,jsonb)');
	SELECT wf_define(t, jsonb_build_object('name', 'naps', 'trigger_type', 'naps',
		'steps', (SELECT jsonb_agg(jsonb_build_object('name', 's' || i, 'action', 'nap'))
			FROM generate_series(1, 30) i)))
	FROM unnest('{$quick,$slow}'::uuid[]) t});
my @naps = map { fire($node, $_, 'naps') } $quick, $slow;
wait_for($node, 'postgres', q{SELECT count(*) = 2 FROM workflow_runs
	WHERE current_step >= 2 AND status = 'running'},
	'two runs of long steps both go on');
query($node, "SELECT wf_cancel('$_')") foreach @naps;
wait_for($node, 'postgres', q{SELECT count(*) = 0 FROM pg_stat_activity
	WHERE backend_type = 'workflow_engine worker' AND state = 'active'},
	'their last steps end');

#
# A worker that ends leaves its run to the other one at once, whatever
# poll_interval.
#
set_gate('orphan', 'false');
query($node, 'ALTER SEQUENCE begun RESTART');
$run = fire($node, $slow, 'five', '{"gate": "orphan"}');
wait_begun(1, 'the first step is under way');
query($node, q{ALTER SYSTEM SET workflow_engine.workers = 1});
my $ended = wait_in_step($node, 'one of the workers executes it');
query($node, "SELECT pg_reload_conf(), pg_terminate_backend($ended)");
wait_begun(2, 'another worker executes it');
set_gate('orphan', 'true');
wait_status($node, $run, 'completed', 'it completes');
is( query($node, "SELECT string_agg(label, ',' ORDER BY label) FROM effects WHERE run = '$run'"),
	'1,2,3', '... with each effect once');
query($node, q{ALTER SYSTEM RESET workflow_engine.workers; SELECT pg_reload_conf()});
wait_for($node, 'postgres', 'SELECT count(*) = 2 FROM wf_workers()',
	'there are two workers');

#
# A run that is deleted while its step is under way takes that with it.
#
set_gate('delete', 'false');
query($node, 'ALTER SEQUENCE begun RESTART');
$run = fire($node, $slow, 'five', '{"gate": "delete"}');
wait_begun(1, 'the first step is under way');
query($node, "DELETE FROM workflow_runs WHERE id = '$run'");
set_gate('delete', 'true');
wait_status($node, fire($node, $slow, 'slow', '{"gate": "delete"}'),
	'completed', 'the worker goes on');
is(query($node, "SELECT count(*) FROM effects WHERE run = '$run'"),
	0, 'a step of a deleted run has no effect');

$node->stop;
done_testing();
