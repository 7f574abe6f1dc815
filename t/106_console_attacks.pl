# wf_console under attack: connections that are held, floods, descriptors that run
# out, servers that are not PostgreSQL, values that are no values, paths with
# bytes, two tabs that cancel at once, functions of others, and the log.
use strict;
use warnings FATAL => 'all';

use IO::Select;
use IO::Socket::UNIX;
use JSON::PP;
use POSIX qw(:sys_wait_h);
use PostgreSQL::Test::Utils;
use Socket qw(SOL_SOCKET SO_RCVBUF);
use Test::More;
use Time::HiRes qw(time);

use WorkflowEngine::Console;
use WorkflowEngine::Test;

my $node = console_node('attacks');
my $console = start_console($node, conf => "request_time = 30 s\n");
my $host = $console->{host};
my $session = $console->login('ops_a');
my ($answer, $socket, $begun);

sub outcome
{
	my ($answer) = @_;
	return 'closed' unless $answer;
	return $answer->{status} == 200 ? 200
	  : "$answer->{status} $answer->{json}{error}{code}";
}

# How many connections its port has, whoever should have closed them.  (What it has
# open itself nobody may see.)
sub connections
{
	my $port = sprintf '%04X', $console->{port};
	my $all = () = slurp_file('/proc/net/tcp') =~
	  /^ *\d+: 0100007F:$port [0-9A-F:]+ (?!0A|06)/mg;
	return $all;
}

# Whether a person is served beside what goes on.
sub serves
{
	my ($what) = @_;
	my $begun = time();
	my $answer = $console->ask($session, 'GET', '/api/me');

	is(outcome($answer), 200, "$what: a session is served");
	is($console->raw($console->bytes('GET', '/'))->{status}, 200, "$what: and the page");
	cmp_ok(time() - $begun, '<', 20, "$what: before any limit of time");
}

# Connections that are held: half a request on each, an answer that nobody
# reads, a connection that ends and does not.
my @held = map { my $s = $console->connect; syswrite $s, 'G'; $s } 1 .. 300;
serves('300 halves of a request');
@held = ();
@held = map {
	my $s = $console->connect;
	syswrite $s, "POST /api/login HTTP/1.1\r\nHost: $host\r\nOrigin: http://$host\r\n"
	  . "Content-Type: application/x-wf-login\r\nContent-Length: 100\r\n\r\nops_a";
	$s
} 1 .. 300;
serves('300 sign-ins without an end');
@held = ();
my ($files) = $console->raw($console->bytes('GET', '/'))->{body} =~ m,"(/a/[0-9a-f]{16}/),;
my $script = "${files}vendor/ui.js";
is($console->raw($console->bytes('GET', $script))->{status}, 200, 'the largest file');
@held = map {
	my $s = $console->connect;
	setsockopt $s, SOL_SOCKET, SO_RCVBUF, pack('i', 2048);
	syswrite $s, $console->bytes('GET', $script) x 300;
	$s
} 1 .. 300;
serves('300 that do not read');
@held = ();
@held = map {
	my $s = $console->connect;
	syswrite $s, "GET / HTTP/1.1\nHost: x\n\n";
	$s
} 1 .. 300;
serves('300 that are refused and stay');
@held = ();
wait_until(sub { connections() == 0 }, 'nothing of them stays open');

# A flood on one connection, whose answers are read: others have their turn.
my $flood = fork();
if (!$flood)
{
	my $s = $console->connect;
	my $blob = $console->bytes('GET', '/nothing') x 1000;
	my ($at, $waste) = (0);

	$SIG{PIPE} = 'DEFAULT';
	$s->blocking(0);
	for (;;)
	{
		my ($r, $w) = IO::Select->select(IO::Select->new($s), IO::Select->new($s));

		sysread $s, $waste, 1 << 20 if @$r;
		next unless @$w;
		$at += syswrite($s, $blob, length($blob) - $at, $at) || 0;
		$at = 0 if $at == length $blob;
	}
}
wait_until(sub { $console->log_text =~ /(?:"status": 404.*\n.*){100}/ }, 'a flood');
serves('a flood');
kill 'KILL', $flood;
waitpid $flood, 0;

# Requests that are split and joined: each is judged by itself.
my $me = $console->ask_bytes($session, 'GET', '/api/me');
my $evil = $console->ask_bytes($session, 'GET', '/api/me', undef, Host => 'evil.example');
$socket = $console->connect;
syswrite $socket, $me . $evil . $console->bytes('GET', '/api/me') . $me;
is_deeply([ map { outcome($console->receive($socket)) } 1 .. 4 ],
	[ 200, '421 host', '401 no_session', 200 ], 'one after the other, each by itself');
# the second one is in the body of the first
my $inner = $console->ask_bytes($session, 'POST', '/api/pause');
$socket = $console->connect;
syswrite $socket, $console->ask_bytes($session, 'POST', '/api/failures', $inner) . $me;
is_deeply([ map { outcome($console->receive($socket)) } 1, 2 ],
	[ '400 bad_value', 200 ], 'a request within a body is a body');
is($node->safe_psql('shop', 'SELECT count(*) FROM "my wf".workflow_pauses'), '0',
	'nothing was done');
# Host of another name at the sign-in, as DNS rebinding has it
is(outcome($console->try_login('ops_a', 'secret of ops_a', Host => "evil.example:$console->{port}",
			Origin => "http://evil.example:$console->{port}")),
	'421 host', 'a sign-in by a name that was bound to this machine');
foreach my $name ("127.0.0.1.evil.example:$console->{port}", "localhost.evil.example",
	"evil.example\@127.0.0.1:$console->{port}", "127.0.0.1:$console->{port}.",
	"127.0.0.1:0$console->{port}", "127.1:$console->{port}", "localhost.:$console->{port}")
{
	is(outcome($console->ask($session, 'GET', '/api/me', undef, Host => $name)),
		'421 host', "the name $name");
}
# a cookie that somebody has put before ours, or after it
foreach my $cookie ("__Host-wf=@{[ 'ab' x 32 ]}; __Host-wf=$session->{cookie}",
	"__Host-wf=$session->{cookie}; __Host-wf=@{[ 'ab' x 32 ]}", "__host-wf=$session->{cookie}",
	"x__Host-wf=$session->{cookie}", "__Host-wf=\"$session->{cookie}\"",
	"__Host-wf=$session->{cookie}0", "__Host-wf =$session->{cookie}")
{
	is(outcome($console->ask($session, 'GET', '/api/me', undef, Cookie => $cookie)),
		'401 no_session', 'a cookie that is not ours: ' . substr $cookie, 0, 16);
}

# Bytes in paths and parameters.
my $id = '01900000-0000-7000-8000-000000000001';
foreach my $case (
	[ '404 not_found', '/%00' ], [ '404 not_found', '/a/%2e%2e/%2e%2e/etc/passwd' ],
	[ '404 not_found', '//api/me' ], [ '404 not_found', '/api//me' ],
	[ '404 not_found', '/api/me/' ], [ '404 not_found', '/api/%6de' ],
	[ '404 not_found', '/API/me' ], [ '404 not_found', "/api/runs/$id%00" ],
	[ '404 not_found', "/api/runs/$id'--" ], [ '404 not_found', '/api/runs/../me' ],
	[ '404 not_found', "/api/runs/$id/steps/-1/input" ],
	[ '404 not_found', "/api/runs/$id/steps/4294967296/input" ],
	[ '404 not_found', "/api/runs/$id/steps/01/input" ],
	[ '404 not_found', "/api/runs/$id/steps/999999999/input" ],
	[ '400 bad_request', "/api/runs/\xff" ], [ '400 bad_request', "/\xc3\xa9" ],
	[ '400 bad_value', '/api/health?tenant=%00' ], [ '400 bad_value', '/api/health?tenant=%ff' ],
	[ '400 bad_value', '/api/health?tenant=%c0%80' ],
	[ '400 bad_value', '/api/health?tenant=%ed%a0%80' ],
	[ '400 bad_value', '/api/health?tenant=%f4%90%80%80' ],
	[ '400 bad_value', '/api/health?tenant=%' ], [ '400 bad_value', '/api/health?tenant=%4' ],
	[ '400 bad_value', '/api/health?tenant=%zz' ], [ '400 bad_value', '/api/health?tenant=x' ],
	[ '400 bad_value', q(/api/health?tenant=%22%2C%22tenant%22%3A%22x) ],
	[ '400 bad_request', '/api/health?tenant=&tenant=' ],
	[ '400 bad_request', '/api/health?tenant%5b%5d=1' ], [ '400 bad_request', '/api/health?%74enant=1' ],
	[ '400 bad_request', '/api/health?' . ('x' x 15_000) ])
{
	my ($expected, $path) = @$case;
	is(outcome($console->ask($session, 'GET', $path)), $expected,
		'GET ' . substr $path =~ s/[^ -~]/?/gr, 0, 60);
}

# Values that are no values: whatever a body says, it is refused in words, and
# none is an error of ours.
my %keys = (
	'runs' => [qw(q tenant workflow status since until step error_class before limit)],
	'runs?longer=1' => [qw(q limit)],
	'failures' => [qw(tenant since limit)],
	'runs/count' => [qw(filter)],
	'runs/retry' => [qw(ids from_step on_version)],
	'runs/cancel' => [qw(ids)],
	'runs/retry-next' => [qw(filter after limit on_version)],
	'runs/cancel-next' => [qw(filter after limit)],
	"runs/$id/rerun" => [qw(payload)],
	'pause' => [qw(tenant workflow reason)],
	'resume' => [qw(tenant workflow reason)],
	"workflows/$id/active" => [qw(active base_version)]);
my @values = (
	'null', 'true', '""', '"\'"', '"x; DROP TABLE workflow_runs"', '0', '-1', '1e400',
	'1e-400', '99999999999999999999', '"\ud800"', '"\u0000"', '[]', '{}', '[[]]', '[null]',
	'[{"a": [1]}]', '"infinity"', '"-infinity"', '"294277-01-01"', '"2026-02-30"',
	'"epoch"', '"' . ('x' x 1_000_000) . '"', '"' . ('( ' x 100_000) . '"',
	'"' . ("\xe2\x80\xae" x 1000) . '"', '"%s%n%s"', '"\\\\"', '"\ufffe"',
	'[' . join(',', ('"' . $id . '"') x 5000) . ']', '[' x 5000 . ']' x 5000,
	'{"since": "infinity", "status": ["x"], "tenant": {}}', '{"a":' x 3000 . '1' . '}' x 3000);
my @bad;
foreach my $route (sort keys %keys)
{
	foreach my $body (
		(map { my $key = $_; map { "{\"$key\": $_}" } @values } @{ $keys{$route} }), @values)
	{
		my $outcome = outcome($console->ask($session, 'POST', "/api/$route", $body));

		push @bad, "$route " . substr($body, 0, 60) . ": $outcome"
		  unless $outcome =~ /^(200$|400 bad_value|404 |409 (?:state|changed)|422 invalid|504 timeout)/;
	}
}
is_deeply(\@bad, [], 'no value is an error of the console');
is(outcome($console->ask($session, 'POST', '/api/resume', {})), 200, 'nothing stays paused');

# Two tabs that cancel and abort at once: none has what another asked for, and
# what writes is done once.
$node->safe_psql('shop', <<'SQL');
CREATE TABLE public.done (id uuid);
GRANT ALL ON public.done TO PUBLIC;
CREATE OR REPLACE FUNCTION "my wf".wf_failures(tenant_id uuid DEFAULT NULL, since timestamptz DEFAULT NULL, max_groups int DEFAULT 100)
RETURNS TABLE (definition_id uuid, workflow_name text, step text, error_class text, count int,
	first timestamptz, last timestamptz, newest_run uuid, still_failing boolean)
LANGUAGE sql AS $$ SELECT NULL::uuid, pg_sleep(0.004)::text, max_groups::text, NULL, 1, now(), now(), NULL::uuid, true $$;
CREATE OR REPLACE FUNCTION "my wf".wf_cancel_many(run_ids uuid[])
RETURNS TABLE (run_id uuid, outcome text) LANGUAGE sql AS $$
	INSERT INTO public.done SELECT unnest(run_ids);
	SELECT unnest(run_ids), 'cancelled' FROM pg_sleep(0.002) $$;
SQL
srand 5;
my (%seen, %asked);
foreach my $round (1 .. 150)
{
	my @tabs = map { {
		tab => $_,
		old => begin('POST', '/api/failures', { limit => 1 }, 'X-WF-Tab' => $_, 'X-WF-Slot' => 'list'),
	} } 'a', 'b';
	my $written = sprintf '01900000-0000-7000-8000-%012d', $round;
	my $write = begin('POST', '/api/runs/cancel', { ids => [$written] });

	select undef, undef, undef, rand 0.012;
	close $tabs[0]{old} if $round % 3 == 0;
	my $new = begin('POST', '/api/failures', { limit => 2 }, 'X-WF-Tab' => 'a', 'X-WF-Slot' => 'list');
	close $tabs[1]{old} if $round % 5 == 0;
	foreach my $one ([ 'new', $new ], [ 'write', $write ],
		$round % 3 ? [ 'old of the tab', $tabs[0]{old} ] : (),
		$round % 5 ? [ 'of the other tab', $tabs[1]{old} ] : ())
	{
		my ($what, $s) = @$one;
		my $answer = $console->receive($s);
		my $wants = $what eq 'new' ? 2 : 1;
		my $group = $answer->{json}{groups} ? $answer->{json}{groups}[0]{step} : $wants;

		$seen{"$what: " . outcome($answer)}++;
		$seen{"$what: the answer of another"}++ if $group != $wants;
	}
}
is_deeply([ grep { !/^(new|write|of the other tab): 200$|^old of the tab: (200|409 superseded)$/ } sort keys %seen ],
	[], 'cancels hit what they are for') or diag(explain \%seen);
is($node->safe_psql('shop', 'SELECT count(*) = 150 AND count(DISTINCT id) = 150 FROM public.done'), 't',
	'each write was done once');

# Sends a request on a connection of its own, without waiting for the answer.
sub begin
{
	my (@what) = @_;
	my $s = $console->connect;

	syswrite $s, $console->ask_bytes($session, @what);
	return $s;
}

# A GET that would write, and downloads.
$node->safe_psql('shop', <<"SQL");
CREATE OR REPLACE FUNCTION "my wf".wf_run(run_id uuid) RETURNS jsonb LANGUAGE plpgsql AS
\$\$ BEGIN SET transaction_read_only = off; INSERT INTO public.done VALUES (run_id); RETURN '{}'; END \$\$;
SQL
$answer = $console->ask($session, 'GET', "/api/runs/$id");
like("$answer->{status} $answer->{json}{error}{sqlstate}", qr/^500 (25001|25006)$/,
	'a GET cannot write, whatever a function does');
is($node->safe_psql('shop', "SELECT count(*) FROM public.done WHERE id = '$id'"), '1',
	'and nothing is written');
$node->safe_psql('shop', <<"SQL");
SELECT "my wf".wf_define('00000000-0000-0000-0000-000000000001', '{"name": "x", "trigger_type": "x",
	"steps": [{"name": "look", "action": "find_record", "params": {"table": "pg_class", "where": {"relname": "x"}}}]}');
INSERT INTO "my wf".workflow_runs (id, definition_id, trigger_payload, status)
SELECT '$id', id, '{"html": "<script>alert(1)</script>"}', 'completed' FROM "my wf".workflow_definitions;
SQL
$answer = $console->ask($session, 'GET', "/api/runs/$id/payload");
is_deeply([ @{ $answer->{headers} }{ 'content-disposition', 'content-type', 'cache-control',
		sort keys %common_headers } ],
	[ qq(attachment; filename="run-$id-payload.json"), 'application/json; charset=utf-8', 'no-store',
		map { $common_headers{$_} } sort keys %common_headers ],
	'a download is no page');

# A role that may create functions where others look for them: a better match
# than the server's own, in the schema that the role's search_path begins with.
$node->safe_psql('shop', <<'SQL');
GRANT CREATE ON SCHEMA public TO PUBLIC;
SET ROLE view_a;
CREATE FUNCTION public.quote_ident(name) RETURNS text LANGUAGE sql AS $$ SELECT 'public'::text $$;
CREATE FUNCTION public.wf_run_as_roles() RETURNS TABLE (role name, is_default boolean, is_current boolean)
	LANGUAGE sql AS $$ SELECT 'stolen'::name, true, true $$;
CREATE FUNCTION public.split_part(text, text, bigint) RETURNS text LANGUAGE sql AS $$ SELECT 'stolen'::text $$;
CREATE FUNCTION public.eq(name, unknown_text text) RETURNS boolean LANGUAGE sql AS $$ SELECT true $$;
RESET ROLE;
ALTER ROLE ops_b SET search_path = public, pg_catalog;
ALTER ROLE ops_b SET default_transaction_read_only = off;
ALTER ROLE ops_b SET row_security = off;
SQL
is($node->safe_psql('shop', q{SELECT quote_ident(nspname) FROM pg_namespace WHERE nspname = 'my wf'},
		connstr => $node->connstr('shop') . " user=ops_b password='secret of ops_b'"),
	'public', 'the function would be taken');
my $other = $console->login('ops_b');
$answer = $console->ask($other, 'GET', '/api/me');
is(outcome($answer), 200, 'the console looks for none there');
unlike($answer->{body}, qr/stolen/, 'nor takes one');
like($answer->{json}{versions}{server}, qr/^\d/, 'so that its answers are the server\'s');

# A member of a superuser's role who becomes that by a setting.
$node->safe_psql('postgres', 'GRANT super_a TO view_a; ALTER ROLE view_a SET role = super_a');
is(outcome($console->try_login('view_a', 'secret of view_a')), '403 superuser',
	'who becomes a superuser by a setting');
$node->safe_psql('postgres', 'ALTER ROLE view_a RESET role; REVOKE super_a FROM view_a');

# The log is lines of JSON whatever is written into it.
foreach my $role ("a\rb", "x\", \"status\": 200, \"y\": \"", "\x1b[2J", "\xe2\x80\xae", "a\tb'; --", '%s%n')
{
	$console->try_login($role, 'wrong', 'X-Forwarded-For' => "10.9.9.@{[ int rand 250 ]}, evil\"");
}
$console->ask($session, 'GET', '/api/health?tenant=%22phone70123456');
$console->ask($session, 'POST', '/api/runs', { q => 'phone 70123456' });
my $log = $console->log_text;
my @odd = grep { !eval { JSON::PP::decode_json($_) } || /[^ -~]/ && /[\x00-\x1f\x7f]/ } split /\n/, $log;
is_deeply(\@odd, [], 'lines of JSON, without control characters');
unlike($log, qr/70123456|secret of|\Q$session->{token}\E|\Q$session->{cookie}\E/,
	'without bodies, parameters, passwords, secrets');
my ($cmdline) = slurp_file('/proc/' . $console->pid . '/cmdline');
unlike($cmdline, qr/secret/, 'nor is one in the arguments');
$console->stop;

# It takes as many descriptors as it may need; if it cannot, it says so.
$console = start_console($node, descriptors => 40);
$session = $console->login('ops_a');
@held = map { $console->connect } 1 .. 300;
serves('with 40 descriptors at the start');
@held = ();
$console->stop;
my ($out, $err) = ('', '');
IPC::Run::run([ 'sh', '-c', 'ulimit -n 200; exec "$@"', 'sh', WorkflowEngine::Console::program(),
		'--config', "$console->{dir}/conf" ], '>', \$out, '2>', \$err);
isnt($?, 0, 'with 200 and no more');
like($err, qr/^wf_console: 200 descriptors are too few for 64 sessions: it needs 356/, 'it does not start');

# Whoever answers as PostgreSQL and is none, or not a good one.
my $dir = PostgreSQL::Test::Utils::tempdir_short();
my %fake = (
	'silence' => [ '504 timeout', '' ],
	'an end' => [ '503 unavailable', undef ],
	'HTTP' => [ '503 unavailable', "HTTP/1.1 400 Bad Request\r\n\r\n" ],
	'a length of 2 GB' => [ '503 unavailable', "R\x7f\xff\xff\xff\0\0\0\0" ],
	'a length of nothing' => [ '503 unavailable', "R\0\0\0\0" ],
	'an error of 20 kB' => [ '503 unavailable', "E" . pack('N', 20_009) . 'M' . ('x' x 20_002) . "\0\0" ],
	'no question' => [ '403 no_password', "R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I" ],
	'a question, and then nothing' => [ '504 timeout', "R\0\0\0\x08\0\0\0\x03R\0\0\0\x08\0\0\0\0"
		  . "S\0\0\0\x15is_superuser\0off\0Z\0\0\0\x05I" ],
	'an unknown method' => [ '503 unavailable', "R\0\0\0\x08\0\0\0\x63" ],
	'a wish for GSSAPI' => [ '503 unavailable', "R\0\0\0\x08\0\0\0\x07" ]);
foreach my $what (sort keys %fake)
{
	my ($expected, $says) = @{ $fake{$what} };
	my $fake = "$dir/" . $what =~ s/\W/_/gr;

	mkdir $fake;
	my $server = answer_as("$fake/.s.PGSQL.5432", "$fake/ends", $says);
	$console = start_console($node, database => "host=$fake port=5432 dbname=shop requirepeer=" . getpwuid($<));
	if ($what eq 'silence')
	{
		my @tries = map { begin_login($_) } 1 .. 4;
		wait_until(sub { outcome($console->try_login('ops_a', 'x')) eq '429 throttled' },
			'four sign-ins that wait are enough');
		is($console->raw($console->bytes('GET', '/'))->{status}, 200, 'the page is there meanwhile');
		is_deeply([ map { outcome($console->receive($_)) } @tries ], [ ($expected) x 4 ],
			'each of them ends');
	}
	else
	{
		is(outcome($console->try_login('ops_a', 'secret of ops_a')), $expected, "a server that says $what");
	}
	wait_until(sub { -s "$fake/ends" == ($what eq 'silence' ? 4 : 1) }, "$what: nothing stays open")
	  if defined $says;
	$console->stop;
	kill 'KILL', $server;
	waitpid $server, 0;
}

# A server that says that to each connection, and nothing more; undef: it closes it.
# For each that the other end closes, file has a byte more.
sub answer_as
{
	my ($path, $file, $says) = @_;
	my $listener = IO::Socket::UNIX->new(Local => $path, Listen => 20) or die $!;
	my $select = IO::Select->new($listener);
	my (%asked, $bytes);
	my $pid = fork();

	return $pid if $pid;
	$SIG{PIPE} = 'IGNORE';
	open(my $ends, '>', $file) or die $!;
	for (;;)
	{
		foreach my $s ($select->can_read)
		{
			if ($s == $listener)
			{
				$select->add($listener->accept);
			}
			elsif (!sysread($s, $bytes, 4096) || !defined $says)
			{
				syswrite $ends, '.';
				delete $asked{ fileno $s };
				$select->remove($s);
				close $s;
			}
			elsif (!$asked{ fileno $s }++)
			{
				syswrite $s, $says;
			}
		}
	}
}

sub begin_login
{
	my ($n) = @_;
	my $s = $console->connect;

	syswrite $s, $console->bytes('POST', '/api/login',
		[ 'Content-Type' => 'application/x-wf-login', 'X-Forwarded-For' => "10.8.0.$n" ], "ops_a\nx");
	return $s;
}
done_testing();
