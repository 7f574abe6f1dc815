# The statements of the console's editor, each as roles of every capability, as a
# session that is bound to a tenant and as one that is bound to none.
use strict;
use warnings FATAL => 'all';

use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;

use WorkflowEngine::Console;
use WorkflowEngine::Statements;
use WorkflowEngine::Test;

my $node = console_node('editor');
my ($one, $two) = map { "00000000-0000-0000-0000-00000000000$_" } 1, 2;
my $none = '01900000-0000-7000-8000-0000000000ff';
my @all = qw(view_a ops_a admin_a bound_a none_a);
my (%tried, $status, $body);

sub answer
{
	my ($role, $name, @rest) = @_;

	$tried{$name} = 1;
	return answer_of($node, $role, $name, @rest);
}

# What a step sets, as the console sends it.
sub definition
{
	my ($name, $fields, $more) = @_;

	return qq({"name": "$name", "trigger_type": "order_billed", )
	  . ($more // '')
	  . qq("steps": [{"name": "mark", "action": "update_record", "params": )
	  . qq({"table": "public.orders", "id": "{{ trigger.order_id }}", "fields": $fields}}]});
}

my $text = definition('Mark', '{"total": 19.90, "big": 12345678901234567890}');

$node->safe_psql('shop', <<"SQL");
CREATE TABLE public.orders (id int PRIMARY KEY, status text, total numeric, big numeric);
INSERT INTO public.orders VALUES (1, 'new', 1, 1);
CREATE ROLE shop_steps;
GRANT shop_steps TO ops_a;
GRANT SELECT, UPDATE ON public.orders TO shop_steps;
ALTER DATABASE shop SET workflow_engine.default_run_as = 'shop_steps';
INSERT INTO workflow_connections (tenant_id, name, kind, config, credentials) VALUES
	(NULL, 'all', 'http', '{"base_url": "https://example.com"}', '{"bearer_token": "hidden"}'),
	('$one', 'beirut', 'http', '{"base_url": "https://example.com"}', '{}'),
	('$two', 'tripoli', 'http', '{"base_url": "https://example.com"}', '{}');
INSERT INTO workflow_templates (tenant_id, name, subject, body) VALUES (NULL, 'thanks', 's', 'b'),
	('$one', 'thanks', 's', 'b'), ('$two', 'bye', 's', 'b');
SQL
$node->safe_psql('shop',
	"SELECT wf_save(NULL, t, \$d\$$text\$d\$, 'shop_steps', NULL, 'first') FROM unnest('{$one,$two}'::uuid[]) t");
$node->safe_psql('shop', "SELECT wf_fire(t, 'order_billed', '{\"order_id\": 1, \"price\": 19.90}') FROM unnest('{$one,$two}'::uuid[]) t");
wait_for($node, 'shop', "SELECT count(*) = 2 FROM workflow_runs WHERE status = 'completed'", 'two runs');
my ($mark, $other) = map { $node->safe_psql('shop', "SELECT id FROM workflow_definitions WHERE tenant_id = '$_'") } $one, $two;
my ($run, $other_run) = map { $node->safe_psql('shop', "SELECT id FROM workflow_runs WHERE definition_id = '$_'") } $mark, $other;

# What reads: whose workflow it is, and whose it is not.
my %reads = (
	workflow => {}, workflow_versions => {}, workflow_version => { n => 1 });
foreach my $name (sort keys %reads)
{
	foreach my $role (@all)
	{
		is((answer($role, $name, { %{ $reads{$name} }, id => $mark }))[0],
			$role eq 'none_a' ? 'no row' : 200, "$name of $role");
	}
	is(answer('bound_a', $name, { %{ $reads{$name} }, id => $other }), 'no row', "$name of another tenant");
	is(answer('view_a', $name, { %{ $reads{$name} }, id => $none }), 'no row', "$name of none");
	is(answer('nobody_a', $name, { %{ $reads{$name} }, id => $mark }), '42501', "$name of nobody_a");
}
($status, $body) = answer('ops_a', 'workflow', { id => $mark });
my $workflow = $body->{workflow};
is_deeply([ @$workflow{qw(name version run_as may_run_as run_as_exists tenant_name note is_active pauses)} ],
	[ 'Mark', 1, 'shop_steps', JSON::PP::true, JSON::PP::true, 'Beirut', 'first', JSON::PP::true, [] ],
	'a workflow');
like($workflow->{definition}, qr/19\.90.*12345678901234567890|12345678901234567890.*19\.90/, 'as text, with its numbers');
is((answer('ops_b', 'workflow', { id => $mark }))[1]{workflow}{may_run_as}, JSON::PP::false,
	'who may not edit it is told before');
is(answer('view_a', 'workflow_version', { id => $mark, n => 2 }), 'no row', 'no such version');

# validate
my $wrong = definition('Mark', '{"total": "{{ triger.x }}"}', '"on_eror": 1, ');
foreach my $role (@all)
{
	($status, $body) = answer($role, 'validate', {}, { definition => $wrong, tenant => $role eq 'none_a' ? undef : $one });
	is("$status " . join(' ', sort map { $_->{code} } @{ $body->{problems} }), '200 unknown_key unknown_path',
		"validate of $role");
}
is(answer('nobody_a', 'validate', {}, { definition => $wrong }), '42501', 'validate of nobody_a');
my ($problem) = grep { $_->{code} eq 'unknown_path' } @{ $body->{problems} };
is_deeply([ @$problem{qw(path severity pos hint)} ],
	[ 'steps[0].params.fields.total', 'error', 4, 'Did you mean "trigger"?' ], 'a problem');
is(scalar @{ (answer('view_a', 'validate', {}, { definition => $text, tenant => $one }))[1]{problems} }, 0, 'none');
is(answer('view_a', 'validate', {}, { definition => '{"a": ' }), '22P02', 'no JSON');
# When it fires: of each schedule five times; none if there is an error, or no schedule.
my $daily = '{"cron": "0 8 * * *", "time_zone": "Asia/Beirut"}';
foreach my $case ([ $daily => '5' ], [ "[$daily, {\"cron\": \"\@hourly\", \"time_zone\": \"UTC\"}]" => '5 5' ],
	[ '{"cron": "0 25 * * *", "time_zone": "UTC"}' => undef ], [ "[$daily, $daily]" => undef ], [ '[]' => undef ], [ '7' => undef ])
{
	my ($schedule, $expected) = @$case;

	($status, $body) = answer('view_a', 'validate', {}, { definition => definition('x', '{"total": 1}', qq("schedule": $schedule, )), tenant => $one });
	is($body->{times} && join(' ', map { scalar @$_ } @{ $body->{times} }), $expected, "the times of $schedule");
}
foreach my $other ('"schedule"', '["schedule"]', '7', 'null', $text)
{
	($status, $body) = answer('view_a', 'validate', {}, { definition => $other, tenant => $one });
	is("$status " . ($body->{times} // 'none'), '200 none', 'none of ' . substr $other, 0, 12);
}

# samples and actions
foreach my $role (@all)
{
	($status, $body) = answer($role, 'samples', { trigger_type => 'order_billed' });
	is("$status " . scalar @{ $body->{samples} }, '200 ' . ({ none_a => 0 }->{$role} // 1), "samples of $role");
	($status, $body) = answer($role, 'actions', { tenant => $one });
	is("$status " . join(' ', sort map { $_->{name} } @{ $body->{connections} }),
		'200 ' . ({ none_a => '', bound_a => 'beirut' }->{$role} // 'all beirut'), "connections of $role");
	unlike(JSON::PP::encode_json($body), qr/hidden/, 'no credential');
}
is(answer('nobody_a', 'samples', { trigger_type => 'order_billed' }), '42501', 'samples of nobody_a');
is(answer('nobody_a', 'actions', {}), '42501', 'actions of nobody_a');
is(answer('view_a', 'samples', {}), '22004', 'of no trigger type');
($status, $body) = answer('view_a', 'samples', { trigger_type => 'order_billed', tenant => $one });
is_deeply([ @{ $body->{samples}[0] }{qw(run_id payload size)} ], [ $run, '{"price": 19.90, "order_id": 1}', 31 ],
	'a sample, as text');
($status, $body) = answer('view_a', 'actions', { tenant => $one });
my ($update) = grep { $_->{name} eq 'update_record' } @{ $body->{actions} };
is_deeply([ @{ $update->{params}{fields} }{qw(order label required format example)} ],
	[ 3, 'Columns', JSON::PP::true, 'columns', '{"status": "confirmed"}' ], 'a parameter');
my ($webhook) = grep { $_->{name} eq 'webhook' } @{ $body->{actions} };
is_deeply($webhook->{params}{'$one_of'}, [ [ 'url', 'path' ] ], 'and rules');
is($webhook->{params}{method}{default}, '"POST"', 'a default, as text');
is_deeply([ sort @{ $body->{templates} } ], ['thanks'], 'mail templates, each once');

# preview and try
my %preview = (definition => $text, tenant => $one, payload => '{"order_id": 1}', run_as => 'shop_steps');
foreach my $name (qw(preview try))
{
	my @may = $name eq 'preview' ? qw(view_a ops_a admin_a bound_a) : qw(ops_a);

	foreach my $role (@all, 'ops_b')
	{
		my @answer = answer($role, $name, {}, \%preview, writes => $name eq 'try');

		is($answer[0], (grep { $_ eq $role } @may, $name eq 'preview' ? 'ops_b' : ()) ? 200 : '42501',
			"$name of $role");
	}
	is(answer('bound_a', $name, {}, { %preview, tenant => $two }, writes => 1), '42501', 'for another tenant');
	is(answer('bound_a', $name, {}, { %preview, run_id => $other_run }, writes => 1), 'P0002',
		'on a run of another tenant');
	is(answer('ops_a', $name, {}, { %preview, definition => $wrong }, writes => 1), '22023', 'not valid');
	is(answer('ops_a', $name, {}, { %preview, payload => undef }, writes => 1), '22004', 'no payload');
}
($status, $body) = answer('ops_a', 'preview', {}, { definition => $text, run_id => $run });
is_deeply([ $body->{steps}[0]{status}, $body->{steps}[0]{changes} ], [ 'would run', undef ], 'nothing is executed');
like($body->{steps}[0]{input}{text}, qr/19\.90/, 'its input, as text');
is(answer('ops_a', 'try', {}, \%preview), '25006', 'a trial is no read');
$node->safe_psql('shop', 'UPDATE public.orders SET total = 1');
($status, $body) = answer('ops_a', 'try', {}, { %preview, run_id => $run }, writes => 1, keep => 1);
is($body->{steps}[0]{status}, 'completed', 'a trial executes');
like($body->{steps}[0]{changes}{text}, qr/19\.90/, 'and shows what changes');
is($node->safe_psql('shop', 'SELECT total FROM public.orders'), '1', 'and undoes it');

# What writes: refused to who may only look, and in what only reads.
my %writes = (
	workflow_new => { tenant => $one, definition => definition('New', '{"total": 1}'), run_as => undef },
	workflow_save => { definition => definition('Mark', '{"total": 1}'), base_version => 1 });
foreach my $name (sort keys %writes)
{
	foreach my $role (qw(view_a none_a nobody_a))
	{
		is(answer($role, $name, { id => $mark }, $writes{$name}, writes => 1), '42501', "$name of $role");
	}
	is((answer('ops_a', $name, { id => $mark }, $writes{$name}, writes => 1))[0], 200, "$name of ops_a");
	is(answer('ops_a', $name, { id => $mark }, $writes{$name}), '25006', "$name cannot be a read");
	is(answer('ops_a', $name, { id => $mark }, { %{ $writes{$name} }, definition => $wrong }, writes => 1),
		'22023', "$name of what is not valid");
	is(answer('ops_a', $name, { id => $mark }, { %{ $writes{$name} }, run_as => 'nobody' }, writes => 1),
		'42704', "$name with no such role");
	is(answer('ops_a', $name, { id => $mark }, { %{ $writes{$name} }, run_as => 'admin_a' }, writes => 1),
		'42501', "$name with a role of somebody else");
}
is(answer('bound_a', 'workflow_new', {}, { %{ $writes{workflow_new} }, tenant => $two }, writes => 1), '42501',
	'for another tenant');
is(answer('ops_a', 'workflow_new', {}, { %{ $writes{workflow_new} }, definition => $text }, writes => 1), '23505',
	'a name that is taken');
is(answer('bound_a', 'workflow_save', { id => $other }, $writes{workflow_save}, writes => 1), 'no row',
	'the workflow of another tenant');
is(answer('ops_a', 'workflow_save', { id => $none }, $writes{workflow_save}, writes => 1), 'no row', 'no workflow');
is(answer('ops_a', 'workflow_save', { id => $mark }, { definition => $text }, writes => 1), '22004',
	'without the version that was changed');
is(answer('ops_b', 'workflow_save', { id => $mark }, $writes{workflow_save}, writes => 1), '42501',
	'by who is no member of run_as');

# Two people: the second is told what the first has saved.
($status, $body) = answer('ops_a', 'workflow_save', { id => $mark },
	{ %{ $writes{workflow_save} }, note => 'Eid prices', run_as => 'shop_steps' }, writes => 1, keep => 1);
is("$status $body->{version} $body->{changed}", '200 2 1', 'saved as version 2');
($status, $body) = answer('ops_a', 'workflow_save', { id => $mark }, $writes{workflow_save}, writes => 1, keep => 1);
is("$status $body->{error}{code}", '409 changed', 'the second one is refused');
is_deeply([ @{ $body->{theirs} }{qw(version saved_by note)} ], [ 2, 'ops_a', 'Eid prices' ], 'and is told who');
($status, $body) = answer('ops_a', 'workflow_save', { id => $mark },
	{ %{ $writes{workflow_save} }, base_version => 2 }, writes => 1, keep => 1);
is("$status $body->{version} " . ($body->{changed} ? 1 : 0), '200 2 0', 'the same again makes no version');

# Versions, and how many runs of each are under way.
$node->safe_psql('shop', <<"SQL");
INSERT INTO workflow_runs (definition_id, definition_version, tenant_id, trigger_payload, status, run_at)
SELECT '$mark', 1, '$one', '{}', 'waiting', 'infinity' FROM generate_series(1, 3);
SQL
($status, $body) = answer('view_a', 'workflow_versions', { id => $mark });
is_deeply([ map { [ @$_{qw(version saved_by note under_way run_as)} ] } @{ $body->{versions} } ],
	[ [ 2, 'ops_a', 'Eid prices', 0, 'shop_steps' ], [ 1, scalar getpwuid($<), 'first', 3, 'shop_steps' ] ],
	'versions, the newest first');
is($body->{next}, undef, 'which are all');
is_deeply([ map { $_->{version} } @{ (answer('view_a', 'workflow_versions', { id => $mark, before => 2 }))[1]{versions} } ],
	[1], 'before one');
($status, $body) = answer('view_a', 'workflow_version', { id => $mark, n => 1 });
like($body->{definition}, qr/19\.90/, 'a version as it was');
# put back
($status, $body) = answer('ops_a', 'workflow_save', { id => $mark },
	{ definition => $body->{definition}, base_version => 2 }, writes => 1, keep => 1);
is($body->{version}, 3, 'put back, as a version of its own');
is($node->safe_psql('shop', "SELECT count(DISTINCT definition) FROM workflow_definition_versions WHERE definition_id = '$mark' AND version IN (1, 3)"),
	'1', 'which is the same JSON');
($status, $body) = answer('ops_a', 'workflow_new', {}, $writes{workflow_new}, writes => 1, keep => 1);
is($node->safe_psql('shop', "SELECT name || ' ' || run_as FROM workflow_definitions WHERE id = '$body->{id}'"),
	'New shop_steps', 'a new one, with the shared role');

# Run for real: by who may fire, the version that was read, and it alone.
my %fire = (payload => '{"order_id": 1, "price": 19.90}', base_version => 3);
foreach my $role (@all)
{
	is(answer($role, 'workflow_fire', { id => $mark }, \%fire, writes => 1), '42501', "$role does not fire");
}
$node->safe_psql('shop', "SELECT wf_grant(r, 'fire') FROM unnest('{view_a,ops_a,bound_a,none_a}'::text[]) r");
foreach my $role (qw(view_a ops_a bound_a))
{
	($status, $body) = answer($role, 'workflow_fire', { id => $mark }, \%fire, writes => 1);
	is("$status " . length $body->{run_id}, '200 36', "fired by $role, who was granted it");
}
is(answer('ops_a', 'workflow_fire', { id => $mark }, \%fire), '25006', 'which is no read');
is(answer('none_a', 'workflow_fire', { id => $mark }, \%fire, writes => 1), 'P0002', 'bound to none');
is(answer('bound_a', 'workflow_fire', { id => $other }, \%fire, writes => 1), 'P0002', "nor another tenant's");
is(answer('ops_a', 'workflow_fire', { id => $none }, \%fire, writes => 1), 'P0002', 'no workflow');
is(answer('ops_a', 'workflow_fire', { id => $mark }, { %fire, base_version => 2 }, writes => 1), 'WF409',
	'of a version that is not the one of now');
is(answer('ops_a', 'workflow_fire', { id => $mark }, { %fire, payload => '[1]' }, writes => 1), '22023', 'no object');
is(answer('ops_a', 'workflow_fire', { id => $mark }, { %fire, payload => '{' }, writes => 1), '22P02', 'no JSON');
is(answer('ops_a', 'workflow_fire', { id => $mark }, {}, writes => 1), '22004', 'no payload');
($status, $body) = answer('ops_a', 'workflow_fire', { id => $mark }, \%fire, writes => 1, keep => 1);
wait_for($node, 'shop', "SELECT status = 'completed' FROM workflow_runs WHERE id = '$body->{run_id}'", 'the run');
is($node->safe_psql('shop', "SELECT trigger_payload::text || ' ' || definition_version || ' ' || o.who || ' ' || o.what
	FROM workflow_runs r JOIN workflow_operations o ON o.run_id = r.id WHERE r.id = '$body->{run_id}'"),
	'{"price": 19.90, "order_id": 1} 3 ops_a fire', 'what was run, and who did it');
is($node->safe_psql('shop', "SELECT count(*) FROM workflow_runs WHERE queued_at >= (SELECT queued_at FROM workflow_runs WHERE id = '$body->{run_id}')"),
	'1', 'nothing else was fired');
$node->safe_psql('shop', "UPDATE workflow_definitions SET is_active = false WHERE id = '$mark'");
is(answer('ops_a', 'workflow_fire', { id => $mark }, \%fire, writes => 1), '55000', 'nor one that is switched off');

# What a role may use, as steps name it: not what is another's, an extension's or a partition.
$node->safe_psql('shop', <<'SQL');
CREATE SCHEMA "Old"; GRANT USAGE ON SCHEMA "Old" TO shop_steps;
CREATE TABLE "Old".orders ("Nr" int, dropped int); ALTER TABLE "Old".orders DROP COLUMN dropped;
GRANT SELECT ("Nr") ON "Old".orders TO shop_steps;
CREATE TABLE public.secrets (x int);
CREATE SCHEMA shut; CREATE TABLE shut.away (x int); GRANT SELECT ON shut.away TO shop_steps;
CREATE TABLE public.parts (x int) PARTITION BY LIST (x); CREATE TABLE public.part_1 PARTITION OF public.parts FOR VALUES IN (1);
GRANT SELECT ON public.parts, public.part_1 TO shop_steps;
SQL
foreach my $role (@all)
{
	($status, $body) = answer($role, 'tables', { run_as => 'shop_steps' });
	is("$status " . join(' ', map { "$_->{name}(@{ $_->{columns} })" } @{ $body->{tables} }),
		'200 "Old".orders(Nr) orders(id status total big) parts(x)', "the tables of shop_steps, for $role");
}
is_deeply((answer('view_a', 'tables', $_))[1]{tables}, [], 'of nobody') foreach {}, { run_as => 'none' };

is(scalar keys %tried, 12, 'twelve statements');
$node->stop;
done_testing();
