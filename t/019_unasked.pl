
# What is due, and what a worker could go on with, does not wait for the next
# sweep: after a pause, beside a worker that is away for long, and if the queue
# is full of what cannot be executed.

use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Runs qw(create_hold hold_definition);
use WorkflowEngine::Test;

my $node = new_node('main', <<'CONF');
workflow_engine.workers = 2
workflow_engine.poll_interval = '1h'
CONF

# Tenant number n.
sub tenant
{
	return sprintf '00000000-0000-0000-0000-%012d', shift;
}

# The same in SQL, for a number g.
my $tenant_g =
  q{('00000000-0000-0000-0000-' || lpad(g::text, 12, '0'))::uuid};
my $note = q{'{"name": "note", "trigger_type": "note", "steps": [
	{"name": "note", "action": "insert_record", "params":
		{"table": "notes", "fields": {"id": "{{trigger.id}}"}}}]}'};
my $one = tenant(1);
my $setup = qq{
	CREATE EXTENSION workflow_engine;
	CREATE TABLE notes (id int);
	SELECT wf_define('$one', $note)};

my $hold = hold_definition();
create_hold($node);
$node->safe_psql('postgres', qq{
	$setup;
	SELECT wf_define('$one', '$hold')});

sub fire
{
	my ($db, $id) = @_;

	$node->safe_psql($db, qq{SELECT wf_fire('$one', 'note', '{"id": $id}')});
	return;
}

sub noted
{
	my ($db, $id, $what) = @_;

	wait_for($node, $db, "SELECT EXISTS (SELECT FROM notes WHERE id = $id)",
		$what, 30);
	return;
}

# More tenants than the queue has room for, each with a run.
sub fire_many
{
	my ($db) = @_;

	$node->safe_psql($db, qq{
		SELECT count(wf_define($tenant_g, $note))
		FROM generate_series(1001, 3100) g});
	# a commit tells of no more than 64 runs and 16 tenants by name
	$node->safe_psql($db, join ';', map {
		my ($first, $last) = ($_ * 50 + 1001, $_ * 50 + 1050);

		"BEGIN; SELECT wf_fire($tenant_g, 'note', "
		  . "jsonb_build_object('id', g)) "
		  . "FROM generate_series($first, $last) g; COMMIT"
	} 0 .. 41);
	return;
}

#
# A run whose worker has ended during a pause.
#
$node->safe_psql('postgres', "SELECT wf_fire('$one', 'hold')");
wait_for($node, 'postgres',
	q{SELECT count(*) = 1 FROM workflow_runs WHERE status = 'running'},
	'a run is in its step');
$node->safe_psql('postgres', 'SELECT wf_pause()');
$node->stop('immediate');
$node->start;
$node->safe_psql('postgres', 'INSERT INTO ended VALUES (1)');
wait_for($node, 'postgres', q{SELECT count(*) = 2 FROM wf_workers()
	WHERE state = 'idle'}, 'other workers have looked');
$node->safe_psql('postgres', 'SELECT wf_resume()');
wait_for($node, 'postgres',
	q{SELECT bool_and(status = 'completed') FROM workflow_runs},
	'it goes on when the pause is over', 30);

#
# A schedule that became due during a pause.
#
sub schedule
{
	my ($name, $cron) = @_;

	return qq{wf_define('$one', '{"name": "$name",
		"schedule": {"cron": "$cron", "time_zone": "UTC"}, "steps": [
		{"name": "note", "action": "insert_record", "params":
			{"table": "notes", "fields": {"id": 98}}}]}')};
}
my $before = $node->safe_psql('postgres', qq{
	SELECT wf_pause();
	SELECT @{[schedule('often', '* * * * *')]};
	UPDATE workflow_schedules SET next_at = date_trunc('minute', now());
	SELECT clock_timestamp()});
$before = (split /\n/, $before)[-1];
$node->safe_psql('postgres', "SELECT @{[schedule('rare', '0 0 1 1 *')]}");
wait_for($node, 'postgres', qq{SELECT count(*) = 2 FROM pg_stat_activity
	WHERE backend_type = 'workflow_engine worker' AND state = 'idle'
		AND state_change > '$before'}, 'the workers have looked');
$node->safe_psql('postgres', 'SELECT wf_resume()');
noted('postgres', 98, 'it fires when the pause is over');
$node->safe_psql('postgres',
	"UPDATE workflow_schedules SET next_at = 'infinity'");

#
# Rows that were locked when a worker tried them, which then begins a step that
# takes long: the other worker executes them.
#
my $n = 60;
my $session = $node->background_psql('postgres');
$node->safe_psql('postgres', qq{
	TRUNCATE ended, notes;
	SELECT wf_pause();
	SELECT wf_fire('$one', 'note', jsonb_build_object('id', g))
	FROM generate_series(1, $n) g});
$session->query_safe(
	q{BEGIN; SELECT FROM workflow_runs WHERE status = 'queued' FOR UPDATE});
$node->safe_psql('postgres',
	"SELECT wf_resume(); SELECT wf_fire('$one', 'hold')");
wait_for($node, 'postgres', q{SELECT count(*) = 1 FROM pg_stat_activity
	WHERE backend_type = 'workflow_engine worker' AND state = 'active'
		AND clock_timestamp() - query_start > interval '2 s'},
	'a worker is in a step that takes long');
$session->query_safe('COMMIT');
wait_for($node, 'postgres', "SELECT count(*) = $n FROM notes",
	'the other one executes what was locked', 30);
$node->safe_psql('postgres', 'INSERT INTO ended VALUES (1)');
$session->quit;

#
# More tenants are paused than the queue has room for: the others, and other
# databases, are served all the same.
#
$node->safe_psql('postgres', qq{
	INSERT INTO workflow_pauses (tenant_id)
	SELECT $tenant_g FROM generate_series(1001, 3100) g});
fire_many('postgres');
fire('postgres', 5000);
noted('postgres', 5000, 'a tenant that is not paused');
$node->safe_psql('postgres', 'CREATE DATABASE other');
$node->safe_psql('other', $setup);
fire('other', 5001);
noted('other', 5001, 'another database');

# All of them, in the other database.
$node->safe_psql('other', 'SELECT wf_pause()');
fire_many('other');
fire('postgres', 5002);
noted('postgres', 5002, 'beside a database in which all are paused');
$node->safe_psql('other', 'SELECT wf_resume()');
wait_for($node, 'other', 'SELECT count(DISTINCT id) = 2101 FROM notes',
	'all of them go on when the pause is over');
$node->safe_psql('postgres', qq{
	DELETE FROM workflow_pauses WHERE tenant_id <> '$one';
	SELECT wf_resume()});
wait_for($node, 'postgres',
	q{SELECT count(*) = 0 FROM workflow_runs WHERE status = 'queued'},
	'and the tenants that were paused one by one');

#
# A database that is dropped while much is due in it leaves its room to others.
#
$node->safe_psql('other', "DELETE FROM workflow_runs; SELECT wf_pause()");
fire_many('other');
$node->safe_psql('postgres', 'DROP DATABASE other WITH (FORCE)');
fire('postgres', 5003);
noted('postgres', 5003, 'after a database was dropped');

done_testing();
