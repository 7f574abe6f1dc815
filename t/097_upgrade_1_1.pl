
# From 1.0 to 1.1: the released objects and the script that follows them, with
# runs in every status.  The library of 1.0 is these sources with that number.

use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Runs;
use WorkflowEngine::Test;
use WorkflowEngine::Versions;

my $tenant = '11111111-1111-1111-1111-111111111111';
my $new_inst = $ENV{WF_DESTDIR};

plan skip_all => 'the extension is not below a folder of the tests'
  unless defined $new_inst;

my $tmp = PostgreSQL::Test::Utils::tempdir();
my $old_inst = "$tmp/old";

build_library('1.0', $old_inst);

my $node = new_node('main', <<'CONF', start => 0);
workflow_engine.workers = 2
workflow_engine.poll_interval = 200ms
workflow_engine.http_timeout = 60s
CONF

sub version
{
	my ($db) = @_;

	return $node->safe_psql($db,
		"SELECT extversion FROM pg_extension WHERE extname = 'workflow_engine'");
}

my @functions = (
	'wf_render(text, text, text, jsonb)', 'wf_connections(uuid)',
	'wf_connection_keys()', 'wf_schedule_times(jsonb, integer, timestamptz)',
	'wf_fire_workflow(uuid, jsonb, integer)');

# Which of the new functions a role may execute: y or n of each.
sub may
{
	my ($db, $role) = @_;

	return $node->safe_psql($db, "SELECT string_agg(CASE
		WHEN has_function_privilege('$role', f, 'EXECUTE') THEN 'y' ELSE 'n' END, '' ORDER BY n)
		FROM unnest('{" . join(',', map { "\"$_\"" } @functions) . "}'::text[])
			WITH ORDINALITY u (f, n)");
}

#
# A database of 1.0 with runs in every status
#
my $http = start_receiver('http');

use_installation($node, $old_inst);
query($node, "CREATE ROLE $_") foreach qw(firer viewer operator boss halved by_default);
query($node, q{
	CREATE EXTENSION workflow_engine VERSION '1.0';
	CREATE TABLE done (what text);
	SELECT wf_grant('firer', 'fire'), wf_grant('viewer', 'view'),
		wf_grant('operator', 'operate'), wf_grant('boss', 'admin'),
		wf_grant('halved', 'view');
	REVOKE EXECUTE ON FUNCTION wf_trace(uuid) FROM halved;
	ALTER DEFAULT PRIVILEGES GRANT ALL ON FUNCTIONS TO by_default;
	INSERT INTO workflow_templates (name, subject, body) VALUES ('hello', 'Order {{ trigger.n }}', 'x');
	INSERT INTO workflow_connections (name, kind, config, credentials) VALUES ('shop', 'http',
		'{"base_url": "https://shop.example"}', '{"bearer_token": "hush"}');
});
is(version('postgres'), '1.0', "CREATE EXTENSION ... VERSION '1.0'");

my $note = q({"name": "note", "action": "insert_record", "params":
	{"table": "done", "fields": {"what": "{{ workflow.name }}"}}});
my $send = sub {
	my ($path) = @_;
	return sprintf(
		'{"name": "send", "action": "webhook", "params": {"url": "%s"}}',
		$http->url($path));
};
my %run;

$run{completed} = define_and_fire($node, $tenant, 'completed', $note);
$run{failed} = define_and_fire($node, $tenant, 'failed', $send->('/status/404'), $note);
wait_status($node, $run{completed}, 'completed', 'one run completes');
wait_status($node, $run{failed}, 'failed', 'one fails');
$run{waiting} = define_and_fire($node, $tenant, 'waiting',
	$send->('/status/503') =~ s/\}$/, "retry": {"max_attempts": 2, "initial_interval": "1 hour"}}/r);
wait_status($node, $run{waiting}, 'waiting', 'one waits for a retry');
query($node, qq{SELECT wf_define('$tenant', '{"name": "$_", "trigger_type": "$_",
	"steps": [$note]}')}) foreach qw(queued later);
query($node, qq{SELECT wf_define('$tenant', '{"name": "timed", "schedule":
	{"cron": "0 8 * * *", "time_zone": "UTC"}, "steps": [
	{"name": "s", "action": "webhook", "params": {"connection": "shop", "path": "x"}}]}')});
query($node, "SELECT wf_pause('$tenant', 'queued')");
$run{queued} = fire($node, $tenant, 'queued');
($run{later}, $run{cancelled}) = map { query($node,
	"SELECT wf_fire('$tenant', 'later', run_at => now() + interval '$_ day')") } 1, 2;
query($node, "SELECT wf_cancel('$run{cancelled}')");
$run{interrupted} = define_and_fire($node, $tenant, 'interrupted', $send->('/hold'), $note);
$http->wait_requests(3);
wait_for($node, 'postgres', "SELECT status = 'running' FROM workflow_runs
	WHERE id = '$run{interrupted}'", 'one is under way');
$http->wait_requests(1) foreach 1;
$node->stop('immediate');

#
# The library of 1.1, before the update
#
use_installation($node, $new_inst);
$http->command('release');
wait_for($node, 'postgres',
	q{SELECT count(*) = 2 FROM wf_workers() WHERE database = 'postgres'
		AND state = 'idle' AND last_error LIKE '%of version 1.0, but its library is of version 1.1%'},
	'both workers wait for the update');
$run{fired} = fire($node, $tenant, 'completed');
is(query($node, 'SELECT count(*) FROM wf_history(max_rows => 100)'), scalar(keys %run),
	'what 1.0 has works');
is(query($node, q{SELECT count(*) FROM pg_proc WHERE proname IN
	('wf_render', 'wf_connections', 'wf_connection_keys', 'wf_schedule_times')}), '0',
	'what 1.1 brings is not there');

#
# The update
#
my $ended = "SELECT r FROM workflow_runs r WHERE status IN ('completed', 'failed', 'cancelled')
	AND id NOT IN ('$run{fired}', '$run{interrupted}') ORDER BY id";
my $before = query($node, $ended);
query($node, 'ALTER EXTENSION workflow_engine UPDATE');
is(version('postgres'), '1.1', 'ALTER EXTENSION workflow_engine UPDATE');
wait_status($node, $run{fired}, 'completed', 'what was fired meanwhile is executed');
wait_status($node, $run{interrupted}, 'completed', 'what was interrupted goes on');
is(query($node, $ended), $before, 'what had ended is as it was');
is(run_status($node, 'postgres', $run{queued}), 'queued', 'a pause holds');
is(run_status($node, 'postgres', $run{waiting}), 'waiting', 'what waits waits');
query($node, "SELECT wf_resume('$tenant', 'queued');
	UPDATE workflow_runs SET run_at = now() WHERE id IN ('$run{waiting}', '$run{later}');
	NOTIFY workflow_engine");
wait_status($node, $run{queued}, 'completed', '... until it is lifted');
wait_status($node, $run{waiting}, 'failed', '... until its time has come');
wait_status($node, $run{later}, 'completed', 'what was to run later runs');
is(query($node, "SELECT count(*) FROM wf_retry_runs('$tenant', 'failed')"), '1',
	'a failed run is retried');

foreach ([ firer => 'nnnny' ], [ viewer => 'yyyyn' ], [ operator => 'yyyyn' ],
	[ boss => 'yyyyn' ], [ halved => 'nnnnn' ], [ by_default => 'nnnnn' ])
{
	my ($role, $expected) = @$_;

	is(may('postgres', $role), $expected, "what $role may do with the new functions");
}

#
# What 1.1 brings, on what 1.0 has saved
#
is(query($node, q{SET ROLE viewer; SELECT r.subject FROM workflow_templates t,
	wf_render(t.subject, t.body, t.html, '{"trigger": {"n": 7}}') r}), 'Order 7', 'wf_render');
is(query($node, q{SET ROLE viewer; SELECT name, credentials, used_by->0->>'workflow_name'
	FROM wf_connections()}), 'shop|{"bearer_token": "set"}|timed', 'wf_connections');
is(query($node, q{SET ROLE viewer; SELECT bool_and(x.at = s.next_at) FROM workflow_definitions d
	JOIN wf_schedules() s ON s.definition_id = d.id,
	wf_schedule_times(d.definition->'schedule', 1) x}), 't', 'wf_schedule_times');
cmp_ok(query($node, 'SET ROLE viewer; SELECT count(*) FROM wf_connection_keys()'), '>', 10,
	'wf_connection_keys');

#
# A dump, an installation at once, and one of 1.0 again
#
my $file = "$tmp/dump";
query($node, "CREATE DATABASE $_") foreach qw(copy fresh old);
set_and_reload($node, 'workflow_engine.databases', 'postgres');
command_ok([ 'pg_dump', '-Fc', '-f', $file, $node->connstr('postgres') ], 'a dump');
command_ok([ 'pg_restore', '-e', '-d', $node->connstr('copy'), $file ], '... is restored');
is(version('copy'), '1.1', '... as 1.1');
is(may('copy', 'viewer'), 'yyyyn', '... with who may do what');
is(may('copy', 'halved'), 'nnnnn', '... and who may not');
$node->safe_psql('fresh', 'CREATE EXTENSION workflow_engine');
is(version('fresh'), '1.1', 'CREATE EXTENSION installs 1.1');
$node->safe_psql('old', "CREATE EXTENSION workflow_engine VERSION '1.0'");
is(version('old'), '1.0', "VERSION '1.0' still installs that");
$node->safe_psql('old', "SELECT wf_grant('viewer', 'view');
	ALTER EXTENSION workflow_engine UPDATE TO '1.1'");
is(may('old', 'viewer'), 'yyyyn', 'and it is updated');

$node->stop;
done_testing();
