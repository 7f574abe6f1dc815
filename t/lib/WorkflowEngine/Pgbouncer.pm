
=head1 NAME

WorkflowEngine::Pgbouncer - a real connection pooler, in a folder of its own

=head1 SYNOPSIS

  my $pooler = WorkflowEngine::Pgbouncer->new($node,
      users => ['app'],
      pool_mode => 'session', server_reset_query => 'DISCARD ALL');
  $node->psql('app', 'SELECT 1', connstr => $pooler->connstr('app', 'app'));

Every database of the server is reached through it.  It opens one connection
to the server for each pair of database and user, so clients that come one
after the other share it.

=cut

package WorkflowEngine::Pgbouncer;

use strict;
use warnings FATAL => 'all';

use Carp;
use IO::Socket::INET;
use POSIX ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils ();
use WorkflowEngine::Test;

my ($program) = grep { -x } qw(/usr/sbin/pgbouncer /usr/local/sbin/pgbouncer),
  map { "$_/pgbouncer" } split /:/, $ENV{PATH};

=head2 new(node, users => [names], setting => value ...)

Starts it with those settings and lets those users in without a password.
Returns when it takes connections.

=cut

sub new
{
	my ($class, $node, %settings) = @_;
	my $dir = PostgreSQL::Test::Utils::tempdir();
	my $port = PostgreSQL::Test::Cluster::get_free_port();
	my $self = bless { dir => $dir, port => $port, owner => $$ }, $class;
	my $users = delete $settings{users};

	croak 'pgbouncer is not installed' unless defined $program;
	PostgreSQL::Test::Utils::append_to_file("$dir/users.txt",
		join '', map { qq("$_" ""\n) } @$users);
	PostgreSQL::Test::Utils::append_to_file("$dir/pgbouncer.ini",
		    "[databases]\n* = host="
		  . $node->host
		  . ' port='
		  . $node->port
		  . "\n[pgbouncer]\n"
		  . join '',
		map { "$_ = $settings{$_}\n" } sort keys %settings);
	PostgreSQL::Test::Utils::append_to_file("$dir/pgbouncer.ini", <<"CONF");
listen_addr = 127.0.0.1
listen_port = $port
unix_socket_dir =
auth_type = trust
auth_file = $dir/users.txt
default_pool_size = 1
logfile = $dir/log
CONF
	$self->start;
	return $self;
}

sub start
{
	my ($self) = @_;

	$self->{pid} = fork();
	croak "fork: $!" unless defined $self->{pid};
	if ($self->{pid} == 0)
	{
		no warnings 'exec';
		exec($program, '-q', "$self->{dir}/pgbouncer.ini")
		  or POSIX::_exit(127);
	}
	WorkflowEngine::Test::poll(
		sub {
			return IO::Socket::INET->new("127.0.0.1:$self->{port}");
		})
	  or croak 'pgbouncer does not start: ' . $self->log;
	return;
}

=head2 connstr(database, user)

How a client connects through it.

=cut

sub connstr
{
	my ($self, $db, $user) = @_;
	return "host=127.0.0.1 port=$self->{port} dbname=$db user=$user";
}

=head2 log(), stop()

What it has logged; ends it with every connection.

=cut

sub log
{
	my ($self) = @_;
	return -e "$self->{dir}/log"
	  ? PostgreSQL::Test::Utils::slurp_file("$self->{dir}/log")
	  : '';
}

sub stop
{
	my ($self) = @_;
	my $pid = delete $self->{pid} or return;
	local $?;

	kill 'TERM', $pid;
	waitpid($pid, 0);
	return;
}

sub DESTROY
{
	my ($self) = @_;

	$self->stop if $self->{owner} == $$;
	return;
}

1;
