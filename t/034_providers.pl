
# WhatsApp, Slack and Teams: the requests that their documentation wants, and
# success by what the provider says, not by its status.

use strict;
use warnings FATAL => 'all';
use utf8;

use Test::More;
use WorkflowEngine::Test;
use WorkflowEngine::Outbound;

my $http = start_receiver('http');
my $node = outbound_node('providers', <<'CONF');
workflow_engine.workers = 1
workflow_engine.max_throttle_wait = 0
CONF

sub provider
{
	my ($name, $kind, $prefix, $credentials, %config) = @_;
	connection(
		$node,
		name => $name,
		kind => $kind,
		config => {
			($kind =~ /webhook/ ? () : (base_url => $http->url($prefix))),
			%config },
		credentials => $credentials);
	return;
}

my $token = { access_token => 'token-of-whatsapp' };
provider('whatsapp', 'whatsapp_cloud', '', $token,
	phone_number_id => '1065', api_version => 'v21.0');
provider('wa_number', 'whatsapp_cloud', '', $token, phone_number_id => 1066);
provider("wa_$_", 'whatsapp_cloud', "/whatsapp-error/$_", $token,
	phone_number_id => '1')
  foreach 131026, 130429, 100;
provider('wa_500', 'whatsapp_cloud', '/status/500', $token,
	phone_number_id => '1');
provider('wa_noid', 'whatsapp_cloud', '/echo', $token, phone_number_id => '1');
provider('wa_text', 'whatsapp_cloud', '/bytes/10', $token,
	phone_number_id => '1');

my $bot = { bot_token => 'xoxb-token-of-slack' };
provider('team', 'slack', '/api', $bot);
provider('slack_refuses', 'slack', '/slack-error/channel_not_found', $bot);
provider('slack_limits', 'slack', '/retry-after/30/status/429', $bot);
provider('slack_500', 'slack', '/status/500', $bot);
provider('slack_html', 'slack', '/bytes/100', $bot);
provider('slack_hook', 'slack_webhook', '', {},
	channels => {
		ops => $http->url('/slack-hook/T1/B1/ops'),
		'#sales & more' => $http->url('/slack-hook/T1/B1/sales') });
provider('slack_hook_url', 'slack_webhook', '', {},
	url => $http->url('/slack-hook/T1/B1/all'));
provider('slack_hook_gone', 'slack_webhook', '', {},
	url => $http->url('/status/404/slack-hook'));
provider('slack_hook_odd', 'slack_webhook', '', {},
	url => $http->url('/bytes/12'));
provider('teams', 'teams_webhook', '',
	{ channels => { secret => $http->url('/teams/workflow?sig=abcdefghijkl') } },
	channels => { ops => $http->url('/teams/ops?api-version=1&sig=x') },
	url => $http->url('/teams/else'));
provider('teams_both', 'teams_webhook', '',
	{ url => $http->url('/teams/secret-else') },
	channels => { ops => $http->url('/teams/ops') });
provider('teams_refuses', 'teams_webhook', '', {},
	url => $http->url('/status/400/teams'));

my %payload = (
	phone => '+1 (212) 555-0100',
	name => 'Ali & <Söhne> "x"',
	count => 3,
	none => undef,
	channel => 'C012&3',
	vars => { first => 'A', second => 2 });

sub whatsapp
{
	my (%params) = @_;
	return {
		action => 'whatsapp_notify',
		retry => { max_attempts => 1 },
		payload => \%payload,
		params =>
		  { phone => '{{trigger.phone}}', template => 'hello', %params } };
}

sub team
{
	my ($connection, %params) = @_;
	return {
		action => 'team_notify',
		retry => { max_attempts => 1 },
		payload => \%payload,
		params => {
			channel => 'ops',
			message => 'hi',
			($connection ? (connection => $connection) : ()), %params } };
}

my $slack_text = 'Order of {{trigger.name}} <https://x.example/?a=1&b=2|open>';
my %got = run_steps(
	$node,
	wa_plain => whatsapp(),
	wa_named => whatsapp(
		template_vars => { name => '{{trigger.name}}', n => '{{trigger.count}}' }
	),
	wa_positional =>
	  whatsapp(template_vars => [ '{{trigger.name}}', '{{trigger.count}}', 'x' ]),
	wa_whole => whatsapp(template_vars => '{{trigger.vars}}'),
	wa_all => whatsapp(
		language => 'ar_LB',
		header_vars => [
			{
				type => 'image',
				image => { link => 'https://x.example/{{trigger.count}}.png' }
			}
		],
		template_vars => ['v'],
		button_vars => [ 'track/{{trigger.count}}', 'second' ]),
	wa_button_named => whatsapp(button_vars => { 1 => 'x' }),
	wa_empty => whatsapp(template_vars => [], header_vars => {}),
	wa_null => whatsapp(template_vars => { a => '{{trigger.none}}' }),
	wa_array => whatsapp(template_vars => { a => [1] }),
	wa_bad_phone => whatsapp(phone => 'call me'),
	wa_no_phone => whatsapp(phone => '{{trigger.none}}'),
	wa_long_phone => whatsapp(phone => '+1234567890123456789'),
	wa_phone_number => whatsapp(phone => 96170123456),
	wa_default_version => whatsapp(connection => 'wa_number'),
	(
		map { ("wa_$_" => whatsapp(connection => "wa_$_")) }
		  qw(131026 130429 100 500 noid text)
	),
	wa_wrong_kind => whatsapp(connection => 'team'),
	slack => team('', channel => '{{trigger.channel}}', message => $slack_text),
	slack_unicode => team('', message => "Grüße \x{1F600}\n*bold*"),
	slack_refuses => team('slack_refuses'),
	slack_limits => team('slack_limits'),
	slack_500 => team('slack_500'),
	slack_html => team('slack_html'),
	hook => team('slack_hook', message => $slack_text),
	hook_other => team('slack_hook', channel => '#sales & more'),
	hook_unknown => team('slack_hook', channel => 'nobody'),
	hook_url => team('slack_hook_url', channel => 'whatever'),
	hook_gone => team('slack_hook_gone'),
	hook_odd => team('slack_hook_odd'),
	teams => team('teams', message => "{{trigger.name}}\nline 2"),
	teams_secret => team('teams', channel => 'secret'),
	teams_else => team('teams', channel => 'other'),
	teams_named => team('teams_both', channel => 'ops'),
	teams_unnamed => team('teams_both', channel => 'other'),
	teams_refuses => team('teams_refuses'),
	team_wrong_kind => team('whatsapp'));

sub body
{
	my ($label) = @_;
	my $request = request_of($http, $got{$label});

	return JSON::PP->new->decode($request->{body}) if $request;
	diag("$label: " . to_json($got{$label}));
	return {};
}

sub completed
{
	my ($label) = @_;
	return is($got{$label}{run_status}, 'completed', "$label completes")
	  || diag(to_json($got{$label}));
}

sub failed_like
{
	my ($label, $pattern) = @_;
	is($got{$label}{run_status}, 'failed', "$label fails");
	like($got{$label}{error}, $pattern, "$label: its error");
	return;
}

sub refused_like
{
	my ($label, $pattern) = @_;
	failed_like($label, $pattern);
	is(scalar requests_of($http, $got{$label}), 0, "$label: nothing was sent");
	return;
}

#
# WhatsApp.
#
completed($_)
  foreach
  qw(wa_plain wa_named wa_positional wa_whole wa_all wa_button_named wa_empty
  wa_phone_number wa_default_version);
is_deeply(
	body('wa_plain'),
	{
		messaging_product => 'whatsapp',
		recipient_type => 'individual',
		to => '+12125550100',
		type => 'template',
		template => { name => 'hello', language => { code => 'en_US' } } },
	'no variables: no components');
is(request_of($http, $got{wa_plain})->{path},
	'/v21.0/1065/messages', 'version and number are in the path');
like(
	request_of($http, $got{wa_default_version})->{path},
	qr{^/v\d+\.0/1066/messages$},
	'a version by default, a number as a number');
is(request_of($http, $got{wa_plain})->{headers}{authorization},
	'Bearer token-of-whatsapp', 'the token');
is_deeply(
	[ keys %{ $got{wa_plain}{output} } ],
	['message_id'],
	'the output is the message id');
like($got{wa_plain}{output}{message_id}, qr/^wamid\.LOOPBACK\d+$/, '... its');
is(body('wa_phone_number')->{to}, '+96170123456', 'a phone as a number');

sub components
{
	my ($label) = @_;
	return body($label)->{template}{components};
}
is_deeply(
	components('wa_named'),
	[
		{
			type => 'body',
			parameters => [
				{ type => 'text', parameter_name => 'n', text => '3' },
				{
					type => 'text',
					parameter_name => 'name',
					text => $payload{name} } ] }
	],
	'named variables');
is_deeply(
	components('wa_positional'),
	[
		{
			type => 'body',
			parameters => [
				map { { type => 'text', text => $_ } } $payload{name}, '3', 'x'
			] }
	],
	'positional variables, in their order');
is_deeply(
	components('wa_whole'),
	[
		{
			type => 'body',
			parameters => [
				{ type => 'text', parameter_name => 'first', text => 'A' },
				{ type => 'text', parameter_name => 'second', text => '2' } ] }
	],
	'variables from the payload as a whole');
is_deeply(
	components('wa_all'),
	[
		{
			type => 'header',
			parameters => [
				{
					type => 'image',
					image => { link => 'https://x.example/3.png' } } ]
		},
		{ type => 'body', parameters => [ { type => 'text', text => 'v' } ] },
		(
			map {
				{
					type => 'button',
					sub_type => 'url',
					index => $_->[0],
					parameters => [ { type => 'text', text => $_->[1] } ] }
			} [ '0', 'track/3' ], [ '1', 'second' ])
	],
	'header, body and buttons');
is(body('wa_all')->{template}{language}{code}, 'ar_LB', 'language');
is(components('wa_button_named')->[0]{index}, '1', 'a button by its number');
is(components('wa_empty'), undef, 'empty variables: no components');

refused_like('wa_null', qr/"a" in parameter "template_vars" is null/);
refused_like('wa_array', qr/"a" in parameter "template_vars" is an array/);
refused_like('wa_bad_phone', qr/not a phone number: "call me"/);
refused_like('wa_no_phone', qr/"phone" is missing/);
refused_like('wa_long_phone', qr/not a phone number/);
refused_like('wa_wrong_kind', qr/of kind slack, but whatsapp_notify needs/);

failed_like(
	"wa_$_",
	qr/\b$_\b.*\(#$_\) Loopback error.*loopback details of $_.*400/)
  foreach 131026, 130429, 100;
is($got{wa_100}{output}, undef, 'a failure has no message id');
failed_like('wa_500', qr/HTTP 500/);
failed_like('wa_noid', qr/no message id/);
failed_like('wa_text', qr/no message id/);

#
# Slack with a bot.
#
completed('slack');
is_deeply(
	body('slack'),
	{
		channel => 'C012&3',
		text => 'Order of Ali &amp; &lt;Söhne&gt; "x" '
		  . '<https://x.example/?a=1&b=2|open>'
	},
	'chat.postMessage: values are escaped, the step is not');
my $request = request_of($http, $got{slack});
is("$request->{method} $request->{path}", 'POST /api/chat.postMessage', 'path');
is($request->{headers}{authorization},
	'Bearer xoxb-token-of-slack', 'the token');
like($request->{headers}{'content-type'},
	qr{^application/json; *charset=utf-8}i, 'a type with its charset');
is_deeply([ sort keys %{ $got{slack}{output} } ],
	[qw(channel ts)], 'the output is channel and ts');
is($got{slack}{output}{channel}, 'C012&3', 'channel');
like($got{slack}{output}{ts}, qr/^\d+\.\d{6}$/, 'ts is a text');
is(body('slack_unicode')->{text},
	"Grüße \x{1F600}\n*bold*", 'Unicode and marks stay');
failed_like('slack_refuses', qr/channel_not_found/);
is($got{slack_refuses}{output}, undef, 'ok: false is a failure');
failed_like('slack_limits', qr/HTTP 429/);
failed_like('slack_500', qr/HTTP 500/);
failed_like('slack_html', qr/\w/);

#
# Slack's incoming webhooks.
#
completed($_) foreach qw(hook hook_other hook_url);
is_deeply(body('hook'), { text => body('slack')->{text} }, 'the text alone');
is(request_of($http, $got{hook})->{path},
	'/slack-hook/T1/B1/ops', 'a channel by name');
is(request_of($http, $got{hook_other})->{path},
	'/slack-hook/T1/B1/sales', 'a name with signs');
is(request_of($http, $got{hook_url})->{path},
	'/slack-hook/T1/B1/all', 'url serves every name');
is(request_of($http, $got{hook})->{headers}{authorization},
	undef, 'no token goes along');
is($got{hook}{output}{channel}, 'ops', 'the output names the channel');
refused_like('hook_unknown', qr/no channel "nobody"/);
failed_like('hook_gone', qr/HTTP 404/);
failed_like('hook_odd', qr/HTTP 200: xxxxxxxxxxxx/);

#
# Teams.
#
completed($_) foreach qw(teams teams_secret teams_else teams_named teams_unnamed);
is_deeply(
	body('teams'),
	{
		type => 'message',
		attachments => [
			{
				contentType => 'application/vnd.microsoft.card.adaptive',
				contentUrl => undef,
				content => {
					'$schema' =>
					  'http://adaptivecards.io/schemas/adaptive-card.json',
					type => 'AdaptiveCard',
					version => '1.4',
					body => [
						{
							type => 'TextBlock',
							wrap => JSON::PP::true,
							text => "Ali &amp; &lt;Söhne&gt; \"x\"\nline 2"
						} ] } } ] },
	'an Adaptive Card');
is_deeply($got{teams}{output}, { status => 202 }, 'the output is the status');
is(request_of($http, $got{teams})->{target},
	'/teams/ops?api-version=1&sig=x', 'a channel by name, its query too');
is(request_of($http, $got{teams_secret})->{path},
	'/teams/workflow', 'an address among the credentials');
is(request_of($http, $got{teams_else})->{path},
	'/teams/else', 'url serves the others');
is(request_of($http, $got{teams_named})->{path},
	'/teams/ops', "a channel's own address goes before a url among the credentials");
is(request_of($http, $got{teams_unnamed})->{path},
	'/teams/secret-else', '... which serves the others');
failed_like('teams_refuses', qr/HTTP 400/);
refused_like('team_wrong_kind', qr/of kind whatsapp_cloud, but team_notify/);

# The address is nowhere in the history.
is( $node->safe_psql('postgres',
		'SELECT count(*) FROM workflow_runs '
		  . q{WHERE step_results::text ~ 'abcdefghijkl|T1/B1'}),
	0,
	'webhook addresses are not in the history');

is( scalar(
		grep { ($_->{headers}{'idempotency-key'} || '') !~ /:go$/ }
		  $http->requests),
	0,
	'every request has its key');

$node->stop;
done_testing();
