
# Messages to Slack and Teams: values are escaped for where they are shown,
# and what the provider would refuse or lose is seen before it is sent.

use strict;
use warnings FATAL => 'all';
use utf8;

use Test::More;
use WorkflowEngine::Test;
use WorkflowEngine::Outbound;

my $http = start_receiver('http');
my $node = outbound_node('messages', "workflow_engine.workers = 1\n");

connection(
	$node,
	name => 'team',
	kind => 'slack',
	config => { base_url => $http->url('/api') },
	credentials => { bot_token => 'xoxb-token-of-slack' });
connection(
	$node,
	name => 'hook',
	kind => 'slack_webhook',
	config => { url => $http->url('/slack-hook') });
connection(
	$node,
	name => 'teams',
	kind => 'teams_webhook',
	config => { url => $http->url('/teams') });

sub message
{
	my ($connection, $message, $v) = @_;
	return {
		action => 'team_notify',
		retry => { max_attempts => 1 },
		payload => { v => $v },
		params => {
			connection => $connection, channel => 'ops', message => $message } };
}

# The same with further parameters.
sub with
{
	my ($message, %params) = @_;
	$message->{params} = { %{ $message->{params} }, %params };
	return $message;
}

sub section
{
	return { type => 'section', text => { type => 'mrkdwn', text => $_[0] } };
}

sub card
{
	my (@texts) = @_;
	return {
		type => 'AdaptiveCard', version => '1.5',
		body => [ map { { type => 'TextBlock', text => $_ } } @texts ] };
}

# A value, and what Teams is sent for it.
my @markdown = (
	[ '[a](http://x)', '\[a\](http://x)' ],
	[ '![a](http://x)', '!\[a\](http://x)' ],
	[ '**b** _i_ __u__ ~~s~~', '\*\*b\*\* \_i\_ \_\_u\_\_ \~\~s\~\~' ],
	[ '`code`', '\`code\`' ],
	[ '<b>x</b><a href="http://x">y</a>',
		'&lt;b&gt;x&lt;/b&gt;&lt;a href="http://x"&gt;y&lt;/a&gt;' ],
	[ '<at>all</at>', '&lt;at&gt;all&lt;/at&gt;' ],
	[ '&lt;b&gt;', '&amp;lt;b&amp;gt;' ],
	[ '\[a](x)', '\\\\\[a\](x)' ],
	[ "- a\n+ b\n* c\n# d\n1. e\n2) f", "\\- a\n\\+ b\n\\* c\n\\# d\n1\\. e\n2\\) f" ],
	[ "  12. x", "  12\\. x" ],
	[ "> quote", '&gt; quote' ],
	[ "title\n===", "title\n\\==="  ],
	[ 'order 7-B of 2026-03-01, +961 70 123.5 (x) #5', 'order 7-B of 2026-03-01, +961 70 123.5 (x) #5' ],
	[ 'Grüße 漢字 "x"', 'Grüße 漢字 "x"' ],
	[ { a => '[x](y)' }, '{"a": "\[x\](y)"}' ]);

# Whole messages of n characters, and what there is of a limit.
my $limit = 28 * 1024;
my %got = run_steps(
	$node,
	(
		map {
			("markdown $_" => message('teams', '**{{ trigger.v }}**', $markdown[$_][0]))
		} 0 .. $#markdown),
	whole => message('teams', '{{ trigger.v }}', '[a](http://x)'),
	author => message('teams', "[{{ trigger.v }}](https://x.example) <b>", 'a'),
	(
		map {
			my $kind = $_;
			(
				"$kind empty" => message($kind, ''),
				"$kind blank" => message($kind, "{{ trigger.v }}", " \n\t\x{A0}\x{200B}"),
				"$kind null" => message($kind, '{{ trigger.v }}', undef),
				"$kind 39999" => message($kind, '{{ trigger.v }}', 'é' x 39_999))
		} qw(team hook teams)),
	no_channel => { %{ message('team', 'x') }, params => {
			connection => 'team', channel => ' ', message => 'x' } },
	teams_limit => message('teams', '{{ trigger.v }}', 'x' x ($limit - 400)),
	teams_over => message('teams', '{{ trigger.v }}', 'x' x 40_000),
	teams_bytes => message('teams', '{{ trigger.v }}', '漢' x 10_000),
	teams_quotes => message('teams', '{{ trigger.v }}', '"' x 15_000),
	slack_full => message('team', '{{ trigger.v }}', 'é' x 40_000),
	slack_over => message('team', '{{ trigger.v }}', 'é' x 45_000),
	hook_over => message('hook', '{{ trigger.v }}', 'x' x 45_000),
	slack_entity => message('team', 'x{{ trigger.v }}', '&' x 9_000),
	slack_link => message('team', '{{ trigger.v }}<https://x.example/' . 'y' x 50 . '|here> and more',
		'x' x 39_980),
	slack_less => message('team', 'a < b {{ trigger.v }}', 'x' x 45_000),
	blocks => with(message('team', 'm', '<!here> & {x}'),
		blocks => [ section('<https://x.example|a> {{ trigger.v }}'), { type => 'divider' } ],
		thread_ts => '1700000000.000100'),
	hook_blocks => with(message('hook', 'm', 'é"'),
		blocks => [ section('{{ trigger.v }}') ], thread_ts => '1700000000.000200'),
	card => with(message('teams', 'm {{ trigger.v }}', '[a](b)'), card => card('**x** {{ trigger.v }}')),
	card_limit => with(message('teams', 'm', 'x' x ($limit - 400)), card => card('{{ trigger.v }}')),
	card_over => with(message('teams', 'm', '漢' x 10_000), card => card('{{ trigger.v }}')),
	blocks_over => with(message('hook', 'm', 'é' x 3001), blocks => [ section('{{ trigger.v }}') ]),
	blocks_most => with(message('team', 'm', 'é' x 3000), blocks => [ (section('{{ trigger.v }}')) x 50 ]),
	blocks_many => with(message('team', 'm', [ (section('x')) x 51 ]), blocks => '{{ trigger.v }}'),
	thread_no => with(message('team', 'm', 'yesterday'), thread_ts => '{{ trigger.v }}'),
	card_to_slack => with(message('team', 'm', card('x')), card => '{{ trigger.v }}'),
	blocks_to_teams => with(message('teams', 'm', [ section('x') ]), blocks => '{{ trigger.v }}'),
	slack_values => message('team', '{{ trigger.v }}', '<!channel> <http://x|y> & &amp;'));

sub text
{
	my ($label) = @_;
	my $request = request_of($http, $got{$label});
	my $body = $request ? JSON::PP->new->decode($request->{body}) : {};

	diag(substr(to_json($got{$label}), 0, 1000)) unless $request;
	return $body->{text} if exists $body->{text};
	return $body->{attachments}[0]{content}{body}[0]{text} // '';
}

sub refused_like
{
	my ($label, $pattern) = @_;
	is($got{$label}{run_status}, 'failed', "$label fails");
	like($got{$label}{error}, $pattern, "$label: its error");
	is(scalar requests_of($http, $got{$label}), 0, "$label: nothing was sent");
	return;
}

#
# Escapes.
#
is(text("markdown $_"), "**$markdown[$_][1]**",
	'Teams: ' . to_json($markdown[$_][0]))
  foreach 0 .. $#markdown;
is(text('whole'), '\[a\](http://x)', 'a value that is the whole message');
is(text('author'), '[a](https://x.example) <b>', "the author's own marks stay");
is(text('slack_values'), '&lt;!channel&gt; &lt;http://x|y&gt; &amp; &amp;amp;',
	'Slack: & < >');

#
# Nothing to say.
#
foreach my $kind (qw(team hook teams))
{
	refused_like("$kind $_", qr/^parameter "message" is empty$/)
	  foreach qw(empty blank);
	refused_like("$kind null", qr/^parameter "message" is missing$/);
}
refused_like('no_channel', qr/^parameter "channel" is empty$/);

#
# Too much to say.
#
refused_like($_,
	qr/^the message makes a card of \d{5} bytes, and Teams takes at most 28672 \(28 kB\)$/)
  foreach qw(teams_over teams_bytes teams_quotes), 'teams 39999';
is(length text('teams_limit'), $limit - 400, 'a card below the limit is sent');
foreach my $label ('team 39999', 'hook 39999', 'slack_full')
{
	is(text($label), 'é' x ($label =~ /(\d+)/ ? $1 : 40_000),
		"$label: whole");
	is($got{$label}{output}{message_cut}, undef, '... and says nothing of a cut');
}
is(text('slack_over'), 'é' x 39_997 . '...', 'Slack: cut where Slack would cut');
is(length text('hook_over'), 40_000, '... by a webhook, too');
is($got{$_}{output}{message_cut}, JSON::PP::true, "$_: the output says so")
  foreach qw(slack_over hook_over slack_entity slack_link slack_less);
is(text('slack_entity'), 'x' . '&amp;' x 7_999 . '...',
	'no escaped character is cut in two');
is(length text('slack_less'), 40_000, 'a sign of the author opens no link');
is(text('slack_link'), 'x' x 39_980 . '...', '... and no link');

#
# Blocks, threads and cards.
#
sub body
{
	my ($label) = @_;
	my $request = request_of($http, $got{$label});

	diag(substr(to_json($got{$label}), 0, 1000)) unless $request;
	return $request ? JSON::PP->new->decode($request->{body}) : {};
}

is_deeply(body('blocks'), {
		channel => 'ops', text => 'm', thread_ts => '1700000000.000100',
		blocks => [ section('<https://x.example|a> &lt;!here&gt; &amp; {x}'), { type => 'divider' } ] },
	'blocks in a thread');
is_deeply(body('hook_blocks'),
	{ text => 'm', thread_ts => '1700000000.000200', blocks => [ section('é"') ] },
	'... by a webhook');
is_deeply(body('card')->{attachments}[0]{content},
	{ %{ card('**x** \[a\](b)') }, fallbackText => 'm \[a\](b)' }, 'a card');
is(length body('card_limit')->{attachments}[0]{content}{body}[0]{text}, $limit - 400,
	'a card of nearly 28 kB');
is(scalar @{ body('blocks_most')->{blocks} }, 50, '50 blocks of 3,000 characters');
refused_like('card_over', qr/^the message makes a card of 3\d{4} bytes, and Teams takes at most 28672/);
refused_like('blocks_over',
	qr/^blocks\[0\]: a text has 3001 characters, and Slack takes at most 3000 there$/);
refused_like('blocks_many', qr/^the message has 51 blocks, and Slack takes at most 50$/);
refused_like('thread_no', qr/^parameter "thread_ts" must be the "ts" of a message, /);
refused_like('card_to_slack', qr/^a connection of kind slack takes no parameter "card"$/);
refused_like('blocks_to_teams', qr/^a connection of kind teams_webhook takes no parameter "blocks"$/);

$node->stop;
done_testing();
