
# What makes a worker look: a commit, NOTIFY, the sweep, the clock.  What it
# announces.  And what it does when its own tick fails.

use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Runs;
use WorkflowEngine::Test;

my $tenant = '11111111-1111-1111-1111-111111111111';
my $fire = "SELECT wf_fire('$tenant', 'e', '{\"n\": %d}')";

my $setup = qq{
	CREATE TABLE done (n int CHECK (n <> 13));
	SELECT wf_define('$tenant', '{"name": "w", "trigger_type": "e",
		"steps": [{"name": "note", "action": "insert_record",
		"params": {"table": "done", "fields": {"n": "{{trigger.n}}"}}}]}')};

# Without the library preloaded.
my $plain = new_node('plain', '', preload => 0);
my ($rc, $out, $err) =
  $plain->psql('postgres', 'CREATE EXTENSION workflow_engine');
is($rc, 0, 'CREATE EXTENSION without shared_preload_libraries');
like($err, qr/HINT:.*shared_preload_libraries/s, 'says what is missing');
$plain->safe_psql('postgres', $setup);
$plain->safe_psql('postgres', sprintf($fire, 1));
is( $plain->safe_psql('postgres',
		q{SELECT status, (SELECT count(*) FROM wf_history('{"n": 1}')),
		  (SELECT count(*) FROM wf_trace(id)),
		  (SELECT count(*) FROM wf_workers()) FROM workflow_runs}),
	'queued|1|1|0',
	'functions work and runs queue');
$plain->append_conf('postgresql.conf',
	"shared_preload_libraries = 'workflow_engine'\n");
$plain->restart;
wait_for($plain, 'postgres', 'SELECT count(*) = 1 FROM done',
	'preloaded, they are executed');
$plain->stop;

# With a worker that does not look by itself.
my $node = new_node('main',
	"workflow_engine.poll_interval = '1h'\nworkflow_engine.workers = 1\n",
	init => [ extra => [ '--encoding=UTF8', '--locale=C' ] ]);
my $n = 1;

# Fires a run with a number of its own; returns that.
sub fire_next
{
	$n++;
	$node->safe_psql('postgres', sprintf($fire, $n));
	return $n;
}

sub wait_done
{
	my ($number, $what) = @_;

	wait_for($node, 'postgres',
		"SELECT count(*) = 1 FROM done WHERE n = $number", $what);
	return;
}

$node->safe_psql('postgres', 'CREATE EXTENSION workflow_engine');
$node->safe_psql('postgres', $setup);
wait_done(fire_next(), 'a commit wakes');

my $by_hand = q{INSERT INTO workflow_runs (definition_id, trigger_payload)
	SELECT id, '{"n": %d}' FROM workflow_definitions WHERE name = 'w'};
$node->safe_psql('postgres', sprintf($by_hand, 100));
$node->safe_psql('postgres', 'NOTIFY workflow_engine');
wait_done(100, 'NOTIFY workflow_engine wakes');

$node->safe_psql('postgres',
	sprintf("BEGIN; $fire; PREPARE TRANSACTION 'p'", 101));
wait_done(fire_next(), 'others go on');
is($node->safe_psql('postgres', 'SELECT count(*) FROM done WHERE n = 101'),
	'0', 'a prepared transaction has fired nothing yet');
$node->safe_psql('postgres', "COMMIT PREPARED 'p'");
set_and_reload($node, 'workflow_engine.poll_interval', '100ms');
wait_done(101, 'a reload finds what a prepared transaction fired');
for my $i (111, 112)
{
	$node->safe_psql('postgres',
		sprintf("BEGIN; $fire; PREPARE TRANSACTION 'p'", $i));
	$node->safe_psql('postgres', "COMMIT PREPARED 'p'");
	wait_done($i, 'the sweep alone finds it, time and again');
}
set_and_reload($node, 'workflow_engine.poll_interval', '1h');
$node->safe_psql('postgres', sprintf($by_hand, 102));
wait_done(102, 'a row inserted by hand wakes');

# Not before.
$node->safe_psql('postgres',
	"SELECT wf_fire('$tenant', 'e', '{\"n\": 200}', NULL, now() + interval '1 hour')"
);
wait_done(fire_next(), 'runs that are due go on');
is( $node->safe_psql('postgres',
		q{SELECT status FROM workflow_runs WHERE trigger_payload = '{"n": 200}'}),
	'queued',
	'one that is not yet due waits');
set_and_reload($node, 'workflow_engine.clock_offset', '3601');
wait_done(200, 'until its time has come');
is( $node->safe_psql('postgres',
		q{SELECT started_at >= run_at AND started_at > queued_at + interval '59 min'
		  FROM workflow_runs WHERE trigger_payload = '{"n": 200}'}),
	't',
	'by the same clock');
set_and_reload($node, 'workflow_engine.clock_offset', '0');

# For later, while all workers sleep for as long as poll_interval: they are
# woken to set their timer.  Asleep, a worker's session has not changed for
# longer than the second after which it comes to rest.
sub wait_asleep
{
	my ($what) = @_;

	wait_for($node, 'postgres', q{
		SELECT bool_and(state = 'idle' AND clock_timestamp() - state_change > '1.2 s')
		FROM pg_stat_activity WHERE backend_type = 'workflow_engine worker'},
		$what);
	return;
}

# The moment since when the worker has slept.
sub asleep_since
{
	return $node->safe_psql('postgres', q{
		SELECT max(state_change) FROM pg_stat_activity
		WHERE backend_type = 'workflow_engine worker'});
}

my $fire_at = "SELECT wf_fire('$tenant', 'e', '{\"n\": %d}', NULL, now() + interval '%s')";
wait_asleep('the worker is at rest');
$node->safe_psql('postgres', sprintf($fire_at, 201, '300 ms'));
wait_done(201, 'a run for later wakes a worker at rest');
wait_asleep('it rests again');
$node->safe_psql('postgres',
	sprintf($fire_at, 202, '1 day') . ';' . sprintf($fire_at, 203, '300 ms'));
wait_done(203, 'the earlier of two does');
wait_asleep('its timer stands at tomorrow');
$node->safe_psql('postgres', qq{
	SELECT wf_fire('$tenant', 'e', jsonb_build_object('n', 10000 + g), NULL,
		now() + CASE WHEN g <= 64 THEN interval '2 days' ELSE '300 ms' END)
	FROM generate_series(1, 200) g});
wait_for($node, 'postgres', 'SELECT count(*) = 136 FROM done WHERE n > 10000',
	'and those beyond the 64 that are named at the commit');

# Something or other in the server wakes every process about once a minute, so
# that they were executed at all proves nothing.
is( $node->safe_psql('postgres', q{
		SELECT count(*), bool_and(started_at - run_at < '20 s') FROM workflow_runs
		WHERE status = 'completed' AND ((trigger_payload->>'n')::int IN (201, 203)
			OR (trigger_payload->>'n')::int > 10000)}),
	'138|t',
	'they were on time');

# A worker that stood still comes to rest later than it seems, and then it has not slept
# all the while: so it is looked at again.
wait_until(
	sub {
		wait_asleep('it rests until then');
		my $since = asleep_since();
		foreach my $i (1 .. 5)
		{
			$node->safe_psql('postgres', sprintf($fire_at, 210 + $i, '2 days'));
			$node->safe_psql('postgres', qq{
				SELECT wf_fire('$tenant', 'e', '{"n": 216}', NULL,
					now() + interval '2 days') FROM generate_series(1, 100)});
		}
		return asleep_since() eq $since;
	},
	'what is due after that wakes nobody');
wait_done(fire_next(), 'but what is due now does');

# Announcements.
my $listener = $node->background_psql('postgres');
$listener->query('LISTEN workflow_events');

# Reads notifications until one matches; returns all of them.
sub hear
{
	my ($pattern, $what) = @_;
	my $heard = '';

	wait_until(
		sub {
			$heard .= $listener->query('SELECT 1');
			return $heard =~ $pattern;
		},
		$what);
	return $heard;
}

my $good = $node->safe_psql('postgres', sprintf($fire, 300));
wait_done(300, 'one that completes');
my $bad = $node->safe_psql('postgres', sprintf($fire, 13));
my $heard = hear(qr/\Q$bad\E/, 'a failed run is announced');
my ($payload) = $heard =~ /with payload "(\{.*\})" received/;
is( $node->safe_psql('postgres', qq{
		SELECT '$payload'::jsonb
			= '{"run_id": "$bad", "status": "failed"}'::jsonb}),
	't',
	'with its id and status, and nothing else');
unlike($heard, qr/\Q$good\E/, 'one that completed is not');
set_and_reload($node, 'workflow_engine.notify_events', 'all');
$good = $node->safe_psql('postgres', sprintf($fire, 301));
hear(qr/\Q$good\E.*completed/, 'it is where all are');
set_and_reload($node, 'workflow_engine.notify_events', 'none');
$bad = $node->safe_psql('postgres', sprintf($fire, 13));
wait_for($node, 'postgres',
	"SELECT status = 'failed' FROM workflow_runs WHERE id = '$bad'",
	'another fails');
set_and_reload($node, 'workflow_engine.notify_events', 'all');
my $next = $node->safe_psql('postgres', sprintf($fire, 302));
unlike(hear(qr/\Q$next\E/, 'the next one is announced'),
	qr/\Q$bad\E/, 'that one was not');

# The log: one line a failed run, none a step.
my $log = slurp_file($node->logfile);
is(() = $log =~ /LOG: .*\Q$bad\E/g, 1, 'one line for a failed run');
is(() = $log =~ /\Q$good\E/g, 0, 'none for one that completed');

# One run that the engine cannot save: it fails, and nobody else.
$node->safe_psql('postgres', q{
	CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN RAISE EXCEPTION 'not this one %', repeat('€', 5000); END $$;
	CREATE TRIGGER refuse BEFORE UPDATE ON workflow_runs FOR EACH ROW
	WHEN (new.status = 'completed' AND new.trigger_payload ? 'poison')
	EXECUTE FUNCTION refuse()});
$node->safe_psql('postgres', qq{
	SELECT wf_fire('$tenant', 'e', jsonb_build_object('n', 1000 + i)
		|| CASE WHEN i = 25 THEN '{"poison": true}' ELSE '{}' END::jsonb)
	FROM generate_series(1, 50) i});
wait_for($node, 'postgres',
	'SELECT count(*) = 49 FROM done WHERE n BETWEEN 1001 AND 1050',
	'runs beside one that cannot be saved complete');
wait_for($node, 'postgres',
	q{SELECT status = 'failed' AND error_message LIKE '%not this one%'
	  FROM workflow_runs WHERE trigger_payload ? 'poison'},
	'which fails and says why');
$bad = $node->safe_psql('postgres',
	q{SELECT id FROM workflow_runs WHERE trigger_payload ? 'poison'});
hear(qr/\Q$bad\E[^}]*failed/, 'and is announced like every other that fails');
$listener->quit;
wait_for($node, 'postgres',
	"SELECT last_error LIKE '%not this one%' FROM wf_workers()",
	'and the worker shows its error');
is( $node->safe_psql('postgres', qq{
		SET workflow_engine.tenant_id = '$_';
		SELECT state IS NOT NULL, in_flight, runs_done, steps_done, last_error
		FROM wf_workers()}),
	't||||',
	"but not to a session that is bound to $_")
  foreach '00000000-0000-0000-0000-0000000000ff', 'none';
is( $node->safe_psql('postgres', q{
		SELECT convert_from(convert_to(error_message, 'UTF8'), 'UTF8') ~ 'not this one €+$',
			(SELECT bool_and(convert_from(convert_to(last_error, 'UTF8'), 'UTF8')
				~ 'not this one €+$') FROM wf_workers())
		FROM workflow_runs WHERE trigger_payload ? 'poison'}),
	't|t',
	'a long error is cut between characters');

# A lock is waited for while the clock is set back: not until the old time.
set_and_reload($node, 'workflow_engine.lock_timeout', '10min');
set_and_reload($node, 'workflow_engine.clock_offset', '36000');
wait_until(
	sub {
		fire_next();
		return $node->safe_psql('postgres',
			q{SELECT max(started_at) > now() + '9 hours' FROM workflow_runs}) eq 't';
	},
	'the worker has the other clock');
my $holder = $node->background_psql('postgres');
$holder->query_safe('BEGIN; LOCK TABLE done');
fire_next();
wait_for($node, 'postgres', q{SELECT count(*) = 1 FROM pg_stat_activity
	WHERE backend_type = 'workflow_engine worker' AND wait_event_type = 'Lock'},
	'a step waits for a lock');
set_and_reload($node, 'workflow_engine.clock_offset', '0');
$holder->query_safe('COMMIT');
$holder->quit;
wait_done($n, 'a clock that is set back does not keep it waiting');
is($node->safe_psql('postgres', "SELECT step_results->0->>'attempts'
	FROM workflow_runs WHERE trigger_payload = '{\"n\": $n}'"), '1',
	'waiting for a lock is no attempt');

# Nothing works for a while: the worker goes on trying, and never spins.
my $pid = $node->safe_psql('postgres', 'SELECT pid FROM wf_workers()');
$node->safe_psql('postgres',
	'ALTER INDEX workflow_runs_pkey RENAME TO workflow_runs_away');
my $start = time();
my $offset = -s $node->logfile;
my $failures = sub {
	$node->safe_psql('postgres', 'NOTIFY workflow_engine');
	return () =
	  slurp_file($node->logfile, $offset) =~ /ERROR: .*workflow_runs_pkey/g;
};
fire_next();
wait_until(sub { return $failures->() >= 3 }, 'its ticks fail');
cmp_ok(time() - $start, '>=', 2, 'ever more rarely, whoever wakes it');
set_and_reload($node, 'workflow_engine.clock_offset', '36000');
wait_until(sub { return $failures->() >= 4 }, 'and by the clock');
wait_for($node, 'postgres',
	"SELECT last_error LIKE '%workflow_runs_pkey%' FROM wf_workers()",
	'wf_workers() shows why');
$node->safe_psql('postgres',
	'ALTER INDEX workflow_runs_away RENAME TO workflow_runs_pkey');
set_and_reload($node, 'workflow_engine.clock_offset', '0');
wait_done($n, 'then it goes on, though the clock was set back while it paused');
is($node->safe_psql('postgres', 'SELECT pid FROM wf_workers()'),
	$pid, 'in the same process');

$node->stop;
done_testing();
