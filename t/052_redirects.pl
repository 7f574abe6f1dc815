
# Redirects: every status and method.  What would drop the method or the body
# is not followed and says where to; headers and credentials stay with the
# server that they were set for.

use strict;
use warnings FATAL => 'all';

use Test::More;
use WorkflowEngine::Test;
use WorkflowEngine::Outbound;

my $http = start_receiver('http');
my $other = start_receiver('http');
my $node = outbound_node('redirects', <<'CONF');
workflow_engine.workers = 1
workflow_engine.allowed_hosts = '127.0.0.1'
CONF

my @statuses = (301, 302, 303, 307, 308);
my @methods = qw(GET HEAD POST PUT PATCH DELETE);

# Percent-encoded, so that it can be the query of another URL.
sub encode
{
	my ($text) = @_;
	return $text =~ s/([^A-Za-z0-9])/sprintf('%%%02X', ord($1))/ger;
}

# The URL that redirects to others, one after the other.
sub chain
{
	my ($status, $from, @to) = @_;
	my $last = pop @to;

	foreach my $server (reverse @to)
	{
		$last = $server->url("/redirect-to/$status?url=" . encode($last));
	}
	return $from->url("/redirect-to/$status?url=" . encode($last));
}

sub webhook
{
	my (%params) = @_;
	return {
		action => 'webhook',
		retry => { max_attempts => 1 },
		payload => { word => 'payload' },
		params => \%params };
}

connection(
	$node,
	name => 'plain',
	kind => 'http',
	config => {
		base_url => $http->url('/redirect-to'),
		idempotency_header => 'X-Request-Id',
		headers => { 'X-Of-Connection' => 'c-1', Cookie => 'session=1' } });
connection(
	$node,
	name => 'secret',
	kind => 'http',
	config => {
		base_url => $http->url('/redirect-to'),
		headers => { 'X-Of-Connection' => 'c-2' } },
	credentials => {
		headers => { 'X-Api-Key' => 'secret-key-1' },
		bearer_token => 'secret-bearer-1',
		signing_secret => 'whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz' });
connection(
	$node,
	name => 'basic',
	kind => 'http',
	config => { base_url => $http->url('/redirect-to') },
	credentials => { basic => { username => 'user', password => 'password-1' } });
connection(
	$node,
	name => 'channel',
	kind => 'slack_webhook',
	config => { url => $http->url('/redirect-to/307?url='
			  . encode($other->url('/slack-hook'))) });

my %of_step = (
	'X-Api-Key' => 'of-step-1',
	Authorization => 'Bearer of-step-2',
	Cookie => 'of-step=3',
	'X-Signature' => 'of-step-4',
	'User-Agent' => 'of-step/5',
	Accept => 'text/of-step-6');
my $url = $other->url('/new?a=1');

my @cases;
foreach my $status (@statuses)
{
	push @cases,
	  map {
		(
			"$_ $status" => webhook(
				url => $http->url("/redirect-to/$status"),
				method => $_,
				query => { url => $http->url('/new') },
				$_ eq 'HEAD' || $_ eq 'GET' ? () : (body => { n => 1 })))
	  } @methods;
	push @cases,
	  "GET body $status" => webhook(
		url => $http->url("/redirect-to/$status"),
		method => 'GET',
		query => { url => $http->url('/new') },
		body => { n => 1 });
}

my %got = run_steps(
	$node, @cases,
	relative => webhook(
		url => $http->url('/redirect-to/308'), query => { url => '../up/./new?x=1' }),
	query_only => webhook(
		url => $http->url('/redirect-to/307'),
		method => 'GET', query => { url => '/new#fragment' }),
	to_encode => webhook(
		url => $http->url('/redirect-to/307'),
		query => { url => "/n\x{E4}w path?q=a b" }),
	scheme_less => webhook(
		url => $http->url('/redirect-to/307'),
		query => { url => $other->url('/new') =~ s/^http://r }),
	elsewhere => webhook(
		url => $http->url('/redirect-to/307'),
		query => { url => $url },
		headers => \%of_step,
		body => { n => 1 }),
	elsewhere_get => webhook(
		url => $http->url('/redirect-to/302'),
		method => 'GET',
		query => { url => $url },
		headers => \%of_step),
	same => webhook(
		url => $http->url('/redirect-to/307'),
		query => { url => $http->url('/new') },
		headers => \%of_step),
	back => webhook(
		url => chain(307, $http, $other, $http->url('/back')),
		headers => \%of_step),
	typed => webhook(
		url => $http->url('/redirect-to/307'),
		query => { url => $url },
		headers => { 'Content-Type' => 'text/plain' }, body => 'plain'),
	plain => webhook(
		connection => 'plain', path => '/308', query => { url => $url }),
	(
		map {
			(
				"${_}_out" => webhook(
					connection => $_, path => '/307', query => { url => $url }),
				"${_}_beside" => webhook(
					connection => $_, path => '/307',
					query => { url => $http->url('/beside') }),
				"${_}_climbing" => webhook(
					connection => $_, path => '/307',
					query => { url => $http->url('/redirect-to/x/%2e%2e/%2e%2e/new') }),
				"${_}_below" => webhook(
					connection => $_, path => '/307',
					query => {
						url => $http->url('/redirect-to/404?url=' . encode('/x')) }))
		} qw(secret basic)),
	three => webhook(
		url => chain(307, $http, $other, $http, $other->url('/three')),
		body => { n => 1 }),
	four => webhook(
		url => chain(307, $http, $other, $http, $other, $http->url('/four'))),
	shut => webhook(
		url => $http->url('/redirect-to/307'),
		query => { url => 'http://127.0.0.2:' . $other->port . '/shut' }),
	down => webhook(
		url => $http->url('/redirect-to/307'),
		query => { url => 'http://127.0.0.1:9/' }),
	(
		map {
			(
				"to_$_->[0]" => webhook(
					url => $http->url('/redirect-to/307'),
					query => { url => $_->[1] }))
		} (
			[ file => 'file:///etc/passwd' ],
			[ ftp => 'ftp://127.0.0.1/x' ],
			[ user => $other->url('/u') =~ s{//}{//u:p\@}r ],
			[ empty => 'http://' ],
			[ long => '/' . 'x' x 20_000 ])),
	not_modified => webhook(url => $http->url('/status/304'), method => 'GET'),
	nowhere => webhook(url => $http->url('/status/307'), method => 'GET'),
	hook => {
		action => 'team_notify',
		retry => { max_attempts => 1 },
		params => {
			connection => 'channel', channel => 'x', message => 'hello' } });

# The requests of a run at a server, whatever header has its key.
sub at
{
	my ($receiver, $label) = @_;
	my $id = $got{$label}{run_id};

	return grep {
		my $headers = $_->{headers};
		grep { defined && /^\Q$id\E:go$/ } @$headers{qw(idempotency-key x-request-id)}
	} $receiver->requests;
}

sub failed_like
{
	my ($label, $pattern) = @_;
	is($got{$label}{run_status}, 'failed', "$label fails");
	like($got{$label}{error}, $pattern, "$label: its error");
	return;
}

sub completed
{
	my ($label) = @_;
	return is($got{$label}{run_status}, 'completed', "$label completes")
	  || diag(to_json($got{$label}));
}

#
# The table.
#
foreach my $status (@statuses)
{
	foreach my $method (@methods, 'GET body')
	{
		my $label = "$method $status";
		my @requests = at($http, $label);
		my $safe = $method eq 'GET' || $method eq 'HEAD'
		  || ($method eq 'GET body' && $status != 303);

		if ($safe || $status > 303)
		{
			completed($label);
			is(join(' ', map { $_->{path} } @requests),
				"/redirect-to/$status /new", "$label is followed");
			is($requests[-1]{method}, $method =~ s/ body//r,
				'... with its method');
			is($requests[-1]{body}, $requests[0]{body}, '... and its body');
		}
		else
		{
			is(scalar @requests, 1, "$label is not followed");
			failed_like($label,
				qr/^HTTP $status: redirects to "\Q${\$http->url('\/new')}\E", and following it would/);
			is($got{$label}{output}{status}, $status, '... the answer is kept');
		}
	}
}
like($got{'PUT 301'}{error}, qr/turn the PUT into a GET: use that address$/,
	'the error says what would become of it');
like($got{'GET body 303'}{error}, qr/drop the body$/, '... of the body, too');

#
# Where to.
#
is((at($http, 'relative'))[-1]{target}, '/up/new?x=1', 'a relative Location');
is((at($http, 'query_only'))[-1]{target},
	'/new', 'a fragment is not sent');
like((at($http, 'to_encode'))[-1]{target},
	qr{^/n%e4w%20path\?q=a\+b$}i, 'a Location that is not encoded');
is(scalar at($other, 'scheme_less'), 1, 'a Location without a scheme');
completed('three');
is(scalar at($other, 'three'), 2, 'three redirects are followed');
is((at($other, 'three'))[-1]{body}, '{"n": 1, "word": "payload"}',
	'... with the body to the end');
failed_like('four', qr/^more than 3 redirects$/);
failed_like('shut', qr/connections to 127\.0\.0\.2.* are not allowed/);
failed_like('down', qr/connect/i);
unlike($got{down}{error}, qr/delivery unknown/,
	'what was redirected has not been carried out');
failed_like("to_$_", qr/^HTTP 307: redirects to "/)
  foreach qw(file ftp user empty);
failed_like('to_long', qr/too long/);
failed_like('not_modified', qr/^HTTP 304$/);
failed_like('nowhere', qr/^HTTP 307: /);
failed_like('hook', qr/^HTTP 307: redirects to .*, which is not followed$/);

#
# What goes along.
#
foreach my $label (qw(elsewhere elsewhere_get))
{
	completed($label);
	my ($first) = at($http, $label);
	my ($second) = at($other, $label);

	is($first->{headers}{ lc $_ }, $of_step{$_}, "$label: $_ is sent")
	  foreach sort keys %of_step;
	unlike(to_json($second->{headers}), qr/of-step/,
		"$label: no header of the step goes elsewhere");
	is($second->{headers}{'idempotency-key'},
		$first->{headers}{'idempotency-key'}, '... but the key');
	like($second->{headers}{'user-agent'},
		qr/^workflow_engine/, '... and what the engine says of itself');
	is($second->{headers}{'content-type'},
		$first->{headers}{'content-type'}, '... and what the body is');
	is($second->{target}, '/new?a=1', '... to the address as it was given');
}
is((at($http, 'same'))[-1]{headers}{ lc $_ },
	$of_step{$_}, "$_ goes to another address of the same server")
  foreach sort keys %of_step;
completed('back');
unlike(to_json((at($http, 'back'))[-1]{headers}),
	qr/of-step/, 'who sends it back gets no header back');
is((at($other, 'typed'))[0]{headers}{'content-type'},
	'text/plain', 'a type of the step describes its body there too');
completed('plain');
is((at($http, 'plain'))[0]{headers}{'x-of-connection'},
	'c-1', "a connection's header is sent");
my ($there) = at($other, 'plain');
unlike(to_json($there->{headers}), qr/c-1|session/, '... and stays');
like($there->{headers}{'x-request-id'},
	qr/:go$/, '... the key goes under its own name');
is($there->{headers}{'idempotency-key'}, undef, '... and under no other');

#
# Credentials.
#
foreach my $label (qw(secret basic))
{
	foreach my $how (qw(out beside climbing))
	{
		failed_like("${label}_$how",
			qr/^HTTP 307: redirects to ".*", where the connection's credentials do not go$/);
		is(scalar at($http, "${label}_$how"), 1, '... after one request');
	}
	is(scalar at($other, "${label}_out"), 0, '... and none elsewhere');
	my @requests = at($http, "${label}_below");
	is(scalar @requests, 2, "$label: a redirect below base_url is followed");
	is($requests[1]{headers}{authorization},
		$requests[0]{headers}{authorization}, '... with the credentials');
}
my @signed = at($http, 'secret_below');
is($signed[1]{headers}{$_}, $signed[0]{headers}{$_}, "... $_")
  foreach qw(x-api-key webhook-signature x-of-connection);

$node->stop;
done_testing();
