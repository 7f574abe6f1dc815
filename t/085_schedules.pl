# Schedules, fired by real workers: each time exactly once, whatever ends a
# worker and however far the clock jumps.

use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use FindBin;
use lib "$FindBin::RealBin/lib";
use WorkflowEngine::Test;

my $jumps = $ENV{WF_SCHEDULE_JUMPS} || 12;
my $days = 3;
my $tenant = '00000000-0000-4000-8000-00000000000a';

my $node = new_node('main', <<'EOF');
workflow_engine.workers = 3
workflow_engine.poll_interval = '1h'
timezone = 'UTC'
EOF
$node->safe_psql('postgres', 'CREATE EXTENSION workflow_engine');

my $offset = 0;

sub move_clock
{
	my ($seconds) = @_;

	$offset += $seconds;
	$node->append_conf('postgresql.conf',
		"workflow_engine.clock_offset = $offset");
	$node->reload;
}

sub define
{
	my ($name, $schedule) = @_;

	$node->safe_psql('postgres', <<EOF);
SELECT wf_define('$tenant', '{"name": "$name", "schedule": $schedule,
	"steps": [{"name": "look", "action": "find_record",
	"params": {"table": "wanted", "where": {"at": "{{ trigger.scheduled_for }}"}}}]}')
EOF
}

# With workers that would sleep for an hour: a schedule that is saved wakes
# them.
$node->safe_psql('postgres', 'CREATE TABLE wanted (at timestamptz PRIMARY KEY)');
define('soon', '{"cron": "* * * * *", "time_zone": "UTC"}');
move_clock(60);
wait_for($node, 'postgres',
	"SELECT count(*) >= 1 FROM workflow_runs WHERE status = 'completed'",
	'a schedule to fire that was saved just now');
$node->safe_psql('postgres',
	"UPDATE workflow_definitions SET is_active = false");

# Each six hours and each day, for as long as the clock jumps; workers are
# killed or told to go in between.
define('each', '{"cron": "0 */6 * * *", "time_zone": "Asia/Beirut",
	"catch_up": "all"}');
# at an hour that does not come by itself while the test lasts
my $hour = $node->safe_psql('postgres',
	"SELECT CASE WHEN extract(hour FROM now() AT TIME ZONE 'Europe/Berlin') BETWEEN 3 AND 14 THEN 20 ELSE 8 END");
define('last', qq({"cron": "30 $hour * * *", "time_zone": "Europe/Berlin"}));
my $since = $node->safe_psql('postgres',
	"SELECT clock_timestamp() + interval '$offset s'");
for my $jump (1 .. $jumps)
{
	move_clock($days * 86400);
	my $pid = $node->safe_psql('postgres',
		'SELECT pid FROM wf_workers() ORDER BY random() LIMIT 1');
	if ($jump % 4 == 0)
	{
		$node->stop('immediate');
		$node->start;
	}
	elsif ($pid ne '')
	{
		$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
	}
	wait_for($node, 'postgres', <<EOF, "schedules to be fired, jump $jump");
SELECT count(*) = 2 FROM workflow_schedules s
JOIN workflow_definitions d ON d.id = s.definition_id
WHERE d.is_active AND s.last_at IS NOT NULL
	AND s.next_at > clock_timestamp() + interval '$offset s'
EOF
}

# Every time of the wall clock, by another way of counting.
my $wrong = $node->safe_psql('postgres', <<EOF);
WITH wanted AS (
	SELECT m FROM generate_series(date_trunc('hour', '$since'::timestamptz),
		(SELECT max(last_at) FROM workflow_schedules s
		 JOIN workflow_definitions d ON d.id = s.definition_id
		 WHERE d.name = 'each'), '1 hour') m
	WHERE m > '$since' AND extract(hour FROM m AT TIME ZONE 'Asia/Beirut')
		IN (0, 6, 12, 18)),
fired AS (
	SELECT (trigger_payload->>'scheduled_for')::timestamptz AS m
	FROM workflow_runs r JOIN workflow_definitions d ON d.id = r.definition_id
	WHERE d.name = 'each' AND (trigger_payload->>'scheduled_for')::timestamptz > '$since')
SELECT coalesce(string_agg(m::text, ', '), 'none') FROM (
	(SELECT m FROM wanted EXCEPT ALL SELECT m FROM fired)
	UNION ALL (SELECT m FROM fired EXCEPT ALL SELECT m FROM wanted)) x
EOF
is($wrong, 'none', 'each time is fired once, and no other');
cmp_ok(
	$node->safe_psql('postgres', <<'EOF'), '>=', $jumps * $days * 4 - 1, 'they are all there');
SELECT count(*) FROM workflow_runs r
JOIN workflow_definitions d ON d.id = r.definition_id WHERE d.name = 'each'
EOF
is( $node->safe_psql('postgres', <<'EOF'), "$jumps|$jumps",
SELECT count(*), count(DISTINCT trigger_payload) FROM workflow_runs r
JOIN workflow_definitions d ON d.id = r.definition_id WHERE d.name = 'last'
EOF
	'of those that were missed the newest alone');
wait_for($node, 'postgres',
	"SELECT count(*) = 0 FROM workflow_runs WHERE status <> 'completed'",
	'all runs to complete');

# A prepared transaction is noticed at a sweep.
$node->append_conf('postgresql.conf', "max_prepared_transactions = 2\n"
	  . "workflow_engine.poll_interval = '200ms'");
$node->restart;
$node->safe_psql('postgres', <<EOF);
BEGIN;
SELECT wf_define('$tenant', '{"name": "prepared", "schedule":
	{"cron": "* * * * *", "time_zone": "UTC"}, "steps": [{"name": "look",
	"action": "find_record", "params": {"table": "wanted", "where": {"at": "now"}}}]}');
PREPARE TRANSACTION 'p';
COMMIT PREPARED 'p';
EOF
move_clock(60);
wait_for($node, 'postgres', <<'EOF', 'a schedule of a prepared transaction to fire');
SELECT count(*) >= 1 FROM workflow_runs r
JOIN workflow_definitions d ON d.id = r.definition_id WHERE d.name = 'prepared'
EOF

done_testing();
