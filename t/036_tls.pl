
# TLS and logins: certificates are verified, mail is encrypted unless the
# connection says otherwise, and a credential goes to nobody unverified.

use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Test;
use WorkflowEngine::Outbound;

my $ca = make_ca();
my %http = map {
	(
		$_ => start_receiver(
			'http', '--tls-cert', "$ca/$_.pem", '--tls-key', "$ca/$_.key"))
} qw(good wrong expired alien);
my $plain = start_receiver('http');

my $login = 'mailer:the-Passw0rd';
my @auth = ('--auth', $login, '--auth-required');

sub mail_server
{
	my ($certificate, @options) = @_;
	return start_receiver(
		'smtp',
		(
			$certificate
			? ('--tls-cert', "$ca/$certificate.pem", '--tls-key',
				"$ca/$certificate.key")
			: ()),
		@options);
}
my %smtp = (
	none => mail_server(undef),
	none_auth => mail_server(undef, @auth),
	(map { ($_ => mail_server($_, @auth)) } qw(good wrong expired alien)),
	forced => mail_server('good', '--require-starttls'),
	implicit => mail_server('good', '--implicit-tls', @auth),
	implicit_alien => mail_server('alien', '--implicit-tls', @auth),
	implicit_wrong => mail_server('wrong', '--implicit-tls'),
	implicit_expired => mail_server('expired', '--implicit-tls', @auth),
	oauth => mail_server('good', '--oauth', 'mailer:the-token-of-oauth',
		'--auth-required'),
	login_only => mail_server('good', @auth, '--no-auth', 'PLAIN'),
	no_auth => mail_server('good'));

my $node = outbound_node('tls', <<"CONF");
workflow_engine.workers = 1
workflow_engine.ca_file = '$ca/ca.pem'
workflow_engine.http_timeout = 60s
workflow_engine.connect_timeout = 30s
CONF

my %right = (username => 'mailer', password => 'the-Passw0rd');

# name => [server, scheme, starttls, credentials, host]
my %mailer = (
	required_none => [ 'none', 'smtp', undef, {} ],
	required_none_auth => [ 'none_auth', 'smtp', 'required', {%right} ],
	optional_none => [ 'none', 'smtp', 'optional', {} ],
	never_none => [ 'none', 'smtp', 'never', {} ],
	never_auth => [ 'none_auth', 'smtp', 'never', {%right} ],
	default_good => [ 'good', 'smtp', undef, {%right} ],
	required_good => [ 'good', 'smtp', 'required', {%right} ],
	optional_good => [ 'good', 'smtp', 'optional', {%right} ],
	ip_good => [ 'good', 'smtp', 'required', {%right}, '127.0.0.1' ],
	never_forced => [ 'forced', 'smtp', 'never', {} ],
	required_forced => [ 'forced', 'smtp', 'required', {} ],
	(
		map {
			("required_$_" => [ $_, 'smtp', 'required', {%right} ],
				"optional_$_" => [ $_, 'smtp', 'optional', {%right} ])
		} qw(wrong expired alien)),
	smtps_good => [ 'implicit', 'smtps', undef, {%right} ],
	smtps_never => [ 'implicit', 'smtps', 'never', {%right} ],
	smtps_alien => [ 'implicit_alien', 'smtps', undef, {%right} ],
	smtps_wrong => [ 'implicit_wrong', 'smtps', undef, {} ],
	smtps_expired => [ 'implicit_expired', 'smtps', undef, {%right} ],
	smtps_plain => [ 'none', 'smtps', undef, {} ],
	oauth_good => [
		'oauth', 'smtp', undef,
		{ username => 'mailer', oauth_bearer => 'the-token-of-oauth' } ],
	oauth_bad => [
		'oauth', 'smtp', undef,
		{ username => 'mailer', oauth_bearer => 'another-token-of-oauth' } ],
	login_only => [ 'login_only', 'smtp', undef, {%right} ],
	login_none => [ 'good', 'smtp', undef, {} ],
	login_bad => [
		'good', 'smtp', undef, { %right, password => 'another-Passw0rd' } ],
	login_unoffered => [ 'no_auth', 'smtp', undef, {%right} ]);

foreach my $name (sort keys %mailer)
{
	my ($server, $scheme, $starttls, $credentials, $host) =
	  @{ $mailer{$name} };

	connection(
		$node,
		name => $name,
		kind => 'smtp',
		config => {
			url => "$scheme://"
			  . ($host || 'localhost') . ':'
			  . $smtp{$server}->port,
			from => 'a@example.com',
			($starttls ? (starttls => $starttls) : ()) },
		credentials => $credentials);
}

sub mail
{
	my ($name) = @_;
	return {
		action => 'send_email',
		retry => { max_attempts => 1 },
		timeout => $name eq 'smtps_plain' ? '2 s' : '60 s',
		params => {
			to => 'b@example.com', subject => 's', body => 'b',
			connection => $name } };
}

sub get
{
	my ($url) = @_;
	return {
		action => 'webhook',
		retry => { max_attempts => 1 },
		params => { url => $url, method => 'GET' } };
}

my %got = run_steps(
	$node,
	(map { ($_ => mail($_)) } sort keys %mailer),
	(map { ("https_$_" => get($http{$_}->url('/x'))) } sort keys %http),
	https_ip => get('https://127.0.0.1:' . $http{good}->port . '/ip'),
	https_plain => {
		%{ get('https://localhost:' . $plain->port . '/') }, timeout => '2 s' },
	https_down => get(
		$http{good}->url('/redirect-to/302?url=' . $plain->url('/down'))),
	up_and_down => get(
		$plain->url('/redirect-to/302?url='
			  . $http{good}->url('/redirect-to/302?url=' . $plain->url('/down')))),
	up => get(
		$plain->url('/redirect-to/302?url=' . $http{good}->url('/up'))));

sub completed
{
	my ($label) = @_;
	return is($got{$label}{run_status}, 'completed', "$label completes")
	  || diag(to_json($got{$label}));
}

sub failed_like
{
	my ($label, $pattern) = @_;
	is($got{$label}{run_status}, 'failed', "$label fails")
	  or diag(to_json($got{$label}));
	like($got{$label}{error}, $pattern, "$label: its error");
	return;
}

# The mail of a run, as its server has it.
sub mail_of
{
	my ($label) = @_;
	my ($mail) = grep { $_->{raw} =~ /\Q$got{$label}{run_id}\E/ }
	  $smtp{ $mailer{$label}[0] }->requests;
	return $mail || {};
}

sub encrypted
{
	my ($label, $tls, $user) = @_;
	completed($label);
	is(mail_of($label)->{tls} ? 1 : 0,
		$tls, "$label: " . ($tls ? 'encrypted' : 'in plain text'));
	is(mail_of($label)->{auth}, $user,
		"$label: " . ($user ? 'logged in' : 'not logged in'));
	return;
}

my $certificate = qr/certificate|SSL|TLS/;

#
# HTTPS.
#
completed('https_good');
is(request_of($http{good}, $got{https_good})->{tls},
	JSON::PP::true, 'https is encrypted');
completed('https_ip');
my %words = (
	wrong => qr/SSL.*target host ?name/,
	expired => qr/certificate has expired/,
	alien => qr/self[- ]signed certificate/);
failed_like("https_$_", $words{$_}) foreach sort keys %words;
is(scalar(() = map { $_->requests } @http{qw(wrong expired alien)}),
	0, 'nothing was sent to a server that is not verified');
failed_like('https_plain', qr/SSL|TLS|could not connect within/);
failed_like($_,
	qr/^HTTP 302: redirects to ".*", and none is followed from https to http$/)
  foreach qw(https_down up_and_down);
completed('up');
is((requests_of($http{good}, $got{up}))[0]{path}, '/up',
	'a redirect may lead from http to https');
is(join(' ', map { $_->{path} } $plain->requests),
	'/redirect-to/302 /redirect-to/302',
	'no redirect leaves https for http, however it got there');

#
# Mail: STARTTLS is required unless the connection says otherwise.
#
failed_like('required_none', qr/STARTTLS|SSL|TLS/);
failed_like('required_none_auth', qr/STARTTLS|SSL|TLS/);
encrypted('optional_none', 0, undef);
encrypted('never_none', 0, undef);
encrypted('never_auth', 0, 'mailer');
encrypted($_, 1, 'mailer')
  foreach qw(default_good required_good optional_good ip_good);
encrypted('required_forced', 1, undef);
failed_like('never_forced', qr/530|STARTTLS/);
foreach my $which (sort keys %words)
{
	failed_like("${_}_$which", $words{$which})
	  foreach qw(required optional smtps);
}
is( scalar(
		() = map { $_->requests }
		  @smtp{ map { ($_, "implicit_$_") } keys %words }),
	0, 'no mail went to a server that is not verified');

#
# Mail: TLS from the first byte.
#
encrypted($_, 1, 'mailer') foreach qw(smtps_good smtps_never);
failed_like('smtps_plain', qr/SSL|TLS|within/);

#
# Logins.
#
encrypted('oauth_good', 1, 'mailer');
failed_like('oauth_bad', qr/535/);
encrypted('login_only', 1, 'mailer');
failed_like('login_bad', qr/535/);
failed_like('login_none', qr/530/);
is($got{login_unoffered}{run_status},
	'failed', 'a login that the server does not offer fails')
  or diag(to_json($got{login_unoffered}));

#
# Without ca_file the system's authorities count, and ours is none of them.
#
$node->append_conf('postgresql.conf', "workflow_engine.ca_file = ''");
$node->restart;
%got = run_steps(
	$node,
	https => get($http{good}->url('/x')),
	required_good => mail('required_good'));
failed_like('https', $certificate);
failed_like('required_good', $certificate);

# A folder or file that is not there lets nothing pass.
$node->append_conf('postgresql.conf',
	"workflow_engine.ca_file = '$ca/none.pem'");
$node->restart;
%got = run_steps($node, https => get($http{good}->url('/x')));
is($got{https}{run_status}, 'failed', 'a missing ca_file: https fails');

my $tables = $node->safe_psql('postgres',
	'SELECT step_results FROM workflow_runs');
unlike($tables . slurp_file($node->logfile),
	qr/Passw0rd|token-of-oauth/, 'no credential shows');

$node->stop;
done_testing();
