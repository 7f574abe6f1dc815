
=head1 NAME

WorkflowEngine::Test - what the TAP tests share

=head1 SYNOPSIS

  use WorkflowEngine::Test;
  my $node = new_node('main', "workflow_engine.workers = 1\n");
  my $http = start_receiver('http', '--prefix', '/delay/100');
  $node->safe_psql('postgres', 'CREATE EXTENSION workflow_engine');
  wait_for($node, 'postgres',
      "SELECT count(*) = 1 FROM workflow_runs WHERE status = 'completed'",
      'the run to complete');
  is(($http->requests)[0]{path}, '/orders');

With WF_DESTDIR in the environment, servers find the extension below that
folder (where make install DESTDIR= put it); without it, where make install
puts it.

=cut

package WorkflowEngine::Test;

use strict;
use warnings FATAL => 'all';

use Carp;
use Exporter 'import';
use File::Basename qw(dirname);
use File::Temp;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

use WorkflowEngine::Receiver;

our @EXPORT = qw(
  new_node extension_conf try_psql try_query wait_for wait_until start_receiver
  make_ca run_status test_program);

our $limit = $ENV{WF_TEST_LIMIT} || 60;    # seconds to wait for anything

sub pg_config
{
	my ($what, $program) = @_;
	$program //= 'pg_config';
	my $answer = `$program $what`;
	chomp $answer;
	return $answer;
}

=head2 extension_conf([program])

The lines of postgresql.conf by which a server finds the extension; the server
is that of this pg_config, or of the one in the path.

=cut

sub extension_conf
{
	my ($config) = @_;
	my $destdir = $ENV{WF_DESTDIR} or return '';
	my $lib = pg_config('--pkglibdir', $config);
	my $share = pg_config('--sharedir', $config);
	my ($major) = pg_config('--version', $config) =~ /(\d+)/;

	return "dynamic_library_path = '$destdir$lib:\$libdir'\n"
	  . (
		$major >= 18
		? "extension_control_path = '$destdir$share:\$system'\n"
		: "extension_destdir = '$destdir'\n");
}

=head2 new_node(name, conf, option => value ...)

A started server with the extension preloaded and conf added to its settings,
which lets requests go to this machine (allowed_hosts).
Options: preload => 0 (without workers), start => 0, init => [...] (arguments
of init, e.g. allows_streaming => 1), pg_config => the program that names
another server than the one in the path.

=cut

sub new_node
{
	my ($name, $conf, %option) = @_;
	my $config = $option{pg_config};
	my $node = PostgreSQL::Test::Cluster->new($name,
		$config ? (install_path => dirname(pg_config('--bindir', $config))) : ());

	$node->init(@{ $option{init} || [] });
	$node->append_conf('postgresql.conf', extension_conf($config));
	$node->append_conf('postgresql.conf', <<'CONF');
max_worker_processes = 24
max_connections = 50
max_prepared_transactions = 10
log_statement = none
workflow_engine.stop_grace = 100ms
workflow_engine.allowed_hosts = '127.0.0.0/8, ::1, localhost'
CONF
	$node->append_conf('postgresql.conf',
		"shared_preload_libraries = 'workflow_engine'\n")
	  unless defined $option{preload} && !$option{preload};
	$node->append_conf('postgresql.conf', $conf) if defined $conf;
	$node->start unless defined $option{start} && !$option{start};
	return $node;
}

=head2 wait_for(node, database, sql, what, seconds)

Polls until the query returns t; passes a test named after what.  Dies, with
the query's last answer and the runs that are not completed, when the limit
(60 s unless given) is over.

=cut

sub wait_for
{
	my ($node, $db, $sql, $what, $seconds) = @_;
	my ($out, $err);

	return pass($what)
	  if poll(
		sub {
			($out, $err) = try_query($node, $db, $sql);
			return defined $out && $out eq 't';
		},
		$seconds);

	diag("waited for: $what\nquery: $sql\nanswer: "
		  . (defined $out ? $out : 'none')
		  . "\n$err");
	($out, $err) = try_query($node, $db,
		'SELECT status, current_step, attempt, error_message, count(*) '
		  . "FROM workflow_runs WHERE status <> 'completed' "
		  . 'GROUP BY 1, 2, 3, 4 LIMIT 20');
	diag('runs: ' . (defined $out ? $out : '') . " $err");
	croak "timed out: $what";
}

=head2 try_psql(node, database, sql, option => value ...)

What C<psql> of the node does and returns, with its options, for a connection
that may be refused.  Such a psql leaves before it reads its standard input,
and whoever writes the SQL to it may die of the broken pipe; so it is given a
file.

=cut

sub try_psql
{
	my ($node, $db, $sql, %option) = @_;
	my $file = File::Temp->new;

	append_to_file($file->filename, $sql);
	return $node->psql($db, '', %option,
		extra_params => [ @{ $option{extra_params} || [] }, '-f', $file->filename ]);
}

=head2 try_query(node, database, sql)

What the server answers and what psql says of errors; the answer is undef if
there was one, for instance because the server is down.

=cut

sub try_query
{
	my ($node, $db, $sql) = @_;
	my ($status, $out, $err) = try_psql($node, $db, $sql);

	return ($status == 0 ? $out : undef, $err);
}

=head2 wait_until(code, what, seconds)

The same for anything: polls until the code returns true.

=cut

sub wait_until
{
	my ($code, $what, $seconds) = @_;

	return pass($what) if poll($code, $seconds);
	croak "timed out: $what";
}

# Calls code ever more rarely until it returns true or the time is over.
sub poll
{
	my ($code, $seconds) = @_;
	my $end = time() + ($seconds || $limit);
	my $pause = 0.02;

	while (1)
	{
		return 1 if $code->();
		return 0 if time() > $end;
		sleep($pause);
		$pause = $pause * 1.5 if $pause < 0.25;
	}
}

=head2 run_status(node, database, run id)

The status of a run.

=cut

sub run_status
{
	my ($node, $db, $id) = @_;

	return $node->safe_psql($db,
		"SELECT status FROM workflow_runs WHERE id = '$id'");
}

=head2 test_program(name)

The path of a program that dev/setup.sh has put aside for the tests (into
WF_PROGRAMS), or that is installed.

=cut

sub test_program
{
	my ($name) = @_;

	foreach my $folder ($ENV{WF_PROGRAMS} || (),
		split(/:/, $ENV{PATH}), '/usr/sbin')
	{
		return "$folder/$name" if -x "$folder/$name";
	}
	croak "there is no $name: run dev/setup.sh test";
}

=head2 start_receiver('http' | 'smtp', option ...)

Starts a loopback server with those options (see t/loopback) and returns a
L<WorkflowEngine::Receiver>.  It ends with the test at the latest.

=cut

sub start_receiver
{
	return WorkflowEngine::Receiver->new(@_);
}

=head2 make_ca()

A folder with ca.pem and good, wrong, expired and alien certificates and keys
(see t/loopback/make_ca.sh), of this test's own.

=cut

sub make_ca
{
	my $dir = PostgreSQL::Test::Utils::tempdir();

	system_or_bail("$WorkflowEngine::Receiver::loopback/make_ca.sh", $dir);
	return $dir;
}

1;
