
# A database that is not in UTF-8: what goes out is UTF-8 all the same, what
# comes in is converted, or kept as base64 where it cannot be.

use strict;
use warnings FATAL => 'all';
use utf8;

use Encode qw(encode);
use Test::More;
use WorkflowEngine::Test;
use WorkflowEngine::Outbound;

my $http = start_receiver('http');
my $smtp = start_receiver('smtp');
my $node = new_node('encoding', "workflow_engine.workers = 1\n",
	init => [ extra => [ '--encoding=LATIN1', '--locale=C' ] ]);
$node->safe_psql('postgres', 'CREATE EXTENSION workflow_engine');

connection(
	$node,
	name => 'email',
	kind => 'smtp',
	config => {
		url => 'smtp://127.0.0.1:' . $smtp->port,
		starttls => 'never',
		from => 'Zoë <a@example.com>' });
connection(
	$node,
	name => 'team',
	kind => 'slack',
	config => { base_url => $http->url },
	credentials => { bot_token => 'xoxb-token' });
connection(
	$node,
	name => 'whatsapp',
	kind => 'whatsapp_cloud',
	config => { base_url => $http->url, phone_number_id => '1' },
	credentials => { access_token => 'whatsapp-token' });

my %payload = (word => 'Grüße');
my %got = run_steps(
	$node,
	webhook => {
		action => 'webhook',
		payload => \%payload,
		params => {
			url => $http->url('/x/{{trigger.word}}'),
			query => { q => '{{trigger.word}}' },
			headers => { 'X-Word' => '{{trigger.word}}' },
			body => { word => '{{trigger.word}}' } } },
	filters => {
		action => 'webhook',
		payload => { %payload, price => "\x{a0}1.5 " },
		params => {
			url => $http->url('/filters'),
			body => {
				truncate => '{{trigger.word | truncate: 4, "ß"}}',
				slice => '{{trigger.word | slice: 2, 2}}',
				replace => '{{trigger.word | replace: "ü", "ö"}}',
				split => '{{trigger.word | split: "ß"}}',
				to_number => '{{trigger.price | to_number}}' } } },
	latin => {
		action => 'webhook',
		params => { url => $http->url('/raw/text%2Fplain/c3bc') } },
	json => {
		action => 'webhook',
		params =>
		  { url => $http->url('/raw/application%2Fjson/5b22c3bc225d') } },
	escaped => {
		action => 'webhook',
		params => {
			url => $http->url('/raw/application%2Fjson/225c753030666322') } },
	beyond => {
		action => 'webhook',
		params => { url => $http->url('/raw/text%2Fplain/e6bca2') } },
	beyond_json => {
		action => 'webhook',
		params => {
			url => $http->url('/raw/application%2Fjson/225c753661626322') } },
	invalid => {
		action => 'webhook',
		params => { url => $http->url('/raw/text%2Fplain/fc') } },
	mail => {
		action => 'send_email',
		payload => \%payload,
		params => {
			to => 'Jürgen <b@example.com>',
			subject => '{{trigger.word}}',
			body => 'Text: {{trigger.word}}',
			headers => { 'X-Word' => '{{trigger.word}}' },
			attachments => [
				{
					filename => '{{trigger.word}}.txt',
					text => 'File: {{trigger.word}}' } ] } },
	slack => {
		action => 'team_notify',
		payload => \%payload,
		params => { channel => 'ops', message => '{{trigger.word}}' } },
	whatsapp => {
		action => 'whatsapp_notify',
		payload => \%payload,
		params => {
			phone => '+96170123456',
			template => 'x',
			template_vars => ['{{trigger.word}}'] } });

foreach my $label (sort keys %got)
{
	is($got{$label}{run_status}, 'completed', "$label completes")
	  or diag(to_json($got{$label}));
}

my $request = request_of($http, $got{webhook});
is($request->{target},
	'/x/Gr%C3%BC%C3%9Fe?q=Gr%C3%BC%C3%9Fe', 'a URL is UTF-8');
is($request->{body}, '{"word": "Grüße"}', 'a body is UTF-8');
is_deeply(
	$got{filters}{input}{body},
	{
		truncate => 'Grüß',
		slice => 'üß',
		replace => 'Größe',
		split => [ 'Grü', 'e' ],
		to_number => 1.5 },
	'filters count and compare characters');
is($request->{headers}{'x-word'},
	encode('UTF-8', 'Grüße'), 'a header is UTF-8');
like(request_of($http, $got{slack})->{body},
	qr/"text": ?"Grüße"/, 'Slack gets UTF-8');
like(request_of($http, $got{whatsapp})->{body},
	qr/"text": ?"Grüße"/, 'WhatsApp gets UTF-8');
my ($mail) = $smtp->requests;
is($mail->{headers}{subject}, 'Grüße', 'a subject');
is($mail->{headers}{from}, 'Zoë <a@example.com>', 'a sender');
is($mail->{headers}{to}, 'Jürgen <b@example.com>', 'a recipient');
is($mail->{parts}[0]{content} =~ s/\s+\z//r, 'Text: Grüße', 'a text');
is($mail->{headers}{'x-word'}, 'Grüße', 'a header of the step');
is($mail->{parts}[1]{filename}, 'Grüße.txt', 'the name of an attachment');
is($mail->{parts}[1]{content}, 'File: Grüße', 'an attachment');

# What came back, as the server hands it to a client in UTF-8.
sub body
{
	my ($label) = @_;
	return from_json(
		$node->safe_psql('postgres',
			"SET client_encoding = 'UTF8'; "
			  . q{SELECT step_results->0->'output'->'body' }
			  . "FROM workflow_runs WHERE id = '$got{$label}{run_id}'"));
}
is(body('latin'), 'ü', 'text is converted');
is_deeply(body('json'), ['ü'], 'JSON, too');
is(body('escaped'), 'ü', 'also where it is escaped');
is_deeply(body('beyond'), { base64 => '5ryi' },
	'what the database cannot hold is base64');
ok(defined body('beyond_json'), 'an escape that it cannot hold does no harm');
is_deeply(body('invalid'), { base64 => '/A==' }, 'invalid UTF-8 is base64');

$node->stop;
done_testing();
