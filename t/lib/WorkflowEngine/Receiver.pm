
=head1 NAME

WorkflowEngine::Receiver - a loopback server of t/loopback, as an object

=head1 SYNOPSIS

  my $http = WorkflowEngine::Receiver->new('http', '--prefix', '/hold');
  $http->port; $http->url; $http->requests; $http->wait_requests(3);
  $http->command('release'); $http->stop;

=cut

package WorkflowEngine::Receiver;

use strict;
use warnings FATAL => 'all';

use Carp;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use IO::Handle;
use JSON::PP ();
use POSIX ();
use PostgreSQL::Test::Utils ();
use Time::HiRes qw(sleep time);

our $loopback = abs_path(dirname(__FILE__) . '/../../loopback');

my $python = $ENV{PYTHON} || '/usr/bin/python3';
my $number = 0;

=head2 new(kind, option ...)

kind is http or smtp.  Returns when the server takes connections.

=cut

sub new
{
	my ($class, $kind, @options) = @_;
	my $log = PostgreSQL::Test::Utils::tempdir()
	  . "/$kind" . ++$number . '.jsonl';

	pipe(my $from_parent, my $to_child) or croak "pipe: $!";
	pipe(my $from_child, my $to_parent) or croak "pipe: $!";
	my $pid = fork();
	croak "fork: $!" unless defined $pid;
	if ($pid == 0)
	{
		POSIX::dup2(fileno($from_parent), 0);
		POSIX::dup2(fileno($to_parent), 1);
		no warnings 'exec';
		exec($python, "$loopback/${kind}_receiver.py", '--log', $log,
			@options)
		  or POSIX::_exit(127);
	}
	close $from_parent;
	close $to_parent;
	$to_child->autoflush(1);

	my $self = bless {
		pid => $pid,
		log => $log,
		input => $to_child,
		output => $from_child,
		owner => $$,
		tls => scalar(grep { $_ eq '--tls-cert' } @options)
	}, $class;
	my $line = readline($from_child);
	croak "the $kind receiver did not start"
	  unless defined $line && $line =~ /^ready (\d+)$/;
	$self->{port} = $1;
	return $self;
}

=head2 port(), url(path)

Where it listens; url is http:// or, with --tls-cert, https:// to localhost.

=cut

sub port
{
	my ($self) = @_;
	return $self->{port};
}

sub url
{
	my ($self, $path) = @_;
	$path = '' unless defined $path;

	return
	  ($self->{tls} ? 'https://localhost' : 'http://127.0.0.1')
	  . ":$self->{port}$path";
}

=head2 requests()

What was received so far, in order: a list of hashes as the server's
description says.

=cut

sub requests
{
	my ($self) = @_;
	my $size = -s $self->{log} || 0;

	$self->{read} = [0] if !$self->{read} || $size < $self->{read}[0];
	my ($offset, @requests) = @{ $self->{read} };
	return @requests if $size == $offset;
	open(my $file, '<:raw', $self->{log}) or croak "$self->{log}: $!";
	seek($file, $offset, 0);
	while (my $line = <$file>)
	{
		last unless $line =~ /\n\z/;    # still being written
		push @requests, JSON::PP::decode_json($line);
		$offset += length $line;
	}
	close $file;
	$self->{read} = [ $offset, @requests ];
	return @requests;
}

=head2 wait_requests(n, seconds)

Waits until at least n were received and returns all; dies after a minute.

=cut

sub wait_requests
{
	my ($self, $n, $seconds) = @_;
	my $end = time() + ($seconds || 60);

	while (1)
	{
		my @requests = $self->requests;
		return @requests if @requests >= $n;
		croak scalar(@requests) . " of $n requests received"
		  if time() > $end;
		sleep(0.05);
	}
}

=head2 forget()

Empties the log.

=cut

sub forget
{
	my ($self) = @_;
	truncate($self->{log}, 0) if -e $self->{log};
	delete $self->{read};
	return;
}

=head2 command(line)

Gives the HTTP server a command ("prefix /hang", "release") and returns when
it has taken it.

=cut

sub command
{
	my ($self, $line) = @_;

	print { $self->{input} } "$line\n";
	my $answer = readline($self->{output});
	croak "receiver: " . (defined $answer ? $answer : 'gone')
	  unless defined $answer && $answer =~ /^done /;
	return;
}

=head2 stop()

Ends it, connections and all.

=cut

sub stop
{
	my ($self) = @_;
	my $pid = delete $self->{pid} or return;

	close $self->{input};
	local $?;
	for (1 .. 100)
	{
		return if waitpid($pid, POSIX::WNOHANG()) != 0;
		sleep(0.05);
	}
	kill 'KILL', $pid;
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
