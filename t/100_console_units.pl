# The parts of wf_console that need no server: its reader of requests, guards,
# throttle, sessions, routes, configuration; with sanitizers.  What make install
# puts where.
use strict;
use warnings FATAL => 'all';

use Cwd qw(abs_path);
use File::Basename;
use PostgreSQL::Test::Utils;
use Test::More;

use WorkflowEngine::Console;
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

# What is installed runs, and the service starts what was installed.
sub install
{
	my $made = dirname(WorkflowEngine::Console::program());
	my $said = `make -s -C '$top' install BUILD='$made' DESTDIR='$build/root' prefix=/opt/wf 2>&1`;

	return is($?, 0, 'make install') || diag($said);
}

my $root = "$build/root";
my ($conf, $units) = ("$root/etc/wf_console.conf", "$root/opt/wf/lib/systemd/system");

install();
like(`'$root/opt/wf/bin/wf_console' --nothing 2>&1`, qr/--check/, 'the program');
like(slurp_file($conf), qr/^listen = /m, 'its configuration');
like(slurp_file("$units/wf_console.service"), qr{^ExecStart=/opt/wf/bin/wf_console$}m,
	'the service starts it');
my ($path) = slurp_file("$units/wf_console.socket") =~ m{^ListenStream=(.*)$}m;
like(slurp_file($conf), qr/unix:\Q$path\E/, 'the socket is the one that the configuration names');
append_to_file($conf, "# mine\n");
install();
like(slurp_file($conf), qr/^# mine$/m, 'a configuration that is there stays');
done_testing();
