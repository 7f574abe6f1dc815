
# Locks and time limits: one run that waits makes no other wait, and nothing
# waits for ever.

use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Runs;
use WorkflowEngine::Test;

my $tenant = '11111111-1111-1111-1111-111111111111';
my $node = new_node('main', <<'CONF');
workflow_engine.workers = 1
workflow_engine.poll_interval = '200ms'
workflow_engine.lock_timeout = '60s'
CONF

$node->safe_psql('postgres', qq{
	CREATE EXTENSION workflow_engine;
	CREATE TABLE orders (id int PRIMARY KEY, n int NOT NULL DEFAULT 0);
	INSERT INTO orders SELECT generate_series(1, 40);
	CREATE TABLE notes (id int);
	CREATE FUNCTION slow(params jsonb, context jsonb) RETURNS jsonb
	LANGUAGE plpgsql AS \$\$
	BEGIN INSERT INTO notes VALUES (-1); PERFORM pg_sleep(600); RETURN '{}';
	END \$\$;
	-- one that does not let itself be cancelled
	CREATE FUNCTION stubborn(params jsonb, context jsonb) RETURNS jsonb
	LANGUAGE plpgsql AS \$\$
	BEGIN
		INSERT INTO notes VALUES (-2);
		LOOP
			BEGIN
				PERFORM pg_sleep(600);
			EXCEPTION WHEN query_canceled THEN
			END;
		END LOOP;
	END \$\$;
	SELECT wf_register_action('slow', 'slow(jsonb,jsonb)');
	SELECT wf_register_action('stubborn', 'stubborn(jsonb,jsonb)');
	SELECT wf_define('$tenant', '{"name": "orders", "trigger_type": "order",
		"steps": [
		{"name": "before", "action": "insert_record", "params":
			{"table": "notes", "fields": {"id": "{{trigger.id}}"}}},
		{"name": "mark", "action": "update_record", "params":
			{"table": "orders", "id": "{{trigger.id}}", "fields": {"n": 1}}}]}');
	SELECT wf_define('$tenant', '{"name": "slow", "trigger_type": "slow",
		"steps": [{"name": "take_long", "action": "slow", "timeout": "200 ms"}]}');
	SELECT wf_define('$tenant', '{"name": "anyway", "trigger_type": "anyway",
		"steps": [
		{"name": "take_long", "action": "slow", "timeout": "200 ms",
		 "on_error": "continue"},
		{"name": "after", "action": "insert_record", "params":
			{"table": "notes", "fields": {"id": 1000}}}]}');
	SELECT wf_define('$tenant', '{"name": "stubborn", "trigger_type": "stubborn",
		"steps": [{"name": "never", "action": "stubborn", "timeout": "100 ms"}]}');
	SELECT wf_define('$tenant', '{"name": "default", "trigger_type": "default",
		"steps": [{"name": "take_long", "action": "slow"}]}')});

sub lock_row
{
	my ($session, $id) = @_;

	$session->query_safe('BEGIN');
	$session->query_safe("SELECT n FROM orders WHERE id = $id FOR UPDATE");
	return;
}

my $waits = q{SELECT count(*) = 1 FROM pg_stat_activity
	WHERE backend_type = 'workflow_engine worker'
	AND wait_event_type = 'Lock'};
my $session = $node->background_psql('postgres');
my $pid = worker_pid($node);

# The first of a batch finds its row locked.
lock_row($session, 1);
$node->safe_psql('postgres', qq{
	SELECT wf_fire('$tenant', 'order', jsonb_build_object('id', i))
	FROM generate_series(1, 20) i});
wait_for($node, 'postgres',
	"SELECT count(*) = 19 FROM workflow_runs WHERE status = 'completed'",
	'the others of its batch complete');
wait_for($node, 'postgres', $waits, 'while it waits');
wait_for($node, 'postgres', q{
	SELECT (status, current_step, jsonb_array_length(step_results)) = ('running', 1, 1)
	FROM workflow_runs WHERE status <> 'completed'},
	'with what it did before recorded');
$session->query_safe('COMMIT');
wait_for($node, 'postgres',
	"SELECT count(*) = 20 FROM workflow_runs WHERE status = 'completed'",
	'released, it completes');
is( $node->safe_psql('postgres',
		'SELECT count(*), count(DISTINCT id) FROM notes'),
	'20|20',
	'and did nothing twice');
is( $node->safe_psql('postgres', q{
		SELECT count(*), bool_and((s->>'attempts')::int = 1
			AND NOT s ? 'failed_attempts')
		FROM workflow_runs, jsonb_array_elements(step_results) s}),
	'40|t',
	'waiting for the lock is no attempt of the step');

# It waits for so long and no longer.
set_and_reload($node, 'workflow_engine.lock_timeout', '300ms');
lock_row($session, 21);
my $locked = fire($node, $tenant, 'order', '{"id": 21}');
wait_status($node, $locked, 'failed', 'a lock is waited for as long as set');
is( $node->safe_psql('postgres',
		"SELECT error_message FROM workflow_runs WHERE id = '$locked'"),
	'step "mark": canceling statement due to lock timeout '
	  . '(while updating tuple (0,21) in relation "orders")',
	'the error is the words of PostgreSQL, and what was locked');
my $next = fire($node, $tenant, 'order', '{"id": 22}');
wait_status($node, $next, 'completed', 'the worker goes on');

# Each step has that time: what the one before took of it does not count.
set_and_reload($node, 'workflow_engine.lock_timeout', '2s');
$session->query_safe('ROLLBACK');
lock_row($session, 29);
my $second = $node->background_psql('postgres');
lock_row($second, 30);
$node->safe_psql('postgres', qq{
	SELECT wf_define('$tenant', '{"name": "both", "trigger_type": "both",
		"steps": [
		{"name": "one", "action": "update_record", "params":
			{"table": "orders", "id": 29, "fields": {"n": 1}}},
		{"name": "two", "action": "update_record", "params":
			{"table": "orders", "id": 30, "fields": {"n": 1}},
		 "retry": {"max_attempts": 1}}]}')});
my $both = fire($node, $tenant, 'both');
wait_for($node, 'postgres', "SELECT clock_timestamp() > queued_at + '1 s'
	FROM workflow_runs WHERE id = '$both'", 'the first step waits');
$session->query_safe('COMMIT');
$session->query_safe('BEGIN');
wait_status($node, $both, 'failed', 'the second step waits, too');
is($node->safe_psql('postgres', qq{
	SELECT completed_at - (step_results->0->>'started_at')::timestamptz
		- '1 ms'::interval * (step_results->0->>'duration_ms')::float8 > '1.7 s'
	FROM workflow_runs WHERE id = '$both'}), 't', '... for as long as set');
$second->quit;
set_and_reload($node, 'workflow_engine.lock_timeout', '300ms');

# A whole table locked makes nobody hang.
$session->query_safe('ROLLBACK');
$session->query_safe('BEGIN');
$session->query_safe('LOCK TABLE orders IN ACCESS EXCLUSIVE MODE');
my @all = map { fire($node, $tenant, 'order', "{\"id\": $_}") } 23 .. 26;
my $slow = fire($node, $tenant, 'slow');
wait_for($node, 'postgres',
	"SELECT count(*) = 4 FROM workflow_runs WHERE status = 'failed' "
	  . "AND error_message LIKE 'step \"mark\": %lock timeout (waited for table public.orders)'",
	'a locked table fails those that want it');
$session->query_safe('ROLLBACK');

# Steps that take too long.
wait_status($node, $slow, 'failed', 'a step that exceeds its time-out fails');
is( $node->safe_psql('postgres', qq{
		SELECT error_message LIKE 'step "take_long": %200 ms%',
		step_results->0->>'status', current_step
		FROM workflow_runs WHERE id = '$slow'}),
	't|failed|0',
	'and the time-out is named');
is($node->safe_psql('postgres', 'SELECT count(*) FROM notes WHERE id = -1'),
	'0', 'what it did is undone');
my $anyway = fire($node, $tenant, 'anyway');
wait_status($node, $anyway, 'completed', 'on_error continue goes on after it');
is($node->safe_psql('postgres', 'SELECT count(*) FROM notes WHERE id = 1000'),
	'1', 'with the next step');
set_and_reload($node, 'workflow_engine.step_timeout', '100ms');
my $default = fire($node, $tenant, 'default');
wait_status($node, $default, 'failed', 'without one of its own, step_timeout is');

# The steps that follow are not to be cut off where the machine stands still.
set_and_reload($node, 'workflow_engine.step_timeout', '1min');

is($node->safe_psql('postgres', 'SELECT pid FROM wf_workers()'),
	$pid, 'the worker is the same all the while');

# A step that traps its cancellation: the worker ends, the run fails, and the
# next worker goes on.
my $stubborn = fire($node, $tenant, 'stubborn');
wait_status($node, $stubborn, 'failed',
	'a step that cannot be cancelled fails its run');
my $after = fire($node, $tenant, 'order', '{"id": 27}');
wait_status($node, $after, 'completed', 'and others go on');
is($node->safe_psql('postgres', 'SELECT count(*) FROM notes WHERE id = -2'),
	'0', 'what it did is undone');

# The log: a line a failed run, none a step or for a run that completes.
my $log = slurp_file($node->logfile);
for my $failed ($locked, $slow, $default, @all)
{
	is(() = $log =~ /\Q$failed\E/g, 1, 'one log line for a failed run');
}
for my $good ($next, $anyway, $after)
{
	is(() = $log =~ /\Q$good\E/g, 0, 'none for one that completes');
}
unlike($log, qr/ERROR: .*(lock timeout|time-out)/,
	'a failed step is no error in the log');

$session->quit;
$node->stop;
done_testing();
