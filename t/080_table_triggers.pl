# Table triggers where no hook has checked them: in a restore, which brings
# what worked where it was dumped, and in a server without the library
# preloaded.

use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Test;

my $tenant = '11111111-1111-1111-1111-111111111111';
my $node = new_node('main', "workflow_engine.databases = ''\n");

sub run_payloads
{
	my ($database) = @_;

	return $node->safe_psql($database,
		'SELECT trigger_payload FROM workflow_runs ORDER BY id');
}

#
# A restore
#
$node->safe_psql('postgres', 'CREATE DATABASE first');
$node->safe_psql('first', qq{
	CREATE EXTENSION workflow_engine;
	SELECT wf_define('$tenant', '{"name": "w", "trigger_type": "new",
		"steps": [{"name": "s", "action": "find_record",
			"params": {"table": "orders", "where": {"number": 1}}}]}');
	CREATE TABLE orders (id int, tenant_id uuid DEFAULT '$tenant', total int)
		PARTITION BY RANGE (id);
	CREATE TABLE orders_1 PARTITION OF orders FOR VALUES FROM (0) TO (100);
	CREATE TRIGGER fire AFTER INSERT ON orders
		FOR EACH ROW EXECUTE FUNCTION wf_fire_trigger('new', 'tenant_id', 'id');
	CREATE TABLE bulk (id int, tenant_id uuid DEFAULT '$tenant');
	CREATE TRIGGER fire AFTER INSERT ON bulk REFERENCING NEW TABLE AS n
		FOR EACH STATEMENT EXECUTE FUNCTION wf_fire_trigger('new');
	ALTER TABLE orders RENAME id TO number;
	ALTER TABLE bulk ADD _op text;
	INSERT INTO orders (number) VALUES (1)});
my $dump = $node->basedir . '/first.dump';
command_ok(
	[ 'pg_dump', '-Fc', '-f', $dump, $node->connstr('first') ],
	'pg_dump');
$node->safe_psql('postgres', 'CREATE DATABASE second');
command_ok(
	[
		'pg_restore', '--exit-on-error', '--single-transaction', '-d',
		$node->connstr('second'), $dump
	],
	'a trigger whose column was renamed is restored');
is(run_payloads('second'), run_payloads('first'), 'nothing is fired by it');
is( $node->safe_psql('second',
		q{SELECT count(*) FROM pg_trigger WHERE tgname = 'fire'}),
	'3', 'all triggers are there');

my ($rc, $out, $err) = $node->psql('second',
	'DELETE FROM workflow_runs; INSERT INTO orders VALUES (5)');
is($rc, 0, 'the table can be written to');
like(
	$err,
	qr/WARNING:  trigger "fire" of table "public\.orders": column "id"/,
	'and the warning names trigger, table and column');
is( run_payloads('second'),
	'{"id": null, "_op": "INSERT", "_table": "orders", "_schema": "public"}',
	'the event is fired without it');

# The same by a plain script.
$node->safe_psql('postgres', 'CREATE DATABASE third');
my $script = $node->basedir . '/first.sql';
command_ok([ 'pg_dump', '-f', $script, $node->connstr('first') ],
	'pg_dump, plain');
command_ok(
	[
		'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-1', '-f', $script, '-d',
		$node->connstr('third')
	],
	'psql restores it');
$node->stop;

#
# Without the library preloaded
#
$node = new_node('lazy', undef, preload => 0);
$node->safe_psql('postgres', qq{
	CREATE EXTENSION workflow_engine;
	CREATE TABLE orders (id int, tenant_id uuid DEFAULT '$tenant', total int);
	SELECT wf_define('$tenant', '{"name": "w", "trigger_type": "new",
		"steps": [{"name": "s", "action": "find_record",
			"params": {"table": "orders", "where": {"id": 1}}}]}')});
$node->safe_psql('postgres', q{
	CREATE TRIGGER wrong AFTER INSERT ON orders
		FOR EACH ROW EXECUTE FUNCTION wf_fire_trigger('new', 'tenant_id', 'totl');
	CREATE TRIGGER worse BEFORE INSERT ON orders
		FOR EACH ROW EXECUTE FUNCTION wf_fire_trigger('new')});
($rc, $out, $err) =
  $node->psql('postgres', 'INSERT INTO orders VALUES (1), (2)');
is($rc, 0, 'a wrong trigger that nobody checked does not fail its statement');
is(scalar(() = $err =~ /WARNING:/g), 2, 'each gives one warning');
like(
	$err,
	qr/trigger "wrong" of table "public\.orders": column "totl".*Did you mean "total"/s,
	'which says what is wrong');
is($node->safe_psql('postgres', 'SELECT count(*) FROM orders'),
	'2', 'the rows are there');
is( run_payloads('postgres'), join("\n",
		('{"_op": "INSERT", "totl": null, "_table": "orders", "_schema": "public"}')
		x 2),
	'and the one that can fire has fired');

# Any function of the extension loads the library, and then triggers are
# checked.
($rc, $out, $err) = $node->psql('postgres', q{
	SELECT wf_new_run_id() IS NULL;
	CREATE TRIGGER refused AFTER INSERT ON orders
		FOR EACH ROW EXECUTE FUNCTION wf_fire_trigger('new', 'tenant_id', 'totl')});
like($err, qr/ERROR:  column "totl" of relation "orders" does not exist/,
	'a session that has the library checks them');

$node->stop;
done_testing();
