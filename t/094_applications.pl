
# The programs of docs/applications.md, as they stand there: what they print is
# what the page shows, the order that they place has its run, and the one that
# fails leaves neither.

use strict;
use warnings FATAL => 'all';

use Cwd qw(abs_path);
use FindBin;
use IPC::Run qw(run);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Npm;
use WorkflowEngine::Test;

my $page = slurp_file(abs_path("$FindBin::Bin/../docs/applications.md"));
my $folder = PostgreSQL::Test::Utils::tempdir();
my $driver = '/usr/share/java/postgresql.jar';

# the driver for Java knows no Unix sockets
my $node = new_node('main', "listen_addresses = '127.0.0.1'\n",
	init => [ extra => [ '--encoding=UTF8', '--locale=C' ] ]);

# The page's database: what readers see of its section, and before that the
# workflow.
my ($workflow) = $page =~ /^<!-- test: sql\n(.*?)^-->$/ms;
my ($database) = $page =~ /^## The database\n+```sql\n(.*?)^```$/ms;

# The program in a section, and what it prints.
sub program
{
	my ($heading) = @_;
	my ($section) = $page =~ /^## \Q$heading\E\n(.*?)^## /ms;
	my ($program) = $section =~ /^```(?!text)\w+\n(.*?)^```$/ms;
	my ($output) = $section =~ /^```text\n(.*?)^```$/ms;

	return ($program, $output);
}

# Runs the program in the section by those commands, as NAME, in a folder of
# its own, against a new database shop.
sub check
{
	my ($heading, $name, @commands) = @_;
	my ($program, $expected) = program($heading);
	my $dir = "$folder/$heading";
	my ($output, $errors) = ('', '');

	$program =~ s{//localhost/}{"//127.0.0.1:" . $node->port . "/"}e;
	mkdir $dir or die "$dir: $!";
	append_to_file("$dir/$name", $program);
	symlink(npm_packages() . '/node_modules', "$dir/node_modules")
	  if $name =~ /js$/;
	$node->safe_psql('postgres', 'CREATE DATABASE shop');
	$node->safe_psql('shop', "$workflow\n$database");

	local $ENV{PGHOST} = $node->host;
	local $ENV{PGPORT} = $node->port;
	foreach my $command (@commands)
	{
		ok(run($command, '>>', \$output, '2>>', \$errors,
				init => sub { chdir $dir or die "$dir: $!" }),
			"$heading: " . join ' ', $command->[0], $name)
		  or diag($errors);
	}
	is($errors, '', "$heading: no errors");
	is($output, $expected, "$heading: it prints what the page shows");
	wait_for(
		$node, 'shop',
		q{SELECT bool_and(status = 'completed') FROM workflow_runs},
		"$heading: the run ends");
	is( $node->safe_psql(
			'shop',
			q{SELECT (SELECT string_agg(concat_ws(' ', id, status, quantity), ', ')
			    FROM orders),
			  (SELECT string_agg(trigger_payload::text, ', ') FROM workflow_runs)}
		),
		'1 confirmed 2|{"item": "lamp", "order_id": 1}',
		"$heading: one order, with its run");
	is($node->safe_psql('shop', 'SELECT quantity FROM stock'),
		8, "$heading: what failed has taken nothing");
	$node->safe_psql('shop', 'DROP OWNED BY shop_app');
	$node->safe_psql('postgres', 'DROP DATABASE shop WITH (FORCE)');
	$node->safe_psql('postgres', 'DROP ROLE shop_app');
	return;
}

check('Python', 'shop.py', [ $ENV{PYTHON} || 'python3', 'shop.py' ]);
check('Node', 'shop.mjs', [ 'node', 'shop.mjs' ]);
SKIP:
{
	skip 'Java: there is no javac', 1
	  unless grep { -x "$_/javac" } split /:/, $ENV{PATH};
	skip "Java: there is no $driver", 1 unless -e $driver;
	check('Java', 'Shop.java',
		[ 'javac', 'Shop.java' ],
		[ 'java', '-cp', "$driver:.", 'Shop' ]);
}

$node->stop;
done_testing();
