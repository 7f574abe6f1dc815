# pg_dump and restore give the same rows, privileges and behaviour; nothing is
# fired, renumbered or refused by the restore.

use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Test;

my $tenant = '11111111-1111-1111-1111-111111111111';
my $tables = q{workflow_definition_versions workflow_definitions
	workflow_runs workflow_actions workflow_connections workflow_templates
	workflow_pauses workflow_schedules workflow_operations
	workflow_template_versions workflow_tenants};

# Workers look at the first database only: the copy shall lie still.
my $node = new_node('main', "workflow_engine.databases = 'first'\n");
$node->safe_psql('postgres', $_)
  for (
	'CREATE ROLE operator', 'CREATE ROLE app',
	'CREATE ROLE gone', 'CREATE DATABASE first');

$node->safe_psql('first', qq{
	CREATE SCHEMA wf;
	CREATE EXTENSION workflow_engine SCHEMA wf;
	CREATE TABLE orders (id int PRIMARY KEY, status text);
	INSERT INTO orders VALUES (1, 'new'), (2, 'new');
	CREATE FUNCTION note(params jsonb, context jsonb) RETURNS jsonb
		LANGUAGE sql AS 'SELECT params';
	SELECT wf.wf_register_action('note', 'note(jsonb,jsonb)',
		'{"text": {"type": "string", "required": true}}', 'Notes.');
	CREATE FUNCTION of_app(params jsonb, context jsonb) RETURNS jsonb
		LANGUAGE sql AS 'SELECT params';
	ALTER FUNCTION of_app OWNER TO app;
	SELECT wf.wf_register_action('of_app', 'of_app(jsonb,jsonb)');
	SELECT wf.wf_define('$tenant', '{"name": "confirm", "trigger_type": "order",
		"steps": [{"name": "a", "action": "note", "params": {"text": "x"}},
				  {"name": "b", "action": "update_record", "params": {
			"table": "orders", "id": "{{trigger.id}}",
			"fields": {"status": "confirmed"}}}]}');
	INSERT INTO wf.workflow_definitions (tenant_id, definition, run_as, is_active)
		VALUES ('$tenant', '{"name": "lost", "trigger_type": "order",
		"steps": [{"name": "a", "action": "note", "params": {"text": "x"}}]}',
		'gone', false);
	SELECT wf.wf_fire('$tenant', 'order', '{"id": 1}', 'key-1');
	INSERT INTO wf.workflow_connections (name, kind, config, credentials)
		VALUES ('hooks', 'http', '{"base_url": "https://hooks.example.com"}',
				'{"bearer_token": "s3cret-token"}');
	INSERT INTO wf.workflow_templates (tenant_id, name, subject, body)
		VALUES ('$tenant', 'mail', 'Order {{trigger.id}}', 'Hello');
	UPDATE wf.workflow_templates SET body = 'Good morning';
	INSERT INTO wf.workflow_tenants VALUES ('$tenant', 'Beirut');
	SELECT wf.wf_grant('operator', 'operate');
	SELECT wf.wf_grant('app', 'fire')});
wait_for($node, 'first',
	q{SELECT bool_and(status = 'completed') FROM wf.workflow_runs},
	'the first run ends');

# Second versions, a queued run on the old one, a role that goes away.
$node->safe_psql('first', qq{
	SELECT wf.wf_pause();
	SELECT wf.wf_fire('$tenant', 'order', '{"id": 2}', 'key-2');
	SELECT wf.wf_save(id, NULL, jsonb_set(definition, '{description}', '"second"'),
		NULL, version, 'why')
	FROM wf.workflow_definitions WHERE name = 'confirm'});
$node->safe_psql('first', 'DROP ROLE gone');

# Schedules, with a state that nobody would compute anew: one has fired, and is
# overdue (but all is paused), one will never fire again, and one belongs to a
# definition that is switched off.
$node->safe_psql('first', qq{
	SELECT wf.wf_define('$tenant', '{"name": "daily", "schedule": [
		{"cron": "0 8 * * *", "time_zone": "Asia/Beirut", "name": "morning"},
		{"cron": "30 18 * * mon-fri", "time_zone": "Europe/Berlin"}],
		"steps": [{"name": "a", "action": "note", "params": {"text": "x"}}]}');
	SELECT wf.wf_define('$tenant', '{"name": "off", "schedule":
		{"cron": "* * * * *", "time_zone": "UTC", "catch_up": "all"},
		"steps": [{"name": "a", "action": "note", "params": {"text": "x"}}]}');
	UPDATE wf.workflow_definitions SET is_active = false WHERE name = 'off';
	UPDATE wf.workflow_schedules SET next_at = '2020-01-02 03:04',
		last_at = '2020-01-01 03:04', last_run_id = gen_random_uuid()
	WHERE key = 'morning';
	UPDATE wf.workflow_schedules SET next_at = NULL, error = 'it was refused'
	WHERE key LIKE '30 18%'});

my $dump = $node->basedir . '/first.dump';
command_ok(
	[ 'pg_dump', '-Fc', '-f', $dump, $node->connstr('first') ],
	'pg_dump');

sub restore
{
	my ($database, @options) = @_;

	$node->safe_psql('postgres', "CREATE DATABASE $database")
	  if !$node->safe_psql('postgres',
		"SELECT 1 FROM pg_database WHERE datname = '$database'");
	command_ok(
		[
			'pg_restore', '--exit-on-error', '-d', $node->connstr($database),
			@options, $dump
		],
		"pg_restore into $database");
	for my $table (split ' ', $tables)
	{
		my $rows =
		  "SELECT coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), '') FROM wf.$table t";
		my $expected = $node->safe_psql('first', $rows);

		# a role that is gone is a bare number in the dump, and no role after
		$expected =~ s/,\d{4,},/,-,/g if $table =~ /definition/;
		is($node->safe_psql($database, $rows),
			$expected, "$table is the same");
	}
	return;
}

is($node->safe_psql('first', 'SELECT count(*) FROM wf.workflow_schedules'),
	'3', 'three schedules are dumped');
restore('second');
restore('third', '-j', '3');

# What is there gives way, also in a database whose sessions are bound.
$node->safe_psql('third', q{
	DELETE FROM wf.workflow_actions WHERE name = 'note';
	UPDATE wf.workflow_actions SET description = 'changed' WHERE name = 'of_app';
	ALTER DATABASE third SET workflow_engine.tenant_id = 'none'});
restore('third', '--clean', '--if-exists');
restore('third', '--clean', '--if-exists', '--no-owner', '--single-transaction');
is( $node->safe_psql('third',
		q{SELECT count(*) FROM wf.workflow_actions WHERE kind <> 'function'}),
	'8', 'the built-in actions are there once');

is( $node->safe_psql('second',
		q{SELECT run_as::oid FROM wf.workflow_definitions WHERE name = 'lost'}),
	'0', 'a role that is gone is no role');

# Privileges came along.
is( $node->safe_psql('second',
		q{SELECT has_table_privilege('operator', 'wf.workflow_definitions', 'UPDATE'),
		  has_column_privilege('operator', 'wf.workflow_connections', 'credentials', 'SELECT'),
		  has_function_privilege('app', 'wf.wf_fire(uuid,text,jsonb,text,timestamptz,int)', 'EXECUTE'),
		  has_function_privilege('app', 'wf.wf_trace(uuid)', 'EXECUTE')}),
	't|f|t|f',
	'privileges are the same');

# A schedule is saved with its definition, not when that is restored: so the
# next version of the definition keeps its state.
$node->safe_psql('second', q{
	UPDATE wf.workflow_definitions
	SET definition = jsonb_set(definition, '{description}', '"second"')
	WHERE name = 'daily'});
is( $node->safe_psql('second',
		q{SELECT key, last_at::timestamptz(0) AT TIME ZONE 'UTC', last_run_id IS NOT NULL
		  FROM wf.workflow_schedules WHERE key = 'morning'}),
	$node->safe_psql('first',
		q{SELECT key, last_at::timestamptz(0) AT TIME ZONE 'UTC', last_run_id IS NOT NULL
		  FROM wf.workflow_schedules WHERE key = 'morning'}),
	'a schedule goes on from where it was');

# And it works on from there: next version, known key, the queued run.
$node->safe_psql('second', q{
	UPDATE wf.workflow_definitions
	SET definition = jsonb_set(definition, '{description}', '"third"')
	WHERE name = 'confirm'});
is( $node->safe_psql('second',
		q{SELECT version FROM wf.workflow_definitions WHERE name = 'confirm'}),
	'3', 'versions count on');
is( $node->safe_psql('second', qq{
		SELECT (SELECT id FROM wf.workflow_runs WHERE idempotency_key = 'key-2')
			= wf.wf_fire('$tenant', 'order', '{"id": 2}', 'key-2')}),
	't', 'an idempotency key is still known');
$node->safe_psql('postgres',
	"ALTER SYSTEM SET workflow_engine.databases = 'second'");
$node->safe_psql('second', q{
	SELECT wf.wf_resume();
	SELECT wf.wf_accept_place(place) FROM wf.wf_places()});
$node->reload;
wait_for($node, 'second',
	q{SELECT status = 'confirmed' FROM orders WHERE id = 2},
	'the queued run is executed in the copy');
is( $node->safe_psql('second',
		q{SELECT version FROM wf.wf_history('{"id": 2}')}),
	'1', 'on the version it was fired with');
is($node->safe_psql('first', q{SELECT status FROM orders WHERE id = 2}),
	'new', 'and not in the first');

$node->stop;
done_testing();
