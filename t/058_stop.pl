
# Planned stops: what is answered in time is recorded and not sent again; a
# step that may be sent once only is never sent twice.

use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Test;
use WorkflowEngine::Outbound;

my $node = outbound_node('stop', <<'CONF');
restart_after_crash = on
workflow_engine.workers = 1
workflow_engine.max_per_host = 2
workflow_engine.stop_grace = 30s
workflow_engine.poll_interval = 500ms
CONF
my $http = start_receiver('http');
my %once = (retry => { max_attempts => 1 });

sub set
{
	my ($setting) = @_;

	$node->append_conf('postgresql.conf', "workflow_engine.$setting");
	$node->reload;
	return;
}

sub post_to
{
	my ($path, %more) = @_;
	return {
		action => 'webhook',
		params => { url => $http->url($path) },
		%more
	};
}

sub pids
{
	my ($db) = @_;
	return split /\n/,
	  $node->safe_psql(
		'postgres',
		'SELECT pid FROM pg_stat_activity WHERE datname = '
		  . literal($db || 'postgres')
		  . " AND backend_type = 'workflow_engine worker'");
}

sub wait_gone
{
	my ($pid, $what) = @_;

	wait_until(sub { !grep { $_ == $pid } pids() }, $what);
	return;
}

sub sent
{
	my ($run) = @_;
	return scalar grep {
		($_->{headers}{'idempotency-key'} || '') =~ /^\Q$run\E:/
	} $http->requests;
}

sub wait_sent
{
	my (@runs) = @_;

	wait_until(sub { !grep { !sent($_) } @runs }, 'the requests are out');
	return;
}

sub ended
{
	my ($run, $status, $sent, $what) = @_;

	wait_ended($node, $run);
	is(run_status($node, 'postgres', $run), $status, "$what: $status");
	is(sent($run), $sent, "$what: sent $sent time(s)");
	return;
}

#
# A restart of the server, with requests under way and others that wait for
# their place; a native step waits, too.
#
$node->safe_psql('postgres', 'CREATE TABLE seen (id text)');
$node->safe_psql('postgres', q{
	CREATE FUNCTION slow_once(params jsonb, context jsonb) RETURNS jsonb
	LANGUAGE plpgsql AS $$
	BEGIN
		INSERT INTO seen VALUES (params->>'id');
		IF NOT pg_try_advisory_xact_lock(1) THEN
			PERFORM pg_sleep(600);
		END IF;
		RETURN '{}';
	END $$;
	SELECT wf_register_action('slow_once', 'slow_once(jsonb,jsonb)',
		'{"id": {"type": "string"}}');
	});
connection(
	$node,
	name => 'whatsapp',
	kind => 'whatsapp_cloud',
	config => { phone_number_id => '1', base_url => $http->url('/hold') },
	credentials => { access_token => 'token-of-whatsapp' });
my $whatsapp = {
	action => 'whatsapp_notify',
	params => { phone => '+96170123456', template => 'hello' }
};
my %runs = fire_steps(
	$node,
	many => $whatsapp,
	once => { %$whatsapp, %once });
wait_sent(values %runs);
my %queued = fire_steps($node, map { $_ => post_to('/hold', %once) } qw(c d));
wait_for($node, 'postgres', 'SELECT sum(in_flight) = 4 FROM wf_workers()',
	'two more wait for their place');
my $blocker = $node->background_psql('postgres');
$blocker->query_safe('SELECT pg_advisory_lock(1)');
my %native = fire_steps($node,
	native => { action => 'slow_once', params => { id => '{{run.id}}' } });
wait_for($node, 'postgres',
	"SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'",
	'a native step is under way');
$blocker->quit;
my $offset = log_offset($node);
my $stopping = IPC::Run::start(
	[ 'pg_ctl', '-D', $node->data_dir, '-m', 'fast', '-w', '-t', 60, 'stop' ],
	'>', \my $out, '2>', \my $err);
wait_until(
	sub { log_since($node, $offset) =~ /received fast shutdown request/ },
	'the server is told to stop');
ok( WorkflowEngine::Test::poll(
		sub { log_since($node, $offset) =~ /launcher.*exited/ }),
	'the launcher has gone');
unlike(log_since($node, $offset), qr/database system is shut down/,
	'the server waits for answers');
$http->command('release');
ok($stopping->finish, 'then it stops');
$node->{_pid} = undef;
$node->start;
ended($runs{$_}, 'completed', 1, "restart, WhatsApp, $_") foreach qw(many once);
ended($queued{$_}, 'completed', 1, "restart, not yet sent, $_")
  foreach qw(c d);
wait_ended($node, $native{native});
is( $node->safe_psql('postgres', 'SELECT count(*) FROM seen'),
	1, 'the native step was cancelled and took effect once');

#
# The worker alone is told to end: the same.  The second time it ends at once.
#
$http->stop;
$http = start_receiver('http');
%runs = fire_steps($node, told => post_to('/hold'));
wait_sent(values %runs);
my ($pid) = pids();
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
wait_for($node, 'postgres',
	"SELECT count(*) = 1 FROM wf_workers() WHERE state = 'stopping'",
	'it waits for the answer');
%queued = fire_steps($node, later => post_to('/later'));
$http->command('release');
wait_gone($pid, 'it ends when it has come');
ended($runs{told}, 'completed', 1, 'pg_terminate_backend');
ended($queued{later}, 'completed', 1, 'what was fired meanwhile');
is( $node->safe_psql(
		'postgres',
		"SELECT step_results->0->>'attempts' FROM workflow_runs "
		  . "WHERE id = '$runs{told}'"),
	1,
	'in one attempt');
$http->stop;
$http = start_receiver('http');
%runs = fire_steps(
	$node,
	again => post_to('/hold'),
	once => post_to('/hold', %once));
wait_sent(values %runs);
($pid) = pids();
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
wait_for($node, 'postgres',
	"SELECT count(*) = 1 FROM wf_workers() WHERE state = 'stopping'",
	'it waits');
wait_until(
	sub {
		return 1 if !grep { $_ == $pid } pids();
		$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
		return 0;
	},
	'SIGTERM once more ends it');
wait_until(sub { sent($runs{again}) == 2 }, 'what was lost is sent again');
wait_ended($node, $runs{once});

# Its answer may come or not: nobody asked for another request.
sub unknown
{
	my ($run, $what) = @_;

	ended($run, 'failed', 1, $what);
	like(
		$node->safe_psql('postgres',
			"SELECT error_message FROM workflow_runs WHERE id = '$run'"),
		qr/delivery unknown: the worker that sent the request ended/,
		"$what: its error says so");
	return;
}
unknown($runs{once}, 'max_attempts 1');

#
# SIGKILL.
#
%queued = fire_steps($node, once => post_to('/hold', %once));
wait_sent(values %queued);
($pid) = pids();
kill 'KILL', $pid;
wait_until(
	sub {
		my ($now) = try_query($node, 'postgres', 'SELECT pid FROM wf_workers()');
		return $now && $now ne $pid;
	},
	'another worker');
unknown($queued{once}, 'SIGKILL, max_attempts 1');
$http->command('release');
ended($runs{again}, 'completed', 3, 'without it');

#
# Nor does the library send it again, over a new connection, if the one that
# it had kept open breaks before an answer.
#
foreach my $case ([ 'once', 1, 'failed' ], [ 'as usual', 2, 'completed' ])
{
	my ($what, $sent, $status) = @$case;
	my %step = $sent == 1 ? %once : ();

	$http->stop;
	$http = start_receiver('http');
	%runs = fire_steps($node, first => post_to('/close-reused', %step));
	ended($runs{first}, 'completed', 1, "first, $what");
	%runs = fire_steps($node, second => post_to('/close-reused', %step));
	ended($runs{second}, $status, $sent, "over the same connection, $what");
}

#
# No answer within stop_grace; a step that traps its cancellation.
#
$http->stop;
$http = start_receiver('http');
set('stop_grace = 200ms');
%runs = fire_steps(
	$node,
	again => post_to('/hold'),
	once => post_to('/hold', %once));
wait_sent(values %runs);
$node->restart;
wait_until(sub { sent($runs{again}) == 2 }, 'what was not answered is sent again');
unknown($runs{once}, 'stop_grace is over');
$http->command('release');
ended($runs{again}, 'completed', 2, 'stop_grace is over');
set('stop_grace = 30s');
$node->safe_psql('postgres', q{
	CREATE FUNCTION traps(params jsonb, context jsonb) RETURNS jsonb
	LANGUAGE plpgsql AS $$
	BEGIN
		LOOP
			BEGIN
				PERFORM pg_sleep(600);
			EXCEPTION WHEN query_canceled THEN
				NULL;
			END;
		END LOOP;
	END $$;
	SELECT wf_register_action('traps', 'traps(jsonb,jsonb)', '{}');
	});
%runs = fire_steps($node, traps => { action => 'traps' });
wait_for($node, 'postgres',
	"SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'",
	'a step that traps its cancellation is under way');
$node->stop;
pass('and does not hold up the server');
$node->start;
$node->safe_psql('postgres', "SELECT wf_cancel('$runs{traps}')");
($pid) = pids();
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)") if $pid;

#
# Under a smart shutdown workers go on until the last client has left.
#
my $client = $node->background_psql('postgres');
$client->query_safe('SELECT 1');
%runs = fire_steps($node, before => post_to('/smart'));
wait_ended($node, values %runs);
$offset = log_offset($node);
$stopping = IPC::Run::start(
	[ 'pg_ctl', '-D', $node->data_dir, '-m', 'smart', '-w', '-t', 60, 'stop' ],
	'>', \$out, '2>', \$err);
wait_until(
	sub { log_since($node, $offset) =~ /received smart shutdown request/ },
	'a smart shutdown has begun');
my $run = $client->query_safe(
	q{SELECT wf_fire(tenant_id, trigger_type, '{}') FROM workflow_definitions
	WHERE id = (SELECT definition_id FROM workflow_runs WHERE id = '}
	  . $runs{before} . q{')});
ok( WorkflowEngine::Test::poll(
		sub {
			return $client->query_safe(
				"SELECT status FROM workflow_runs WHERE id = '$run'") eq
			  'completed';
		}),
	'a run that is fired now is executed');
unlike(log_since($node, $offset), qr/worker for database .* stops/,
	'the worker goes on');
$client->quit;
ok($stopping->finish, 'the server stops when the client has left');
$node->{_pid} = undef;
$node->start;

#
# Commands that need the workers gone.
#
$http->stop;
$http = start_receiver('http');
foreach my $db (qw(renamed dropped))
{
	$node->safe_psql('postgres', "CREATE DATABASE $db");
	$node->safe_psql(
		$db, q{
		CREATE EXTENSION workflow_engine;
		SELECT wf_define('} . $tenant . q{', '} . to_json(
			{
				name => 'held',
				trigger_type => 'held',
				steps => [ { name => 'go', %{ post_to("/hold/$db") } } ]
			})
		  . q{');
		SELECT wf_fire('} . $tenant . q{', 'held', '{}');
		});
}
$http->wait_requests(2);
$offset = log_offset($node);
$node->safe_psql('postgres', 'DROP DATABASE dropped');
like(
	log_since($node, $offset),
	qr/worker for database "dropped" stops: it was asked to, at once/,
	'DROP DATABASE waits for no answer');
my $renaming = IPC::Run::start(
	[
		'psql', '-X', '-d', $node->connstr('postgres'), '-c',
		'ALTER DATABASE renamed RENAME TO new_name'
	],
	'>', \$out, '2>', \$err);
wait_for($node, 'postgres',
	"SELECT count(*) = 1 FROM wf_workers() WHERE database = 'renamed' "
	  . "AND state = 'stopping'",
	'RENAME waits');
$http->command('release');
ok($renaming->finish, 'ALTER DATABASE RENAME waits for the answer');
wait_for($node, 'new_name',
	q{SELECT status = 'completed' AND step_results->0->>'attempts' = '1'
	FROM workflow_runs},
	'and that is recorded');
is(scalar(() = $http->requests), 2, 'neither was sent again');

$node->stop;
$http->stop;
done_testing();
