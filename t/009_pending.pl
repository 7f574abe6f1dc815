
# The index of payloads: who fires adds to its list of new entries, workers
# clean it, and what is on the list is found all the same.

use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Test;

my $node = new_node('main', <<'CONF');
workflow_engine.workers = 0
workflow_engine.poll_interval = 500ms
autovacuum = off
CONF

my $tenant = '00000000-0000-4000-8000-000000000001';

sub pending_pages
{
	return $node->safe_psql('postgres',
		q{SELECT pending_pages FROM pgstatginindex('workflow_runs_payload')});
}

sub fire
{
	my ($from, $to) = @_;

	$node->safe_psql('postgres',
		"SELECT count(*) FROM generate_series($from, $to) g, "
		  . "wf_fire('$tenant', 'note', jsonb_build_object('id', g, "
		  . "'a', 'a' || g, 'b', 'b' || g, 'c', 'c' || g, 'd', 'd' || g))");
	return;
}

$node->safe_psql('postgres', qq{
	CREATE EXTENSION workflow_engine;
	CREATE EXTENSION pgstattuple;
	CREATE TABLE notes (id int);
	SELECT wf_define('$tenant', '{"name": "note", "trigger_type": "note",
		"steps": [{"name": "note", "action": "insert_record", "params":
			{"table": "notes", "fields": {"id": "{{trigger.id}}"}}}]}')});

# 4 MB is where PostgreSQL would have whoever fires clean it
fire(1, 60000);
my $pages = pending_pages();
cmp_ok($pages, '>', 600, 'who fires leaves it to others');
is( $node->safe_psql(
		'postgres', q{SELECT count(*) FROM wf_history('{"c": "c777"}')}),
	1,
	'a run that is on the list is found');

$node->safe_psql('postgres', 'ALTER SYSTEM SET workflow_engine.workers = 2');
$node->safe_psql('postgres', 'SELECT pg_reload_conf()');
wait_for(
	$node,
	'postgres',
	q{SELECT count(*) = 60000 FROM workflow_runs WHERE status = 'completed'},
	'all runs end', 300);
wait_for(
	$node,
	'postgres',
	q{SELECT pending_pages < 128 FROM pgstatginindex('workflow_runs_payload')},
	'the workers have cleaned it');
is( $node->safe_psql(
		'postgres', q{SELECT count(*) FROM wf_history('{"c": "c777"}')}),
	1,
	'the run is found in the index');

#
# It may be dropped.
#
$node->safe_psql('postgres', q{
	DROP INDEX workflow_runs_payload;
	TRUNCATE workflow_runs});
fire(1, 100);
wait_for(
	$node,
	'postgres',
	q{SELECT count(*) = 100 FROM workflow_runs WHERE status = 'completed'},
	'runs end without the index');
$node->stop;
done_testing();
