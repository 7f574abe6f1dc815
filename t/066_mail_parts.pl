
# What a mail is made of, read back from a real server, Exim, by a mail
# program's parser: text and HTML, an order's lines, headers and attachments;
# and that nobody slips in a header, a part, a path or a recipient.

use strict;
use warnings FATAL => 'all';
use utf8;

use Encode qw(encode);
use MIME::Base64 qw(decode_base64 encode_base64);
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Mta;
use WorkflowEngine::Outbound;
use WorkflowEngine::Receiver;
use WorkflowEngine::Test;

my $mta = WorkflowEngine::Mta->new;
my $node = outbound_node('parts', "workflow_engine.workers = 1\n");

connection(
	$node,
	name => 'email',
	kind => 'smtp',
	config => {
		url => 'smtp://127.0.0.1:' . $mta->port('PLAIN'),
		from => 'shop@example.com',
		starttls => 'never' });
$node->safe_psql('postgres', encode('UTF-8', <<'SQL'));
INSERT INTO workflow_templates (tenant_id, name, subject, body, html) VALUES
	(NULL, 'order', 'Order {{ trigger.id }}',
'Order {{ trigger.id }}:
{{# trigger.lines }}
{{ item.qty }} x {{ item.sku }}
{{# item.notes }}
  * {{ item }} (of {{ outer.item.sku }})
{{/}}
{{/}}
{{^ trigger.lines }}
nothing
{{/}}
Goodbye.
',
'<table>
{{# trigger.lines }}
<tr><td title="{{ item.sku }}">{{ item.sku }}</td><td>{{ item.qty }}</td></tr>
{{/}}
</table>
{{^ trigger.lines }}
<p>nothing</p>
{{/}}
');
SQL

my $pdf = join '', map { chr } 0 .. 255, 13, 10, 10, 13;
my $arabic = 'فاتورة رقم ٧.pdf';
my $large = encode_base64('0123456789' x 45_000, '');
my %payload = (
	id => 7,
	name => 'Zoë',
	secret => 'THE-SECRET',
	braces => '{{ trigger.secret }}',
	lines => [
		{ sku => '<b>"A" & {{ trigger.secret }}</b>', qty => 2 },
		{ sku => 'ب-٢', qty => 1, notes => [ 'red', '<i>' ] } ],
	file => $arabic,
	pdf => encode_base64($pdf),
	large => $large,
	list => [
		{ filename => 'one.txt', text => "line\n.\nend" },
		{ filename => 'two.bin', base64 => '' } ],
	crlf => "x\r\nBcc: victim\@example.com",
	lf => "x\nBcc: victim\@example.com",
	cr => "x\rBcc: victim\@example.com",
	end => "x\r\n\r\n<script>",
	null => undef,
	names => {
		bcc => { Bcc => 'victim@example.com' },
		to => { tO => 'victim@example.com' },
		resent => { 'Resent-To' => 'victim@example.com' },
		type => { 'content-type' => 'text/html' },
		colon => { 'X-A: b' => 'c' },
		lines => { "X-A: b\r\nBcc" => 'victim@example.com' },
		blank => { 'X A' => 'c' },
		empty => { '' => 'c' },
		arabic => { 'س' => 'c' },
		array => { 'X-A' => [1] },
		twice => { 'X-A' => 1, 'x-a' => 2 },
		long => { 'X-A' => 'x' x 9000 } });

sub mail
{
	my (%params) = @_;
	return {
		action => 'send_email',
		retry => { max_attempts => 1 },
		payload => \%payload,
		params => {
			to => 'a@example.com',
			subject => 'Hi',
			$params{template} || $params{html} ? () : (body => "text\n"),
			%params } };
}

# A mail with one attachment.
sub attached
{
	my (%attachment) = @_;
	return mail(attachments =>
		  [ { filename => 'a.txt', text => 'x', %attachment } ]);
}

my %headers = (
	'List-Unsubscribe' =>
	  '<https://example.com/u/{{ trigger.id }}>, <mailto:u@example.com>',
	'List-Unsubscribe-Post' => 'List-Unsubscribe=One-Click',
	'In-Reply-To' => '<{{ trigger.id }}@example.com>',
	'X-Name' => 'Grüße an {{ trigger.name }} ' . ('ب' x 60),
	'X-Long' => join(' ', 1 .. 300),
	'X-Number' => '{{ trigger.id }}',
	'X-Braces' => '{{ trigger.braces }}',
	'X-(ftext)/' => 'odd',
	'X-Null' => '{{ trigger.null }}');

# label => what its error says
my %refused = (
	(map { ("header_$_" => qr/^header "X-A" has a control character/) }
		  qw(crlf lf cr end)),
	(
		map { ("name_$_" => qr/^header ".*" cannot be set by a step/s) }
		  qw(bcc to resent type)),
	(
		map { ("name_$_" => qr/^header ".*" has a malformed name/s) }
		  qw(colon lines blank empty arabic)),
	name_array => qr/^header "X-A" must be a text, not an array/,
	name_twice => qr/^header "x-a" is given twice/i,
	name_long => qr/^header "X-A" is longer than 8192 bytes/,
	(
		map {
			("file_$_" => qr/^attachments\[0\]\.filename has a control/,
				"type_$_" => qr/^attachments\[0\]\.content_type is not a/)
		} qw(crlf lf cr end)),
	path => qr/^attachments\[0\]\.filename must be a name without a path/,
	windows => qr/^attachments\[0\]\.filename must be a name without a path/,
	dots => qr/^attachments\[0\]\.filename is not the name of a file/,
	unnamed => qr/^attachments\[0\]\.filename is missing/,
	direction => qr/^attachments\[0\]\.filename has a character that changes/,
	multipart => qr/^attachments\[0\]\.content_type cannot be multipart/,
	charset => qr/^attachments\[0\]\.content_type must have the charset utf-8/,
	two_ways => qr/^attachments\[1\] must have either "text" or "base64"/,
	neither => qr/^attachments\[0\] must have either "text" or "base64"/,
	unknown => qr/^attachments\[0\] has an unknown key "href"/,
	no_list => qr/^parameter "attachments" must be a list/,
	no_object => qr/^attachments\[0\] must be an object, not a string/,
	base64 => qr/^attachments\[0\]\.base64 is not valid base64/,
	too_large => qr/^the attachments of a mail are too large/);

my %got = run_steps(
	$node,
	both => mail(body => 'Zoë', html => '<p>{{ trigger.lines[0].sku }}</p>'),
	alone => mail(html => '<p>{{ trigger.id }}</p>'),
	lines => mail(template => 'order'),
	empty => { %{ mail(template => 'order') }, payload => { id => 8 } },
	headers => mail(headers => \%headers),
	header_list => mail(headers => '{{ trigger.names.array | default: null }}'),
	files => mail(
		html => '<p>x</p>',
		body => 'x',
		attachments => [
			{ filename => '{{ trigger.file }}', base64 => '{{ trigger.pdf }}',
				content_type => 'application/pdf' },
			{ filename => 'order.csv', content_type => 'text/csv; header=present',
				text => "a,b\r\n{{ trigger.name }},{{ trigger.braces }}\n" },
			{ filename => 'call.ics', content_type => 'text/calendar; method="REQUEST"; charset=UTF-8',
				text => "BEGIN:VCALENDAR\r\n" },
			{ filename => q{a "b"; c='d' %20.txt}, text => '{{ trigger.id }}' },
			{ filename => 'ط' x 100 . '.txt', text => '' } ]),
	list => mail(attachments => '{{ trigger.list }}'),
	none => mail(attachments => []),
	megabyte => mail(attachments => [ map {
			{ filename => "$_.bin", base64 => '{{ trigger.large }}' } } 1 .. 2 ]),
	too_large => mail(attachments => [ map {
			{ filename => "$_.bin", base64 => '{{ trigger.large }}' } } 1 .. 3 ]),
	(
		map {
			("header_$_" => mail(headers => { 'X-A' => "{{ trigger.$_ }}" }),
				"file_$_" => attached(filename => "{{ trigger.$_ }}"),
				"type_$_" => attached(content_type => "{{ trigger.$_ }}"))
		} qw(crlf lf cr end)),
	(
		map { ("name_$_" => mail(headers => "{{ trigger.names.$_ }}")) }
		  keys %{ $payload{names} }),
	(
		map { ($_->[0] => {
			%{ mail(attachments => '{{ trigger.a }}') },
			payload => { a => $_->[1] } }) }
		  [ path => [ { filename => '../../etc/passwd', text => 'x' } ] ],
		[ windows => [ { filename => 'C:\\x.txt', text => 'x' } ] ],
		[ dots => [ { filename => '..', text => 'x' } ] ],
		[ unnamed => [ { text => 'x' } ] ],
		[ direction => [ { filename => "x\x{202E}fdp.exe", text => 'x' } ] ],
		[ multipart => [ { filename => 'a', content_type => 'Multipart/mixed; boundary=x', text => 'x' } ] ],
		[ charset => [ { filename => 'a', content_type => 'text/plain; charset=latin1', text => 'x' } ] ],
		[ two_ways => [ { filename => 'a', text => 'x' }, { filename => 'a', text => 'x', base64 => 'eA==' } ] ],
		[ neither => [ { filename => 'a', text => undef } ] ],
		[ unknown => [ { filename => 'a', href => 'file:///etc/passwd' } ] ],
		[ no_list => { filename => 'a', text => 'x' } ],
		[ no_object => ['a'] ],
		[ base64 => [ { filename => 'a', base64 => 'data:text/plain;base64,eA==' } ] ]));

# The mail of a run that has completed, parsed.
sub delivered
{
	my ($label) = @_;
	my $result = $got{$label};

	is($result->{run_status}, 'completed', "$label is sent")
	  or diag($result->{error});
	my $mail = $mta->wait_mail("Message-ID: $result->{output}{message_id}\n");
	my $json = '';
	my $stderr = '';
	my $path = PostgreSQL::Test::Utils::tempdir() . '/mail';

	append_to_file($path, $mail->{text});
	run_log(
		[ 'python3', "$WorkflowEngine::Receiver::loopback/parse_mail.py", $path ],
		'>', \$json, '2>', \$stderr) or die $stderr;
	my $parsed = from_json($json);
	is_deeply($parsed->{defects}, [], '... and a mail program finds no fault');
	is_deeply($mail->{envelope_to}, ['a@example.com'], '... for whom it is');
	is(scalar(grep { length > 998 } split /\n/, $mail->{text}),
		0, '... in lines that are not too long');
	unlike($mail->{text}, qr/THE-SECRET/, '... no value is a template');
	return { %$parsed, text => $mail->{text} };
}

# Of a part, its type and text, or its parts.
sub outline
{
	my ($part) = @_;
	return [ $part->{type},
		$part->{parts} ? map { outline($_) } @{ $part->{parts} }
		: defined $part->{content} ? $part->{content} =~ s/\n\z//r
		: decode_base64($part->{bytes}) ];
}

#
# Text and HTML
#
my $escaped = '&lt;b&gt;&quot;A&quot; &amp; {{ trigger.secret }}&lt;/b&gt;';
is_deeply(
	outline(delivered('both')->{tree}),
	[
		'multipart/alternative', [ 'text/plain', 'Zoë' ],
		[ 'text/html', "<p>$escaped</p>" ] ],
	'text first, then HTML');
is_deeply(
	outline(delivered('alone')->{tree}),
	[ 'text/html', '<p>7</p>' ],
	'HTML alone is one part');
is_deeply(
	outline(delivered('lines')->{tree}),
	[
		'multipart/alternative',
		[ 'text/plain', <<'TEXT' =~ s/\n\z//r ],
Order 7:
2 x <b>"A" & {{ trigger.secret }}</b>
1 x ب-٢
  * red (of ب-٢)
  * <i> (of ب-٢)
Goodbye.
TEXT
		[ 'text/html', <<"HTML" =~ s/\n\z//r ] ],
<table>
<tr><td title="$escaped">$escaped</td><td>2</td></tr>
<tr><td title="ب-٢">ب-٢</td><td>1</td></tr>
</table>
HTML
	'the lines of an order');
is_deeply(
	outline(delivered('empty')->{tree}),
	[
		'multipart/alternative',
		[ 'text/plain', "Order 8:\nnothing\nGoodbye." ],
		[ 'text/html', "<table>\n</table>\n<p>nothing</p>" ] ],
	'... and of an empty one');

#
# Headers
#
my $mail = delivered('headers');
my %header = map { ($_->[0] => $_->[1]) } @{ $mail->{headers} };
is_deeply(
	{ map { ($_ => $header{$_}) } keys %headers },
	{
		'List-Unsubscribe' => '<https://example.com/u/7>, <mailto:u@example.com>',
		'List-Unsubscribe-Post' => 'List-Unsubscribe=One-Click',
		'In-Reply-To' => '<7@example.com>',
		'X-Name' => 'Grüße an Zoë ' . ('ب' x 60),
		'X-Long' => join(' ', 1 .. 300),
		'X-Number' => '7',
		'X-Braces' => '{{ trigger.secret }}',
		'X-(ftext)/' => 'odd',
		'X-Null' => undef },
	'headers of the step');
unlike($mail->{text} =~ s/\n\n.*//sr, qr/[^\n]{79}/, '... folded');
unlike($mail->{text}, qr/[^\x00-\x7f]/, '... and encoded');
is($header{Subject}, 'Hi', '... beside those of the engine');

#
# Attachments
#
$mail = delivered('files');
my $parts = $mail->{tree}{parts};
is_deeply(
	[ $mail->{tree}{type}, outline($parts->[0]) ],
	[
		'multipart/mixed',
		[ 'multipart/alternative', [ 'text/plain', 'x' ], [ 'text/html', '<p>x</p>' ] ] ],
	'attachments stand behind both texts');
is_deeply(
	[
		map { [ @$_{qw(type filename disposition)}, decode_base64($_->{bytes}) ] }
		  @$parts[ 1 .. $#$parts ] ],
	[
		[ 'application/pdf', $arabic, 'attachment', $pdf ],
		[ 'text/csv', 'order.csv', 'attachment',
			encode('UTF-8', "a,b\r\nZoë,{{ trigger.secret }}\n") ],
		[ 'text/calendar', 'call.ics', 'attachment', "BEGIN:VCALENDAR\r\n" ],
		[ 'text/plain', q{a "b"; c='d' %20.txt}, 'attachment', '7' ],
		[ 'text/plain', 'ط' x 100 . '.txt', 'attachment', '' ] ],
	'... byte for byte, with their names');
is($parts->[2]{charset}, 'utf-8', '... a text says its encoding');
is($parts->[2]{params}{header}, 'present', '... beside what its type has');
is($parts->[3]{params}{method}, 'REQUEST', '... also in quotes');
unlike($mail->{text} =~ s/\n\n.*//sr, qr/[^\x00-\x7f]/, '... in ASCII');

is_deeply(
	[ map { [ @$_{qw(type filename)}, decode_base64($_->{bytes}) ] }
		  @{ delivered('list')->{tree}{parts} }[ 1, 2 ] ],
	[
		[ 'text/plain', 'one.txt', "line\n.\nend" ],
		[ 'application/octet-stream', 'two.bin', '' ] ],
	'a template gives the list');
is(delivered('none')->{tree}{type}, 'text/plain', 'an empty list is none');

$mail = delivered('megabyte');
is_deeply(
	[ map { length decode_base64($_->{bytes}) }
		  @{ $mail->{tree}{parts} }[ 1, 2 ] ],
	[ 450_000, 450_000 ],
	'almost a megabyte arrives');
is($got{megabyte}{input}{truncated}, JSON::PP::true,
	'... of which the history keeps the beginning');
cmp_ok(length to_json($got{megabyte}{input}), '<', 20_000, '... only');

#
# Refused at run time, and nobody gets it
#
foreach my $label (sort keys %refused)
{
	is($got{$label}{run_status}, 'failed', "$label fails");
	like($got{$label}{error}, $refused{$label}, '... and says why');
}
is($got{header_list}{run_status}, 'failed', 'a header is a text');
is(
	scalar(grep {
			my $text = $_->{text};
			grep { $text =~ /\Q$got{$_}{run_id}\E/ } keys %refused
		} $mta->mails),
	0,
	'nobody got one of them');
unlike($mta->log, qr/victim/, 'the server never heard of the victim');

$node->stop;
$mta->stop;
done_testing();
