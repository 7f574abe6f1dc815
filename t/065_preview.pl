
# A preview sends nothing, leaves nothing and shows no credential, whatever the
# server logs; its process waits for locks as long as the session says, and
# ends with the query that started it.

use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Test;
use WorkflowEngine::Outbound;

my $http = start_receiver('http');
my $secrets = PostgreSQL::Test::Utils::tempdir();
my $node = outbound_node('preview', <<"CONF");
workflow_engine.workers = 1
workflow_engine.secrets_dir = '$secrets'
log_min_messages = debug5
log_min_error_statement = debug5
log_error_verbosity = verbose
log_statement = all
log_min_duration_statement = 0
debug_print_parse = on
debug_print_plan = on
CONF
my $tenant = '00000000-0000-4000-8000-00000000000a';

append_to_file("$secrets/token", 'hush-in-file');
connection(
	$node,
	name => 'crm',
	kind => 'http',
	config => { base_url => $http->url, headers => { 'X-Shop' => 'seven' } },
	credentials => {
		bearer_token => { file => 'token' },
		headers => { 'X-Key' => 'hush-header' },
		signing_secret => 'whsec_aHVzaC1zaWduaW5nLXNlY3JldA=='
	});
connection(
	$node,
	name => 'whatsapp',
	kind => 'whatsapp_cloud',
	config => { base_url => $http->url, phone_number_id => '1555' },
	credentials => { access_token => 'hush-whatsapp' });
connection(
	$node,
	name => 'team',
	kind => 'slack_webhook',
	config => { channels => { ops => $http->url . '/services/hush-config' } });
connection(
	$node,
	name => 'teams',
	kind => 'teams_webhook',
	credentials => { channels => { ops => $http->url . '/hush-credentials' } });
connection(
	$node,
	name => 'email',
	kind => 'smtp',
	config => { url => 'smtp://127.0.0.1:9', from => 'shop@example.com' },
	credentials => { username => 'hush-user', password => 'hush-password' });

$node->safe_psql('postgres', q{
	CREATE ROLE shop;
	CREATE ROLE ops LOGIN;
	GRANT shop TO ops;
	SELECT wf_grant('ops', 'operate');
	SELECT wf_grant('shop', 'fire');
	CREATE TABLE orders (id int PRIMARY KEY, status text, n serial);
	INSERT INTO orders VALUES (1, 'new'), (2, 'new');
	CREATE TABLE audit (what text);
	GRANT ALL ON orders, audit, orders_n_seq TO shop;
	CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		INSERT INTO audit VALUES ('status of ' || new.id);
		NOTIFY workflow_preview_test;
		PERFORM wf_fire('00000000-0000-4000-8000-00000000000a', 'noted', to_jsonb(new));
		RETURN NULL;
	END $$;
	CREATE TRIGGER note AFTER INSERT OR UPDATE ON orders
		FOR EACH ROW EXECUTE FUNCTION note();
	CREATE FUNCTION sleep(params jsonb, context jsonb) RETURNS jsonb
		LANGUAGE sql AS $$ SELECT to_jsonb(pg_sleep(1000)::text) $$;
	GRANT EXECUTE ON FUNCTION sleep TO shop;
	SELECT wf_register_action('sleep', 'sleep(jsonb,jsonb)');
	SELECT wf_define('00000000-0000-4000-8000-00000000000a', '{"name": "noted", "trigger_type": "noted", "steps": [{"name": "s", "action": "webhook", "params": {"connection": "crm", "path": "noted"}}]}');
});

# As the role that operates; the answer, or the SQLSTATE.
sub ops
{
	my ($sql, %option) = @_;
	my ($out, $err);

	$node->psql(
		'postgres', ($option{before} || '') . $sql,
		stdout => \$out,
		stderr => \$err,
		extra_params => [ '-U', 'ops', '-v', 'VERBOSITY=sqlstate' ]);
	return $err =~ /ERROR:  (\w+)/ ? $1 : $out;
}

sub preview
{
	my ($columns, $steps, $options, %option) = @_;

	return ops(
		"SELECT $columns FROM wf_preview('{\"steps\": $steps}', "
		  . "'{\"id\": 1}', '$tenant', run_as => 'shop'"
		  . ($options ? ", $options" : '')
		  . ') p ORDER BY step',
		%option);
}

#
# Nothing is sent, nothing stays.
#
my $all = q([
	{"name": "crm", "action": "webhook", "params": {"connection": "crm", "path": "orders"}},
	{"name": "plain", "action": "webhook", "params": {"url": ") . $http->url . q(/plain"}},
	{"name": "whatsapp", "action": "whatsapp_notify", "params": {"phone": "+9613123456", "template": "x"}},
	{"name": "slack", "action": "team_notify", "params": {"channel": "ops", "message": "hello"}},
	{"name": "teams", "action": "team_notify", "params": {"channel": "ops", "message": "hello", "connection": "teams"}},
	{"name": "mail", "action": "send_email", "params": {"to": "ali@example.com", "subject": "x", "body": "y"}},
	{"name": "update", "action": "update_record", "params": {"table": "orders", "id": 1, "fields": {"status": "paid"}}},
	{"name": "insert", "action": "insert_record", "params": {"table": "orders", "fields": {"id": 3, "status": "new"}}},
	{"name": "audit", "action": "find_record", "params": {"table": "audit", "where": {"what": "status of 3"}}}]);

# All rows of the database, without the values of sequences.
sub contents
{
	my ($out) = run_command(
		[
			'pg_dump', '--data-only', '--inserts',
			'-d', $node->connstr('postgres')
		]);

	return join "\n", grep { !/setval|^\\|^--/ } split /\n/, $out;
}

my $before = contents();
my $offset = log_offset($node);
my $shown = '';
foreach my $execute ('true', 'false')
{
	my $native = $execute eq 'true' ? 'completed' : 'would run';
	my $got = preview("step_name || ': ' || status", $all,
		"execute => $execute");

	is( $got,
		join("\n",
			(map { "$_: would send" } qw(crm plain whatsapp slack teams mail)),
			(map { "$_: $native" } qw(update insert audit))),
		"every step is shown, execute => $execute");
	$shown .= preview('p', $all, "execute => $execute");
}
like($shown, qr/X-Shop.*seven/, 'a request has the headers of config');
like($shown, qr{Bearer \*\*\*}, 'in the place of a credential there is a mask');
unlike($shown, qr/hush/, 'no credential is shown');
my $log = log_since($node, $offset);
like($log, qr/wf_preview/, 'the log has the statements');
unlike($log, qr/hush/, 'and no credential');
unlike($log, qr/aHVzaC1zaWduaW5nLXNlY3JldA/, 'nor a key of signatures');
is(contents(), $before, 'no row of any table has changed');
is(scalar($http->requests), 0, 'the receiver was not asked');

# It would have been.
$node->safe_psql('postgres',
	"SELECT wf_fire('$tenant', 'noted'); SELECT pg_notify('x', '')");
wait_for($node, 'postgres',
	q{SELECT status = 'completed' FROM wf_history(workflow => 'noted')},
	'a run of it completes');
is(scalar($http->requests), 1, 'the receiver gets its request, the only one');

#
# Locks.
#
my $update = q([{"name": "a", "action": "update_record", "params": {"table": "orders", "id": 1, "fields": {"status": "paid"}}}, {"name": "b", "action": "find_record", "params": {"table": "orders", "where": {"id": 2}}}]);
my $locker = $node->background_psql('postgres');
$locker->query_safe('BEGIN; SELECT 1 FROM orders WHERE id = 1 FOR UPDATE');
like(
	preview("status || ' ' || coalesce(error, '')", $update, undef,
		before => q{SET lock_timeout = '100ms'; }),
	qr/^failed canceling statement due to lock timeout/,
	'a lock is waited for as long as the session says');
# The time begins before there is a process: on a busy machine all of it may be over
# when the first step could begin.
my ($got, $span);
foreach my $ms (300, 1000, 4000, 16000, 60000)
{
	$span = "$ms ms";
	$got = preview("status || ': ' || coalesce(error, reason)",
		$update, "max_time => '$span'");
	last unless $got eq join "\n", ("pending: the preview has taken its max_time of $span") x 2;
}
is($got, "failed: the preview has taken its max_time of $span\n"
	  . "pending: the preview has taken its max_time of $span",
	'and as long as the whole may take');
is( preview('status', $update, 'execute => false',
		before => q{SET lock_timeout = '100ms'; }),
	"would run\nwould run",
	'nothing is locked without execute');
$locker->query_safe('COMMIT');
is(preview('status', $update), "completed\ncompleted",
	'then it is executed');

#
# The process ends with the query, and leaves no lock.
#
my $sleep = q([{"name": "a", "action": "update_record", "params": {"table": "orders", "id": 1, "fields": {"status": "paid"}}}, {"name": "b", "action": "sleep"}]);
my $none = q{SELECT NOT EXISTS (SELECT FROM pg_stat_activity
	WHERE backend_type = 'workflow_engine preview')};
my $some = q{SELECT count(*) = 1 FROM pg_stat_activity
	WHERE backend_type = 'workflow_engine preview' AND wait_event = 'PgSleep'};
my $functions = q{run_functions => true, max_time => '5 min'};
is( preview('status', $sleep, $functions,
		before => q{SET statement_timeout = '700ms'; }),
	'57014',
	'a time-out of the session cancels a preview');
wait_for($node, 'postgres', $none, 'its process ends');

my $asker = $node->background_psql('postgres',
	on_error_stop => 0,
	extra_params => [ '-U', 'ops' ]);
my $pid = $asker->query_safe('SELECT pg_backend_pid()');
$asker->query_until(qr/begun/,
	"\\echo begun\nSELECT * FROM wf_preview('{\"steps\": $sleep}', '{}', "
	  . "'$tenant', run_as => 'shop', $functions);\n");
wait_for($node, 'postgres', $some, 'a step is under way');
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
wait_for($node, 'postgres', $none,
	'the process ends if the one who asks is gone');
eval { $asker->quit };
is($node->safe_psql('postgres', 'SELECT status FROM orders WHERE id = 1'),
	'new', 'and leaves nothing');

#
# There may be no process left.
#
$node->append_conf('postgresql.conf', "max_worker_processes = 3\n");
$node->restart;
wait_for($node, 'postgres', 'SELECT count(*) = 1 FROM wf_workers()',
	'the worker is there');
is(preview('status', $update), '53000',
	'an error says that no process is free');
is(preview('status', $update, 'execute => false'), "would run\nwould run",
	'without execute none is needed');

#
# Without shared_preload_libraries nothing runs, but it can be tried.
#
$node->append_conf('postgresql.conf',
	"max_worker_processes = 8\nshared_preload_libraries = ''\n");
$node->restart;
is(preview('status', $update), "completed\ncompleted",
	'a preview needs no worker');

$node->stop;
done_testing();
