
# Retries of outbound steps: which failures are repeated, by which clock, and
# under which key.  What each provider's words mean is another file's
# (034_providers.pl); here it is the classes of failures, for every action.

use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Test;
use WorkflowEngine::Outbound;

my $node = outbound_node('retries', <<'CONF');
workflow_engine.workers = 1
workflow_engine.poll_interval = 500ms
workflow_engine.connect_timeout = 20s
workflow_engine.max_throttle_wait = 2d
deadlock_timeout = 10ms
CONF
my $http = start_receiver('http');
my %got;

# One connection of each kind that speaks HTTP, and a step that uses it.  The
# behaviour is the beginning of the receiver's path.
my %kinds = (
	webhook => 'http',
	whatsapp_notify => 'whatsapp_cloud',
	slack => 'slack',
	slack_webhook => 'slack_webhook',
	teams_webhook => 'teams_webhook');

my $connections = '';    # the statements that make those of the next steps

sub step_to
{
	my ($kind, $behaviour, %more) = @_;
	my $name = "$kind $behaviour";
	my $base = $http->url($behaviour);

	return { action => 'webhook', params => { url => "$base/x" }, %more }
	  if $kind eq 'webhook';
	$connections .= connection_sql(
		name => $name,
		kind => $kinds{$kind},
		config => $kind eq 'whatsapp_notify'
		? { phone_number_id => '1', base_url => $base }
		: $kind eq 'slack' ? { base_url => $base }
		: $kind eq 'slack_webhook' ? { url => "$base/slack-hook" }
		: { url => "$base/teams" },
		credentials => $kind eq 'whatsapp_notify'
		? { access_token => 'token-of-whatsapp' }
		: $kind eq 'slack' ? { bot_token => 'token-of-slack' }
		: {});
	return {
		action => 'whatsapp_notify',
		params =>
		  { phone => '+96170123456', template => 'hello', connection => $name },
		%more }
	  if $kind eq 'whatsapp_notify';
	return {
		action => 'team_notify',
		params => { channel => 'ops', message => 'hi', connection => $name },
		%more };
}

# Makes the connections, then fires the steps.
sub fire_all
{
	my (@cases) = @_;

	$node->safe_psql('postgres', $connections) if $connections ne '';
	$connections = '';
	return fire_steps($node, @cases);
}

# Where a connection that was used before ends before an answer, libcurl sends
# a request with a key once more by itself: within the attempt.
sub sent_twice
{
	my ($label) = @_;
	my $result = $got{$label};

	is($result->{status}, 'completed', "$label: completed");
	cmp_ok(scalar requests_of($http, $result), '>=', 2, "$label: sent again");
	return;
}

# So many attempts, one key.
sub attempts
{
	my ($label, $status, $attempts, $error) = @_;
	my $result = $got{$label};
	my @keys = map { $_->{headers}{'idempotency-key'} }
	  requests_of($http, $result);

	is($result->{status}, $status, "$label: $status")
	  or diag(to_json($result));
	is($result->{attempts}, $attempts, "$label: $attempts attempt(s)");
	is(scalar @{ $result->{failed_attempts} || [] },
		$attempts - 1, "$label: those before are noted");
	is(join(' ', @keys),
		join(' ', ("$result->{run_id}:go") x $attempts),
		"$label: under one key");
	like($result->{error}, $error, "$label: its error") if $error;
	return;
}

#
# Without "retry": three attempts, two seconds apart and then four, of what
# did certainly not take effect; one of all else.
#
my @again = (408, 425, 502, 503, 504);
my @never = (400, 401, 403, 404, 409, 410, 413, 422, 501, 505);
my @cases;
foreach my $kind (sort keys %kinds)
{
	foreach my $status (@again)
	{
		push @cases, "$kind $status" => step_to($kind, "/failing/1/$status");
	}
	foreach my $status (@never)
	{
		push @cases, "$kind $status" => step_to($kind, "/status/$status");
	}
	foreach my $loss (qw(status/500 close reset))
	{
		push @cases, "$kind $loss" => step_to($kind, "/failing-as/1/$loss");
	}
}
# What asks to wait uses up no attempt; see 057_throttle.pl.
foreach my $kind (sort keys %kinds)
{
	push @cases, "$kind 429" => step_to(
		$kind, '/failing/1/429',
		tenant => '00000000-0000-4000-8000-00000000000b',
		retry => { max_attempts => 1 });
}
# They wait for some seconds, in which those of the next section run.
my %patient = fire_all(@cases, used_up => step_to('webhook', '/status/503'));
is(scalar keys %patient, @cases / 2 + 1, 'all are fired');

#
# A back-off is the interval that was set, less a quarter at most, and not the
# same for all.  Two hours, beside which no machine is slow.
#
my %jitter = fire_all(map { ("jitter $_" =>
		step_to('webhook', '/status/503', retry => { max_attempts => 2, initial_interval => '2 hours' })) } 1 .. 20);
wait_for($node, 'postgres',
	q{SELECT count(*) = 20 FROM workflow_runs WHERE status = 'waiting' AND run_at > now() + '1 hour'},
	'20 runs wait for long');
is($node->safe_psql('postgres', q{
		SELECT bool_and(run_at BETWEEN queued_at + '90 min' AND queued_at + '125 min'),
			max(run_at - queued_at) - min(run_at - queued_at) > '1 min',
			min(run_at - queued_at) < '117 min'
		FROM workflow_runs WHERE id IN (} . join(',', map { "'$_'" } values %jitter) . ')'),
	't|t|t', 'from three quarters of the interval to all of it');
$node->safe_psql('postgres', q{SELECT wf_cancel(id) FROM workflow_runs WHERE run_at > now() + '1 hour'});

#
# With "retry", what may have taken effect is repeated as well: the author
# says so.  What will fail again is not.
#
my %fast = (
	retry => {
		max_attempts => 2,
		initial_interval => '10 milliseconds'
	});
@cases = ();
foreach my $kind (sort keys %kinds)
{
	push @cases,
	  map { ("$kind retry $_" => step_to($kind, "/failing-as/1/$_", %fast)) }
	  qw(status/500 close reset half garbage);
	# (the time is for the second attempt, too, which gets its answer)
	push @cases, "$kind retry hang" =>
	  step_to($kind, '/failing-as/1/hang', %fast, timeout => '5 seconds');
	push @cases, "$kind retry 404" => step_to($kind, '/status/404', %fast);
}
push @cases,
  'whatsapp 131016' => step_to('whatsapp_notify', '/whatsapp-error/131016', %fast),
  'whatsapp 131026' => step_to('whatsapp_notify', '/whatsapp-error/131026', %fast),
  'slack no' => step_to('slack', '/slack-error/channel_not_found', %fast);
# What never reached anybody, of whatever kind.
my %nowhere = (
	'no such name' => 'http://nowhere.invalid/x',
	'connection refused' => 'http://127.0.0.1:1/x',
	'no TLS' => 'https://localhost:' . $http->port . '/x');
push @cases,
  map { ($_ => { action => 'webhook', params => { url => $nowhere{$_} },
		%fast, timeout => '2 seconds' }) }
  sort keys %nowhere;
push @cases, 'not allowed' =>
  { action => 'webhook', params => { url => 'http://10.0.0.1/' }, %fast };
my %quick = fire_all(@cases);
is(scalar keys %quick, @cases / 2, 'all are fired');
wait_ended($node, values %quick);
%got = results($node, %quick);
foreach my $kind (sort keys %kinds)
{
	attempts("$kind retry $_", 'completed', 2)
	  foreach qw(status/500 half garbage hang);
	$kind eq 'webhook' ? sent_twice("$kind retry $_")
	  : attempts("$kind retry $_", 'completed', 2) foreach qw(close reset);
	attempts("$kind retry 404", 'failed', 1);
}
attempts('whatsapp 131016', 'failed', 2, qr/131016/);
attempts('whatsapp 131026', 'failed', 1, qr/131026/);
attempts('slack no', 'failed', 1, qr/channel_not_found/);
foreach my $case (sort(keys %nowhere))
{
	is($got{$case}{attempts}, 2, "$case: two attempts");
	unlike($got{$case}{error}, qr/delivery unknown/, "$case: nothing is unknown");
}
is($got{'not allowed'}{attempts}, 1, 'what is not allowed is not tried again');

#
# Those that were fired first.
#
wait_ended($node, values %patient);
%got = results($node, %patient);
foreach my $kind (sort keys %kinds)
{
	is($got{"$kind 429"}{run_status}, 'completed', "$kind 429: completed");
	is($got{"$kind 429"}{attempts}, 1, "$kind 429: in one attempt");
	is(scalar(() = requests_of($http, $got{"$kind 429"})),
		2, "$kind 429: sent again");
	attempts("$kind $_", 'completed', 2) foreach @again;
	attempts("$kind $_", 'failed', 1) foreach @never;
	foreach my $loss (qw(status/500 close reset))
	{
		# only webhook's receivers are said to know the key
		$kind eq 'webhook' ? $loss =~ /status/ ? attempts("$kind $loss", 'completed', 2)
		  : sent_twice("$kind $loss") : attempts("$kind $loss", 'failed', 1, qr/^delivery unknown: /);
	}
}
attempts('used_up', 'failed', 3, qr/^HTTP 503/);
my @noted = @{ $got{used_up}{failed_attempts} };
is(join(' ', map { $_->{attempt} } @noted), '1 2', 'attempts are numbered');
like($_->{error}, qr/^HTTP 503/, 'each has its error') foreach @noted;
cmp_ok($_->{duration_ms}, '>', 0, 'and its time') foreach @noted;
is($node->safe_psql('postgres', sprintf(
		q{SELECT '%s'::timestamptz - '%s' >= '1.5 s', '%s'::timestamptz - '%s' >= '3 s'},
		$noted[1]{started_at}, $noted[0]{started_at},
		$got{used_up}{started_at}, $noted[1]{started_at})),
	't|t', 'the pauses are 2 and 4 seconds, less a quarter at most');

#
# Mail: 4xx is for later, 5xx is not.
#
my %mail = (
	'450' => [ '--refuse-recipient', 'b=450 4.2.0 greylisted' ],
	'550' => [ '--refuse-recipient', 'b=550 5.1.1 unknown' ],
	'451 data' => [ '--refuse-data', '451 4.3.0 try later' ],
	'554 data' => [ '--refuse-data', '554 5.7.1 spam' ]);
my @servers;
@cases = ();
foreach my $case (sort keys %mail)
{
	my $smtp = start_receiver('smtp', @{ $mail{$case} });

	push @servers, $smtp;
	connection(
		$node,
		name => "mail $case",
		kind => 'smtp',
		config => {
			url => 'smtp://127.0.0.1:' . $smtp->port,
			starttls => 'never',
			from => 'a@example.com' });
	push @cases, "mail $case" => {
		action => 'send_email',
		params => {
			to => 'b@example.com',
			subject => 's',
			body => 'b',
			connection => "mail $case" },
		%fast };
}
%got = run_steps($node, @cases);
is($got{"mail $_"}{attempts}, /^4/ ? 2 : 1, "mail: $_")
  foreach sort keys %mail;
$_->stop foreach @servers;

#
# Retry-After, in seconds and as a date, is waited for: no shorter for a
# max_interval, no longer than a day; in the table, without a worker.  Three
# tenants, since each waits for its own server.
#
my ($asked, $later) = split /\|/, $node->safe_psql('postgres',
	q{SELECT now(), to_char((now() + '2 hours') AT TIME ZONE 'UTC', 'Dy%2C%20DD%20Mon%20YYYY%20HH24:MI:SS%20') || 'GMT'});
my %short = (
	retry => {
		max_attempts => 2,
		initial_interval => '10 milliseconds',
		max_interval => '20 milliseconds'
	});
my %runs = fire_steps(
	$node,
	map { my ($label, $value) = @$_;
		($label => step_to('webhook', "/retry-after/$value/failing/1/503", %short,
			tenant => "00000000-0000-4000-8000-0000000000" . substr(unpack('H*', $label), 0, 2))) }
	  [ seconds => 3600 ], [ date => $later ], [ ever => 99999999 ]);
wait_for($node, 'postgres',
	q{SELECT count(*) = 3 FROM workflow_runs WHERE status = 'waiting'}, 'three runs wait');
my %expected = (seconds => 3600, date => 7200, ever => 86400);
foreach my $label (sort keys %expected)
{
	is($node->safe_psql('postgres', "
			SELECT run_at BETWEEN '$asked'::timestamptz + '1 second'::interval * ($expected{$label} - 5)
				AND queued_at + '1 second'::interval * ($expected{$label} * 1.1 + 60),
				owner IS NULL
			FROM workflow_runs WHERE id = '$runs{$label}'"),
		't|t', "Retry-After, $label, is waited for");
}
wait_for($node, 'postgres', 'SELECT in_flight = 0 FROM wf_workers()',
	'nothing is under way');

# A restart does not change that, nor does the end of a worker.
$node->restart;
is($node->safe_psql('postgres', q{SELECT count(*) FROM workflow_runs WHERE status = 'waiting'}),
	3, 'they wait on after a restart');
like($node->safe_psql('postgres', "SELECT status || ' ' || attempts || ' ' || error FROM wf_trace('$runs{date}')"),
	qr/^waiting 0 HTTP 503/, 'wf_trace tells what they wait for');

# When the time has come, each is sent again.
$node->append_conf('postgresql.conf', 'workflow_engine.clock_offset = 100000');
$node->reload;
wait_ended($node, values %runs);
%got = results($node, %runs);
foreach my $label (sort keys %runs)
{
	is($got{$label}{run_status}, 'completed', "$label: completed");
	is($got{$label}{attempts}, 1, "$label: no attempt was used up");
	is(scalar(() = requests_of($http, $got{$label})), 2, "$label: sent twice");
}
$node->append_conf('postgresql.conf', 'workflow_engine.clock_offset = 0');
$node->reload;

#
# wf_cancel while the request is out, and wf_retry before its answer comes:
# that answer is nobody's.
#
%runs = fire_steps($node, gone => step_to('webhook', '/hold'));
wait_until(sub { grep { ($_->{headers}{'idempotency-key'} || '') eq "$runs{gone}:go" } $http->requests },
	'the request has arrived');
is($node->safe_psql('postgres', "SELECT status FROM wf_trace('$runs{gone}')"),
	'running', '... and has no answer yet');
is($node->safe_psql('postgres', "SELECT wf_cancel('$runs{gone}')"), 't', 'cancelled');
is($node->safe_psql('postgres', "SELECT failed_attempts->0->>'error' FROM workflow_runs WHERE id = '$runs{gone}'"),
	'cancelled while it was under way', 'what became of the request is not known');
is($node->safe_psql('postgres', "SELECT wf_retry('$runs{gone}')"), 't', 'and queued again');
wait_until(sub { 2 == grep { ($_->{headers}{'idempotency-key'} || '') eq "$runs{gone}:go" } $http->requests },
	'it is sent again, with the same key');
wait_for($node, 'postgres', 'SELECT in_flight = 1 FROM wf_workers()',
	'the first request is given up');
$http->command('release');
wait_ended($node, $runs{gone});
is($node->safe_psql('postgres', "SELECT status, step_results->0->>'attempts' FROM workflow_runs WHERE id = '$runs{gone}'"),
	'completed|1', 'the second answer is the one that counts');

#
# A step that had completed and is repeated on purpose has a key of its own.
#
%runs = fire_steps($node, twice => {
	steps => [
		{ name => 'send', action => 'webhook', params => { url => $http->url('/twice') } },
		{ name => 'stop', action => 'webhook', params => { url => $http->url('/status/404') } } ] });
wait_ended($node, $runs{twice});
foreach my $n (2 .. 3)
{
	is($node->safe_psql('postgres', "SELECT wf_retry('$runs{twice}', 'send')"), 't', "wf_retry $n");
	wait_ended($node, $runs{twice});
}
is(join(' ', map { $_->{headers}{'idempotency-key'} =~ s/^\Q$runs{twice}\E://r }
	  grep { ($_->{headers}{'idempotency-key'} || '') =~ /^\Q$runs{twice}\E/ } $http->requests),
	'send stop send:2 stop send:3 stop',
	'a deliberate repeat is numbered, a step that failed keeps its key');

#
# Long errors are cut between characters, wherever one of three bytes begins.
#
$node->safe_psql('postgres', q{
	CREATE FUNCTION complain(params jsonb, context jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
	BEGIN
		RAISE EXCEPTION '%', repeat('x', (params->>'n')::int) || repeat('€', 5000)
			USING ERRCODE = '40001';
	END $$;
	SELECT wf_register_action('complain', 'complain(jsonb,jsonb)')});
my %long = fire_steps($node, map { ("long $_" => { action => 'complain', params => { n => $_ },
		retry => { max_attempts => 2, initial_interval => '10 milliseconds' } }) } 0 .. 2);
wait_ended($node, values %long);
is($node->safe_psql('postgres', q{
		SELECT count(*), bool_and(convert_from(convert_to(t, 'UTF8'), 'UTF8') ~ 'x{0,2}€+$')
		FROM workflow_runs, LATERAL (VALUES (error_message), (step_results->0->>'error'),
			(step_results->0->'failed_attempts'->0->>'error')) v(t)
		WHERE id IN (} . join(',', map { "'$_'" } values %long) . ')'),
	'9|t', 'long errors of runs, steps and attempts are cut between characters');

#
# Native steps.  A real deadlock: the worker is the one that finds out.
#
$node->safe_psql('postgres', q{
	CREATE TABLE pair (id int PRIMARY KEY, n int NOT NULL DEFAULT 0);
	INSERT INTO pair VALUES (1), (2);
	CREATE SEQUENCE tries;
	CREATE FUNCTION lock_both(params jsonb, context jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
	BEGIN
		UPDATE pair SET n = n + 1 WHERE id = 1;
		IF nextval('tries') = 1 THEN
			FOR i IN 1 .. 3000 LOOP	-- until the other one waits for us
				EXIT WHEN EXISTS (SELECT FROM pg_locks WHERE NOT granted);
				PERFORM pg_sleep(0.01);
			END LOOP;
		END IF;
		UPDATE pair SET n = n + 1 WHERE id = 2;
		RETURN '{}';
	END $$;
	SELECT wf_register_action('lock_both', 'lock_both(jsonb,jsonb)')});
my $other = $node->background_psql('postgres');
$other->query_safe(q{SET deadlock_timeout = '1h'; BEGIN; UPDATE pair SET n = n + 10 WHERE id = 2});
%runs = fire_steps($node, deadlock => { action => 'lock_both' });
wait_for($node, 'postgres', 'SELECT is_called FROM tries', 'the step holds what the other one wants');
$other->query_until(qr/waiting/, "\\echo waiting\nUPDATE pair SET n = n + 10 WHERE id = 1;\nCOMMIT;\n");
wait_ended($node, $runs{deadlock});
$other->quit;
%got = results($node, %runs);
is($got{deadlock}{attempts}, 2, 'a deadlock is repeated');
is($got{deadlock}{failed_attempts}[0]{error} =~ /^deadlock detected/ ? 1 : 0, 1, '... and noted');
is($node->safe_psql('postgres', 'SELECT string_agg(n::text, $$ $$ ORDER BY id) FROM pair'),
	'11 11', 'both have done their work, once');

# A lock that is not released in time, and later is.
$node->append_conf('postgresql.conf', "workflow_engine.lock_timeout = '150ms'");
$node->reload;
$other = $node->background_psql('postgres');
$other->query_safe('BEGIN; UPDATE pair SET n = 0 WHERE id = 1');
%runs = fire_steps($node,
	locked => { action => 'lock_both', retry => { max_attempts => 50, initial_interval => '300 milliseconds', backoff_coefficient => 1 } },
	given_up => { action => 'lock_both', retry => { max_attempts => 2, initial_interval => '10 milliseconds' } });
wait_ended($node, $runs{given_up});
$other->query_safe('COMMIT');
$other->quit;
wait_ended($node, $runs{locked});
%got = results($node, %runs);
is($got{given_up}{attempts}, 2, 'a lock time-out is repeated');
like($got{given_up}{error}, qr/lock timeout/, '... until the attempts are used up');
is($got{locked}{status}, 'completed', 'and the step completes once the lock is free');
cmp_ok($got{locked}{attempts}, '>', 1, '... at a later attempt');
is($node->safe_psql('postgres', 'SELECT string_agg(n::text, $$ $$ ORDER BY id) FROM pair'),
	'1 12', 'with its effect, once');

$node->stop;
done_testing();
