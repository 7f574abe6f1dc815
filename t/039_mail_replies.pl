
# Mail servers that refuse, give up, answer nonsense or never stop: what the
# step says then, and whether it is tried again.

use strict;
use warnings FATAL => 'all';
use utf8;

use Test::More;
use WorkflowEngine::Test;
use WorkflowEngine::Outbound;

my $rude = start_receiver('rude');
my @login = ('--ehlo', '250-rude.test\n250 AUTH PLAIN');
my %server = (
	rude => $rude,
	greeting_421 => start_receiver('rude', '--greeting', '421 4.3.2 full up'),
	greeting_554 => start_receiver('rude', '--greeting', '554 5.3.2 go away'),
	ehlo_421 => start_receiver('rude', '--ehlo', '421 4.3.2 too many of you'),
	login_454 => start_receiver(
		'rude', @login, '--login', '454 4.7.0 try your password later'),
	login_535 =>
	  start_receiver('rude', @login, '--login', '535 5.7.8 wrong password'),
	tls_454 => start_receiver(
		'rude', '--ehlo', '250-rude.test\n250 STARTTLS'),
	# somebody in between, who answers for what comes after
	tls_injected => start_receiver(
		'rude', '--ehlo', '250-rude.test\n250 STARTTLS',
		'--starttls', '220 go\n250-rude.test\n250 SIZE\n250 ok\n250 ok'));
my $node = outbound_node('replies', <<'CONF');
workflow_engine.workers = 1
workflow_engine.http_timeout = 20s
CONF

foreach my $name (sort keys %server)
{
	connection(
		$node,
		name => $name,
		kind => 'smtp',
		config => {
			url => 'smtp://127.0.0.1:' . $server{$name}->port,
			starttls => $name =~ /^tls/ ? 'required' : 'never' },
		credentials => $name =~ /^login/
		? { username => 'mailer', password => 'the-Passw0rd' }
		: {});
}

# A mail to two, of a sender whose name says how the server behaves.
sub mail
{
	my ($manner, %params) = @_;
	return {
		action => 'send_email',
		retry => { max_attempts => 2, initial_interval => '10 ms' },
		timeout => '20 s',
		params => {
			from => "$manner\@example.com",
			to => [ 'one@example.com', 'two@example.com' ],
			($params{template} ? () : (subject => 's', body => "text\n")),
			connection => 'rude',
			%params } };
}

# One that does not fit into the buffers of its connection.
$node->safe_psql('postgres', <<'SQL');
INSERT INTO workflow_templates (tenant_id, name, subject, body, html) VALUES
	(NULL, 'huge', 'huge', repeat('{{trigger.large}}', 7), NULL),
	(NULL, 'too huge', 'huge', repeat('{{trigger.large}}', 6),
		repeat('{{trigger.large}}', 6));
SQL

sub huge
{
	my ($manner, $template) = @_;
	return {
		%{ mail($manner, template => $template || 'huge') },
		payload => { large => "0123456789\n" x 90_000 } };
}

sub one { return mail($_[0], to => 'one@example.com'); }

# label => [step, 'again' (tried twice), 'never' (once) or 'unknown', its error]
my $one = '\(one@example\.com\)';
my %cases = (
	(
		map { $_->[0] => [ mail($_->[0]), @$_[ 1 .. 2 ] ] }
		  [ 'from-451', 'again', '451 4.3.0 try later' ],
		[ 'from-550', 'never', '550 5.7.1 not you' ],
		[ 'data-451', 'again', '451 4.3.0 no room now' ],
		[ 'data-554', 'never', '554 5.5.1 no valid recipients' ],
		[ 'end-452', 'again', '452 4.3.1 disk is full' ],
		[ 'end-554', 'never', '554 5.6.0 no such mail, please' ],
		[ 'late-421', 'again', '421 4.3.2 going down' ],
		[ 'from-421', 'again', '421 4.3.2 going down' ],
		[ 'data-421', 'again', '421 4.3.2 going down' ],
		[ 'end-421', 'again', '421 4.3.2 going down' ],
		[ 'rcpt-one-554', 'never', '554 5.7.1 spam' ],
		[
			'rcpt-both', 'again',
			'550 5.1.1 unknown (one@example.com); '
			  . '450 4.2.1 busy (two@example.com)' ],
		[
			'rcpt-none', 'never',
			'550 5.1.1 unknown (one@example.com); '
			  . '554 5.7.1 relaying denied (two@example.com)' ],
		[ '354-rcpt', 'again', qr/reply 354 makes no sense here/ ],
		[ '250-data', 'again', qr/reply 250 makes no sense here/ ],
		[ '354-end', 'unknown', qr/reply 354 makes no sense here/ ],
		[ '999', 'again', qr/reply 999 makes no sense here/ ],
		[ 'flood-rcpt', 'never', qr/replies are over 262144 bytes/ ],
		[ 'flood-line', 'never', qr/reply of the mail server is over 4096/ ],
		[ 'flood-junk', 'never', qr/replies are over 262144 bytes/ ],
		[ 'flood-end', 'unknown', qr/replies are over 262144 bytes/ ],
		[ 'early-all', 'again', qr/reply 250 makes no sense here/ ],
		[ 'early-rcpt', 'again', qr/reply 250 makes no sense here/ ],
		[ 'early-kept', 'again', qr/reply 250 makes no sense here/ ],
		[ 'close-from', 'again', qr/closed the connection/ ],
		[ 'close-rcpt', 'again', qr/closed the connection/ ],
		[ 'close-data', 'again', qr/closed the connection/ ],
		[ 'close-end', 'unknown', qr/closed the connection/ ]),
	(
		map { $_->[0] => [ one($_->[0]), 'never', $_->[1] ] }
		  [ lines => qr/^550 5\.1\.1 The address does not exist $one\z/ ],
		[ 'lines-plain' => qr/^550 The address is unknown $one\z/ ],
		[ 'lines-differ' => qr/^550 2\.1\.5 yes 5\.1\.1 no $one\z/ ],
		[ bare => qr/^550 $one\z/ ],
		[ nul => qr/^550 5\.1\.1 no such \? \[31muser $one\z/ ],
		[ long => qr/^550 5\.1\.1 x{390} $one\z/ ]),
	'early-552' => [ huge('early-552'), 'never', '552 5.3.4 too big' ],
	'close-body' => [ huge('close-body'), 'again', qr/\w/ ],
	'too-huge' => [
		huge('too-huge', 'too huge'), 'never',
		'the text of a mail can have at most 10485760 bytes' ],
	everybody => [
		mail('rcpt-all', to => [ map { "person$_\@example.com" } 1 .. 100 ]),
		'never', qr/^550 5\.1\.1 .*; and \d\d more\z/ ],
	greeting_421 => [
		mail('x', connection => 'greeting_421'), 'again',
		'421 4.3.2 full up' ],
	greeting_554 => [
		mail('x', connection => 'greeting_554'), 'never',
		'554 5.3.2 go away' ],
	ehlo_421 => [
		mail('x', connection => 'ehlo_421'), 'again',
		'421 4.3.2 too many of you' ],
	login_454 => [
		mail('x', connection => 'login_454'), 'again',
		'454 4.7.0 try your password later' ],
	login_535 => [
		mail('x', connection => 'login_535'), 'never',
		'535 5.7.8 wrong password' ],
	tls_454 => [
		mail('x', connection => 'tls_454'), 'again',
		'454 4.7.0 TLS not available' ],
	tls_injected =>
	  [ mail('x', connection => 'tls_injected'), 'again', qr/\w/ ]);

# These reach all or some.
my %sent = (
	plain => [ mail('plain'), [qw(one two)] ],
	'251' => [ mail('251'), [qw(one two)] ],
	slow => [ mail('slow'), [qw(one two)] ],
	'rcpt-one' => [ mail('rcpt-one'), ['one'], '451 4.7.1 greylisted' ]);

my %got = run_steps(
	$node,
	(map { $_ => $cases{$_}[0] } sort keys %cases),
	(map { $_ => $sent{$_}[0] } sort keys %sent));

foreach my $label (sort keys %cases)
{
	my (undef, $again, $error) = @{ $cases{$label} };
	my $result = $got{$label};
	my $unknown = $again eq 'unknown' ? 'delivery unknown: ' : '';
	my $pattern = ref $error ? $error : qr/^\Q$unknown$error\E\z/;

	is($result->{run_status}, 'failed', "$label fails");
	like($result->{error}, $pattern, "$label: its error");
	is($result->{error} =~ /^delivery unknown: / ? 1 : 0,
		$unknown ? 1 : 0, "$label: sent, or surely not");
	is($result->{attempts}, $again eq 'never' ? 1 : 2,
		"$label: tried again or not");
	ok(length $result->{error} < 1500, "$label: its error is short");
}
foreach my $label (sort keys %sent)
{
	my (undef, $accepted, $refusal) = @{ $sent{$label} };
	my $result = $got{$label};

	is($result->{run_status}, 'completed', "$label completes")
	  or diag($result->{error});
	is_deeply(
		$result->{output},
		{
			message_id => "<$result->{run_id}.go\@example.com>",
			accepted => [ map { "$_\@example.com" } @$accepted ],
			$refusal
			? (rejected =>
				  [ { address => 'two@example.com', error => $refusal } ])
			: () },
		"$label: its output");
}

# What the server saw of a case that is named after its manner, or of another.  It tells
# of a session when that has ended, which may be after the run's end.
sub sessions
{
	my ($manner, $label) = @_;
	my $attempts = $got{ $label || $manner }{attempts};
	my @sessions;

	wait_until(
		sub {
			@sessions = grep { $_->{manner} eq $manner } $rude->requests;
			return @sessions >= $attempts;
		},
		"$manner: the sessions have ended");
	return @sessions;
}

sub said
{
	my ($session) = @_;
	return join ' ', map { substr $_, 0, 4 } @{ $session->{commands} };
}
my ($session) = sessions('rcpt-one');
is(said($session), 'EHLO MAIL RCPT RCPT DATA QUIT', 'one refused: sent');
like($session->{content}, qr/^text\r\n\.\r\n\z/m, '... whole');
like($session->{commands}[1], qr/ SIZE=\d+$/, '... with its size');
($session) = sessions('rcpt-none');
is(said($session), 'EHLO MAIL RCPT RCPT QUIT',
	'all refused: each was asked about, none got it');
($session) = sessions('late-421');
is(said($session), 'EHLO MAIL RCPT RCPT', '421 ends it');
unlike(
	join(' ', map { said($_) } $server{tls_injected}->wait_requests(2)),
	qr/MAIL|AUTH/,
	'answers that come before TLS are none');
($session) = sessions('rcpt-all', 'everybody');
is(scalar(() = said($session) =~ /RCPT/g), 100, 'a hundred are asked about');
is(scalar(grep { defined $_->{content} } sessions($_)), 0, "$_: not sent")
  foreach qw(early-all early-rcpt data-554 late-421 lines-differ);

$node->stop;
done_testing();
