
# Mail: what arrives, byte for byte where it matters, and who may not put
# what into a header.

use strict;
use warnings FATAL => 'all';
use utf8;

use Encode qw(decode encode);
use Test::More;
use WorkflowEngine::Test;
use WorkflowEngine::Outbound;

my $smtp = start_receiver(
	'smtp',
	'--refuse-recipient', 'nobody=550 5.1.1 no such user Nobody here',
	'--refuse-recipient', 'full@example.com=452 4.2.2 mailbox full');
my $refuser = start_receiver('smtp', '--refuse-data', '554 5.7.1 looks like spam');
my $busy = start_receiver('smtp', '--refuse-data', '451 4.3.0 try later');
my $node = outbound_node('email', <<'CONF');
workflow_engine.workers = 1
workflow_engine.http_timeout = 60s
CONF
my $tenant_b = '00000000-0000-4000-8000-00000000000b';

sub mailer
{
	my ($name, $server, %config) = @_;
	connection(
		$node,
		name => $name,
		kind => 'smtp',
		config => {
			url => 'smtp://127.0.0.1:' . $server->port,
			from => 'Order desk <orders@example.com>',
			starttls => 'never',
			%config });
	return;
}
mailer('email', $smtp);
mailer('nameless', $smtp, from => 'bare@example.com');
mailer('refuser', $refuser);
mailer('busy', $busy);
connection(
	$node,
	name => 'fromless',
	kind => 'smtp',
	config => {
		url => 'smtp://127.0.0.1:' . $smtp->port, starttls => 'never' });

sub template
{
	my ($whose, $name, $subject, $body, $html) = @_;
	$node->safe_psql(
		'postgres',
		encode(
			'UTF-8',
			sprintf(
				'INSERT INTO workflow_templates VALUES '
				  . '(DEFAULT, %s, %s, %s, %s, %s)',
				map { literal($_) } $whose,
				$name, $subject, $body, $html)));
	return;
}
template(undef, 'welcome', 'Welcome, {{trigger.name}}',
	"Dear {{trigger.name}},\nyou owe {{trigger.total}}.\n",
	'<p title="{{trigger.attr}}">Dear {{trigger.name}}, <b>{{trigger.html}}</b></p>');
template($tenant_b, 'welcome', 'Hello from B', 'B says hello', undef);
template(undef, 'both', 'Both', 'plain {{trigger.html}}',
	'<b>{{trigger.html}}</b>');
template(undef, 'html_only', 'Only HTML', undef, '<p>{{trigger.html}}</p>');
template(undef, 'no_subject', undef, 'text', undef);
template(undef, 'missing', 'x', 'Dear {{trigger.nobody.name}}', undef);

my %payload = (
	name => 'Zoë Müller',
	total => 12.5,
	html => '<script>alert("1 & 2")</script>',
	attr => q{"><img src='x'>},
	crlf => "a\@example.com\r\nBcc: victim\@example.com",
	lf => "Hello\nBcc: victim\@example.com",
	cr => "Hello\rBcc: victim\@example.com",
	list => [ 'c@example.com', 'd@example.com' ],
	rcpt => 'a@example.com> SIZE=1',
	comma => 'x@example.com, y@example.com');

sub mail
{
	my (%params) = @_;
	return {
		action => 'send_email',
		retry => { max_attempts => 1 },
		payload => \%payload,
		params => {
			to => 'a@example.com',
			(exists $params{template} ? () : (subject => 'Hi')),
			(exists $params{template} || $params{html} ? () : (body => 'text')),
			%params } };
}

my $long = join(' ', map { "word$_" } 1 .. 400);
my $unbroken = 'x' x 3000;
my $dots = ".\n..\n.hidden\n\n.\nend.\n";
my $subject_long = join(' ', map { "Wörter$_" } 1 .. 60);
my $subject_ascii = join(' ', map { "subject$_" } 1 .. 60);

my %got = run_steps(
	$node,
	plain => mail(),
	html => mail(html => '<p>{{trigger.html}}</p>'),
	both => mail(template => 'both'),
	template => mail(template => 'welcome'),
	template_subject => mail(template => 'welcome', subject => 'Mine'),
	template_b => { %{ mail(template => 'welcome') }, tenant => $tenant_b },
	template_html => mail(template => 'html_only'),
	template_none => mail(template => 'nope'),
	template_bare => mail(template => 'no_subject'),
	template_missing => mail(template => 'missing'),
	unicode => mail(
		subject => "Grüße {{trigger.name}} — 漢字 \x{1F600}",
		body => "Grüße\n漢字 \x{1F600}\n",
		to => 'Zoë Müller <zoe@example.com>'),
	subject_long => mail(subject => $subject_long),
	subject_ascii => mail(subject => $subject_ascii),
	subject_odd => mail(subject => '=?UTF-8?Q?no_trick?= =?x'),
	people => mail(
		to => [ 'Ann <ann@example.com>', '"Doe, John" <john@example.com>' ],
		cc => 'c1@example.com, "C 2" <c2@example.com>',
		bcc => ['hidden@example.com'],
		reply_to => 'Desk "24/7" <reply@example.com>'),
	twice => mail(to => 'a@example.com, a@example.com', cc => 'a@example.com'),
	list => mail(to => '{{trigger.list}}'),
	comma => mail(to => '{{trigger.comma}}'),
	from => mail(from => 'Other <other@example.com>'),
	from_bare => mail(connection => 'nameless'),
	from_none => mail(connection => 'fromless'),
	from_own => mail(connection => 'fromless', from => 'own@example.com'),
	dots => mail(body => $dots),
	long => mail(body => "$long\n$unbroken\n"),
	crlf_body => mail(body => "one\r\ntwo\rthree\nfour  \n\tfive"),
	large => mail(body => 'line of text' . ("\n0123456789" x 20_000)),
	inject_to => mail(to => '{{trigger.crlf}}'),
	inject_cc => mail(cc => '{{trigger.crlf}}'),
	inject_reply => mail(reply_to => '{{trigger.crlf}}'),
	inject_from => mail(from => '{{trigger.crlf}}'),
	inject_subject => mail(subject => 'Order {{trigger.lf}}'),
	inject_subject_cr => mail(subject => 'Order {{trigger.cr}}'),
	inject_rcpt => mail(to => '{{trigger.rcpt}}'),
	inject_name => mail(to => "\"{{trigger.lf}}\" <a\@example.com>"),
	bad_to => mail(to => '{{trigger.nothing | default: "not an address"}}'),
	no_to => mail(to => []),
	null_to => mail(to => '{{trigger.list | first}} x'),
	many => mail(to => [ map { "u$_\@example.com" } 1 .. 101 ]),
	refused => mail(to => 'nobody@example.com'),
	refused_one => mail(to => [ 'a@example.com', 'nobody@example.com' ]),
	refused_some => mail(
		to => [ 'Nobody <nobody@example.com>', 'a@example.com' ],
		cc => 'full@example.com',
		bcc => 'b@example.com'),
	refused_all => mail(to => 'nobody@example.com', bcc => 'full@example.com'),
	reply_utf8 => mail(reply_to => 'zoë@example.com'),
	long_name => mail(to => join(' ', map { "Name$_" } 1 .. 300)
		  . ' <a@example.com>'),
	full => mail(to => 'full@example.com'),
	spam => mail(connection => 'refuser'),
	busy => mail(connection => 'busy'));

my %mail_of;
push @{ $mail_of{ $_->{headers}{'message-id'} } }, $_
  foreach $smtp->requests;

sub sent
{
	my ($label) = @_;
	my $id = $got{$label}{output}{message_id};
	my $mails = defined $id ? $mail_of{$id} : undef;

	return $mails->[0]
	  if ok(
		$got{$label}{run_status} eq 'completed' && $mails && @$mails == 1,
		"$label: sent once");
	diag(to_json($got{$label}));
	return { headers => {}, parts => [ { content => '' } ], raw => '' };
}

# The text of a part, with the ends of its lines as \n.
sub part
{
	my ($mail, $type) = @_;
	my @parts = grep { $_->{content_type} eq $type } @{ $mail->{parts} };
	return @parts == 1 ? $parts[0]{content} =~ s/\r\n/\n/gr : undef;
}

sub refused_like
{
	my ($label, $pattern) = @_;
	is($got{$label}{run_status}, 'failed', "$label fails")
	  or diag(to_json($got{$label}));
	like($got{$label}{error}, $pattern, "$label: its error");
	is( scalar(
			grep { $_->{raw} =~ /\Q$got{$label}{run_id}\E/ } $smtp->requests),
		0,
		"$label: nothing was sent");
	return;
}

#
# Texts.
#
my $mail = sent('plain');
is($mail->{parts}[0]{content_type}, 'text/plain', 'text alone is text/plain');
is(scalar @{ $mail->{parts} }, 1, '... and the only part');
is(lc $mail->{parts}[0]{charset}, 'utf-8', '... in UTF-8');
is(part($mail, 'text/plain') =~ s/\n\z//r, 'text', '... as it was');
is_deeply(
	$got{plain}{output},
	{
		message_id => "<$got{plain}{run_id}.go\@example.com>",
		accepted => ['a@example.com']
	},
	'the output is message_id and accepted');
like($mail->{headers}{date}, qr/\d{4}/, 'Date');
is(part(sent('html'), 'text/html') =~ s/\n\z//r,
	'<p>&lt;script&gt;alert(&quot;1 &amp; 2&quot;)&lt;/script&gt;</p>',
	'values are escaped in HTML');
$mail = sent('both');
like($mail->{headers}{'content-type'},
	qr{^multipart/alternative}, 'text and HTML are alternatives');
is_deeply([ map { $_->{content_type} } @{ $mail->{parts} } ],
	[ 'text/plain', 'text/html' ], '... the better one last');
is(part($mail, 'text/plain') =~ s/\n\z//r,
	"plain $payload{html}", '... the text is not escaped');
like(part($mail, 'text/html'), qr/&lt;script&gt;/, '... the HTML is');

#
# Mail templates.
#
$mail = sent('template');
is($mail->{headers}{subject},
	'Welcome, Zoë Müller', "the template's subject");
is(part($mail, 'text/plain') =~ s/\n+\z//r,
	"Dear Zoë Müller,\nyou owe 12.5.", 'its text');
my $html = part($mail, 'text/html');
like($html, qr/Dear Zoë Müller, <b>&lt;script/, 'its HTML');
unlike($html, qr/<img|"><|<script/, '... escaped, within an attribute too');
is(sent('template_subject')->{headers}{subject},
	'Mine', "the step's subject goes before it");
is(sent('template_b')->{headers}{subject},
	'Hello from B', "the tenant's template goes before the one for all");
is(sent('template_html')->{headers}{subject}, 'Only HTML', 'HTML alone');
refused_like('template_none', qr/mail template "nope" does not exist/);
refused_like('template_bare', qr/"subject" is missing/);
refused_like('template_missing', qr/nobody/);

#
# Headers that are not ASCII, or long.
#
$mail = sent('unicode');
is( $mail->{headers}{subject},
	"Grüße Zoë Müller — 漢字 \x{1F600}",
	'a subject in UTF-8 decodes back');
like($mail->{raw}, qr/^Subject: =\?UTF-8\?/m, '... from encoded words');
my ($head) = split /\r?\n\r?\n/, $mail->{raw};
unlike($head, qr/[^\x00-\x7f]/, '... so that the header is ASCII');
is($mail->{headers}{to}, 'Zoë Müller <zoe@example.com>', 'a name, too');
is(part($mail, 'text/plain') =~ s/\n\z//r,
	"Grüße\n漢字 \x{1F600}", 'a text in UTF-8');

my ($raw) = sent('subject_long')->{raw} =~ /^Subject:(.*?)\r?\n(?=\S)/ms;
is( decode('MIME-Header', $raw =~ s/\r//gr) =~ s/^ //r,
	$subject_long,
	'a long subject decodes back, as another decoder sees it');
is(scalar(grep { length > 78 } split /\r?\n/, "Subject:$raw"),
	0, '... and is folded');
($raw) = sent('subject_ascii')->{raw} =~ /^Subject: (.*?)\r?\n(?=\S)/ms;
is($raw =~ s/\r?\n//gr, $subject_ascii, 'a long ASCII subject unfolds');
is(scalar(grep { length > 78 } split /\r?\n/, "Subject: $raw"),
	0, '... and is folded');
$mail = sent('reply_utf8');
is_deeply([ grep { $_ eq 'SMTPUTF8' } @{ $mail->{mail_options} } ],
	['SMTPUTF8'], 'an address that is not ASCII is announced');
is($mail->{headers}{'reply-to'}, 'zoë@example.com', '... and arrives');
is_deeply([ grep { $_ eq 'SMTPUTF8' } @{ sent('unicode')->{mail_options} } ],
	[], '... and not where only names and texts are not');
$mail = sent('long_name');
is(scalar(grep { length > 998 } split /\r?\n/, $mail->{raw}),
	0, 'no line is over 998 by a long name');
like($mail->{headers}{to}, qr/^Name1 Name2 .* Name300 <a\@example\.com>\z/,
	'... which arrives');
is(sent('subject_odd')->{headers}{subject},
	'=?UTF-8?Q?no_trick?= =?x', 'what looks encoded stays as it was');

#
# Who.
#
$mail = sent('people');
is( $mail->{headers}{to},
	'Ann <ann@example.com>, "Doe, John" <john@example.com>', 'To');
is($mail->{headers}{cc},
	'c1@example.com, C 2 <c2@example.com>', 'Cc, a list with commas');
is($mail->{headers}{bcc}, undef, 'no Bcc');
unlike($mail->{raw}, qr/hidden/, '... and no word of it');
like($mail->{headers}{'reply-to'},
	qr/^.*24\/7.* <reply\@example\.com>$/, 'Reply-To');
is_deeply(
	$mail->{rcpt_tos},
	[
		map { "$_\@example.com" } qw(ann john c1 c2 hidden)
	],
	'all of them are in the envelope');
is_deeply($got{people}{output}{accepted},
	$mail->{rcpt_tos}, '... and in the output');
is_deeply(sent('twice')->{rcpt_tos}, ['a@example.com'], 'each once');
is_deeply(sent('list')->{rcpt_tos},
	$payload{list}, 'an array from the payload');
is_deeply(
	sent('comma')->{rcpt_tos},
	[ 'x@example.com', 'y@example.com' ],
	'a comma list from the payload');
$mail = sent('from');
is($mail->{headers}{from}, 'Other <other@example.com>', 'From of the step');
is($mail->{mail_from}, 'other@example.com', '... in the envelope, too');
is(sent('from_bare')->{headers}{from}, 'bare@example.com', 'From, bare');
is(sent('from_own')->{mail_from}, 'own@example.com', 'From by the step alone');
refused_like('from_none', qr/"from"/);

#
# Lines.
#
is(part(sent('dots'), 'text/plain') =~ s/\n*\z//r,
	$dots =~ s/\n*\z//r, 'lines of dots arrive');
$mail = sent('long');
is(part($mail, 'text/plain') =~ s/\n*\z//r,
	"$long\n$unbroken", 'long lines arrive');
is(scalar(grep { length > 998 } split /\r?\n/, $mail->{raw}),
	0, '... though no line on the wire is over 998');
is(part(sent('crlf_body'), 'text/plain') =~ s/\r/\n/gr =~ s/\n*\z//r,
	"one\ntwo\nthree\nfour  \n\tfive", 'every end of line is one');
is(length part(sent('large'), 'text/plain') =~ s/\n*\z//r,
	220_012, 'a large text arrives whole');

#
# Injection: the step fails, nobody gets anything.
#
refused_like($_, qr/control character/)
  foreach qw(inject_to inject_cc inject_reply inject_from inject_subject
  inject_subject_cr inject_name);
refused_like($_, qr/malformed mail address/)
  foreach qw(inject_rcpt bad_to null_to);
refused_like('no_to', qr/"to"/);
refused_like('many', qr/at most 100 recipients/);
is(scalar(grep { "@{ $_->{rcpt_tos} }" =~ /victim/ } $smtp->requests),
	0, 'the victim got no mail');

#
# Refusals, in the server's words.  Who is accepted gets the mail.
#
refused_like('refused',
	qr/^550 5\.1\.1 no such user Nobody here \(nobody\@example\.com\)\z/);
refused_like('full',
	qr/^452 4\.2\.2 mailbox full \(full\@example\.com\)\z/);
refused_like('refused_all',
	qr/^550 5\.1\.1 .* \(nobody\@example\.com\); 452 4\.2\.2 .* \(full\@/);
my %nobody = (
	address => 'nobody@example.com',
	error => '550 5.1.1 no such user Nobody here');
is_deeply(sent('refused_one')->{rcpt_tos},
	['a@example.com'], 'one is refused, the other gets it');
is_deeply(
	$got{refused_one}{output},
	{
		message_id => "<$got{refused_one}{run_id}.go\@example.com>",
		accepted => ['a@example.com'],
		rejected => [ \%nobody ]
	},
	'... and the output says so');
$mail = sent('refused_some');
is_deeply($mail->{rcpt_tos},
	[ 'a@example.com', 'b@example.com' ], 'two of four are refused');
is_deeply($got{refused_some}{output}{accepted},
	$mail->{rcpt_tos}, '... which the output says');
is_deeply(
	$got{refused_some}{output}{rejected},
	[
		\%nobody,
		{ address => 'full@example.com', error => '452 4.2.2 mailbox full' } ],
	'... with the reason of each');
is($mail->{headers}{cc}, 'full@example.com', '... the headers say them all');
refused_like('spam', qr/554 5\.7\.1 looks like spam/);
refused_like('busy', qr/451 4\.3\.0 try later/);

$node->stop;
done_testing();
