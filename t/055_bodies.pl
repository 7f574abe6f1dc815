
# What a webhook sends and what it makes of the answer: bodies of every type,
# queries, headers, charsets, and paths into answers that were cut.

use strict;
use warnings FATAL => 'all';
use utf8;

use Test::More;
use WorkflowEngine::Test;
use WorkflowEngine::Outbound;

my $http = start_receiver('http');
my $node = outbound_node('bodies', <<'CONF');
workflow_engine.workers = 1
workflow_engine.max_output = 4kB
CONF
my $url = $http->url;
my $form = 'application/x-www-form-urlencoded';
my ($true, $false) = (JSON::PP::true, JSON::PP::false);

connection(
	$node,
	name => 'form',
	kind => 'http',
	config => {
		base_url => $url,
		idempotency_header => 'X-Request-Id',
		headers => { 'content-type' => "$form; charset=UTF-8" } });
connection(
	$node,
	name => 'signed',
	kind => 'http',
	config => { base_url => $url, idempotency_header => 'X-Request-Id' },
	credentials => { signing_secret => 'whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz' });

my %payload = (
	word => 'Grüße & =?+% 漢字',
	list => [ 'a b', 2, $true ],
	text => "l1\nl2");

sub webhook
{
	my (%params) = @_;
	return {
		action => 'webhook',
		retry => { max_attempts => 1 },
		payload => \%payload,
		params => { url => $url, merge_payload => $false, %params } };
}

sub typed
{
	my ($type, $body, %params) = @_;
	return webhook(
		headers => { 'Content-Type' => $type }, body => $body, %params);
}

# The URL that answers with bytes of that type.
sub raw
{
	my ($type, $bytes) = @_;
	return webhook(
		method => 'GET',
		url => $http->url('/raw/'
			  . ($type =~ s/([^A-Za-z0-9])/sprintf('%%%02X', ord $1)/ger) . '/'
			  . unpack('H*', $bytes)));
}

my %merged = (
	map {
		(
			"merge_$_" => webhook(method => $_, merge_payload => undef, body => { text => 1 }),
			"merge_absent_$_" => webhook(method => $_, merge_payload => undef),
			"merge_array_$_" => webhook(method => $_, merge_payload => undef, body => [1]),
			"merge_text_$_" => webhook(method => $_, merge_payload => undef, body => 'x'),
			"merge_false_$_" => webhook(method => $_, body => { text => 1 }),
			"merge_true_$_" => webhook(method => $_, merge_payload => $true))
	} qw(POST PUT PATCH DELETE GET));

my %got = run_steps(
	$node, %merged,
	form => typed($form,
		{
			word => '{{ trigger.word }}', 'na me&' => 'v', empty => '', none => undef,
			n => 1.50, yes => $true, list => '{{ trigger.list }}',
			nested => { a => 'x', b => { c => [ 1, 2 ] } }
		}),
	form_case => typed('Application/X-WWW-Form-URLencoded; Charset="utf-8"', { a => 1 }),
	form_text => typed($form, 'a=1&b={{ trigger.text | urlencode }}'),
	form_empty => typed($form, {}),
	form_array => typed($form, [1]),
	form_deep => typed($form,
		{ list => [ { a => 1, b => [ 2, 3 ] }, 'x', undef, [ [4] ] ], none => {}, no => [] }),
	form_merged => typed($form, { a => 1 }, merge_payload => undef),
	form_connection => webhook(
		connection => 'form', url => undef, path => 'x', body => { a => 'b c' }),
	form_connection_own => webhook(
		connection => 'form', url => undef, path => 'x', body => { a => 'b c' },
		headers => { 'Content-Type' => 'application/json' }),
	(
		map { ("json_$_" => typed($_, '{{ trigger.text }}')) }
		  'application/Json', 'APPLICATION/JSON; charset=utf-8',
		'application/problem+json', 'text/json', 'application/vnd.api+JSON;v=1'),
	(
		map { ("text_$_" => typed($_, '{{ trigger.text }}')) } 'text/plain',
		'application/x-ndjson', 'application/jsonlines', 'text/csv; header=json',
		'multipart/form-data; boundary=x'),
	number => typed('text/plain', 1.5),
	(
		map { ("object_$_" => typed($_, { a => 1 })) } 'multipart/form-data',
		'multipart/form-data; boundary=x', 'text/plain', 'application/xml',
		'application/x-ndjson'),
	array => typed('text/csv', [1]),
	text_payload => typed('text/plain', undef, merge_payload => undef),
	charset => typed('text/plain; charset=ISO-8859-1', 'é'),
	header_twice => webhook(headers => { 'X-A' => 1, 'x-a' => 2 }),
	type_twice => webhook(
		headers => { 'Content-Type' => 'text/plain', 'content-type' => 'a/b' }),
	(
		map { ("header_$_" => webhook(headers => { $_ => 'x' })) }
		  'HOST', 'Content-length', 'transfer-encoding', 'Proxy-Authorization',
		'Connection', 'TE', 'Upgrade', 'IDEMPOTENCY-KEY'),
	header_request_id => webhook(
		connection => 'form', url => undef, path => 'x', headers => { 'x-request-id' => 1 }),
	header_crlf => webhook(headers => { 'X-A' => "{{ trigger.text }}" }),
	header_name_crlf => webhook(headers => { "X-A\r\nX-B" => 1 }),
	header_name_colon => webhook(headers => { 'X-A:' => 1 }),
	key => webhook(connection => 'form', url => undef, path => 'x'),
	key_signed => webhook(connection => 'signed', url => undef, path => 'x'),
	query => webhook(
		method => 'get', url => "$url/q",
		query => { a => [ 1, 'b c', undef, $true ], none => [], one => ['x'] }),
	query_value => webhook(method => 'GET', query => { a => '{{ trigger.list }}' }),
	query_open => webhook(method => 'GET', url => "$url/q?", query => { a => 1 }),
	query_object => webhook(query => { a => { b => 1 } }),
	query_deep => webhook(query => { a => [ [1] ] }),
	url_fragment => webhook(
		method => 'GET', url => "$url/f?a=1#x{{ trigger.text }}", query => { b => 2 }),
	# (no definition is saved with such a URL)
	url_user => webhook(
		url => '{{ trigger.nothing | default: "' . ($url =~ s{//}{//u:p\@}r) . '" }}'),
	url_user_value => webhook(url => '{{ trigger.url }}'),
	latin => raw('text/plain; charset=ISO-8859-1', "Gr\xFC\xDFe"),
	latin_quoted => raw('text/html; a=b; Charset="latin1"', "\xE9"),
	windows => raw('text/plain;charset=windows-1252', "\x80 \x93x\x94"),
	windows_as_latin => raw('text/plain;charset=iso-8859-1', "\x80"),
	latin_9 => raw('text/plain;charset=iso-8859-15', "\xA4"),
	shift_jis => raw('text/plain; charset=Shift_JIS', "\x8A\xBF\x8E\x9A"),
	koi => raw('text/plain; charset=koi8-r', "\xC1"),
	charset_unknown => raw('text/plain; charset=x-none', 'abc'),
	charset_ascii => raw('text/plain; charset=us-ascii', 'abc'),
	charset_wrong => raw('text/plain; charset=utf-8', "\xE9"),
	charset_none => raw('text/plain', "\xE9"),
	json_latin => raw('application/json; charset=iso-8859-1', qq({"a": "\xE9"})),
	json_labelled => raw('application/json; charset=iso-8859-1', qq({"a": "\xC3\xA9"})),
	json_bom => raw('application/json', qq(\xEF\xBB\xBF{"a": 1})),
	json_bom_latin => raw('application/json; charset=iso-8859-1', qq(\xEF\xBB\xBF{"a": "\xC3\xA9"})),
	text_bom => raw('text/csv', "\xEF\xBB\xBFa;b"),
	bom_only => raw('application/json', "\xEF\xBB\xBF"),
	json_case => raw('Application/Json', '{"a": 1}'),
	json_case_suffix => raw('application/HAL+JSON; charset=UTF-8', '[1]'),
	json_lines => raw('application/x-ndjson', qq({"a": 1}\n{"a": 2}\n)),
	json_no_subtype => raw('json', '{"a": 1}'));

sub request
{
	my ($label) = @_;
	my $id = $got{$label}{run_id};
	my ($request) = grep {
		my $headers = $_->{headers};
		grep { defined && /^\Q$id\E:go$/ } @$headers{qw(idempotency-key x-request-id)}
	} $http->requests;

	diag("$label: " . to_json($got{$label})) unless $request;
	return $request || { headers => {}, query => {}, target => '', body => '' };
}

sub refused_like
{
	my ($label, $pattern) = @_;
	is($got{$label}{run_status}, 'failed', "$label fails");
	like($got{$label}{error}, $pattern, "$label: its error");
	is(scalar requests_of($http, $got{$label}), 0, "$label: nothing was sent");
	return;
}

sub json_of
{
	my ($label) = @_;
	my $body = request($label)->{body};
	return $body eq '' ? undef : JSON::PP->new->allow_nonref->decode($body);
}

sub answer_is
{
	my ($label, $body) = @_;
	is_deeply($got{$label}{output}{body}, $body, "answer $label")
	  or diag(to_json($got{$label}));
	return;
}

#
# merge_payload.
#
foreach my $method (qw(POST PUT PATCH DELETE GET))
{
	my $merges = $method !~ /DELETE|GET/;

	is_deeply(json_of("merge_$method"), { $merges ? %payload : (), text => 1 },
		"$method: an object" . ($merges ? ' over the payload' : ''));
	is_deeply(json_of("merge_absent_$method"), $merges ? \%payload : undef,
		"$method: no body");
	is_deeply(json_of("merge_array_$method"), [1], "$method: an array");
	is_deeply(json_of("merge_text_$method"), 'x', "$method: a text");
	is_deeply(json_of("merge_false_$method"), { text => 1 }, "$method: false");
	is_deeply(json_of("merge_true_$method"), \%payload, "$method: true");
}

#
# Forms.
#
is( request('form')->{body},
	'n=1.5&yes=true&list=a%20b&list=2&list=true&word=Gr%C3%BC%C3%9Fe%20%26%20'
	  . '%3D%3F%2B%25%20%E6%BC%A2%E5%AD%97&empty=&na%20me%26=v'
	  . '&nested%5Ba%5D=x&nested%5Bb%5D%5Bc%5D=1&nested%5Bb%5D%5Bc%5D=2',
	'the fields of a form');
is(request('form')->{headers}{'content-type'}, $form, '... under its type');
is(request('form_case')->{body}, 'a=1', 'a type in any case');
is(request('form_text')->{body}, 'a=1&b=l1%0Al2', 'a text goes as it stands');
is(request('form_empty')->{body}, '', 'an empty form');
like(request('form_merged')->{body}, qr/^a=1&.*text=l1%0Al2/,
	'the payload is fields, too');
refused_like('form_array', qr/of type "\Q$form\E" must be a text, not an array/);
is(request('form_deep')->{body} =~ s/%5B/[/gr =~ s/%5D/]/gr,
	'list[0][a]=1&list[0][b]=2&list[0][b]=3&list[1]=x&list[3][0]=4',
	'... and what is nested');
is(request('form_connection')->{body}, 'a=b%20c', "a connection's type");
is(request('form_connection')->{headers}{'content-type'},
	"$form; charset=UTF-8", '... is what is sent');
is(request('form_connection_own')->{body}, '{"a": "b c"}',
	"... and the step's own goes before it");

#
# Other types.
#
is(request($_)->{body}, '"l1\nl2"', "$_: a text is JSON")
  foreach sort grep { /^json_.*json/i } grep { /\// } keys %got;
is(request($_)->{body}, "l1\nl2", "$_: a text goes as it stands")
  foreach sort grep { /^text_.*\// } keys %got;
is(request('number')->{body}, '1.5', 'a number is a text of another type');
refused_like($_, qr/must be a text, not an object/)
  foreach sort grep { /^object_/ } keys %got;
like($got{'object_multipart/form-data; boundary=x'}{error},
	qr{^a body of type "multipart/form-data" }, 'the error names the type');
refused_like('array', qr{of type "text/csv" must be a text, not an array});
refused_like('text_payload', qr{of type "text/plain" must be a text, not an object});
refused_like('charset', qr/charset=iso-8859-1, but a body is sent in UTF-8/);

#
# Headers and URLs.
#
refused_like($_, qr/^header "x-a" is given twice|^header "X-A" is given twice/i)
  foreach 'header_twice';
refused_like('type_twice', qr/^header "content-type" is given twice/i);
refused_like("header_$_", qr/^header "$_" cannot be set by a step/)
  foreach 'HOST', 'Content-length', 'transfer-encoding',
  'Proxy-Authorization', 'Connection', 'TE', 'Upgrade', 'IDEMPOTENCY-KEY';
refused_like('header_request_id', qr/^header "x-request-id" cannot be set/);
refused_like('header_crlf', qr/"X-A" has a control character/);
refused_like("header_name_$_", qr/cannot be the name of a header/)
  foreach qw(crlf colon);
my $request = request('key');
is($request->{headers}{'x-request-id'}, "$got{key}{run_id}:go",
	'idempotency_header names the header');
is($request->{headers}{'idempotency-key'}, undef, '... in place of the usual one');
$request = request('key_signed');
is($request->{headers}{'webhook-id'}, $request->{headers}{'x-request-id'},
	'webhook-id is the key, too');
is(request('query')->{target}, '/q?a=1&a=b%20c&a=true&one=x',
	'an array repeats its key');
is(request('query_value')->{target}, '/?a=a%20b&a=2&a=true', '... from a value');
is(request('query_open')->{target}, '/q?a=1', 'a URL that ends with "?"');
refused_like('query_object', qr/"a" in parameter "query" must be a text or an array/);
refused_like('query_deep', qr/"a" in parameter "query" must hold texts, not an array/);
is(request('url_fragment')->{target}, '/f?a=1&b=2', 'a fragment is left out');
refused_like('url_user', qr/without credentials/);

#
# Answers.
#
answer_is('latin', 'Grüße');
answer_is('latin_quoted', 'é');
answer_is('windows', '€ “x”');
answer_is('windows_as_latin', '€');
answer_is('latin_9', '€');
answer_is('shift_jis', '漢字');
answer_is('koi', 'а');
answer_is($_, 'abc') foreach qw(charset_unknown charset_ascii);
answer_is($_, { base64 => '6Q==' }) foreach qw(charset_wrong charset_none);
answer_is($_, { a => 'é' }) foreach qw(json_latin json_labelled json_bom_latin);
answer_is($_, { a => 1 }) foreach qw(json_bom json_case);
answer_is('text_bom', 'a;b');
answer_is('bom_only', '');
answer_is('json_case_suffix', [1]);
answer_is('json_lines', qq({"a": 1}\n{"a": 2}\n));
answer_is('json_no_subtype', '{"a": 1}');

#
# A path into an output that was cut: nobody knows what it leads to.
#
sub get
{
	my ($path) = @_;
	return {
		name => 'get', action => 'webhook',
		params => { method => 'GET', url => $http->url($path) } };
}

sub look
{
	my (%step) = @_;
	return {
		name => 'look', action => 'webhook',
		params => { url => "$url/look", body => { x => 1 } }, %step };
}

sub text
{
	my ($text) = @_;
	return (params => { url => "$url/look", body => { x => $text } });
}

my %cut = run_steps(
	$node,
	map { ($_->[0] => { steps => [ get($_->[1]), look(@{ $_->[2] }) ] }) } (
		[ body => '/json-array/20000', [ text('{{ steps.get.output.body.id }}') ] ],
		[ index => '/json-array/20000', [ text('{{ steps.get.output.body[0] }}') ] ],
		[ status => '/bytes/20000', [ text('is {{ steps.get.output.status }}') ] ],
		[ default => '/bytes/20000', [ text('{{ steps.get.output.status | default: "x" }}') ] ],
		[ head => '/bytes/20000', [ text('{{ steps.get.output.head | length }}') ] ],
		[ whole => '/bytes/20000', [ text('{{ steps.get.output.truncated }}') ] ],
		[ small => '/bytes/100', [ text('{{ steps.get.output.status }}') ] ],
		[ small_missing => '/bytes/100', [ text('{{ steps.get.output.nothing }}') ] ],
		(
			map {
				[ "condition_$_->{op}" => '/bytes/20000',
					[ condition => { field => 'steps.get.output.status', %$_ } ] ]
			} { op => 'eq', value => 200 }, { op => 'exists' }, { op => 'not_exists' }),
		[ condition_small => '/bytes/100',
			[ condition => { field => 'steps.get.output.nothing', op => 'not_exists' } ] ]));

my $unknown =
  qr/^steps\.get\.output\.\S+ is not known: the output of step "get" has \d{5,6} bytes and was cut \(workflow_engine\.max_output\)$/;
foreach my $label (qw(body index status))
{
	is($cut{$label}{run_status}, 'failed', "cut: $label fails");
	like($cut{$label}{error}, $unknown, "cut: $label says why")
	  or diag(to_json($cut{$label}));
}
is($cut{$_}{run_status}, 'completed', "cut: $_ is there")
  foreach qw(default head whole small condition_small);
like($cut{small_missing}{error}, qr/has no member "nothing"/,
	'what is missing from a whole output is missing');
foreach my $label (map { "condition_$_" } qw(eq exists not_exists))
{
	is($cut{$label}{status}, 'skipped', "cut: $label is not decided");
	like($cut{$label}{error}, $unknown, "cut: $label says why");
}

#
# What a connection may say of its headers.
#
my %config = (
	'{"headers": {"X-A": "1", "x-a": "2"}}' => qr/config\.headers has "x-a" twice|config\.headers has "X-A" twice/,
	'{"headers": {"content-LENGTH": "1"}}' => qr/config\.headers cannot set "content-LENGTH"/,
	'{"headers": {"X-A": "1\r\nX-B: 2"}}' => qr/config\.headers "X-A" has a control character/,
	'{"idempotency_header": "a b"}' => qr/config\.idempotency_header must be the name of a header/,
	'{"idempotency_header": "Host"}' => qr/config\.idempotency_header cannot be "Host"/,
	'{"idempotency_header": 5}' => qr/config\.idempotency_header must be the name/,
	'{"idempotency_header": "X-A", "headers": {"x-a": "1"}}' =>
	  qr/config\.idempotency_header is among "headers" too/);
foreach my $config (sort keys %config)
{
	my ($ret, $stdout, $stderr) = $node->psql('postgres',
		'INSERT INTO workflow_connections (name, kind, config) VALUES '
		  . "('x', 'http', '$config'::jsonb || '{\"base_url\": \"http://x.example\"}')");
	like($stderr, $config{$config}, "connection $config");
}

$node->stop;
done_testing();
