# What a server, a database and a role have set for how values are spelled is
# neither in payloads nor in what steps read and write.

use strict;
use warnings FATAL => 'all';

use Test::More;
use WorkflowEngine::Test;

my $tenant = '11111111-1111-1111-1111-111111111111';
my $node = new_node('main', <<'CONF');
datestyle = 'SQL, DMY'
intervalstyle = 'sql_standard'
bytea_output = 'escape'
extra_float_digits = -15
timezone = 'America/St_Johns'
CONF
$node->safe_psql('postgres', q{
	ALTER DATABASE postgres SET datestyle = 'German, DMY';
	ALTER DATABASE postgres SET intervalstyle = 'iso_8601';
	CREATE ROLE clerk;
	ALTER ROLE clerk SET datestyle = 'Postgres, MDY';
	ALTER ROLE clerk SET extra_float_digits = 0});
$node->safe_psql('postgres', qq{
	CREATE EXTENSION workflow_engine;
	CREATE TABLE source (id int, tenant_id uuid DEFAULT '$tenant', d date,
		days daterange, iv interval, f float8, bin bytea, price money,
		at timestamptz, span tstzrange);
	CREATE TABLE target (LIKE source);
	CREATE TRIGGER fire AFTER INSERT ON source
		FOR EACH ROW EXECUTE FUNCTION wf_fire_trigger('copy');
	SELECT wf_define('$tenant', jsonb_build_object('name', 'copy',
		'trigger_type', 'copy', 'steps', jsonb_build_array(
		jsonb_build_object('name', 'insert', 'action', 'insert_record',
			'params', jsonb_build_object('table', 'target', 'fields',
				(SELECT jsonb_object_agg(attname, format('{{ trigger.%s }}', attname))
				 FROM pg_attribute
				 WHERE attrelid = 'target'::regclass AND attnum > 0))),
		jsonb_build_object('name', 'find', 'action', 'find_record',
			'params', '{"table": "target", "where": {"id": 1}}'::jsonb))));
	GRANT INSERT ON source TO clerk});
$node->safe_psql('postgres', q{
	SET ROLE clerk;
	INSERT INTO source (id, d, days, iv, f, bin, price, at, span) VALUES
		(1, '2026-02-01', '[2026-02-01,2026-03-04)', '-1 day -02:00:00',
		 0.30000000000000004, '\x00ff', 1234.5, '2026-02-01 03:04:05Z',
		 '[2026-02-01 03:04:05Z,)')});
wait_for($node, 'postgres',
	q{SELECT status = 'completed' FROM workflow_runs}, 'the row is copied');

is($node->safe_psql('postgres', 'TABLE source EXCEPT TABLE target'),
	'', 'the copy is the same');
is( $node->safe_psql('postgres',
		q{SELECT jsonb_pretty(trigger_payload - '{tenant_id,_op,_table,_schema,id}'::text[])
		  FROM workflow_runs}),
	q{{
    "d": "2026-02-01",
    "f": 0.30000000000000004,
    "at": "2026-02-01T03:04:05+00:00",
    "iv": "-1 days -02:00:00",
    "bin": "\\\\x00ff",
    "days": "[2026-02-01,2026-03-04)",
    "span": "[\"2026-02-01 03:04:05+00\",)",
    "price": "$1,234.50"
}},
	'the payload is spelled as ever');
is( $node->safe_psql('postgres',
		q{SELECT (output->'record') - '{tenant_id,id,at,span}'::text[] = trigger_payload - '{tenant_id,id,at,span,_op,_table,_schema}'::text[]
		  FROM workflow_runs r, wf_trace(r.id) WHERE step_name = 'find'}),
	't', 'and what a step finds');

$node->stop;
done_testing();
