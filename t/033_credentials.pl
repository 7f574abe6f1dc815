
# Connections and credentials: where they come from, where they may go, and
# that they are nowhere else: not in the log, whatever it logs, and not in a
# table, whatever went wrong.

use strict;
use warnings FATAL => 'all';

use MIME::Base64 qw(encode_base64);
use POSIX qw(mkfifo);
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Test;
use WorkflowEngine::Outbound;

my $http = start_receiver('http');
my $other = start_receiver('http');
my $smtp = start_receiver('smtp', '--auth', 'mailer:smtp-Passw0rd-right',
	'--oauth', 'mailer:oauth-bearer-token-right', '--auth-required');

my $secrets = PostgreSQL::Test::Utils::tempdir();
mkdir "$secrets/dir" or die $!;
mkdir "$secrets/dir/below" or die $!;

sub file
{
	my ($name, $content) = @_;
	open(my $f, '>:raw', "$secrets/$name") or die "$name: $!";
	print $f $content;
	close $f;
	return;
}

file('outside', 'secret-outside-the-folder');
file('dir/token', "secret-of-a-file-1\n");
file('dir/crlf', "secret-of-a-file-2\r\n");
file('dir/empty', '');
file('dir/two_lines', "secret-line-1\nsecret-line-2\n");
file('dir/nul', "secret-nul\0-secret");
file('dir/large', 'secret-large' x 10000);
file('dir/below/token', 'secret-in-a-folder-below');
symlink('below/token', "$secrets/dir/link") or die $!;
symlink('../outside', "$secrets/dir/link_out") or die $!;
symlink("$secrets/outside", "$secrets/dir/link_absolute") or die $!;
symlink("$secrets/dir/token", "$secrets/dir/link_round") or die $!;
symlink('link_loop', "$secrets/dir/link_loop") or die $!;

my $node = outbound_node('credentials', <<"CONF");
workflow_engine.workers = 1
workflow_engine.secrets_dir = '$secrets/dir'
log_min_messages = debug5
log_min_error_statement = debug5
log_error_verbosity = verbose
log_statement = all
log_min_duration_statement = 0
debug_print_parse = on
debug_print_plan = on
CONF

my $tenant_b = '00000000-0000-4000-8000-00000000000b';
my $tenant_c = '00000000-0000-4000-8000-00000000000c';

sub http_connection
{
	my ($name, $credentials, %option) = @_;
	connection(
		$node,
		name => $name,
		kind => 'http',
		config => { base_url => $http->url('/base') },
		credentials => $credentials,
		%option);
	return;
}

sub through
{
	my ($connection, %params) = @_;
	return {
		action => 'webhook',
		retry => { max_attempts => 1 },
		params => {
			connection => $connection,
			(exists $params{url} ? () : (path => 'p')), %params } };
}

my %got;

sub completed
{
	my ($label) = @_;
	return is($got{$label}{run_status}, 'completed', "$label completes")
	  || diag(to_json($got{$label}));
}

sub refused_like
{
	my ($label, $pattern) = @_;
	is($got{$label}{run_status}, 'failed', "$label fails");
	like($got{$label}{error}, $pattern, "$label: its error");
	is( scalar(
			requests_of($http, $got{$label}), requests_of($other, $got{$label})
		),
		0,
		"$label: nothing was sent");
	return;
}

sub authorization
{
	my ($label) = @_;
	my $request = request_of($http, $got{$label});
	return $request ? $request->{headers}{authorization} : '(no request)';
}

#
# Credentials in files.
#
my @files = qw(token crlf empty two_lines nul large below link link_out
  link_absolute link_loop missing);
http_connection("file_$_", { bearer_token => { file => $_ } }) foreach @files;
http_connection(
	'file_all',
	{
		headers => { 'X-Key' => { file => 'token' } },
		basic => { username => 'user', password => { file => 'crlf' } } });
%got = run_steps($node,
	(map { ("file_$_" => through("file_$_")) } @files),
	file_all => through('file_all'));

completed('file_token');
is(authorization('file_token'),
	'Bearer secret-of-a-file-1', 'a file, without the end of its line');
is(authorization('file_crlf'), 'Bearer secret-of-a-file-2', 'CR LF, too');
is( authorization('file_all'),
	'Basic ' . encode_base64('user:secret-of-a-file-2', ''),
	'a file as password');
is(request_of($http, $got{file_all})->{headers}{'x-key'},
	'secret-of-a-file-1', 'a file as header');
refused_like('file_missing', qr/file "missing".*No such file/);
refused_like('file_link_out', qr/file "link_out"/);
refused_like('file_link_absolute', qr/file "link_absolute"/);
refused_like('file_link_loop', qr/file "link_loop"/);
refused_like('file_below', qr/file "below".*not a regular file/);
refused_like('file_empty', qr/is empty/);
refused_like('file_two_lines', qr/control character/);
refused_like('file_nul', qr/not a text/);
refused_like('file_large', qr/not a text of at most/);
ok( $got{file_link}{run_status} eq 'failed'
	  || authorization('file_link') eq 'Bearer secret-in-a-folder-below',
	'a link that stays inside is followed or refused');

# A file is read at use.
file('dir/token', 'secret-of-a-file-3');
%got = run_steps($node, changed => through('file_token'));
is(authorization('changed'),
	'Bearer secret-of-a-file-3', 'a changed file is used at once');

foreach my $name ('../outside', '/etc/passwd', 'below/token', '..', '.', '',
	"token\0x", 'x' x 300)
{
	my ($stdout, $stderr);
	my $json = to_json({ bearer_token => { file => $name } });

	isnt(
		$node->psql(
			'postgres',
			'INSERT INTO workflow_connections (name, kind, config, credentials)'
			  . " VALUES ('bad', 'http', '{\"base_url\": \"http://x\"}', "
			  . literal($json) . ')',
			stderr => \$stderr),
		0,
		'a file name is refused: ' . substr(to_json($name), 0, 30))
	  or diag($stderr);
}

#
# Where they may go.
#
http_connection('bearer', { bearer_token => 'secret-bearer-literal' });
http_connection('basic',
	{ basic => { username => 'user', password => 'secret-basic-password' } });
http_connection('header', { headers => { 'X-Key' => 'secret-header-value' } });
my $port = $http->port;
my %evil = (
	other_host => { url => $other->url('/base/p') },
	other_name => { url => "http://localhost:$port/base/p" },
	other_scheme => { url => "https://127.0.0.1:$port/base/p" },
	other_path => { url => $http->url('/elsewhere') },
	longer_path => { url => $http->url('/base-two/p') },
	# (from data: no definition is saved with such a URL)
	user_info => { url => "{{ trigger.nothing | default: \"http://127.0.0.1:$port\@localhost/base/p\" }}" },
	dots => { path => '../p' },
	dots_encoded => { path => '%2e%2e/p' },
	dots_half => { path => 'a/.%2E/../../p' },
	dots_slash => { path => 'a%2f..%2f..%2f..' },
	dots_backslash => { path => '..\\p' },
	dots_twice => { path => '%252e%252e/p' },
	dots_four_times => { path => 'a%2525252F..%2525252F..%2525252Fp' },
	dots_nul => { path => '..%00/p' },
	dots_value => { path => '{{trigger.up}}/p' },
	whole_value => { url => '{{trigger.url}}' });

foreach my $connection (qw(bearer basic header))
{
	%got = run_steps(
		$node,
		map {
			(
				$_ => {
					%{ through($connection, %{ $evil{$_} }) },
					payload => { up => '../..', url => $other->url('/base/p') }
				})
		} sort keys %evil);
	refused_like($_, qr/base_url|only sent to its own server|URL/)
	  foreach sort keys %evil;
}

# What a server repeats is masked, so no step asks for it compressed, in pieces
# or in another encoding, unless there is nothing to be masked.
http_connection('open', {});
%got = run_steps(
	$node,
	compressed => through('bearer', headers => { 'accept-encoding' => 'gzip' }),
	pieces => through('basic', headers => { Range => 'bytes=0-9' }),
	recoded => through('header', headers => { 'Accept-Charset' => 'utf-16' }),
	typed => through('bearer',
		headers => { accept => 'application/json; Charset=utf-16' }),
	plain => through('bearer', headers => { Accept => 'application/json' }),
	open => through('open',
		headers => { 'Accept-Encoding' => 'gzip', Range => 'bytes=0-9' }));
refused_like($_, qr/cannot be set .*by a step if connection .* has credentials/)
  foreach qw(compressed pieces recoded typed);
is($got{plain}{run_status}, 'completed', '... it may say what type it wants');
is($got{open}{run_status}, 'completed', 'without credentials it may ask so');

# With credentials no redirect out of base_url is followed, to whichever server.
connection(
	$node,
	name => 'redirecting',
	kind => 'http',
	config => { base_url => $http->url('/redirect-to/302') },
	credentials => { bearer_token => 'secret-bearer-redirect' });
%got = run_steps(
	$node,
	redirect_out =>
	  through('redirecting', query => { url => $other->url('/stolen') }),
	redirect_in =>
	  through('redirecting', query => { url => $http->url('/inside') }));
foreach my $label (qw(redirect_out redirect_in))
{
	is($got{$label}{run_status}, 'failed', "$label is not followed");
	like($got{$label}{error}, qr/HTTP 302/, "$label: its error");
	is(scalar requests_of($http, $got{$label}),
		1, "$label: one request was sent");
}
is(scalar(() = $other->requests), 0, 'the other server never heard of us');

# A connection of another kind is not used.
connection(
	$node,
	name => 'whatsapp',
	kind => 'whatsapp_cloud',
	config => { base_url => $http->url, phone_number_id => '1' },
	credentials => { access_token => 'secret-whatsapp-shared' });
%got = run_steps($node, kind => through('whatsapp'));
refused_like('kind', qr/of kind whatsapp_cloud, but webhook needs http/);

#
# Tenants: their own row before the row for all, never another's.
#
http_connection('team_hook', { bearer_token => 'secret-of-everybody' });
http_connection('team_hook', { bearer_token => 'secret-of-tenant-a' },
	tenant => $tenant);
http_connection('team_hook', { bearer_token => 'secret-of-tenant-b' },
	tenant => $tenant_b);
http_connection('only_b', { bearer_token => 'secret-of-b-alone' },
	tenant => $tenant_b);
connection(
	$node,
	tenant => $tenant_b,
	name => 'whatsapp',
	kind => 'whatsapp_cloud',
	config => { base_url => $http->url, phone_number_id => '2' },
	credentials => { access_token => 'secret-whatsapp-b' });
my %message = (
	action => 'whatsapp_notify',
	params => { phone => '+96170123456', template => 'hello' });
%got = run_steps(
	$node,
	own_a => through('team_hook'),
	own_b => { %{ through('team_hook') }, tenant => $tenant_b },
	shared_c => { %{ through('team_hook') }, tenant => $tenant_c },
	foreign => through('only_b'),
	foreign_b => { %{ through('only_b') }, tenant => $tenant_b },
	default_a => {%message},
	default_b => { %message, tenant => $tenant_b });
is(authorization('own_a'), 'Bearer secret-of-tenant-a', "the tenant's row");
is(authorization('own_b'), 'Bearer secret-of-tenant-b', "another's for it");
is(authorization('shared_c'),
	'Bearer secret-of-everybody', 'else the row for all');
is(authorization('foreign_b'),
	'Bearer secret-of-b-alone', 'a row of one tenant, for that tenant');
refused_like('foreign', qr/connection "only_b" does not exist/);
is(authorization('default_a'),
	'Bearer secret-whatsapp-shared', 'the default name: the row for all');
is(authorization('default_b'),
	'Bearer secret-whatsapp-b', "... or the tenant's");
is(request_of($http, $got{default_b})->{path},
	'/v23.0/2/messages', '... with its number');

#
# Files: a tenant's rows name those of its own directory, the rows for all
# those of secrets_dir itself.  Names that lead elsewhere are refused.
#
my $tenant_d = '00000000-0000-4000-8000-00000000000d';
mkdir "$secrets/dir/$_" or die "$_: $!"
  foreach $tenant, $tenant_b, 'data', "data/$tenant_d";
mkdir "$secrets/elsewhere" or die $!;
file('dir/for_all', 'secret-file-for-all');
file("dir/$tenant/token", 'secret-file-of-tenant-a');
file("dir/$tenant_b/token", 'secret-file-of-tenant-b');
file("dir/$tenant_b/only_b", 'secret-file-only-of-tenant-b');
file("dir/data/$tenant_d/token", 'secret-file-of-tenant-d');
file('elsewhere/token', 'secret-file-elsewhere');
my %link = (
	"$tenant/to_b" => "../$tenant_b/only_b",
	"$tenant/to_all" => '../for_all',
	"$tenant/to_outside" => "$secrets/elsewhere/token",
	$tenant_c => "$secrets/elsewhere",
	$tenant_d => "data/$tenant_d");
symlink($link{$_}, "$secrets/dir/$_") or die "$_: $!" foreach sort keys %link;
mkfifo("$secrets/dir/$tenant/fifo", 0600) or die $!;

http_connection("a_$_", { bearer_token => { file => $_ } },
	tenant => $tenant)
  foreach qw(token for_all only_b to_b to_all to_outside fifo),
  $tenant, $tenant_b;
http_connection("all_$_", { bearer_token => { file => $_ } })
  foreach qw(for_all only_b), $tenant_b;
http_connection("its_token", { bearer_token => { file => 'token' } },
	tenant => $_)
  foreach $tenant_b, $tenant_c, $tenant_d;
http_connection("a_header", { headers => { 'X-Key' => { file => 'only_b' } } },
	tenant => $tenant);
http_connection(
	"a_basic",
	{ basic => { username => 'user', password => { file => 'only_b' } } },
	tenant => $tenant);
connection(
	$node,
	tenant => $tenant,
	name => 'a_address',
	kind => 'slack_webhook',
	credentials => { channels => { x => { file => 'only_b' } } });
%got = run_steps(
	$node,
	(
		map { ($_ => through($_)) }
		  map { "a_$_" } qw(token for_all only_b to_b to_all to_outside fifo
		  header basic), $tenant, $tenant_b
	),
	a_address => {
		action => 'team_notify',
		params => { connection => 'a_address', channel => 'x', message => 'm' }
	},
	(map { ("all_$_" => through("all_$_")) } qw(for_all only_b), $tenant_b),
	b => { %{ through('its_token') }, tenant => $tenant_b },
	c => { %{ through('its_token') }, tenant => $tenant_c },
	d => { %{ through('its_token') }, tenant => $tenant_d },
	c_all => { %{ through('all_for_all') }, tenant => $tenant_c });
is(authorization('a_token'),
	'Bearer secret-file-of-tenant-a', "a file of the tenant's");
is(authorization('b'), 'Bearer secret-file-of-tenant-b', "another's for it");
is(authorization($_), 'Bearer secret-file-for-all', "a file for all: $_")
  foreach qw(all_for_all c_all);
refused_like("a_$_", qr{"$tenant/$_".*No such file})
  foreach qw(for_all only_b), $tenant, $tenant_b;
refused_like("a_$_", qr{"$tenant/only_b".*No such file})
  foreach qw(header basic address);
refused_like("a_$_", qr{"$tenant/$_"}) foreach qw(to_b to_all to_outside);
refused_like('a_fifo', qr/not a regular file/);
refused_like('all_only_b', qr/"only_b".*No such file/);
refused_like("all_$tenant_b", qr/not a regular file/);
refused_like('c', qr{"$tenant_c/token"});
ok( $got{d}{run_status} eq 'failed'
	  || authorization('d') eq 'Bearer secret-file-of-tenant-d',
	"a tenant's directory that is a link inside is followed or refused");

#
# Every action succeeds and fails with a credential that must not show.
#
sub kinds_at
{
	my ($name, $where) = @_;
	http_connection(
		"${name}_bearer",
		{ bearer_token => "secret-$name-bearer-token" },
		config => { base_url => $where });
	http_connection(
		"${name}_basic",
		{
			basic => {
				username => 'user', password => "secret-$name-basic-password" }
		},
		config => { base_url => $where });
	http_connection(
		"${name}_headers",
		{ headers => { 'X-Key' => "secret-$name-header-value" } },
		config => { base_url => $where });
	http_connection(
		"${name}_signed",
		{ signing_secret => encode_base64("secret-$name-signing", '') },
		config => { base_url => $where });
	connection(
		$node,
		name => "${name}_whatsapp",
		kind => 'whatsapp_cloud',
		config => { base_url => $where, phone_number_id => '1' },
		credentials => { access_token => "secret-$name-access-token" });
	connection(
		$node,
		name => "${name}_slack",
		kind => 'slack',
		config => { base_url => $where },
		credentials => { bot_token => "secret-$name-bot-token" });
	connection(
		$node,
		name => "${name}_slack_webhook",
		kind => 'slack_webhook',
		credentials => { url => "$where/slack-hook/secret-$name-slack-url" });
	connection(
		$node,
		name => "${name}_teams_webhook",
		kind => 'teams_webhook',
		credentials => {
			channels => { ops => "$where/teams/x?sig=secret-$name-teams-url" } }
	);
	return;
}

# Where no answer comes it is not waited for long.
sub cases_at
{
	my ($name) = @_;
	my @limit = $name =~ /^(hang|no.*)$/ ? (timeout => '4 s') : ();
	return (
		(
			map {
				(
					"${name}_$_" => {
						%{ through("${name}_$_", body => { a => 1 }) }, @limit })
			} qw(bearer basic headers signed)
		),
		"${name}_whatsapp" => {
			action => 'whatsapp_notify',
			retry => { max_attempts => 1 },
			@limit,
			params =>
			  { %{ $message{params} }, connection => "${name}_whatsapp" } },
		(
			map {
				(
					"${name}_$_" => {
						action => 'team_notify',
						retry => { max_attempts => 1 },
						@limit,
						params => {
							channel => 'ops',
							message => 'x',
							connection => "${name}_$_" } })
			} qw(slack slack_webhook teams_webhook)
		));
}

my %where = (
	good => $http->url,
	echo => $http->url('/echo'),
	status500 => $http->url('/status/500'),
	status401 => $http->url('/status/401'),
	redirect => $http->url('/redirect'),
	close => $http->url('/close'),
	hang => $http->url('/hang'),
	garbage => $http->url('/garbage'),
	nowhere => 'http://127.0.0.1:1',
	noname => 'http://no-such-name.invalid',
	notls => 'https://127.0.0.1:' . $http->port);
kinds_at($_, $where{$_}) foreach sort keys %where;

sub mail_connection
{
	my ($name, $credentials, $url) = @_;
	connection(
		$node,
		name => $name,
		kind => 'smtp',
		config => {
			url => $url || 'smtp://127.0.0.1:' . $smtp->port,
			starttls => 'never',
			from => 'a@example.com'
		},
		credentials => $credentials);
	return;
}
mail_connection('mail_right',
	{ username => 'mailer', password => 'smtp-Passw0rd-right' });
mail_connection('mail_wrong',
	{ username => 'mailer', password => 'smtp-Passw0rd-wrong' });
mail_connection('mail_oauth_right',
	{ username => 'mailer', oauth_bearer => 'oauth-bearer-token-right' });
mail_connection('mail_oauth_wrong',
	{ username => 'mailer', oauth_bearer => 'oauth-bearer-token-wrong' });
mail_connection(
	'mail_nowhere',
	{ username => 'mailer', password => 'smtp-Passw0rd-nowhere' },
	'smtp://127.0.0.1:1');

%got = run_steps(
	$node,
	(map { cases_at($_) } sort keys %where),
	map {
		(
			$_ => {
				action => 'send_email',
				retry => { max_attempts => 1 },
				params => {
					to => 'b@example.com',
					subject => 's',
					body => 'b',
					connection => $_ } })
	} qw(mail_right mail_wrong mail_oauth_right mail_oauth_wrong mail_nowhere)
);
foreach my $label (sort keys %got)
{
	my $well = $label =~ /^good_|^mail_.*right$|^echo_(bearer|basic|headers|signed)$/
	  || $label eq 'echo_teams_webhook';

	is($got{$label}{run_status}, $well ? 'completed' : 'failed', $label)
	  or diag(to_json($got{$label}));
}
like($got{mail_wrong}{error}, qr/535/, "a refused login: the server's words");

# An echo that spells it in another way: as JSON escapes it.
http_connection(
	'spelled',
	{ headers => { 'X-Key' => 'secret-"quoted"\\back/slash' } },
	config => { base_url => $http->url('/echo') });
http_connection(
	'spelled_php',
	{ headers => { 'X-Key' => 'secret-of/a/php-server' } },
	config => {
		base_url => $http->url('/raw/application%2Fjson/'
			  . unpack('H*', '{"k": "secret-of\\/a\\/php-server"}')) });
my %spelled = run_steps(
	$node,
	json => through('spelled'),
	slash => through('spelled_php', url => $http->url('/raw/application%2Fjson/'
			  . unpack('H*', '{"k": "secret-of\\/a\\/php-server"}'))));
foreach my $label (sort keys %spelled)
{
	is($spelled{$label}{run_status}, 'completed', "spelled, $label");
	like(to_json($spelled{$label}{output}{body}),
		qr/\*{10}/, '... and blotted out');
	unlike(to_json($spelled{$label}{output}{body}), qr/secret-/, '... wholly');
}

# The slack actions read the answer: an echo is none.  Who does not answer may also be
# late in telling of the request.
foreach my $name (qw(good echo status500 hang))
{
	wait_until(
		sub {
			return grep { ($_->{headers}{authorization} || '') eq
				  "Bearer secret-$name-access-token" } $http->requests;
		},
		"$name: the token was sent");
}

# A wrong row is refused without a word of it.
foreach my $credentials ('{"bearer_token": 5, "basic": "secret-in-bad-row"}',
	'"secret-in-bad-row"', '{"bot_token": "secret-in-bad-row"}',
	'{"bearer_token": "secret-in-bad-row\n"}',
	'{"signing_secret": "secret-in-bad-row!"}')
{
	my $stderr;

	isnt(
		$node->psql(
			'postgres',
			'SET log_statement = none; SET log_min_duration_statement = -1; '
			  . 'SET log_min_error_statement = panic; '
			  . 'SET debug_print_parse = off; SET debug_print_plan = off; '
			  . 'INSERT INTO workflow_connections (name, kind, config, '
			  . "credentials) VALUES ('bad', 'http', "
			  . "'{\"base_url\": \"http://x\"}', E"
			  . "'" . ($credentials =~ s/\\/\\\\/gr) . "')",
			on_error_stop => 1,
			stderr => \$stderr),
		0,
		'a malformed credential is refused');
	like($stderr, qr/credential/, '... and named');
	unlike($stderr, qr/secret-in-bad-row/, '... but not shown');
}

# The constraint's own message would show the whole row.
foreach my $column (qw(name kind config credentials))
{
	my %row = (
		name => "'bad'",
		kind => "'http'",
		config => q{'{"base_url": "http://x"}'},
		credentials => q{'{"bearer_token": "secret-in-bad-row"}'},
		$column => 'NULL');
	my $stderr;

	isnt(
		$node->psql(
			'postgres',
			'SET log_statement = none; SET log_min_duration_statement = -1; '
			  . 'SET log_min_error_statement = panic; '
			  . 'SET debug_print_parse = off; SET debug_print_plan = off; '
			  . 'INSERT INTO workflow_connections ('
			  . join(', ', sort keys %row)
			  . ') VALUES ('
			  . join(', ', map { $row{$_} } sort keys %row) . ')',
			on_error_stop => 1,
			stderr => \$stderr),
		0,
		"a row without $column is refused");
	unlike($stderr, qr/secret-in-bad-row/, '... and not shown');
}

# Everything that the engine wrote, but the column itself.
my $tables = $node->safe_psql(
	'postgres', q{
	SELECT r::text FROM workflow_runs r
	UNION ALL SELECT d::text FROM workflow_definitions d
	UNION ALL SELECT v::text FROM workflow_definition_versions v
	UNION ALL SELECT (to_jsonb(c) - 'credentials')::text
		FROM workflow_connections c
	UNION ALL SELECT t::text FROM wf_history(max_rows => 10000) t
	UNION ALL SELECT t::text FROM workflow_runs r, wf_trace(r.id) t
	UNION ALL SELECT w::text FROM wf_workers() w
	UNION ALL SELECT a::text FROM pg_stat_activity a
		WHERE pid <> pg_backend_pid()});
$node->stop;
my $log = slurp_file($node->logfile);

cmp_ok(length $tables, '>', 50_000, 'the tables were read');
like($log, qr/DEBUG:/, 'the log was verbose');

# What is looked for: each secret, plain and as base64 has it.
my $pattern = qr/
	secret-[a-z0-9-]+ | smtp-Passw0rd-\w+ | oauth-bearer-token-\w+ |
	c2VjcmV0L | NlY3JldC |            # "secret-" at the first two offsets
	zZWNyZXQt                         # and at the third
	/x;

sub leaks
{
	my ($text) = @_;
	my %seen;

	while ($text =~ /$pattern/g)
	{
		$seen{$&} ||= substr($text, $-[0] > 60 ? $-[0] - 60 : 0, 160);
	}
	return map { "$_: $seen{$_}" } sort keys %seen;
}
is(scalar leaks('x secret-abc y ' . encode_base64("${_}secret-abc", '')),
	2, 'the search finds what it is for')
  foreach '', 'x', 'xx';
is(join("\n", leaks($tables)), '', 'no table holds a credential');
is(join("\n", leaks($log)), '', 'the log holds no credential');
unlike($log, qr/terminated by signal|PANIC|TRAP/, 'nothing crashed');

done_testing();
