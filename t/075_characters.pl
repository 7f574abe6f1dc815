# Messages that quote input are whole characters, in databases of each kind of
# encoding.

use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Test;

my $tenant = '11111111-1111-1111-1111-111111111111';
my $node = new_node('main', "workflow_engine.workers = 1\n");
my %letters = (UTF8 => '\303\251', LATIN1 => '\351', SQL_ASCII => '\303\251');

for my $encoding (sort keys %letters)
{
	my $database = lc $encoding;

	# bytes of the database's own encoding, whatever psql would send
	$node->safe_psql('postgres', qq{
		CREATE DATABASE $database ENCODING '$encoding' LOCALE 'C' TEMPLATE template0});
	$node->safe_psql($database, qq{
		CREATE EXTENSION workflow_engine;
		CREATE TABLE letter AS SELECT convert_from('$letters{$encoding}', '$encoding') AS l;
		CREATE FUNCTION raise(params jsonb, context jsonb) RETURNS jsonb LANGUAGE plpgsql AS
			'BEGIN
				IF params->>''path'' IS NOT NULL THEN
					RETURN (params->>''path'')::jsonpath::text;
				END IF;
				RAISE EXCEPTION ''%'', ''a'' || repeat(params->>''l'', 5000);
			END';
		SELECT wf_register_action('raise', 'raise(jsonb,jsonb)');
		SELECT wf_define('$tenant', '{"name": "w", "trigger_type": "w", "steps": [
			{"name": "s", "action": "raise", "params": {
				"path": "{{trigger.path | default: null}}",
				"l": "{{trigger.l | default: null}}"}}]}');
		SELECT wf_fire('$tenant', 'w', jsonb_build_object('path', '.4' || l)) FROM letter;
		SELECT wf_fire('$tenant', 'w', jsonb_build_object('l', l)) FROM letter});
	wait_for($node, $database,
		q{SELECT count(*) = 2 FROM workflow_runs WHERE status = 'failed'},
		"$encoding: the runs fail");

	# convert_from refuses what is no text
	is( $node->safe_psql($database, qq{
			SELECT count(convert_from(convert_to(message, '$encoding'), '$encoding')) > 0
			FROM letter, unnest(ARRAY['{{ trigger[0]' || l || '}}', '{{ ' || l || ' | ' || l || '}}']) template,
				wf_validate(jsonb_build_object('name', 'w', 'trigger_type', 'w', 'steps',
					jsonb_build_array(jsonb_build_object('name', 's', 'action', 'raise',
						'params', jsonb_build_object('a', template)),
						jsonb_build_object('name', 'r', 'action', 'raise',
							'condition', '\$.a == .4' || l))))}),
		't', "$encoding: what wf_validate says is text");
	is( $node->safe_psql($database, qq{
			SELECT count(convert_from(convert_to(error_message || step_results, '$encoding'),
				'$encoding'))
			FROM workflow_runs}),
		'2', "$encoding: errors of steps are text");
	is( $node->safe_psql($database, q{
			SELECT octet_length(step_results->0->>'error') BETWEEN 4095 AND 4096
			FROM workflow_runs WHERE trigger_payload ? 'l'}),
		't', "$encoding: a long one is cut");
	command_ok(
		[
			'psql', '-X', '-d', $node->connstr($database), '-c',
			q{COPY workflow_runs (error_message, step_results) TO STDOUT ENCODING 'UTF8'}
		],
		"$encoding: COPY takes them")
	  if $encoding ne 'SQL_ASCII';
}

$node->stop;
done_testing();
