
# ALTER DATABASE and ALTER ROLE ... SET reach workers that are up, but for the
# settings that the engine guards.

use strict;
use warnings FATAL => 'all';

use Test::More;
use WorkflowEngine::Runs qw(set_and_reload);
use WorkflowEngine::Test;

my $tenant = '11111111-1111-1111-1111-111111111111';
my $node = new_node(
	'main', "workflow_engine.workers = 1
timezone = 'Europe/Paris'
work_mem = '5MB'
");

$node->safe_psql('postgres', 'CREATE DATABASE app');
$node->safe_psql('postgres', 'CREATE DATABASE other');
$node->safe_psql('app', qq{
	CREATE EXTENSION workflow_engine;
	CREATE FUNCTION settings(params jsonb, context jsonb) RETURNS jsonb
	LANGUAGE sql AS \$\$
		SELECT jsonb_object_agg(name, current_setting(name, true))
		FROM jsonb_array_elements_text(params->'names') name \$\$;
	SELECT wf_register_action('settings', 'settings(jsonb,jsonb)');
	SELECT wf_define('$tenant', '{"name": "w", "trigger_type": "e", "steps": [
		{"name": "look", "action": "settings",
		 "params": {"names": "{{trigger.names}}"}}]}')});
my $owner = $node->safe_psql('app', 'SELECT current_user');
my $worker;

# What a step of a new run sees of those settings.
sub seen_by_step
{
	my (@names) = @_;
	my $list = join ',', map { qq("$_") } @names;
	my $id = $node->safe_psql('app',
		qq(SELECT wf_fire('$tenant', 'e', '{"names": [$list]}')));

	$node->poll_query_until('app',
		"SELECT status = 'completed' FROM workflow_runs WHERE id = '$id'")
	  or die 'the run does not complete';
	return join '|', map {
		$node->safe_psql('app',
			"SELECT coalesce(output->>'$_', '') FROM wf_trace('$id')")
	} @names;
}

sub same_worker
{
	my ($what) = @_;

	is($node->safe_psql('app', 'SELECT pid FROM wf_workers()'),
		$worker, "$what by the same worker");
	return;
}

is(seen_by_step('TimeZone'), 'Europe/Paris', 'what postgresql.conf says');
$worker = $node->safe_psql('app', 'SELECT pid FROM wf_workers()');

# From the weakest to the strongest, from anywhere, and back.
my @places = (
	'ALTER ROLE ALL', 'ALTER DATABASE app',
	"ALTER ROLE $owner", "ALTER ROLE $owner IN DATABASE app");
my @zones = qw(Asia/Tokyo America/New_York Africa/Nairobi Asia/Kolkata);

foreach my $i (0 .. 3)
{
	$node->safe_psql($i == 3 ? 'app' : 'other',
		"$places[$i] SET timezone = '$zones[$i]'");
	is(seen_by_step('TimeZone'), $zones[$i], "$places[$i] SET is taken over");
}
foreach my $i (reverse 0 .. 3)
{
	$node->safe_psql($i == 3 ? 'app' : 'other',
		"$places[$i] RESET timezone");
	is(seen_by_step('TimeZone'), $i > 0 ? $zones[ $i - 1 ] : 'Europe/Paris',
		"$places[$i] RESET is taken over");
}
same_worker('all that is seen');

# A value is replaced; several at once; one that postgresql.conf does not
# have, and one that PostgreSQL does not know.
$node->safe_psql('other', q{
	ALTER DATABASE app SET timezone = 'Asia/Tokyo';
	ALTER DATABASE app SET timezone = 'UTC';
	ALTER DATABASE app SET work_mem = '6MB';
	ALTER DATABASE app SET from_collapse_limit = 7;
	ALTER DATABASE app SET my.own = 'x'});
my @several = qw(TimeZone work_mem from_collapse_limit my.own);
is(seen_by_step(@several), 'UTC|6MB|7|x', 'several settings');
$node->safe_psql('other', q{
	BEGIN;
	ALTER DATABASE app SET timezone = 'Asia/Tokyo';
	ROLLBACK});
is(seen_by_step(@several), 'UTC|6MB|7|x', 'what is rolled back is not taken over');
$node->safe_psql('other', 'ALTER DATABASE app RESET ALL');
is(seen_by_step(@several), 'Europe/Paris|5MB|8|', 'RESET ALL is');

# A prepared transaction counts when it is committed.
$node->safe_psql('other', q{
	BEGIN;
	ALTER DATABASE app SET timezone = 'Asia/Tokyo';
	PREPARE TRANSACTION 'zone'});
is(seen_by_step('TimeZone'), 'Europe/Paris', 'a prepared change is none yet');
$node->safe_psql('other', q{COMMIT PREPARED 'zone'});
is(seen_by_step('TimeZone'), 'Asia/Tokyo', 'once it is committed, it is');

# A reload in between changes nothing of that.
set_and_reload($node, 'timezone', 'Asia/Dubai');
is(seen_by_step('TimeZone'), 'Asia/Tokyo', 'a reload does not undo it');
$node->safe_psql('other', 'ALTER DATABASE app RESET timezone');
is(seen_by_step('TimeZone'), 'Asia/Dubai', 'what postgresql.conf says by now');

# What the engine promises does not change.
my %hostile = (
	search_path => 'evil',
	synchronous_commit => 'off',
	session_replication_role => 'replica',
	row_security => 'off',
	default_transaction_isolation => 'serializable',
	default_transaction_read_only => 'on',
	datestyle => 'SQL, DMY',
	intervalstyle => 'iso_8601',
	bytea_output => 'escape',
	statement_timeout => '1ms',
	role => 'pg_monitor',
	'workflow_engine.tenant_id' => 'none');
my @guarded = sort keys %hostile;
my $before = seen_by_step(@guarded);
$node->safe_psql('other',
	join "\n", map { "ALTER DATABASE app SET $_ = '$hostile{$_}';" } @guarded);
{
	local $ENV{PGOPTIONS} =
	  '-c role=none -c search_path=public -c default_transaction_read_only=off '
	  . '-c statement_timeout=0 -c workflow_engine.tenant_id= -c row_security=on '
	  . '-c session_replication_role=origin -c datestyle=ISO';
	is(seen_by_step(@guarded), $before, 'the guarded settings stay guarded');
	$node->safe_psql('app', 'ALTER DATABASE app RESET ALL');
	is(seen_by_step(@guarded), $before, 'also when they are reset');
	same_worker('all of this');
}

$node->stop;
done_testing();
