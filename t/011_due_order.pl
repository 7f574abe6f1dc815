
# What is due lies in two indexes, that of runs that were due when they were
# fired and that of those that had to wait for their time.  A tenant's runs of
# both are executed in one order, and none is lost.

use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Test;

my $can_explain = -e WorkflowEngine::Test::pg_config('--pkglibdir') . '/auto_explain.so';
my $libraries = 'workflow_engine' . ($can_explain ? ', auto_explain' : '');
my $node = new_node('main', <<"CONF");
shared_preload_libraries = '$libraries'
workflow_engine.workers = 1
workflow_engine.poll_interval = '1h'
CONF
my $tenant = '00000000-0000-0000-0000-000000000001';
my $other = '00000000-0000-0000-0000-000000000002';

# notes has the runs in the order in which they were executed.
my $define = q{'{"name": "note", "trigger_type": "note", "steps": [
	{"name": "note", "action": "insert_record", "params":
		{"table": "notes", "fields": {"run": "{{run.id}}"}}}]}'};
$node->safe_psql('postgres', qq{
	CREATE EXTENSION workflow_engine;
	CREATE TABLE notes (nr bigserial PRIMARY KEY, run uuid NOT NULL,
		transaction xid8 NOT NULL DEFAULT pg_current_xact_id());
	SELECT wf_define('$tenant', $define);
	SELECT wf_define('$other', $define)});

# Fires n runs of that priority, for the moment $at if it is given.
sub fire
{
	my ($n, $priority, $at, $of) = @_;
	my $run_at = $at ? "run_at => $at," : '';

	$of ||= $tenant;
	$node->safe_psql('postgres', qq{
		SELECT count(*) FROM generate_series(1, $n) g,
			wf_fire('$of', 'note', jsonb_build_object('g', g), $run_at
				priority => $priority)});
	return;
}

# What was fired for the next hour has been waiting since it was fired.
my $hour = q{now() + interval '1 h'};

sub hour_passes
{
	$node->safe_psql('postgres', q{
		UPDATE workflow_runs SET run_at = queued_at + interval '1 us'
		WHERE run_at BETWEEN now() AND now() + interval '2 h'});
	return;
}

sub wait_executed
{
	my ($n, $what) = @_;

	wait_for($node, 'postgres', qq{
		SELECT count(*) = $n AND NOT EXISTS (SELECT FROM workflow_runs
			WHERE status IN ('queued', 'running', 'waiting') AND run_at <= now())
		FROM notes}, $what);
	is( $node->safe_psql('postgres',
			'SELECT count(DISTINCT run), count(*) FROM notes'),
		"$n|$n", 'each was executed once');
	return;
}

# How many runs were executed far from their place in the order.  Within a tick,
# and from one to the next, a few runs may pass one another.  A step that took long,
# as any may on a busy machine, is begun again later and in a transaction of its own:
# such a run does not count, all that shared a transaction do.
sub out_of_order
{
	return $node->safe_psql('postgres', q{
		SELECT count(*) FILTER (WHERE abs(executed - expected) > 300 AND together > 1)
		FROM (SELECT row_number() OVER (ORDER BY nr) AS executed,
				row_number() OVER (ORDER BY priority DESC, run_at, id) AS expected,
				count(*) OVER (PARTITION BY transaction) AS together
			FROM notes JOIN workflow_runs r ON r.id = run) x});
}

sub in_index
{
	my ($condition) = @_;

	return $node->safe_psql('postgres',
		"SELECT count(*) FROM workflow_runs WHERE status = 'queued' AND $condition");
}

#
# More runs of either index than are read at once, of several priorities.
#
$node->safe_psql('postgres', 'SELECT wf_pause()');
fire(2500, 0, $hour);
fire(2500, 0);
fire(1500, 3, $hour);
fire(30, 3);
fire(40, 5, $hour);
fire(1200, -7);
fire(1100, -7, $hour);
fire(3, 9, q{now() + interval '1 day'});
fire(3, 9, q{timestamptz 'infinity'});
hour_passes();
is(in_index('run_at <= queued_at'), 3730, 'due when they were fired');
is(in_index('run_at > queued_at'), 5146, 'the others had to wait');
$node->safe_psql('postgres', 'SELECT wf_resume()');
wait_executed(8870, 'all end whose time has come');
is(out_of_order(), 0, 'in the order of priority and time');
is(in_index("run_at > now()"), 6, 'the others wait');

#
# Many that are retried by hand: they come after what was queued before, and
# no urgent one comes after one that is not.
#
$node->safe_psql('postgres', q{
	DELETE FROM workflow_runs WHERE status = 'queued';
	SELECT wf_pause();
	UPDATE workflow_runs SET status = 'failed', step_results = '[]',
		current_step = 0, priority = CASE WHEN random() < 0.01 THEN 4 ELSE 0 END;
	TRUNCATE notes});
fire(1500, 0);
$node->safe_psql('postgres',
	"SELECT count(*) FROM wf_retry_runs('$tenant'); SELECT wf_resume()");
wait_executed(10370, 'all that were retried end');
is(out_of_order(), 0, 'in the order of priority and time');

#
# One by one, while others are executed: what becomes due is not passed over.
#
$node->safe_psql('postgres', 'TRUNCATE workflow_runs, notes');
fire(3000, 0, "clock_timestamp() + g * interval '100 us'");
fire(3000, $_) foreach (0, 1, 0);
fire(3000, 0, "clock_timestamp() + g * interval '100 us'");
fire(20, 2, q{now() + interval '30 ms'}, $other);
wait_executed(15020, 'what becomes due meanwhile is found');

#
# The timer has passed the moment of a run whose transaction commits late.
#
$node->safe_psql('postgres', qq{
	TRUNCATE workflow_runs, notes;
	BEGIN;
	SELECT wf_fire('$tenant', 'note', run_at => now() + interval '10 ms');
	PREPARE TRANSACTION 'late'});
fire(1, 0, q{now() + interval '20 ms'}, $other);
wait_executed(1, 'the timer comes to a later one');
$node->safe_psql('postgres', "COMMIT PREPARED 'late'");
is(in_index('run_at < now()'), 1, 'no worker knows of the first');
$node->safe_psql('postgres', 'NOTIFY workflow_engine');
wait_executed(2, 'a rescan finds it');

#
# What waits for tomorrow is touched by none of this: all reads go by the
# indexes, up to what is due.
#
SKIP:
{
	skip 'the server has no auto_explain' unless $can_explain;

	$node->safe_psql('postgres', q{
		TRUNCATE workflow_runs, notes;
		SELECT wf_pause()});
	fire(1000, 0, $hour);
	hour_passes();
	fire(20000, 0, q{now() + interval '1 day'});
	fire(1000, 0);
	$node->safe_psql('postgres', q{
		ANALYZE workflow_runs;
		ALTER SYSTEM SET auto_explain.log_min_duration = 0;
		ALTER SYSTEM SET auto_explain.log_analyze = on;
		ALTER SYSTEM SET auto_explain.log_timing = off});
	$node->reload;
	wait_for($node, 'postgres', q{SELECT current_setting('auto_explain.log_analyze') = 'on'},
		'plans are logged');
	$node->safe_psql('postgres', 'SELECT wf_resume()');
	wait_executed(2000, 'those that are due end');
	fire(1, 0, q{now() + interval '10 ms'});
	wait_executed(2001, 'and one by the timer');

	# By the text of the query: nodes, and how many rows of the table they read.
	my @plans = slurp_file($node->logfile) =~
	  /Query Text: (.*?)(?=\n\d{4}-\d\d-\d\d |\z)/gs;
	my %reads = (
		'the walk over tenants' => qr/^WITH RECURSIVE t\(tenant_id/,
		'a reading of a tenant' => qr/^SELECT u\.id, /,
		'what has become due' => qr/q\.run_at > \$2 AND q\.run_at <= \$3/,
		'when the next is due' => qr/^SELECT q\.run_at /);
	foreach my $what (sort keys %reads)
	{
		my @these = grep { $_ =~ $reads{$what} } @plans;

		cmp_ok(scalar @these, '>', 0, "$what was logged");
		foreach my $plan (@these)
		{
			my @scans = $plan =~ /(\w+ (?:Only )?Scan(?: using \w+)? on workflow_runs|Seq Scan)/g;
			my @foreign = grep { $_ !~ /Index (?:Only )?Scan using workflow_runs_(?:due|later|timer) / } @scans;
			my ($most) = sort { $b <=> $a } $plan =~ /rows=(\d+) loops/g;

			is_deeply(\@foreign, [], "$what goes by the indexes");
			cmp_ok($most, '<=', 2000, '... and not to what is not due');
			unlike($plan, qr/Rows Removed by Filter: [1-9]\d\d/,
				'... nor over it');
		}
	}
	like(join("\n", grep { /^SELECT u\.id/ } @plans),
		qr/using workflow_runs_due .* using workflow_runs_later /s,
		'a reading takes from both');
	like(join("\n", grep { /q\.run_at <= \$3/ } @plans),
		qr/using workflow_runs_timer /, 'the timer has an index of its own');
}

$node->stop;
done_testing();
