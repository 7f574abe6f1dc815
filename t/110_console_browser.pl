# The console's page in a real browser: console/test/browser, with a server, workers
# and the data of console/demo.sql.  Without Chromium it is skipped, and says so; make
# test installs Chromium, but for WF_NO_BROWSER=1.  WF_BROWSER_TESTS=editor takes those
# files alone whose name has that in it.
use strict;
use warnings FATAL => 'all';

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use WorkflowEngine::Console;
use WorkflowEngine::Test;

my ($chromium) = grep { -x } map { "$_/chromium" } split /:/, $ENV{PATH};
my $top = abs_path(dirname(__FILE__) . '/..');

plan skip_all => 'NO BROWSER: the page was not tried, Chromium is not here'
  unless $chromium;
plan skip_all => 'NO BROWSER: WF_NPM names no npm packages' unless $ENV{WF_NPM};

my $receiver = start_receiver('http');

# What is bundled is what the packages make.
my $made = PostgreSQL::Test::Utils::tempdir();
command_ok([ "$top/console/vendor.sh", $ENV{WF_NPM}, $made ], 'vendor.sh');
foreach my $file (qw(ui.js LICENCES))
{
	is(slurp_file("$made/$file"), slurp_file("$top/console/web/vendor/$file"),
		"$file is what the packages make: else make console-vendor");
}

local $ENV{WF_CHROMIUM} = $chromium;
local $ENV{WF_TEST_LIMIT} = $WorkflowEngine::Test::limit;
local $ENV{HOME} = $made;    # where the browser writes

# A server with the data of the demonstration, whose runs have ended or wait.
sub demonstration
{
	my ($name) = @_;
	my $node = new_node($name, "workflow_engine.workers = 1\n");
	my $hba = $node->data_dir . '/pg_hba.conf';

	PostgreSQL::Test::Utils::append_to_file("$hba.new",
		"local shop +wf_console scram-sha-256\n" . slurp_file($hba));
	rename "$hba.new", $hba or die $!;
	$node->reload;
	$node->safe_psql('postgres', 'CREATE DATABASE shop');
	$node->safe_psql('shop', 'CREATE EXTENSION workflow_engine');
	$node->command_ok(
		[
			'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', 'shop',
			'-v', 'http=http://127.0.0.1:' . $receiver->port,
			'-v', 'password=look', '-f', "$top/console/demo.sql"
		],
		"$name: the data of the demonstration");
	wait_for($node, 'shop', q{SELECT count(*) = 0 FROM workflow_runs
		WHERE status IN ('queued', 'running')}, 'its runs to end or wait');
	return $node;
}

my $only = $ENV{WF_BROWSER_TESTS} // '';

# Each file has a server of its own: none finds what another has left.
foreach my $file (sort glob "$top/console/test/browser/*$only*.test.mjs")
{
	my ($name) = $file =~ m{(\w+)\.test\.mjs$};
	my $node = demonstration($name);
	my $console = start_console($node, conf => "languages = en, ar\n");
	my ($said, $failed) = ('', '');

	local $ENV{WF_URL} = $console->{url};
	local $ENV{WF_PSQL} = join ' ', 'psql', '-X', '-q', '-At', '-v', 'ON_ERROR_STOP=1',
	  '-h', $node->host, '-p', $node->port, '-d', 'shop';

	my $ok = IPC::Run::run([ 'node', '--test', '--test-concurrency=1',
			'--test-reporter=tap', $file ], '>', \$said, '2>', \$failed);

	note join "\n", grep { /^\s*(not )?ok/ } split /\n/, $said;
	ok($ok, $name) or diag($said, $failed);
	$console->stop;
	$node->stop;
}
done_testing();
