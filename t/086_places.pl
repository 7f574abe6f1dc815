# A copy of a database executes nothing that the original has queued, whatever
# made it: a restore, CREATE DATABASE ... TEMPLATE, a base backup, replication.
# What is fired in the copy runs, and the rest after wf_accept_place.

use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Test;

my $tenant = '11111111-1111-1111-1111-111111111111';
my $settings = <<'CONF';
workflow_engine.workers = 1
workflow_engine.poll_interval = '200ms'
CONF
my $node = new_node('main',
	$settings . "max_replication_slots = 4\nworkflow_engine.databases = 'first, cleaned, reloaded'\n",
	init => [ allows_streaming => 'logical' ]);
my $dir = $node->basedir;

sub set_databases
{
	my ($value) = @_;

	$node->safe_psql('postgres',
		"ALTER SYSTEM SET workflow_engine.databases = $value");
	$node->reload;
	return;
}

# A database with a run in every status; the newest are not executed yet.
sub make_original
{
	my ($name) = @_;

	$node->safe_psql('postgres', "CREATE DATABASE $name");
	$node->safe_psql($name, qq{
		CREATE EXTENSION workflow_engine;
		CREATE TABLE done (n int);
		SELECT wf_define('$tenant', '{"name": "w", "trigger_type": "e",
			"steps": [{"name": "note", "action": "insert_record", "params":
				{"table": "done", "fields": {"n": "{{trigger.n}}"}}}]}');
		SELECT wf_define('$tenant', '{"name": "hourly",
			"schedule": {"cron": "\@hourly", "time_zone": "UTC"},
			"steps": [{"name": "note", "action": "insert_record", "params":
				{"table": "done", "fields": {"n": 99}}}]}');
		SELECT wf_fire('$tenant', 'e', '{"n": 1}');
		SELECT wf_fire('$tenant', 'e', '{"n": "no number"}')});
	return;
}

# It does until then.
sub wait_worked
{
	my ($name) = @_;

	wait_for($node, $name,
		q{SELECT count(*) FILTER (WHERE status = 'completed') = 1
			AND count(*) FILTER (WHERE status = 'failed') = 1 FROM workflow_runs},
		"$name works");
	return;
}

sub queue_runs
{
	my ($name) = @_;

	$node->safe_psql($name, qq{
		SELECT wf_fire('$tenant', 'e', jsonb_build_object('n', n))
		FROM generate_series(2, 9) n;
		SELECT wf_fire('$tenant', 'e', '{"n": 10}', run_at => 'infinity');
		UPDATE workflow_runs SET status = 'running', owner = 1
		WHERE trigger_payload = '{"n": 3}';
		UPDATE workflow_runs SET status = 'waiting', run_at = now(), attempt = 1
		WHERE trigger_payload = '{"n": 4}';
		SELECT wf_cancel(id) FROM workflow_runs WHERE trigger_payload = '{"n": 5}';
		UPDATE workflow_schedules SET next_at = now() - interval '2 hours'});
	return;
}

my %tables = map { ($_ => "SELECT string_agg(t::text, E'\\n' ORDER BY t::text) FROM $_ t") }
  qw(workflow_definition_versions workflow_definitions workflow_runs workflow_schedules);

sub rows_of
{
	my ($in, $name) = @_;

	return { map { ($_ => $in->safe_psql($name, $tables{$_})) } keys %tables };
}

my @originals = qw(first cleaned reloaded);
make_original($_) foreach @originals;
wait_worked($_) foreach @originals;
set_databases("''");
wait_for($node, 'first', 'SELECT count(*) = 0 FROM wf_workers()',
	'the workers leave');
queue_runs('first');
my $original = rows_of($node, 'first');

#
# Copies, while nobody executes anything.
#
my @dump = ('--dbname', $node->connstr('first'));
command_ok([ 'pg_dump', '-f', "$dir/plain.sql", @dump ], 'pg_dump');
command_ok([ 'pg_dump', '-Fc', '-f', "$dir/custom.dump", @dump ],
	'pg_dump -Fc');
command_ok([ 'pg_dump', '--inserts', '-f', "$dir/inserts.sql", @dump ],
	'pg_dump --inserts');
command_ok([ 'pg_dumpall', '-f', "$dir/all.sql", '-h', $node->host, '-p', $node->port ],
	'pg_dumpall');
$node->backup('base');

# The dump of a schema that had no such column.
my $old = '';
my $column;
foreach my $line (split /^/, slurp_file("$dir/plain.sql"))
{
	if ($line =~ /^(COPY public\.workflow_(?:runs|schedules) \()(.*)(\) FROM stdin;\n)/)
	{
		my @names = split /, /, $2;

		($column) = grep { $names[$_] eq 'place' } 0 .. $#names;
		splice(@names, $column, 1);
		$line = $1 . join(', ', @names) . $3;
	}
	elsif ($line eq "\\.\n")
	{
		undef $column;
	}
	elsif (defined $column)
	{
		my @values = split /\t/, $line, -1;
		my $end = $column == $#values ? "\n" : '';

		splice(@values, $column, 1);
		$line = join("\t", @values) . $end;
	}
	$old .= $line;
}
append_to_file("$dir/old.sql", $old);

sub create
{
	my ($name, $more) = @_;

	$node->safe_psql('postgres', "CREATE DATABASE $name " . ($more || ''));
	return;
}

sub restore
{
	my ($name, @options) = @_;

	command_ok(
		[
			'pg_restore', '--exit-on-error', '-d', $node->connstr($name),
			@options, "$dir/custom.dump"
		],
		"pg_restore @options into $name");
	return;
}

sub load
{
	my ($in, $name, $file) = @_;

	command_ok(
		[
			'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d',
			$in->connstr($name), '-f', "$dir/$file"
		],
		"psql -f $file into $name");
	return;
}

foreach my $name (qw(plain inserts old))
{
	create($name);
	load($node, $name, "$name.sql");
}
create('custom');
restore('custom', '-j', '4');
create('parts');
restore('parts', "--section=$_") foreach qw(pre-data data post-data);
create('data_only');
restore('data_only', '--schema-only');
restore('data_only', '--data-only');
create('disabled');
restore('disabled', '--schema-only');
restore('disabled', '--data-only', '--disable-triggers');
create('template', 'TEMPLATE first');

# Into the very database that was dumped: all of it, and its runs alone.
foreach my $name (qw(cleaned reloaded))
{
	queue_runs($name);
	command_ok(
		[ 'pg_dump', '-Fc', '-f', "$dir/$name.dump", $node->connstr($name) ],
		"pg_dump of $name");
}
my $cleaned = rows_of($node, 'cleaned');
command_ok(
	[
		'pg_restore', '--exit-on-error', '--clean', '--if-exists', '-d',
		$node->connstr('cleaned'), "$dir/cleaned.dump"
	],
	'pg_restore --clean');
$node->safe_psql('reloaded', 'DELETE FROM workflow_runs; DELETE FROM workflow_schedules');
command_ok(
	[
		'pg_restore', '--exit-on-error', '--data-only', '-t', 'workflow_runs',
		'-t', 'workflow_schedules', '-d', $node->connstr('reloaded'),
		"$dir/reloaded.dump"
	],
	'pg_restore --data-only of runs');

# A subscriber.
create('subscriber');
$node->safe_psql('first', q{
	CREATE PUBLICATION pub FOR TABLE workflow_definition_versions,
		workflow_definitions, workflow_runs, workflow_schedules;
	SELECT pg_create_logical_replication_slot('sub', 'pgoutput')});
my $connection = $node->connstr('first') =~ s/'/''/gr;
$node->safe_psql('subscriber', qq{
	CREATE EXTENSION workflow_engine;
	CREATE TABLE done (n int);
	CREATE SUBSCRIPTION sub CONNECTION '$connection'
		PUBLICATION pub WITH (create_slot = false, slot_name = 'sub')});
wait_for($node, 'subscriber',
	q{SELECT bool_and(srsubstate = 'r') FROM pg_subscription_rel},
	'the tables are replicated');

foreach my $name (qw(plain inserts custom parts data_only disabled template subscriber))
{
	is_deeply(rows_of($node, $name), $original, "$name: the rows are the same");
}
is_deeply(rows_of($node, 'cleaned'), $cleaned, 'cleaned: the rows are the same');

#
# Everybody works.  The original executes what it has, copies what is new.
#
set_databases("'*'");
wait_for($node, 'first',
	q{SELECT count(*) = 8 AND count(DISTINCT n) = 8 FROM done WHERE n < 10},
	'the original goes on');
wait_for($node, 'first', q{SELECT count(*) = 1 FROM done WHERE n = 99},
	'so does its schedule');

# What was fired before, as it stands in that copy.
sub old_runs
{
	my ($in, $name) = @_;

	return $in->safe_psql($name, q{
		SELECT string_agg(r::text, E'\n' ORDER BY r::text) FROM workflow_runs r
		WHERE trigger_payload <> '{"n": 100}'});
}

# Fires one run, sees it done and the others untouched.
sub check_copy
{
	my ($in, $name, $before) = @_;

	$in->safe_psql($name, qq{SELECT wf_fire('$tenant', 'e', '{"n": 100}')});
	wait_for($in, $name, 'SELECT count(*) = 1 FROM done WHERE n = 100',
		"$name: what is fired runs");
	is(old_runs($in, $name), $before,
		"$name: what came in from elsewhere stands still");
	is($in->safe_psql($name, 'SELECT count(*) FROM done WHERE n BETWEEN 2 AND 99'),
		'0', "$name: it has done nothing");
	is( $in->safe_psql($name, q{SELECT sum(runs), bool_or(accepted) FROM wf_places()}),
		'8|f', "$name: wf_places counts what has not ended");
	my ($rc, $out, $err) = $in->psql($name, q{
		SELECT wf_retry(id) FROM workflow_runs WHERE status = 'failed'});
	like($err, qr/was not made for this database.*HINT:.*wf_accept_place/s,
		"$name: wf_retry says what to do");
	return;
}

# Its runs go on, each once, and its schedule.
sub check_accepted
{
	my ($in, $name) = @_;

	$in->safe_psql($name,
		'SELECT wf_accept_place(place) FROM wf_places() WHERE NOT accepted');
	wait_for($in, $name,
		q{SELECT count(*) = 7 AND count(DISTINCT n) = 7 FROM done WHERE n BETWEEN 2 AND 9},
		"$name: what was accepted goes on");
	wait_for($in, $name, 'SELECT count(*) = 1 FROM done WHERE n = 99',
		"$name: schedules, too");
	is($in->safe_psql($name, q{SELECT wf_retry(id) FROM workflow_runs WHERE status = 'failed'}),
		't', "$name: wf_retry works");
	return;
}

my @copies =
  qw(plain inserts old custom parts data_only disabled template cleaned reloaded subscriber);
my %before = map { ($_ => old_runs($node, $_)) } grep { $_ ne 'subscriber' } @copies;
foreach my $name (grep { $_ ne 'subscriber' } @copies)
{
	check_copy($node, $name, $before{$name});
}
wait_until(
	sub { slurp_file($node->logfile) =~ /7 runs stand still in database "plain"/ },
	'the log says so, of all but the one that waits for ever');

# The subscriber gets what the original makes of its runs, and does nothing.
$node->wait_for_catchup('sub');
is($node->safe_psql('subscriber', 'SELECT count(*) FROM done'),
	'0', 'the subscriber executes nothing');
$node->safe_psql('subscriber', 'DROP SUBSCRIPTION sub');

#
# A copy of a copy that has accepted something, accepts nothing.
#
check_accepted($node, $_) foreach qw(custom old cleaned reloaded);
$node->safe_psql('template', 'SELECT wf_accept_place(place) FROM wf_places()');
wait_for($node, 'template', q{SELECT count(*) = 7 FROM done WHERE n BETWEEN 2 AND 9},
	'template: what was accepted goes on');
set_databases("'second_plain, second_template, plain'");
wait_for($node, 'custom', 'SELECT count(*) = 0 FROM wf_workers() WHERE database = current_database()',
	'the workers leave');
foreach my $name (qw(custom template))
{
	$node->safe_psql($name, qq{
		DELETE FROM done; SELECT wf_fire('$tenant', 'e', '{"n": 11}');
		UPDATE workflow_runs SET status = 'queued', run_at = queued_at,
			step_results = '[]', current_step = 0
		WHERE trigger_payload = '{"n": 2}'});
}
command_ok(
	[ 'pg_dump', '-f', "$dir/second.sql", $node->connstr('custom') ],
	'pg_dump of a copy');
create('second_plain');
load($node, 'second_plain', 'second.sql');
create('second_template', 'TEMPLATE template');
foreach my $name (qw(second_plain second_template))
{
	$node->safe_psql($name, qq{SELECT wf_fire('$tenant', 'e', '{"n": 100}')});
	wait_for($node, $name, 'SELECT count(*) = 1 FROM done WHERE n = 100',
		"$name: what is fired runs");
	is($node->safe_psql($name, 'SELECT count(*) FROM done WHERE n <> 100'),
		'0', "$name: nothing else does");
	is($node->safe_psql($name, 'SELECT count(*), bool_or(accepted) FROM wf_places()'),
		'2|f', "$name: two places, and none is accepted");
}

#
# wf_discard_place: cancelled, and not to come back.
#
$node->safe_psql('plain', 'SELECT wf_discard_place(place) FROM wf_places()');
is( $node->safe_psql('plain', q{
		SELECT count(*) FILTER (WHERE status = 'cancelled'),
			count(*) FILTER (WHERE status IN ('queued', 'waiting', 'running')),
			(SELECT count(*) FROM wf_places()),
			(SELECT count(*) FROM workflow_schedules WHERE next_at IS NOT NULL)
		FROM workflow_runs}),
	'9|0|0|0', 'what was discarded is cancelled');

#
# A rename is no copy.
#
set_databases("'first, renamed'");
wait_for($node, 'first', 'SELECT count(*) > 0 FROM wf_workers() WHERE database = current_database()',
	'workers come back');
$node->safe_psql('first', 'SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots');
$node->safe_psql('first', qq{SELECT wf_fire('$tenant', 'e', '{"n": 12}', run_at => now() + '3 s')});
$node->safe_psql('postgres', 'ALTER DATABASE first RENAME TO renamed');
wait_for($node, 'renamed', 'SELECT count(*) = 1 FROM done WHERE n = 12',
	'after a rename work goes on');
is($node->safe_psql('renamed', 'SELECT count(*) FROM wf_places()'),
	'0', 'nothing is foreign');
$node->stop;

#
# Other clusters: one that pg_dumpall made, and one from a base backup.
#
my $other = new_node('other', $settings);
run_log([ 'psql', '-X', '-q', '-d', $other->connstr('postgres'), '-f', "$dir/all.sql" ]);
check_copy($other, 'first', $original->{workflow_runs});
check_accepted($other, 'first');
$other->stop;

my $site = PostgreSQL::Test::Cluster->new('site');
$site->init_from_backup($node, 'base');
$site->append_conf('postgresql.conf', "workflow_engine.site = 'staging'\n");

$site->start;
$site->safe_psql('postgres', 'ALTER SYSTEM RESET workflow_engine.databases');
$site->reload;
check_copy($site, 'first', $original->{workflow_runs});
is( $site->safe_psql('first', 'SHOW workflow_engine.site'), 'staging',
	'the copy has another site');
check_accepted($site, 'first');
$site->stop;

# Without another site it is the original, for all that it knows.
my $same = PostgreSQL::Test::Cluster->new('same');
$same->init_from_backup($node, 'base');
$same->start;
$same->safe_psql('postgres', 'ALTER SYSTEM RESET workflow_engine.databases');
$same->reload;
wait_for($same, 'first', q{SELECT count(*) = 8 FROM done WHERE n < 10},
	'a base backup that is restored in the place of its original goes on');
$same->stop;

done_testing();
