
=head1 NAME

WorkflowEngine::Nginx - a real web server with TLS, in a folder of its own

=head1 SYNOPSIS

  my $nginx = WorkflowEngine::Nginx->new($ca_folder,
      h2 => 'ssl http2; keepalive_requests 5',
      h1 => 'ssl');
  $nginx->url('h2', '/path');
  my @requests = $nginx->requests('h2');

Each server of it listens on a port of its own, with the certificate "good" of
the test authority, reads every request and answers it with 200 and a JSON
object; below /early it answers before it has read the body.

=cut

package WorkflowEngine::Nginx;

use strict;
use warnings FATAL => 'all';

use Carp;
use IO::Socket::INET;
use POSIX ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils ();
use Time::HiRes qw(sleep time);

my ($program) = grep { -x } qw(/usr/sbin/nginx /usr/local/sbin/nginx),
  map { "$_/nginx" } split /:/, $ENV{PATH};

# What a line of the log holds, in this order.
my @fields = qw(connection number protocol status key path);

=head2 new(ca folder, name => directives ...)

The directives of a server follow its port in "listen", each but the last
with its semicolon: 'ssl http2; keepalive_requests 5'.
Returns when all of them take connections.

=cut

sub new
{
	my ($class, $ca, @servers) = @_;
	my $dir = PostgreSQL::Test::Utils::tempdir();
	my $self = bless { dir => $dir, owner => $$ }, $class;
	my $behind = PostgreSQL::Test::Cluster::get_free_port();
	my $conf = join '', map { "${_}_temp_path $dir/$_;\n" }
	  qw(client_body proxy fastcgi uwsgi scgi);

	croak 'nginx is not installed' unless defined $program;
	while (my ($name, $directives) = splice(@servers, 0, 2))
	{
		my $port = PostgreSQL::Test::Cluster::get_free_port();

		my $end = $directives =~ /\}\s*\z/ ? '' : ';';

		$self->{port}{$name} = $port;
		$conf .= <<"CONF";
server {
	listen 127.0.0.1:$port $directives$end
	access_log $dir/$name.log line;
	location / { proxy_pass http://127.0.0.1:$behind; }
	location /early { return 200 '{"ok": true}'; }
}
CONF
	}
	PostgreSQL::Test::Utils::append_to_file("$dir/nginx.conf", <<"CONF");
daemon off;
worker_processes 2;
worker_rlimit_nofile 8192;
pid $dir/nginx.pid;
error_log $dir/error.log;
events { worker_connections 4096; }
http {
log_format line '\$connection \$connection_requests \$server_protocol \$status '
	'"\$http_idempotency_key" \$uri';
default_type application/json;
access_log off;
keepalive_requests 100000;
ssl_certificate $ca/good.pem;
ssl_certificate_key $ca/good.key;
server {
	listen 127.0.0.1:$behind;
	location / { return 200 '{"ok": true, "ts": "1", "channel": "C"}'; }
}
$conf
}
CONF
	$self->{behind} = $behind;
	$self->start;
	return $self;
}

=head2 start(), stop()

Starts it, and ends it with every connection.

=cut

sub start
{
	my ($self) = @_;
	my $end = time() + 60;

	$self->{pid} = fork();
	croak "fork: $!" unless defined $self->{pid};
	if ($self->{pid} == 0)
	{
		no warnings 'exec';
		exec($program, '-c', "$self->{dir}/nginx.conf", '-e',
			"$self->{dir}/error.log")
		  or POSIX::_exit(127);
	}
	foreach my $port ($self->{behind}, values %{ $self->{port} })
	{
		until (IO::Socket::INET->new("127.0.0.1:$port"))
		{
			croak 'nginx does not start: '
			  . PostgreSQL::Test::Utils::slurp_file("$self->{dir}/error.log")
			  if time() > $end
			  || waitpid($self->{pid}, POSIX::WNOHANG()) != 0;
			sleep(0.02);
		}
	}
	return;
}

sub stop
{
	my ($self) = @_;
	my $pid = $self->{pid} or return;
	local $?;

	kill 'CONT', $self->workers;    # a test may have stopped them
	delete $self->{pid};
	kill 'TERM', $pid;
	waitpid($pid, 0);
	return;
}

=head2 workers()

The process ids of its two worker processes.

=cut

sub workers
{
	my ($self) = @_;
	my @pids;

	foreach my $file (glob '/proc/[0-9]*/stat')
	{
		my $stat = eval { PostgreSQL::Test::Utils::slurp_file($file) } || '';
		push @pids, $1 if $stat =~ /^(\d+) \(.*\) \S $self->{pid} /;
	}
	return @pids;
}

=head2 url(name, path)

https:// to that server.

=cut

sub url
{
	my ($self, $name, $path) = @_;
	return "https://localhost:$self->{port}{$name}" . ($path || '');
}

=head2 requests(name)

What that server has answered, in order: hashes of connection (a number),
number (of the request in its connection, from 1), protocol, status, key (the
idempotency key) and path.

=cut

sub requests
{
	my ($self, $name) = @_;
	my $log = "$self->{dir}/$name.log";

	return map {
		my %request;
		@request{@fields} = split / /;
		$request{key} =~ tr/"//d;
		\%request
	} split /\n/, -e $log ? PostgreSQL::Test::Utils::slurp_file($log) : '';
}

sub DESTROY
{
	my ($self) = @_;
	$self->stop if $self->{owner} == $$;
	return;
}

1;
