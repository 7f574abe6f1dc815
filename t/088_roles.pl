# Roles: what README.md prints works for sessions that log in as those roles;
# what docs/security.md lists is, object by object and column by column, all
# that a member of a group with that capability may do; and a capability is
# granted to, and revoked from, groups and roles that cannot log in.

use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use FindBin;
use lib "$FindBin::RealBin/lib";
use WorkflowEngine::Test;

my $top = "$FindBin::RealBin/..";
my $node = new_node('main');

sub sql
{
	my ($db, $sql, $user) = @_;

	return $node->safe_psql($db, $sql,
		extra_params => $user ? [ '-U', $user ] : []);
}

#--- README.md

# Its blocks of SQL, each with its output if one follows; what is hidden, is
# skipped, fails or runs elsewhere is left out.
sub blocks
{
	my ($text) = @_;
	my @blocks;

	while ($text =~ /((?:^<!-- test: [^\n]*-->\n)*)^```sql\n(.*?)^```\n(?:^```text\n(.*?)^```\n)?/msg)
	{
		push @blocks, { sql => $2, output => $3 } if $1 eq '';
	}
	return @blocks;
}

# psql's output, without blanks at the ends of lines.
sub printed
{
	my ($sql, $user) = @_;
	my ($stdout, $stderr);
	my $status = $node->psql(
		'readme', $sql,
		stdout => \$stdout,
		stderr => \$stderr,
		on_error_stop => 1,
		extra_params => [
			qw(-P format=aligned -P tuples_only=off -P pager=off -P linestyle=ascii),
			$user ? ('-U', $user) : ()
		]);

	is($status, 0, 'README.md: ' . ($user || 'the owner') . ' may do it')
	  or diag("$sql\n$stderr");
	$stdout =~ s/[ \t]+$//mg;
	$stdout =~ s/\n+\z//;
	return $stdout;
}

my ($before, $roles) =
  slurp_file("$top/README.md") =~ /\A(.*?)^## Roles\n(.*?)^## /ms;
my $by_role = 0;
sql('postgres', 'CREATE DATABASE readme');
foreach my $block (blocks($before), blocks($roles))
{
	my $user;

	# a session that logs in as that role, instead
	if ($block->{sql} =~ s/^SET ROLE (\w+);\n//m)
	{
		$user = $1;
		$by_role++;
		$block->{sql} =~ s/^RESET ROLE;\n//m;
	}
	my $output = printed($block->{sql}, $user);
	next if sql('readme', "SELECT to_regclass('workflow_runs') IS NULL") eq 't';
	wait_for($node, 'readme',
		q{SELECT count(*) = 0 FROM workflow_runs WHERE status IN ('queued', 'running')},
		'the runs to end');
	next unless defined $block->{output} && $user;
	is($output, $block->{output} =~ s/\n+\z//r, "what $user sees is printed");
}
is($by_role, 3, 'README.md acts as its roles');
is( sql('readme', <<'EOF', 'operations'), 'shop',
SELECT wf_define('00000000-0000-0000-0000-000000000001', '{"name": "By operations",
	"trigger_type": "none", "steps": [{"name": "go", "action": "find_record",
	"params": {"table": "orders", "where": {"id": 1}}}]}') IS NULL \g /dev/null
SELECT run_as FROM workflow_definitions WHERE name = 'By operations'
EOF
	'what operations define runs as shop');
foreach my $attempt (
	[ app => 'SELECT * FROM workflow_runs' ],
	[ app => 'SELECT wf_history()' ],
	[ app => 'UPDATE orders SET status = status' ],
	[ operations => q{CALL wf_purge('90 days')} ],
	[ operations => 'SELECT credentials FROM workflow_connections' ],
	[ operations => 'DELETE FROM workflow_runs' ])
{
	my ($user, $sql) = @$attempt;
	my $stderr;

	$node->psql('readme', $sql, stderr => \$stderr,
		extra_params => [ '-U', $user ]);
	like($stderr, qr/permission denied/, "$user may not: $sql");
}

#--- who may what, object by object

sql('postgres', 'CREATE SCHEMA wf; CREATE EXTENSION workflow_engine SCHEMA wf');

# capability -> "object: privilege" or "object.column: privilege", of the docs
my @capabilities = qw(fire view operate admin);
my %listed;
foreach my $line (split /\n/, slurp_file("$top/docs/security.md"))
{
	next unless $line =~ /^\| (?:`([a-z_]+)(\(\))?(?: \(([a-z_, ]+)\))?`|the schema) \|/;
	my ($object, $is_function, $columns) = ($1, $2, $3);
	my @cells = map { s/^\s+|\s+$//gr } split /\|/, $line, -1;

	next unless @cells == 7;
	foreach my $n (0 .. $#capabilities)
	{
		foreach my $privilege (split /, /, $cells[ 2 + $n ])
		{
			my $of = \%{ $listed{ $capabilities[$n] } };

			if (!defined $object)
			{
				$of->{"the schema: $privilege"} = 1;
			}
			elsif ($is_function || ($privilege eq 'DELETE' && !$columns))
			{
				$of->{"$object: $privilege"} = 1;
			}
			else
			{
				$columns ||= sql('postgres',
					"SELECT string_agg(attname, ', ') FROM pg_attribute"
					  . " WHERE attrelid = 'wf.$object'::regclass AND attnum > 0");
				$of->{"$object.$_: $privilege"} = 1
				  foreach split /, /, $columns;
				undef $columns unless $line =~ /`[a-z_]+ \(/;
			}
		}
	}
}

# The same of what the role may do in the end, whoever has granted it.
sub allowed
{
	my ($role) = @_;

	return split /\n/, sql('postgres', <<EOF);
WITH member AS (SELECT d.classid, d.objid FROM pg_depend d
	JOIN pg_extension e ON e.oid = d.refobjid AND d.deptype = 'e'
	WHERE d.refclassid = 'pg_extension'::regclass AND e.extname = 'workflow_engine'),
relation AS (SELECT c.oid, c.relname FROM member m JOIN pg_class c ON c.oid = m.objid
	WHERE m.classid = 'pg_class'::regclass AND c.relkind IN ('r', 'v', 'm', 'p'))
SELECT 'the schema: ' || p FROM unnest('{USAGE,CREATE}'::text[]) p
	WHERE has_schema_privilege('$role', 'wf', p)
UNION ALL
SELECT f.proname || '(): EXECUTE' FROM member m JOIN pg_proc f ON f.oid = m.objid
	WHERE m.classid = 'pg_proc'::regclass AND has_function_privilege('$role', f.oid, 'EXECUTE')
UNION ALL
SELECT r.relname || ': ' || p FROM relation r, unnest('{DELETE,TRUNCATE,TRIGGER}'::text[]) p
	WHERE has_table_privilege('$role', r.oid, p)
UNION ALL
SELECT r.relname || '.' || a.attname || ': ' || p FROM relation r
	JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped,
	unnest('{SELECT,INSERT,UPDATE,REFERENCES}'::text[]) p
	WHERE has_column_privilege('$role', r.oid, a.attnum, p)
EOF
}

foreach my $capability (@capabilities)
{
	sql('postgres', <<EOF);
CREATE ROLE "Group of $capability" NOLOGIN;
CREATE ROLE member_$capability LOGIN IN ROLE "Group of $capability";
SELECT wf.wf_grant('Group of $capability', '$capability');
EOF
	my %documented = map { s/^([a-z_]+): EXECUTE$/$1(): EXECUTE/r => 1 }
	  keys %{ $listed{$capability} };
	is( join("\n", sort(allowed("member_$capability"))),
		join("\n", sort keys %documented),
		"a member may do what docs/security.md lists for $capability");
	is_deeply([ allowed('pg_monitor') ], [], 'others may do nothing');
}

#--- groups, and roles that cannot log in

is( sql('postgres', 'SELECT count(*) FROM wf.workflow_runs', 'member_view'),
	'0', 'a member acts by its group');
# (From 16 on it is the grant that says so, which it does when it is made.)
sql('postgres', q{
	ALTER ROLE member_view NOINHERIT;
	REVOKE "Group of view" FROM member_view;
	GRANT "Group of view" TO member_view});
my ($stdout, $stderr);
$node->psql('postgres', 'SELECT count(*) FROM wf.workflow_runs',
	stderr => \$stderr, extra_params => [ '-U', 'member_view' ]);
like($stderr, qr/permission denied for schema wf/, 'one that does not inherit must SET ROLE');
is( sql('postgres',
		'SET ROLE "Group of view"; SELECT count(*) FROM wf.workflow_runs',
		'member_view'),
	'0', 'and may');

# A role's own capabilities are one thing, those of its groups another.
sql('postgres', q{
	SELECT wf.wf_grant('member_view', 'fire');
	ALTER ROLE member_view INHERIT;
	REVOKE "Group of view" FROM member_view;
	GRANT "Group of view" TO member_view});
my $own = q{SELECT count(*) FROM pg_namespace, aclexplode(nspacl)
	WHERE nspname = 'wf' AND grantee = 'member_view'::regrole};
is(sql('postgres', $own), '1', 'a member has a capability of its own');
sql('postgres', q{SELECT wf.wf_revoke('member_view', 'fire')});
is(sql('postgres', $own), '0', 'and nothing is left of it, not in the schema either');
is( sql('postgres', 'SELECT count(*) FROM wf.workflow_runs', 'member_view'),
	'0', 'and it has what its group has');
sql('postgres', q{SELECT wf.wf_revoke('member_view', 'view')});
is( sql('postgres', 'SELECT count(*) FROM wf.workflow_runs', 'member_view'),
	'0', 'which is revoked from the group only');
sql('postgres', qq{SELECT wf.wf_revoke('Group of $_', '$_')}) foreach @capabilities;
is_deeply([ allowed("member_$_") ], [], "so $_ is revoked from its member")
  foreach @capabilities;

# A superuser's own grants go, too.
sql('postgres', q{CREATE ROLE boss SUPERUSER;
	SELECT wf.wf_grant('boss', 'view'), wf.wf_revoke('boss', 'view'); DROP ROLE boss});
sql('postgres', qq{DROP ROLE "Group of $_", member_$_}) foreach @capabilities;
pass('nothing is left that keeps a role from being dropped');

$node->stop;
done_testing();
