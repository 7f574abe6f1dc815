
# At least once, and never more than once for what the database does: workers
# and servers that end at the worst moment, between a request and its answer.

use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Runs;
use WorkflowEngine::Test;
use WorkflowEngine::Outbound;

my $node = outbound_node('delivery', <<'CONF');
restart_after_crash = on
workflow_engine.workers = 1
workflow_engine.http_timeout = 60s
workflow_engine.poll_interval = 500ms
workflow_engine.stop_grace = 0
CONF

$node->safe_psql(
	'postgres', q{
	CREATE TABLE counter (id text PRIMARY KEY, before int NOT NULL DEFAULT 0,
		after int NOT NULL DEFAULT 0);
	CREATE FUNCTION count_up(params jsonb, context jsonb) RETURNS jsonb
	LANGUAGE plpgsql AS $$
	BEGIN
		IF params->>'which' = 'before' THEN
			INSERT INTO counter VALUES (params->>'id', 1)
			ON CONFLICT (id) DO UPDATE SET before = counter.before + 1;
		ELSE
			UPDATE counter SET after = after + 1 WHERE id = params->>'id';
		END IF;
		RETURN '{}';
	END $$;
	SELECT wf_register_action('count_up', 'count_up(jsonb,jsonb)',
		'{"which": {"type": "string"}, "id": {"type": "string"}}');
	});

my $count = {
	action => 'count_up', params => { which => 'before', id => '{{run.id}}' }
};

# A step between two that count; each must count once.
sub between
{
	my (%step) = @_;
	return {
		steps => [
			{ name => 'before', %$count },
			{ name => 'send', %step },
			{
				name => 'after',
				%$count,
				params => { which => 'after', id => '{{run.id}}' } } ] };
}

sub post_to
{
	my ($url) = @_;
	return between(
		action => 'webhook',
		params => { url => $url, body => { run => '{{run.id}}' } },
		retry => { max_attempts => 9 });
}

# The run has completed, its request was sent so often under one key, and its
# native steps took effect once.
sub check_run
{
	my ($run, $attempts, $what) = @_;
	wait_ended($node, $run);
	my %got = results($node, run => $run);
	my $send = $got{run}{steps}[1];

	is($got{run}{run_status}, 'completed', "$what: the run completes")
	  or diag(to_json($got{run}));
	is($send->{attempts}, $attempts, "$what: attempts are counted");
	is( $node->safe_psql(
			'postgres', "SELECT before, after FROM counter WHERE id = '$run'"),
		'1|1',
		"$what: the native steps took effect once");
	return;
}

sub send_status
{
	my ($run) = @_;
	return $node->safe_psql('postgres',
		q{SELECT string_agg(status || ' ' || attempts, ', ' ORDER BY step) }
		  . "FROM wf_trace('$run')");
}

#
# While a request is under way nothing is held open.
#
my $http = start_receiver('http', '--prefix', '/hold');
my %runs = fire_steps($node, held => post_to($http->url));
$http->wait_requests(1);
is(send_status($runs{held}),
	'completed 1, running 1, pending 0',
	'the intent is committed while the request is under way');
is(run_status($node, 'postgres', $runs{held}), 'running', 'the run is running');
wait_for(
	$node, 'postgres', q{
	SELECT count(*) = 1 AND bool_and(xact_start IS NULL
		AND backend_xmin IS NULL AND backend_xid IS NULL)
	FROM pg_stat_activity WHERE backend_type = 'workflow_engine worker'},
	'no transaction and no snapshot is open');
# (twice a second the worker looks whether there is something to do)
wait_for(
	$node, 'postgres', q{
	SELECT count(*) = 0 FROM pg_locks l JOIN pg_stat_activity a USING (pid)
	WHERE a.backend_type = 'workflow_engine worker'
		AND l.locktype IN ('relation', 'tuple', 'transactionid')},
	'no lock is held');
wait_for(
	$node, 'postgres',
	'SELECT count(*) = 1 FROM (SELECT FROM workflow_runs FOR UPDATE NOWAIT) r',
	'the row of the run can be locked');
wait_for($node, 'postgres', 'SELECT sum(in_flight) = 1 FROM wf_workers()',
	'wf_workers() knows of the transfer');

#
# SIGKILL of the worker.  The server restarts, the next worker sends again.
#
my $pid = worker_pid($node);
kill 'KILL', $pid;
my @requests = $http->wait_requests(2);
isnt(worker_pid($node), $pid, 'another worker');
is(send_status($runs{held}),
	'completed 1, running 2, pending 0',
	'after SIGKILL the step is under way again');
$http->command('release');
check_run($runs{held}, 2, 'SIGKILL');
@requests = $http->requests;
is(scalar @requests, 2, 'SIGKILL: two requests');
is($requests[$_]{headers}{'idempotency-key'},
	"$runs{held}:send", 'SIGKILL: with the same key')
  foreach 0, 1;
is($requests[0]{body}, $requests[1]{body}, 'SIGKILL: and body');
$http->stop;

#
# SIGTERM of the worker, thrice: that is nobody's fault.
#
$http = start_receiver('http', '--prefix', '/hold');
%runs = fire_steps($node, held => post_to($http->url));
foreach my $n (1 .. 4)
{
	$http->wait_requests($n);
	last if $n == 4;
	$pid = worker_pid($node);
	is( $node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)"),
		't', 'SIGTERM');
}
$http->command('release');
check_run($runs{held}, 4, 'SIGTERM');
is( join(' ', map { $_->{headers}{'idempotency-key'} } $http->requests),
	join(' ', ("$runs{held}:send") x 4),
	'SIGTERM: four requests with the same key');
$http->stop;

#
# A restart of the server.
#
$http = start_receiver('http', '--prefix', '/hold');
%runs = fire_steps($node, map { ("held$_" => post_to($http->url)) } 1 .. 5);
$http->wait_requests(5);
$node->stop('fast');
$node->start;
$http->wait_requests(10);
$http->command('release');
check_run($runs{$_}, 2, "restart, $_") foreach sort keys %runs;
is(scalar(() = $http->requests), 10, 'restart: each was sent twice');
$http->stop;

#
# A mail has the same Message-ID when it is sent again.
#
my $smtp = start_receiver('smtp', '--hang', 'kept');
connection(
	$node,
	name => 'email',
	kind => 'smtp',
	config => {
		url => 'smtp://127.0.0.1:' . $smtp->port,
		starttls => 'never',
		from => 'a@example.com' });
%runs = fire_steps(
	$node,
	mail => {
		action => 'send_email',
		params => { to => 'b@example.com', subject => 's', body => 'b' } });
$smtp->wait_requests(1);
$node->safe_psql('postgres',
	'SELECT pg_terminate_backend(' . worker_pid($node) . ')');
my @mails = $smtp->wait_requests(2);
like($mails[0]{headers}{'message-id'}, qr/\Q$runs{mail}\E/, 'a Message-ID');
is( $mails[1]{headers}{'message-id'},
	$mails[0]{headers}{'message-id'},
	'... and the same when the mail is sent again');
$smtp->stop;
wait_ended($node, $runs{mail});
is(run_status($node, 'postgres', $runs{mail}),
	'failed', 'a mail server that goes away fails the step');
like(
	$node->safe_psql('postgres',
		"SELECT error_message FROM workflow_runs WHERE id = '$runs{mail}'"),
	qr/delivery unknown/,
	'... which says that it may have been delivered');

#
# The whole server, in the middle of 400 runs.
#
my $n = 400;
$http = start_receiver('http', '--prefix', '/hold-after/100');
$node->append_conf('postgresql.conf', 'workflow_engine.workers = 2');
$node->safe_psql(
	'postgres',
	'TRUNCATE counter; SELECT wf_define('
	  . literal($tenant) . ', '
	  . literal(
		to_json(
			{
				name => 'many',
				trigger_type => 'many',
				%{ post_to($http->url) } })) . ')');
$node->safe_psql('postgres',
	"SELECT wf_fire('$tenant', 'many', jsonb_build_object('n', n)) "
	  . "FROM generate_series(1, $n) n");
$http->wait_requests(120);
$node->stop('immediate');
my $before = () = $http->requests;
cmp_ok($before, '<', $n, 'the server was stopped in the middle');
$http->command('prefix /hold-after/250');
$node->start;
$http->wait_requests(270);
($pid) =
  split /\n/, $node->safe_psql('postgres', 'SELECT pid FROM wf_workers()');
kill 'KILL', $pid;
$http->command('prefix');
$http->command('release');
wait_for(
	$node,
	'postgres',
	"SELECT count(*) = $n FROM workflow_runs r JOIN workflow_definitions d "
	  . "ON d.id = definition_id WHERE d.name = 'many' "
	  . "AND status = 'completed'",
	"all $n runs complete, through a crash of the server and one of a worker");
is( $node->safe_psql(
		'postgres',
		'SELECT count(*), sum(before), sum(after), max(before), max(after) '
		  . 'FROM counter'),
	"$n|$n|$n|1|1",
	'each native step took effect once');
my %keys;
$keys{ $_->{headers}{'idempotency-key'} }++ foreach $http->requests;
is(scalar keys %keys, $n, 'each request was sent, under its key');
is( $node->safe_psql(
		'postgres',
		'SELECT count(*) FROM workflow_runs r JOIN workflow_definitions d '
		  . "ON d.id = definition_id WHERE d.name = 'many' "
		  . 'AND jsonb_array_length(step_results) = 3 AND owner IS NULL'),
	$n,
	'each run has its three results and no owner');
my @resent = grep { $keys{$_} > 1 } keys %keys;
cmp_ok(scalar @resent, '>=', 20,
	'those without an answer when the server was stopped were sent again');
is( $node->safe_psql(
		'postgres',
		'SELECT count(*) FROM workflow_runs r, wf_trace(r.id) t '
		  . 'WHERE attempts > 3'),
	1,
	'no step was tried more often than workers ended');

$http->stop;

#
# Two workers.  While one of them waits for an answer, its run is cancelled and
# queued again, and the other one takes it.  The first answer must not count.
# The first worker is stopped meanwhile, so that the other takes the run.
#
wait_for($node, 'postgres', q{SELECT count(*) = 2 FROM wf_workers()
	WHERE state <> 'starting'}, 'two workers');
$http = start_receiver('http', '--prefix', '/hold/status/404');
my $second = start_receiver('http', '--prefix', '/hold');
my @moving = (name => 'moving', kind => 'http');
connection($node, @moving, config => { base_url => $http->url });
%runs = fire_steps($node, moved => {
	action => 'webhook', params => { connection => 'moving', path => 'x' } });
$http->wait_requests(1);
wait_for($node, 'postgres', q{SELECT count(*) = 1 FROM wf_workers()
	WHERE in_flight = 1 AND state = 'idle'}, 'a worker waits for the answer');
my $first_worker = $node->safe_psql('postgres',
	'SELECT pid FROM wf_workers() WHERE in_flight = 1');
# (not while it looks whether there is something to do: others would wait for its locks)
wait_until(
	sub {
		kill 'STOP', $first_worker;
		return 1 if $node->safe_psql('postgres', qq{
			SELECT state = 'idle' AND wait_event_type = 'Extension'
			FROM pg_stat_activity WHERE pid = $first_worker}) eq 't';
		kill 'CONT', $first_worker;
		return 0;
	},
	'it stands still');
is($node->safe_psql('postgres', "SELECT wf_cancel('$runs{moved}')"), 't',
	'its run is cancelled');
connection($node, @moving, config => { base_url => $second->url });
is($node->safe_psql('postgres', "SELECT wf_retry('$runs{moved}')"), 't',
	'and queued again');
$second->wait_requests(1);
$http->command('release');
kill 'CONT', $first_worker;
wait_for($node, 'postgres',
	"SELECT in_flight = 0 FROM wf_workers() WHERE pid = $first_worker",
	'the first worker has done with its answer');
is(run_status($node, 'postgres', $runs{moved}), 'running',
	'which is not that of the run');
$second->command('release');
wait_ended($node, $runs{moved});
is($node->safe_psql('postgres', q{
		SELECT status, step_results->0->>'attempts',
			step_results->0->'output'->>'status'
		FROM workflow_runs WHERE id = '} . $runs{moved} . q{'}),
	'completed|1|200', 'the answer that counts is the second one');
$http->stop;
$second->stop;

#
# A worker ends while the tenant of its run is paused: the run stays where it
# is until wf_resume, and runs of other tenants do not.
#
# (Workers are ended one after the other: one that is left for a moment may send
# a request once more, so attempts are many, and requests are counted by path.)
my $other_tenant = '00000000-0000-4000-8000-00000000000c';
my @many = (retry => { max_attempts => 10 });
$http = start_receiver('http', '--prefix', '/hold');
%runs = fire_steps($node,
	paused => {
		action => 'webhook',
		params => { url => $http->url('/paused') },
		@many },
	other => {
		action => 'webhook',
		tenant => $other_tenant,
		params => { url => $http->url('/other') },
		@many });

sub sent
{
	my ($path) = @_;
	return scalar grep { $_->{path} eq $path } $http->requests;
}

$http->wait_requests(2);
$node->safe_psql('postgres', "SELECT wf_pause('$tenant')");
$node->safe_psql('postgres', 'SELECT pg_terminate_backend(pid) FROM wf_workers()');
wait_until(sub { sent('/other') >= 2 }, 'a run whose worker has ended is taken over');
my $is_orphan = q{SELECT status = 'running' AND NOT wf_worker_alive(owner)
	FROM workflow_runs WHERE id = '} . $runs{paused} . q{'};
wait_for($node, 'postgres', $is_orphan, 'the run of a paused tenant is not');
is(sent('/paused'), 1, '... nor sent');
$node->safe_psql('postgres', "SELECT wf_resume('$tenant')");
wait_until(sub { sent('/paused') >= 2 }, 'wf_resume lets it go on');

# The same where all are paused.  A new worker that is idle has looked.
$node->safe_psql('postgres', 'SELECT wf_pause()');
my $ended = $node->safe_psql('postgres',
	q{SELECT string_agg(pid::text, ',') FROM wf_workers()
	  WHERE pg_terminate_backend(pid)});
wait_for($node, 'postgres', qq{SELECT count(*) = 0 FROM pg_stat_activity
	WHERE pid IN ($ended)}, 'the workers have ended');
my ($paused, $other) = (sent('/paused'), sent('/other'));
wait_for($node, 'postgres', qq{SELECT count(*) = 2 FROM wf_workers()
	WHERE state = 'idle' AND pid NOT IN ($ended)}, 'there are other workers');
is($node->safe_psql('postgres', q{SELECT count(*) FROM workflow_runs
		WHERE status = 'running' AND NOT wf_worker_alive(owner)}),
	'2', 'nothing is taken over while all is paused');
is(join(' ', sent('/paused'), sent('/other')), "$paused $other",
	'... nor sent');
$node->safe_psql('postgres', 'SELECT wf_resume()');
wait_until(sub { sent('/paused') > $paused && sent('/other') > $other },
	'wf_resume lets both go on');
$http->command('release');
wait_ended($node, values %runs);
is($node->safe_psql('postgres', q{
		SELECT string_agg(DISTINCT status, ',')
		FROM workflow_runs WHERE id IN (} . join(',', map { literal($_) } values %runs) . ')'),
	'completed', 'both complete');

$node->stop;
done_testing();
