# The parts of wf_console that need no server: its reader of requests, guards,
# throttle, sessions, routes, configuration; with sanitizers.
use strict;
use warnings FATAL => 'all';

use Cwd qw(abs_path);
use File::Basename;
use PostgreSQL::Test::Utils;
use Test::More;

use WorkflowEngine::Test;

my $top = abs_path(dirname(__FILE__) . '/../console');
my $build = PostgreSQL::Test::Utils::tempdir();
my $output = `make -s -C '$top' check BUILD='$build' COPT=-Werror 2>&1`;

is($?, 0, 'the unit tests pass') or diag($output);
foreach my $test (glob "$top/test/*_test.c")
{
	my ($name) = $test =~ m,([a-z]+)_test\.c$,;

	like($output, qr/^$name: [1-9]\d* checks, 0 failed$/m, $name);
}
done_testing();
