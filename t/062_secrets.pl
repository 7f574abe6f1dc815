
# Answers that repeat what they were sent, however they spell it: nothing of a
# credential is in a result, an error, the log or a table, and one that was
# read from a file is nowhere in the data directory.  And the worker's own
# memory does not hold a key when the step that used it has ended.

use strict;
use warnings FATAL => 'all';

use File::Find;
use MIME::Base64 qw(encode_base64);
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Test;
use WorkflowEngine::Outbound;

my $http = start_receiver('http');
my $secrets = PostgreSQL::Test::Utils::tempdir();
my $node = outbound_node('secrets', <<"CONF");
workflow_engine.workers = 1
workflow_engine.secrets_dir = '$secrets'
workflow_engine.max_output = 1MB
log_min_messages = debug5
log_min_error_statement = debug5
log_error_verbosity = verbose
log_statement = all
log_min_duration_statement = 0
debug_print_parse = on
CONF

# With every character that somebody escapes.
my %secret = (
	bearer => q{bE4rer-&a<b>"c'd/e+f=g%h\\i~J0},
	header => q{h3aDer &k<l>"m'n/o+p=q%r\\s;T1},
	basic => q{b4sIc-&u<v>"w'x/y+z=1%2\\3:U2},
	whatsapp => q{wH4ts-&a/b+c="d<e>'f_V3},
	slack => q{xoxb-&g/h+i="j<k>'l_W4},
	smtp => q{sM7p-&p4ss/w+o="r<d>'_Z8});
# Parts of addresses: %2F and %3d as addresses have them.
my %address = (
	slack_webhook => q{hookPATH-segment%2Fabc%3dX5},
	teams_webhook => q{sigVALUE-of%2Fquery%3dY6});

my $n = 0;

sub in_file
{
	my ($text) = @_;
	my $name = 'secret' . ++$n;

	append_to_file("$secrets/$name", $text);
	return { file => $name };
}

# Each spelling in which it must be nowhere.
sub forms
{
	my ($text) = @_;
	my $hex = sub {
		my ($format) = @_;
		return $text =~ s/([^A-Za-z0-9])/sprintf $format, ord $1/ger;
	};
	my %name =
	  ('&' => 'amp', '<' => 'lt', '>' => 'gt', '"' => 'quot', "'" => '#x27');
	my @base64 = map {
		my $encoded = encode_base64(('x' x $_) . $text, '');
		substr($encoded, $_ ? $_ + 1 : 0,
			int((length($text) + $_) * 8 / 6) - ($_ ? $_ + 1 : 0));
	} 0 .. 2;

	return (
		$text,
		@base64,
		(map { tr{+/}{-_}r } @base64),
		$text =~ s/([&<>"'])/&$name{$1};/gr,
		$text =~ s/(["\\])/\\$1/gr,
		$text =~ s{(["\\/])}{\\$1}gr,
		$text =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ger,
		(map { $hex->($_) } '%%%02X', '%%%02x', '\\u%04x', '&#%d;', '&#x%X;'),
		join('', map { sprintf '%%%02X', ord } split //, $text));
}

sub leaks
{
	my ($text, @secrets) = @_;
	my @found;

	foreach my $secret (@secrets)
	{
		push @found, grep { index($text, $_) >= 0 } forms($secret);
	}
	return join("\n", @found);
}

my @how = qw(plain html html-number html-hex json json-hex percent
  percent-lower percent-all decoded base64 base64-x base64-xx);
my %config = (
	bearer => [ http => { bearer_token => in_file($secret{bearer}) } ],
	header => [ http => { headers => { 'X-Key' => in_file($secret{header}) } } ],
	basic => [
		http => {
			basic => { username => 'user', password => in_file($secret{basic}) }
		}
	],
	whatsapp =>
	  [ whatsapp_cloud => { access_token => in_file($secret{whatsapp}) } ],
	slack => [ slack => { bot_token => in_file($secret{slack}) } ]);
my @steps;

foreach my $how (@how)
{
	foreach my $name (sort keys %config)
	{
		my ($kind, $credentials) = @{ $config{$name} };

		connection(
			$node,
			name => "$name-$how",
			kind => $kind,
			config => {
				base_url => $http->url("/echo-as/$how"),
				($kind eq 'whatsapp_cloud' ? (phone_number_id => '1') : ()) },
			credentials => $credentials);
	}
	connection(
		$node,
		name => "slack_webhook-$how",
		kind => 'slack_webhook',
		credentials => {
			channels => {
				ops => in_file(
					$http->url("/echo-as/$how/T1/$address{slack_webhook}")) } });
	connection(
		$node,
		name => "teams_webhook-$how",
		kind => 'teams_webhook',
		credentials => {
			url => in_file(
				$http->url(
					"/echo-as/$how/run?sp=x&sig=$address{teams_webhook}")) });
	push @steps,
	  (
		map {
			(
				"$_-$how" => {
					action => 'webhook',
					params => { connection => "$_-$how", path => 'x' } })
		} qw(bearer header basic)
	  ),
	  "whatsapp-$how" => {
		action => 'whatsapp_notify',
		params => {
			phone => '+96170123456',
			template => 'x',
			connection => "whatsapp-$how"
		}
	  },
	  (
		map {
			(
				"$_-$how" => {
					action => 'team_notify',
					params => {
						channel => 'ops',
						message => 'x',
						connection => "$_-$how"
					}
				})
		} qw(slack slack_webhook teams_webhook));
}
connection(
	$node,
	name => 'email',
	kind => 'smtp',
	config => { url => 'smtp://127.0.0.1:1', from => 'a@example.com' },
	credentials => { username => 'u', password => in_file($secret{smtp}) });
my %got = run_steps(
	$node, @steps,
	email => {
		action => 'send_email',
		retry => { max_attempts => 1 },
		params => { to => 'b@example.com', subject => 's', body => 'b' } });

# They were sent as they are, and what came back is no secret any more.
my %sent = map { ($_->{headers}{authorization} || '') => 1 } $http->requests;
ok($sent{"Bearer $secret{$_}"}, "$_: was sent") foreach qw(bearer whatsapp slack);
my %token = (%secret, %address);
foreach my $label (sort keys %got)
{
	my ($name) = $label =~ /^(\w+)/;
	my $result = $got{$label};
	my $said = join "\n", $result->{error} || '', $result->{error_message} || '',
	  ref $result->{output}
	  ? ($result->{output}{body} || '', values %{ $result->{output}{headers} || {} })
	  : ();

	like($said, qr/\*{6}/, "$label: blotted out")
	  unless $label eq 'email' || $label =~ /^teams/;
	is(leaks($said, $token{$name} || $secret{smtp}), '', "$label: wholly");
}

#
# A key that signs is used by our own code alone: the step after it looks
# through the worker's memory.  No text that is searched for stands in the
# function as a whole.
#
my $key = join '', map { chr(97 + $_ * 7 % 26) } 1 .. 40;
my $signing = 'whsec_' . encode_base64($key, '');
my $halves = sub {
	my ($text) = @_;
	return map { unpack('H*', $_) } unpack('a12 a8', $text);
};
connection(
	$node,
	name => 'signed',
	kind => 'http',
	config => { base_url => $http->url('/signed') },
	credentials => { signing_secret => in_file($signing) });
$node->safe_psql('postgres', <<'SQL');
CREATE FUNCTION look(params jsonb, context jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
	head bytea := decode(params->>'head', 'hex');
	tail bytea := decode(params->>'tail', 'hex');
	part record;
	piece bytea;
	at bigint;
	place int;
	found int := 0;
	bytes bigint := 0;
BEGIN
	FOR part IN
		SELECT ('x' || lpad(m[1], 16, '0'))::bit(64)::bigint AS low,
			   ('x' || lpad(m[2], 16, '0'))::bit(64)::bigint AS high
		  FROM regexp_matches(pg_read_file('/proc/self/maps', 0, 1000000),
			'^([0-9a-f]+)-([0-9a-f]+) rw-p [0-9a-f]+ \S+ 0 *(?:|\[heap\]|\[stack\])$',
			'gn') m
	LOOP
		at := part.low;
		WHILE at < part.high LOOP
			BEGIN
				piece := pg_read_binary_file('/proc/self/mem', at,
					least(part.high - at, 1000100), true);
			EXCEPTION WHEN OTHERS THEN
				piece := NULL;
			END;
			bytes := bytes + coalesce(length(piece), 0);
			LOOP
				place := position(head IN piece);
				EXIT WHEN coalesce(place, 0) = 0;
				piece := substr(piece, place + length(head));
				IF substr(piece, 1, length(tail)) = tail THEN
					found := found + 1;
				END IF;
			END LOOP;
			at := at + 1000000;
		END LOOP;
	END LOOP;
	RETURN jsonb_build_object('found', found, 'bytes', bytes);
END $$;
SELECT wf_register_action('look', 'look(jsonb, jsonb)');
SQL

sub look
{
	my ($name, $text) = @_;
	my ($head, $tail) = $halves->($text);

	return {
		name => $name,
		action => 'look',
		timeout => '50 s',
		params => { head => $head, tail => $tail } };
}
$node->append_conf('postgresql.conf', <<'CONF');
log_min_messages = warning
log_statement = none
log_min_duration_statement = -1
debug_print_parse = off
CONF
$node->reload;
# Many at a time, so that what one leaves is not overwritten by the next.
%got = run_steps(
	$node,
	map {
		(
			"signed$_" => {
				action => 'webhook',
				params =>
				  { connection => 'signed', path => '/x', body => { a => 1 } } })
	} 1 .. 40);
my $known = 'known-' . join '', reverse 'a' .. 'z';
%got = run_steps(
	$node,
	memory => {
		steps => [
			{
				name => 'signed',
				action => 'webhook',
				params =>
				  { connection => 'signed', path => '/x', body => { a => 1 } }
			},
			look('file', $signing),
			look('key', $key),
			look('payload', $known) ],
		payload => { known => $known } });
my %step = map { $_->{step_name} => $_ } @{ $got{memory}{steps} };
is($got{memory}{run_status}, 'completed', 'the memory was read')
  or diag(to_json($got{memory}));
like((request_of($http, $got{memory}) || {})->{headers}{'webhook-signature'},
	qr/^v1,/, 'the key was used');
cmp_ok($step{file}{output}{bytes}, '>', 1_000_000, 'there is memory');
cmp_ok($step{payload}{output}{found}, '>', 0, 'what is no secret is found in it');
is($step{file}{output}{found}, 0, 'the text of the key is not');
is($step{key}{output}{found}, 0, 'nor the key');

#
# Tables, log, data directory.
#
my $everything = $node->safe_psql(
	'postgres', q{
	SELECT string_agg(query_to_xml(format('SELECT * FROM %s', c.oid::regclass),
			true, false, '')::text, '')
	  FROM pg_class c, pg_namespace n
	 WHERE n.oid = relnamespace AND relkind = 'r' AND nspname = 'public'
	   AND relname <> 'workflow_connections';
	SELECT t::text FROM pg_stat_activity t;
	SELECT t::text FROM wf_workers() t;
	SELECT t::text FROM wf_history(max_rows => 10000) t});
my @all = (values %secret, values %address, $signing, $key);
cmp_ok(length $everything, '>', 100_000, 'the tables were read');
is(leaks($everything, @all), '', 'no table has a secret');
$node->stop;
is(leaks(slurp_file($node->logfile), @all), '', 'the log has none');
my %files;
find(
	{
		no_chdir => 1,
		wanted => sub {
			return unless -f $_ && $_ !~ m{/base/(?:1|4)/};
			my $leaked = leaks(slurp_file($_), @all);
			$files{$_} = $leaked if $leaked;
		}
	},
	$node->data_dir);
is(join(', ', %files), '', 'a secret of a file is in no file of the server');

done_testing();
