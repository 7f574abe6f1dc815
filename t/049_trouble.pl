
# Steps that end their worker, where more comes together: what was left
# behind by them must hold nobody else up, and be booked all the same.

use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Runs;
use WorkflowEngine::Test;

my $tenant = '33333333-3333-3333-3333-333333333333';
my $node = new_node('main', <<'CONF');
restart_after_crash = on
workflow_engine.workers = 2
workflow_engine.poll_interval = '200ms'
workflow_engine.lock_timeout = '300ms'
CONF

$node->safe_psql('postgres', q{
	CREATE EXTENSION workflow_engine;
	CREATE TABLE gate (open boolean);
	INSERT INTO gate VALUES (false);
	CREATE SEQUENCE tries;
	CREATE FUNCTION note(params jsonb, context jsonb) RETURNS jsonb
	LANGUAGE sql AS $$ SELECT '{}'::jsonb $$;
	CREATE FUNCTION linger(params jsonb, context jsonb) RETURNS jsonb
	LANGUAGE plpgsql AS $$
	BEGIN
		FOR i IN 1 .. 6000 LOOP
			EXIT WHEN (SELECT open FROM gate);
			PERFORM pg_sleep(0.01);
		END LOOP;
		RETURN '{}';
	END $$;
	-- does not let itself be cancelled; with "once", after a failure that passes
	CREATE FUNCTION stubborn(params jsonb, context jsonb) RETURNS jsonb
	LANGUAGE plpgsql AS $$
	BEGIN
		IF params ? 'once' AND nextval('tries') = 1 THEN
			RAISE EXCEPTION 'once' USING ERRCODE = '40001';
		END IF;
		LOOP
			BEGIN
				PERFORM pg_sleep(600);
			EXCEPTION WHEN query_canceled THEN
			END;
		END LOOP;
	END $$;
	SELECT wf_register_action('note', 'note(jsonb,jsonb)');
	SELECT wf_register_action('linger', 'linger(jsonb,jsonb)');
	SELECT wf_register_action('stubborn', 'stubborn(jsonb,jsonb)')});

#
# A step that would not be cancelled, at its second attempt: its run was
# waiting, as far as others see.
#
my $stubborn = '{"name": "never", "action": "stubborn", "timeout": "300 ms"';
my $run = define_and_fire($node, $tenant, 'later', $stubborn . ', "params": {"once": true}}');
wait_status($node, $run, 'failed', 'a step that ends its worker at a later attempt fails');
is($node->safe_psql('postgres', 'SELECT last_value FROM tries'),
	2, '... at that attempt');
like($node->safe_psql('postgres', "SELECT attempts || ' ' || error FROM wf_trace('$run')"),
	qr/^2 it went on after its time-out/, '... and says so');

#
# Somebody holds the run's row when its end is to be booked: others go on.
#
# (If this test stood still, the end is booked before: then it is another run.)
my $holder = $node->background_psql('postgres');
my $in_hand = 0;
wait_until(
	sub {
		$holder->query_safe('COMMIT') if $in_hand++;
		$run = define_and_fire($node, $tenant, 'held', $stubborn . '}');
		wait_in_step($node, 'the step is executed');
		return $holder->query_safe(
			"BEGIN; SELECT status FROM workflow_runs WHERE id = '$run' FOR UPDATE") eq
		  'running';
	},
	'somebody holds its row');
my $other = define_and_fire($node, $tenant, 'other', '{"name": "say", "action": "note"}');
wait_status($node, $other, 'completed', 'a run whose row is held keeps no other up');
is(run_status($node, 'postgres', $run), 'running', 'while it waits itself');
$holder->query_safe('COMMIT');
wait_status($node, $run, 'failed', 'it is booked when the row is free');
$holder->quit;

#
# Its end cannot be booked, for whatever reason: the run fails, and the others
# go on.
#
$node->safe_psql('postgres', q{
	CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		IF NEW.error_message LIKE 'step "never": it went on%' THEN
			RAISE EXCEPTION 'not so';
		END IF;
		RETURN NEW;
	END $$;
	CREATE TRIGGER refuse BEFORE UPDATE ON workflow_runs
		FOR EACH ROW EXECUTE FUNCTION refuse()});
$run = define_and_fire($node, $tenant, 'refused', $stubborn . '}');
$other = define_and_fire($node, $tenant, 'other', '{"name": "say", "action": "note"}');
wait_status($node, $run, 'failed', 'a run whose end cannot be booked fails');
is($node->safe_psql('postgres', "SELECT error_message FROM workflow_runs WHERE id = '$run'"),
	'the engine could not process this run: not so', '... with that reason');
wait_status($node, $other, 'completed', 'it holds no other up');
$node->safe_psql('postgres', 'DROP TRIGGER refuse ON workflow_runs');

#
# SIGTERM is not the step's doing, however little is logged.
#
$node->append_conf('postgresql.conf', "log_min_messages = panic\nworkflow_engine.workers = 1");
$node->restart;
$run = define_and_fire($node, $tenant, 'quiet', '{"name": "linger", "action": "linger"}');
foreach my $n (1 .. 4)
{
	my $pid = wait_in_step($node, "the step is executed for the $n. time");
	$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
	wait_until(sub { !kill(0, $pid) }, 'the worker is gone');
}
wait_in_step($node, 'the step is executed again');
$node->safe_psql('postgres', 'UPDATE gate SET open = true');
wait_status($node, $run, 'completed', 'SIGTERM does not count, whatever log_min_messages');
$node->append_conf('postgresql.conf', 'log_min_messages = warning');

#
# On probation, somebody holds the row of a run that is to go on: others do.
#
$node->safe_psql('postgres', 'UPDATE gate SET open = false');
$run = define_and_fire($node, $tenant, 'crash', '{"name": "linger", "action": "linger"}',
	map { qq({"name": "then_$_", "action": "note"}) } 1 .. 300);
kill 'KILL', wait_in_step($node, 'the step is executed');
wait_in_step($node, 'the server has restarted, and executes the step again');
$holder = $node->background_psql('postgres');
$holder->query_safe("BEGIN; SELECT FROM workflow_runs WHERE id = '$run' FOR UPDATE");
$node->safe_psql('postgres', 'UPDATE gate SET open = true');
is(run_status($node, 'postgres', $run), 'running', '... while somebody has its row');
$other = define_and_fire($node, $tenant, 'other', '{"name": "say", "action": "note"}');
wait_status($node, $other, 'completed', 'a run that is held keeps no other up');
$holder->query_safe('COMMIT');
wait_status($node, $run, 'completed', 'it goes on when the row is free');
$holder->quit;

#
# A step that cancels runs which its worker has in the same batch: they take
# no step.
#
$node->safe_psql('postgres', q{
	CREATE TABLE effects (n int);
	CREATE FUNCTION effect(params jsonb, context jsonb) RETURNS jsonb
	LANGUAGE sql AS $$ INSERT INTO effects VALUES (1) RETURNING '{}'::jsonb $$;
	CREATE FUNCTION cancel_others(params jsonb, context jsonb) RETURNS jsonb
	LANGUAGE sql AS $$
		SELECT jsonb_build_object('cancelled', count(*))
		FROM wf_cancel_runs((context->'tenant'->>'id')::uuid, params->>'workflow') $$;
	SELECT wf_register_action('effect', 'effect(jsonb,jsonb)');
	SELECT wf_register_action('cancel_others', 'cancel_others(jsonb,jsonb)')});
$node->restart;    # no probation any more
$node->safe_psql('postgres', "SELECT wf_pause('$tenant')");
my $canceller = define_and_fire($node, $tenant, 'canceller',
	'{"name": "cancel", "action": "cancel_others", "params": {"workflow": "victim"}}');
define_and_fire($node, $tenant, 'victim', '{"name": "do", "action": "effect"}') foreach 1 .. 3;
$node->safe_psql('postgres', "SELECT wf_resume('$tenant')");
wait_status($node, $canceller, 'completed', 'a step cancels others');
is($node->safe_psql('postgres', "SELECT step_results->0->'output'->>'cancelled'
	FROM workflow_runs WHERE id = '$canceller'"), 3, '... three of them');
is($node->safe_psql('postgres', q{SELECT string_agg(DISTINCT r.status, ' '),
	(SELECT count(*) FROM effects) FROM workflow_runs r
	JOIN workflow_definitions d ON d.id = definition_id WHERE d.name = 'victim'}),
	'cancelled|0', 'they are cancelled, and do nothing');

$node->stop;
done_testing();
