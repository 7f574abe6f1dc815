
=head1 NAME

WorkflowEngine::Npm - the npm packages of t/npm

=head1 SYNOPSIS

  use WorkflowEngine::Npm;
  $ENV{NODE_PATH} = npm_packages() . '/node_modules';

=cut

package WorkflowEngine::Npm;

use strict;
use warnings FATAL => 'all';

use Cwd qw(abs_path);
use Exporter 'import';
use File::Basename qw(dirname);
use File::Copy qw(copy);
use IPC::Run qw(run);
use PostgreSQL::Test::Utils;

our @EXPORT = qw(npm_packages);

=head2 npm_packages()

The folder that has them below node_modules.  make test has installed them
(WF_NPM); else they are installed for this test.

=cut

sub npm_packages
{
	return $ENV{WF_NPM} if $ENV{WF_NPM};
	my $source = abs_path(dirname(__FILE__) . '/../../npm');
	my $dir = PostgreSQL::Test::Utils::tempdir();
	my $said;

	copy("$source/$_", $dir) or die "$_: $!"
	  foreach qw(package.json package-lock.json);
	run([ qw(npm ci --ignore-scripts --no-audit --no-fund --cache), "$dir/cache",
			'--prefix', $dir ], '>&', \$said)
	  or die "npm ci: $said";
	return $dir;
}

1;
