# wf_console behind nginx with TLS, by the lines of docs/console.md: the cookie of
# https, the names that are taken, the headers, and the address that is logged.
use strict;
use warnings FATAL => 'all';

use File::Basename qw(dirname);
use IO::Socket::INET;
use IPC::Run ();
use JSON::PP;
use POSIX ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use WorkflowEngine::Console;
use WorkflowEngine::Test;

my ($program) = grep { -x } map { "$_/nginx" } split(/:/, $ENV{PATH}), '/usr/sbin';
plan skip_all => 'nginx is not installed' unless $program;

my $node = console_node('proxy');
my $ca = make_ca();
my $dir = PostgreSQL::Test::Utils::tempdir();
my $port = PostgreSQL::Test::Cluster::get_free_port();
my $url = "https://localhost:$port";
my $console = start_console($node, url => $url);
my ($server) = slurp_file(dirname(__FILE__) . '/../docs/console.md') =~ /```nginx\n(.*?)```/s;

# As in the manual, but for names, ports and files.
foreach my $change ([ 'listen 443', "listen 127.0.0.1:$port" ],
	[ 'server_name automation.example.com', 'server_name localhost' ],
	[ '/etc/ssl/automation.pem', "$ca/good.pem" ], [ '/etc/ssl/automation.key', "$ca/good.key" ],
	[ 'Host automation.example.com', "Host localhost:$port" ],
	[ '127.0.0.1:8480', "127.0.0.1:$console->{port}" ])
{
	my ($from, $to) = @$change;
	ok($server =~ s/\Q$from\E/$to/, "the manual has $from");
}
append_to_file("$dir/conf",
	"daemon off;\npid $dir/pid;\nevents {}\nhttp {\naccess_log off;\n"
	  . join('', map { "${_}_temp_path $dir/$_;\n" } qw(client_body proxy fastcgi uwsgi scgi))
	  . "$server}\n");
my $nginx = fork();
if (!$nginx)
{
	no warnings 'exec';
	exec($program, '-c', "$dir/conf", '-e', "$dir/error.log") or POSIX::_exit(127);
}
# also if this test ends early
END { kill 'QUIT', $nginx if $nginx; }
wait_until(sub { IO::Socket::INET->new("127.0.0.1:$port") }, 'nginx is there');

# Status, headers and body that curl has, which keeps cookies as a browser does.
sub curl
{
	my (@arguments) = @_;
	my ($out, $err);

	IPC::Run::run([ 'curl', '-sSi', '--cacert', "$ca/ca.pem", '-b', "$dir/jar", '-c', "$dir/jar",
			(grep { /^Content-Type/ } @arguments) ? () : ('-H', 'Content-Type: application/json'),
			@arguments ], '<', \undef, '>', \$out, '2>', \$err);
	my ($head, $body) = split /\r\n\r\n/, $out, 2;
	my ($status) = ($head || '') =~ m,^HTTP/\S+ (\d+),;
	return ($status || $err, $head, $body);
}

my @origin = ('-H', "Origin: $url");
my ($status, $head, $body) = curl(@origin, '-H', 'Content-Type: application/x-wf-login',
	'-H', 'X-Forwarded-For: 192.0.2.99', '--data-binary', "ops_a\nsecret of ops_a", "$url/api/login");
is($status, 200, 'a sign-in by https') or diag($body);
like($head, qr/^Strict-Transport-Security: max-age=31536000\r?$/m, 'HSTS');
like($head, qr/^Content-Security-Policy: default-src 'none'/m, 'the policy comes through');
my $token = decode_json($body)->{token};
like(slurp_file("$dir/jar"), qr/\tTRUE\t0\t__Host-wf\t[0-9a-f]{64}$/m, 'the cookie is kept, for https alone');
my @token = ('-H', "X-WF-Token: $token");
($status, $head, $body) = curl(@token, "$url/api/me");
is($status, 200, 'and sent back');
is(decode_json($body)->{role}, 'ops_a', 'to the session');
($status) = curl(@token, @origin, '-d', '{}', "$url/api/runs");
is($status, 200, 'a POST');
($status) = curl(@token, '-H', "Origin: http://localhost:$port", '-d', '{}', "$url/api/runs");
is($status, 403, 'not of http');
($status) = curl(@token, @origin, '-d', '{"x": "' . ('y' x 100_000) . '"}', "$url/api/runs");
is($status, 200, 'a body of 100 kB');
append_to_file("$dir/large", '{"x": "' . ('y' x 3_000_000) . '"}');
($status) = curl(@token, @origin, '-d', "\@$dir/large", "$url/api/runs");
is($status, 413, 'of 3 MB: none');
# the console itself has that one name as well, though it is of this machine
($status) = curl('-H', "Host: 127.0.0.1:$port", "http://localhost:$console->{port}/");
is($status, 421, 'an address is no name of https');
($status) = curl("http://localhost:$console->{port}/");
is($status, 421, 'and another name is none');
($status) = curl('-H', 'Host: evil.example', "$url/");
is($status, 200, 'nginx says the name itself');
# nginx adds 127.0.0.1, which is trusted: so what is before it counts
ok($console->log_has('"event": "session begun", "role": "ops_a", "address": "192.0.2.99"'),
	'the last address that is no proxy');
kill 'QUIT', $nginx;
waitpid $nginx, 0;
$nginx = undef;
$console->stop;
done_testing();
