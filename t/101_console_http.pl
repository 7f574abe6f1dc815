# wf_console and HTTP: the headers of every answer, Host, what is refused of
# requests, what comes slowly or not at all, files, limits.
use strict;
use warnings FATAL => 'all';

use IO::Select;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

use WorkflowEngine::Console;
use WorkflowEngine::Test;

my $node = console_node('http');
my $console = start_console($node, conf => "request_time = 4 s\n");
my $host = $console->{host};
my $session = $console->login('ops_a');

# Every answer, whatever it says, has the same headers.
sub check_headers
{
	my ($answer, $what) = @_;
	my %wrong;

	foreach my $name (keys %common_headers)
	{
		my $have = $answer->{headers}{$name};
		$wrong{$name} = $have
		  if !defined $have || $have ne $common_headers{$name};
	}
	is_deeply(\%wrong, {}, "$what: the headers");
	ok(!exists $answer->{headers}{server}, "$what: no name of the server");
}

# [status, code, what, bytes]
my $post = "POST /api/logout HTTP/1.1\r\nHost: $host\r\nOrigin: http://$host\r\n"
  . "Content-Type: application/json\r\n";
my @refused = (
	[ 404, 'not_found', 'no file', $console->bytes('GET', '/nothing') ],
	[ 404, 'not_found', 'dots', $console->bytes('GET', '/../etc/passwd') ],
	[ 404, 'not_found', 'escaped dots', $console->bytes('GET', '/%2e%2e/x') ],
	[ 404, 'not_found', 'the prefix alone', $console->bytes('GET', '/api') ],
	[ 404, 'not_found', 'no route', $console->bytes('GET', '/api/nothing') ],
	[ 405, 'method', 'a POST of a file', $console->bytes('POST', '/') ],
	[ 405, 'method', 'HEAD', $console->bytes('HEAD', '/') ],
	[ 405, 'method', 'OPTIONS', $console->bytes('OPTIONS', '/api/runs') ],
	[ 405, 'method', 'a GET of a POST', $console->bytes('GET', '/api/runs') ],
	[ 401, 'no_session', 'nobody', $console->bytes('GET', '/api/me') ],
	[ 421, 'host', 'another host',
		$console->bytes('GET', '/', [ Host => 'evil.example' ]) ],
	[ 421, 'host', 'another port',
		$console->bytes('GET', '/', [ Host => '127.0.0.1:1' ]) ],
	[ 421, 'host', 'another host of the API',
		$console->bytes('GET', '/api/me', [ Host => 'evil.example' ]) ],
	[ 400, 'bad_request', 'no host',
		$console->bytes('GET', '/', [ Host => undef ]) ],
	[ 400, 'bad_request', 'two hosts',
		"GET / HTTP/1.1\r\nHost: $host\r\nHost: $host\r\n\r\n" ],
	[ 400, 'bad_request', 'another host in the target',
		"GET http://evil.example/ HTTP/1.1\r\nHost: $host\r\n\r\n" ],
	[ 400, 'bad_request', 'lines that end with LF',
		"GET / HTTP/1.1\nHost: $host\n\n" ],
	[ 400, 'bad_request', 'one line that ends with LF',
		"GET / HTTP/1.1\r\nHost: $host\nX: y\r\n\r\n" ],
	[ 400, 'bad_request', 'a CR within a line',
		"GET / HTTP/1.1\r\nHost: $host\rX: y\r\n\r\n" ],
	[ 400, 'bad_request', 'an empty line first',
		"\r\nGET / HTTP/1.1\r\nHost: $host\r\n\r\n" ],
	[ 400, 'bad_request', 'a folded header',
		"GET / HTTP/1.1\r\nHost: $host\r\nX: y\r\n z\r\n\r\n" ],
	[ 400, 'bad_request', 'a blank before the colon',
		"${post}Content-Length : 2\r\n\r\n{}" ],
	[ 400, 'bad_request', 'a NUL',
		"GET / HTTP/1.1\r\nHost: $host\r\nX: \0\r\n\r\n" ],
	[ 400, 'bad_request', 'TLS', "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" ],
	[ 400, 'bad_request', 'HTTP/2', "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" ],
	[ 400, 'bad_request', 'HTTP/1.2', "GET / HTTP/1.2\r\nHost: $host\r\n\r\n" ],
	[ 411, 'length', 'no length', "$post\r\n" ],
	[ 400, 'bad_request', 'a sign', "${post}Content-Length: +2\r\n\r\n{}" ],
	[ 400, 'bad_request', 'hexadecimal', "${post}Content-Length: 0x2\r\n\r\n{}" ],
	[ 400, 'bad_request', 'two equal lengths',
		"${post}Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}" ],
	[ 400, 'bad_request', 'two other lengths',
		"${post}Content-Length: 2\r\nContent-Length: 40\r\n\r\n{}" ],
	[ 400, 'bad_request', 'a list of lengths',
		"${post}Content-Length: 2, 2\r\n\r\n{}" ],
	[ 400, 'bad_request', 'chunks',
		"${post}Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n" ],
	[ 400, 'bad_request', 'chunks and a length',
		"${post}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" ],
	[ 400, 'bad_request', 'hidden chunks',
		"${post}Content-Length: 4\r\nTransfer-Encoding:\x0bchunked\r\n\r\n0\r\n" ],
	[ 400, 'bad_request', 'a GET with a body',
		$console->bytes('GET', '/', [ 'Content-Length' => 5 ], 'GET /') ],
	[ 413, 'too_large', 'a body of 3 MB',
		$console->ask_bytes($session, 'POST', '/api/runs', 'x' x 3_000_000) ],
	[ 413, 'too_large', 'a length of 12 digits',
		"${post}Content-Length: 999999999999\r\n\r\n" ],
	[ 400, 'bad_request', 'a length of 20 digits',
		"${post}Content-Length: 18446744073709551618\r\n\r\n" ],
	[ 417, 'expectation', 'an expectation',
		"${post}Content-Length: 2\r\nExpect: 100-continue\r\n\r\n{}" ],
	[ 431, 'header_too_large', 'headers of 17 kB',
		$console->bytes('GET', '/', [ 'X-Long' => 'x' x 17_000 ]) ],
	[ 431, 'header_too_large', '101 headers',
		"GET / HTTP/1.1\r\nHost: $host\r\n" . ("X: y\r\n" x 100) . "\r\n" ],
	[ 431, 'header_too_large', 'a line of 17 kB',
		'GET /' . ('x' x 17_000) . " HTTP/1.1\r\nHost: $host\r\n\r\n" ],
	[ 400, 'bad_request', 'a parameter that is not known',
		$console->ask_bytes($session, 'GET', '/api/me?x=1') ],
	[ 400, 'bad_value', 'a body that is not UTF-8',
		$console->ask_bytes($session, 'POST', '/api/runs', "{\"q\": \"\xff\"}") ],
	[ 400, 'bad_value', 'a body with a NUL',
		$console->ask_bytes($session, 'POST', '/api/runs', "{}\0{}") ],
	[ 400, 'bad_value', 'a body that is no JSON',
		$console->ask_bytes($session, 'POST', '/api/runs', '{"q": "x"}}') ],
	[ 400, 'bad_value', 'a body of JSON that closes more than it opened',
		$console->ask_bytes($session, 'POST', '/api/runs', '{}, "id": {}') ],
	[ 400, 'bad_value', 'an escaped NUL',
		$console->ask_bytes($session, 'POST', '/api/runs', '{"q": "\u0000"}') ],
	[ 400, 'bad_value', 'JSON of 10,000 levels',
		$console->ask_bytes($session, 'POST', '/api/runs', '[' x 100_000) ]);

foreach my $case (@refused)
{
	my ($status, $code, $what, $bytes) = @$case;
	my $answer = $console->raw($bytes);

	is("$answer->{status} $answer->{json}{error}{code}",
		"$status $code", $what);
	check_headers($answer, $what);
	is($answer->{headers}{'cache-control'}, 'no-store', "$what: not stored");
}

# What is refused as HTTP ends the connection: nothing after it is looked at.
foreach my $bytes (
	"${post}Transfer-Encoding: chunked\r\n\r\n",
	"${post}Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
	"GET / HTTP/1.1\nHost: $host\n\n")
{
	my $socket = $console->connect;

	syswrite $socket, $bytes . $console->bytes('GET', '/');
	my $answer = $console->receive($socket);
	is($answer->{headers}{connection}, 'close', 'the connection ends');
	is($console->receive($socket), undef, 'and there is no second answer');
}

# What is taken.  A connection serves one request after the other, sent one by
# one or at once, whole or byte by byte.
my $index = $console->bytes('GET', '/');
my $socket = $console->connect;
foreach my $n (1 .. 3)
{
	syswrite $socket, $index;
	is($console->receive($socket)->{status}, 200, "request $n of one connection");
}
syswrite $socket, $index . $console->ask_bytes($session, 'GET', '/api/me')
  . $console->bytes('GET', '/nothing') . $index;
is_deeply([ map { $console->receive($socket)->{status} } 1 .. 4 ],
	[ 200, 200, 404, 200 ], 'requests at once are answered in their order');
foreach my $byte (split //, $console->ask_bytes($session, 'POST', '/api/failures'))
{
	syswrite $socket, $byte;
}
is_deeply($console->receive($socket)->{json}{groups},
	[], 'a request of which each byte comes alone');
syswrite $socket, $console->bytes('GET', '/', [ Connection => 'close' ]);
is($console->receive($socket)->{status}, 200, 'the last of a connection');
is($console->receive($socket), undef, 'which ends it');
$socket = $console->connect;
syswrite $socket, "GET / HTTP/1.0\r\nHost: $host\r\n\r\n";
is($console->receive($socket)->{status}, 200, 'HTTP/1.0 as proxies speak it');
is($console->receive($socket), undef, 'has one request');
foreach my $name ("localhost:$console->{port}", "[::1]:$console->{port}")
{
	is($console->raw($console->bytes('GET', '/', [ Host => $name ]))->{status},
		200, "the name $name");
}

# Files: the page, and what it names, as it is and compressed, to be kept.
my $answer = $console->raw($index);
check_headers($answer, 'the page');
is($answer->{headers}{'content-type'}, 'text/html; charset=utf-8', 'its type');
is($answer->{headers}{'cache-control'}, 'no-cache', 'it is asked for each time');
unlike($answer->{body}, qr/\@assets\@/, 'the folder of its files is known');
my $zipped =
  $console->raw($console->bytes('GET', '/', [ 'Accept-Encoding' => 'gzip' ]));
is($zipped->{headers}{'content-encoding'}, 'gzip', 'compressed');
is($zipped->{headers}{vary}, 'Accept-Encoding', 'and said so');
my $file = PostgreSQL::Test::Utils::tempdir() . '/page.gz';
open(my $out, '>:raw', $file) or die $!;
print $out $zipped->{body};
close $out;
is(`gzip -dc $file`, $answer->{body}, 'to the same');
foreach my $path ($answer->{body} =~ m,"(/a/[0-9a-f]{16}/[^"]+)",g)
{
	my $asset = $console->raw($console->bytes('GET', $path));

	is($asset->{status}, 200, $path);
	check_headers($asset, $path);
	is($asset->{headers}{'cache-control'},
		'public, max-age=31536000, immutable', "$path: kept for ever");
}
my $me = $console->ask($session, 'GET', '/api/me');
check_headers($me, 'the API');
is($me->{headers}{'cache-control'}, 'no-store', 'which is not stored');
is($me->{headers}{'content-type'}, 'application/json; charset=utf-8', 'JSON');

# 1 MB is taken, also a body as large as may be.
is($console->ask($session, 'POST', '/api/runs',
		'{"x": "' . ('y' x 1_000_000) . '"}')->{status},
	200, 'a body of 1 MB');
is($console->ask($session, 'POST', '/api/runs',
		'{"x": "' . ('y' x (2 * 1024 * 1024 - 9)) . '"}')->{status},
	200, 'a body of 2 MB');

# Slow and half requests: 408 after the time, and silence if nothing came.
my %half = (
	'half a line' => 'GET / HT',
	'half of the headers' => "GET / HTTP/1.1\r\nHost: $host\r\n",
	'half a body' => "${post}Content-Length: 10\r\n\r\n{}");
my %slow = map {
	my $s = $console->connect;
	syswrite $s, $half{$_};
	($_ => $s)
} keys %half;
my $silent = $console->connect;
my $begun = time();
foreach my $what (sort keys %slow)
{
	my $answer = $console->receive($slow{$what});

	is($answer->{status}, 408, $what);
	check_headers($answer, $what);
}
is($console->receive($silent), undef, 'who says nothing is left');
cmp_ok(time() - $begun, '>', 1, 'not at once');

# 256 connections, and more: those that wait longest make room.
my @many = map { $console->connect } 1 .. 300;
is($console->raw($index)->{status}, 200, 'beside 300 idle connections');
is($console->ask($session, 'GET', '/api/me')->{status}, 200, 'for a session too');
@many = ();

# Half an answer is read by nobody: it goes on without.
foreach (1 .. 20)
{
	my $s = $console->connect;
	syswrite $s, $console->ask_bytes($session, 'GET', '/api/health');
	close $s;
}
wait_until(sub { $console->ask($session, 'GET', '/api/me')->{status} == 200 },
	'it goes on after clients that went away');

# The log: a line of JSON a request, no query, no body.
$console->ask($session, 'GET', '/api/health?tenant=00000000-0000-0000-0000-000000000009');
$console->ask($session, 'POST', '/api/runs', { q => 'phone 70123456' });
my $log = $console->log_text;
unlike($log, qr/70123456|000000000009/, 'neither body nor query is logged');
unlike($log, qr/\Q$session->{token}\E|\Q$session->{cookie}\E/, 'no secret either');
my @bad = grep { !eval { JSON::PP::decode_json($_) } } split /\n/, $log;
is_deeply(\@bad, [], 'each line is JSON');
like($log, qr/"role": "ops_a", "address": "[0-9.]+", "method": "POST", "route": "runs", "status": 200, "ms"/,
	'a line says who asked for what');
$console->stop;

# A Unix socket, with an address of https: only its own name is taken.
$console = start_console($node, unix => 1, url => 'https://wf.example');
$session = $console->login('ops_a');
is($console->ask($session, 'GET', '/api/me')->{json}{role}, 'ops_a', 'by a Unix socket');
is($console->ask($session, 'GET', '/api/me', undef, Host => 'localhost')->{status},
	421, 'https has one name');
is($console->ask($session, 'GET', '/api/me', undef, Origin => 'http://wf.example')
	  ->{status}, 403, 'and one scheme');
is(sprintf('%o', (stat $console->{unix})[2] & 0777), '660', 'its socket is for its group');
my $path = $console->{unix};
$console->stop;
ok(!-e $path, 'which is removed at the end');
done_testing();
