
# Roles that log in, bound to a tenant or to none: what they could do to become
# somebody else, or to hear of somebody else.

use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Test;

my $tenant = '11111111-1111-1111-1111-111111111111';
my $other = '22222222-2222-2222-2222-222222222222';
my $node = new_node('main', "workflow_engine.workers = 1\n");

$node->safe_psql('postgres', qq{
	CREATE EXTENSION workflow_engine;
	CREATE ROLE mallory LOGIN;
	CREATE ROLE eve LOGIN;
	CREATE ROLE nobody LOGIN;
	ALTER ROLE mallory SET workflow_engine.tenant_id = '$tenant';
	SELECT wf_grant('mallory', 'admin'), wf_grant('eve', 'admin');
	CREATE SCHEMA m AUTHORIZATION mallory;
	CREATE SCHEMA e AUTHORIZATION eve;
	CREATE FUNCTION refund(params jsonb, context jsonb) RETURNS jsonb
		LANGUAGE plpgsql AS \$\$ BEGIN
		RETURN jsonb_build_object('by', current_user, 'n', 10 / (params->>'n')::int);
		END \$\$;
	SELECT wf_register_action('refund', 'refund(jsonb,jsonb)');
	SELECT wf_define('$other', '{"name": "Secret business", "trigger_type": "refund",
		"steps": [{"name": "refund", "action": "refund",
			"params": {"n": "{{trigger.n}}"}}]}')});

# As a role, in a session of its own; its SQLSTATE, or the rows.
sub as_role
{
	my ($role, $sql) = @_;
	my ($stdout, $stderr);

	$node->psql(
		'postgres', $sql,
		stdout => \$stdout,
		stderr => \$stderr,
		on_error_stop => 1,
		extra_params => [ '-U', $role, '-v', 'VERBOSITY=sqlstate' ]);
	return $stderr =~ /ERROR:\s+(\w{5})/ ? $1 : $stdout;
}

sub run_refund
{
	my ($n) = @_;
	my $run = $node->safe_psql('postgres',
		"SELECT wf_fire('$other', 'refund', '{\"n\": $n}')");

	wait_for($node, 'postgres',
		"SELECT status IN ('completed', 'failed') FROM workflow_runs"
		  . " WHERE id = '$run'",
		"a run of the other tenant ends ($n)");
	return $run;
}

#
# To become a superuser by a function that another tenant's workflow calls.
#
my $evil = q{(params jsonb, context jsonb) RETURNS jsonb LANGUAGE plpgsql AS
	$$ BEGIN EXECUTE 'ALTER ROLE mallory SUPERUSER';
	EXECUTE 'ALTER ROLE eve SUPERUSER'; RETURN params; END $$};
is(as_role('mallory', "CREATE FUNCTION m.mine $evil"),
	'', 'mallory has a function');
is(as_role('eve', "CREATE FUNCTION e.mine $evil"), '', 'so has eve');
foreach my $try (
	"SELECT wf_register_action('refund', '%s.mine(jsonb,jsonb)')",
	"UPDATE workflow_actions SET handler = '%s.mine(jsonb,jsonb)' WHERE name = 'refund'",
	"DELETE FROM workflow_actions WHERE name = 'refund'",
	"DELETE FROM workflow_actions WHERE name = 'webhook'",
	"SET check_function_bodies = off; UPDATE workflow_actions SET handler = '%s.mine(jsonb,jsonb)' WHERE name = 'refund'"
  )
{
	is(as_role('mallory', $try =~ s/%s/m/r), '42501', "mallory: $try");
	is(as_role('eve', $try =~ s/%s/e/r), '42501', "eve, unbound: $try");
}
is( as_role('mallory', "SELECT wf_register_action('mine', 'm.mine(jsonb,jsonb)')"),
	'42501', 'mallory registers nothing');
is(as_role('eve', "SELECT wf_register_action('mine', 'e.mine(jsonb,jsonb)')"),
	'', 'eve registers a function of her own');
my $run = run_refund(5);
is( $node->safe_psql('postgres', "SELECT output FROM wf_trace('$run')"),
	'{"n": 2, "by": "postgres"}',
	'the other tenant has the function it had');
$node->safe_psql('postgres', qq{
	SELECT wf_define('$other', '{"name": "Lured", "trigger_type": "lured",
		"steps": [{"name": "s", "action": "mine"}]}')});
$node->safe_psql('postgres', "SELECT wf_fire('$other', 'lured')");
wait_for($node, 'postgres',
	q{SELECT error LIKE '%may not work as role postgres%'
	  FROM wf_history(workflow => 'Lured') h, wf_trace(h.run_id)},
	"who uses eve's function as a superuser is told why not");
is( $node->safe_psql('postgres',
		q{SELECT count(*) FROM pg_roles WHERE rolsuper AND rolname <> 'postgres'}
	),
	'0',
	'nobody became a superuser');

#
# To hear of another tenant's runs.
#
my $listener = $node->background_psql('postgres',
	extra_params => [ '-U', 'nobody' ]);
$listener->query('LISTEN workflow_events');
$run = run_refund(0);
my $heard = '';
wait_until(
	sub {
		$heard .= $listener->query('SELECT 1');
		return $heard =~ /received/;
	},
	'a role without any grant hears that a run failed');
my ($payload) = $heard =~ /with payload "(\{.*\})" received/;
is( $node->safe_psql('postgres', qq{
		SELECT '$payload'::jsonb
			= jsonb_build_object('run_id', '$run', 'status', 'failed')}),
	't',
	'and its id, and nothing else');
is( as_role('nobody',
		"SELECT * FROM workflow_runs WHERE id = '$run'"),
	'42501', 'which it cannot read');
is( as_role('mallory', "SELECT count(*) FROM workflow_runs WHERE id = '$run'"),
	'0', 'nor can who is bound to another tenant');
is( as_role('nobody',
		q{NOTIFY workflow_events, 'forged'; NOTIFY workflow_engine, 'forged'}),
	'', 'it can forge what anybody can');
run_refund(1);
$listener->quit;

#
# Two functions of one name take turns in a schema, as fast as its owner can
# rename it: that of a superuser is called, or none.
#
$node->safe_psql('postgres', qq{
	CREATE FUNCTION m.turn(params jsonb, context jsonb) RETURNS jsonb
		LANGUAGE sql AS 'SELECT ''"good"''::jsonb';
	SELECT wf_register_action('turn', 'm.turn(jsonb,jsonb)');
	ALTER SCHEMA m RENAME TO m_good;
	CREATE SCHEMA m_evil AUTHORIZATION mallory;
	GRANT CREATE ON DATABASE postgres TO mallory;
	SELECT wf_define('$other', '{"name": "Turn", "trigger_type": "turn",
		"steps": [{"name": "s", "action": "turn", "on_error": "continue"}]}')});
as_role('mallory', q{CREATE FUNCTION m_evil.turn(params jsonb, context jsonb)
	RETURNS jsonb LANGUAGE sql AS 'SELECT ''"evil"''::jsonb'});
my $pgbench = $node->basedir . '/turn.sql';
append_to_file($pgbench, q{
ALTER SCHEMA m_good RENAME TO m;
BEGIN;
ALTER SCHEMA m RENAME TO m_good;
ALTER SCHEMA m_evil RENAME TO m;
COMMIT;
ALTER SCHEMA m RENAME TO m_evil;
});
$node->safe_psql('postgres', qq{
	SELECT wf_fire('$other', 'turn', jsonb_build_object('i', i),
		run_at => now() + i * interval '2 ms') FROM generate_series(1, 500) i});
command_ok(
	[
		'pgbench', '-n', '-t', '300', '-U', 'mallory', '-f', $pgbench,
		$node->connstr('postgres')
	],
	'a schema is renamed all the time');
wait_for($node, 'postgres',
	q{SELECT count(*) = 500 FROM workflow_runs
	  WHERE trigger_payload ? 'i' AND status = 'completed'},
	'while 500 steps call a function in it');
is( $node->safe_psql('postgres', q{
		SELECT count(*) FROM workflow_runs
		WHERE trigger_payload ? 'i' AND step_results #>> '{0,output}' = 'evil'}),
	'0',
	'never that of the owner of the schema');
is( $node->safe_psql('postgres', q{
		SELECT count(*) > 0 FROM workflow_runs WHERE trigger_payload ? 'i'
		AND (step_results #>> '{0,output}' = 'good'
			OR step_results #>> '{0,error}' ~ 'may not work|does not exist')}),
	't',
	'they are called, or told why not');

$node->stop;
done_testing();
