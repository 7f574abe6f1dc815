# Runs that ended long ago are deleted, by wf_purge and by the workers under
# workflow_engine.retention: in short transactions, while others fire.

use strict;
use warnings FATAL => 'all';

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use FindBin;
use lib "$FindBin::RealBin/lib";
use WorkflowEngine::Test;

my $tenant = '00000000-0000-4000-8000-00000000000a';
my $limit_ms = 200;

my $node = new_node('main', <<'EOF');
workflow_engine.workers = 2
workflow_engine.poll_interval = 100ms
autovacuum = off
EOF

sub sql
{
	return $node->safe_psql('postgres', shift);
}

sub set
{
	$node->append_conf('postgresql.conf', "workflow_engine.$_[0] = '$_[1]'");
	$node->reload;
	return;
}

sql(<<EOF);
CREATE EXTENSION workflow_engine;
CREATE TABLE orders (id int PRIMARY KEY, n int NOT NULL DEFAULT 0);
INSERT INTO orders SELECT generate_series(0, 999);
SELECT wf_define('$tenant', '{"name": "bump", "trigger_type": "bump", "steps": [
	{"name": "bump", "action": "update_record", "params":
		{"table": "orders", "id": "{{trigger.id}}", "fields": {"n": 1}}}]}');
CREATE FUNCTION id_at(at timestamptz) RETURNS uuid LANGUAGE sql AS \$\$
	SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0')
		|| '7' || substr(md5(random()::text), 1, 3) || '8'
		|| substr(md5(random()::text), 1, 15))::uuid \$\$;
-- n runs of that status, fired and ended evenly over that many days: each at
-- least six hours from where an age is a whole number of days, so that none
-- comes of that age while the test takes its time
CREATE PROCEDURE add_runs(n int, days int, state text) LANGUAGE sql AS \$\$
	INSERT INTO workflow_runs (id, definition_id, trigger_payload, status,
		step_results, queued_at, started_at, completed_at, run_at)
	SELECT id_at(at), d.id, jsonb_build_object('id', g), state,
		'[{"step": 0, "step_name": "bump", "status": "completed"}]',
		at, at, CASE WHEN state <> 'queued' THEN at END,
		CASE WHEN state <> 'queued' THEN at ELSE 'infinity' END
	FROM workflow_definitions d, generate_series(1, n) g,
		LATERAL (SELECT (g - 0.5) * days / n AS age) x,
		LATERAL (SELECT now() - interval '1 day'
			* (floor(age) + 0.25 + 0.5 * (age - floor(age))) AS at) y \$\$;
CREATE VIEW old AS SELECT status, count(*) FROM workflow_runs
	WHERE queued_at < now() - interval '90 days' GROUP BY 1 ORDER BY 1;
EOF

#--- wf_purge, while a thousand runs a second are fired and executed

# so many that no machine deletes them in one batch of 50 ms
sql("CALL add_runs(160000, 120, 'completed')");
sql("CALL add_runs(40, 120, 'queued')");
sql('ANALYZE workflow_runs');
my $seq_scans =
  q{SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'workflow_runs'};
my $script = $node->basedir . '/fire.sql';
append_to_file($script,
	"\\set id random(0, 999)\nSELECT wf_fire('$tenant', 'bump', jsonb_build_object('id', :id::int));\n"
);
my ($fired, $fire_errors) = ('', '');
my $fires = IPC::Run::start(
	[
		'pgbench', '-n', '-M', 'prepared', '-f', $script, '-c', '4', '-R',
		'1000', '-t', '1500', $node->connstr('postgres') . ' application_name=fires'
	],
	'>', \$fired, '2>', \$fire_errors);

wait_for($node, 'postgres',
	q{SELECT count(*) > 100 FROM workflow_runs WHERE status = 'completed'
		AND queued_at > (SELECT created_at FROM workflow_definitions)},
	'runs to be fired');
# what those sessions have counted is there when they are gone
wait_for($node, 'postgres',
	q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'client backend'
		AND application_name <> 'fires' AND pid <> pg_backend_pid()},
	'the sessions that have read the table to end');
my $scans = sql($seq_scans);
my ($stdout, $stderr);
$node->psql(
	'postgres', q{
	SET client_min_messages = debug1;
	CALL wf_purge('90 days')},
	stdout => \$stdout,
	stderr => \$stderr);
is(sql($seq_scans), $scans, 'the table is not read from end to end');
ok($fires->finish, 'meanwhile runs are fired') or diag($fire_errors);
my ($deleted) = $stderr =~ /deleted (\d+) runs$/m;
my @lasted = sort { $a <=> $b }
  map { $_ / 1000 } $stderr =~ /transaction of wf_purge lasted (\d+) us/g;
is($deleted, 40000, 'what is older is deleted');
cmp_ok(@lasted, '>', 1, 'in several transactions');
# one may wait for the processor: the machine may have other things to do
cmp_ok($lasted[ $#lasted / 2 ],
	'<', $limit_ms, "most last less than $limit_ms ms");
note(scalar(@lasted) . " transactions, the longest $lasted[-1] ms");
is(sql('SELECT * FROM old'), 'queued|10', 'what has not ended stays');
wait_for($node, 'postgres',
	q{SELECT count(*) = 6000 FROM workflow_runs WHERE status = 'completed'
		AND queued_at > (SELECT created_at FROM workflow_definitions)},
	'what was fired completes');

# What was committed stays if the call is cancelled.
sql("CALL add_runs(2000, 120, 'completed')");
# The first transaction is slow, and the second one does not end.
sql(q{CREATE SEQUENCE first_one;
	CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
	$$ BEGIN
		IF NOT (SELECT is_called FROM public.first_one) THEN
			PERFORM setval('public.first_one', txid_current());
		END IF;
		PERFORM pg_sleep(CASE WHEN (SELECT last_value FROM public.first_one) = txid_current()
			THEN 0.02 ELSE 600 END);
		RETURN OLD;
	END $$;
	CREATE TRIGGER slow BEFORE DELETE ON workflow_runs
	FOR EACH ROW EXECUTE FUNCTION slow()});
$stderr = '';
my $purge = IPC::Run::start(
	[
		'psql', '-X', '-d', $node->connstr('postgres'), '-v',
		'VERBOSITY=verbose', '-c', q{CALL wf_purge('90 days')}
	],
	'>', \$stdout, '2>', \$stderr);
wait_for($node, 'postgres',
	q{SELECT count < 500 FROM old WHERE status = 'completed'},
	'a purge to have committed something');
sql(q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE 'CALL wf_purge%'});
$purge->finish;
my ($so_far) = $stderr =~ /57014.*wf_purge, which has deleted (\d+) runs/s;
cmp_ok($so_far || 0, '>', 0, 'a cancelled purge says how far it came')
  or diag($stderr);
is( sql(q{SELECT count FROM old WHERE status = 'completed'}) + $so_far,
	500, 'and that is what is deleted');
sql('DROP TRIGGER slow ON workflow_runs');
sql(q{CALL wf_purge('90 days')});

#--- the workers

is(sql('SHOW workflow_engine.retention'), '-1', 'by default all is kept');
sql("CALL add_runs(30000, 120, 'failed')");
set('retention', '90d');
wait_for($node, 'postgres',
	q{SELECT count(*) = 1 AND min(status) = 'queued' FROM old},
	'the workers delete what is older');
is( sql(q{SELECT count(*) FROM workflow_runs WHERE status = 'failed'}),
	22500, 'and no other');

# So it goes on: what becomes older goes too, 250 runs a day.
set('clock_offset', '1d');
wait_for($node, 'postgres',
	q{SELECT count(*) = 22250 FROM workflow_runs WHERE status = 'failed'},
	'what becomes older is deleted');

# What lived when it was looked at is looked at again.
sql(q{UPDATE workflow_runs SET status = 'cancelled', completed_at = queued_at
	WHERE queued_at < now() - interval '90 days'});
set('clock_offset', '26h');
wait_for($node, 'postgres', 'SELECT count(*) = 0 FROM old',
	'what was passed by is looked at again');
wait_until(
	sub {
		return slurp_file($node->logfile) =~
		  /LOG:  deleted 7500 runs that were older than "workflow_engine.retention"/;
	},
	'the log tells how many');

# What fails does not keep the workers from their runs.
sql(q{CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
	$$ BEGIN PERFORM 1 / 0; END $$;
	CREATE TRIGGER fail BEFORE DELETE ON workflow_runs
	FOR EACH ROW EXECUTE FUNCTION fail()});
my $offset = -s $node->logfile;
set('clock_offset', '30d');
wait_until(sub { slurp_file($node->logfile, $offset) =~ /ERROR:  division by zero/ },
	'the error to be logged');
sql("SELECT wf_fire('$tenant', 'bump', '{\"id\": 1, \"after\": \"error\"}')");
wait_for($node, 'postgres',
	q{SELECT status = 'completed' FROM wf_history('{"after": "error"}')},
	'runs to be executed after it');

$node->stop;
done_testing();
