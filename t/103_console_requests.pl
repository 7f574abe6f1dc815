# wf_console: requests of a session one after the other, what is cancelled and
# what is not, answers after COMMIT alone, lost connections, large answers.
use strict;
use warnings FATAL => 'all';

use IO::Select;
use PostgreSQL::Test::Utils;
use Socket qw(SOL_SOCKET SO_RCVBUF);
use Test::More;
use Time::HiRes qw(time);

use WorkflowEngine::Console;
use WorkflowEngine::Test;

my $node = console_node('requests', "log_min_messages = warning\n");
# what is freed is to be given back at once, as without sanitizers
my $console = start_console($node, conf => "request_time = 4 s\n",
	env => { ASAN_OPTIONS => 'detect_leaks=0:quarantine_size_mb=1' });
my $session = $console->login('ops_a');
my ($answer, $socket);

sub outcome
{
	my ($answer) = @_;
	return $answer->{status} == 200 ? 200
	  : "$answer->{status} $answer->{json}{error}{code}";
}

# Sends a request on a connection of its own, without waiting for the answer.
sub begin
{
	my (@what) = @_;
	my $socket = $console->connect;

	syswrite $socket, $console->ask_bytes($session, @what);
	return $socket;
}

# Waits until a statement of the session runs, or until none does.
sub wait_active
{
	my ($count, $what) = @_;
	wait_for($node, 'postgres',
		"SELECT count(*) = $count FROM pg_stat_activity WHERE usename = 'ops_a' "
		  . "AND application_name LIKE 'wf_console:%' AND state = 'active'", $what);
}

# How many statements the server has cancelled since it was asked last.
my $cancels = 0;

sub cancels
{
	my $all = () = slurp_file($node->logfile) =~ /canceling statement due to user request/g;
	my $new = $all - $cancels;

	$cancels = $all;
	return $new;
}

# Takes the place of functions of the extension: one that reads and one that
# writes, each as slow as public.slow says.
$node->safe_psql('shop', <<'SQL');
CREATE TABLE public.slow (seconds float);
INSERT INTO public.slow VALUES (0);
CREATE TABLE public.done (id uuid, at timestamptz DEFAULT clock_timestamp());
GRANT SELECT ON public.slow TO PUBLIC;
GRANT ALL ON public.done TO PUBLIC;
CREATE OR REPLACE FUNCTION "my wf".wf_failures(tenant_id uuid DEFAULT NULL, since timestamptz DEFAULT NULL, max_groups int DEFAULT 100)
RETURNS TABLE (definition_id uuid, workflow_name text, step text, error_class text, count int,
	first timestamptz, last timestamptz, newest_run uuid, still_failing boolean)
LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(seconds) FROM public.slow; END $$;
CREATE OR REPLACE FUNCTION "my wf".wf_cancel_many(run_ids uuid[])
RETURNS TABLE (run_id uuid, outcome text) LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO public.done SELECT unnest(run_ids);
	PERFORM pg_sleep(seconds) FROM public.slow;
	RETURN QUERY SELECT unnest(run_ids), 'cancelled';
END $$;
SQL
my $id = '01900000-0000-7000-8000-00000000000';

sub slow
{
	my ($seconds) = @_;
	$node->safe_psql('shop', "UPDATE public.slow SET seconds = $seconds");
}

# A browser that goes away: what reads is cancelled, ...
slow(30);
$socket = begin('POST', '/api/failures');
wait_active(1, 'a slow statement');
close $socket;
wait_active(0, 'ends when the browser goes away');
is(cancels(), 1, 'since it is cancelled');
is(outcome($console->ask($session, 'GET', '/api/me')), 200, 'the session goes on');
# ... also one that closes only its half;
$socket = begin('POST', '/api/failures');
wait_active(1, 'another one');
shutdown $socket, 1;
wait_active(0, 'ends after half a close');
is(cancels(), 1, 'cancelled as well');
# ... and what writes is not.
slow(3);
$socket = begin('POST', '/api/runs/cancel', { ids => ["${id}1"] });
wait_active(1, 'a slow statement that writes');
close $socket;
wait_for($node, 'shop', "SELECT count(*) = 1 FROM public.done WHERE id = '${id}1'",
	'is committed all the same');
is(cancels(), 0, 'not cancelled');
# What waits in the queue when its browser goes away is not begun.
$socket = begin('POST', '/api/failures');
wait_active(1, 'a statement');
my $waiting = begin('POST', '/api/runs/cancel', { ids => ["${id}2"] });
my $behind = begin('GET', '/api/me');
close $waiting;
is(outcome($console->receive($socket)), 200, 'the first one is answered');
is(outcome($console->receive($behind)), 200, 'and the one behind');
is($node->safe_psql('shop', "SELECT count(*) FROM public.done WHERE id = '${id}2'"),
	'0', 'and what was between them was not done');

# A newer request of the same slot and tab takes the place of an older one.
slow(30);
my @slot = ('X-WF-Tab' => 'a', 'X-WF-Slot' => 'list');
$socket = begin('POST', '/api/failures', {}, @slot);
wait_active(1, 'an older request');
is(outcome($console->ask($session, 'GET', '/api/me', undef, @slot)), 200,
	'a newer one of the slot');
is(outcome($console->receive($socket)), '409 superseded', 'takes its place');
is(cancels(), 1, 'which is cancelled');
$socket = begin('POST', '/api/failures', {}, @slot);
wait_active(1, 'an older request');
is(outcome($console->ask($session, 'GET', '/api/me', undef, @slot, 'X-WF-Poll' => 1)),
	'429 busy', 'a poll of its slot');
is(cancels(), 0, 'cancels nothing');
$waiting = begin('POST', '/api/failures', {}, 'X-WF-Tab' => 'b', 'X-WF-Slot' => 'list');
$behind = begin('POST', '/api/failures', {}, 'X-WF-Tab' => 'a', 'X-WF-Slot' => 'other');
wait_active(1, 'others');
slow(0);
is(outcome($console->ask($session, 'GET', '/api/me', undef, @slot)), 200, 'newer');
is_deeply([ map { outcome($console->receive($_)) } $socket, $waiting, $behind ],
	[ '409 superseded', 200, 200 ], 'other tabs and slots are left alone');
# A request that was overtaken by a newer one does not take its place.
slow(30);
$socket = begin('POST', '/api/failures', {}, @slot, 'X-WF-Order' => 12);
wait_active(1, 'a request');
cancels();
$waiting = begin('POST', '/api/failures', {}, @slot, 'X-WF-Order' => 9);
is(outcome($console->receive($waiting)), '409 superseded', 'an older one that comes late');
is(cancels(), 0, 'cancels nothing');
is(outcome($console->ask($session, 'GET', '/api/me', undef, @slot, 'X-WF-Order' => 13)), 200,
	'a newer one');
is(outcome($console->receive($socket)), '409 superseded', 'takes its place');
is(cancels(), 1, 'which is cancelled');
# A cancel that comes late must not hit the next statement.
slow(0.005);
my %outcomes;
foreach my $n (1 .. 150)
{
	$socket = begin('POST', '/api/failures', {}, @slot);
	select undef, undef, undef, 0.0001 * ($n % 80);
	$outcomes{ outcome($console->ask($session, 'GET', '/api/me', undef, @slot)) }++;
	my $old = outcome($console->receive($socket));
	$outcomes{"old $old"}++;
}
is($outcomes{200}, 150, '150 cancels, and no next statement was hit');
cmp_ok($outcomes{'old 409 superseded'}, '>', 0, 'some of them were in time');
# Writes have no slot: none takes the place of another.
slow(3);
$socket = begin('POST', '/api/runs/cancel', { ids => ["${id}3"] }, @slot);
wait_active(1, 'a write');
is(outcome($console->ask($session, 'GET', '/api/me', undef, @slot)), 200, 'a newer one');
is(outcome($console->receive($socket)), 200, 'does not take its place');
foreach my $bad ([ 'X-WF-Slot' => 'a b' ], [ 'X-WF-Tab' => 'x' x 33 ], [ 'X-WF-Poll' => 'yes' ], [ 'X-WF-Order' => '1.5' ])
{
	is(outcome($console->ask($session, 'GET', '/api/me', undef, @$bad)),
		'400 bad_request', "@$bad");
}

# The queue: eight wait, in their order; a poll does not.  The time-out.
slow(30);
my $begun = time();
my @queue = begin('POST', '/api/failures');
wait_active(1, 'the first');
slow(0);
push @queue, begin('POST', '/api/runs/cancel', { ids => ["$id$_"] }) foreach 1 .. 8;
wait_until(sub {
		outcome($console->ask($session, 'GET', '/api/me')) eq '429 queue_full'
	}, 'the ninth that waits is refused');
$answer = $console->ask($session, 'GET', '/api/health', undef, 'X-WF-Poll' => 1);
is(outcome($answer), '429 busy', 'a poll is not queued');
is($answer->{headers}{'retry-after'}, 1, 'and told to come again');
is_deeply([ map { outcome($console->receive($_)) } @queue ],
	[ '504 timeout', (200) x 8 ], 'all the others are answered');
cmp_ok(time() - $begun, '>', 4.5, 'after the time-out of 5 seconds');
is($node->safe_psql('shop',
		"SELECT string_agg(right(id::text, 1), '' ORDER BY at) FROM (SELECT * FROM public.done ORDER BY at DESC LIMIT 8) x"),
	'12345678', 'in their order');
is(outcome($console->ask($session, 'GET', '/api/health', undef, 'X-WF-Poll' => 1)), 200,
	'a poll of an idle session');

# Polls wait for polls, one of each tab and slot, and a person's request goes first: two
# parts of a page that ask at the same moment both have their answers.
my @poll = ('X-WF-Poll' => 1, 'X-WF-Tab' => 'a');
my @outcomes;
# All of it within the five seconds that the first one has: on a busy machine once more.
foreach my $try (1 .. 10)
{
	my $late = sub { time() - $begun > 4 };

	slow(30);
	$begun = time();
	@queue = begin('POST', '/api/failures', {}, @poll, 'X-WF-Slot' => 'failures');
	wait_active(1, 'a poll');
	push @queue, begin('GET', '/api/health', undef, @poll, 'X-WF-Slot' => 'health');
	foreach my $slot ('failures', 'health')
	{
		wait_until(sub {
				$late->() || outcome($console->ask($session, 'GET', '/api/health', undef, @poll, 'X-WF-Slot' => $slot)) eq
				  '429 busy'
			}, "a second one of $slot is refused");
	}
	push @queue, begin('GET', '/api/health', undef, 'X-WF-Poll' => 1, 'X-WF-Tab' => 'b', 'X-WF-Slot' => 'health');
	push @queue, begin('GET', '/api/health', undef, @poll, 'X-WF-Slot' => 'other');
	wait_until(sub {
			$late->() || outcome($console->ask($session, 'GET', '/api/health', undef, @poll, 'X-WF-Slot' => 'more')) eq '429 busy'
		}, 'and a fourth that waits');
	slow(0);
	push @queue, begin('POST', '/api/runs/cancel', { ids => ["${id}9"] });
	my $in_time = !$late->();
	@outcomes = map { outcome($console->receive($_)) } @queue;
	last if $in_time;
}
is_deeply(\@outcomes, [ '504 timeout', (200) x 4 ], 'all that wait are answered');
my @order = $console->log_text =~ /"route": "(failures|health|runs\/cancel)".*"status": (?:200|504)/g;
is_deeply([ @order[ -5 .. -1 ] ], [ 'failures', 'runs/cancel', ('health') x 3 ], 'a person first');

# Nothing is answered before COMMIT, which may still fail.
$node->safe_psql('shop', <<'SQL');
TRUNCATE public.done;
CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE foreign_key_violation USING MESSAGE = 'not at the end'; END $$;
CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON public.done DEFERRABLE INITIALLY DEFERRED
	FOR EACH ROW EXECUTE FUNCTION public.refuse();
SQL
$answer = $console->ask($session, 'POST', '/api/runs/cancel', { ids => ["${id}1"] });
is(outcome($answer), '409 referenced', 'what fails at COMMIT has failed');
is($answer->{json}{error}{message}, 'not at the end', 'with its message');
is($node->safe_psql('shop', 'SELECT count(*) FROM public.done'), '0', 'nothing stays');
$node->safe_psql('shop', 'DROP TRIGGER refuse ON public.done');
# After an error there is no transaction left open.
is(outcome($console->ask($session, 'POST', '/api/runs', { status => ['x'] })), '422 invalid', 'an error');
is($node->safe_psql('postgres',
		"SELECT state FROM pg_stat_activity WHERE usename = 'ops_a'"), 'idle', 'and it is idle');

# What only reads cannot write, whatever a function does.
$node->safe_psql('shop', <<'SQL');
CREATE OR REPLACE FUNCTION "my wf".wf_failures(tenant_id uuid DEFAULT NULL, since timestamptz DEFAULT NULL, max_groups int DEFAULT 100)
RETURNS TABLE (definition_id uuid, workflow_name text, step text, error_class text, count int,
	first timestamptz, last timestamptz, newest_run uuid, still_failing boolean)
LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.done VALUES (NULL); END $$;
SQL
$answer = $console->ask($session, 'POST', '/api/failures', {});
is("$answer->{status} $answer->{json}{error}{sqlstate}", '500 25006', 'a read that writes');
# Nobody puts a function before those of the server and the extension.
$node->safe_psql('shop', <<'SQL');
GRANT CREATE ON SCHEMA public TO PUBLIC;
CREATE FUNCTION public.now() RETURNS timestamptz LANGUAGE sql AS 'SELECT timestamptz ''2001-01-01''';
CREATE FUNCTION public.jsonb_build_object(text, timestamptz, text, name) RETURNS jsonb LANGUAGE sql AS 'SELECT NULL::jsonb';
SQL
like($console->ask($session, 'GET', '/api/me')->{json}{now}, qr/^20[2-9]\d-/, 'the search path is closed');

# Large values: a page shows the beginning, a download the whole, up to 8 MB.
$node->safe_psql('shop', <<"SQL");
SELECT "my wf".wf_define('00000000-0000-0000-0000-000000000001', '{"name": "large", "trigger_type": "large",
	"steps": [{"name": "look", "action": "find_record", "params": {"table": "pg_class", "where": {"relname": "x"}}}]}');
INSERT INTO "my wf".workflow_runs (id, definition_id, trigger_payload, status)
SELECT r.id::uuid, d.id, jsonb_build_object('n', 12345678901234567890, 'price', 19.90, 'text', repeat('x', r.size)), 'completed'
FROM "my wf".workflow_definitions d, (VALUES ('${id}a', 7000000), ('${id}b', 9000000), ('${id}c', 10)) r (id, size)
WHERE d.name = 'large';
SQL
$answer = $console->ask($session, 'GET', "/api/runs/${id}a");
is(outcome($answer), 200, 'a run with a large payload');
ok($answer->{json}{run}{payload}{truncated}, 'is shown without all of it');
cmp_ok(length $answer->{body}, '<', 200_000, 'in little');
$answer = $console->ask($session, 'GET', "/api/runs/${id}a/payload");
cmp_ok($answer->{headers}{'content-length'}, '>', 7_000_000, 'the download has it');
is($answer->{headers}{'content-disposition'},
	qq(attachment; filename="run-${id}a-payload.json"), 'as a file');
$answer = $console->ask($session, 'GET', "/api/runs/${id}b/payload");
is(outcome($answer), '507 too_much', 'more than 8 MB');
is($answer->{json}{error}{hint},
	qq(psql -XAtq -d 'shop' -U 'ops_a' -c 'SELECT trigger_payload FROM "my wf".workflow_runs )
	  . qq(WHERE id = \$\$${id}b\$\$' > payload.json),
	'and how to have it with psql');
is($console->ask($session, 'GET', "/api/runs/${id}c/payload")->{body},
	'{"n": 12345678901234567890, "text": "xxxxxxxxxx", "price": 19.90}',
	'numbers keep their spelling');
# Of a large answer a session keeps nothing: libpq would keep room for its largest row.
sub memory
{
	return slurp_file('/proc/' . $console->pid . '/status') =~ /^VmRSS:\s+(\d+) kB/m ? $1 : die;
}
my @many = map { my $role = $_; map { $console->login($role) } 1 .. 4 } qw(view_a ops_b admin_a bound_a);
my $before = memory();
is_deeply([ grep { $console->ask($_, 'GET', "/api/runs/${id}a/payload")->{headers}{'content-length'} < 7_000_000 } @many ],
	[], '16 sessions download 7 MB');
cmp_ok(memory() - $before, '<', 48 * 1024, 'and keep less than 48 MB of them together');
$console->ask($_, 'POST', '/api/logout', {}) foreach @many;
# A statement that forgot its limit: nothing of it is sent by the server.
$node->safe_psql('shop', <<'SQL');
CREATE OR REPLACE FUNCTION "my wf".wf_failures(tenant_id uuid DEFAULT NULL, since timestamptz DEFAULT NULL, max_groups int DEFAULT 100)
RETURNS TABLE (definition_id uuid, workflow_name text, step text, error_class text, count int,
	first timestamptz, last timestamptz, newest_run uuid, still_failing boolean)
LANGUAGE sql AS $$ SELECT NULL::uuid, repeat('x', 9000000), NULL, NULL, 1, now(), now(), NULL::uuid, true $$;
SQL
is(outcome($console->ask($session, 'POST', '/api/failures', {})), '507 too_much', 'an answer of 9 MB');
ok($console->log_has('"event": "answer too large", "why": "failures"'), 'the log names the statement');

$node->safe_psql('shop', <<'SQL');
CREATE OR REPLACE FUNCTION "my wf".wf_render(INOUT subject text, INOUT body text DEFAULT NULL,
	INOUT html text DEFAULT NULL, context jsonb DEFAULT '{}', OUT problems jsonb)
LANGUAGE sql AS $$ SELECT NULL::text, NULL::text, NULL::text, jsonb_build_array(repeat('x', 9000000)) $$;
SQL
is(outcome($console->ask($session, 'POST', '/api/templates/preview', { subject => 'x', payload => '{}' })),
	'507 too_much', 'also one that is not cut into pieces');

# Memory has an end: bodies that are announced count.
my $head = $console->ask_bytes($session, 'POST', '/api/runs', '',
	'Content-Length' => 2 * 1024 * 1024);
my @bodies;
my $refused = 0;
foreach my $n (1 .. 60)
{
	push @bodies, $console->connect;
	syswrite $bodies[-1], $head;
}
foreach my $s (@bodies)
{
	my $answer = $console->receive($s);
	$refused++ if $answer->{status} == 503 && $answer->{json}{error}{code} eq 'memory';
}
cmp_ok($refused, '>=', 12, 'more than 96 MB are not taken');
@bodies = ();
is(outcome($console->ask($session, 'GET', '/api/me')), 200, 'and it is given back');
# Those of nobody are not waited for.
is(outcome($console->raw($console->bytes('POST', '/api/runs', [ 'Content-Length' => 2_000_000 ]))),
	'401 no_session', 'a large body of nobody');
is(outcome($console->raw($console->bytes('POST', '/api/login',
			[ 'Content-Type' => 'application/x-wf-login', 'Content-Length' => 2_000_000 ]))),
	'401 no_session', 'nor has a sign-in one');
# Patience has one too: who does not read what he asked for is left.
$socket = $console->connect;
setsockopt $socket, SOL_SOCKET, SO_RCVBUF, pack('i', 4096);
syswrite $socket, $console->ask_bytes($session, 'GET', "/api/runs/${id}a/payload");
wait_until(sub { () = $console->log_text =~ m{"route": "runs/ID/payload", "id": "${id}a", "status": 200.*\n.*"runs/ID/payload", "id": "${id}a", "status": 200}s },
	'an answer that nobody reads');
{
	local $SIG{PIPE} = 'IGNORE';
	wait_until(sub { !defined syswrite $socket, 'x' }, 'ends after the time of a request');
}

# A connection that breaks while a statement runs, and while none does.
$node->safe_psql('shop', <<'SQL');
CREATE OR REPLACE FUNCTION "my wf".wf_failures(tenant_id uuid DEFAULT NULL, since timestamptz DEFAULT NULL, max_groups int DEFAULT 100)
RETURNS TABLE (definition_id uuid, workflow_name text, step text, error_class text, count int,
	first timestamptz, last timestamptz, newest_run uuid, still_failing boolean)
LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(30); END $$;
SQL
$socket = begin('POST', '/api/failures');
$behind = begin('GET', '/api/me');
wait_active(1, 'a statement');
$node->safe_psql('postgres',
	"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'ops_a'");
is_deeply([ map { outcome($console->receive($_)) } $socket, $behind ],
	[ ('401 lost') x 2 ], 'what runs and what waits is told');
# Signing out while something runs.
$session = $console->login('ops_a');
$socket = begin('POST', '/api/failures');
wait_active(1, 'a statement');
is(outcome($console->ask($session, 'POST', '/api/logout', {})), 200, 'signed out meanwhile');
is(outcome($console->receive($socket)), '401 ended', 'and the one that ran is told');
wait_active(0, 'its statement ends too');
# The server restarts.
$session = $console->login('ops_a');
$node->restart;
is(outcome($console->ask($session, 'GET', '/api/me')), '401 lost', 'after a restart');
is(outcome($console->ask($session, 'GET', '/api/me')), '401 lost', 'it stays so');
$session = $console->login('ops_a');
is(outcome($console->ask($session, 'GET', '/api/me')), 200, 'until one signs in');

# The extension is dropped while somebody is signed in, and comes back.
$node->safe_psql('shop', 'DROP EXTENSION workflow_engine CASCADE');
is(outcome($console->ask($session, 'GET', '/api/health')), '503 no_extension', 'without the extension');
is(outcome($console->ask($session, 'POST', '/api/runs', {})), '503 no_extension', '... there are no runs');
$node->safe_psql('shop', q{CREATE EXTENSION workflow_engine SCHEMA "my wf"; SELECT "my wf".wf_grant('ops_a', 'operate')});
is(outcome($console->ask($session, 'POST', '/api/runs', {})), 200, '... until it is there again');
$console->stop;

# A standby: looking, and no changing.
my $primary = console_node('primary', "wal_level = replica\nmax_wal_senders = 5\n");
$primary->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'copy', has_streaming => 1);
$standby->start;
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
$console = start_console($standby);
$session = $console->login('ops_a');
$answer = $console->ask($session, 'GET', '/api/me');
ok($answer->{json}{standby}, 'a standby says that it is one');
is(outcome($console->ask($session, 'POST', '/api/runs', {})), 200, 'runs are shown');
is(outcome($console->ask($session, 'POST', '/api/pause', {})), '503 standby', 'nothing is changed');
$standby->promote;
# the server tells with the next answer
wait_until(sub { !$console->ask($session, 'GET', '/api/me')->{json}{standby} }, 'promoted');
is(outcome($console->ask($session, 'POST', '/api/pause', {})), 200,
	'after a promotion the same session may');
$console->stop;
done_testing();
