
# Prometheus' exporter for PostgreSQL with the files of examples/monitoring,
# set up as docs/monitoring.md says: every metric comes out, with what is in
# the database; alerts fire if they should; the dashboard asks for nothing
# else.

use strict;
use warnings FATAL => 'all';

use Cwd qw(abs_path);
use FindBin;
use HTTP::Tiny;
use IPC::Run;
use JSON::PP ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Test;

my $top = abs_path("$FindBin::Bin/..");
my $files = "$top/examples/monitoring";
my $doc = slurp_file("$top/docs/monitoring.md");
my $promtool = test_program('promtool');
my $folder = PostgreSQL::Test::Utils::tempdir();

my $node = new_node('main', "workflow_engine.workers = 2\n",
	init => [ extra => [ '--encoding=UTF8', '--locale=C' ] ]);
$node->safe_psql('postgres', 'CREATE DATABASE shop');

#--- something to measure

my $shop = '00000000-0000-0000-0000-000000000001';
$node->safe_psql(
	'shop', qq{
CREATE EXTENSION workflow_engine;
INSERT INTO workflow_tenants VALUES ('$shop', 'Beirut');
CREATE TABLE gone (id int PRIMARY KEY, n int);
CREATE FUNCTION act(params jsonb, context jsonb) RETURNS jsonb
LANGUAGE plpgsql AS \$\$
BEGIN
	IF params->>'do' = 'fail' THEN
		RAISE EXCEPTION 'no';
	ELSIF params->>'do' = 'wait' THEN
		RAISE serialization_failure;
	END IF;
	RETURN '{}';
END \$\$;
SELECT wf_register_action('act', 'act(jsonb,jsonb)');
SELECT wf_define('$shop', jsonb_build_object('name', what, 'trigger_type', what,
	'steps', jsonb_build_array(jsonb_build_object('name', 'go',
		'action', 'act', 'params', jsonb_build_object('do', what),
		'retry', '{"max_attempts": 2, "initial_interval": "1 day"}'::jsonb))))
  FROM unnest('{good,fail,wait,held}'::text[]) what;
SELECT wf_define('$shop', '{"name": "unfit", "trigger_type": "unfit", "steps": [
	{"name": "go", "action": "update_record",
	 "params": {"table": "gone", "id": 1, "fields": {"n": 1}}}]}');
DROP TABLE gone;
SELECT wf_pause('$shop', 'held', 'for a test');
});
$node->safe_psql(
	'shop', qq{
SELECT wf_fire('$shop', 'good') FROM generate_series(1, 5);
SELECT wf_fire('$shop', 'good', run_at => now() + interval '1 day');
SELECT wf_fire('$shop', 'fail') FROM generate_series(1, 3);
SELECT wf_fire('$shop', 'wait') FROM generate_series(1, 2);
SELECT wf_fire('$shop', 'held');
INSERT INTO workflow_runs (definition_id, trigger_payload, place)
SELECT id, '{}', 17 FROM workflow_definitions WHERE name = 'good';
});
wait_for(
	$node, 'shop', q{
	SELECT bool_and(status = CASE name
		WHEN 'good' THEN CASE WHEN run_at > now() + interval '1 hour' OR place = 17
			THEN 'queued' ELSE 'completed' END
		WHEN 'fail' THEN 'failed' WHEN 'wait' THEN 'waiting' ELSE 'queued' END)
	  FROM workflow_runs r JOIN workflow_definitions d ON d.id = definition_id},
	'the runs end, wait and stand still');

wait_for($node, 'shop',
	'SELECT count(*) = 2 FROM wf_workers() WHERE database = current_database()',
	'both workers are up');

#--- the exporter, as the page says

my ($prometheus) = $doc =~ /^## Prometheus\n(.*?)^## /ms;
my ($roles) = $prometheus =~ /^```sql\n(.*?)^```$/ms;
my ($source, $args) = $prometheus =~
  /^```\nDATA_SOURCE_NAME='(.*)'\nARGS='(.*)'\n```$/m;
my $port = PostgreSQL::Test::Cluster::get_free_port();

$node->safe_psql('shop', $roles);
delete @ENV{qw(http_proxy HTTP_PROXY all_proxy ALL_PROXY)};
my $said = '';
my %here = (
	'/run/postgresql' => $node->host . ' port=' . $node->port,
	'/etc/prometheus/workflow_engine.yml' => "$files/queries.yml",
	':9187' => ":$port");
foreach my $text ($source, $args)
{
	$text =~ s/\Q$_\E/$here{$_}/ foreach keys %here;
}
$ENV{DATA_SOURCE_NAME} = $source;
my $exporter = IPC::Run::start(
	[ test_program('prometheus-postgres-exporter'), split / /, $args ],
	'<', \undef, '>&', \$said);

END
{
	if ($exporter)
	{
		my $status = $?;
		$exporter->kill_kill(grace => 5);
		$? = $status;
	}
}

# The answer of the exporter: a hash of metric => [[labels, value], ...].
sub scrape
{
	my $answer =
	  HTTP::Tiny->new(timeout => 20)->get("http://127.0.0.1:$port/metrics");
	my %metrics;

	$exporter->pump_nb;
	return unless $answer->{success};
	foreach my $line (split /\n/, $answer->{content})
	{
		my ($name, $labels, $value) =
		  $line =~ /^([a-z]\w*)(?:\{(.*)\})? (\S+)$/
		  or next;
		push @{ $metrics{$name} },
		  [ { ($labels || '') =~ /(\w+)="([^"]*)"/g }, $value ];
	}
	return \%metrics;
}

my $metrics;
wait_until(
	sub { $metrics = scrape(); $metrics && $metrics->{workflow_engine_due} },
	'the exporter answers');

my %described = map { $_->[0] => 1 } metrics_of("$files/queries.yml");

# The metrics of the file: [name, its usage].
sub metrics_of
{
	my ($name) = @_;
	my ($query, $column, @metrics);

	foreach my $line (split /\n/, slurp_file($name))
	{
		$query = $1 if $line =~ /^(\w+):$/;
		$column = $1 if $line =~ /^    - (\w+):$/;
		push @metrics, [ "${query}_$column", $1 ]
		  if $line =~ /^        usage: "(\w+)"$/ && $1 ne 'LABEL';
	}
	return @metrics;
}

cmp_ok(scalar(keys %described), '>', 20, 'queries.yml has metrics');
ok($metrics->{$_}, "$_ comes out") foreach sort keys %described;
is(join(' ', grep { $_->[1] ne '0' } @{ $metrics->{pg_exporter_last_scrape_error} }),
	'', 'no query fails')
  or diag($said);
is_deeply([ sort grep { /^workflow_engine/ } keys %$metrics ],
	[ sort keys %described ], 'nothing else comes out');
is_deeply(
	[ sort map { /`(workflow_engine_\w+)`/g } $doc =~ /^\| (.*?) \|/mg ],
	[ sort keys %described ],
	'docs/monitoring.md explains each metric');

#--- the values

# The value of a metric whose labels contain these.
sub value
{
	my ($name, %labels) = @_;
	my @found = grep {
		my $has = $_->[0];
		!grep { ($has->{$_} || '') ne $labels{$_} } keys %labels
	} @{ $metrics->{$name} };

	return @found == 1 ? $found[0][1] : scalar(@found) . ' series';
}

my %expected = (
	workers => 2,
	due => 1,
	later => 1,
	waiting => 2,
	running => 0,
	failed_1h => 3,
	failed_24h => 3,
	completed_per_minute => 5,
	standing_still => 1,
	paused => 0,
	standby => 0);
is(value("workflow_engine_$_", datname => 'shop'), $expected{$_},
	"workflow_engine_$_")
  foreach sort keys %expected;
is(value('workflow_engine_oldest_due_seconds'),
	0, 'workflow_engine_oldest_due_seconds: what is held is not late');

foreach my $case (
	[ completed_1h => 'good', 5 ],
	[ failed_1h => 'good', 0 ],
	[ standing_still => 'good', 1 ],
	[ active => 'good', 1 ],
	[ role_missing => 'good', 0 ],
	[ failed_1h => 'fail', 3 ],
	[ failed_24h => 'fail', 3 ],
	[ p95_seconds => 'fail', 'NaN' ],
	[ waiting => 'wait', 2 ],
	[ running => 'wait', 0 ],
	[ queued => 'held', 1 ],
	[ paused => 'held', 1 ],
	[ paused => 'good', 0 ],
	[ problems => 'unfit', 1 ],
	[ problems => 'good', 0 ])
{
	my ($column, $workflow, $value) = @$case;
	is( value(
			"workflow_engine_workflow_$column",
			workflow => $workflow,
			tenant => 'Beirut',
			tenant_id => $shop),
		$value,
		"$column of $workflow");
}
cmp_ok(value('workflow_engine_workflow_p95_seconds', workflow => 'good'),
	'>', 0, 'p95_seconds of good');
cmp_ok(
	value('workflow_engine_workflow_oldest_queued_seconds', workflow => 'held'),
	'>', 0, 'oldest_queued_seconds of held');
is(scalar @{ $metrics->{workflow_engine_worker_in_flight} },
	2, 'both workers are there');
my $runs = 0;
$runs += $_->[1] foreach @{ $metrics->{workflow_engine_worker_runs_total} };
cmp_ok($runs, '>=', 8, 'they have done the runs');

#--- alerts

# Runs promtool; its output.
sub promtool
{
	my ($what, $kind, $file) = @_;
	my $output = '';

	ok(IPC::Run::run([ $promtool, $what, $kind, $file ], '>&', \$output),
		"promtool $what $kind " . $file =~ s{.*/}{}r)
	  or diag($output);
	return $output;
}

sub write_file
{
	my ($name, $text) = @_;

	append_to_file("$folder/$name", $text);
	return "$folder/$name";
}

my $rules = slurp_file("$files/alerts.yml");
promtool('check', 'rules', "$files/alerts.yml");
foreach my $name ($rules =~ /\b((?:workflow_engine|pg_exporter)_\w+)/g)
{
	ok($metrics->{$name},
		"alerts.yml: $name comes out");
}
my @alerts = $rules =~ /- alert: (\w+)/g;
is_deeply([ $doc =~ /^\| `(Workflow\w+)` \|/mg ],
	\@alerts, 'docs/monitoring.md explains each alert');

# Each fires after its time, and none while all is well.
my $good = <<'YML';
      - series: 'workflow_engine_workers{datname="shop"}'
        values: '2+0x300'
      - series: 'workflow_engine_standby{datname="shop"}'
        values: '0+0x300'
      - series: 'pg_exporter_user_queries_load_error{filename="f"}'
        values: '0+0x300'
YML
my $of = '{datname="shop",tenant="Beirut",workflow="Bill"}';
my %series = (
	WorkflowsNotMeasured =>
	  [ 5, 'pg_exporter_user_queries_load_error{filename="f"}' => 1 ],
	WorkflowsWithoutWorkers => [ 2, 'workflow_engine_workers{datname="shop"}' => 0 ],
	WorkflowsLate => [ 5,
		"workflow_engine_workflow_oldest_queued_seconds$of" => 61,
		"workflow_engine_workflow_paused$of" => 0 ],
	WorkflowFails => [ 5,
		"workflow_engine_workflow_failed_1h$of" => 3,
		"workflow_engine_workflow_completed_1h$of" => 26 ],
	WorkflowRetries => [ 15, "workflow_engine_workflow_waiting$of" => 20 ],
	WorkflowDoesNotFit => [ 10, "workflow_engine_workflow_problems$of" => 1 ],
	WorkflowsStandStill =>
	  [ 10, 'workflow_engine_standing_still{datname="shop"}' => 4 ],
	WorkflowPaused => [ 240,
		"workflow_engine_workflow_paused$of" => 1,
		"workflow_engine_workflow_queued$of" => 2 ]);
is_deeply([ sort keys %series ], [ sort @alerts ], 'each alert has a test');

my $test = "rule_files:\n  - $files/alerts.yml\nevaluation_interval: 1m\ntests:\n";
foreach my $alert (@alerts)
{
	my ($minutes, %values) = @{ $series{$alert} };
	my $input = $good;

	foreach my $name (sort keys %values)
	{
		$input =~ s/      - series: '\Q$name\E'\n.*\n//;
		$input .= "      - series: '$name'\n        values: '$values{$name}+0x300'\n";
	}
	# pending until its time, then firing
	$test .= "  - interval: 1m\n    input_series:\n$input    promql_expr_test:\n";
	foreach my $at ([ $minutes - 1, 'pending' ], [ $minutes, 'firing' ])
	{
		$test .= "      - expr: count by (alertname, alertstate) (ALERTS)\n"
		  . "        eval_time: $at->[0]m\n"
		  . "        exp_samples:\n"
		  . "          - labels: '{alertname=\"$alert\", alertstate=\"$at->[1]\"}'\n"
		  . "            value: 1\n";
	}
}
$test .= "  - interval: 1m\n    input_series:\n$good    promql_expr_test:\n"
  . "      - expr: ALERTS\n        eval_time: 299m\n        exp_samples: []\n";
promtool('test', 'rules', write_file('alerts_test.yml', $test));

#--- the dashboard

my $dashboard =
  JSON::PP->new->utf8->decode(slurp_file("$files/grafana-dashboard.json"));
my (%ids, @expressions);

is(ref $dashboard->{panels}, 'ARRAY', 'the dashboard has panels');
foreach my $panel (@{ $dashboard->{panels} })
{
	ok(!$ids{ $panel->{id} }++ && $panel->{title} ne '' && $panel->{gridPos}{w},
		"panel $panel->{title}");
	push @expressions, map { $_->{expr} } @{ $panel->{targets} };
}
my @variables = @{ $dashboard->{templating}{list} };
push @expressions,
  map { ($_->{definition} || '') =~ /^label_values\((.*), \w+\)$/ ? $1 : () }
  @variables;
my %variable = map { $_->{name} => 1 } @variables;
my $recorded = "groups:\n  - name: dashboard\n    rules:\n";
foreach my $expression (@expressions)
{
	my @names = $expression =~ /\b((?:workflow_engine|pg)_\w+)/g;

	ok(@names && !(grep { !$metrics->{$_} } @names), "the dashboard asks for @names");
	ok($variable{$_}, "... and has a variable $_") foreach $expression =~ /\$(\w+)/g;
	$recorded .= "      - record: panel\n        expr: "
	  . JSON::PP->new->allow_nonref->encode($expression) . "\n        labels: {n: \""
	  . @{ [ $recorded =~ /record/g ] } . "\"}\n";
	my ($metric) = @names;
	my %labels = map { $_ => 1 } map { keys %{ $_->[0] } } @{ $metrics->{$metric} };
	ok($labels{$_}, "... $metric has the label $_")
	  foreach $expression =~ /(\w+)=~/g;
}
promtool('check', 'rules', write_file('dashboard.yml', $recorded));

done_testing();
