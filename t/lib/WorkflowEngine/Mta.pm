
=head1 NAME

WorkflowEngine::Mta - Exim as an unprivileged user, for the tests of mail

=head1 SYNOPSIS

  use WorkflowEngine::Mta;
  my $mta = WorkflowEngine::Mta->new;
  $mta->port('GOOD'); $mta->ca . '/ca.pem';
  my $mail = $mta->wait_mail('Message-ID');
  print $mail->{envelope_to}[0], $mail->{text};

The program is the exim4 that test_program() finds; it runs from a copy that
is not set-uid.  See t/loopback/exim.conf for what it does.

=cut

package WorkflowEngine::Mta;

use strict;
use warnings FATAL => 'all';

use Carp;
use File::Copy qw(copy);
use IO::Socket::INET;
use POSIX ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils qw(slurp_file system_or_bail);
use Time::HiRes qw(sleep time);
use WorkflowEngine::Receiver;
use WorkflowEngine::Test;

my @ports = qw(PLAIN GOOD SMTPS LOGIN WRONG EXPIRED ALIEN
  WRONGS EXPIREDS ALIENS);
my $loopback = $WorkflowEngine::Receiver::loopback;

=head2 new()

Starts the server in a folder of its own; returns when it takes connections.

=cut

sub new
{
	my ($class) = @_;
	my $dir = PostgreSQL::Test::Utils::tempdir();
	my $self = bless {
		dir => $dir,
		ca => make_ca(),
		ports =>
		  { map { $_ => PostgreSQL::Test::Cluster::get_free_port() } @ports },
		owner => $$
	}, $class;
	my $conf = slurp_file("$loopback/exim.conf");
	my @cc = split ' ', $ENV{CC} || 'cc';
	my %words = (DIR => $dir, %{ $self->{ports} });

	$conf =~ s/\@([A-Z]+)\@/$words{$1}/g;
	PostgreSQL::Test::Utils::append_to_file("$dir/exim.conf", $conf);
	mkdir "$dir/$_" foreach qw(log spool mail);
	symlink $self->{ca}, "$dir/ca" or croak "ca: $!";
	copy(test_program('exim4'), "$dir/exim") or croak "exim: $!";
	chmod 0755, "$dir/exim";
	system_or_bail(@cc, '-shared', '-fPIC', '-o', "$dir/user.so",
		"$loopback/mta_user.c", '-ldl');
	$self->start;
	return $self;
}

# The shell ends the server when this process is gone, whatever ended it.
sub start
{
	my ($self) = @_;
	my $dir = $self->{dir};
	my $script = 'LD_PRELOAD=$0/user.so $0/exim -C $0/exim.conf -bdf '
	  . '</dev/null >$0/log/start 2>&1 & read -r x; kill $!; wait';

	$self->{pid} = open($self->{input}, '|-', 'sh', '-c', $script, $dir)
	  or croak "sh: $!";
	foreach my $name (@ports)
	{
		WorkflowEngine::Test::poll(
			sub {
				return IO::Socket::INET->new(
					PeerAddr => '127.0.0.1',
					PeerPort => $self->{ports}{$name});
			})
		  or croak "exim does not listen: " . slurp_file("$dir/log/start");
	}
	return;
}

=head2 port(name), dir(), ca(), log()

Where it listens, its folders, and what it has logged.

=cut

sub port { my ($self, $name) = @_; return $self->{ports}{$name}; }
sub dir { my ($self) = @_; return $self->{dir}; }
sub ca { my ($self) = @_; return $self->{ca}; }

sub log
{
	my ($self) = @_;
	return join '', map { -e $_ ? slurp_file($_) : '' }
	  map { "$self->{dir}/log/$_" } qw(main reject panic);
}

=head2 mails()

What it has delivered: hashes of file, return_path, envelope_to (list),
received (the server's own header) and text: what it was sent, with \n at the
ends of lines.

=cut

sub mails
{
	my ($self) = @_;
	return map { mail_of($_) } sort glob "$self->{dir}/mail/new/*";
}

sub mail_of
{
	my ($file) = @_;
	my $text = slurp_file($file);
	my %mail = (file => $file);

	foreach my $name ('Return-path', 'Envelope-to', 'Received')
	{
		$text =~ s/\A\Q$name\E: (.*?)\n(?![ \t])//s
		  or croak "$file has no $name";
		$mail{ lc $name =~ tr/-/_/r } = $1;
	}
	$mail{return_path} =~ s/^<(.*)>$/$1/;
	$mail{envelope_to} = [ split /,\s*/, $mail{envelope_to} ];
	$mail{text} = $text;
	return \%mail;
}

=head2 wait_mail(word)

The one mail that has the word in its text; waits until it is delivered.

=cut

sub wait_mail
{
	my ($self, $word) = @_;
	my @mails;

	WorkflowEngine::Test::poll(
		sub {
			@mails = grep { $_->{text} =~ /\Q$word\E/ } $self->mails;
			return @mails > 0;
		}) or croak "no mail with $word: " . $self->log;
	croak scalar(@mails) . " mails with $word" if @mails > 1;
	return $mails[0];
}

=head2 stop()

Ends it.

=cut

sub stop
{
	my ($self) = @_;
	my $pid = delete $self->{pid} or return;

	local $?;
	close $self->{input};
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
