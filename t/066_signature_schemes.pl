
# Signatures other than Standard Webhooks: GitHub's, by the example of its own
# documentation; Shopify's; others.  The bytes that are signed are those that
# are received.

use strict;
use warnings FATAL => 'all';
use utf8;

use Digest::SHA qw(hmac_sha1_hex hmac_sha256_hex hmac_sha256 hmac_sha512_hex
  hmac_sha512);
use MIME::Base64 qw(encode_base64);
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Test;
use WorkflowEngine::Outbound;

my $http = start_receiver('http');
my $other = start_receiver('http');
my $secrets = PostgreSQL::Test::Utils::tempdir();
append_to_file("$secrets/hook", "a secret of a file\n");
my $node = outbound_node('schemes',
	"workflow_engine.workers = 1\nworkflow_engine.secrets_dir = '$secrets'\n");

my $github = "It's a Secret to Everybody";
my %scheme = (
	github => [
		$github,
		{ header => 'X-Hub-Signature-256', prefix => 'sha256=' },
		sub { 'sha256=' . hmac_sha256_hex(@_) }
	],
	shopify => [
		'shpss_0123456789',
		{ header => 'X-Shopify-Hmac-Sha256', encoding => 'base64' },
		sub { encode_base64(hmac_sha256(@_), '') }
	],
	old => [
		$github,
		{
			header => 'X-Hub-Signature',
			prefix => 'sha1=',
			algorithm => 'sha1',
			encoding => 'hex'
		},
		sub { 'sha1=' . hmac_sha1_hex(@_) }
	],
	long => [
		'k' x 200,
		{
			header => 'X-Signature',
			algorithm => 'sha512',
			encoding => 'base64'
		},
		sub { encode_base64(hmac_sha512(@_), '') }
	],
	long_hex => [
		'k', { header => 'X-Signature', algorithm => 'sha512' },
		\&hmac_sha512_hex
	],
	authorization => [
		$github,
		{
			header => 'Authorization',
			prefix => 'HMAC ',
			encoding => 'base64'
		},
		sub { 'HMAC ' . encode_base64(hmac_sha256(@_), '') }
	],
	file => [
		'a secret of a file', { header => 'X-Sign' }, \&hmac_sha256_hex,
		{ file => 'hook' }
	]);
foreach my $name (sort keys %scheme)
{
	my ($secret, $signature, undef, $credential) = @{ $scheme{$name} };

	connection(
		$node,
		name => $name,
		kind => 'http',
		config => { base_url => $http->url('/in'), signature => $signature },
		credentials => { signing_secret => $credential || $secret });
}
connection(
	$node,
	name => 'redirecting',
	kind => 'http',
	config => {
		base_url => $http->url('/redirect-to/307'),
		signature => { header => 'X-Sign' }
	},
	credentials => { signing_secret => 'x' });
connection(
	$node,
	name => 'both',
	kind => 'http',
	config => {
		base_url => $http->url('/in'),
		signature => { header => 'X-Sign' }
	},
	credentials => { signing_secret => 'x y z', bearer_token => 'token' });

sub through
{
	my ($connection, %params) = @_;
	return {
		action => 'webhook',
		retry => { max_attempts => 2, initial_interval => '10 ms' },
		params => { connection => $connection, path => 'hook', %params } };
}

my %text = (
	merge_payload => JSON::PP::false,
	headers => { 'Content-Type' => 'text/plain' });
my %body = (
	json => { body => { a => 1, b => [ undef, 'x' ] } },
	unicode => { body => { name => "علي \x{1F600} ü \\ \"\n" } },
	hello => { %text, body => 'Hello, World!' },
	form => {
		headers => { 'Content-Type' => 'application/x-www-form-urlencoded' },
		body => { a => 'b c', d => 'é' }
	},
	none => { merge_payload => JSON::PP::false },
	get => { method => 'GET' },
	forged => {
		body => { a => 1 },
		headers => {
			map { $_ => 'mine' } 'x-hub-signature-256', 'X-SIGNATURE',
			'x-sign', 'Authorization'
		}
	});
my %got = run_steps(
	$node,
	(
		map {
			my $name = $_;
			map { ("$name $_" => through($name, %{ $body{$_} })) } sort keys %body
		} sort keys %scheme
	),
	both => through('both', %text, body => 'x'),
	out => through('redirecting', query => { url => $other->url('/stolen') }));

foreach my $name (sort keys %scheme)
{
	my ($secret, $signature, $sign) = @{ $scheme{$name} };

	foreach my $label (map { "$name $_" } sort keys %body)
	{
		my $request = request_of($http, $got{$label})
		  or fail("$label: sent") && next;
		my $bytes = $request->{body};

		utf8::encode($bytes);
		is($request->{headers}{ lc $signature->{header} },
			$sign->($bytes, $secret), "$label: signed");
		ok(!exists $request->{headers}{'webhook-signature'},
			"$label: in no other way");
	}
}
is( request_of($http, $got{'github hello'})->{headers}{'x-hub-signature-256'},
	'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17',
	"the example of GitHub's documentation");
my $both = request_of($http, $got{both})->{headers};
is($both->{authorization}, 'Bearer token', 'a token beside it');
is($both->{'x-sign'}, hmac_sha256_hex('x', 'x y z'), '... and the signature');
is($got{out}{run_status}, 'failed', 'a redirect leads nowhere else');
is(scalar(() = $other->requests), 0, '... so no signature does');

# Another attempt is signed alike.
connection(
	$node,
	name => 'again',
	kind => 'http',
	config => {
		base_url => $http->url('/failing/1/503'),
		signature => { header => 'X-Sign' }
	},
	credentials => { signing_secret => $github });
%got = run_steps($node, again => through('again', body => { n => 1 }));
my @tries = requests_of($http, $got{again});
is(scalar @tries, 2, 'two attempts');
is( $_->{headers}{'x-sign'},
	hmac_sha256_hex($_->{body}, $github),
	'each is signed') foreach @tries;

# A preview shows where the signature stands, and none.
is( $node->safe_psql('postgres', <<'SQL'),
SELECT request#>>'{headers,X-Hub-Signature-256}'
  FROM wf_preview('{"name": "p", "trigger_type": "p", "steps": [
	{"name": "a", "action": "webhook",
	 "params": {"connection": "github", "path": "x"}}]}', '{}',
	'00000000-0000-4000-8000-00000000000a', execute => false)
SQL
	'sha256=***', 'a preview');

$node->stop;
done_testing();
