
# Standard Webhooks signatures, checked by somebody else's verifier: the npm
# package standardwebhooks, over the headers and the bytes that were received.

use strict;
use warnings FATAL => 'all';
use utf8;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use IPC::Run qw(run);
use MIME::Base64 qw(encode_base64 decode_base64);
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Npm;
use WorkflowEngine::Test;
use WorkflowEngine::Outbound;

my $npm = abs_path(dirname(__FILE__) . '/npm');

$ENV{NODE_PATH} = npm_packages() . '/node_modules';

# The verifier's word on each [secret, request, body].
sub verify
{
	my (@cases) = @_;
	my $input = join '', map {
		my ($secret, $request, $body) = @$_;

		to_json(
			{
				secret => $secret,
				headers => $request->{headers},
				body => encode_base64($body, '')
			})
		  . "\n"
	} @cases;
	run([ 'node', "$npm/verify.js" ], '<', \$input, '>', \my $output, '2>',
		\my $errors);
	is($errors, '', 'the verifier ran');
	return split /\n/, $output;
}

my $http = start_receiver('http');
my $node = outbound_node('signatures', "workflow_engine.workers = 1\n");

my $key = join '', map { chr($_ * 9 % 256) } 1 .. 32;
my %secret = (
	prefixed => 'whsec_' . encode_base64($key, ''),
	bare => encode_base64(reverse($key), ''),
	short => 'whsec_' . encode_base64('k' x 24, ''),
	long => 'whsec_' . encode_base64('k' x 64, ''));
connection(
	$node,
	name => $_,
	kind => 'http',
	config => { base_url => $http->url($_ eq 'long' ? '/failing/2/503' : '') },
	credentials => { signing_secret => $secret{$_} }) foreach sort keys %secret;
connection(
	$node,
	name => 'with_token',
	kind => 'http',
	config => { base_url => $http->url('/x') },
	credentials =>
	  { signing_secret => $secret{prefixed}, bearer_token => 'token' });

sub through
{
	my ($connection, %params) = @_;
	return {
		action => 'webhook',
		retry => { max_attempts => 3, initial_interval => '10 ms' },
		params => { connection => $connection, path => 'hook', %params } };
}

my %body = (
	json => { a => 1, b => [ undef, JSON::PP::true, 'x' ] },
	unicode => { name => "Ali \x{627}\x{644}\x{639} \x{1F600} ü \\ \"\n" },
	large => { text => 'y' x 100_000 });
my %got = run_steps(
	$node,
	(
		map {
			my $name = $_;
			(
				(
					map { ("${name}_$_" => through($name, body => $body{$_})) }
					  sort keys %body
				),
				"${name}_none" => through($name),
				"${name}_get" => through($name, method => 'GET'))
		} sort keys %secret
	),
	token => through('with_token', body => { a => 1 }),
	text => through(
		'prefixed',
		body => "plain text\n",
		headers => { 'Content-Type' => 'text/plain' }),
	forged => through(
		'prefixed',
		body => { a => 1 },
		headers => { 'webhook-id' => 'mine', 'Webhook-Timestamp' => '1' }));

my (@cases, @labels);
foreach my $label (sort keys %got)
{
	my ($name) = grep { $label =~ /^${_}_/ } keys %secret;
	my @requests = requests_of($http, $got{$label});
	my %ids = map { $_->{headers}{'webhook-id'} || '' => 1 } @requests;

	cmp_ok(scalar @requests, '>=', 1, "$label: sent");
	is(join(' ', keys %ids), "$got{$label}{run_id}:go",
		"$label: webhook-id is the idempotency key, the same on every try");
	foreach my $request (@requests)
	{
		push @labels, $label;
		push @cases,
		  [
			$secret{ $name || 'prefixed' },
			$request,
			defined $request->{body}
			? encode_utf8_bytes($request->{body})
			: decode_base64($request->{body_base64}) ];
	}
}

sub encode_utf8_bytes
{
	my ($text) = @_;
	utf8::encode($text);
	return $text;
}

my @verdicts = verify(@cases);
is($verdicts[$_], 'valid', "$labels[$_]: valid") foreach 0 .. $#cases;

# What was tampered with is not.
my @tampered;
foreach my $case (@cases)
{
	my ($secret, $request, $body) = @$case;
	my $other = {
		%$request,
		headers => {
			%{ $request->{headers} },
			'webhook-timestamp' => $request->{headers}{'webhook-timestamp'} + 1
		} };
	my $renamed =
	  { %$request, headers => { %{ $request->{headers} }, 'webhook-id' => 'x' } };

	push @tampered, [ $secret, $request, $body . ' ' ],
	  [ $secret, $request, length $body ? substr($body, 1) : '{}' ],
	  [ 'whsec_' . encode_base64('z' x 32, ''), $request, $body ],
	  [ $secret, $other, $body ], [ $secret, $renamed, $body ];
}
@verdicts = verify(@tampered);
is(scalar @verdicts, scalar @tampered, 'as many verdicts as questions');
is( join("\n", grep { !/^invalid: No matching signature found/ } @verdicts),
	'',
	'a changed byte, time or id, another secret: all invalid');

$node->stop;
done_testing();
