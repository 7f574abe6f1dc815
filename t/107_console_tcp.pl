# wf_console over TCP: the server's certificate is verified by its name and its
# authority before a password is sent, and there is no way round TLS.
use strict;
use warnings FATAL => 'all';

use IO::Socket::INET;
use POSIX ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use WorkflowEngine::Console;
use WorkflowEngine::Test;

my $ca = make_ca();
my $port = PostgreSQL::Test::Cluster::get_free_port();
my $node = console_node('tcp');

sub outcome
{
	my ($answer) = @_;
	return $answer->{status} == 200 ? 200
	  : "$answer->{status} $answer->{json}{error}{code}";
}

# The server with that certificate, on a TCP port as well, for TLS alone.
sub serve_with
{
	my ($certificate) = @_;

	$node->append_conf('postgresql.conf', <<"CONF");
listen_addresses = '127.0.0.1'
port = $port
ssl = @{[ $certificate ? 'on' : 'off' ]}
ssl_cert_file = '$ca/@{[ $certificate || 'good' ]}.pem'
ssl_key_file = '$ca/@{[ $certificate || 'good' ]}.key'
CONF
	$node->restart;
}

# Tries to sign in over TCP; what becomes of it, and what the log says.
sub try_tcp
{
	my ($host, $root) = @_;
	my $console = start_console($node,
		database => "host=$host port=$port dbname=shop sslmode=verify-full sslrootcert=$root");
	my $outcome = outcome($console->try_login('ops_a', 'secret of ops_a'));
	my $tls = $node->safe_psql('postgres',
		"SELECT count(*) || ' ' || min(version) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) "
		  . "WHERE application_name LIKE 'wf_console:%' AND client_addr = '127.0.0.1' AND ssl");
	my $log = $console->log_text;

	$console->stop;
	unlike($log, qr/secret of/, "$host: no password in the log");
	return ($outcome, $tls, $log);
}

append_to_file($node->data_dir . '/pg_hba.conf.new',
	"hostssl shop +wf_console 127.0.0.1/32 scram-sha-256\n" . slurp_file($node->data_dir . '/pg_hba.conf'));
rename $node->data_dir . '/pg_hba.conf.new', $node->data_dir . '/pg_hba.conf' or die $!;
# node->port and the socket follow the port
$node->{_port} = $port;
serve_with('good');
my ($outcome, $tls, $log) = try_tcp('localhost', "$ca/ca.pem");
is($outcome, 200, 'a certificate of that name and authority') or diag($log);
like($tls, qr/^1 TLSv1\.[23]$/, 'the session is one with TLS');
($outcome, $tls, $log) = try_tcp('127.0.0.1', "$ca/ca.pem");
is($outcome, 200, 'or of that address') or diag($log);
($outcome, $tls, $log) = try_tcp('localhost', "$ca/alien.pem");
is($outcome, '503 unavailable', 'another authority');
like($log, qr/certificate verify failed/, 'is said');
foreach my $case ([ 'wrong', qr/does not match host name/ ], [ 'expired', qr/certificate/ ],
	[ 'alien', qr/certificate verify failed/ ])
{
	my ($certificate, $words) = @$case;

	serve_with($certificate);
	($outcome, $tls, $log) = try_tcp('localhost', "$ca/ca.pem");
	is($outcome, '503 unavailable', "a certificate that is $certificate");
	like($log, $words, 'is said');
}
serve_with(undef);
($outcome, $tls, $log) = try_tcp('localhost', "$ca/ca.pem");
is($outcome, '503 unavailable', 'a server without TLS');
like($log, qr/does not support SSL/, 'is said');

# Whoever stands between and answers that there is no TLS, or a certificate of
# its own, hears neither role nor password.
my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 5) or die $!;
my $between = $listener->sockport;
my $heard = PostgreSQL::Test::Utils::tempdir() . '/heard';
my $server = fork();
if (!$server)
{
	open my $file, '>:raw', $heard;
	$file->autoflush(1);
	while (my $s = $listener->accept)
	{
		while (sysread $s, my $bytes, 4096)
		{
			print $file $bytes;
			syswrite $s, 'N';
		}
	}
	POSIX::_exit(0);
}
my $console = start_console($node,
	database => "host=localhost port=$between dbname=shop sslmode=verify-full sslrootcert=$ca/ca.pem");
is(outcome($console->try_login('ops_a', 'secret of ops_a')), '503 unavailable', 'one that says no to TLS');
$console->stop;
kill 'KILL', $server;
waitpid $server, 0;
is(unpack('H*', slurp_file($heard)), '0000000804d2162f', 'hears the question for TLS alone');
done_testing();
