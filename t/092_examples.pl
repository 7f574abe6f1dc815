
# The examples load with a plain psql -f, in the order and by the commands that
# README.md prints, and do what it says; also in a second database.

use strict;
use warnings FATAL => 'all';

use Cwd qw(abs_path);
use File::Basename qw(basename);
use FindBin;
use JSON::PP ();
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Test;

my $top = abs_path("$FindBin::Bin/..");
my $http = start_receiver('http');
my $smtp = start_receiver('smtp');
my $node = new_node('main', undef,
	init => [ extra => [ '--encoding=UTF8', '--locale=C' ] ]);

# The commands of README.md's section.
my ($section) =
  slurp_file("$top/README.md") =~ /^## A whole example\n(.*?)^## /ms;
my ($commands) = $section =~ /^```\n(.*?)^```$/ms;
my @commands = split /\n/, $commands;
my @load = grep { !/INSERT INTO|^psql .* -c "SELECT/ } @commands;

my %elsewhere = map { $_ => 1 }
  slurp_file("$top/examples/README.md") =~ m{-f examples/(\S+)}g;
is_deeply(
	[ sort map { m{-f examples/(\S+)} } @commands ],
	[
		sort grep { !$elsewhere{$_} }
		  map { basename($_) } glob "$top/examples/*.sql"
	],
	'README.md loads every SQL file of examples/ that examples/README.md does not');

$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;
$ENV{PGOPTIONS} = '-c client_min_messages=warning';
$ENV{PSQLRC} = '/dev/null';
delete @ENV{qw(PGDATABASE PGUSER)};

# Runs one as a shell would, in that folder; returns what it printed.
sub command
{
	my ($command, $folder) = @_;
	my ($stdout, $stderr);
	my $ok = IPC::Run::run([ 'sh', '-c', "cd '$folder' && $command" ],
		'>', \$stdout, '2>', \$stderr);

	ok($ok && $stderr !~ /ERROR|error:/, $command) or diag($stderr);
	return $stdout;
}

# Where the examples send, for this test.
sub to_loopback
{
	my ($db) = @_;
	my ($http_url, $smtp_url) =
	  ($http->url, 'smtp://127.0.0.1:' . $smtp->port);

	is( $node->safe_psql(
			$db,
			"UPDATE workflow_connections SET config = config || CASE kind
				WHEN 'smtp' THEN '{\"url\": \"$smtp_url\"}'::jsonb
				ELSE '{\"base_url\": \"$http_url\"}' END
			 RETURNING kind"),
		"whatsapp_cloud\nsmtp",
		"$db: both connections are there");
	return;
}

foreach my $command (@load)
{
	command($command, $top);
}
to_loopback('shop');
foreach my $command (@commands)
{
	next if grep { $_ eq $command } @load;
	my $output = command($command, $top);
	wait_for($node, 'shop',
		q{SELECT bool_and(status = 'completed') FROM workflow_runs},
		'the run ends')
	  if $command =~ /INSERT INTO/;
	like($output, qr/confirm_order .* notify_customer .* alert_operations/sx,
		'... shows the steps')
	  if $command =~ /wf_trace/;
}
is( $node->safe_psql('shop', q{SELECT status FROM orders}),
	'confirmed', 'the order is confirmed');
is(scalar $http->requests, 1, 'the message is sent');
is(scalar $smtp->requests, 1, 'the mail is sent');

# The definition in workflow.sql is the one in the file of its own.
my $json = JSON::PP->new->utf8;
is_deeply(
	$json->decode(
		$node->safe_psql('shop',
			'SELECT definition FROM workflow_definitions')),
	$json->decode(slurp_file("$top/examples/new_order_processing.json")),
	'workflow.sql has the definition of new_order_processing.json');

# The role is there already, and nobody stands in the folder.
foreach my $command (@load)
{
	command($command =~ s/\bshop\b/second/r =~ s{ -f }{ -f $top/}r, '/');
}
to_loopback('second');

$node->stop;
done_testing();
