# The statements of the console, each as roles of every capability, as a session
# that is bound to a tenant and as one that is bound to none: status and rows.
use strict;
use warnings FATAL => 'all';

use Cwd qw(abs_path);
use File::Basename;
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;

use WorkflowEngine::Console;
use WorkflowEngine::Statements;
use WorkflowEngine::Test;

my $folder = abs_path(dirname(__FILE__) . '/../console/sql');
my $node = console_node('statements');
my ($one, $two) = map { "00000000-0000-0000-0000-00000000000$_" } 1, 2;
my %tried;

sub answer
{
	$tried{ $_[1] } = 1;
	return answer_of($node, @_);
}

# The roles are granted, and two of them bound, by console_node.
my @all = qw(view_a ops_a admin_a bound_a none_a);
$node->safe_psql('shop', <<"SQL");
CREATE TABLE public.orders (id int PRIMARY KEY, status text);
INSERT INTO public.orders VALUES (1, 'new');
SELECT wf_define(t.id::uuid, ('{"name": "Bill ' || t.n || '", "trigger_type": "order_billed",
	"description": "bills", "title": "Order {{ trigger.order_id }}",
	"search": [{"path": "trigger.order_id", "label": {"en": "Order", "ar": "طلب"}}],
	"steps": [
	{"name": "look", "action": "find_record", "params": {"table": "public.orders", "where": {"id": "{{ trigger.order_id }}"}}},
	{"name": "mark", "action": "update_record", "condition": {"field": "trigger.order_id", "op": "exists"},
	 "params": {"table": "public.orders", "id": 1, "fields": {"status": "{{ trigger.missing }}"}}}]}')::jsonb)
FROM (VALUES (1, '$one'), (2, '$two')) t (n, id);
SELECT wf_fire(t::uuid, 'order_billed', jsonb_build_object('order_id', n, 'price', 19.90))
FROM unnest('{$one,$two}'::text[]) t, generate_series(11, 13) n;
SELECT wf_fire('$two', 'order_billed', '{"order_id": 14}', run_at => 'infinity');
SQL
wait_for($node, 'shop', "SELECT count(*) = 6 FROM workflow_runs WHERE status = 'failed'",
	'six runs fail');
wait_for($node, 'shop',
	'SELECT count(*) = 2 FROM wf_workers() WHERE database = current_database()',
	'both workers are up');
my ($first, $other, $held) = map {
	$node->safe_psql('shop', "SELECT id FROM workflow_runs WHERE trigger_payload->>'order_id' = '$_->[1]' AND tenant_id = '$_->[0]'")
} [ $one, 11 ], [ $two, 11 ], [ $two, 14 ];
my ($bill, $bill2) = map {
	$node->safe_psql('shop', "SELECT id FROM workflow_definitions WHERE name = 'Bill $_'")
} 1, 2;
my $none = '01900000-0000-7000-8000-0000000000ff';
my ($status, $body);

# What a sign-in asks.
$node->safe_psql('postgres', 'CREATE DATABASE empty');
foreach my $case ([ view_a => 't' ], [ nobody_a => 'f' ])
{
	my ($role, $may) = @$case;
	is(join('', answer($role, 'login', undef, undef)), "\"my wf\"1.1|$may",
		"login of $role");
}

# me
my %capabilities = (
	view_a => 'view', ops_a => 'operate view', admin_a => 'admin operate view',
	bound_a => 'operate view', none_a => 'view');
foreach my $role (@all)
{
	($status, $body) = answer($role, 'me', { console => '1.1', languages => 'ar,en' });
	is("$status $body->{role}", "200 $role", "me of $role");
	is(join(' ', sort grep { $body->{capabilities}{$_} } keys %{ $body->{capabilities} }),
		$capabilities{$role}, 'what it may');
	is($body->{bound}, { bound_a => 'one', none_a => 'none' }->{$role} || 'all', 'bound');
	is($body->{tenant}, $role eq 'bound_a' ? $one : undef, 'to which');
	is(join(' ', map { $_->{name} } @{ $body->{tenants} }),
		{ bound_a => 'Beirut', none_a => '' }->{$role} // 'Beirut Tripoli', 'tenants');
	is_deeply($body->{languages}, [ 'ar', 'en' ], 'languages');
}
($status, $body) = answer('ops_a', 'me', { console => '1.1', languages => 'en' });
is_deeply([ sort map { $_->{role} } @{ $body->{run_as} } ], [ 'ops_a', 'wf_console' ], 'run_as');
is($body->{versions}{extension}, '1.1', 'the version of the extension');
is($body->{tenant_label}, undef, 'a tenant is called by the words of the page');

# health
my %failed = (bound_a => 3, none_a => 0);
foreach my $role (@all)
{
	($status, $body) = answer($role, 'health', {});
	is("$status $body->{health}{failed_24h}", '200 ' . ($failed{$role} // 6), "health of $role");
	is(scalar @{ $body->{workers} }, 2, 'workers');
}
($status, $body) = answer('view_a', 'health', { tenant => $two });
is($body->{health}{failed_24h}, 3, 'health of a tenant');
is(answer('view_a', 'health', { tenant => 'x' }), '22P02', 'of none');
is(answer('nobody_a', 'health', {}), '42501', 'who may not look');

# activity: what the last hour came to
foreach my $role (@all)
{
	($status, $body) = answer($role, 'activity', {});
	my %sum;
	$sum{$_->[0]} += $_->[1] foreach map { my $minute = $_; map { [ $_ => $minute->{$_} ] } qw(failed other) } @{ $body->{minutes} };
	is("$status " . ($sum{failed} // 0) . ' ' . ($sum{other} // 0),
		'200 ' . ({ bound_a => '3 0', none_a => '0 0' }->{$role} // '6 1'), "activity of $role");
	is($body->{from}, undef, 'all of it');
}
($status, $body) = answer('view_a', 'activity', { tenant => $one });
is($body->{minutes}[0]{failed} + ($body->{minutes}[1]{failed} // 0), 3, 'of a tenant');
is(answer('nobody_a', 'activity', {}), '42501', 'who may not look');

# runs: by filter, by search, and both
my %seen = (bound_a => 3, none_a => 0);
foreach my $role (@all)
{
	($status, $body) = answer($role, 'runs', {}, {});
	is("$status " . scalar @{ $body->{runs} }, '200 ' . ($seen{$role} // 7), "runs of $role");
	($status, $body) = answer($role, 'runs', {}, { q => 'طلب رقم ١١' });
	is("$status " . scalar @{ $body->{runs} },
		'200 ' . ({ bound_a => 1, none_a => 0 }->{$role} // 2), "a search of $role");
}
is(answer('nobody_a', 'runs', {}, {}), '42501', 'who may not look');
my @filters = (
	[ 7, {} ], [ 7, { q => ' ', status => undef } ], [ 6, { status => ['failed'] } ],
	[ 1, { status => [ 'queued', 'waiting' ] } ], [ 4, { tenant => $two } ],
	[ 3, { workflow => $bill } ], [ 6, { step => 'mark', error_class => undef } ],
	[ 0, { step => 'look' } ], [ 0, { since => '2999-01-01' } ],
	[ 7, { until => '2999-01-01' } ], [ 7, { since => '2020-01-01T00:00:00Z' } ],
	[ 2, { q => 'order 11' } ], [ 1, { q => 'order 11', tenant => $one } ],
	[ 1, { q => '11', workflow => $bill2 } ], [ 0, { q => '11', status => ['queued'] } ],
	[ 2, { q => '11', status => [ 'failed', 'queued' ], step => 'mark' } ],
	[ 0, { q => '11', step => 'look' } ], [ 0, { q => '11', until => '2020-01-01' } ],
	[ 1, { q => $first } ], [ 0, { q => $none } ], [ 0, { q => 'nothing at all' } ],
	[ 1, { q => 'order_id=14' } ], [ 7, { limit => 5000 } ], [ 7, { x => 'y' } ],
	[ 7, { status => [] } ], [ 2, { q => '11', status => [] } ]);
foreach my $case (@filters)
{
	my ($count, $filter) = @$case;
	($status, $body) = answer('view_a', 'runs', {}, $filter);
	is("$status " . scalar @{ $body->{runs} }, "200 $count",
		'runs of ' . JSON::PP->new->canonical->ascii->encode($filter));
	is($body->{next}, undef, 'which is all of them');
	# a search that finds nothing says at which keys it has looked
	is_deeply($body->{searched}, $filter->{q} && $filter->{q} =~ /nothing|ff$/ ? ['trigger.order_id'] : undef, 'where it has looked')
	  if $filter->{q};
}
foreach my $role (@all)
{
	($status, $body) = answer($role, 'runs', {}, { q => 'nothing at all' });
	is_deeply($body->{searched}, $role eq 'none_a' ? [] : ['trigger.order_id'], "where a search of $role looks");
}
# pages, by filter and by search
foreach my $q (undef, 'order 11')
{
	my ($before, @ids) = (undef);
	foreach my $page (1 .. 9)
	{
		($status, $body) = answer('view_a', 'runs', {}, { q => $q, limit => 1, before => $before });
		push @ids, map { $_->{run_id} } @{ $body->{runs} };
		$before = $body->{next};
		last unless $before;
	}
	is(scalar @ids, $q ? 2 : 7, 'pages of one');
	is_deeply([ reverse sort @ids ], \@ids, 'the newest first');
}
($status, $body) = answer('view_a', 'runs', {}, { q => $held });
is($body->{runs}[0]{run_at}, undef, 'held: no time');
is($body->{runs}[0]{tenant_name}, 'Tripoli', 'the name of its tenant');
($status, $body) = answer('view_a', 'runs', {}, { q => $first });
is($body->{runs}[0]{title}, 'Order 11', 'its title');
is($body->{runs}[0]{payload_head}, '{"price": 19.90, "order_id": 11}', 'the payload as it is');
foreach my $case ([ '22P02', { tenant => 'x' } ], [ '22023', { status => ['x'] } ],
	[ '22007', { since => 'x' } ], [ '22P02', { before => 'x' } ], [ '22P02', { limit => 'x' } ],
	[ 'P0002', { workflow => $none } ], [ '22023', { q => 'x' x 501 } ])
{
	is(answer('view_a', 'runs', {}, $case->[1]), $case->[0], "a filter with $case->[0]");
}

# run
foreach my $role (@all)
{
	my %may = (view_a => 0, none_a => 0);
	my @answer = answer($role, 'run', { id => $first });

	if ($role eq 'none_a')
	{
		is($answer[0], 'P0002', "a run for $role");
		next;
	}
	is("$answer[0] $answer[1]{run}{title}", '200 Order 11', "a run for $role");
	is($answer[1]{may}{retry} ? 1 : 0, $may{$role} // 1, 'whether it may retry');
	ok(!$answer[1]{may}{cancel}, 'what has failed is not cancelled');
}
is(answer('bound_a', 'run', { id => $other }), 'P0002', 'the run of another tenant');
is(answer('view_a', 'run', { id => $none }), 'P0002', 'no run');
($status, $body) = answer('ops_a', 'run', { id => $first });
is_deeply($body->{run}{payload},
	{ text => '{"price": 19.90, "order_id": 11}', size => 32, truncated => JSON::PP::false },
	'the payload as text');
like($body->{run}{definition}{text}, qr/"Bill 1"/, 'the definition too');
is($body->{run}{steps}[0]{input}{text},
	'{"table": "public.orders", "where": {"id": 11}}', 'and the input of a step');
is($body->{run}{steps}[1]{output}, undef, 'no output is null');
like($body->{run}{steps}[1]{condition}{text}, qr/exists/, 'a condition');
is($body->{tenant_name}, 'Beirut', 'its tenant');
($status, $body) = answer('ops_a', 'run', { id => $held });
is_deeply([ map { $body->{may}{$_} ? 1 : 0 } qw(cancel retry rerun) ], [ 1, 0, 0 ],
	'a queued run is cancelled only');

# A run of many steps and long values stays small.
$node->safe_psql('shop', <<"SQL");
SELECT wf_define('$one', jsonb_build_object('name', 'long', 'trigger_type', 'long', 'steps',
	(SELECT jsonb_agg(jsonb_build_object('name', 's' || n, 'action', 'find_record',
	'params', '{"table": "public.orders", "where": {"id": 1}}'::jsonb)) FROM generate_series(1, 200) n)));
INSERT INTO workflow_runs (id, definition_id, trigger_payload, status, step_results)
SELECT '01900000-0000-7000-8000-0000000000aa', id, '{}', 'completed',
	(SELECT jsonb_agg(jsonb_build_object('step', n, 'step_name', 's' || n + 1, 'action', 'find_record', 'status', 'completed',
		'input', jsonb_build_object('x', repeat('y', 50000)), 'output', jsonb_build_object('x', repeat('z', 50000))))
		FROM generate_series(0, 199) n)
FROM workflow_definitions WHERE name = 'long';
SQL
my $long = '01900000-0000-7000-8000-0000000000aa';
($status, $body) = answer('view_a', 'run', { id => $long });
is("$status " . scalar @{ $body->{run}{steps} }, '200 200', '200 steps');
my $step = $body->{run}{steps}[199];
ok($step->{output}{truncated} && $step->{output}{size} == 50009, 'with the size of what is not shown');
cmp_ok(length JSON::PP::encode_json($body), '<', 4_000_000, 'in all less than 4 MB');

# downloads
foreach my $name (qw(run_payload run_step_input run_step_output))
{
	my $params = { id => $first, n => '0' };
	foreach my $role (@all)
	{
		my @answer = answer($role, $name, $params);
		is($answer[0], $role eq 'none_a' ? 'no row' : 200, "$name of $role");
	}
	is(answer('bound_a', $name, { id => $other, n => '0' }), 'no row', 'of another tenant');
	is(answer('view_a', $name, { id => $none, n => '0' }), 'no row', 'of no run');
}
is(answer('view_a', 'run_step_output', { id => $first, n => '1' }), 'no row', 'no output yet');
is(answer('view_a', 'run_step_input', { id => $first, n => '2' }), 'no row', 'no such step');
is((answer('view_a', 'run_step_output', { id => $long, n => '7' }))[1]{x}, 'z' x 50000, 'all of it');

# What is too large for the page: its line for the shell makes a file with the same JSON.
# Quotes, backslashes and ends of lines are in it, the schema's name has a blank, and
# whoever is bound to a tenant is so in psql too.
my $large = '01900000-0000-7000-8000-0000000000ab';
$node->safe_psql('shop', <<"SQL");
INSERT INTO workflow_runs (id, definition_id, trigger_payload, status, step_results)
SELECT '$large', id, v.value, 'completed', jsonb_build_array(jsonb_build_object('step', 0, 'step_name', 's1',
	'action', 'find_record', 'status', 'completed', 'input', v.value, 'output', v.value))
FROM workflow_definitions, (SELECT jsonb_build_object('said', E'"quoted" \\\\ back\nline \t طلب', 'price', 19.90,
	'long', repeat('x', 8400000))) v (value) WHERE name = 'long';
SQL
foreach my $role (qw(view_a bound_a))
{
	foreach my $case ([ run_payload => 'payload' ], [ run_step_input => 'input' ], [ run_step_output => 'output' ])
	{
		my ($name, $what) = @$case;
		my $folder = PostgreSQL::Test::Utils::tempdir();
		my $answer;
		($status, $answer) = answer($role, $name, { id => $large, n => '0' });
		is("$status $answer->{error}{code}", '507 too_much', "$name of $role: too large");
		{
			local @ENV{qw(PGHOST PGPORT PGPASSWORD)} = ($node->host, $node->port, "secret of $role");
			run_log([ 'sh', '-c', 'cd "$1" && eval "$2"', 'sh', $folder, $answer->{error}{hint} ]);
		}
		my $file = slurp_file("$folder/$what.json");
		like($file, qr/"price": 19\.90[,}]/, 'a number as it is spelled');
		my $value = JSON::PP->new->utf8->decode($file);
		is($value->{said}, qq("quoted" \\ back\nline \t \x{637}\x{644}\x{628}), 'the file is the JSON');
		is(length $value->{long}, 8_400_000, 'all of it');
	}
}
is(answer('none_a', 'run_payload', { id => $large }), 'no row', 'nobody is shown the line for the run of others');
$node->safe_psql('shop', "DELETE FROM workflow_runs WHERE id = '$large'");

# failures
foreach my $role (@all)
{
	($status, $body) = answer($role, 'failures', {}, {});
	is("$status " . join(' ', map { $_->{count} } @{ $body->{groups} }),
		'200 ' . ({ bound_a => '3', none_a => '' }->{$role} // '3 3'), "failures of $role");
}
($status, $body) = answer('view_a', 'failures', {}, { tenant => $two, since => '2020-01-01' });
is("$body->{groups}[0]{tenant_name} $body->{groups}[0]{step}", 'Tripoli mark', 'of a tenant');
($status, $body) = answer('view_a', 'failures', {}, { limit => 1 });
is(scalar @{ $body->{groups} }, 1, 'the largest one');
my $class = $body->{groups}[0]{error_class};

# runs/count
foreach my $role (@all)
{
	($status, $body) = answer($role, 'runs_count', {}, { filter => { status => 'failed' } });
	is("$status $body->{count}", '200 ' . ($failed{$role} // 6), "count of $role");
}
foreach my $case ([ 8, {} ], [ 3, { workflow => $bill2, status => 'failed' } ],
	[ 6, { step => 'mark', error_class => $class } ], [ 0, { until => '2020-01-01' } ],
	[ 1, { status => 'queued', tenant => $two } ])
{
	($status, $body) = answer('view_a', 'runs_count', {}, { filter => $case->[1] });
	is("$status $body->{count} $body->{older}", "200 $case->[0] " . ($case->[0] == 8 ? 1 : 0),
		'count of ' . JSON::PP->new->canonical->encode($case->[1]));
}
is(answer('bound_a', 'runs_count', {}, { filter => { tenant => $two } }), '42501', 'of another tenant');

# workflows
foreach my $role (@all)
{
	($status, $body) = answer($role, 'workflows', {});
	is("$status " . join(',', map { $_->{name} } @{ $body->{workflows} }),
		'200 ' . ({ bound_a => 'Bill 1,long', none_a => '' }->{$role} // 'Bill 1,Bill 2,long'),
		"workflows of $role");
}
($status, $body) = answer('view_a', 'workflows', { tenant => $two });
my $w = $body->{workflows}[0];
is_deeply([ @$w{qw(name next_at scheduled is_active run_as_exists tenant_name description)} ],
	[ 'Bill 2', undef, JSON::PP::false, JSON::PP::true, JSON::PP::true, 'Tripoli', 'bills' ], 'of a tenant');
is_deeply($w->{steps}, [ map { { name => $_->[0], action => $_->[1], table => 'public.orders', connection => undef } }
		[ look => 'find_record' ], [ mark => 'update_record' ] ], 'its steps, and what they use');
foreach my $role (@all)
{
	($status, $body) = answer($role, 'workflows_counts', {}, { ids => [ $bill, $bill2, $bill, $none ] });
	is("$status " . join(' ', map { "$_->{completed} $_->{failed}" } @{ $body->{counts} }),
		'200 ' . ({ bound_a => '0 3', none_a => '' }->{$role} // '0 3 0 3'), "what $role sees of their day");
}
is_deeply((answer('view_a', 'workflows_counts', {}, $_))[1]{counts}, [], 'of none') foreach {}, { ids => [] }, { ids => 7 };
is(answer('view_a', 'workflows_counts', {}, { ids => ['x'] }), '22P02', 'of what is no id');
is(answer('nobody_a', 'workflows_counts', {}, { ids => [$bill] }), '42501', 'by who may not look');

# What writes: refused to who may only look, and in what only reads.
my %writes = (
	run_rerun => {},
	runs_retry => { ids => [$first] },
	runs_cancel => { ids => [$held] },
	runs_retry_next => { filter => { status => 'failed' } },
	runs_cancel_next => { filter => {} },
	pause => { tenant => $one }, resume => { tenant => $one },
	workflow_active => { active => JSON::PP::false, base_version => 1 });
my %id = (run_rerun => $first);
foreach my $name (sort keys %writes)
{
	foreach my $role (qw(view_a none_a nobody_a))
	{
		is(answer($role, $name, { id => $id{$name} || $bill }, $writes{$name}, writes => 1),
			'42501', "$name of $role");
	}
	foreach my $role (qw(ops_a admin_a bound_a))
	{
		is((answer($role, $name, { id => $id{$name} || $bill }, $writes{$name}, writes => 1))[0],
			200, "$name of $role");
	}
	is(answer('ops_a', $name, { id => $id{$name} || $bill }, $writes{$name}), '25006',
		"$name cannot be a read");
}
# a tenant's operator reaches nothing of another
is(answer('bound_a', 'run_rerun', { id => $other }, {}, writes => 1), 'P0002', 'a rerun of another tenant');
is((answer('bound_a', 'runs_retry', {}, { ids => [$other] }, writes => 1))[1]{outcomes}[0]{outcome},
	'not found', 'a run of another tenant');
is((answer('bound_a', 'runs_cancel', {}, { ids => [$held] }, writes => 1))[1]{outcomes}[0]{outcome},
	'not found', 'nor is it cancelled');
is(answer('bound_a', 'pause', {}, {}, writes => 1), '42501', 'nor is all paused');
is(answer('bound_a', 'pause', {}, { workflow => $bill2 }, writes => 1), 'no row', 'or its workflow');
is(answer('bound_a', 'workflow_active', { id => $bill2 }, $writes{workflow_active}, writes => 1),
	'no row', 'or switched off');
is(answer('bound_a', 'runs_retry_next', {}, { filter => { tenant => $two } }, writes => 1), '42501',
	'or retried by filter');
is(answer('bound_a', 'runs_cancel_next', {}, { filter => { tenant => $two } }, writes => 1), '42501',
	'or cancelled by filter');

# outcomes, limits
($status, $body) = answer('ops_a', 'runs_cancel', {}, { ids => [ $first, $held, $none ] }, writes => 1);
is_deeply([ sort map { $_->{outcome} } @{ $body->{outcomes} } ],
	[ 'cancelled', 'failed', 'not found' ], 'what came of each');
foreach my $name (qw(runs_cancel runs_retry))
{
	is((answer('ops_a', $name, {}, { ids => [ ($none) x 501 ] }, writes => 1))[0], 422,
		"$name: 501 are too many");
	is(answer('ops_a', $name, {}, {}, writes => 1), '22004', "$name: none given");
	is_deeply((answer('ops_a', $name, {}, { ids => [] }, writes => 1))[1]{outcomes}, [], "$name: none");
	is(answer('ops_a', $name, {}, { ids => ['x'] }, writes => 1), '22P02', "$name: no id");
}
is((answer('ops_a', 'runs_retry', {}, { ids => [$first], from_step => 'mark' }, writes => 1))[1]{outcomes}[0]{outcome},
	'retried', 'from a step');
like((answer('ops_a', 'runs_retry', {}, { ids => [$first], from_step => 'no' }, writes => 1))[1]{outcomes}[0]{outcome},
	qr/"no"/, 'or why not');
# run again
($status, $body) = answer('ops_a', 'run_rerun', { id => $first }, {}, writes => 1);
like($body->{run_id}, qr/^[0-9a-f-]{36}$/, 'a new run of the same event');
($status, $body) = answer('ops_a', 'run_rerun', { id => $first },
	{ payload => '{"order_id": 11, "price": 20.50}' }, writes => 1, keep => 1);
is($node->safe_psql('shop', "SELECT trigger_payload FROM workflow_runs WHERE id = '$body->{run_id}' AND rerun_of = '$first'"),
	'{"price": 20.50, "order_id": 11}', 'or of another, as it is spelled');
wait_for($node, 'shop', "SELECT status = 'failed' FROM workflow_runs WHERE id = '$body->{run_id}'", 'it runs');
$node->safe_psql('shop', "DELETE FROM workflow_runs WHERE id = '$body->{run_id}'");
is(answer('ops_a', 'run_rerun', { id => $first }, { payload => $_->[1] }, writes => 1), $_->[0], "not with $_->[1]")
  foreach [ '22P02', '{' ], [ '22023', '[1]' ], [ '22023', 'null' ];
is(answer('ops_a', 'run_rerun', { id => $none }, {}, writes => 1), 'P0002', 'not of no run');
is(answer('view_a', 'run_rerun', { id => $first }, {}, writes => 1), '42501', 'not by who may look only');
is(answer('bound_a', 'run_rerun', { id => $other }, {}, writes => 1), 'P0002', "not of another tenant's");
# by filter, in batches, oldest first; nothing is begun meanwhile
$node->safe_psql('shop', 'SELECT wf_pause()');
my ($after, $done, @next) = (undef, 0);
foreach my $batch (1 .. 9)
{
	($status, $body) = answer('ops_a', 'runs_retry_next', {},
		{ filter => { error_class => $class }, limit => 4, after => $after },
		writes => 1, keep => 1);
	$done += $body->{done};
	is($body->{skipped}, 0, 'none is skipped');
	last unless $after = $body->{next};
	push @next, $after;
}
is("$done " . scalar @next, '6 1', 'six in two batches');
is($node->safe_psql('shop', "SELECT count(*) FROM workflow_runs WHERE status = 'queued'"), '7',
	'are queued again');
# what cannot be retried is counted as such, also of more than are counted in all
$node->safe_psql('shop', <<"SQL");
INSERT INTO workflow_runs (definition_id, trigger_payload, status, error_message, started_at, completed_at)
SELECT '$bill', '{}', 'failed', 'step "mark": many', now(), now() FROM generate_series(1, 10600);
UPDATE workflow_runs SET place = 1 WHERE id IN (SELECT id FROM workflow_runs WHERE error_message LIKE '%many' ORDER BY id LIMIT 3);
SQL
my %many = (workflow => $bill, status => 'failed');
($status, $body) = answer('ops_a', 'runs_retry_next', {}, { filter => \%many, limit => 500 }, writes => 1, keep => 1);
is("$body->{done} $body->{skipped}", '500 3', 'three of a copy are passed');
($status, $body) = answer('ops_a', 'runs_retry_next', {}, { filter => \%many, after => $body->{next}, limit => 500 }, writes => 1);
is("$body->{done} $body->{skipped}", '500 0', 'and not again');
is($node->safe_psql('shop', "SELECT count(*) FROM workflow_runs WHERE error_message LIKE '%many' AND status = 'failed'"), 10100,
	'the others stay');
$node->safe_psql('shop', "DELETE FROM workflow_runs WHERE definition_id = '$bill' AND trigger_payload = '{}'");
# and cancelled, but for what has ended
($after, $done, @next) = (undef, 0);
foreach my $batch (1 .. 9)
{
	($status, $body) = answer('ops_a', 'runs_cancel_next', {},
		{ filter => { workflow => $bill2 }, limit => 2, after => $after }, writes => 1, keep => 1);
	$done += $body->{done};
	last unless $after = $body->{next};
	push @next, $after;
}
is("$done " . scalar @next, '4 2', 'four cancelled, in two full batches');
is($node->safe_psql('shop', "SELECT string_agg(DISTINCT status, ' ') FROM workflow_runs WHERE definition_id = '$bill2'"),
	'cancelled', 'all of the workflow');
is(answer('ops_a', 'runs_cancel_next', {}, { filter => { status => 'completed' } }, writes => 1), '22023',
	'what has ended is not cancelled');
$node->safe_psql('shop', 'SELECT wf_resume()');
# pauses
($status, $body) = answer('ops_a', 'pause', {}, { workflow => $bill, reason => 'Eid' }, writes => 1, keep => 1);
is("$body->{tenant} $body->{workflow_name}", "$one Bill 1", 'a workflow is paused');
($status, $body) = answer('view_a', 'health', {});
is_deeply([ @{ $body->{pauses}[0] }{qw(workflow workflow_name paused_by reason tenant_name)} ],
	[ $bill, 'Bill 1', 'ops_a', 'Eid', 'Beirut' ], 'health says so');
is_deeply((answer('none_a', 'health', {}))[1]{pauses}, [], 'to who may see it');
is((answer('ops_a', 'resume', {}, { workflow => $bill }, writes => 1, keep => 1))[0], 200, 'and resumed');
is(answer('ops_a', 'pause', {}, { workflow => $none }, writes => 1), 'no row', 'no such workflow');
# the switch
foreach my $case ([ 409, 2 ], [ 200, 1 ])
{
	my ($expected, $version) = @$case;
	($status, $body) = answer('ops_a', 'workflow_active', { id => $bill },
		{ active => JSON::PP::false, base_version => $version }, writes => 1, keep => 1);
	is($status, $expected, "off, having seen version $version");
	is($node->safe_psql('shop', "SELECT is_active FROM workflow_definitions WHERE id = '$bill'"),
		$expected == 409 ? 't' : 'f', 'and so it is');
}
is($body->{version}, 1, 'the version stays');
is(answer('ops_a', 'workflow_active', { id => $bill }, { base_version => 1 }, writes => 1), '23502',
	'neither on nor off');

# Others are tried in files of their own.
my $others = join '', map { slurp_file($_) } grep { $_ ne __FILE__ }
  glob dirname(__FILE__) . '/1*_console_*.pl';
my @files = map { basename($_, '.sql') } glob "$folder/*.sql";
is_deeply([ grep { !$tried{$_} && $others !~ /\b$_\b/ } @files ], [], 'every statement is tried');
done_testing();
