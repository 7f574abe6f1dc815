
# make says what is missing and which package has it; make install brings what
# users read; what is said of the version agrees.

use strict;
use warnings FATAL => 'all';

use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use File::Find qw(find);
use FindBin;
use JSON::PP ();
use PostgreSQL::Test::Utils;
use Test::More;

my $top = abs_path("$FindBin::Bin/..");
my $tmp = PostgreSQL::Test::Utils::tempdir();

# The make that runs the tests is no make of ours.
delete @ENV{qw(MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES COPT PG_CONFIG)};

# The last words of make in an empty folder, and its exit status.
sub make
{
	my (@arguments) = @_;
	my ($output, $pid);

	$pid = open(my $from, '-|') // die "fork: $!";
	if ($pid == 0)
	{
		open(STDERR, '>&', \*STDOUT);
		chdir $tmp;
		exec('make', '-f', "$top/Makefile", @arguments) or die "make: $!";
	}
	$output = do { local $/; <$from> };
	close $from;
	return ($output, $? >> 8);
}

# A pg_config of that name which prints, by its first argument; what it is not
# told it asks the real one.
sub program
{
	my ($name, %answer) = @_;
	my $cases =
	  join '', map { "$_) echo '$answer{$_}' ;;\n" } sort keys %answer;

	append_to_file("$tmp/$name",
		"#!/bin/sh\ncase \$1 in\n$cases*) exec pg_config \"\$1\" ;;\nesac\n");
	chmod 0755, "$tmp/$name";
	return "$tmp/$name";
}

#
# What is missing
#
sub refuses
{
	my ($what, $arguments, @says) = @_;
	my ($output, $status) = make('-n', @$arguments);

	isnt($status, 0, "make ends: $what");
	like($output, qr/\Q$_\E/, "... and says \"$_\"") foreach @says;
	unlike($output, qr/No such file|No rule|not found/, '... and no more');
	return;
}

my $pgxs = `pg_config --pgxs`;
chomp $pgxs;
my $without_headers = program(
	'pg_config_17',
	'--version' => 'PostgreSQL 17.2',
	'--includedir-server' => "$tmp/no/such/folder",
	'--pgxs' => $pgxs);
my $old = program('pg_config_14', '--version' => 'PostgreSQL 14.9 (Debian)');

refuses('no headers', ["PG_CONFIG=$without_headers"],
	$without_headers, 'headers', 'apt-get install postgresql-server-dev-17',
	'postgresql17-devel');
refuses(
	'no headers, and make install',
	[ 'install', "PG_CONFIG=$without_headers" ],
	'postgresql-server-dev-17');
refuses(
	'a server that is not there',
	['PG_CONFIG=/usr/lib/postgresql/16.none/bin/pg_config'],
	'apt-get install postgresql-server-dev-16', 'PG_CONFIG=');
refuses('an old server', ["PG_CONFIG=$old"],
	'PostgreSQL 14', '15 is the oldest');
refuses('no libcurl', ['CURL_CONFIG=no-such-curl-config'],
	'no-such-curl-config', 'apt-get install libcurl4-openssl-dev',
	'libcurl-devel');

# Without clang nothing is missing but bitcode.
system_or_bail('cp', '-r', $pgxs =~ s{/src/makefiles/pgxs\.mk$}{}r,
	"$tmp/pgxs");
my $global = slurp_file("$tmp/pgxs/src/Makefile.global");
foreach my $clang ('true', '/no/such/clang')
{
	my $changed = $global =~ s/^CLANG\s*=.*$/CLANG = $clang/mr
	  =~ s/^with_llvm\s*=.*$/with_llvm = yes/mr;
	my $name = 'pg_config_' . basename($clang);

	unlink "$tmp/pgxs/src/Makefile.global";
	append_to_file("$tmp/pgxs/src/Makefile.global", $changed);
	my ($plan, $exit) = make('-n',
		'PG_CONFIG='
		  . program($name, '--pgxs' => "$tmp/pgxs/src/makefiles/pgxs.mk"));

	is($exit, 0, "make with CLANG = $clang") or diag($plan);
	is($plan =~ /workflow_engine\.bc/ ? 'bitcode' : 'no bitcode',
		$clang eq 'true' ? 'bitcode' : 'no bitcode', '... as it can');
}

my ($output, $status) = make('-n', 'clean', 'CURL_CONFIG=no-such-curl-config');
is($status, 0, 'make clean needs no libcurl') or diag($output);

#
# What is installed
#
($output, $status) = make('install-docs', "DESTDIR=$tmp/inst");
is($status, 0, 'make install-docs') or diag($output);
my $docs;
find(sub { $docs = $File::Find::name if -d && m/^workflow_engine$/ },
	"$tmp/inst");
ok($docs, 'it has a folder for the documentation') or BAIL_OUT($output);

# The files below the folders that are installed.
sub files_of
{
	my ($folder) = @_;
	my @files;

	find(
		{
			no_chdir => 1,
			wanted => sub { push @files, s{^\Q$folder\E/}{}r if -f } },
		grep { -e } map { "$folder/$_" }
		  qw(README.md CHANGELOG.md LICENSE docs examples));
	return sort @files;
}

is_deeply([ files_of($docs) ], [ files_of($top) ],
	'README, pages and examples are installed');
my ($dry) = make('-n', 'install');
like($dry, qr{examples/workflow\.sql}, 'make install does so');

foreach my $page (grep { m{^docs/.*\.md$} } files_of($docs))
{
	foreach my $link (slurp_file("$docs/$page") =~ /\]\(([^)#\s:]+)(?:#|\))/g)
	{
		ok(-e (dirname("$docs/$page") . "/$link"), "$page: $link is installed too");
	}
}

($output, $status) = make('uninstall-docs', "DESTDIR=$tmp/inst");
is($status, 0, 'make uninstall-docs') or diag($output);
ok(!-e $docs, '... removes them');

#
# The version
#
my $meta = JSON::PP->new->utf8->decode(slurp_file("$top/META.json"));
my ($version) =
  slurp_file("$top/workflow_engine.control") =~ /^default_version = '(.*)'$/m;
my ($newest, $state) =
  slurp_file("$top/CHANGELOG.md") =~ /^## (\S+) \((.*)\)$/m;

is($newest, $version, 'CHANGELOG.md begins with the version of the control file');
is($meta->{version}, "$version.0", 'META.json has it too');
is($meta->{provides}{workflow_engine}{version},
	$meta->{version}, '... twice');
is($meta->{release_status}, $state eq 'unreleased' ? 'unstable' : 'stable',
	'META.json and CHANGELOG.md agree whether it is released');
ok(-f "$top/$meta->{provides}{workflow_engine}{$_}", "the $_ of META.json")
  foreach qw(file docfile);

done_testing();
