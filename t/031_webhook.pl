
# The webhook action: what arrives at the other end.

use strict;
use warnings FATAL => 'all';

use Digest::SHA qw(hmac_sha256_base64);
use MIME::Base64 qw(encode_base64);
use utf8;
use Test::More;
use WorkflowEngine::Test;
use WorkflowEngine::Outbound;

# Proxies come from the engine's setting alone: nobody listens there, so a
# worker that heeded these would reach nothing.
local $ENV{http_proxy} = 'http://127.0.0.1:9';
local $ENV{HTTP_PROXY} = 'http://127.0.0.1:9';
local $ENV{https_proxy} = 'http://127.0.0.1:9';
local $ENV{all_proxy} = 'http://127.0.0.1:9';
local $ENV{ALL_PROXY} = 'http://127.0.0.1:9';
local $ENV{no_proxy} = '';

my $http = start_receiver('http');
my $other = start_receiver('http');
my $node = outbound_node('webhook', "workflow_engine.workers = 1\n");

my $signing_key = pack 'C*', map { ($_ * 7 + 13) % 256 } 1 .. 24;
my $signing_secret = 'whsec_' . encode_base64($signing_key, '');

connection(
	$node,
	name => 'shop',
	kind => 'http',
	config => {
		base_url => $http->url('/api/v2'),
		headers => { 'X-Source' => 'database', 'X-Both' => 'connection' }
	});
connection(
	$node,
	name => 'bearer',
	kind => 'http',
	config => { base_url => $http->url('/b/') },
	credentials => { bearer_token => 'bearer-token-1' });
connection(
	$node,
	name => 'basic',
	kind => 'http',
	config => { base_url => $http->url },
	credentials => { basic => { username => 'Ünal', password => 'p:w ß' } });
connection(
	$node,
	name => 'headers',
	kind => 'http',
	config => { base_url => $http->url },
	credentials =>
	  { headers => { 'X-Api-Key' => 'key-1234567', 'X-Second' => 'second-1' } });
connection(
	$node,
	name => 'signed',
	kind => 'http',
	config => { base_url => $http->url },
	credentials => { signing_secret => $signing_secret });

my $url = $http->url;
my %awkward = (
	q => "a b&c=d#e/f?g%h+i\"<>\\'",
	word => "Grüße 漢字",
	path => '../../etc/passwd?x=1#y',
	number => 12.5,
	flag => JSON::PP::true,
	none => undef,
	list => [ 1, 'two', { three => 3 } ],
	object => { a => 1, b => 'x' },
	whole => $http->url('/from/payload?a=b'),
	text => "line 1\nline 2\ttab \"quoted\" \x{1F600}");

sub webhook
{
	my (%params) = @_;
	return {
		action => 'webhook',
		params => \%params,
		payload => \%awkward
	};
}

# A value that no definition would be saved with, as if it came from data.
sub from_data
{
	my ($value) = @_;
	$value =~ s/\r/\\r/g;
	$value =~ s/\n/\\n/g;
	return "{{ trigger.nothing | default: \"$value\" }}";
}

my %got = run_steps(
	$node,
	(
		map { lc $_ => webhook(url => $url, method => $_) }
		  qw(GET PUT PATCH DELETE HEAD)
	),
	post => webhook(url => "$url/x"),
	post_nothing => webhook(url => "$url/x", merge_payload => JSON::PP::false),
	lower => webhook(url => $url, method => 'put', body => { a => 1 }),
	trace => webhook(url => $url, method => '{{trigger.word}}'),
	delete_body => webhook(
		url => $url, method => 'DELETE', body => { id => 1 }),
	headers => webhook(
		url => $url,
		headers =>
		  { 'X-Word' => '{{trigger.word}}', 'X-Number' => '{{trigger.number}}',
			'X-Flag' => '{{trigger.flag}}', 'User-Agent' => 'shop/1' }),
	header_injection => webhook(
		url => $url, headers => { 'X-Evil' => "{{trigger.text}}" }),
	header_name => webhook(url => $url, headers => { "X Evil\r\nY" => '1' }),
	header_host => webhook(url => $url, headers => { host => 'evil' }),
	header_key =>
	  webhook(url => $url, headers => { 'idempotency-key' => 'mine' }),
	header_length =>
	  webhook(url => $url, headers => { 'Content-Length' => '3' }),
	query => webhook(
		url => "$url/q?fixed=1",
		method => 'GET',
		query => {
			q => '{{trigger.q}}', word => '{{trigger.word}}',
			n => '{{trigger.number}}', flag => '{{trigger.flag}}',
			'na me&' => 'v', empty => '', none => '{{trigger.none}}' }),
	query_object => webhook(url => $url, query => { a => '{{trigger.object}}' }),
	url_values => webhook(
		url => "$url/items/{{trigger.path}}/{{trigger.word}}?q={{trigger.q}}",
		method => 'GET'),
	url_whole => webhook(url => '{{trigger.whole}}', method => 'GET'),
	url_fragment => webhook(url => "$url/f?a=1#frag", method => 'GET'),
	body_object => webhook(
		url => $url,
		merge_payload => JSON::PP::false,
		body => {
			order => '{{trigger.number}}', list => '{{trigger.list}}',
			deep => { text => 'of {{trigger.text}}', none => undef } }),
	body_array => webhook(url => $url, body => [ 1, '{{trigger.word}}' ]),
	body_text => webhook(url => $url, body => '{{trigger.text}}'),
	body_number => webhook(url => $url, body => '{{trigger.number}}'),
	body_false => webhook(url => $url, body => JSON::PP::false),
	body_plain => webhook(
		url => $url,
		body => '{{trigger.text}}',
		headers => { 'Content-Type' => 'text/plain; charset=utf-8' }),
	body_xml => webhook(
		url => $url,
		body => '<a>{{trigger.number}}</a>',
		headers => { 'content-type' => 'application/xml' }),
	body_large =>
	  { %{ webhook(url => $url, body => '{{trigger.big}}') },
		payload => { big => 'x' x 500_000 } },
	merge => webhook(
		url => $url,
		merge_payload => JSON::PP::true,
		body => { number => 'mine', extra => 1 }),
	merge_only => webhook(url => $url, merge_payload => JSON::PP::true),
	merge_text => webhook(
		url => $url, merge_payload => JSON::PP::true, body => 'text'),
	conn_path => webhook(
		connection => 'shop', path => '/orders/{{trigger.word}}'),
	conn_relative => webhook(connection => 'shop', path => 'orders?a=1'),
	conn_value => webhook(connection => 'shop', path => from_data('orders/5?admin=true&x=%2e#f')),
	conn_begins => webhook(connection => 'shop', path => from_data('a?b') . '/{{trigger.word}}?c'),
	conn_encoded => webhook(connection => 'shop',
		path => '{{ trigger.nothing | default: "a/b" | urlencode }}'),
	conn_header => webhook(
		connection => 'shop', path => 'o', headers => { 'x-both' => 'step' }),
	conn_url => webhook(connection => 'shop', url => "$url/elsewhere"),
	bearer => webhook(connection => 'bearer', path => 'p'),
	bearer_own => webhook(
		connection => 'bearer', path => 'p',
		headers => { authorization => 'Bearer step' }),
	basic => webhook(connection => 'basic', path => 'p'),
	secret_headers => webhook(
		connection => 'headers', path => 'p',
		headers => { 'x-api-key' => 'step' }),
	signed => webhook(
		connection => 'signed', path => 'hook',
		body => { word => '{{trigger.word}}', n => 1.50 }),
	signed_empty =>
	  webhook(connection => 'signed', path => 'hook', method => 'GET'),
	url_scheme => webhook(url => from_data('ftp://127.0.0.1/x')),
	url_file => webhook(url => from_data('file:///etc/passwd')),
	url_gopher => webhook(url => from_data('gopher://127.0.0.1:70/x')),
	url_relative => webhook(url => from_data('/only/a/path')),
	url_user => webhook(url => from_data('http://user:pass@127.0.0.1/')),
	url_empty => webhook(url => '{{trigger.none}}'),
	url_crlf => webhook(
		url => from_data("$url/a\r\nX-Evil: 1"), method => 'GET'),
	no_connection => webhook(connection => 'nowhere', path => 'p'),
	missing_path => webhook(url => "$url/{{trigger.customer.name}}"),
	status_204 => webhook(url => "$url/status/204"),
	status_201 => webhook(url => "$url/status/201"),
	status_304 => webhook(url => "$url/status/304"),
	status_404 => webhook(url => "$url/status/404"),
	# (what is tried again is another file's)
	status_500 => { %{ webhook(url => "$url/status/500") }, retry => { max_attempts => 1 } },
	status_503 => { %{ webhook(url => "$url/status/503") }, retry => { max_attempts => 1 } });

sub request
{
	my ($label) = @_;
	my $request = request_of($http, $got{$label});

	diag("$label: " . to_json($got{$label})) unless $request;
	return $request || { headers => {}, query => {} };
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
	like($got{$label}{error}, $pattern, "$label: its error")
	  or diag(to_json($got{$label}));
	return;
}

# A step that fails before it is sent.
sub refused_like
{
	my ($label, $pattern) = @_;
	failed_like($label, $pattern);
	is(scalar requests_of($http, $got{$label}),
		0, "$label: nothing was sent");
	return;
}

#
# Methods, and what every request and output has.
#
foreach my $method (qw(GET PUT PATCH DELETE HEAD POST))
{
	completed(lc $method);
	is(request(lc $method)->{method}, $method, "$method is sent");
}
is(request('lower')->{method}, 'PUT', 'a method in lower case');
refused_like('trace', qr/"Grüße 漢字" is not a request method/);
is(request($_)->{body}, '', "$_: no body") foreach qw(get delete head);
is_deeply(from_json_text(request($_)->{body}),
	\%awkward, "$_: the payload is the body") foreach qw(post put patch);
is_deeply(
	from_json_text(request('lower')->{body}),
	{ %awkward, a => 1 },
	"the keys of a body that is an object are over the payload's");
is(request('get')->{headers}{'content-type'}, undef, '... and no type');
is(request('post_nothing')->{headers}{'content-length'},
	0, '... but a POST says that it is empty');
is(request('delete_body')->{body}, '{"id": 1}', 'DELETE with a body');
is( request('post')->{headers}{'idempotency-key'},
	"$got{post}{run_id}:go",
	'Idempotency-Key is run and step');
like(request('post')->{headers}{'user-agent'},
	qr/^workflow_engine\b/, 'User-Agent');
is_deeply(
	[ sort keys %{ $got{post}{output} } ],
	[qw(body headers status)],
	'the output is status, headers, body');
is($got{post}{output}{status}, 200, 'status');
is_deeply($got{post}{output}{body}, { ok => JSON::PP::true }, 'body');
is($got{post}{output}{headers}{'content-type'},
	'application/json', 'headers, in lower case');
is_deeply(
	$got{post}{input},
	{ url => "$url/x" },
	'the input is the rendered parameters');
is($got{head}{output}{body}, undef, 'HEAD has no body');

#
# Headers.
#
is(request('headers')->{headers}{'x-number'}, '12.5', 'a number in a header');
is(request('headers')->{headers}{'x-flag'}, 'true', 'a boolean in a header');
is(request('headers')->{headers}{'user-agent'},
	'shop/1', 'a User-Agent of its own');
my $word = request('headers')->{headers}{'x-word'};
utf8::downgrade($word) && utf8::decode($word);
is($word, 'Grüße 漢字', 'UTF-8 in a header');
refused_like('header_injection', qr/"X-Evil" has a control character/);
refused_like('header_name', qr/cannot be the name of a header/);
refused_like($_, qr/cannot be set by a step/)
  foreach qw(header_host header_key header_length);

#
# URLs.
#
is_deeply(
	request('query')->{query},
	{
		fixed => '1',
		q => $awkward{q},
		word => 'Grüße 漢字',
		n => '12.5',
		flag => 'true',
		'na me&' => 'v',
		empty => ''
	},
	'query values arrive as they were, null is left out')
  or diag(request('query')->{target});
refused_like('query_object', qr/"a" in parameter "query" must be a text/);
like(
	request('url_values')->{target},
	qr{^/items/(\.\.|%2E%2E)%2F(\.\.|%2E%2E)%2Fetc%2Fpasswd%3Fx%3D1%23y/
	   Gr%C3%BC%C3%9Fe%20%E6%BC%A2%E5%AD%97\?q=a%20b%26c%3Dd%23e%2Ff%3F}x,
	'values are percent-encoded in a URL');
is(request('url_values')->{query}{q},
	$awkward{q}, '... and come back as they were');
is(request('url_whole')->{target},
	'/from/payload?a=b', 'a template that begins the URL stands as it is');
is(request('url_fragment')->{target}, '/f?a=1', 'a fragment is not sent');
refused_like('url_scheme', qr/neither an http nor an https URL/);
refused_like('url_file', qr/neither an http nor an https URL/);
refused_like('url_gopher', qr/neither an http nor an https URL/);
refused_like('url_relative', qr/not an absolute URL/);
refused_like('url_user', qr/without credentials/);
refused_like('url_empty', qr/URL|"url"/i);
refused_like('url_crlf', qr/URL/);
refused_like('missing_path', qr/customer/);

#
# Bodies.
#
is_deeply(
	from_json_text(request('body_object')->{body}),
	{
		order => 12.5,
		list => $awkward{list},
		deep => { text => "of $awkward{text}", none => undef }
	},
	'an object, with its types');
is(request('body_object')->{headers}{'content-type'},
	'application/json', 'its type');
is_deeply(
	from_json_text(request('body_array')->{body}),
	[ 1, 'Grüße 漢字' ],
	'an array');
is(from_json_text(request('body_text')->{body}),
	$awkward{text}, 'a text is JSON, too');
is(request('body_number')->{body}, '12.5', 'a number');
is(request('body_false')->{body}, 'false', 'a boolean');
is(request('body_plain')->{body},
	$awkward{text}, 'a text of another type goes as it stands');
is(request('body_plain')->{headers}{'content-type'},
	'text/plain; charset=utf-8', '... with that type');
is(request('body_xml')->{body}, '<a>12.5</a>', 'XML');
is(length(request('body_large')->{body}), 500_002, 'half a megabyte');
is($got{body_large}{input}{truncated} ? 1 : 0,
	1, '... of which history keeps the beginning')
  or diag(substr(to_json($got{body_large}), 0, 500));
is_deeply(
	from_json_text(request('merge')->{body}),
	{ %awkward, number => 'mine', extra => 1 },
	"merge_payload: the payload with the body's keys over it");
is_deeply(from_json_text(request('merge_only')->{body}),
	\%awkward, '... or the payload alone');
refused_like('merge_text', qr/"body" must be an object/);

sub from_json_text
{
	my ($text) = @_;
	return JSON::PP->new->allow_nonref->decode(defined $text ? $text : 'null');
}

#
# Connections.
#
is( request('conn_path')->{target},
	'/api/v2/orders/Gr%C3%BC%C3%9Fe%20%E6%BC%A2%E5%AD%97',
	'path is appended to base_url');
is(request('conn_relative')->{target},
	'/api/v2/orders?a=1', '... with or without a slash');
like(request('conn_value')->{target}, qr{/orders/5%3Fadmin%3Dtrue%26x%3D%252e%23f$},
	'what a value begins with stays a path');
(my $begun = request('conn_path')->{target}) =~ s{/orders/(.*)}{/a%3Fb/$1?c};
is(request('conn_begins')->{target}, $begun, '... whatever follows');
like(request('conn_encoded')->{target}, qr{/a%2Fb$}, '... and is not encoded twice');
is(request('conn_path')->{headers}{'x-source'},
	'database', "the connection's headers are sent");
is(request('conn_header')->{headers}{'x-both'},
	'step', "... and the step's own go before them");
is(request('conn_url')->{target},
	'/elsewhere', 'a connection without credentials lets a URL pass');
is(request('bearer')->{headers}{authorization},
	'Bearer bearer-token-1', 'bearer_token');
is(request('bearer')->{target}, '/b/p', '... below base_url');
is(request('bearer_own')->{headers}{authorization},
	'Bearer bearer-token-1', '... which a step cannot replace');
is( request('basic')->{headers}{authorization},
	'Basic ' . encode_base64(encode_utf8("Ünal:p:w ß"), ''),
	'basic');
is(request('secret_headers')->{headers}{'x-api-key'},
	'key-1234567', 'secret headers go before those of the step');
is(request('secret_headers')->{headers}{'x-second'},
	'second-1', '... all of them');
refused_like('no_connection', qr/connection "nowhere" does not exist/);

sub encode_utf8
{
	my ($text) = @_;
	utf8::decode($text) unless utf8::is_utf8($text);
	utf8::encode($text);
	return $text;
}

# Standard Webhooks: HMAC-SHA256 of "id.timestamp.body" under the decoded key.
foreach my $label (qw(signed signed_empty))
{
	my $request = request($label);
	my $headers = $request->{headers};
	my $body = encode_utf8($request->{body});
	my $sign = hmac_sha256_base64(
		"$headers->{'webhook-id'}.$headers->{'webhook-timestamp'}.$body",
		$signing_key);

	is($headers->{'webhook-id'}, $headers->{'idempotency-key'},
		"$label: webhook-id is the key");
	cmp_ok(abs($headers->{'webhook-timestamp'} - $request->{time}),
		'<', 300, "$label: webhook-timestamp is now");
	$sign .= '=' while length($sign) % 4;
	is($headers->{'webhook-signature'},
		"v1,$sign", "$label: webhook-signature");
}

#
# Statuses.
#
completed('status_201');
is($got{status_201}{output}{status}, 201, '201 is a success');
completed('status_204');
is($got{status_204}{output}{body}, undef, '204 has no body');
failed_like('status_304', qr/HTTP 304/);
failed_like('status_404', qr/HTTP 404: .*"status": 404/);
failed_like('status_500', qr/HTTP 500/);
failed_like('status_503', qr/HTTP 503/);
is($got{status_404}{output}{status}, 404, 'a refusal is kept as output');
like($got{status_404}{error_message},
	qr/^step "go": HTTP 404/, 'error_message names the step');

#
# The same step name in another run has another key.
#
my %keys = map { $_->{headers}{'idempotency-key'} => 1 } $http->requests;
is(scalar keys %keys, scalar(() = $http->requests), 'no key comes twice');

$node->stop;
done_testing();
