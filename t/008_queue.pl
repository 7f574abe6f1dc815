
# The queue of ids beside the table: no run is lost or executed twice, however
# often it is announced; priority and turns hold also where the queue is full.

use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Utils;
use Test::More;
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

my $define = q{'{"name": "count", "trigger_type": "count", "steps": [
	{"name": "count", "action": "update_record", "params":
		{"table": "counts", "id": "{{trigger.id}}",
		 "fields": {"n": "{{trigger.n}}", "at": "{{now}}"}}},
	{"name": "note", "action": "insert_record", "params":
		{"table": "notes", "fields": {"id": "{{trigger.id}}"}}}]}'};
my $one = tenant(1);
$node->safe_psql('postgres', qq{
	CREATE EXTENSION workflow_engine;
	CREATE TABLE counts (id int PRIMARY KEY, n int NOT NULL CHECK (n <> 13),
		at timestamptz);
	INSERT INTO counts SELECT g, 0 FROM generate_series(1, 30000) g;
	CREATE TABLE notes (id int);
	SELECT wf_define('$one', $define)});

sub wait_all
{
	my ($what) = @_;
	wait_for(
		$node,
		'postgres',
		"SELECT count(*) = 0 FROM workflow_runs "
		  . "WHERE status IN ('queued', 'running', 'waiting')",
		$what);
	return;
}

# How many runs noted how many ids, and how many times in all.
sub notes
{
	return $node->safe_psql('postgres',
		'SELECT count(DISTINCT id), count(*) FROM notes');
}

#
# A run that is announced again and again, while its row is locked.
#
my $session = $node->background_psql('postgres');
$node->safe_psql('postgres', 'SELECT wf_pause()');
$node->safe_psql('postgres',
	qq{SELECT wf_fire('$one', 'count', '{"id": 1, "n": 1}')});
$session->query_safe(
	'BEGIN; SELECT FROM workflow_runs WHERE status = \'queued\' FOR UPDATE');
$node->safe_psql('postgres', 'SELECT wf_resume()');
foreach my $n (2 .. 6)
{
	$node->safe_psql('postgres', 'NOTIFY workflow_engine');
	$node->safe_psql('postgres',
		qq{SELECT wf_fire('$one', 'count', '{"id": $n, "n": 1}')});
	wait_for($node, 'postgres',
		"SELECT count(*) = $n - 1 FROM notes", "run $n passes it");
}
$session->query_safe('COMMIT');
wait_all('the locked one goes on, unasked');
is(notes(), '6|6', 'each was executed once');
$session->quit;

#
# One step fails among many that go well.
#
$node->safe_psql('postgres', 'TRUNCATE notes; SELECT wf_pause()');
$node->safe_psql('postgres',
	"SELECT wf_fire('$one', 'count', jsonb_build_object('id', g, 'n', "
	  . "CASE g % 50 WHEN 13 THEN 13 ELSE 1 END)) "
	  . 'FROM generate_series(1001, 1400) g');
$node->safe_psql('postgres', 'SELECT wf_resume()');
wait_all('400 runs end');
is(notes(), '392|392', 'those that went well took effect once');
like(
	$node->safe_psql(
		'postgres',
		"SELECT count(*), min(error_message) FROM workflow_runs "
		  . "WHERE status = 'failed'"),
	qr/^8\|step "count": new row .* violates check constraint/,
	'those that did not say why');

#
# More than the queue holds: what is urgent goes first all the same.
#
$node->safe_psql('postgres', 'TRUNCATE notes; SELECT wf_pause()');
$node->safe_psql('postgres',
	"SELECT count(*) FROM generate_series(2001, 14000) g, "
	  . "wf_fire('$one', 'count', jsonb_build_object('id', g, 'n', 1))");
$node->safe_psql('postgres',
	"SELECT count(*) FROM generate_series(14001, 14010) g, wf_fire('$one', "
	  . "'count', jsonb_build_object('id', g, 'n', 1), priority => 5)");
$node->safe_psql('postgres', 'SELECT wf_resume()');
wait_all('12,010 runs end');
is(notes(), '12010|12010', 'each was executed once');
cmp_ok(
	$node->safe_psql(
		'postgres',
		'SELECT count(*) FROM workflow_runs WHERE priority = 0 AND '
		  . 'queued_at > (SELECT max(queued_at) FROM workflow_runs WHERE '
		  . "trigger_payload @> '{\"id\": 1400}') AND started_at < "
		  . '(SELECT max(started_at) FROM workflow_runs WHERE priority = 5)'),
	'<', 30, 'the ten that are urgent go before nearly all others');

#
# Two tenants take turns, and more tenants than the queue has places for.
#
$node->safe_psql('postgres', 'TRUNCATE notes; SELECT wf_pause()');
$node->safe_psql('postgres',
	"SELECT count(wf_define(('00000000-0000-0000-0000-' || "
	  . "lpad(g::text, 12, '0'))::uuid, $define)) "
	  . 'FROM generate_series(2, 2600) g');
$node->safe_psql('postgres',
	"SELECT count(*) FROM generate_series(15001, 20000) g, "
	  . "wf_fire('$one', 'count', jsonb_build_object('id', g, 'n', 1))");
$node->safe_psql('postgres',
	'SELECT count(*) FROM generate_series(2, 2600) g, '
	  . "wf_fire(('00000000-0000-0000-0000-' || lpad(g::text, 12, '0'))::uuid, "
	  . "'count', jsonb_build_object('id', 20000 + g, 'n', 1))");
$node->safe_psql('postgres', 'SELECT wf_resume()');
wait_all('runs of 2,600 tenants end');
is(notes(), '7599|7599', 'each was executed once');
cmp_ok(
	$node->safe_psql(
		'postgres',
		"SELECT count(*) FROM workflow_runs WHERE tenant_id = '$one' AND "
		  . "(trigger_payload->>'id')::int BETWEEN 15001 AND 20000 AND "
		  . 'started_at < (SELECT started_at FROM workflow_runs '
		  . "WHERE tenant_id <> '$one' ORDER BY started_at OFFSET 1000 LIMIT 1)"),
	'<', 600, 'a tenant with many runs takes its turn and no more');

#
# What is fired for later comes by the clock; what was rolled back does not.
#
$node->safe_psql('postgres', 'TRUNCATE notes');
$node->safe_psql('postgres', qq{
	BEGIN;
	SAVEPOINT s;
	SELECT wf_fire('$one', 'count', '{"id": 21, "n": 1}');
	ROLLBACK TO s;
	SELECT wf_fire('$one', 'count', '{"id": 22, "n": 1}',
		run_at => now() + interval '1 s');
	SELECT wf_fire('$one', 'count', '{"id": 23, "n": 1}',
		run_at => now() + interval '300 ms');
	SELECT count(*) FROM generate_series(31, 130) g, wf_fire('$one', 'count',
		jsonb_build_object('id', g, 'n', 1),
		run_at => now() + interval '600 ms');
	COMMIT});
wait_all('later runs end');
is(notes(), '102|102', 'each was executed once');
is( $node->safe_psql(
		'postgres',
		'SELECT count(*) FROM workflow_runs WHERE started_at < run_at'),
	0,
	'none before its time');

$node->stop;
done_testing();
