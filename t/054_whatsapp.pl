
# WhatsApp: phone numbers as people write them, and every component that a
# message template can have.  What the API would refuse fails before it is
# sent, and names what is wrong.

use strict;
use warnings FATAL => 'all';
use utf8;

use Test::More;
use WorkflowEngine::Test;
use WorkflowEngine::Outbound;

my $http = start_receiver('http');
my $node = outbound_node('whatsapp', "workflow_engine.workers = 1\n");

my %countries = (whatsapp => undef, lb => 'LB', code => 961, plus => '+44',
	it => 'it', hu => 'HU', us => '1');
connection(
	$node,
	name => $_,
	kind => 'whatsapp_cloud',
	config => {
		base_url => $http->url,
		phone_number_id => 1,
		defined $countries{$_} ? (default_country => $countries{$_}) : () },
	credentials => { access_token => 'token-of-whatsapp' })
  foreach keys %countries;

sub whatsapp
{
	my (%params) = @_;
	my $v = delete $params{v};
	return {
		action => 'whatsapp_notify',
		retry => { max_attempts => 1 },
		payload => { v => $v },
		params => {
			phone => '+96170123456', template => 'hello', %params } };
}

# What is sent for a text, as "connection text" or "text".
my $lebanese = '+96170123456';
my @good = (
	[ '96170123456', $lebanese ],
	[ '+96170123456', $lebanese ],
	[ '0096170123456', $lebanese ],
	[ '00 961 70 123 456', $lebanese ],
	[ '+961 70 123 456', $lebanese ],
	[ '+961.70.123.456', $lebanese ],
	[ '+961-70-123-456', $lebanese ],
	[ "+961\x{2011}70\x{2013}123\x{2212}456", $lebanese ],
	[ "+961\x{A0}70\x{202F}123\x{2009}456", $lebanese ],
	[ "\x{200E}+96170123456\x{200F}", $lebanese ],
	[ "\x{202A}+961 70 123 456\x{202C}", $lebanese ],
	[ "\x{2066}+96170123456\x{2069}\x{FEFF}", $lebanese ],
	[ "+961\t70\t123456", $lebanese ],
	[ '+961 (70) 123-456', $lebanese ],
	[ '(+961) 70123456', $lebanese ],
	[ '[+961] 70123456', $lebanese ],
	[ '+961 (0) 70 123 456', $lebanese ],
	[ '00961 (0)70 123456', $lebanese ],
	[ "+\x{0669}\x{0666}\x{0661}\x{0667}\x{0660}\x{0661}\x{0662}\x{0663}\x{0664}\x{0665}\x{0666}", $lebanese ],
	[ "\x{0660}\x{0660}\x{0669}\x{0666}\x{0661} 70123456", $lebanese ],
	[ "+\x{06F9}\x{06F6}\x{06F1} \x{06F7}\x{06F0} 123456", $lebanese ],
	[ "\x{FF0B}\x{FF19}\x{FF16}\x{FF11} 70123456", $lebanese ],
	[ 96170123456, $lebanese ],
	[ '+44 (0)20 7946 0000', '+442079460000' ],
	[ '+44(0)2079460000', '+442079460000' ],
	[ "+44 (\x{0660})20 7946 0000", '+442079460000' ],
	[ '44 (0)20 7946 0000', '+442079460000' ],
	[ '+1 (212) 555-0100', '+12125550100' ],
	[ '+290 1234', '+2901234' ],
	[ '+123456789012345', '+123456789012345' ],
	[ '070 123 456', $lebanese, 'lb' ],
	[ '070 123 456', $lebanese, 'code' ],
	[ "\x{0660}\x{0667}\x{0660}123456", $lebanese, 'lb' ],
	[ '(0)70 123 456', $lebanese, 'lb' ],
	[ '(070) 123 456', $lebanese, 'lb' ],
	[ '0096170123456', $lebanese, 'plus' ],
	[ '+96170123456', $lebanese, 'plus' ],
	[ '96170123456', $lebanese, 'plus' ],
	[ '020 7946 0000', '+442079460000', 'plus' ],
	[ '06 1234 5678', '+390612345678', 'it' ],
	[ '06 30 123 4567', '+36301234567', 'hu' ],
	[ '0212 555 0100', '+12125550100', 'us' ]);

my @bad = (
	[ '', qr/^parameter "phone" is empty$/ ],
	[ " \x{A0}\x{200E}", qr/^parameter "phone" is empty$/ ],
	[ 'call me', qr/: "call me" \("c" cannot stand in it\)$/ ],
	[ '+961 70 ABC', qr/\("A" cannot stand in it\)$/ ],
	[ '+96170123456 ext. 5', qr/\("e" cannot stand in it\)$/ ],
	[ '+96170123456x5', qr/\("x" cannot stand in it\)$/ ],
	[ '+96170123456#5', qr/\("#" cannot stand in it\)$/ ],
	[ 'tel:+96170123456', qr/\("t" cannot stand in it\)$/ ],
	[ "\x{0627}+96170123456", qr/\("\x{0627}" cannot stand in it\)$/ ],
	[ '+96170123456, +96171123456', qr/several numbers/ ],
	[ '+96170123456; 71123456', qr/several numbers/ ],
	[ '70123456/71123456', qr/several numbers/ ],
	[ "+96170123456\n+96171123456", qr/"\+96170123456<U\+000A>\+961.*several numbers/ ],
	[ "+96170123456\x{060C} 71123456", qr/several numbers/ ],
	[ '+96170123456 +96171123456', qr/"\+" can only stand before/ ],
	[ '96170123456+', qr/"\+" can only stand before/ ],
	[ '++96170123456', qr/more than one "\+"/ ],
	[ '+', qr/no digit/ ],
	[ '()', qr/no digit/ ],
	[ '070123456', qr/begins with 0 and has no country code, and the connection has no "default_country"\)$/ ],
	[ '(0)70123456', qr/default_country/ ],
	[ '+0096170123456', qr/no country code begins with 0/ ],
	[ '00096170123456', qr/no country code begins with 0/ ],
	[ '+070123456', qr/no country code begins with 0/ ],
	[ '+12345', qr/has 5 digits, and a phone number has 7 to 15/ ],
	[ '1', qr/has 1 digit, and/ ],
	[ '+1234567890123456', qr/has 16 digits, and/ ],
	[ '+' . '9' x 5000, qr/: "\+9{59}\.\.\." \(.* 5000 digits/ ],
	[ "+961\x{0}70" =~ s/\0/\x{1}/r, qr/"\+961<U\+0001>70" \("<U\+0001>" cannot/ ],
	[ 96170123456.5, qr/not a phone number: 96170123456\.5$/ ],
	[ -96170123456, qr/not a phone number: -96170123456$/ ],
	[ '012', qr/has 3 digits, and/, 'us' ]);

my @cases;
push @cases, "good $_" => whatsapp(
	v => $good[$_][0], phone => '{{ trigger.v }}',
	connection => $good[$_][2] || 'whatsapp')
  foreach 0 .. $#good;
push @cases, "bad $_" => whatsapp(
	v => $bad[$_][0], phone => '{{ trigger.v }}',
	connection => $bad[$_][2] || 'whatsapp')
  foreach 0 .. $#bad;

#
# Components.
#
my $money = { fallback_value => '$100', code => 'USD', amount_1000 => 100000 };
my $day = { fallback_value => "Feb\n25" };
my $image = { type => 'image', image => { link => 'https://x.example/a.png' } };
my $place = { latitude => '1.5', longitude => '2.5', name => 'n', address => 'a' };
my $long = 'x' x 61;

# label => [parameters, components]
sub text
{
	my ($text, $name) = @_;
	return { type => 'text', text => $text,
		$name ? (parameter_name => $name) : () };
}

sub button
{
	my ($index, $sub_type, $parameter) = @_;
	return { type => 'button', index => "$index", sub_type => $sub_type,
		parameters => [$parameter] };
}

my %components = (
	header_text => [ { header_vars => ['a'] },
		{ type => 'header', parameters => [ text('a') ] } ],
	header_named => [ { header_vars => { x => 'a' } },
		{ type => 'header', parameters => [ text('a', 'x') ] } ],
	header_named_image => [ { header_vars => { x => $image } },
		{ type => 'header', parameters => [$image] } ],
	header_alone => [ { header_vars => $image },
		{ type => 'header', parameters => [$image] } ],
	header_named_own => [ { header_vars => { x => { %$image, parameter_name => 'y' } } },
		{ type => 'header', parameters => [ { %$image, parameter_name => 'y' } ] } ],
	(
		map {
			(
				"header_$_->[0]" => [ { header_vars => [ { type => $_->[0], $_->[0] => $_->[1] } ] },
					{ type => 'header', parameters => [ { type => $_->[0], $_->[0] => $_->[1] } ] } ])
		} ([ image => { id => '1' } ],
			[ document => { link => 'https://x.example/a.pdf', filename => 'a.pdf' } ],
			[ video => { id => '2' } ],
			[ location => $place ])),
	body_named => [
		{ template_vars => {
				total => { type => 'currency', currency => $money },
				when => { type => 'date_time', date_time => $day },
				who => 'Bob', z => { type => 'text', text => "a\n b", parameter_name => 'own' } } },
		{ type => 'body', parameters => [
				text('Bob', 'who'), text('a b', 'own'),
				{ type => 'currency', currency => $money, parameter_name => 'total' },
				{ type => 'date_time', date_time => { fallback_value => 'Feb 25' },
					parameter_name => 'when' } ] } ],
	body_positional => [
		{ template_vars => [ 'Bob', { type => 'currency', currency => $money }, 3, JSON::PP::true ] },
		{ type => 'body', parameters => [
				text('Bob'), { type => 'currency', currency => $money }, text('3'), text('true') ] } ],
	body_type => [ { template_vars => { type => 'Express', total => '5' } },
		{ type => 'body', parameters => [ text('Express', 'type'), text('5', 'total') ] } ],
	url => [ { button_vars => { 0 => 'x/1' } }, button(0, 'url', text('x/1')) ],
	url_object => [ { button_vars => { 1 => { type => 'text', text => 'x' } } },
		button(1, 'url', text('x')) ],
	url_word => [ { button_vars => { 1 => { type => 'url', text => 'x' } } },
		button(1, 'url', text('x')) ],
	quick_reply => [ { button_vars => { 0 => { type => 'payload', payload => 'YES' } } },
		button(0, 'quick_reply', { type => 'payload', payload => 'YES' }) ],
	quick_reply_word => [ { button_vars => [ undef, { type => 'quick_reply', payload => 'YES' } ] },
		button(1, 'quick_reply', { type => 'payload', payload => 'YES' }) ],
	copy_code => [ { button_vars => { 2 => { type => 'coupon_code', coupon_code => '25OFF' } } },
		button(2, 'copy_code', { type => 'coupon_code', coupon_code => '25OFF' }) ],
	copy_code_word => [ { button_vars => { 2 => { type => 'copy_code', coupon_code => '25OFF' } } },
		button(2, 'copy_code', { type => 'coupon_code', coupon_code => '25OFF' }) ],
	flow => [
		{ button_vars => { 0 => { type => 'action', action => {
						flow_token => 't', flow_action_data => { a => [ 1, { b => '' } ] } } } } },
		button(0, 'flow', { type => 'action', action => {
					flow_token => 't', flow_action_data => { a => [ 1, { b => '' } ] } } }) ],
	flow_word => [ { button_vars => { 0 => { type => 'flow', action => { flow_token => 't' } } } },
		button(0, 'flow', { type => 'action', action => { flow_token => 't' } }) ],
	catalog => [
		{ button_vars => { 0 => { type => 'action', action => { thumbnail_product_retailer_id => 'p' } } } },
		button(0, 'catalog', { type => 'action', action => { thumbnail_product_retailer_id => 'p' } }) ],
	own_sub_type => [
		{ button_vars => { 0 => { sub_type => 'voice_call', type => 'ttl_minutes', ttl_minutes => 5 } } },
		button(0, 'voice_call', { type => 'ttl_minutes', ttl_minutes => 5 }) ],
	lines => [ { template_vars => [ "l1\nl2", "x\t     y", "a\r\n\r\nb", "  c", "d\x{2028}e", "f\x{0B}g" ] },
		{ type => 'body', parameters => [ map { text($_) } 'l1 l2', 'x y', 'a b', ' c', 'd e', 'f g' ] } ],
	button_lines => [ { button_vars => ["a\nb"] }, button(0, 'url', text('a b')) ],
	from_payload => [
		{ template_vars => { n => '{{ trigger.v }}' }, v => "Bob\n" . ' ' x 9 . 'Doe' },
		{ type => 'body', parameters => [ text('Bob Doe', 'n') ] } ]);
push @cases, "part $_" => whatsapp(%{ $components{$_}[0] })
  foreach sort keys %components;

my %refused = (
	empty => [ { template_vars => { a => '' } },
		qr/^"a" in parameter "template_vars" is empty$/ ],
	empty_position => [ { template_vars => [ 'x', "\n \x{200B}" ] },
		qr/^"1" in parameter "template_vars" is empty$/ ],
	empty_header => [ { header_vars => { h => '  ' } },
		qr/^"h" in parameter "header_vars" is empty$/ ],
	empty_button => [ { button_vars => { 0 => '' } },
		qr/^"0" in parameter "button_vars" is empty$/ ],
	empty_value => [ { template_vars => { a => '{{ trigger.v }}' }, v => '' },
		qr/^"a" in parameter "template_vars" is empty$/ ],
	empty_text => [ { template_vars => [ { type => 'text', text => '' } ] },
		qr/^"0" in parameter "template_vars" is empty$/ ],
	empty_payload => [ { button_vars => [ { type => 'payload', payload => '' } ] },
		qr/^"0" in parameter "button_vars" has an empty "payload"$/ ],
	empty_fallback => [ { template_vars => { d => { type => 'date_time', date_time => { fallback_value => '' } } } },
		qr/^"d" in parameter "template_vars" is empty$/ ],
	empty_link => [ { header_vars => [ { type => 'image', image => { link => '{{ trigger.v }}' } } ], v => '' },
		qr/^"0" in parameter "header_vars" has an empty "link"$/ ],
	null => [ { template_vars => { a => undef } }, qr/^"a" in .* is null$/ ],
	no_type => [ { header_vars => [ { link => 'x' } ] },
		qr/is an object without "type"$/ ],
	no_member => [ { header_vars => [ { type => 'image', link => 'x' } ] },
		qr/has the type "image" but no member "image"$/ ],
	button_no_type => [ { button_vars => [ { payload => 'x' } ] },
		qr/is an object without "type"$/ ],
	button_unknown => [ { button_vars => [ { type => 'reply', payload => 'x' } ] },
		qr/has the type "reply": known are text \(url\), payload \(quick_reply\)/ ],
	button_member => [ { button_vars => [ { type => 'quick_reply', text => 'x' } ] },
		qr/has the type "payload" but no member "payload"$/ ],
	button_word => [ { button_vars => { first => 'x' } },
		qr/"first" in parameter "button_vars" is not the number of a button/ ],
	long_header => [ { header_vars => [$long] },
		qr/has 61 characters, and WhatsApp takes at most 60$/ ],
	long_body => [ { template_vars => [ 'x' x 32769 ] },
		qr/has 32769 characters, and WhatsApp takes at most 32768$/ ]);
push @cases, "refused $_" => whatsapp(%{ $refused{$_}[0] })
  foreach sort keys %refused;

push @cases,
  'no template' => whatsapp(template => '{{ trigger.v }}', v => ''),
  'no language' => whatsapp(language => '{{ trigger.v }}', v => '');

my %got = run_steps($node, @cases);

sub body
{
	my ($label) = @_;
	my $request = request_of($http, $got{$label});

	diag(to_json($got{$label})) unless $request;
	return $request ? JSON::PP->new->decode($request->{body}) : {};
}

sub shown
{
	my ($text) = @_;
	return substr($text =~ s/([^ -~])/sprintf('<%04X>', ord $1)/ger, 0, 40);
}

is(body("good $_")->{to}, $good[$_][1],
	'phone ' . shown($good[$_][0]) . ($good[$_][2] ? " in $good[$_][2]" : ''))
  foreach 0 .. $#good;

foreach my $i (0 .. $#bad)
{
	my $result = $got{"bad $i"};

	is($result->{run_status}, 'failed', 'no phone ' . shown($bad[$i][0]));
	like($result->{error}, qr/^parameter "phone" is (empty$|not a phone number: )/,
		'... the error names it');
	like($result->{error}, $bad[$i][1], '... and says why');
	is(scalar requests_of($http, $result), 0, '... nothing was sent');
}

# Named variables come in the order of their keys as jsonb has them.
foreach my $label (sort keys %components)
{
	my $got_parts = body("part $label")->{template}{components};
	my $want = [ $components{$label}[1] ];

	foreach my $list ($got_parts, $want)
	{
		@{ $list->[0]{parameters} } =
		  sort { ($a->{parameter_name} || '') cmp($b->{parameter_name} || '') }
		  @{ $list->[0]{parameters} };
	}
	is_deeply($got_parts, $want, "component $label")
	  or diag(to_json($got_parts));
}

foreach my $label (sort keys %refused)
{
	my $result = $got{"refused $label"};

	is($result->{run_status}, 'failed', "refused $label");
	like($result->{error}, $refused{$label}[1], '... and says why');
	is(scalar requests_of($http, $result), 0, '... nothing was sent');
}

is($got{'no template'}{error}, 'parameter "template" is empty',
	'a template without a name');
is(body('no language')->{template}{language}{code},
	'en_US', 'an empty language is none');

foreach my $country ('XX', '999', 'Lebanon', '', '+', [961])
{
	my ($ret, $stdout, $stderr) = $node->psql('postgres',
		'INSERT INTO workflow_connections (name, kind, config, credentials) '
		  . 'VALUES ('
		  . join(', ', map { literal($_) } 'x', 'whatsapp_cloud',
			to_json({ phone_number_id => 1, default_country => $country }),
			'{"access_token": "t"}')
		  . ')');
	like($stderr, qr/config\.default_country must be a country of ISO 3166/,
		'no country: ' . to_json($country));
}

$node->stop;
done_testing();
