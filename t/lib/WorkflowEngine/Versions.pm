
# Libraries of other versions, made of these sources.

package WorkflowEngine::Versions;

use strict;
use warnings FATAL => 'all';

use Cwd qw(abs_path);
use Exporter 'import';
use File::Basename;
use PostgreSQL::Test::Utils;

use WorkflowEngine::Test;

our @EXPORT = qw(build_library use_installation);

my $top = abs_path(dirname(__FILE__) . '/../../..');

sub change
{
	my ($file, $pattern, $by) = @_;
	my $text = slurp_file($file);

	$text =~ s/$pattern/$by/ or die "$file has nothing like $pattern";
	unlink $file;
	append_to_file($file, $text);
	return;
}

# Builds the library as one of that version and installs it, with the SQL
# scripts, below the folder $inst.  Further changes are [file, pattern, by].
# Only what differs is compiled, if there are objects of this one.
sub build_library
{
	my ($version, $inst, @changes) = @_;
	my $tmp = PostgreSQL::Test::Utils::tempdir();
	my $objects = $ENV{TESTDIR} || $top;
	my @built = glob("$objects/src/api/*.o");
	my @counting = glob("$objects/src/api/*.gcno");    # linked in another way
	local %ENV = %ENV;

	delete @ENV{qw(MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES COPT)};
	system_or_bail('cp', '-a', $top, "$tmp/src");
	system_or_bail('mkdir', "$tmp/build");
	system_or_bail("cd '$objects' && find src -name '*.o' -print0 | "
		  . "tar --null -cf - -T - | tar -C '$tmp/build' -xf -")
	  if @built && !@counting;
	foreach my $change (
		[
			'src/store/store_version.c', qr/(#define LIBRARY_VERSION) ".*"/,
			qq{#define LIBRARY_VERSION "$version"}
		],
		@changes)
	{
		my ($file, @how) = @$change;

		change("$tmp/src/$file", @how);
	}
	system_or_bail('make', '-s', '-C', "$tmp/build", '-f', "$tmp/src/Makefile",
		'with_llvm=no', 'install', "DESTDIR=$inst");
	return;
}

# (Re)starts the node with what make install DESTDIR= put into that folder.
sub use_installation
{
	my ($node, $inst) = @_;
	local $ENV{WF_DESTDIR} = $inst;

	$node->stop if defined $node->{_pid};
	$node->append_conf('postgresql.conf', extension_conf());
	$node->start;
	return;
}

1;
