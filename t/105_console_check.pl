# wf_console: what it says at the start and with --check, and what of its
# configuration it refuses; what random bytes do to it.
use strict;
use warnings FATAL => 'all';

use File::Basename;
use IO::Socket::UNIX;
use IPC::Run;
use POSIX ();
use PostgreSQL::Test::Utils;
use Test::More;

use WorkflowEngine::Console;
use WorkflowEngine::Nginx;
use WorkflowEngine::Test;

my $node = console_node('check');
my $dir = PostgreSQL::Test::Utils::tempdir_short();
my $owner = getpwuid($<);
my $database = 'host=' . $node->host . ' port=' . $node->port . ' dbname=shop';
my $port = PostgreSQL::Test::Cluster::get_free_port();
my $files = 0;

# Its status, and what it says, with these lines of configuration.
sub console
{
	my ($conf, $input, @arguments) = @_;
	my $file = "$dir/conf" . $files++;
	my ($out, $err);

	append_to_file($file, $conf);
	# From a file: a console that leaves before it reads would break a pipe.
	append_to_file("$file.input", $input);
	IPC::Run::run([ WorkflowEngine::Console::program(), '--config', $file, @arguments ],
		'<', "$file.input", '>', \$out, '2>', \$err, IPC::Run::timeout($WorkflowEngine::Test::limit));
	return ($? >> 8, $out . $err);
}

sub conf
{
	my ($conninfo, %other) = @_;
	my %lines = (listen => "127.0.0.1:$port", url => "http://127.0.0.1:$port",
		database => $conninfo, %other);
	return join '', map { "$_ = $lines{$_}\n" } sort keys %lines;
}

# Starts it as systemd does, with a socket as descriptor 3; its process.
sub start_with_socket
{
	my ($socket, $conf, $log) = @_;
	my $pid = fork();

	return $pid if $pid;
	open(STDERR, '>', $log);
	POSIX::dup2(fileno $socket, 3);
	@ENV{qw(LISTEN_PID LISTEN_FDS)} = ($$, 1);
	exec WorkflowEngine::Console::program(), '--config', $conf;
}

# What is refused at the start, and in which words.
my $ca = make_ca();
foreach my $case (
	[ 'another address', { listen => '0.0.0.0:8480' }, qr/put a proxy with TLS before it/ ],
	[ 'http elsewhere', { url => 'http://wf.example' }, qr/must be https:/ ],
	[ 'https without a proxy', { url => 'https://wf.example' }, qr/trusted_proxy is missing/ ],
	[ 'an unknown key', { colour => 'red' }, qr/line 1: there is no "colour"/ ],
	[ 'a word for one tenant alone', { tenant_label => 'en: branch' }, qr/line \d: tenant_label: "en: branch" is not/ ],
	[ 'a password', { database => "$database password=x" }, qr/"password" has no place here/ ],
	[ 'a role', { database => "$database user=postgres" }, qr/"user" has no place here/ ],
	[ 'settings', { database => "$database options=-cwork_mem=1" }, qr/"options" has no place/ ],
	[ 'a service', { database => 'service=x' }, qr/"service"/ ],
	[ 'no database', { database => 'host=/tmp' }, qr/must name the database/ ],
	[ 'no host', { database => 'dbname=shop' }, qr/must name one host/ ],
	[ 'two hosts', { database => 'host=/tmp,/var dbname=shop' }, qr/must name one host/ ],
	[ 'TCP in the clear', { database => 'host=127.0.0.1 dbname=shop' }, qr/sslmode=verify-full/ ],
	[ 'TCP in the clear beside a socket',
		{ database => "$database hostaddr=127.0.0.1" }, qr/hostaddr has no place beside/ ],
	[ 'TCP that trusts anybody', { database => 'host=127.0.0.1 dbname=shop sslmode=require' },
		qr/sslmode=verify-full/ ],
	[ 'TCP without a root', { database => 'host=127.0.0.1 dbname=shop sslmode=verify-full' },
		qr/sslrootcert/ ],
	[ 'a root that is not there',
		{ database => 'host=127.0.0.1 dbname=shop sslmode=verify-full sslrootcert=/none' },
		qr/cannot be read/ ],
	[ 'a host that is not there',
		{ database => "host=no.such.invalid dbname=shop sslmode=verify-full sslrootcert=$ca/ca.pem" },
		qr/is not found/ ],
	[ 'no connection string', { database => 'x' }, qr/database: / ])
{
	my ($what, $lines, $words) = @$case;
	my ($status, $text) = console(conf($database, %$lines), '');

	is($status, 1, "$what is refused");
	like($text, $words, 'in words');
}
# What the manual shows is taken.
my ($shown) = slurp_file(dirname(__FILE__) . '/../docs/console.md') =~ /```ini\n(listen.*?)```/s;
$shown =~ s,^(database *=).*,$1 $database requirepeer=$owner,m;
$shown =~ s,127\.0\.0\.1:8480,127.0.0.1:$port,;
my ($status, $text) = console($shown, '', '--check');
is($status, 0, 'the configuration of the manual') or diag($text);
like($text, qr,^ok: the configuration; the address is https://automation.example.com$,m, 'and its address');
($status, $text) = console('', '', '--nothing');
is($status, 2, 'an unknown argument');
like($text, qr/^wf_console serves/, 'shows them all');
($status, $text) = console('', '', '--role', 'ops_a');
is($status, 2, 'a role without --check');

# --check: what is there, and what is missing.
my $ours = "$database requirepeer=$owner";
($status, $text) = console(conf($ours), '', '--check');
is($status, 0, 'nothing is missing') or diag($text);
like($text, qr/^ok: PostgreSQL answers$/m, 'as far as is known without a role');
($status, $text) = console(conf($ours), "secret of ops_a\n", '--check', '--role', 'ops_a');
is($status, 0, 'a role that may') or diag($text);
like($text, qr/^ok: workflow_engine 1\.1, and ops_a may look at it$/m, 'and what it finds');
unlike($text, qr/secret/, 'without its password');
foreach my $case (
	[ 'a wrong password', 'ops_a', 'wrong', qr/MISSING: the role cannot sign in/ ],
	[ 'no password', 'ops_a', '', qr/MISSING: a password/ ],
	[ 'a role that PostgreSQL lets in', 'trusted_a', 'x',
		qr/did not ask for the password\n.*\+wf_console  scram-sha-256/s ],
	[ 'a superuser', 'super_a', 'secret of super_a', qr/MISSING: this role is a superuser/ ],
	[ 'a role that may not look', 'nobody_a', 'secret of nobody_a', qr/wf_grant\(/ ])
{
	my ($what, $role, $password, $words) = @$case;

	($status, $text) = console(conf($ours), "$password\n", '--check', '--role', $role);
	is($status, 1, $what);
	like($text, $words, 'what is missing');
}
($status, $text) = console(conf("$database requirepeer=nobody"), '', '--check');
is($status, 1, 'a server of another user');
like($text, qr/requirepeer/, 'is said');
($status, $text) = console(conf("host=$dir dbname=shop"), '', '--check');
is($status, 1, 'no server');
like($text, qr/MISSING: PostgreSQL is not to be reached/, 'is said');
my $console = start_console($node);
($status, $text) = console(conf($ours, listen => "127.0.0.1:$console->{port}"), '', '--check');
is($status, 1, 'an address that is taken');
like($text, qr/cannot listen on.*\n.*runs already/, 'is said');
($status, $text) = console(conf($ours, listen => "127.0.0.1:$console->{port}"), '');
is($status, 1, 'and it does not start');

# A socket that systemd has opened, here this test.
my $given = "$dir/given.sock";
my $listener = IO::Socket::UNIX->new(Local => $given, Listen => 5) or die $!;
append_to_file("$dir/given", conf($ours, listen => "unix:$given"));
append_to_file("$dir/other", conf($ours));
my @started = map { start_with_socket($listener, "$dir/$_", "$dir/$_.log") } 'given', 'other';
wait_until(sub { -e "$dir/given.log" && slurp_file("$dir/given.log") =~ /"started"/ }, 'a socket that is given');
my $client = IO::Socket::UNIX->new(Peer => $given);
syswrite $client, "GET / HTTP/1.0\r\nHost: 127.0.0.1:$port\r\n\r\n";
sysread $client, my $first, 12;
is($first, 'HTTP/1.1 200', 'is served');
kill 'TERM', $started[0];
is(waitpid($started[0], 0) && $?, 0, 'it ends well');
ok(-S $given, 'and leaves the socket, which is not its own');
isnt(waitpid($started[1], 0) && $?, 0, 'another one than that of the configuration');
like(slurp_file("$dir/other.log"), qr/is not that of listen/, 'is refused');
close $listener;

# Behind nginx, with the lines of the manual.
my $behind = start_console($node, url => 'https://automation.example.com');
my ($location) = slurp_file(dirname(__FILE__) . '/../docs/console.md') =~ /```nginx.*?location \/ (\{.*?\n    \})/s;
$location =~ s,127\.0\.0\.1:8480,127.0.0.1:$behind->{port}, or die;
my $nginx = WorkflowEngine::Nginx->new(make_ca(), proxy => "; location ^~ /api/ $location");
my $through = bless { %$behind, port => $nginx->{port}{proxy} }, ref $behind;
my $far = $through->login('ops_a');
is($through->ask($far, 'GET', '/api/me')->{json}{role}, 'ops_a', 'through nginx');
is($through->ask($far, 'GET', '/api/me', undef, Host => 'evil.example')->{status}, 200,
	'which says the name of the host itself');
is($through->ask($far, 'POST', '/api/runs', {}, Origin => 'http://automation.example.com')->{status},
	403, 'not the origin');
ok($behind->log_has('"event": "session begun", "role": "ops_a", "address": "10.0.0.1"'),
	'from where is what the proxy says');
$behind->stop;

# Random bytes, and requests with some bytes changed: it goes on, and the
# sanitizers find nothing.
srand(17);
my $session = $console->login('ops_a');
my $request = $console->ask_bytes($session, 'POST', '/api/runs', '{"q": "order 12345"}');
foreach my $n (1 .. 400)
{
	my $bytes = $n % 8 ? $request : join '', map { chr int rand 256 } 1 .. 200;
	my $socket = $console->connect;

	foreach (0 .. rand 4)
	{
		substr($bytes, rand length $bytes, 1 + rand 3) = chr int rand 256;
	}
	local $SIG{PIPE} = 'IGNORE';
	syswrite $socket, $bytes;
	sysread $socket, my $answer, 10 if $n % 10 == 0 && shutdown $socket, 1;
}
is($console->ask($session, 'GET', '/api/me')->{status}, 200, 'it goes on');
$console->stop;
done_testing();
