
# Mail to a real server, Exim: how it is reached, what it refuses, and what it
# has delivered, byte for byte.

use strict;
use warnings FATAL => 'all';
use utf8;

use Encode qw(decode encode);
use MIME::Base64 qw(decode_base64);
use MIME::QuotedPrint qw(decode_qp);
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Mta;
use WorkflowEngine::Outbound;
use WorkflowEngine::Test;

my $mta = WorkflowEngine::Mta->new;
my $node = outbound_node('mta', <<"CONF");
workflow_engine.workers = 1
workflow_engine.ca_file = '${\ $mta->ca }/ca.pem'
workflow_engine.http_timeout = 60s
workflow_engine.connect_timeout = 30s
CONF

my %right = (username => 'mailer', password => 'the-Passw0rd');
my %wrong = (username => 'mailer', password => 'another-Passw0rd');

# name => [port, scheme, credentials, starttls, host]
my %mailer = (
	email => [ 'GOOD', 'smtp', \%right ],
	by_ip => [ 'GOOD', 'smtp', \%right, undef, '127.0.0.1' ],
	smtps => [ 'SMTPS', 'smtps', \%right ],
	login => [ 'LOGIN', 'smtp', \%right ],
	no_login => [ 'GOOD', 'smtp', {} ],
	wrong_plain => [ 'GOOD', 'smtp', \%wrong ],
	wrong_login => [ 'LOGIN', 'smtp', \%wrong ],
	wrong_smtps => [ 'SMTPS', 'smtps', \%wrong ],
	open => [ 'PLAIN', 'smtp', {}, 'never' ],
	optional => [ 'PLAIN', 'smtp', {}, 'optional' ],
	unencrypted => [ 'PLAIN', 'smtp', {} ],
	unencrypted_login => [ 'PLAIN', 'smtp', \%right ],
	unencrypted_never => [ 'PLAIN', 'smtp', \%right, 'never' ],
	never => [ 'GOOD', 'smtp', {}, 'never' ],
	(
		map {
			(lc $_ => [ $_, 'smtp', \%right ],
				lc "optional_$_" => [ $_, 'smtp', \%right, 'optional' ],
				lc "smtps_$_" => [ "${_}S", 'smtps', \%right ])
		} qw(WRONG EXPIRED ALIEN)));
foreach my $name (sort keys %mailer)
{
	my ($port, $scheme, $credentials, $starttls, $host) = @{ $mailer{$name} };

	connection(
		$node,
		name => $name,
		kind => 'smtp',
		config => {
			url => "$scheme://"
			  . ($host || 'localhost') . ':'
			  . $mta->port($port),
			from => 'Order desk <orders@example.com>',
			($starttls ? (starttls => $starttls) : ()) },
		credentials => $credentials);
}
$node->safe_psql('postgres', encode('UTF-8', <<'SQL'));
INSERT INTO workflow_templates (tenant_id, name, subject, body, html) VALUES
	(NULL, 'order', 'Order {{ trigger.id }} of {{ trigger.name }}',
	 E'Dear {{ trigger.name }},\nyour order {{ trigger.id }}: {{ trigger.note }}\n',
	 '<p title="{{ trigger.note }}">Dear <b>{{ trigger.name }}</b></p>');
SQL

my %payload = (
	id => 7,
	name => 'Zoë & Söhne',
	note => q{<script>alert("1")</script> 'x'},
	lf => "Hello\nBcc: victim\@example.com",
	cr => "Hello\rBcc: victim\@example.com",
	crlf => "a\@example.com\r\nBcc: victim\@example.com",
	dot => "text\r\n.\r\nMAIL FROM:<x\@example.com>\r\n"
	  . "RCPT TO:<victim\@example.com>\r\nDATA\r\nhello\r\n.\r\n",
	rcpt => "a\@example.com>\r\nRCPT TO:<victim\@example.com");

sub mail
{
	my (%params) = @_;
	return {
		action => 'send_email',
		retry => { max_attempts => 1 },
		payload => \%payload,
		params => {
			to => 'a@example.com',
			$params{template} ? () : (subject => 'Hi'),
			$params{template} || $params{html} ? () : (body => "text\n"),
			%params } };
}

my $dots = ".\n..\n.hidden\n\n.\nend.\n.";
my $long = 'x' x 5000 . "\n." . 'y' x 5000 . "\n" . join(' ', 1 .. 3000);
my %got = run_steps(
	$node,
	(map { ("by_$_" => mail(connection => $_)) } sort keys %mailer),
	dots => mail(body => $dots, subject => 'Dots', to => 'b@example.com'),
	long => mail(body => $long),
	foreign => mail(
		body => "Grüße\n漢字\n" x 50,
		subject => "Grüße — 漢字 \x{1F600}",
		to => 'Zoë Müller <a@example.com>'),
	template => mail(template => 'order'),
	dot => mail(body => '{{trigger.dot}}'),
	utf8 => mail(to => 'Zoë <zoë@exämple.com>', cc => 'a@example.com'),
	inject_subject => mail(subject => '{{trigger.lf}}'),
	inject_cr => mail(subject => '{{trigger.cr}}'),
	inject_to => mail(to => '{{trigger.crlf}}'),
	inject_name => mail(to => '"{{trigger.lf}}" <a@example.com>'),
	inject_cc => mail(cc => '{{trigger.crlf}}'),
	inject_reply => mail(reply_to => '{{trigger.crlf}}'),
	inject_from => mail(from => '{{trigger.crlf}}'),
	inject_rcpt => mail(to => '{{trigger.rcpt}}'),
	some => mail(
		to => [ 'Nobody <nobody@example.com>', 'a@example.com' ],
		cc => 'verbose@example.com, full@example.com',
		bcc => [ 'b@example.com', 'grey@example.com' ]),
	none => mail(to => [ 'nobody@example.com', 'full@example.com' ]),
	verbose => mail(to => 'verbose@example.com'),
	grey => mail(to => [ 'grey@example.com', 'nobody@example.com' ]),
	crowd => mail(to => [ map { "u$_\@example.com" } 1 .. 22 ]),
	barred => mail(from => 'x@barred.example'),
	slow => mail(from => 'x@slow.example'),
	spam => mail(subject => 'spam'),
	busy => mail(subject => 'busy'),
	large => mail(body => "0123456789\n" x 40_000));

# The mail of a run that has completed.
sub delivered
{
	my ($label) = @_;
	my $result = $got{$label};

	is($result->{run_status}, 'completed', "$label is sent")
	  or diag($result->{error});
	return $mta->wait_mail("Message-ID: $result->{output}{message_id}\n");
}

# A run that has failed, and none has got its mail.
sub refused
{
	my ($label, $pattern) = @_;
	my $result = $got{$label};

	is($result->{run_status}, 'failed', "$label fails");
	like($result->{error}, $pattern, "$label: its error");
	is( scalar(grep { $_->{text} =~ /\Q$result->{run_id}\E/ } $mta->mails),
		0,
		"$label: nobody got it");
	return;
}

# The parts of a mail, decoded: content type => text.
sub parts
{
	my ($text) = @_;
	my ($head, $body) = split /\n\n/, $text, 2;
	my ($type) = $head =~ /^Content-Type: ([^;\n]+)/m;
	my ($encoding) = $head =~ /^Content-Transfer-Encoding: (.*)/m;

	if ($head =~ /^ boundary="(.*)"$/m)
	{
		my (undef, @parts) = split /^--\Q$1\E(?:--)?\n/m, $body;
		return map { parts($_) } @parts;
	}
	$body = decode_qp($body) if $encoding eq 'quoted-printable';
	$body = decode_base64($body) if $encoding eq 'base64';
	return ($type => decode('UTF-8', $body) =~ s/\r\n/\n/gr);
}

#
# The way there: encrypted unless the connection says otherwise.
#
foreach (
	[ by_email => 'esmtpsa' ],
	[ by_by_ip => 'esmtpsa' ],
	[ by_smtps => 'esmtpsa' ],
	[ by_login => 'esmtpsa' ],
	[ by_open => 'esmtp' ],
	[ by_optional => 'esmtp' ])
{
	my ($label, $protocol) = @$_;
	like(delivered($label)->{received},
		qr/ with $protocol\s/, "$label: by $protocol");
}
refused("by_$_", qr/^STARTTLS not supported/) foreach qw(unencrypted unencrypted_login);
refused('by_unencrypted_never', qr/offers no login/);
refused('by_no_login', qr/^530 5\.7\.0 log in first\z/);
refused('by_never', qr/^530 5\.7\.0 log in first\z/);
refused("by_$_", qr/^535 /) foreach qw(wrong_plain wrong_login wrong_smtps);
foreach my $which (qw(wrong expired alien))
{
	my $words = {
		wrong => qr/target host ?name/,
		expired => qr/certificate has expired/,
		alien => qr/self[- ]signed certificate/ }->{$which};

	refused("by_$_$which", $words)
	  foreach '', 'optional_', 'smtps_';
}

#
# What arrives.
#
my $mail = delivered('dots');
my ($date) = $mail->{text} =~ /^Date: (.*)$/m;
is($mail->{return_path}, 'orders@example.com', 'the sender');
is_deeply($mail->{envelope_to}, ['b@example.com'], 'the recipient');
like($date, qr/^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000$/, 'the date');
is($mail->{text}, <<"MAIL", 'a mail, byte for byte');
From: Order desk <orders\@example.com>
To: b\@example.com
Date: $date
Message-ID: <$got{dots}{run_id}.go\@example.com>
Idempotency-Key: $got{dots}{run_id}:go
Auto-Submitted: auto-generated
Subject: Dots
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 7bit

$dots
MAIL

$mail = delivered('long');
is({ parts($mail->{text}) }->{'text/plain'} =~ s/\n\z//r,
	$long, 'long lines arrive whole');
is(scalar(grep { length > 998 } split /\n/, $mail->{text}),
	0, '... though none was sent');

$mail = delivered('foreign');
is_deeply({ parts($mail->{text}) },
	{ 'text/plain' => "Grüße\n漢字\n" x 50 }, 'a foreign text');
unlike($mail->{text}, qr/[^\x00-\x7f]/, '... in nothing but ASCII');
is( decode('MIME-Header', ($mail->{text} =~ /^Subject: (.*?)\n(?! )/ms)[0]),
	"Grüße — 漢字 \x{1F600}",
	'... with its subject');
like($mail->{received}, qr/ with esmtpsa\s/, '... needs no SMTPUTF8');

is_deeply(
	{ parts(delivered('template')->{text}) },
	{
		'text/plain' => "Dear Zoë & Söhne,\n"
		  . qq{your order 7: <script>alert("1")</script> 'x'\n},
		'text/html' =>
		  '<p title="&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; '
		  . "&#39;x&#39;\">Dear <b>Zoë &amp; Söhne</b></p>\n" },
	'a mail template, escaped in its HTML');

$mail = delivered('utf8');
like($mail->{received}, qr/ with utf8esmtpsa\s/, 'SMTPUTF8 is announced');
is_deeply(
	[ map { decode('UTF-8', $_) } sort @{ $mail->{envelope_to} } ],
	[ 'a@example.com', 'zoë@exämple.com' ], '... for a foreign address');
like(decode('UTF-8', $mail->{text}),
	qr/^To: =\?UTF-8\?.*\?= <zoë\@exämple\.com>$/m, '... in the header, too');
is_deeply($got{utf8}{output}{accepted},
	[ 'zoë@exämple.com', 'a@example.com' ], '... and in the output');

#
# Nobody slips in a header, a command or a recipient.
#
refused("inject_$_", qr/control character/)
  foreach qw(subject cr to name cc reply from rcpt);
is_deeply(delivered('dot')->{envelope_to},
	['a@example.com'], 'an end in the middle of the text is none');
unlike($mta->log, qr/victim/, 'the server never heard of the victim');

#
# Refusals.
#
$mail = delivered('some');
is_deeply([ sort @{ $mail->{envelope_to} } ],
	[ 'a@example.com', 'b@example.com' ], 'two of six are accepted');
unlike($mail->{text}, qr/b\@example|grey/, '... bcc shows nowhere');
is_deeply(
	$got{some}{output},
	{
		message_id => "<$got{some}{run_id}.go\@example.com>",
		accepted => [ 'a@example.com', 'b@example.com' ],
		rejected => [
			map { { address => "$_->[0]\@example.com", error => $_->[1] } }
			  [ nobody => '550 5.1.1 no such user here' ],
			[
				verbose => '550 5.1.1 The address you have given '
				  . 'is not known to anybody here' ],
			[ full => '552 5.2.2 mailbox full' ],
			[ grey => '450 4.7.1 greylisted, come back later' ] ] },
	'... and the output tells why the others are not');
refused('none',
	qr/^550 5\.1\.1 no such user here \(nobody\@example\.com\); 552 5\.2\.2 /);
refused('verbose', qr/^550 5\.1\.1 The address you have given is not known/);
refused('grey', qr/^450 4\.7\.1 greylisted, come back later \(grey\@/);
$mail = delivered('crowd');
is(scalar @{ $mail->{envelope_to} }, 20, 'twenty recipients are accepted');
is(scalar @{ $got{crowd}{output}{rejected} }, 2, '... and two are too many');
like($got{crowd}{output}{rejected}[0]{error}, qr/^452 /, '... by 452');
refused('barred', qr/^550 5\.7\.1 that sender is barred\z/);
refused('slow', qr/^451 4\.3\.0 come back later\z/);
refused('spam', qr/^554 5\.7\.1 looks like spam\z/);
refused('busy', qr/^452 4\.3\.1 no room now\z/);
refused('large', qr/^552 /);
#
# What is put off is delivered later.
#
my %runs = fire_steps(
	$node,
	later => {
		%{ mail(to => 'grey@example.com') },
		retry => {
			max_attempts => 100,
			initial_interval => '500 ms',
			backoff_coefficient => 1 } });
wait_for(
	$node, 'postgres',
	"SELECT attempt > 1 FROM workflow_runs WHERE id = '$runs{later}'",
	'a mail is put off');
append_to_file($mta->dir . '/lifted', '');
wait_ended($node, $runs{later});
%got = (%got, results($node, %runs));
is_deeply(delivered('later')->{envelope_to},
	['grey@example.com'], 'it is delivered by a later attempt');
cmp_ok($got{later}{attempts}, '>', 1, '... which counts');

unlike($mta->log, qr/synchroni[sz]ation error|unrecognized command/,
	'the server finds no fault with how it was spoken to');

unlike(slurp_file($node->logfile), qr/Passw0rd/, 'no password shows');

$node->stop;
$mta->stop;
done_testing();
