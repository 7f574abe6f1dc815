
# Whom a request may be sent to: the address that is connected to is judged,
# whatever the URL calls it, and workflow_engine.allowed_hosts lets others in.

use strict;
use warnings FATAL => 'all';

use FindBin;
use IPC::Run ();
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Test;
use WorkflowEngine::Outbound;

my $top = "$FindBin::Bin/..";
my $dir = PostgreSQL::Test::Utils::tempdir();

sub pg_config
{
	my ($what) = @_;
	my $answer = `pg_config $what`;
	chomp $answer;
	return $answer;
}

#
# The rules themselves, asked directly: address by address.
#
my @cc = split ' ', $ENV{CC} || 'cc';
system_or_bail(
	@cc, '-o', "$dir/address_check",
	'-I' . pg_config('--includedir-server'), "-I$top/src", '-D_GNU_SOURCE',
	"$top/t/loopback/address_check.c", "$top/src/config/address.c",
	"$top/src/config/address_list.c",
	"$top/src/config/address_parts.c", '-L' . pg_config('--pkglibdir'),
	'-L' . pg_config('--libdir'), '-lpgport', '-lpgcommon');

# Asks many questions at once and compares the answers.
sub answers
{
	my (@cases) = @_;
	my ($in, $out) = (join('', map { "$_->[0]\n" } @cases), '');

	ok(IPC::Run::run([ "$dir/address_check" ], '<', \$in, '>', \$out),
		'the address check runs');
	my @out = split /\n/, $out;
	is($out[$_], $cases[$_][1], $cases[$_][0]) foreach 0 .. $#cases;
	return;
}

# The first and the last of each range, and what lies beside it.
my @refused = qw(
  0.0.0.0 0.255.255.255 10.0.0.0 10.255.255.255 100.64.0.0 100.127.255.255
  127.0.0.0 127.0.0.1 127.255.255.255 169.254.0.0 169.254.169.254
  169.254.255.255 172.16.0.0 172.31.255.255 192.0.0.0 192.0.0.170
  192.0.0.255 192.0.2.0 192.0.2.255 192.88.99.1 192.168.0.0 192.168.255.255
  198.18.0.0 198.19.255.255 198.51.100.0 198.51.100.255 203.0.113.0
  203.0.113.255 224.0.0.0 224.0.0.1 239.255.255.255 240.0.0.0
  255.255.255.254 255.255.255.255
  :: ::1 ::2 ::8.8.8.8 ::127.0.0.1
  ::ffff:127.0.0.1 ::ffff:10.1.2.3 ::ffff:169.254.169.254 ::ffff:0.0.0.0
  ::ffff:100.64.0.1 ::ffff:224.0.0.1 ::ffff:255.255.255.255
  ::ffff:0:8.8.8.8 ::fffe:8.8.8.8
  64:ff9b::127.0.0.1 64:ff9b::10.0.0.1 64:ff9b::169.254.169.254
  64:ff9b:0:0:0:1:808:808 64:ff9b:1::1 64:ff9b:1:ffff:ffff:ffff:808:808
  100::1 1fff:ffff::1 2001:: 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2
  2001:2::1 2001:10::1 2001:1ff:ffff::1 2001:db8:: 2001:db8:ffff::1
  2002:7f00:1:: 2002:a00:1::1 2002:a9fe:a9fe::1 2002:c0a8:101::1
  2002:0:1::1 3fff:: 3fff:fff:ffff::1 4000::1 5f00::1 8000::1 c000::1
  e000::1 fbff::1 fc00:: fc00::1 fd00::1 fd00:ec2::254
  fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff fe00::1 fe80:: fe80::1
  febf:ffff::1 fec0:: fec0::1 feff::1 ff00:: ff02::1 ff0e::1
  ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff);
my @public = qw(
  1.0.0.0 1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0
  126.255.255.255 128.0.0.0 169.253.255.255 169.255.0.0 172.15.255.255
  172.32.0.0 191.255.255.255 192.0.1.0 192.0.3.0 192.88.98.255 192.88.100.0
  192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 198.51.99.255
  198.51.101.0 203.0.112.255 203.0.114.0 223.255.255.255
  2000::1 2001:200::1 2001:db7:ffff::1 2001:db9::1 2001:4860:4860::8888
  2002:808:808::1 2003::1 2606:4700::1111 2a00:1450::1 3ffe::1 3fff:1000::1
  ::ffff:8.8.8.8 64:ff9b::8.8.8.8);
answers((map { [ "judge $_", 'refused' ] } @refused),
	(map { [ "judge $_", 'public' ] } @public),
	[ 'judge localhost', 'none' ]);

# What is a host name in a URL, and what an address spelled oddly.
answers(
	[ 'host 127.0.0.1', '127.0.0.1' ],
	[ 'host 127.0.0.1.', '127.0.0.1' ],
	[ 'host 127.1', '127.0.0.1' ],
	[ 'host 2130706433', '127.0.0.1' ],
	[ 'host 0x7f000001', '127.0.0.1' ],
	[ 'host 0177.0.0.1', '127.0.0.1' ],
	[ 'host 0x7f.1', '127.0.0.1' ],
	[ 'host 0', '0.0.0.0' ],
	[ 'host [::1]', '::1' ],
	[ 'host ::1', '::1' ],
	[ 'host [::ffff:10.0.0.1]', '10.0.0.1' ],
	[ 'host localhost', '127.0.0.1' ],
	[ 'host LocalHost.', '127.0.0.1' ],
	[ 'host a.localhost', '127.0.0.1' ],
	[ 'host notlocalhost', 'name' ],
	[ 'host localhost.example.com', 'name' ],
	[ 'host 127.0.0.1.example.com', 'name' ],
	[ 'host .', 'name' ],
	[ 'host ' . 'a' x 290, 'name' ]);

# The list: its forms.
answers(
	[ 'allowed 127.0.0.1 80 localhost', 'no' ],
	[ 'list ', 'ok' ],
	[ 'allowed 127.0.0.1 80 localhost', 'no' ],
	[ 'allowed 8.8.8.8 80', 'yes' ],
	[ 'list Example.COM, *.Example.org. , host_1:8080,*.x:1', 'ok' ],
	[ 'allowed 10.0.0.1 80 example.com', 'yes' ],
	[ 'allowed 10.0.0.1 80 EXAMPLE.com.', 'yes' ],
	[ 'allowed ::1 443 example.com', 'yes' ],
	[ 'allowed 10.0.0.1 80 www.example.com', 'no' ],
	[ 'allowed 10.0.0.1 80 xexample.com', 'no' ],
	[ 'allowed 10.0.0.1 80 example.com.evil', 'no' ],
	[ 'allowed 10.0.0.1 80', 'no' ],
	[ 'allowed 10.0.0.1 80 www.example.org', 'yes' ],
	[ 'allowed 10.0.0.1 80 a.b.EXAMPLE.org.', 'yes' ],
	[ 'allowed 10.0.0.1 80 example.org', 'no' ],
	[ 'allowed 10.0.0.1 80 badexample.org', 'no' ],
	[ 'allowed 10.0.0.1 80 .example.org', 'no' ],
	[ 'allowed 10.0.0.1 8080 host_1', 'yes' ],
	[ 'allowed 10.0.0.1 80 host_1', 'no' ],
	[ 'allowed 10.0.0.1 1 y.x', 'yes' ],
	[ 'allowed 10.0.0.1 2 y.x', 'no' ],
	[ 'list 10.1.2.3, 192.168.4.0/22, 127.0.0.0/8:8080 , 172.16.0.1:443', 'ok' ],
	[ 'allowed 10.1.2.3 1', 'yes' ],
	[ 'allowed 10.1.2.4 1', 'no' ],
	[ 'allowed ::ffff:10.1.2.3 1', 'yes' ],
	[ 'allowed 64:ff9b::10.1.2.3 1', 'no' ],
	[ 'allowed 192.168.7.255 1 anything', 'yes' ],
	[ 'allowed 192.168.8.0 1', 'no' ],
	[ 'allowed 192.168.3.255 1', 'no' ],
	[ 'allowed 127.9.9.9 8080', 'yes' ],
	[ 'allowed 127.9.9.9 8081', 'no' ],
	[ 'allowed 172.16.0.1 443', 'yes' ],
	[ 'allowed 172.16.0.1 80', 'no' ],
	[ 'list ::1,[fd00::1]:443, fd12::/16, [fd13::/16]:80, [fe80::1],::ffff:10.0.0.0/104', 'ok' ],
	[ 'allowed ::1 5', 'yes' ],
	[ 'allowed ::2 5', 'no' ],
	[ 'allowed fd00::1 443', 'yes' ],
	[ 'allowed fd00::1 80', 'no' ],
	[ 'allowed fd12:3::4 80', 'yes' ],
	[ 'allowed fd13:3::4 80', 'yes' ],
	[ 'allowed fd13:3::4 81', 'no' ],
	[ 'allowed fe80::1 81', 'yes' ],
	[ 'allowed 10.7.7.7 81', 'yes' ],
	[ 'allowed 127.0.0.1 81 localhost', 'no' ],
	[ 'list 0.0.0.0/0', 'ok' ],
	[ 'allowed 127.0.0.1 1', 'yes' ],
	[ 'allowed ::ffff:127.0.0.1 1', 'yes' ],
	[ 'allowed ::1 1', 'no' ],
	[ 'list ::/0', 'ok' ],
	[ 'allowed ::1 1', 'yes' ],
	[ 'allowed 127.0.0.1 1', 'no' ]);

# ... and what is none of them.
my $long = ('a' x 63 . '.') x 4;
my @bad = (
	'*', '*.', '*.*', '*a.b', 'a.*', 'a..b', '.a', 'a b', 'a:', 'a:0',
	'a:65536', 'a:x', 'a:80x', 'a:-1', ':80', 'http://a', 'a/b', 'a@b',
	'256.0.0.1', '1.2.3', '10.1', '127', '0177.0.0.1', 'a.1', '0x7f.1',
	'10.0.0.1/8', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/x', '10.0.0.0/-1',
	'10.0.0.0/8/8', '/8', '[::1', '[::1]x', '[::1]:', '[::1]:0', '[]',
	'[10.0.0.1]', '[a]:80', '::1:x', ':::', 'fd00::1/8', '::/129', 'fe80::1%lo',
	"\xc3\xa4.example", 'a' x 64, $long, 'x' x 5000, '"a"', q('a'));
answers((map { [ "list $_", 'bad ' . substr($_, 0, 269) ] } @bad),
	[ 'list a,,b', 'bad ' ],
	[ 'list a,', 'bad ' ],
	[ 'list ,', 'bad ' ],
	[ 'list a, b c', 'bad b c' ]);

#
# A worker without the setting, but for one address by which a reload shows.
#
# Names are a file's (see t/loopback/resolver.c).  Environments name a proxy
# where nobody listens: whoever heeded that would reach nothing.
#
system_or_bail(@cc, '-shared', '-fPIC', '-o', "$dir/resolver.so",
	"$top/t/loopback/resolver.c", '-ldl');

sub set_names
{
	my (@lines) = @_;
	open(my $file, '>', "$dir/names.new") or die "names: $!";
	print $file "$_\n" foreach @lines;
	close $file;
	rename "$dir/names.new", "$dir/names" or die "names: $!";
	return;
}
set_names(
	'partner.test 127.0.0.1',
	'api.partner.test 127.0.0.1',
	'private.test 10.1.2.3',
	'mapped.test ::ffff:127.0.0.1',
	'mixed.test 10.255.255.1',
	'mixed.test 127.0.0.1',
	'rebind.test 127.0.0.1');
local $ENV{LD_PRELOAD} = "$dir/resolver.so";
local $ENV{WF_TEST_NAMES} = "$dir/names";
local $ENV{$_} = 'http://127.0.0.1:9'
  foreach qw(http_proxy HTTP_PROXY https_proxy HTTPS_PROXY all_proxy ALL_PROXY);
local $ENV{no_proxy} = '';

my $ca = make_ca();
my $http = start_receiver('http');
my $other = start_receiver('http');
my $smtp = start_receiver('smtp');
my ($port, $port2, $mail_port) = ($http->port, $other->port, $smtp->port);
my $node = outbound_node('egress', <<"CONF");
workflow_engine.workers = 1
workflow_engine.allowed_hosts = ''
workflow_engine.connect_timeout = 20s
workflow_engine.http_timeout = 30s
workflow_engine.ca_file = '$ca/ca.pem'
CONF

connection(
	$node,
	name => $_->[0],
	kind => 'smtp',
	config =>
	  { url => $_->[1], from => 'a@example.com', starttls => 'never' })
  foreach [ mail => "smtp://127.0.0.1:$mail_port" ],
  [ mail_name => "smtp://localhost:$mail_port" ],
  [ mail_rebind => "smtp://rebind.test:$mail_port" ],
  [ mail_meta => 'smtps://169.254.169.254:465' ];

sub get
{
	my ($url, %params) = @_;
	return {
		action => 'webhook',
		params => { url => $url, method => 'GET', %params },
		retry => { max_attempts => 1 } };
}

sub mail
{
	my ($connection) = @_;
	return {
		action => 'send_email',
		params => {
			connection => $connection,
			to => 'b@example.com',
			subject => 's',
			body => 'text' },
		retry => { max_attempts => 1 } };
}

# Sets allowed_hosts and perhaps more, reloads, and waits until the worker
# shows that it has: each list gets an address of its own.
my $mark = 10;

sub allow
{
	my ($list, %more) = @_;
	my $probe = '127.77.0.' . ++$mark;
	my %settings = (
		'workflow_engine.allowed_hosts' =>
		  join(', ', ($list ne '' ? $list : ()), "$probe:9"),
		%more);

	$node->safe_psql('postgres', "ALTER SYSTEM SET $_ = '$settings{$_}'")
	  foreach sort keys %settings;
	$node->safe_psql('postgres', 'SELECT pg_reload_conf()');
	return if $settings{'workflow_engine.http_proxy'};
	wait_until(
		sub {
			my %now = run_steps($node, probe => get("http://$probe:9/"));
			return $now{probe}{error} !~ /not allowed/;
		},
		"the worker has taken '$list'");
	return;
}

my %got;

sub refused
{
	my ($label, $address) = @_;
	is( $got{$label}{error},
		"connections to $address are not allowed (workflow_engine.allowed_hosts)",
		"$label is refused");
	return;
}

sub completed
{
	my ($label) = @_;
	is($got{$label}{run_status}, 'completed', "$label completes")
	  or diag(to_json($got{$label}));
	return;
}

#
# Nothing but public addresses: every spelling of others is refused, and at
# once, since there is no connection to wait for.
#
my %spelled = (
	"http://127.0.0.1:$port/" => '127.0.0.1',
	"http://127.1:$port/" => '127.0.0.1',
	"http://2130706433:$port/" => '127.0.0.1',
	"http://0177.0.0.1:$port/" => '127.0.0.1',
	"http://017700000001:$port/" => '127.0.0.1',
	"http://0x7f.1:$port/" => '127.0.0.1',
	"http://0x7f000001:$port/" => '127.0.0.1',
	"http://%31%32%37.0.0.1:$port/" => '127.0.0.1',
	"http://0:$port/" => '0.0.0.0',
	"http://0.0.0.0:$port/" => '0.0.0.0',
	"http://[::1]:$port/" => '::1',
	"http://[::]:$port/" => '::',
	"http://[0:0:0:0:0:0:0:1]:$port/" => '::1',
	"http://[::ffff:127.0.0.1]:$port/" => '127.0.0.1',
	"http://[::ffff:7f00:1]:$port/" => '127.0.0.1',
	"http://[::127.0.0.1]:$port/" => '::127.0.0.1',
	"http://[64:ff9b::10.0.0.1]/" => '64:ff9b::a00:1',
	"http://[2002:a00:1::]/" => '2002:a00:1::',
	"http://[2001::1]/" => '2001::1',
	"http://[fe80::1]/" => 'fe80::1',
	"http://[fec0::1]/" => 'fec0::1',
	"http://[fd00:ec2::254]/latest/meta-data/" => 'fd00:ec2::254',
	"http://[ff02::1]/" => 'ff02::1',
	"http://169.254.169.254/latest/meta-data/" => '169.254.169.254',
	"https://169.254.169.254/" => '169.254.169.254',
	"http://10.0.0.1/" => '10.0.0.1',
	"http://172.16.0.1/" => '172.16.0.1',
	"http://192.168.1.1/" => '192.168.1.1',
	"http://100.100.100.200/" => '100.100.100.200',
	"http://192.0.0.192/" => '192.0.0.192',
	"http://198.18.0.1/" => '198.18.0.1',
	"http://224.0.0.1/" => '224.0.0.1',
	"http://255.255.255.255/" => '255.255.255.255',
	"http://partner.test:$port/" => '127.0.0.1',
	"http://private.test/" => '10.1.2.3',
	"http://mapped.test:$port/" => '127.0.0.1');

# This machine has "localhost" as one address or as two.
%got = run_steps(
	$node,
	(map { $_ => get($_) } sort keys %spelled),
	localhost => get("http://localhost:$port/"),
	wide => get("http://\x{ff11}\x{ff12}\x{ff17}.0.0.1:$port/"),
	upper => get("http://LOCALHOST:$port/"),
	mixed => get("http://mixed.test:$port/"),
	mail => mail('mail'),
	mail_name => mail('mail_name'),
	mail_rebind => mail('mail_rebind'),
	mail_meta => mail('mail_meta'));
refused($_, $spelled{$_}) foreach sort keys %spelled;
like($got{$_}{error}, qr/^connections to (127\.0\.0\.1|::1) are not allowed/,
	"$_ is refused")
  foreach qw(localhost upper mail_name);
like($got{mixed}{error}, qr/^connections to (127|10)\.\S+ are not allowed/,
	'a name with two addresses, both shut, is refused');
is($got{wide}{run_status}, 'failed', 'digits of another script are refused');
refused('mail', '127.0.0.1');
refused('mail_rebind', '127.0.0.1');
refused('mail_meta', '169.254.169.254');
cmp_ok($got{$_}{duration_ms}, '<', 10_000, "$_ is refused at once")
  foreach 'http://10.0.0.1/', 'http://[fd00:ec2::254]/latest/meta-data/';
is(scalar $http->requests, 0, 'nothing has arrived');
is(scalar $smtp->requests, 0, '... and no mail');

#
# Names and ports.
#
allow("Partner.TEST., LOCALHOST:$port");
%got = run_steps(
	$node,
	name => get("http://partner.test:$port/"),
	name_case => get("http://PARTNER.test.:$port/"),
	name_port => get("http://partner.test:$port2/"),
	below => get("http://api.partner.test:$port/"),
	localhost => get("http://localhost:$port/"),
	other_port => get("http://localhost:$port2/"),
	address => get("http://127.0.0.1:$port/"),
	to_address => get(
		"http://partner.test:$port/redirect-to/302",
		query => { url => "http://127.0.0.1:$port2/shut" }),
	to_other_name => get(
		"http://partner.test:$port/redirect-to/302",
		query => { url => "http://api.partner.test:$port2/shut" }),
	to_private => get(
		"http://partner.test:$port/redirect-to/307",
		query => { url => 'http://private.test/' }),
	to_decimal => get(
		"http://partner.test:$port/redirect-to/301",
		query => { url => 'http://2852039166/latest/' }),
	to_name => get(
		"http://partner.test:$port/redirect-to/302",
		query => { url => "http://localhost:$port/arrived" }),
	mail => mail('mail_name'));
completed($_) foreach qw(name name_case name_port localhost to_name);
refused($_, '127.0.0.1') foreach qw(below address to_address to_other_name);
like($got{$_}{error}, qr/^connections to (127\.0\.0\.1|::1) are not allowed/,
	"$_: an entry with a port is for that port")
  foreach qw(other_port mail);
refused('to_private', '10.1.2.3');
refused('to_decimal', '169.254.169.254');
is(scalar(grep { $_->{path} eq '/shut' } $other->requests),
	0, 'no redirect to a shut address has arrived');
is(scalar(grep { $_->{path} eq '/arrived' } $http->requests),
	1, 'the other one has');

#
# Addresses and networks let in every name; a suffix what is below it.
#
allow("127.0.0.0/8:$port, *.partner.test:$port2");
%got = run_steps(
	$node,
	address => get("http://127.0.0.1:$port/"),
	decimal => get("http://2130706433:$port/"),
	name => get("http://partner.test:$port/"),
	mapped => get("http://mapped.test:$port/"),
	mapped_literal => get("http://[::ffff:127.0.0.1]:$port/"),
	one_of_two => get("http://mixed.test:$port/"),
	below => get("http://api.partner.test:$port2/"),
	not_below => get("http://partner.test:$port2/"),
	port => get("http://127.0.0.1:$port2/"),
	to_suffix => get(
		"http://127.0.0.1:$port/redirect-to/302",
		query => { url => "http://api.partner.test:$port2/suffix" }),
	from_suffix => get(
		"http://api.partner.test:$port2/redirect-to/302",
		query => { url => "http://partner.test:$port2/shut" }),
	mail => mail('mail'));
completed($_)
  foreach qw(address decimal name one_of_two below to_suffix);
refused($_, '127.0.0.1') foreach qw(not_below port from_suffix mail);

# The receivers have no IPv6: what the kernel says shows that it was asked.
unlike($got{$_}{error} || '', qr/not allowed/, "$_ is let in")
  foreach qw(mapped mapped_literal);
allow("127.0.0.1:$mail_port, [::1]:$port");
%got = run_steps(
	$node,
	v6 => get("http://[::1]:$port/"),
	v6_port => get("http://[::1]:$port2/"),
	mail => mail('mail'));
unlike($got{v6}{error}, qr/not allowed/, 'IPv6: let in');
refused('v6_port', '::1');
completed('mail');

#
# A name that is given another address is judged anew.  (libcurl keeps an
# address for a minute: a new worker asks again.)
#
allow('127.0.0.0/8');
%got = run_steps(
	$node,
	http => get("http://rebind.test:$port/"),
	mail => mail('mail_rebind'));
completed($_) foreach qw(http mail);
set_names('rebind.test 10.9.8.7');
$node->safe_psql('postgres', 'SELECT pg_terminate_backend(pid) FROM wf_workers()');
%got = run_steps(
	$node,
	http => get("http://rebind.test:$port/"),
	mail => mail('mail_rebind'));
refused($_, '10.9.8.7') foreach qw(http mail);

#
# What a reload shuts is shut for connections that are open, too.
#
$http->forget;
%got = run_steps($node, "once$_" => get("http://127.0.0.1:$port/kept"))
  foreach 1, 2;
my %ports = map { $_->{client_port} => 1 } $http->requests;
is(scalar(keys %ports), 1, 'a connection is reused');
allow('127.0.0.1');
%got = run_steps($node, kept => get("http://127.0.0.1:$port/kept"));
completed('kept');
%ports = map { $_->{client_port} => 1 } $http->requests;
is(scalar(keys %ports), 2, '... but not after the setting has changed');
allow('');
%got = run_steps($node, kept => get("http://127.0.0.1:$port/kept"));
refused('kept', '127.0.0.1');
is(scalar(grep { $_->{path} eq '/kept' } $http->requests),
	3, '... and nothing was sent');
allow('127.0.0.1');
%got = run_steps($node, kept => get("http://127.0.0.1:$port/kept"));
completed('kept');

#
# What is no list is refused when it is set, and says which entry.
#
foreach my $case (
	[ 'localhost, http://x', 'http://x' ],
	[ '10.0.0.1/8', '10.0.0.1/8' ],
	[ 'a,,b', '' ],
	[ '*', '*' ])
{
	my ($list, $entry) = @$case;
	my ($stdout, $stderr);

	isnt(
		$node->psql(
			'postgres',
			"ALTER SYSTEM SET workflow_engine.allowed_hosts = '$list'",
			stdout => \$stdout,
			stderr => \$stderr),
		0,
		"'$list' is refused");
	like($stderr, qr/invalid value for parameter.*DETAIL:  "\Q$entry\E" is no host name/s,
		"... for '$entry'");
}
foreach my $proxy ('proxy', 'socks5://x', 'http://', 'http://u:p@x:1',
	'http://x/y', 'http://x y', 'ftp://x:1')
{
	isnt(
		$node->psql(
			'postgres',
			"ALTER SYSTEM SET workflow_engine.http_proxy = '$proxy'",
			stderr => \my $stderr),
		0,
		"proxy '$proxy' is refused");
	like($stderr, qr/DETAIL:  (It must be|The proxy must)/, '... with a reason');
}
isnt(
	$node->psql(
		'postgres',
		"SET workflow_engine.allowed_hosts = '127.0.0.1'",
		stderr => \my $message),
	0,
	'no session can set it');
$node->safe_psql('postgres', 'CREATE ROLE nobody');
isnt(
	$node->psql(
		'postgres',
		'SET ROLE nobody; ALTER SYSTEM SET workflow_engine.allowed_hosts = $$*.x$$',
		stderr => \$message),
	0,
	'only superusers can');

#
# A proxy of the settings: it is let in, and asked for names and for what
# the guard lets in.
#
$http->forget;
allow("10.0.0.5:8080, 127.0.0.1:$mail_port",
	'workflow_engine.http_proxy' => "http://127.0.0.1:$port");
wait_until(
	sub {
		my %now =
		  run_steps($node, probe => get('http://probe.example.com/probe'));
		return $now{probe}{run_status} eq 'completed';
	},
	'the worker has taken the proxy');
%got = run_steps(
	$node,
	name => get('http://api.example.com/a?b=c'),
	public => get('http://8.8.8.8/public'),
	let_in => get('http://10.0.0.5:8080/let-in'),
	other_port => get('http://10.0.0.5/'),
	loopback => get("http://127.0.0.1:$port/"),
	decimal => get("http://2130706433:$port/"),
	v6 => get('http://[::1]/'),
	mapped => get('http://[::ffff:127.0.0.1]/'),
	metadata => get('http://169.254.169.254/latest/'),
	wide => get("http://\x{ff11}\x{ff12}\x{ff17}.0.0.1:$port/wide"),
	localhost => get("http://localhost:$port/"),
	localhost2 => get('http://x.LOCALHOST./'),
	redirect => get(
		'http://api.example.com/redirect-to/302',
		query => { url => 'http://169.254.169.254/latest/' }),
	redirect_name => get(
		'http://api.example.com/redirect-to/302',
		query => { url => 'http://b.example.com/redirected' }),
	https => { %{ get('https://secure.example.com/x') }, timeout => '4 s' },
	https_shut => get('https://10.0.0.5/x'),
	mail => mail('mail'));
completed($_) foreach qw(name public let_in redirect_name mail);
is( (request_of($http, $got{name}) || {})->{target},
	'http://api.example.com/a?b=c',
	'the proxy is asked for the whole URL');
is((requests_of($http, $got{redirect_name}))[-1]{target},
	'http://b.example.com/redirected', '... and for a redirect');
refused($_, '10.0.0.5') foreach qw(other_port https_shut);
refused($_, '127.0.0.1') foreach qw(loopback decimal);
refused('v6', '[::1]');
like($got{mapped}{error}, qr/^connections to \[::ffff:.*\] are not allowed/,
	'mapped is refused');
refused($_, '169.254.169.254') foreach qw(metadata redirect);
like($got{$_}{error}, qr/^connections to \S*localhost\S* are not allowed/i,
	"$_ is refused")
  foreach qw(localhost localhost2);
is($got{wide}{run_status}, 'failed', 'digits of another script are no way');
is($got{https}{run_status}, 'failed', 'TLS is not spoken to the test proxy');
is(scalar(grep { $_->{method} eq 'CONNECT' && $_->{target} eq 'secure.example.com:443' } $http->requests),
	1, '... but it was asked for a tunnel');
is( scalar(
		grep { $_->{target} =~ /localhost|127\.0|2130706433|169\.254.*latest|::|wide/
			  && $_->{target} !~ /redirect-to/ } $http->requests),
	0,
	'it was asked for nothing that is shut');

#
# TLS goes through a tunnel, to the server and not to the proxy: its
# certificate is verified, and what the proxy says is no part of the answer.
#
my $proxy = start_receiver('http', '--tunnel');
my $tls = start_receiver('http', '--tls-cert', "$ca/good.pem",
	'--tls-key', "$ca/good.key");
my $alien = start_receiver('http', '--tls-cert', "$ca/alien.pem",
	'--tls-key', "$ca/alien.key");

allow('localhost',
	'workflow_engine.http_proxy' => 'http://127.0.0.1:' . $proxy->port);
wait_until(
	sub {
		my %now = run_steps($node, probe => get($tls->url('/probe')));
		return $now{probe}{run_status} eq 'completed';
	},
	'the worker has taken the other proxy');
$proxy->forget;
%got = run_steps(
	$node,
	tls => get($tls->url('/x')),
	alien => get($alien->url('/x')),
	to_shut => get(
		$tls->url('/redirect-to/302'),
		query => { url => 'https://169.254.169.254/latest/' }));
completed('tls');
is($got{tls}{output}{headers}{'x-proxy'},
	undef, 'the answer has nothing of the proxy');
ok(request_of($tls, $got{tls}), 'it has arrived at the server');
like($got{alien}{error}, qr/certificate/, 'an alien certificate is refused');
refused('to_shut', '169.254.169.254');
is_deeply([ grep { $_ !~ /^CONNECT localhost:\d+$/ }
		map { "$_->{method} $_->{target}" } $proxy->requests ],
	[], 'the proxy was asked for tunnels only');

# Without one, requests go out by themselves again.
allow('127.0.0.1', 'workflow_engine.http_proxy' => '');
$proxy->stop;
%got = run_steps($node, direct => get("http://127.0.0.1:$port/direct"));
completed('direct');
is((request_of($http, $got{direct}) || {})->{target},
	'/direct', 'without the setting no proxy is asked');

$node->stop;
done_testing();
