
# Tenants behind a connection pooler, and how sessions begin: nobody who forgets
# to bind himself sees what the one before him saw.

use strict;
use warnings FATAL => 'all';

use Test::More;
use WorkflowEngine::Pgbouncer;
use WorkflowEngine::Test;

my $one = '11111111-1111-1111-1111-111111111111';
my $two = '22222222-2222-2222-2222-222222222222';
my $setting = 'workflow_engine.tenant_id';
my $bind_one = "SET $setting = '$one'";
my $names = q{SELECT coalesce(string_agg(name, ','), 'nothing')
	FROM workflow_definitions};

# The roles: app may bind itself, and begins bound to no tenant; fixed is bound
# to a tenant and may not change it; free may bind itself and begins unbound.
sub set_up
{
	my ($node) = @_;

	$node->safe_psql('postgres', qq{
		CREATE EXTENSION workflow_engine;
		CREATE ROLE app LOGIN;
		CREATE ROLE fixed LOGIN;
		CREATE ROLE free LOGIN;
		SELECT wf_grant(role, capability)
		FROM unnest('{app,fixed,free}'::text[]) role,
			unnest('{view,fire}'::text[]) capability;
		GRANT SET ON PARAMETER $setting TO app, free;
		ALTER ROLE app SET $setting = 'none';
		ALTER ROLE fixed SET $setting = '$one';
		SELECT wf_define(tenant::uuid, format('{"name": "%s", "trigger_type": "e",
			"steps": [{"name": "s", "action": "find_record", "params":
				{"table": "pg_class", "where": {"relname": "none"}}}]}', name)::jsonb)
		FROM (VALUES ('$one', 'of one'), ('$two', 'of two')) d (tenant, name);
		CREATE FUNCTION load() RETURNS bigint LANGUAGE sql SECURITY DEFINER
			AS 'SELECT count(wf_tenant_visible(tenant_id)) FROM workflow_definitions'});
	return $node;
}

# One client: psql with that SQL.  Returns what it prints, its errors below.
sub client
{
	my ($node, $connstr, $sql) = @_;
	my ($stdout, $stderr);

	try_psql(
		$node, 'postgres', $sql,
		connstr => $connstr,
		stdout => \$stdout,
		stderr => \$stderr,
		on_error_stop => 0,
		extra_params => [qw(-v VERBOSITY=sqlstate)]);
	$stderr =~ s/^psql:[^ ]*: //mg;
	return join "\n", grep { $_ ne '' } $stdout, $stderr;
}

my $node = set_up(new_node('main', "workflow_engine.workers = 1\n"));

#--- session mode

my $pooler = WorkflowEngine::Pgbouncer->new(
	$node,
	users => ['app'],
	pool_mode => 'session',
	server_reset_query => 'DISCARD ALL');
my $connstr = $pooler->connstr('postgres', 'app');
my $pid = client($node, $connstr, "$bind_one; SELECT pg_backend_pid()");

is(client($node, $connstr, "SELECT pg_backend_pid(); SHOW $setting; $names"),
	"$pid\nnone\nnothing",
	'session mode: who forgets to bind in the same session sees nothing');
is( client(
		$node, $connstr,
		"$bind_one; $names; SELECT count(*) FROM wf_fire('$one', 'e');"
		  . "SELECT wf_fire('$two', 'e')"),
	"of one\n1\nERROR:  42501",
	'who binds sees and fires his tenant\'s, and no other\'s');
is(client($node, $connstr, "SELECT wf_fire('$one', 'e')"),
	'ERROR:  42501', 'who forgets fires nothing');
is(client($node, $connstr, "SET $setting = ''; SHOW $setting"),
	"none\nERROR:  42501", 'and nobody unbinds himself');
is( client(
		$node, $connstr, "SET $setting = '$two'; BEGIN; SELECT 1 / 0"),
	'ERROR:  22012',
	'who leaves in an aborted transaction');
is(client($node, $connstr, "SHOW $setting; $names"),
	"none\nnothing", 'leaves nothing');
wait_for($node, 'postgres',
	"SELECT count(*) = 1 FROM workflow_runs WHERE status = 'completed'",
	'what was fired through the pooler runs');
$pooler->stop;

#--- transaction mode

$pooler = WorkflowEngine::Pgbouncer->new(
	$node,
	users => ['app'],
	pool_mode => 'transaction');
$connstr = $pooler->connstr('postgres', 'app');
$pid = client($node, $connstr,
	"BEGIN; SET LOCAL $setting = '$one'; $names; COMMIT;"
	  . 'SELECT pg_backend_pid()');
like($pid, qr/^of one\n\d+$/, 'transaction mode: SET LOCAL binds');
$pid =~ s/.*\n//;
is(client($node, $connstr, "SELECT pg_backend_pid(); SHOW $setting; $names"),
	"$pid\nnone\nnothing", 'until the transaction ends');
is( client(
		$node,
		$connstr,
		"BEGIN; SELECT set_config('$setting', '$two', true) <> '';"
		  . "$names; SELECT count(*) FROM wf_fire('$two', 'e');"
		  . "COMMIT; SHOW $setting"),
	"t\nof two\n1\nnone",
	'so does set_config(..., true)');
is( client(
		$node, $connstr,
		"BEGIN; SET LOCAL $setting = '$two'; SELECT 1 / 0; COMMIT;"
		  . "SHOW $setting"),
	"none\nERROR:  22012",
	'also if it fails');
like(
	client($node, $connstr, "SET LOCAL $setting = '$one'; SHOW $setting"),
	qr/^none\nWARNING:  25P01$/,
	'SET LOCAL outside of a transaction binds nothing, and warns');
client($node, $connstr, $bind_one);
is(client($node, $connstr, $names),
	'of one', 'a plain SET stays for the next client: do not');
is(client($node, $connstr, "RESET $setting; $names"),
	'nothing', 'RESET takes it back');
client($node, $connstr, 'LISTEN workflow_events');
is(client($node, $connstr, 'SELECT pg_listening_channels()'),
	'workflow_events', 'a LISTEN stays as well');
wait_for($node, 'postgres',
	"SELECT count(*) = 2 FROM workflow_runs WHERE status = 'completed'",
	'what was fired through it runs');
$pooler->stop;

$pooler = WorkflowEngine::Pgbouncer->new(
	$node,
	users => ['app'],
	pool_mode => 'transaction',
	server_reset_query => 'DISCARD ALL',
	server_reset_query_always => 1);
$connstr = $pooler->connstr('postgres', 'app');
is( client(
		$node, $connstr,
		"$bind_one; LISTEN workflow_events; SHOW $setting;"
		  . 'SELECT count(*) FROM pg_listening_channels()'),
	"none\n0",
	'server_reset_query_always ends both with the transaction');
$pooler->stop;

#--- startup options

# Sessions that go to the server itself, with that startup option.
sub begin_with
{
	my ($server, $role, $option, $sql) = @_;
	local $ENV{PGOPTIONS} = defined $option ? "-c $setting=$option" : '';

	return client($server, $server->connstr('postgres')
		  . ($role ? " user=$role" : ''), $sql);
}

my $look = "SHOW $setting; $names";
my $refused = qr/FATAL:  permission denied/;
like(begin_with($node, 'app', '', $look),
	$refused, 'no startup option unbinds a session');
like(begin_with($node, 'free', '', $look),
	$refused, 'nor one that would begin unbound');
like(begin_with($node, 'fixed', $two, $look),
	$refused, 'none rebinds who may not');
is( begin_with($node, 'app', $two, "$look; $bind_one; RESET $setting; $look"),
	"$two\nof two\n$two\nof two",
	'who may bind itself begins bound, and goes back to that');
is(begin_with($node, undef, '', $look),
	"\nof one,of two", 'a superuser begins as he likes');
is(begin_with($node, 'fixed', undef, "$look; DISCARD ALL; $look"),
	"$one\nof one\n$one\nof one", 'ALTER ROLE ... SET binds');
$node->stop;

#--- the library is loaded late

# Before it is, the setting is a placeholder that anybody may set.
my $late = set_up(new_node('late', undef, preload => 0));
my $load = 'SELECT FROM workflow_definitions LIMIT 0';

is(begin_with($late, 'fixed', undef, "$load; $look"),
	"$one\nof one", 'loaded late: ALTER ROLE ... SET binds');
foreach my $option ('', $two, 'none', 'nonsense')
{
	like(begin_with($late, 'fixed', $option, "$load; $look"),
		qr/^none\nnothing\nWARNING/,
		"a startup option '$option' that it may not set shows nothing");
}
foreach my $value ('', $two, 'nonsense')
{
	like(begin_with($late, 'fixed', undef, "SET $setting = '$value'; $load; $look"),
		qr/^$one\nof one\nWARNING/,
		"SET to '$value' changes nothing for it");
}
is(begin_with($late, 'app', undef, "$load; $look"),
	"none\nnothing", 'a role that begins bound to none does');
like(begin_with($late, 'app', undef, "SET $setting = ''; $load; $look"),
	qr/^none\nnothing\nWARNING/, 'and does not unbind itself');
like(begin_with($late, 'app', undef, "SET $setting = ''; SELECT load(); $look"),
	qr/\nnone\nnothing\nWARNING/,
	'nor if a superuser\'s function loads the library');
like(begin_with($late, 'app', '', "$load; $look"),
	qr/^none\nnothing\nWARNING/, 'nor by a startup option');
is( begin_with($late, 'app', undef, "$bind_one; $load; $look; RESET $setting; $look"),
	"$one\nof one\nnone\nnothing",
	'it binds itself, and goes back');
is( begin_with($late, 'free', undef, "$bind_one; $load; $look; RESET $setting; $look"),
	"$one\nof one\n\nof one,of two",
	'one that begins unbound, too');
like(begin_with($late, 'free', '', "$load; $look"),
	qr/^none\nnothing\nWARNING/,
	'but not by a startup option, which is refused');
is(begin_with($late, undef, '', "$load; $look"),
	"\nof one,of two", 'a superuser begins as he likes there too');

# What ALTER ROLE took unseen is no uuid: nothing is seen.
$late->safe_psql('postgres', "ALTER ROLE free SET $setting = 'acme'");
like(begin_with($late, 'free', undef, "$load; $look; RESET $setting; $look"),
	qr/^none\nnothing\nnone\nnothing\nWARNING/,
	'a value that is none binds to none when the library is loaded');
$late->append_conf('postgresql.conf',
	"shared_preload_libraries = 'workflow_engine'\n");
$late->restart;
like(begin_with($late, 'free', undef, "$look; RESET $setting; $look"),
	qr/^none\nnothing\nnone\nnothing(\n|$)/,
	'and when it is preloaded');
$late->stop;
done_testing();
