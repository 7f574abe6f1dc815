
=head1 NAME

WorkflowEngine::Statements - the statements of console/sql, without the console

=head1 SYNOPSIS

  use WorkflowEngine::Statements;
  my ($status, $body) = answer_of($node, 'view_a', 'runs', {}, { q => '12' });

=head2 answer_of(node, role, name, parameters, body, option => value ...)

Executes a statement as psql would, in database "shop" of console_node, by a role
with the settings of a session of the console.  Returns status and the decoded
body (and what stands in a third column), "no row", or the SQLSTATE.  Options: writes (1: it may), keep (1: what it
writes is not rolled back).

=cut

package WorkflowEngine::Statements;

use strict;
use warnings FATAL => 'all';

use Cwd qw(abs_path);
use Exporter 'import';
use File::Basename;
use JSON::PP;
use PostgreSQL::Test::Utils;

our @EXPORT = qw(answer_of);

my $folder = abs_path(dirname(__FILE__) . '/../../../console/sql');

sub answer_of
{
	my ($node, $role, $name, $params, $body, %option) = @_;
	my $sql = slurp_file("$folder/$name.sql");
	my $json = JSON::PP->new->canonical->allow_nonref;
	my ($out, $err);

	$sql =~ s/\@wf\@/"my wf"/g;
	$sql =~ s/;\s*\z//;
	my ($p, $b) = map { defined $_ ? $json->encode($_) : undef } $params, $body;
	# IPC::Run writes what Perl keeps, whatever it means
	utf8::downgrade($_) foreach grep { defined } $p, $b;
	my $mode = $option{writes} ? 'READ WRITE' : 'READ ONLY';
	my $end = $option{keep} ? 'COMMIT' : 'ROLLBACK';
	my $values = join ', ',
	  map { defined $_ ? "\$v\$$_\$v\$" : 'NULL' } $p, $b;
	$node->psql(
		'shop', "\\set VERBOSITY sqlstate\n"
		  . "SET search_path = pg_catalog, pg_temp; SET timezone = 'UTC';\n"
		  . "PREPARE statement(jsonb, jsonb) AS $sql;\n"
		  . "BEGIN $mode;\nEXECUTE statement($values);\n$end;",
		connstr => $node->connstr('shop') . " user=$role password='secret of $role'",
		stdout => \$out, stderr => \$err,
		on_error_stop => 1);
	return $1 if $err =~ /ERROR:  (\w{5})/;
	die $err if $err;
	return 'no row' if $out eq '';
	my ($status, $text) = split /\|/, $out, 2;
	return ($status, $text) if $text !~ /^[\[{]/;
	my ($decoded, $length) = $json->decode_prefix($text);
	return ($status, $decoded,
		$length < length $text ? substr($text, $length + 1) : undef);
}

1;
