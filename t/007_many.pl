
# Many steps, many tenants: a run longer than a transaction may be, and turns
# between tenants.

use strict;
use warnings FATAL => 'all';

use Test::More;
use WorkflowEngine::Test;

my $tenant = '11111111-1111-1111-1111-111111111111';
my $node = new_node('main', <<'CONF');
workflow_engine.workers = 1
workflow_engine.poll_interval = '500ms'
CONF

$node->safe_psql('postgres', q{
	CREATE EXTENSION workflow_engine;
	CREATE TABLE done (place serial, tenant uuid, n int,
		transaction xid8 NOT NULL DEFAULT pg_current_xact_id());
	CREATE TABLE counter (id int PRIMARY KEY, n int NOT NULL);
	INSERT INTO counter VALUES (1, 0), (2, 0);
	CREATE FUNCTION steps(action text, params text, n int) RETURNS jsonb
	LANGUAGE sql AS $$
		SELECT jsonb_agg(jsonb_build_object('name', 's' || i, 'action', action,
			'params', replace(params, '%', i::text)::jsonb) ORDER BY i)
		FROM generate_series(1, n) i $$;
	CREATE FUNCTION count_up(params jsonb, context jsonb) RETURNS jsonb
	LANGUAGE sql AS $$
		UPDATE counter SET n = n + 1 WHERE id = (params->>'id')::int
		RETURNING jsonb_build_object('n', n) $$;
	SELECT wf_register_action('count_up', 'count_up(jsonb,jsonb)')});

# 200 steps, each with an effect; 1,000 steps; one more is refused.
my $define = q{
	SELECT wf_define('%s', jsonb_build_object('name', 'steps%d',
		'trigger_type', 'steps%d',
		'steps', steps('count_up', '{"id": %d}', %d)))};
$node->safe_psql('postgres', sprintf($define, $tenant, 200, 200, 1, 200));
$node->safe_psql('postgres', sprintf($define, $tenant, 1000, 1000, 2, 1000));
my ($rc, $out, $err) =
  $node->psql('postgres', sprintf($define, $tenant, 1001, 1001, 2, 1001));
isnt($rc, 0, 'more than 1,000 steps are refused');

sub fire_steps
{
	my ($count) = @_;
	my $id = $node->safe_psql('postgres',
		"SELECT wf_fire('$tenant', 'steps$count')");

	wait_for($node, 'postgres',
		"SELECT status = 'completed' FROM workflow_runs WHERE id = '$id'",
		"a run of $count steps completes", 180);
	is( $node->safe_psql('postgres', qq{
			SELECT current_step, jsonb_array_length(step_results),
				step_results->-1->'output'->>'n' FROM workflow_runs
			WHERE id = '$id'}),
		"$count|$count|$count",
		'each step once and in order');
	return;
}
fire_steps(200);
fire_steps(1000);

# Tenants take turns.  All are queued before the first may begin.
my $other = '22222222-2222-2222-2222-222222222222';
my $workflow = q{
	SELECT wf_define(%s, '{"name": "w", "trigger_type": "e", "steps": [
		{"name": "note", "action": "insert_record", "params":
			{"table": "done", "fields": {"tenant": "{{tenant.id}}",
			"n": "{{trigger.n}}"}}}]}')};
$node->safe_psql('postgres',
	sprintf($workflow, "'$tenant'") . ';' . sprintf($workflow, "'$other'"));
$node->safe_psql('postgres', 'SELECT wf_pause()');
$node->safe_psql('postgres', qq{
	SELECT wf_fire('$tenant', 'e', jsonb_build_object('n', i), NULL, NULL, 100)
	FROM generate_series(1, 2000) i;
	SELECT wf_fire('$other', 'e', '{"n": 1}')});
$node->safe_psql('postgres', 'SELECT wf_resume()');
wait_for($node, 'postgres', 'SELECT count(*) = 2001 FROM done',
	'two tenants are served');
cmp_ok(
	$node->safe_psql('postgres',
		"SELECT place FROM done WHERE tenant = '$other'"),
	'<=', 200, 'one run does not wait for the 2,000 of another tenant');

# Several hundred tenants beside the busy one.
$node->safe_psql('postgres', 'SELECT wf_pause(); TRUNCATE done RESTART IDENTITY');
$node->safe_psql('postgres',
	'SELECT count(*) FROM (' . sprintf($workflow,
		"md5(t::text)::uuid") . ' FROM generate_series(1, 300) t) x');
$node->safe_psql('postgres', qq{
	SELECT wf_fire('$tenant', 'e', jsonb_build_object('n', i))
	FROM generate_series(1, 2000) i;
	SELECT wf_fire(md5(t::text)::uuid, 'e', jsonb_build_object('n', i))
	FROM generate_series(1, 300) t, generate_series(1, 2) i});
$node->safe_psql('postgres', 'SELECT wf_resume()');
wait_for($node, 'postgres', 'SELECT count(*) = 2600 FROM done',
	'hundreds of tenants are served');
cmp_ok(
	$node->safe_psql('postgres',
		"SELECT max(place) FROM done WHERE tenant <> '$tenant'"),
	'<=', 1200, 'none of them waits for all of the busy one');
is( $node->safe_psql('postgres', q{
		SELECT count(DISTINCT tenant) FROM done WHERE place <= 700}),
	'301',
	'each comes soon');
# A step that took long, as any may on a busy machine, is begun again later and in a
# transaction of its own: such a run does not count.
is( $node->safe_psql('postgres', q{
		SELECT count(*) FROM (SELECT place, together, lag(place) OVER of_tenant AS before,
				lag(together) OVER of_tenant AS together_before
			FROM (SELECT *, count(*) OVER (PARTITION BY transaction) AS together
				FROM done) y
			WINDOW of_tenant AS (PARTITION BY tenant ORDER BY n)) x
		WHERE place < before AND together > 1 AND together_before > 1}),
	'0',
	'and each in the order that it was fired');

# Within a tenant: by priority, then time.
$node->safe_psql('postgres', 'SELECT wf_pause(); TRUNCATE done RESTART IDENTITY');
$node->safe_psql('postgres', qq{
	SELECT wf_fire('$other', 'e', jsonb_build_object('n', 10 * p + i), NULL,
		NULL, p)
	FROM generate_series(0, 9) i, generate_series(-2, 2) p});
$node->safe_psql('postgres', 'SELECT wf_resume()');
wait_for($node, 'postgres', 'SELECT count(*) = 50 FROM done',
	'runs of several priorities');
is( $node->safe_psql('postgres', 'SELECT string_agg(n::text, $$,$$ ORDER BY place) FROM done'),
	join(',', map { my $p = $_; map { 10 * $p + $_ } 0 .. 9 } reverse -2 .. 2),
	'higher ones go first, then those that were fired first');

$node->stop;
done_testing();
