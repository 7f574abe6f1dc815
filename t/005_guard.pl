
# What ALTER DATABASE and ALTER ROLE ... SET bring does not change what the
# engine promises.

use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Test;

my $tenant = '11111111-1111-1111-1111-111111111111';
my $node = new_node('main', "workflow_engine.poll_interval = '500ms'\n");

$node->safe_psql('postgres', 'CREATE DATABASE app');
$node->safe_psql('postgres', 'CREATE ROLE nobody');

# A schema that would change what names and operators mean.
$node->safe_psql('app', qq{
	CREATE SCHEMA wf;
	CREATE EXTENSION workflow_engine SCHEMA wf;
	CREATE SCHEMA evil;
	CREATE TABLE evil.orders (id int PRIMARY KEY, status text, total numeric,
		due timestamptz, tags text[], seen int NOT NULL DEFAULT 0);
	CREATE TABLE evil.workflow_runs (id uuid);
	CREATE TABLE evil.workflow_pauses (tenant_id uuid);
	INSERT INTO evil.workflow_pauses VALUES (NULL);
	CREATE FUNCTION evil.same(uuid, uuid) RETURNS boolean
		LANGUAGE sql AS 'SELECT false';
	CREATE OPERATOR evil.= (LEFTARG = uuid, RIGHTARG = uuid,
		FUNCTION = evil.same);
	CREATE FUNCTION evil.min(timestamptz) RETURNS timestamptz
		LANGUAGE sql AS 'SELECT NULL::timestamptz';

	CREATE TABLE orders (id int PRIMARY KEY, status text, total numeric(10,2),
		due timestamptz, tags text[], seen int NOT NULL DEFAULT 0);
	INSERT INTO orders (id) SELECT generate_series(1, 50);
	CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS \$\$
		BEGIN new.seen := old.seen + 1; RETURN new; END \$\$;
	CREATE TRIGGER see BEFORE UPDATE ON orders
		FOR EACH ROW EXECUTE FUNCTION see();
	CREATE TABLE notes (id serial, order_id int REFERENCES orders);
	CREATE FUNCTION settings(params jsonb, context jsonb) RETURNS jsonb
	LANGUAGE sql AS \$\$
		SELECT jsonb_object_agg(name, current_setting(name))
		FROM jsonb_array_elements_text(params->'names') name \$\$;
	SELECT wf.wf_register_action('settings', 'settings(jsonb,jsonb)');
	SELECT wf.wf_define('$tenant', '{"name": "w", "trigger_type": "e", "steps": [
		{"name": "update", "action": "update_record", "params":
			{"table": "orders", "id": "{{trigger.id}}", "fields":
			{"status": "done", "total": 12.345, "due": "2026-02-03T04:05:06+00:00",
			 "tags": ["a", null, "null"]}}},
		{"name": "note", "action": "insert_record", "params":
			{"table": "notes", "fields": {"order_id": "{{trigger.id}}"}}},
		{"name": "find", "action": "find_record", "params":
			{"table": "orders", "where": {"id": "{{trigger.id}}"}}},
		{"name": "settings", "action": "settings",
			"condition": "\$.steps.find.output.record.status == \\"done\\"",
			"params": {"names": ["synchronous_commit", "session_replication_role",
			"row_security", "transaction_isolation", "transaction_read_only",
			"search_path", "statement_timeout", "DateStyle", "role",
			"workflow_engine.tenant_id"]}}]}')});

my %hostile = (
	array_nulls => 'off',
	backslash_quote => 'off',
	bytea_output => 'escape',
	check_function_bodies => 'off',
	client_encoding => 'LATIN1',
	client_min_messages => 'error',
	DateStyle => 'SQL, DMY',
	default_transaction_deferrable => 'on',
	default_transaction_isolation => 'serializable',
	default_transaction_read_only => 'on',
	enable_indexscan => 'off',
	exit_on_error => 'on',
	extra_float_digits => '-15',
	gin_fuzzy_search_limit => '1',
	idle_in_transaction_session_timeout => '1ms',
	idle_session_timeout => '1ms',
	IntervalStyle => 'iso_8601',
	lock_timeout => '1ms',
	log_min_messages => 'log',
	plan_cache_mode => 'force_generic_plan',
	quote_all_identifiers => 'on',
	role => 'nobody',
	row_security => 'off',
	search_path => 'evil, pg_catalog, public',
	session_authorization => 'nobody',
	session_replication_role => 'replica',
	standard_conforming_strings => 'off',
	statement_timeout => '1ms',
	synchronous_commit => 'off',
	timezone => 'Asia/Tokyo',
	transform_null_equals => 'on',
	xmloption => 'document',
	'workflow_engine.tenant_id' => 'none');

$hostile{transaction_timeout} = '1ms' if $node->pg_version >= 17;

# Both places at once; a list is no single quoted name.
sub hostility
{
	my ($value, $name) = @_;

	$value = $name eq 'search_path' ? $value : "'$value'";
	return "ALTER DATABASE app SET $name = $value;\n"
	  . "ALTER ROLE CURRENT_USER IN DATABASE app SET $name = $value;\n";
}

$node->safe_psql('postgres', 'ALTER SYSTEM SET workflow_engine.workers = 0');
$node->reload;
wait_until(
	sub {
		return $node->safe_psql('app', 'SELECT count(*) FROM wf.wf_workers()')
		  eq '0';
	},
	'no worker is up');
$node->safe_psql('app', qq{
	SELECT wf.wf_fire('$tenant', 'e', jsonb_build_object('id', i))
	FROM generate_series(1, 50) i});
$node->safe_psql('postgres',
	join('', map { hostility($hostile{$_}, $_) } sort keys %hostile));
$node->safe_psql('postgres', 'ALTER SYSTEM RESET workflow_engine.workers');
$node->reload;

# Sessions of this test start with what PGOPTIONS sets, which wins.
my $sane = join ' ', map { "-c $_" } (
	'statement_timeout=0', 'idle_session_timeout=0',
	'idle_in_transaction_session_timeout=0', 'lock_timeout=0',
	'role=none', 'search_path=public,wf', 'client_encoding=UTF8',
	'default_transaction_read_only=off', 'row_security=on',
	'default_transaction_isolation=read\ committed',
	'default_transaction_deferrable=off', 'exit_on_error=off',
	'workflow_engine.tenant_id=', 'gin_fuzzy_search_limit=0',
	'DateStyle=ISO', 'standard_conforming_strings=on', 'timezone=UTC', 'extra_float_digits=1',
	'session_replication_role=origin', 'synchronous_commit=on',
	$node->pg_version >= 17 ? 'transaction_timeout=0' : ());
{
	local $ENV{PGOPTIONS} = $sane;

	wait_for($node, 'app',
		"SELECT count(*) = 50 FROM workflow_runs WHERE status = 'completed'",
		'all runs complete');
	is( $node->safe_psql('app', q{
			SELECT count(*), count(DISTINCT (status, total, due, tags::text)),
				min(status), min(total), min(due), min(tags::text),
				min(seen), max(seen) FROM public.orders}),
		'50|1|done|12.35|2026-02-03 04:05:06+00|{a,NULL,"null"}|1|1',
		'values come in right, triggers fire');
	is($node->safe_psql('app', 'SELECT count(*) FROM public.notes'),
		'50', 'once each');
	is($node->safe_psql('app', 'SELECT count(*) FROM evil.orders'),
		'0', 'in the right table');
	is( $node->safe_psql('app', qq{
			SELECT string_agg(DISTINCT k || '=' || v, E'\\n' ORDER BY k || '=' || v)
			FROM workflow_runs, jsonb_each_text(step_results->3->'output') x(k, v)}),
		join("\n", sort
			'DateStyle=ISO, DMY', 'role=none', 'row_security=on',
			'search_path=public, pg_temp', 'session_replication_role=origin',
			'statement_timeout=0', 'synchronous_commit=on',
			'transaction_isolation=read committed',
			'transaction_read_only=off',
			"workflow_engine.tenant_id=$tenant"),
		'what a step sees is guarded');
	is( $node->safe_psql('app', q{
			SELECT count(*), bool_and(step_results->2->'output'->'record'->>'due'
				= '2026-02-03T13:05:06+09:00')
			FROM workflow_runs
			WHERE step_results->0->>'started_at' ~ '^\d{4}-\d\d-\d\dT'}),
		'50|t',
		'times are ISO');

	# A fire under the same settings (but writable) works as well.
	is( $node->safe_psql('app', qq{
			SET default_transaction_read_only = off;
			SET search_path = evil, pg_catalog, public;
			SET session_replication_role = replica;
			SET standard_conforming_strings = off;
			SET bytea_output = escape;
			SET DateStyle = 'SQL, DMY';
			SELECT count(*) FROM wf.wf_fire('$tenant', 'e', '{"id": 1}', 'key');
			SELECT count(*) FROM wf.wf_fire('$tenant', 'e', '{"id": 1}', 'key')}),
		"1\n1",
		'wf_fire works under hostile settings');
	wait_for($node, 'app',
		"SELECT count(*) = 51 FROM workflow_runs WHERE status = 'completed'",
		'and its run completes');
}
$node->stop;
done_testing();
