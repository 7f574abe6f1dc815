
# What administrators do to a database beside the engine: they rebuild its
# tables and indexes, name databases as they like, load by COPY, replicate.

use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Test;

my $tenant = '11111111-1111-1111-1111-111111111111';
my $node = new_node('main', <<'CONF',
workflow_engine.workers = 1
workflow_engine.poll_interval = '1h'
CONF
	init => [
		allows_streaming => 'logical',
		extra => [ '--encoding=UTF8', '--locale=C' ] ]);

$node->safe_psql('postgres', qq{
	CREATE DATABASE base;
	\\connect base
	CREATE EXTENSION workflow_engine;
	CREATE TABLE done (n int);
	SELECT wf_define('$tenant', '{"name": "w", "trigger_type": "e",
		"steps": [{"name": "note", "action": "insert_record", "params":
			{"table": "done", "fields": {"n": "{{trigger.n}}"}}}]}')});

# Each number that was fired was noted once.
sub wait_done
{
	my ($db, $count, $what) = @_;

	wait_for($node, $db,
		"SELECT count(*) = $count AND count(DISTINCT n) = $count FROM done", $what);
	return;
}

#
# Tables and indexes are rebuilt while runs come and go.
#
my $load = $node->background_psql('base');
$load->query_until(qr/begun/, qq{\\echo begun
	DO \$\$
	BEGIN
		FOR i IN 1 .. 3000 LOOP
			PERFORM wf_fire('$tenant', 'e', jsonb_build_object('n', i));
			COMMIT;
		END LOOP;
	END \$\$;
});
foreach my $command (
	'REINDEX TABLE CONCURRENTLY workflow_runs',
	'VACUUM FULL workflow_runs',
	'CLUSTER workflow_runs USING workflow_runs_pkey',
	'REINDEX TABLE workflow_runs',
	'VACUUM (FREEZE, ANALYZE) workflow_runs')
{
	is($node->psql('base', $command), 0, $command);
}
$load->quit;
wait_done('base', 3000, 'each run takes effect once');
$node->safe_psql('base', 'CREATE EXTENSION amcheck');
is( $node->safe_psql('base', q{
		SELECT count(bt_index_check(i.indexrelid, true)::text) >= 6
		FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
			JOIN pg_class x ON x.oid = i.indexrelid
			JOIN pg_am a ON a.oid = x.relam
		WHERE c.relname ~ '^workflow_' AND a.amname = 'btree'}),
	't',
	'the B-trees of all tables have every row, in order');
is( $node->safe_psql('base', q{
		SELECT count(*) FROM pg_class c, verify_heapam(c.oid)
		WHERE c.relname ~ '^workflow_' AND c.relkind = 'r'}),
	'0',
	'the tables are sound');
my $found = q{SELECT count(*) FROM generate_series(1, 3000) g,
	LATERAL (SELECT FROM workflow_runs
		WHERE trigger_payload @> jsonb_build_object('n', g)) r};
is($node->safe_psql('base', "SET enable_seqscan = off; $found"),
	'3000', 'the index of payloads has every row');
$node->safe_psql('base', 'DROP EXTENSION amcheck');

#
# Names of databases, and an encoding.
#
my @names = (
	q{Mixed "quotes" and 'spaces'}, "na\xc3\xafve", 'host=nowhere dbname=x',
	'%s%n%d', 'back\\slash', '-dash', 'x' x 63, "\xe4\xba\xba" x 21);
$node->safe_psql('base', 'TRUNCATE done');
my %quoted = map { ($_ => '"' . s/"/""/gr . '"') } @names;
foreach my $name (@names)
{
	$node->safe_psql('postgres', "CREATE DATABASE $quoted{$name} TEMPLATE base");
	$node->safe_psql($name, "SELECT wf_fire('$tenant', 'e', '{\"n\": 1}')");
}
foreach my $name (@names)
{
	wait_done($name, 1, "a database of the name $name");
	is( $node->safe_psql(
			$name, q{SELECT count(*) FROM wf_workers()
			WHERE database = current_database()}),
		'1',
		'... is shown by it');
	is($node->psql('postgres', "DROP DATABASE $quoted{$name}"),
		0, '... and dropped');
}
$node->safe_psql('postgres',
	q{CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0});
$node->safe_psql('latin', qq{
	SET client_encoding = 'UTF8';
	CREATE EXTENSION workflow_engine;
	CREATE TABLE words (word text);
	SELECT wf_define('$tenant', '{"name": "w", "trigger_type": "e",
		"steps": [{"name": "note", "action": "insert_record", "params":
			{"table": "words", "fields": {"word": "{{trigger.word}} \xc3\xa9"}}}]}');
	SELECT wf_fire('$tenant', 'e', '{"word": "\xc3\xa9t\xc3\xa9"}')});
wait_for($node, 'latin',
	q{SELECT count(*) = 1 AND bool_and(convert_to(word, 'LATIN1') = '\xe974e920e9')
	  FROM words},
	'a database in Latin-1');

#
# COPY, and logical replication: a table's trigger that is ENABLE ALWAYS fires
# for what is applied, and its workers are woken.
#
my $orders = qq{
	CREATE TABLE orders (id int PRIMARY KEY, tenant_id uuid DEFAULT '$tenant')};
$node->safe_psql('postgres', 'CREATE DATABASE here');
$node->safe_psql('here', qq{$orders; INSERT INTO orders VALUES (1), (2);
	CREATE PUBLICATION pub FOR TABLE orders;
	SELECT pg_create_logical_replication_slot('sub', 'pgoutput')});
$node->safe_psql('base', qq{$orders;
	CREATE TRIGGER fire AFTER INSERT OR UPDATE ON orders
		FOR EACH ROW EXECUTE FUNCTION wf_fire_trigger('e', 'tenant_id', 'n=id');
	COPY orders (id) FROM STDIN;
101
102
\\.
	TRUNCATE orders});
wait_done('base', 2, 'rows that COPY loads fire');
$node->safe_psql('base', 'TRUNCATE done; DELETE FROM workflow_runs');
my $connection = $node->connstr('here') =~ s/'/''/gr;
$node->safe_psql('base', qq{CREATE SUBSCRIPTION sub CONNECTION '$connection'
	PUBLICATION pub WITH (create_slot = false, slot_name = 'sub')});
wait_for($node, 'base', 'SELECT count(*) = 2 FROM orders', 'rows are replicated');
$node->safe_psql('here', 'INSERT INTO orders VALUES (3)');
wait_for($node, 'base', 'SELECT count(*) = 3 FROM orders', 'one more is');
is($node->safe_psql('base', 'SELECT count(*) FROM workflow_runs'),
	'0', 'which does not fire by itself');
$node->safe_psql('base', 'ALTER TABLE orders ENABLE ALWAYS TRIGGER fire');
$node->safe_psql('here', 'INSERT INTO orders VALUES (4), (5)');
wait_done('base', 2, 'with ENABLE ALWAYS it does');
$node->safe_psql('here', 'UPDATE orders SET id = id + 10 WHERE id = 5');
wait_done('base', 3, '... for what is updated as well');
$node->safe_psql('base', 'DROP SUBSCRIPTION sub');

$node->stop;
done_testing();
