
# Who gets a mail: a value that is put into a text stays part of the address
# that it was put into, whatever it holds; a list is what the author, or a
# value that is the whole text, says.

use strict;
use warnings FATAL => 'all';
use utf8;

use Test::More;
use WorkflowEngine::Test;
use WorkflowEngine::Outbound;

my $smtp = start_receiver('smtp');
my $node = outbound_node('recipients', "workflow_engine.workers = 1\n");

connection(
	$node,
	name => 'email',
	kind => 'smtp',
	config => {
		url => 'smtp://127.0.0.1:' . $smtp->port,
		from => 'Order desk <orders@example.com>',
		starttls => 'never' });

my $stranger = 'evil@attacker.example';
my $person = '{{ trigger.n }} <{{ trigger.e }}>';
my $quoted = '"{{ trigger.n }}" <{{ trigger.e }}>';

# A mail of one step, with n and e in the payload.
sub mail
{
	my ($n, $e, %params) = @_;
	return {
		action => 'send_email',
		retry => { max_attempts => 1 },
		payload => { n => $n, e => $e },
		params => {
			to => 'a@example.com', subject => 'Hi', body => 'text', %params } };
}

# Names of display that arrive as they were, by whichever text they are put in.
my %names = (
	comma => 'Doe, J',
	stranger => "$stranger, Bob",
	stranger_semicolon => "$stranger; Bob",
	angle => "Bob <$stranger>",
	angle_comma => "Bob <$stranger>, x",
	open_angle => 'Bob <',
	close_angle => "Bob>, $stranger",
	quote => 'J "Doc" Doe',
	open_quote => '"',
	quote_comma => qq{Bob" <$stranger>, "},
	backslash => 'Bob \\',
	backslash_quote => "Bob\\\" <$stranger>, \\\"",
	group => "Team: $stranger;",
	comment => "Bob ($stranger)",
	address => $stranger,
	unicode => 'Zoë Müller, Dr. 漢字',
	arabic => 'أحمد, علي',
	encoded => '=?UTF-8?Q?Bob=2C_x?=',
	dot => 'John Q. Public',
	object => { a => "$stranger, x" });

my @cases;
foreach my $label (sort keys %names)
{
	push @cases,
	  "$label bare" => mail($names{$label}, 'a@example.com', to => $person),
	  "$label quoted" => mail($names{$label}, 'a@example.com', to => $quoted),
	  "$label cc" => mail(
		$names{$label}, 'a@example.com',
		to => 'b@example.com',
		cc => [ $person, 'c@example.com' ],
		bcc => $person,
		reply_to => $person,
		from => $person);
}

# Addresses that a value cannot be.
my %bad = (
	list => "a\@example.com, $stranger",
	list_semicolon => "a\@example.com; $stranger",
	closed => "a\@example.com>, <$stranger",
	closed_quote => qq{a\@example.com>, "x" <$stranger},
	named => "Bob <$stranger>",
	quote => qq{"$stranger},
	local_quote => qq{"a, $stranger"\@example.com},
	comment => "(x)$stranger",
	blank => "a\@example.com $stranger",
	word => 'nobody',
	two => 'a@b@example.com',
	empty => '',
	space => 'a b@example.com',
	direction => "a\x{202E}b\@example.com",
	group => "x: $stranger;",
	encoded => '=?UTF-8?Q?a?=@');
push @cases, "bad $_" => mail('Bob', $bad{$_}, to => $person)
  foreach sort keys %bad;
push @cases, "bad plain $_" => mail('', $bad{$_}, to => 'x{{ trigger.e }}')
  foreach qw(list closed named);
push @cases, "bad two $_" => mail('', $bad{$_},
	to => 'b@example.com, {{ trigger.e }}')
  foreach qw(list list_semicolon);
push @cases,
  "control $_->[0]" => mail($_->[1], 'a@example.com', to => $person)
  foreach ([ lf => "x\nBcc: $stranger" ], [ cr => "x\rBcc: $stranger" ],
	[ nul => "x\x{1}" ]);
push @cases,
  "control $_" => mail("x\r\nBcc: $stranger", 'a@example.com', $_ => $person)
  foreach qw(cc bcc reply_to from);
push @cases,
  'control subject' => mail("x\r\nBcc: $stranger", '', subject => '{{ trigger.n }}'),
  'from two' => mail('', "a\@example.com, $stranger", from => '{{ trigger.e }}'),
  'not text' => mail('', { a => 1 }, to => '{{ trigger.e }}'),
  'nobody' => mail('', '', to => ' ,; , ', cc => 'b@example.com');

# Lists.
my %lists = (
	semicolon => [ 'a@example.com; b@example.com' => 'a b' ],
	comma => [ 'a@example.com,b@example.com' => 'a b' ],
	both => [ 'A <a@example.com>; "B, b" <b@example.com>, c@example.com' => 'a b c' ],
	trailing => [ 'a@example.com, b@example.com, ' => 'a b' ],
	trailing_semicolon => [ 'a@example.com;' => 'a' ],
	empty_between => [ ' , a@example.com ,; ,b@example.com' => 'a b' ],
	array => [ [ 'a@example.com', '' ] => 'a' ],
	array_null => [ [ undef, 'a@example.com' ] => 'a' ],
	array_lists => [ [ 'a@example.com; b@example.com', 'c@example.com' ] => 'a b c' ],
	array_arrays => [ [ 'a@example.com', '{{ trigger.e }}' ] => 'a b c',
		[ 'b@example.com', 'c@example.com' ] ],
	whole => [ '{{ trigger.e }}' => 'a b', 'a@example.com; b@example.com' ],
	whole_filter => [ '{{ trigger.e | lower }}' => 'a b', 'A@example.com,b@example.com' ],
	whole_named => [ '{{trigger.e}}' => 'a b', '"A, a" <a@example.com>, b@example.com,' ],
	whole_array => [ '{{ trigger.e }}' => 'a b', [ 'a@example.com', '', 'b@example.com' ] ],
	two_values => [ '{{ trigger.e }}, b@example.com' => 'a b', 'a@example.com' ],
	local => [ '{{ trigger.e }}@example.com' => 'a', 'a' ],
	blanks => [ "{{ trigger.e }}" => 'a', "\x{A0}a\@example.com\x{200F} " ],
	blanks_angle => [ "<{{ trigger.e }}>" => 'a', " a\@example.com " ]);
push @cases, "list $_" => mail('', $lists{$_}[2], to => $lists{$_}[0])
  foreach sort keys %lists;
push @cases,
  'empty others' => mail('', '',
	cc => '', bcc => '{{ trigger.e }}', reply_to => [ '', undef ]);

my %got = run_steps($node, @cases);
my %mail_of = map { ($_->{headers}{'message-id'} => $_) } $smtp->requests;

sub sent
{
	my ($label) = @_;
	my $id = $got{$label}{output}{message_id};
	my $mail = defined $id ? $mail_of{$id} : undef;

	ok($mail, "$label: sent") or diag(to_json($got{$label}));
	return $mail || { headers => {}, rcpt_tos => [] };
}

foreach my $label (sort keys %names)
{
	my $name = ref $names{$label} ? qq({"a": "$stranger, x"}) : $names{$label};

	foreach my $how (qw(bare quoted))
	{
		my $mail = sent("$label $how");
		is("@{ $mail->{rcpt_tos} }", 'a@example.com', '... to one');
		is_deeply($mail->{addresses}{to},
			[ [ $name, 'a@example.com' ] ], '... by that name');
	}
	my $mail = sent("$label cc");
	is("@{ $mail->{rcpt_tos} }",
		'b@example.com a@example.com c@example.com', '... in cc and bcc');
	is($mail->{mail_from}, 'a@example.com', '... from one');
	is_deeply($mail->{addresses}{$_}, [ [ $name, 'a@example.com' ] ], "... $_")
	  foreach qw(from reply-to);
	is_deeply($mail->{addresses}{cc},
		[ [ $name, 'a@example.com' ], [ '', 'c@example.com' ] ], '... cc');
}

foreach my $label (sort grep { /^(bad|control|from|not|nobody)/ } keys %got)
{
	is($got{$label}{run_status}, 'failed', "$label: fails");
	like(
		$got{$label}{error},
		$label =~ /^control/ ? qr/control character/
		: $label eq 'from two' ? qr/must be one mail address/
		: $label eq 'not text' ? qr/must hold texts, not an object/
		: $label eq 'nobody' ? qr/"to" has no mail address/
		: qr/^parameter "to" has a malformed mail address: "/,
		'... and says why');
}
like($got{'bad direction'}{error}, qr/a<U\+202E>b/,
	'what nobody sees is spelled out');
like($got{'bad list'}{error}, qr/"a\@example\.com, \Q$stranger\E"$/,
	'the value is quoted as it was');

foreach my $label (sort keys %lists)
{
	is(join(' ', map { s/\@example\.com//r } @{ sent("list $label")->{rcpt_tos} }),
		$lists{$label}[1], "list $label");
}
my $others = sent('empty others');
is("@{ $others->{rcpt_tos} }", 'a@example.com', 'empty cc and bcc');
is($others->{headers}{$_}, undef, "... and no $_") foreach qw(cc bcc reply-to);

is(scalar(grep { "@{ $_->{rcpt_tos} }" =~ /attacker/ } $smtp->requests),
	0, 'the stranger got no mail');
is( $got{'comma bare'}{input}{to},
	'"Doe, J" <a@example.com>',
	'the history shows the address as it was understood');

# The from of a connection has the same form.
my ($ret, $stdout, $stderr) = $node->psql('postgres',
	q{INSERT INTO workflow_connections (name, kind, config) VALUES ('two',
	  'smtp', '{"url": "smtp://x.example", "from": "a@x.example; b@x.example"}')});
like($stderr, qr/config\.from must be one mail address/, 'one sender');

$node->stop;
done_testing();
