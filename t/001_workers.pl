
# Workers come and go with the extension, with databases and with settings;
# commands on databases work while they run.

use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Runs;
use WorkflowEngine::Test;

my $tenant = '11111111-1111-1111-1111-111111111111';
my $node = new_node('main', "workflow_engine.poll_interval = '500ms'\n");

# Makes a database with the extension and a workflow that counts.
sub new_database
{
	my ($db, $schema) = @_;

	$node->safe_psql('postgres', "CREATE DATABASE $db");
	add_workflow($db, $schema);
	return;
}

sub add_workflow
{
	my ($db, $schema) = @_;

	$node->safe_psql($db, "CREATE SCHEMA $schema") if $schema ne 'public';
	$node->safe_psql($db, qq{
		CREATE EXTENSION workflow_engine SCHEMA $schema;
		ALTER DATABASE $db SET search_path = public, $schema;
		SET search_path = public, $schema;
		CREATE TABLE IF NOT EXISTS done (n int);
		SELECT wf_define('$tenant', '{"name": "w", "trigger_type": "e",
			"steps": [{"name": "note", "action": "insert_record",
			"params": {"table": "done",
			"fields": {"n": "{{trigger.n}}"}}}]}')});
	return;
}

my $n = 0;

# Fires and waits for the effect.
sub works
{
	my ($db, $what) = @_;

	$n++;
	$node->safe_psql($db,
		"SELECT wf_fire('$tenant', 'e', '{\"n\": $n}')");
	wait_for($node, $db, "SELECT count(*) = 1 FROM done WHERE n = $n", $what);
	return;
}

# What pg_stat_activity shows: process ids of a database's workers.
sub pids
{
	my ($db) = @_;

	return split /\n/, $node->safe_psql('postgres',
		'SELECT pid FROM pg_stat_activity '
		  . "WHERE backend_type = 'workflow_engine worker' "
		  . "AND datname = '$db' ORDER BY pid");
}

sub wait_for_workers
{
	my ($db, $count, $what) = @_;

	wait_until(sub { return pids($db) == $count }, $what);
	return;
}

# New databases and extensions, no restart.
new_database('a', 'public');
works('a', 'CREATE EXTENSION starts work');
new_database('b', 'wf');
works('b', 'in a second database, in another schema');
works('a', 'and still in the first');
wait_for_workers('a', 2, 'two workers a database');
wait_for_workers('b', 2, 'in each');
wait_for($node, 'a',
	q{SELECT array_agg(pid ORDER BY pid) = (SELECT array_agg(pid ORDER BY pid)
		FROM pg_stat_activity
		WHERE backend_type = 'workflow_engine worker' AND datname IN ('a', 'b'))
	  FROM wf_workers()},
	'wf_workers() shows the workers of all databases');
wait_for($node, 'postgres',
	q{SELECT count(*) = 0 FROM pg_stat_activity
	  WHERE backend_type = 'workflow_engine worker'
	  AND datname NOT IN ('a', 'b')},
	'none stays where the extension is not');

set_and_reload($node, 'workflow_engine.workers', 1);
wait_for_workers('a', 1, 'fewer workers');
wait_for_workers('b', 1, 'in each database');
set_and_reload($node, 'workflow_engine.workers', 3);
wait_for_workers('a', 3, 'more workers');
set_and_reload($node, 'workflow_engine.workers', 0);
wait_for_workers('a', 0, 'no workers');
wait_for_workers('b', 0, 'none at all');
$node->safe_psql('a', "SELECT wf_fire('$tenant', 'e', '{\"n\": -1}')");
set_and_reload($node, 'workflow_engine.workers', 1);
wait_for($node, 'a', 'SELECT count(*) = 1 FROM done WHERE n = -1',
	'what was fired meanwhile is executed');
set_and_reload($node, 'workflow_engine.databases', 'a');
wait_for_workers('b', 0, 'a database taken off the list');
works('a', 'the listed one goes on');
set_and_reload($node, 'workflow_engine.databases', '*');
works('b', 'back on the list');

# A worker is terminated.
my ($pid) = pids('a');
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
works('a', 'runs go on after a worker was terminated');
wait_until(
	sub {
		my @now = pids('a');
		return @now == 1 && $now[0] != $pid;
	},
	'another takes its place');

# CREATE DATABASE ... TEMPLATE.
for my $copy ('copy1', 'copy2')
{
	works('a', "work before $copy");
	is($node->psql('postgres', "CREATE DATABASE $copy TEMPLATE a"),
		0, 'CREATE DATABASE ... TEMPLATE with workers up');
}
works('a', 'the template goes on');
$node->safe_psql('copy1', 'ALTER DATABASE copy1 SET search_path = public');
works('copy1', 'the copy works');

# RENAME.
is($node->psql('postgres', 'ALTER DATABASE copy2 RENAME TO renamed'),
	0, 'ALTER DATABASE ... RENAME with workers up');
works('renamed', 'goes on under the new name');
wait_for_workers('renamed', 1, 'pg_stat_activity shows the new name');

# Templates and databases that allow no connection are left alone.
$node->safe_psql('postgres', 'ALTER DATABASE copy1 IS_TEMPLATE true');
wait_for_workers('copy1', 0, 'a template is left alone');
$node->safe_psql('postgres', 'ALTER DATABASE copy1 IS_TEMPLATE false');
wait_for_workers('copy1', 1, 'until it is none any more');
$node->safe_psql('postgres', 'ALTER DATABASE copy1 ALLOW_CONNECTIONS false');
wait_for_workers('copy1', 0, 'one without connections is left alone');
is($node->psql('postgres', 'DROP DATABASE copy1'), 0, 'and can be dropped');

# A command that fails brings the workers back.
my $other = $node->background_psql('renamed');
my ($rc, $out, $err) = $node->psql('postgres', 'DROP DATABASE renamed');
isnt($rc, 0, 'DROP DATABASE with another session connected fails');
like($err, qr/is being accessed by other users/, 'by its own rule');
works('renamed', 'and the workers are back');
$other->quit;

# DROP DATABASE, with work under way.
$node->safe_psql('renamed', qq{
	SELECT wf_fire('$tenant', 'e', jsonb_build_object('n', i))
	FROM generate_series(1, 3000) i});
is($node->psql('postgres', 'DROP DATABASE renamed'),
	0, 'DROP DATABASE with workers up and runs queued');

# DROP EXTENSION, rolled back and not.
$node->safe_psql('a', 'BEGIN; DROP EXTENSION workflow_engine; ROLLBACK');
works('a', 'a DROP EXTENSION that is rolled back changes nothing');
$node->safe_psql('a', qq{
	SELECT wf_fire('$tenant', 'e', jsonb_build_object('n', 0))
	FROM generate_series(1, 3000) i});
is($node->psql('a', 'DROP EXTENSION workflow_engine'),
	0, 'DROP EXTENSION with workers up and runs queued');
wait_for_workers('a', 0, 'then they leave');
add_workflow('a', 'public');
works('a', 'CREATE EXTENSION once more');

$node->safe_psql('a', 'DROP EXTENSION workflow_engine');
$node->safe_psql('a',
	"BEGIN; CREATE EXTENSION workflow_engine; PREPARE TRANSACTION 'x'");
$node->safe_psql('a', "COMMIT PREPARED 'x'");
wait_for_workers('a', 1, 'CREATE EXTENSION in a prepared transaction');

# Who may not do it does not send the workers away: not somebody who may create
# databases and owns another one, not an owner who may not create databases.
# Nobody had a reason to wait, so the workers are the same processes.
set_and_reload($node, 'workflow_engine.workers', 1);
new_database('c', 'public');
new_database('d', 'wf');
works('c', 'a third database');
wait_for_workers('c', 1, 'with one worker');
($pid) = pids('c');
$node->safe_psql('postgres',
	'CREATE ROLE maker CREATEDB; CREATE ROLE keeper; ALTER DATABASE c OWNER TO keeper');
foreach my $case (
	[ maker => 'ALTER DATABASE c RENAME TO stolen' ],
	[ maker => 'ALTER DATABASE c SET TABLESPACE pg_global' ],
	[ maker => 'DROP DATABASE c' ],
	[ maker => 'CREATE DATABASE stolen TEMPLATE c' ],
	[ keeper => 'ALTER DATABASE c RENAME TO kept' ],
	[ keeper => 'CREATE DATABASE kept TEMPLATE c' ])
{
	my ($role, $command) = @$case;

	($rc, $out, $err) = $node->psql('postgres', $command,
		connstr => $node->connstr('postgres') . " options='-c role=$role'");
	isnt($rc, 0, "$role: $command fails");
	like($err, qr/permission denied|must be owner/, '... for want of a privilege');
	is(join(' ', pids('c')), $pid, '... and its worker stays');
}

# More databases than slots for workers: of the server's five two are the
# launchers', ours and that of replication.
$node->safe_psql('postgres', "DROP DATABASE $_") foreach qw(a b);
$node->safe_psql('postgres', 'ALTER SYSTEM SET max_worker_processes = 5');
$node->restart;
wait_for_workers($_, 1, "$_ has a worker") foreach qw(c d);
my %sole = map { ($_ => pids($_)) } qw(c d);
set_and_reload($node, 'workflow_engine.workers', 2);
wait_until(sub { return pids('c') + pids('d') == 3 }, 'the third slot is used');
my ($rich, $poor) = pids('c') == 2 ? ('c', 'd') : ('d', 'c');

# Now the longest idle is the only worker of a database.
works($poor, 'the database with one worker');
wait_until(
	sub {
		works($rich, 'the other one');
		return $node->safe_psql($rich, q{
			SELECT max(runs_done) > 0 FROM wf_workers()
			WHERE pid = } . $sole{$rich}) eq 't';
	},
	'has worked later');
new_database('e', 'public');
works('e', 'a database more, and no slot is free');
is(join(' ', pids($poor)), $sole{$poor}, 'the only worker of a database stays');
is(scalar(() = pids($rich)), 1, 'the second of another one has given way');

# And then only workers give way to those that have none, in turn.
new_database($_, 'public') foreach qw(f g);
foreach my $round (1, 2)
{
	works($_, "round $round: $_ is served, one of five databases on three slots")
	  foreach qw(c d e f g);
}

unlike(
	slurp_file($node->logfile),
	qr/terminated by signal|PANIC|TRAP:|ended unexpectedly/,
	'nothing crashed');

$node->stop;
done_testing();
