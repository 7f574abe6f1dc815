# wf_console: lists as files for a spreadsheet: each as roles of every capability,
# by filter and by search; cells that would be formulas; 10,001 rows; more than 8 MB.
# The statements are runs_csv, failures_csv, workflows_csv and operations_csv.
use strict;
use warnings FATAL => 'all';

use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;

use WorkflowEngine::Console;
use WorkflowEngine::Test;

my $node = console_node('csv');
my ($one, $two) = map { "00000000-0000-0000-0000-00000000000$_" } 1, 2;
my @all = qw(view_a ops_a admin_a bound_a none_a);
my @columns = qw(run workflow version tenant status queued_at started_at completed_at step
  attempt error id);
my $console = start_console($node);
my %session = map { $_ => $console->login($_) } @all;

sub outcome
{
	my ($answer) = @_;
	return $answer->{status} == 200 ? 200
	  : "$answer->{status} $answer->{json}{error}{code}";
}

# The rows of a file, read by the rules of RFC 4180 and no others.
sub rows_of
{
	my ($body) = @_;
	my @rows;

	$body =~ s/\A\xef\xbb\xbf// or die "no mark of its encoding: $body";
	while ($body =~ /\G((?:[^",\r\n]*|"(?:[^"]|"")*")(?:,(?:[^",\r\n]*|"(?:[^"]|"")*"))*)\r\n/gc)
	{
		my @cells = "$1," =~ /([^",\r\n]*|"(?:[^"]|"")*"),/g;
		push @rows, [ map { s/\A"(.*)"\z/$1/s; s/""/"/g; $_ } @cells ];
	}
	die 'no CSV from here on: ' . substr $body, pos $body || 0, 80
	  if (pos $body || 0) != length $body;
	return @rows;
}

sub file
{
	my ($role, $name, $filter, %more) = @_;
	# words are bytes in UTF-8 here, and stay so
	my $answer = $console->ask($session{$role}, 'POST', "/api/$name/csv",
		JSON::PP->new->encode({ filter => $filter, %more }));
	return $answer->{status} == 200 ? rows_of($answer->{body}) : outcome($answer);
}

# The runs: two of each tenant, their words hostile.
my %cells = (
	'=1+1' => q('=1+1), '+961 70 123 456' => q('+961 70 123 456), '-1' => q('-1),
	'@SUM(A1)' => q('@SUM(A1)), "\t=1" => q(')  . "\t'=1", "\r=1" => q(') . "\r'=1",
	"\n=1" => q(') . "\n'=1", '＝1+1' => q('＝1+1), '＠x' => q('＠x),
	'a;=1+1;b' => q(a;'=1+1;b), 'a;"=1+1;b' => q(a;"'=1+1;b), qq(a\t""+1) => qq(a\t""'+1),
	 "a\n=1" => "a\n'=1", 'say "no", please' => 'say "no", please',
	"two\r\nlines" => "two\r\nlines", 'a-b, c=d' => 'a-b, c=d', ' =1' => ' =1', q('=1) => q('=1),
	'","=1+1' => q(","=1+1), "=HYPERLINK(\"http://evil.example\",\"x\")" =>
	  q('=HYPERLINK("http://evil.example","x")), 'طلب رقم ١١' => 'طلب رقم ١١');
my $n = 0;
$node->safe_psql('shop', <<"SQL");
SELECT wf_pause();
SELECT wf_define(t.id::uuid, ('{"name": "' || t.name || '", "trigger_type": "billed", "title": "{{ trigger.text }}",
	"search": [{"path": "trigger.n", "label": {"en": "Order", "ar": "طلب"}}],
	"steps": [{"name": "look", "action": "find_record", "params": {"table": "pg_class", "where": {"relname": "x"}}}]}')::jsonb)
FROM (VALUES ('$one', '=cmd|calc'), ('$two', 'Bill')) t (id, name);
SQL
my @texts = sort keys %cells;
foreach my $text (@texts)
{
	my $payload = JSON::PP->new->encode({ text => $text, n => ++$n });

	utf8::downgrade($payload);    # psql gets what Perl keeps
	$node->safe_psql('shop', "SELECT wf_fire(t::uuid, 'billed', \$p\$$payload\$p\$) FROM unnest('{$one,$two}'::text[]) t");
}

my $count = @texts;

# What the answer is: a file, no page.
my $answer = $console->ask($session{view_a}, 'POST', '/api/runs/csv', {});
is_deeply([ @{ $answer->{headers} }{ 'content-disposition', 'content-type', 'cache-control',
		sort keys %common_headers } ],
	[ 'attachment; filename="runs.csv"', 'text/csv; charset=utf-8', 'no-store',
		map { $common_headers{$_} } sort keys %common_headers ],
	'an attachment, with the headers of every answer');
is(length $answer->{body}, $answer->{headers}{'content-length'}, 'whole');
unlike($answer->{body}, qr/(?<!\r)\n\z/, 'its lines end with CR LF');

my @rows = rows_of($answer->{body});
is_deeply($rows[0], \@columns, 'the names of the columns, if the page says no others');
is(scalar @rows, 1 + 2 * $count, 'all runs');
is($rows[-1][1], q('=cmd|calc), 'the name of a workflow neither');
like($rows[1][5], qr/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/, 'a time that spreadsheets know');

# Its words are those of the page.
my ($head, $first) = file('view_a', 'runs', { workflow => undef },
	headings => { run => 'طلب', status => '=Status' }, words => { queued => 'في الطابور' },
	zone => 'Asia/Beirut');
is_deeply([ @$head[ 0, 1, 4 ] ], [ 'طلب', 'workflow', q('=Status) ], 'headings of the page');
is($first->[4], 'في الطابور', 'words of the page');
is($node->safe_psql('shop', "SELECT abs(extract(epoch FROM now() - ('$first->[5]'::timestamp AT TIME ZONE 'Asia/Beirut'))) < 3600"),
	't', 'times of its zone');
is(file('view_a', 'runs', {}, zone => 'No/Where'), '422 invalid', 'which there must be');

# Every role, every filter.
foreach my $role (@all)
{
	my %of = (bound_a => 1, none_a => 0);

	is(scalar(() = file($role, 'runs', {})), 1 + $count * ($of{$role} // 2), "runs of $role");
	is(scalar(() = file($role, 'runs', { q => 'order 11' })), 1 + ($of{$role} // 2), "a search of $role");
	is(scalar(() = file($role, 'failures', {})), 1, "failures of $role");
	is(scalar(() = file($role, 'workflows', {})), 1 + ($of{$role} // 2), "workflows of $role");
	is(scalar(() = file($role, 'operations', {})), $role =~ /bound_a|none_a/ ? 1
		  + $node->safe_psql('shop', "SELECT count(*) FROM workflow_operations WHERE '$role' = 'bound_a' AND tenant_id = '$one'")
		: 1 + $node->safe_psql('shop', 'SELECT count(*) FROM workflow_operations'), "operations of $role");
}
is(scalar(() = file('view_a', 'workflows', { ids => [] })), 1, 'no workflow');
my ($bill) = $node->safe_psql('shop', q{SELECT id FROM workflow_definitions WHERE name = 'Bill'});
is(scalar(() = file('view_a', 'workflows', { ids => [$bill] })), 2, 'one workflow');
is(scalar(() = file('view_a', 'workflows', { ids => [$bill], tenant => $one })), 1, 'which is of another tenant');
is(file('view_a', 'workflows', { ids => ['x'] }), '400 bad_value', 'or none');
foreach my $case (
	[ $count, { tenant => $one } ], [ $count, { workflow => $bill } ], [ 0, { status => ['failed'] } ],
	[ 2 * $count, { status => [ 'queued', 'waiting' ] } ], [ 0, { since => '2999-01-01' } ],
	[ 2 * $count, { until => '2999-01-01' } ], [ 0, { step => 'look' } ],
	[ 1, { q => '11', tenant => $two } ], [ 1, { q => '11', workflow => $bill } ],
	[ 0, { q => '11', status => ['failed'] } ], [ 0, { q => 'nothing at all' } ],
	[ 2 * $count, { q => '  ' } ])
{
	is(scalar(() = file('view_a', 'runs', $case->[1])), 1 + $case->[0],
		'runs of ' . JSON::PP->new->canonical->ascii->encode($case->[1]));
}
foreach my $case ([ '400 bad_value', { tenant => 'x' } ], [ '422 invalid', { status => ['x'] } ],
	[ '422 invalid', { q => 'x' x 501 } ])
{
	is(file('view_a', 'runs', $case->[1]), $case->[0], 'a filter that is none');
}
is(scalar(() = file('bound_a', 'runs', { tenant => $two })), 1, 'nothing of another tenant');
is(outcome($console->ask(undef, 'POST', '/api/runs/csv', {})), '401 no_session', 'for nobody');
is(outcome($console->ask($session{view_a}, 'POST', '/api/runs/csv', {}, Origin => 'http://evil.example')),
	'403 csrf', 'nor for another page');
is(outcome($console->ask($session{view_a}, 'GET', '/api/runs/csv')), '405 method', 'nor by a link');

# Cells: none begins with what makes a formula, and nothing else is changed.
$node->safe_psql('shop', "UPDATE workflow_runs SET status = 'failed', completed_at = now(), "
	  . "error_message = trigger_payload->>'text' WHERE definition_id = '$bill'");
@rows = file('view_a', 'runs', { status => ['failed'] });
is_deeply([ map { $_->[10] } @rows[ 1 .. $#rows ] ], [ map { $cells{$_} } reverse @texts ],
	'what each cell becomes');
is_deeply([ grep { /\A[-=+@\t\r\n]/ } map { @$_ } @rows ], [], 'none begins like a formula');
# a program that takes semicolons, or ends cells at line feeds
is_deeply([ grep { /\A[-=+@]/ } split /[;\r\n\t]/, join "\n", map { @$_ } @rows ], [],
	'nor would a part of one');

# Failures, operations and workflows have hostile words too.
$node->safe_psql('shop', <<"SQL");
UPDATE workflow_runs SET error_message = '=2' WHERE definition_id = '$bill';
SELECT wf_cancel(id) FROM workflow_runs WHERE definition_id <> '$bill' ORDER BY id LIMIT 1;
SQL
@rows = file('view_a', 'failures', {}, words => { yes => 'نعم' });
is_deeply([ map { [ @$_[ 0 .. 4, 7 ] ] } @rows ],
	[ [qw(workflow tenant step error count still_failing)],
		[ 'Bill', 'Tripoli', 'look', q('=<number>), $count, 'نعم' ] ], 'the failures');
@rows = file('view_a', 'operations', {}, words => { cancel => '@إلغاء' });
is_deeply([ @{ $rows[1] }[ 2, 3, 4 ] ], [ q('@إلغاء), q('=cmd|calc), 'Beirut' ], 'who did what');
@rows = file('view_a', 'workflows', {});
is_deeply([ map { [ @$_[ 0, 1, 2, 3, 5 ] ] } @rows ],
	[ [qw(workflow event tenant state steps)], [ q('=cmd|calc), 'billed', 'Beirut', 'paused', 1 ],
		[ 'Bill', 'billed', 'Tripoli', 'paused', 1 ] ], 'the workflows');

# 10,000 rows and one: the last line says that there are more.
$node->safe_psql('shop', <<"SQL");
SELECT wf_define('$one', '{"name": "many", "trigger_type": "many", "steps":
	[{"name": "look", "action": "find_record", "params": {"table": "pg_class", "where": {"relname": "x"}}}]}');
INSERT INTO workflow_runs (definition_id, trigger_payload, status, completed_at)
SELECT id, jsonb_build_object('order_id', 'same', 'n', n), 'completed', now()
FROM workflow_definitions, generate_series(1, 10000) n WHERE name = 'many';
INSERT INTO workflow_operations (who, what) SELECT 'ops_a', 'pause' FROM generate_series(1, 10001);
SQL
my $many = $node->safe_psql('shop', q{SELECT id FROM workflow_definitions WHERE name = 'many'});
foreach my $filter ({ workflow => $many }, { q => 'order_id=same' })
{
	my $what = join ' ', sort keys %$filter;

	@rows = file('view_a', 'runs', $filter, more => '=more');
	is(scalar @rows, 10_001, "10,000 runs by $what");
	is(scalar @{ $rows[-1] }, scalar @columns, '... are all there are');
}
$node->safe_psql('shop', <<"SQL");
INSERT INTO workflow_runs (definition_id, trigger_payload, status, completed_at)
VALUES ('$many', '{"order_id": "same", "n": 10001}', 'completed', now());
SQL
foreach my $filter ({ workflow => $many }, { q => 'order_id=same' }, {})
{
	my $what = join ' ', 'all', sort keys %$filter;

	@rows = file('view_a', 'runs', $filter, more => '=more');
	is(scalar @rows, 10_002, "10,001 runs by $what");
	is_deeply($rows[-1], [q('=more)], '... and the last line says that there are more');
	like($rows[1][0], qr/10001/, '... which are the older ones');
}
@rows = file('view_a', 'operations', {});
is(scalar @rows, 10_002, '10,001 operations');
is_deeply($rows[-1], ['There are more: only the first 10,000 are in this file.'], '... say so too');

# More than 8 MB are not sent.
$node->safe_psql('shop', q{UPDATE workflow_operations SET detail = jsonb_build_object('x', repeat('y', 2000))});
is(file('view_a', 'operations', {}), '507 too_much', 'a file of more than 8 MB');
is(outcome($console->ask($session{view_a}, 'GET', '/api/me')), 200, 'the session goes on');
unlike($console->log_text, qr/same|=more/, 'the log has no word of them');
$console->stop;
done_testing();
