
# What servers answer: bodies of every kind, redirects, and answers that are
# meant to hurt.  Each fails its own step at most; the worker goes on.

use strict;
use warnings FATAL => 'all';
use utf8;

use MIME::Base64 qw(decode_base64);
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Test;
use WorkflowEngine::Outbound;

my $http = start_receiver('http');
my $other = start_receiver('http');
my $node = outbound_node('responses', <<'CONF');
workflow_engine.workers = 1
workflow_engine.max_output = 1MB
workflow_engine.http_timeout = 20s
CONF

sub get
{
	my ($path, %params) = @_;
	return {
		action => 'webhook',
		retry => { max_attempts => 1 },
		params => { url => $http->url($path), method => 'GET', %params }
	};
}

sub worker
{
	return $node->safe_psql('postgres',
		q{SELECT pid || ' ' || backend_start FROM pg_stat_activity }
		  . q{WHERE backend_type = 'workflow_engine worker' ORDER BY 1});
}

# Resident memory of the one worker, in kB.
sub resident
{
	my ($pid) = split / /, worker();
	my ($kb) = slurp_file("/proc/$pid/status") =~ /^VmRSS:\s+(\d+) kB/m;
	return $kb;
}

# (one that looked for the extension before it was created is gone by then)
wait_for($node, 'postgres', q{
	SELECT count(*) = 1 FROM pg_stat_activity a LEFT JOIN wf_workers() w USING (pid)
	WHERE a.backend_type = 'workflow_engine worker'
	HAVING bool_and(w.state IS NOT NULL AND w.state <> 'starting')},
	'the worker is up');
my $worker = worker();
like($worker, qr/^\d+ [^\n]+$/, 'there is one worker');

my $max_kb = 0;
my %got;

sub fire
{
	my (@cases) = @_;
	my %runs = fire_steps($node, @cases);

	wait_for(
		$node,
		'postgres',
		'SELECT count(*) = 0 FROM workflow_runs '
		  . "WHERE status IN ('queued', 'running', 'waiting')",
		scalar(keys %runs) . ' runs end');
	my $kb = resident();
	$max_kb = $kb if $kb > $max_kb;
	%got = (%got, results($node, %runs));
	return;
}

my $to = sub {
	my ($code, $url) = @_;
	return get("/redirect-to/$code", query => { url => $url });
};

fire(
	json => get('/json'),
	text => get('/bytes/20'),
	empty => get('/bytes/0'),
	binary => get('/raw/application%2Foctet-stream/00ff10fe0a'),
	latin => get('/raw/text%2Fplain/e9e8'),
	nul_text => get('/raw/text%2Fplain/610062'),
	json_text => get('/raw/text%2Fplain/7b7d'),
	json_scalar => get('/raw/application%2Fjson/343265320a'),
	json_null => get('/raw/application%2Fjson/6e756c6c'),
	json_problem => get('/raw/application%2Fproblem%2Bjson/5b315d'),
	json_broken => get('/raw/application%2Fjson/7b2261223a'),
	json_huge_number => get('/raw/application%2Fjson/3165393939393939'),
	surrogate => get('/raw/application%2Fjson/225c756438303022'),
	utf8 => get('/raw/text%2Fplain%3B%20charset%3Dutf-8/c3bc'),
	invalid => get('/invalid-utf8'),
	nul => get('/nul'),
	deep => get('/deep'),
	headers_100 => get('/many-headers/50'),
	garbage => get('/garbage'),
	half => get('/half'),
	close => get('/close'),
	reset => get('/reset'),
	redirect_get => $to->(302, $http->url('/arrived')),
	redirect_relative => $to->(307, '/arrived'),
	redirect_3 => $to->(
		302,
		$http->url(
			'/redirect-to/302?url='
			  . encode(
				$http->url('/redirect-to/302?url=' . encode($http->url('/end')))
			  ))),
	redirect_loop => get('/redirect'),
	redirect_other => $to->(302, $other->url('/there')),
	redirect_file => $to->(302, 'file:///etc/passwd'),
	redirect_smtp => $to->(302, 'smtp://127.0.0.1:' . $other->port . '/'),
	redirect_user => $to->(302, $http->url('/x') =~ s{//}{//u:p@}r),
	redirect_post => {
		action => 'webhook',
		params => {
			url => $http->url('/redirect-to/307'),
			query => { url => $http->url('/arrived') },
			body => { a => 1 } } },
	redirect_put => {
		action => 'webhook',
		params => {
			url => $http->url('/redirect-to/307'),
			method => 'PUT',
			query => { url => $http->url('/arrived') },
			body => { a => 1 } } });

# The request that arrived at the end of redirects is the second one.
sub path_of_last
{
	my ($label) = @_;
	my @requests = requests_of($http, $got{$label});
	return @requests ? $requests[-1]{path} : '';
}

sub encode
{
	my ($text) = @_;
	return $text =~ s/([^A-Za-z0-9])/sprintf '%%%02X', ord $1/ger;
}

sub body_is
{
	my ($label, $body, $what) = @_;
	is($got{$label}{status}, 'completed', "$label: completes")
	  or diag(to_json($got{$label}));
	is_deeply($got{$label}{output}{body}, $body, "$label: $what")
	  or diag(to_json($got{$label}{output}));
	return;
}

sub failed_like
{
	my ($label, $pattern) = @_;
	is($got{$label}{run_status}, 'failed', "$label: fails");
	like($got{$label}{error}, $pattern, "$label: its error")
	  or diag(substr(to_json($got{$label}), 0, 1000));
	return;
}

#
# Bodies.
#
body_is('json', { ok => JSON::PP::true }, 'JSON is JSON');
body_is('text', 'x' x 20, 'text is text');
body_is('empty', undef, 'no body is null');
body_is('binary', { base64 => 'AP8Q/go=' }, 'binary is base64');
is(decode_base64($got{binary}{output}{body}{base64}),
	"\x00\xff\x10\xfe\x0a", 'binary: which decodes to what was sent');
body_is('latin', { base64 => '6eg=' }, 'text in another encoding is base64');
body_is('nul_text', { base64 => 'YQBi' }, 'text with a NUL is base64');
body_is('json_text', '{}', 'JSON that does not say so is text');
is($got{json_scalar}{output}{body}, 4200, 'json_scalar: a number');
body_is('json_null', undef, 'null');
body_is('json_problem', [1], '+json is JSON');
body_is('json_broken', '{"a":', 'broken JSON is text');
is($got{json_huge_number}{status}, 'completed', 'a huge number: completes');
is($got{surrogate}{status}, 'completed', 'a lone surrogate: completes');
body_is('utf8', 'ü', 'UTF-8');
is($got{invalid}{status}, 'completed', 'invalid UTF-8: completes');
is(decode_base64($got{invalid}{output}{body}{base64}),
	"{\"text\": \"\xff\xfe\xc0\xaf\"}", 'invalid UTF-8 is base64');
is($got{nul}{status}, 'completed', 'an escaped NUL: completes');
is($got{nul}{output}{body},
	'{"text": "a\\u0000b"}', 'an escaped NUL: kept as text');
is($got{deep}{status}, 'completed', '10,000 deep: completes');
is($got{deep}{output}{body}, '[' x 10000 . ']' x 10000,
	'10,000 deep: kept as text');
is($got{headers_100}{output}{headers}{'x-filler-49'}, 'x', '50 headers');

#
# Connections that break.  What was sent and not answered says so.
#
failed_like($_, qr/^delivery unknown: \w/) foreach qw(garbage half close reset);

#
# Redirects: three, over http and https only, without credentials in them.
#
foreach my $label (qw(redirect_get redirect_relative redirect_post))
{
	is($got{$label}{status}, 'completed', "$label: followed")
	  or diag(to_json($got{$label}));
	is(path_of_last($label), '/arrived', "$label: to its end");
}
is((requests_of($http, $got{redirect_post}))[-1]{body},
	'{"a": 1}', 'a 307 repeats the body');
is($got{redirect_3}{status}, 'completed', 'three redirects are followed')
  or diag(to_json($got{redirect_3}));
is(path_of_last('redirect_3'), '/end', '... to the end');
failed_like('redirect_loop', qr/more than 3 redirects/);
is(scalar requests_of($http, $got{redirect_loop}),
	4, 'redirect_loop: four requests and no more');
is($got{redirect_other}{status},
	'completed', 'without credentials another host may follow');
failed_like('redirect_file', qr/protocol|redirect/i);
failed_like('redirect_smtp', qr/protocol|redirect/i);
is($got{redirect_user}{run_status}, 'failed', 'redirect_user: fails');
is((requests_of($http, $got{redirect_put}))[-1]{method},
	'PUT', '307 keeps the method, too');

#
# Answers without end.  The limit is named, the worker lives, small as it was.
#
fire(
	huge => get('/huge'),
	endless_body => get('/endless-body'),
	endless_headers => get('/endless-headers'),
	many_headers => get('/many-headers/5000'),
	just_over => get('/bytes/1048577'),
	just_fits => get('/bytes/1048576'),
	slow => { %{ get('/slow-body') }, timeout => '1 s' },
	beside => get('/json'),
	map { ("huge$_" => get('/huge'), "endless$_" => get('/endless-body')) }
	  1 .. 10);
failed_like('huge', qr/over 1048576 bytes/);
failed_like('endless_body', qr/over 1048576 bytes/);
failed_like('endless_headers', qr/headers are over \d+ bytes/);
failed_like('many_headers', qr/more than \d+ headers/);
failed_like('just_over', qr/over 1048576 bytes/);
is($got{just_fits}{status}, 'completed', 'exactly the limit fits')
  or diag(substr($got{just_fits}{error} || '', 0, 500));
failed_like('slow', qr/within 1000 ms/);
is($got{beside}{status}, 'completed', 'a run beside them completes');

#
# max_output cuts what is stored, max_response_size can be set.
#
$node->append_conf('postgresql.conf', <<'CONF');
workflow_engine.max_output = 2kB
workflow_engine.max_response_size = 64kB
CONF
$node->reload;
wait_until(
	sub {
		my %now = run_steps($node, probe => get('/bytes/70000'));
		return $now{probe}{run_status} eq 'failed'
		  && $now{probe}{error} =~ /over 65536 bytes/;
	},
	'a reload brings the new limit');
fire(cut => get('/bytes/60000'));
is($got{cut}{status}, 'completed', 'a long answer completes');
my $cut = $got{cut}{output};
is($cut->{truncated}, JSON::PP::true, '... is cut in history, and says so')
  or diag(substr(to_json($cut), 0, 500));
cmp_ok(length to_json($cut), '<', 3000, '... to about max_output');
like(to_json($cut), qr/\b60\d\d\d\b/, '... with its full size');

is(worker(), $worker, 'it was the same worker all the time');
cmp_ok($max_kb, '<', 150 * 1024, 'which took less than 150 MB')
  or diag("$max_kb kB");
is( $node->safe_psql(
		'postgres',
		'SELECT count(*) FROM wf_workers() WHERE last_error IS NOT NULL'),
	0,
	'and had no error of its own');
unlike(
	slurp_file($node->logfile),
	qr/terminated by signal|PANIC|TRAP/,
	'nothing crashed');

$node->stop;
done_testing();
