
# OAuth 2, client credentials: tokens are asked for once, kept until they end
# or are refused, renewed once, and never seen.

use strict;
use warnings FATAL => 'all';

use MIME::Base64 qw(encode_base64);
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Test;
use WorkflowEngine::Outbound;
use WorkflowEngine::Runs qw(worker_pid set_and_reload);

my $http = start_receiver('http');
my $api = $http;
my $ca = make_ca();
my $tls = start_receiver('http', '--tls-cert', "$ca/good.pem", '--tls-key',
	"$ca/good.key");
my $unknown = start_receiver('http', '--tls-cert', "$ca/alien.pem", '--tls-key',
	"$ca/alien.key");
my $secrets = PostgreSQL::Test::Utils::tempdir();
my $secret = 'cl13nt-s3cret-of-a-file/+&=';
append_to_file("$secrets/client", "$secret\n");
my $node = outbound_node('oauth', <<"CONF");
workflow_engine.workers = 1
workflow_engine.secrets_dir = '$secrets'
workflow_engine.ca_file = '$ca/ca.pem'
workflow_engine.http_timeout = 60s
restart_after_crash = on
log_min_messages = debug5
log_min_error_statement = debug5
log_error_verbosity = verbose
log_statement = all
log_min_duration_statement = 0
debug_print_parse = on
CONF
my $tenant_b = '00000000-0000-4000-8000-00000000000b';

# A connection of that name, whose API wants a token of that name.
sub connect_as
{
	my ($name, $token_path, %option) = @_;
	my $token_url = delete $option{token_url} || $http->url($token_path);
	my %oauth2 =
	  (token_url => $token_url, %{ delete $option{oauth2} || {} });

	connection(
		$node,
		name => $name,
		kind => 'http',
		config => {
			base_url => $api->url(delete $option{api} || "/guarded/$name"),
			oauth2 => \%oauth2
		},
		credentials => {
			client_id => 'client of ' . $name,
			client_secret => { file => 'client' },
			%{ delete $option{credentials} || {} } },
		%option);
	return;
}

sub through
{
	my ($connection, %params) = @_;
	return {
		action => 'webhook',
		retry => { max_attempts => 1 },
		params => { connection => $connection, path => 'p', %params } };
}

# What the token endpoint was asked on a path with that name.
sub asked
{
	my ($name) = @_;
	return grep { $_->{target} =~ /(?:^|[\/?&])\Q$name\E$/ } $http->requests;
}

sub bearer
{
	my ($result) = @_;
	my $request = request_of($api, $result);
	return $request ? $request->{headers}{authorization} : '(not one request)';
}

my %got;

#
# A token is asked for, and kept.
#
connect_as('plain', '/token/3600/plain');
%got = run_steps($node, first => through('plain'));
is($got{first}{run_status}, 'completed', 'a step with a token')
  or diag(to_json($got{first}));
like(bearer($got{first}), qr/^Bearer tok-plain-0-/, 'that was sent');
my ($ask) = asked('plain');
is($ask->{method}, 'POST', 'it was asked for by POST');
is($ask->{headers}{'content-type'}, 'application/x-www-form-urlencoded',
	'... of a form');
is($ask->{body}, 'grant_type=client_credentials', '... of the client');
is( $ask->{headers}{authorization},
	'Basic '
	  . encode_base64('client%20of%20plain:cl13nt-s3cret-of-a-file%2F%2B%26%3D',
		''),
	'... whose name and secret are encoded as RFC 6749 says');
ok(!exists $ask->{headers}{'idempotency-key'}, '... without a key');
is($got{first}{attempts}, 1, 'one attempt');
ok(!exists $got{first}{failed_attempts}, '... and no other');

%got = run_steps($node, map { ("again$_" => through('plain')) } 1 .. 5);
is(scalar(() = asked('plain')), 1, 'the token is kept');
is(scalar(grep { bearer($_) =~ /^Bearer tok-plain-0-/ } values %got), 5,
	'... and sent');

# The form, and the client in it.
connect_as(
	'form',
	'/token/3600/form',
	oauth2 =>
	  { auth => 'body', scope => 'read write:all', audience => 'https://a/?b' });
%got = run_steps($node, form => through('form'));
is($got{form}{run_status}, 'completed', 'the client in the body');
($ask) = asked('form');
is( $ask->{body},
	'grant_type=client_credentials&scope=read%20write%3Aall'
	  . '&audience=https%3A%2F%2Fa%2F%3Fb&client_id=client%20of%20form'
	  . '&client_secret=cl13nt-s3cret-of-a-file%2F%2B%26%3D',
	'... with scope and audience');
ok(!exists $ask->{headers}{authorization}, '... and not in a header');

# Over TLS, with a certificate that is known.
connection(
	$node,
	name => $_->[0],
	kind => 'http',
	config => {
		base_url => $api->url('/x'),
		oauth2 => { token_url => $_->[1]->url('/token/60/tls') }
	},
	credentials => { client_id => 'i', client_secret => 'secret-of-tls' })
  foreach [ 'tls', $tls ], [ 'unknown', $unknown ];
%got =
  run_steps($node, tls => through('tls'), unknown => through('unknown'));
is($got{tls}{run_status}, 'completed', 'over TLS');
like($got{unknown}{error}, qr/^token request: SSL/,
	'a certificate that nobody vouches for');

#
# Many at once wait for one token.
#
connect_as('many', '/delay/700/token/3600/many');
%got = run_steps($node, map { ("many$_" => through('many')) } 1 .. 50);
is(scalar(grep { $_->{run_status} eq 'completed' } values %got),
	50, '50 steps at once');
is(scalar(() = asked('many')), 1, '... wait for one token');
is(scalar(grep { $_->{attempts} != 1 || $_->{failed_attempts} } values %got),
	0, '... without another attempt');

#
# It ends, and the next one is asked for in time.
#
my $life = 2;
connect_as('short', "/token/$life/short");
my @short;
until (@short > 1000 || (() = asked('short')) >= 3)
{
	my %two = run_steps(
		$node,
		short => through('short'),
		again => through('short'));

	push @short, values %two;
}
my @asked = map { $_->{time} } asked('short');
cmp_ok(scalar @asked, '>=', 3, 'a token that ends is followed by another');
# it is kept until a tenth of its time is left
is(scalar(grep { $asked[$_] - $asked[ $_ - 1 ] < 0.85 * $life } 1 .. $#asked),
	0, '... when it ends');
is(scalar(grep { $_->{run_status} ne 'completed' } @short), 0, '... for every step');
# A request may reach the server after the end of its token, if the machine is busy:
# then its attempt was begun before.
my @refused = split /\n/, $node->safe_psql('postgres', q{
	SELECT extract(epoch FROM (a->>'started_at')::timestamptz)
	  FROM workflow_runs, jsonb_array_elements(step_results->0->'failed_attempts') a
	 WHERE id IN (} . join(', ', map { "'$_->{run_id}'" } @short) . ')');
foreach my $begun (@refused)
{
	my ($newest) = reverse grep { $_ <= $begun } @asked;

	cmp_ok($begun, '<', ($newest || 0) + $life, '... one was refused that ended on its way');
}
pass('... and none is sent that has ended');

# One that has ended before it came is sent by those who waited for it.
connect_as('gone', '/token/0/gone', api => '/x');
%got = run_steps($node, gone => through('gone'), too => through('gone'));
is($got{$_}{run_status}, 'completed', "a token of no seconds: $_")
  foreach sort keys %got;
cmp_ok(scalar(() = asked('gone')), '<=', 2, '... is sent once');

#
# A token that is refused is renewed, once.
#
connect_as('revoked', '/token/-/revoked');
%got = run_steps($node, before => through('revoked'));
is($got{before}{run_status}, 'completed', 'a token of no known end');
$http->command('revoke revoked');
%got = run_steps($node, map { ("after$_" => through('revoked')) } 1 .. 20);
is(scalar(grep { $_->{run_status} eq 'completed' } values %got),
	20, 'steps whose token was revoked');
is(scalar(() = asked('revoked')), 2, '... wait for one new token');
my ($renewed) = grep { $_->{failed_attempts} } values %got;
my @sent = requests_of($http, $renewed);
is(scalar @sent, 2, '... and are sent once more');
is( $sent[0]{headers}{'idempotency-key'},
	$sent[1]{headers}{'idempotency-key'},
	'... with the same key');
isnt($sent[0]{headers}{authorization}, $sent[1]{headers}{authorization},
	'... and another token');
is($renewed->{attempts}, 1, '... which is no other attempt');
like($renewed->{failed_attempts}[0]{error}, qr/^HTTP 401/,
	'... but in the history');
ok($renewed->{failed_attempts}[0]{renewed}, '... as a renewal');

# If the new one is refused too, the step fails.
connect_as('root', '/token/-/root', api => '');
%got = run_steps($node, good => through('root'));
%got = run_steps($node, bad => through('root', path => 'status/401'));
like($got{bad}{error}, qr/^HTTP 401/, 'the new one is refused too');
is(scalar(() = requests_of($http, $got{bad})), 2, '... so there is no third');
is(scalar(() = asked('root')), 2, '... nor is it asked for');
%got = run_steps($node, bad => through('root', path => 'status/401'));
is(scalar(() = requests_of($http, $got{bad})),
	1, 'one that nobody has taken yet is not renewed');
is(scalar(() = asked('root')), 3, '... but not sent with another step');

#
# A token that cannot be had.
#
sub raw
{
	my ($text) = @_;
	return '/raw/application%2Fjson/' . unpack('H*', $text);
}
my %wrong = (
	invalid_client => [
		'/token-error/401/invalid_client',
		qr/^token request: HTTP 401: invalid_client: No\. You sent /
	],
	bad_request =>
	  [ '/token-error/400/invalid_scope', qr/HTTP 400: invalid_scope/ ],
	forbidden => [ '/status/403', qr/^token request: HTTP 403$/ ],
	redirect => [
		'/redirect-to/307?url=http://example.com/x',
		qr/HTTP 307: redirects to "http:..example.com.x"/
	],
	error_200 => [ raw('{"error": "nope"}'), qr/HTTP 200: nope$/ ],
	html => [ raw('<html>hello</html>'), qr/is no JSON object/ ],
	array => [ raw('["access_token"]'), qr/is no JSON object/ ],
	cut => [
		raw('{"access_token": "abc-def-ghi", "token_type": "Bearer"'),
		qr/is no JSON object/
	],
	after => [
		raw('{"access_token": "abc-def-ghi", "token_type": "Bearer"} x'),
		qr/is no JSON object/
	],
	empty => [ raw(''), qr/is no JSON object/ ],
	deep => [ '/deep', qr/is no JSON object/ ],
	nul => [ '/nul', qr/is no JSON object/ ],
	invalid_utf8 => [ '/invalid-utf8', qr/has no access_token/ ],
	no_token => [ raw('{"token_type": "Bearer"}'), qr/has no access_token/ ],
	number =>
	  [ raw('{"access_token": 7, "token_type": "Bearer"}'), qr/no access_token/ ],
	no_type => [ raw('{"access_token": "abc"}'), qr/has no token_type/ ],
	mac => [ '/token-as/mac/616263', qr/is not Bearer/ ],
	lines => [ '/token-as/Bearer/610a62', qr/access_token .*is malformed/ ],
	blank => [ '/token-as/Bearer/612062', qr/access_token .*is malformed/ ],
	void => [
		raw('{"access_token": "", "token_type": "Bearer"}'),
		qr/access_token .*is malformed/
	],
	long => [ '/token-long/20000', qr/access_token .*is malformed/ ],
	large => [ '/bytes/70000', qr/an answer of over 65536 bytes/ ],
	huge => [ '/huge', qr/max_response_size/ ]);
connect_as(
	$_,
	"$wrong{$_}[0]" . ($wrong{$_}[0] =~ /\?/ ? "&$_" : "?$_"),
	oauth2 => { auth => $_ eq 'bad_request' ? 'body' : 'basic' })
  foreach sort keys %wrong;
connect_as('private', undef, token_url => 'http://10.1.2.3/token');
$wrong{private} = [ undef, qr/^token request: connections to 10\.1\.2\.3 / ];

sub patient
{
	my ($connection) = @_;
	return {
		%{ through($connection) },
		retry => { max_attempts => 2, initial_interval => '10 ms' } };
}
%got = run_steps($node, map { ($_ => patient($_)) } sort keys %wrong);
foreach my $name (sort keys %wrong)
{
	is($got{$name}{run_status}, 'failed', "$name: fails");
	like($got{$name}{error}, $wrong{$name}[1], "$name: its error");
	is($got{$name}{attempts}, 1, "$name: for good");
	is($got{$name}{input}{connection}, $name, "$name: its input");
	is(scalar(() = requests_of($http, $got{$name})), 0,
		"$name: nothing was sent");
	is(scalar(() = asked($name)), 1, "$name: asked for once")
	  if $wrong{$name}[0];
}

# For now: another attempt asks again.
connect_as('refused', undef, token_url => 'http://127.0.0.1:1/token');
my %for_now = (
	refused => qr/Failed to connect|Couldn't connect/i,
	hang => qr/time-out|within 2000 ms/,
	close => qr/^token request: /,
	status_500 => qr/HTTP 500/,
	status_503 => qr/HTTP 503/,
	status_599 => qr/HTTP 599/,
	status_408 => qr/HTTP 408/);
connect_as($_, '/' . tr{_}{/}r . "?$_")
  foreach grep { $_ ne 'refused' } sort keys %for_now;
connect_as('mended', '/failing/1/503/token/60/mended');
connect_as('busy', '/retry-after/1/failing/1/429/token/60/busy');
%got = run_steps($node,
	map { ($_ => patient($_)) } 'mended', 'busy', grep { $_ ne 'hang' } sort keys %for_now);
# the others have the time that they need
set_and_reload($node, 'workflow_engine.http_timeout', '2s');
%got = (%got, run_steps($node, hang => patient('hang')));
set_and_reload($node, 'workflow_engine.http_timeout', '60s');
foreach my $name (sort keys %for_now)
{
	is($got{$name}{run_status}, 'failed', "$name: fails");
	like($got{$name}{error}, $for_now{$name}, "$name: its error");
	is($got{$name}{attempts}, 2, "$name: after two attempts");
	unlike($got{$name}{error}, qr/delivery unknown/, "$name: it is known");
	is(scalar(() = asked($name)), 2, "$name: both asked")
	  unless $name eq 'refused' || $name eq 'close';
}
is($got{mended}{run_status}, 'completed', 'the second attempt has a token');
is($got{mended}{attempts}, 2, '... and is the second');
like($got{mended}{failed_attempts}[0]{error},
	qr/^token request: HTTP 503/, '... after the first');
is($got{busy}{run_status}, 'completed', 'a server that asks to wait');
is($got{busy}{attempts}, 1, '... which uses up no attempt');
is($got{busy}{failed_attempts}[0]{waits}, 1, '... but is waited for');

# A step that may be sent once only: it was not sent.
connect_as('once', '/status/503?once');
%got = run_steps($node, once => through('once'));
is($got{once}{error}, 'token request: HTTP 503', 'with one attempt');
is($got{once}{attempts}, 1, '... it fails at once');

# Many that wait for one that does not come.
connect_as('none', '/delay/700/token-error/401/none');
%got = run_steps($node, map { ("none$_" => patient('none')) } 1 .. 30);
is(scalar(grep { $_->{error} =~ /HTTP 401: none/ } values %got),
	30, 'all that have waited fail');
is(scalar(() = asked('none')), 1, '... by one answer');

#
# Whose a token is.
#
connect_as(
	'mine', '/token/60/mine',
	tenant => $_,
	credentials => { client_secret => 'secret-of-a-tenant' })
  foreach $tenant, $tenant_b;
connect_as('ours', '/token/60/ours');
%got = run_steps(
	$node,
	mine_a => through('mine'),
	mine_b => { %{ through('mine') }, tenant => $tenant_b },
	ours_a => through('ours'),
	ours_b => { %{ through('ours') }, tenant => $tenant_b });
is(scalar(grep { $_->{run_status} eq 'completed' } values %got), 4, 'tenants');
isnt(bearer($got{mine_a}), bearer($got{mine_b}), 'each has its own token');
is(bearer($got{ours_a}), bearer($got{ours_b}), 'but of a row for all');
is(scalar(() = asked('mine')), 2, '... asked for twice');
is(scalar(() = asked('ours')), 1, '... and once');

connect_as('ours', '/token/60/ours');
%got = run_steps($node, same => through('ours'));
is(scalar(() = asked('ours')), 1, 'a row that was written, but not changed');
connect_as('ours', '/token/60/ours', credentials => { client_id => 'other' });
%got = run_steps($node, changed => through('ours'));
is(scalar(() = asked('ours')), 2, 'a row that was changed');
my $as_other = encode_base64('other:', '');
like((asked('ours'))[1]{headers}{authorization},
	qr/^Basic $as_other/, '... asks as the new client');
my $held = start_receiver('http');
connect_as('moved', undef, token_url => $held->url('/hold/token/60/old'), api => '/x');
my %moved = fire_steps($node, moved => through('moved'));
$held->wait_requests(1);
connect_as('moved', '/token/60/new', api => '/x');
$held->command('release');
wait_ended($node, values %moved);
%got = results($node, %moved);
like(bearer($got{moved}), qr/^Bearer tok-new-/,
	'a row that was changed while its token was waited for');
$node->safe_psql('postgres',
	"DELETE FROM workflow_connections WHERE name = 'ours'");
%got = run_steps($node, deleted => through('ours'));
like($got{deleted}{error}, qr/does not exist/, 'a row that is gone');

#
# Other credentials go with it, and nothing of it to another server.
#
connect_as(
	'signed',
	'/token/60/signed',
	credentials => {
		headers => { 'X-Key' => 'key-beside-the-token' },
		signing_secret => 'whsec_' . encode_base64('k' x 32, '')
	});
connect_as('elsewhere', '/token/60/elsewhere', api => '/redirect-to/307');
%got = run_steps(
	$node,
	signed => through('signed'),
	elsewhere => through('elsewhere', query => { url => $tls->url('/x') }),
	outside => through('signed', path => undef, url => $tls->url('/x')),
	echo => through('root', path => 'echo'));
my $headers = request_of($http, $got{signed})->{headers};
like($headers->{authorization}, qr/^Bearer tok-signed-/, 'a token');
is($headers->{'x-key'}, 'key-beside-the-token', '... a header');
like($headers->{'webhook-signature'}, qr/^v1,/, '... and a signature');
like($got{elsewhere}{error}, qr/credentials do not go/, 'no redirect');
like($got{outside}{error}, qr/base_url/, 'no other URL');
is(scalar(grep { $_->{path} eq '/x' } $tls->requests), 0,
	'no other server has it');
like(to_json($got{echo}{output}), qr/"authorization":"\*+"/,
	'a token that an answer repeats is masked');

# A preview asks for none.
connect_as('shown', '/token/60/shown');
is( $node->safe_psql('postgres', <<"SQL"),
SELECT status, request#>>'{headers,Authorization}'
  FROM wf_preview('{"name": "p", "trigger_type": "p", "steps": [
	{"name": "a", "action": "webhook",
	 "params": {"connection": "shown", "path": "x"}}]}', '{}', '$tenant')
SQL
	'would send|Bearer ***', 'a preview');
is(scalar(() = asked('shown')), 0, '... asks for no token');

#
# Runs that wait for a token.
#
my $slow = start_receiver('http');
connection(
	$node,
	name => 'held',
	kind => 'http',
	config => {
		base_url => $http->url('/x'),
		oauth2 => { token_url => $slow->url('/hold/token/60/held') }
	},
	credentials =>
	  { client_id => 'held', client_secret => { file => 'client' } });
my %runs = fire_steps($node, map { ("held$_" => through('held')) } 1 .. 20);
$slow->wait_requests(1);
wait_for($node, 'postgres',
	"SELECT count(*) = 20 FROM workflow_runs WHERE status = 'running' AND attempt = 0",
	'runs wait for a token, and no attempt is begun');
my %other = run_steps($node, other => through('plain'));
is($other{other}{run_status}, 'completed', 'others go on');
$node->safe_psql('postgres', "SELECT wf_cancel('$runs{held20}')");
is( $node->safe_psql('postgres',
		"SELECT status FROM workflow_runs WHERE id = '$runs{held20}'"),
	'cancelled', 'one is cancelled');

# The worker is killed, with all of them.
my $pid = worker_pid($node);
kill 'KILL', $pid;
wait_for($node, 'postgres', 'SELECT true', 'the server is there again');
$slow->wait_requests(2);
is(scalar(() = $slow->requests), 2, 'another worker asks anew');

# The server is stopped, as one does.
$node->stop('fast');
$node->start;
$slow->wait_requests(3);
$slow->command('release');
wait_ended($node, values %runs);
%got = results($node, %runs);
is($got{held20}{run_status}, 'cancelled', 'the cancelled one is not sent');
is(scalar(() = requests_of($http, $got{held20})), 0, '... at all');
delete $got{held20};
is(scalar(grep { $_->{run_status} eq 'completed' } values %got),
	19, 'nothing is lost');
is(scalar(grep { (() = requests_of($http, $_)) == 1 } values %got),
	19, 'each is sent once');
is(scalar(grep { $_->{attempts} != 1 || $_->{failed_attempts} } values %got),
	0, '... by its first attempt');

# Nobody waits any more: what was asked for is kept for those who come.
my $kept = start_receiver('http');
connection(
	$node,
	name => 'kept',
	kind => 'http',
	config => {
		base_url => $http->url('/x'),
		oauth2 => { token_url => $kept->url('/hold/token/60/kept') }
	},
	credentials =>
	  { client_id => 'kept', client_secret => { file => 'client' } });
my %left = fire_steps($node, leaves => through('kept'));
$kept->wait_requests(1);
$node->safe_psql('postgres', <<"SQL");
SELECT wf_cancel('$left{leaves}');
UPDATE workflow_definitions
  SET definition = replace(definition::text, '"kept"', '"plain"')::jsonb
  WHERE id = (SELECT definition_id FROM workflow_runs
	WHERE id = '$left{leaves}');
SELECT wf_retry('$left{leaves}', on_version => 'current');
SQL
wait_ended($node, values %left);
%runs = fire_steps($node, comes => through('kept'));
wait_for($node, 'postgres',
	"SELECT status = 'running' FROM workflow_runs WHERE id = '$runs{comes}'",
	'another run comes');
$kept->command('release');
wait_ended($node, values %runs);
%got = results($node, %left, %runs);
is(scalar(grep { $_->{run_status} eq 'completed' } values %got), 2,
	'one goes on without the token, another with it');
is(scalar(() = $kept->requests), 1, '... which was asked for once');

#
# Nothing shows a secret or a token.
#
my $everything = $node->safe_psql(
	'postgres', q{
	SELECT string_agg(query_to_xml(format('SELECT * FROM %s', c.oid::regclass),
			true, false, '')::text, '')
	  FROM pg_class c, pg_namespace n
	 WHERE n.oid = relnamespace AND relkind = 'r' AND nspname = 'public';
	SELECT t::text FROM pg_stat_activity t;
	SELECT t::text FROM wf_workers() t;
	SELECT t::text FROM wf_history(max_rows => 10000) t});
my @forms = (
	$secret, 'cl13nt-s3cret-of-a-file%2F%2B%26%3D', 'ZqZqZqZq',
	encode_base64('s3cret-of-a-fil', ''), encode_base64('3nt-s3cret-of-', ''));

sub seen
{
	my ($text) = @_;
	return join ' ', grep { index($text, $_) >= 0 } @forms;
}
cmp_ok(length $everything, '>', 50_000, 'the tables were read');
is(seen($everything), '', 'no table has a token or the secret');
$node->stop;
is(seen(slurp_file($node->logfile)), '', 'nor the log');

done_testing();
