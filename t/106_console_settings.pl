# The settings of the console: their statements, each as roles of every capability and
# in bound sessions, and the frame that shows the HTML of a mail.
use strict;
use warnings FATAL => 'all';

use JSON::PP;
use POSIX ();
use PostgreSQL::Test::Utils;
use Test::More;

use WorkflowEngine::Console;
use WorkflowEngine::Statements;
use WorkflowEngine::Test;

my $node = console_node('settings', "workflow_engine.workers = 1\n");
my ($one, $two) = map { "00000000-0000-0000-0000-00000000000$_" } 1, 2;
my $none = '01900000-0000-7000-8000-0000000000ff';
my @all = qw(view_a ops_a admin_a bound_a none_a);
my ($status, $body, $html);

sub answer
{
	return answer_of($node, @_);
}

# One value.
sub value
{
	my ($sql) = @_;
	return $node->safe_psql('shop', $sql);
}

# Of a connection, as the page has it.
sub version
{
	my ($id) = @_;
	return value("SELECT version FROM wf_connections() WHERE id = '$id'");
}

$node->safe_psql('shop', <<"SQL");
SET client_min_messages = error;
INSERT INTO workflow_connections (tenant_id, name, kind, config, credentials) VALUES
	(NULL, 'email', 'smtp', '{"url": "smtp://mail.example", "from": "a\@example.com"}', '{"username": "S3cret", "password": {"file": "smtp_password"}}'),
	('$one', 'crm', 'http', '{"base_url": "https://crm.example"}', '{"headers": {"X-A": "S3cret", "X-B": {"file": "b"}}}'),
	('$two', 'chat', 'slack_webhook', '{"url": "https://hooks.example/S3cret"}', '{}');
INSERT INTO workflow_templates (tenant_id, name, subject, body, html) VALUES
	(NULL, 'welcome', 'Welcome', 'Hello {{ trigger.name }}', '<p>Hello {{ trigger.name }}</p>'),
	('$one', 'welcome', 'Ahlan', 'Ahlan {{ trigger.name }}', NULL),
	('$two', 'bill', 'Bill', '{{ steps.look.output.relname }}', NULL);
SELECT wf_define(t::uuid, '{"name": "Greet", "trigger_type": "came", "title": "{{ trigger.name }}",
	"schedule": {"cron": "0 8 * * *", "time_zone": "UTC", "name": "morning"}, "steps": [
	{"name": "look", "action": "find_record", "params": {"table": "pg_catalog.pg_class", "where": {"relname": "pg_class"}, "columns": ["relname"]}},
	{"name": "greet", "action": "send_email", "condition": {"field": "trigger.never", "op": "exists"},
	 "params": {"to": "a\@example.com", "template": "welcome"}}]}')
FROM unnest('{$one,$two}'::text[]) t;
SELECT wf_define('$one', '{"name": "Call", "trigger_type": "call", "steps": [
	{"name": "call", "action": "webhook", "params": {"connection": "crm", "path": "x"}}]}');
SELECT wf_fire(t::uuid, 'came', '{"name": "A<b>", "amount": 19.90}') FROM unnest('{$one,$two}'::text[]) t;
SQL
wait_for($node, 'shop', "SELECT count(*) = 2 FROM workflow_runs WHERE status = 'completed'",
	'two runs complete');
my ($run, $other) = map { value("SELECT id FROM workflow_runs WHERE tenant_id = '$_'") } $one, $two;
my ($greet, $call) = map { value("SELECT id FROM workflow_definitions WHERE name = '$_' AND tenant_id = '$one'") } qw(Greet Call);

#
# Who may read what: rows by role
#
my %rows = (
	operations => [ 'operations', 6, 3, 0 ],
	schedules => [ 'schedules', 2, 1, 0 ],
	tenants => [ 'tenants', 2, 1, 0 ],
	templates => [ 'templates', 3, 2, 0 ],
	connections => [ 'connections', 3, 2, 0 ],
	tenant_names => [ 'tenants', 2, 1, 0 ]);
foreach my $name (sort keys %rows)
{
	my ($list, $everything, $bound, $nothing) = @{ $rows{$name} };

	foreach my $role (@all)
	{
		($status, $body) = answer($role, $name, {});
		my $expected = { bound_a => $bound, none_a => $nothing }->{$role} // $everything;

		is("$status " . scalar @{ $body->{$list} }, "200 $expected", "$name of $role");
	}
	is(answer('nobody_a', $name, {}), '42501', "$name of who may not look");
}
is((answer('nobody_a', 'about', {}))[0], 200, 'settings are no secret');
($status, $body) = answer('view_a', 'about', {});
my %setting = map { $_->{name} => $_ } @{ $body->{settings} };
is("$status $setting{'workflow_engine.workers'}{setting}", '200 1', 'about');
ok(!exists $setting{'workflow_engine.tenant_id'}, 'without what a session is bound to');

# operations: pages, filter
($status, $body) = answer('view_a', 'operations', {});
is_deeply([ reverse sort map { $_->{id} } @{ $body->{operations} } ], [ map { $_->{id} } @{ $body->{operations} } ],
	'the newest first');
is($body->{next}, undef, 'which is all of them');
my ($save) = grep { $_->{what} eq 'save' && $_->{tenant_id} eq $one } @{ $body->{operations} };
is_deeply([ @$save{qw(tenant_name workflow_name)} ], [ 'Beirut', 'Call' ], 'with names');
is(scalar @{ (answer('view_a', 'operations', { tenant => $two }))[1]{operations} }, 2, 'of a tenant');
$node->safe_psql('shop', "INSERT INTO workflow_operations (what, tenant_id) SELECT 'cancel', '$two' FROM generate_series(1, 60)");
($status, $body) = answer('view_a', 'operations', { tenant => $two });
my @ids = map { $_->{id} } @{ $body->{operations} };
is(scalar @ids, 50, 'a page');
($status, $body) = answer('view_a', 'operations', { tenant => $two, before => $body->{next} });
push @ids, map { $_->{id} } @{ $body->{operations} };
is(scalar @ids, 62, 'and the next');
is($body->{next}, undef, 'is the last');
my %seen = map { $_ => 1 } @ids;
is(scalar keys %seen, 62, 'none twice');
is(answer('view_a', 'operations', { before => 'x' }), '22P02', 'before what is no id');
is(scalar @{ (answer('view_a', 'operations', { what => 'cancel', tenant => $two }))[1]{operations} }, 50, 'of a kind');
is(scalar @{ (answer('view_a', 'operations', { what => 'save' }))[1]{operations} }, 3, 'of another');
is(scalar @{ (answer('view_a', 'operations', { who => value('SELECT current_user'), what => 'connection' }))[1]{operations} }, 3, 'of somebody');
is(scalar @{ (answer('view_a', 'operations', { who => 'nobody' }))[1]{operations} }, 0, 'of nobody');
foreach my $case ([ { what => 'save' }, 4 ], [ { what => 'save', who => 'nobody' }, 1 ])
{
	is(scalar(split /\r\n/, (answer('view_a', 'operations_csv', {}, { filter => $case->[0] }))[1]), $case->[1], 'the same as a file');
}

# schedules
($status, $body) = answer('ops_a', 'schedules', { tenant => $one });
my $schedule = $body->{schedules}[0];
is_deeply([ @$schedule{qw(workflow_name tenant_name schedule last_at)} ], [ 'Greet', 'Beirut', 'morning', undef ], 'a schedule');
is($schedule->{times}[0], $schedule->{next_at}, 'its next time');
is(scalar @{ $schedule->{times} }, 5, 'five of them');
ok($schedule->{is_active} && !$schedule->{paused}, 'is on');
$node->safe_psql('shop', "SELECT wf_pause('$one', 'Greet', 'Eid')");
ok((answer('ops_a', 'schedules', { tenant => $one }))[1]{schedules}[0]{paused}, 'or held');
$node->safe_psql('shop', "SELECT wf_resume('$one', 'Greet'); SELECT wf_pause('$one', reason => 'Eid')");

is(scalar @{ (answer('ops_a', 'schedules', { q => $_->[0] }))[1]{schedules} }, $_->[1], "schedules of \"$_->[0]\"")
  foreach [ 'GREET', 2 ], [ 'morn', 2 ], [ 'none', 0 ], [ '%', 0 ];
# a time zone that is gone from the server breaks its own row, and no other
$node->safe_psql('shop', <<"SQL");
SELECT wf_define('$two', '{"name": "Broken", "schedule": [
	{"cron": "0 8 * * *", "time_zone": "UTC", "name": "good"}, {"cron": "0 8 * * *", "time_zone": "Europe/Kyiv"}],
	"steps": [{"name": "s", "action": "find_record", "params": {"table": "pg_class", "where": {"relname": "none"}}}]}');
SET session_replication_role = replica;
UPDATE workflow_definitions SET definition = replace(definition::text, 'Kyiv', 'Gone')::jsonb WHERE name = 'Broken';
UPDATE workflow_schedules SET key = replace(key, 'Kyiv', 'Gone') WHERE key LIKE '%Kyiv';
SQL
($status, $body) = answer('view_a', 'schedules', {});
my %broken = map { $_->{schedule} => $_ } grep { $_->{workflow_name} eq 'Broken' } @{ $body->{schedules} };
is("$status " . @{ $body->{schedules} }, '200 4', 'a time zone that is gone');
is($broken{'0 8 * * * Europe/Gone'}{error}, '"Europe/Gone" is not the name of a time zone', 'is said in its row');
is_deeply($broken{'0 8 * * * Europe/Gone'}{times}, [], 'which has no times');
is_deeply([ $broken{good}{error}, scalar @{ $broken{good}{times} } ], [ undef, 5 ], 'the other of the workflow has');
$node->safe_psql('shop', "DELETE FROM workflow_definitions WHERE name = 'Broken'");

# what each action is used for
foreach my $role (@all)
{
	($status, $body) = answer($role, 'action_uses', {});
	is("$status " . join(' ', map { "$_ $body->{uses}{$_}{workflows}" } sort keys %{ $body->{uses} }),
		'200 ' . ({ bound_a => 'find_record 1 send_email 1 webhook 1', none_a => '' }->{$role} // 'find_record 2 send_email 2 webhook 1'),
		"action_uses of $role");
}
is_deeply([ map { $_->{workflow_name} } @{ $body->{uses}{webhook}{used_by} // [] } ], [], 'none for none');
($status, $body) = answer('view_a', 'action_uses', { tenant => $two });
is_deeply([ map { [ @$_{qw(workflow_name tenant_id)} ] } @{ $body->{uses}{send_email}{used_by} } ], [ [ 'Greet', $two ] ], 'of a tenant');
is(answer('nobody_a', 'action_uses', {}), '42501', 'who may not look');

# tenants
($status, $body) = answer('view_a', 'tenants', {});
is_deeply([ map { [ @$_{qw(id name workflows failed_24h)} ] } @{ $body->{tenants} } ],
	[ [ $one, 'Beirut', 2, 0 ], [ $two, 'Tripoli', 1, 0 ] ], 'tenants');
is_deeply([ $body->{paused}, @{ $body->{tenants}[0]{paused} }{qw(reason by)} ], [ undef, 'Eid', value('SELECT current_user') ],
	'one is held');
$node->safe_psql('shop', "SELECT wf_resume('$one')");

#
# Who may write what: by role
#
my ($welcome, $ahlan, $bill) = map { value("SELECT id FROM workflow_templates WHERE subject = '$_'") } qw(Welcome Ahlan Bill);
my ($email, $crm, $chat) = map { value("SELECT id FROM workflow_connections WHERE name = '$_'") } qw(email crm chat);
my %text = (name => 'x', subject => 's', body => 'b', html => '');
my %writes = (
	tenant_save => [ 'operate', $one, { name => 'Saida' } ],
	template_new => [ 'operate', undef, { tenant => $one, %text } ],
	template_save => [ 'operate', $ahlan, { %text, base_version => 1 } ],
	template_delete => [ 'operate', $ahlan, { base_version => 1 } ],
	connection_new => [ 'admin', undef, { tenant => $one, name => 'x', kind => 'slack', credentials => { bot_token => { file => 't' } } } ],
	connection_save => [ 'admin', $crm, { name => 'crm2', base_version => version($crm) } ],
	connection_delete => [ 'admin', $chat, { base_version => version($chat) } ]);
foreach my $name (sort keys %writes)
{
	my ($needs, $id, $what) = @{ $writes{$name} };

	foreach my $role (@all, 'nobody_a')
	{
		my $may = $role eq 'admin_a' || ($needs eq 'operate' && $role =~ /^(ops|bound)_a$/);

		is((answer($role, $name, { id => $id }, $what, writes => 1))[0], $may ? 200 : '42501', "$name of $role");
	}
	is(answer('admin_a', $name, { id => $id }, $what), '25006', "$name cannot be a read");
}
# a tenant's operator reaches nothing of another, nor what is for all
is(answer('bound_a', 'tenant_save', { id => $two }, { name => 'x' }, writes => 1), '42501', 'the name of another tenant');
foreach my $id ($welcome, $bill)
{
	my @bound = answer('bound_a', 'template_save', { id => $id }, { %text, base_version => 1 }, writes => 1);
	ok($bound[0] eq 'no row' || $bound[0] eq '409', "a template of others: $bound[0]");
}
is(answer('bound_a', 'template_new', {}, { %text, tenant => $two }, writes => 1), '42501', 'a new one of another');
is(answer('bound_a', 'template', { id => $bill }), 'no row', 'nor is it read');
is((answer('bound_a', 'template', { id => $welcome }))[0], 200, 'one for all is read');

# the name of a tenant
is_deeply((answer('ops_a', 'tenant_save', { id => $two }, { name => ' Saida ' }, writes => 1, keep => 1))[1]{name}, 'Saida', 'a name');
is(value("SELECT name FROM workflow_tenants WHERE tenant_id = '$two'"), 'Saida', 'is saved');
is((answer('ops_a', 'tenant_save', { id => $two }, { name => '' }, writes => 1, keep => 1))[1]{name}, undef, 'none');
is(value("SELECT count(*) FROM workflow_tenants WHERE tenant_id = '$two'"), '0', 'is forgotten');
is((answer('view_a', 'tenants', {}))[1]{tenants}[1]{name}, undef, 'and the tenant is there all the same');
is((answer('view_a', 'tenants', {}))[1]{next}, undef, 'and the last one');

#
# Mail templates
#
($status, $body) = answer('view_a', 'templates', {});
is_deeply([ map { [ @$_{qw(name subject workflows version)} ] } @{ $body->{templates} } ],
	[ [ 'bill', 'Bill', 0, 1 ], [ 'welcome', 'Welcome', 1, 1 ], [ 'welcome', 'Ahlan', 1, 1 ] ], 'with who uses them');
is(scalar @{ (answer('view_a', 'templates', { tenant => $one }))[1]{templates} }, 2, 'of a tenant, and for all');
($status, $body) = answer('view_a', 'template', { id => $ahlan });
is_deeply([ map { $_->{workflow_name} } @{ $body->{used_by} } ], ['Greet'], 'used by');
is_deeply([ map { $_->{run_id} } @{ $body->{runs} } ], [$run], 'its runs, to try it on');
is((answer('view_a', 'template', { id => $welcome }))[1]{runs}[0]{run_id}, $other, 'of who has none of its own');
is(answer('view_a', 'template', { id => $none }), 'no row', 'no such template');

($status, $body) = answer('ops_a', 'template_save', { id => $ahlan },
	{ name => 'welcome', subject => 'Marhaba', body => "a\n{{ trigger.name }}", html => '', base_version => 1 }, writes => 1, keep => 1);
is("$status $body->{version}", '200 2', 'saved');
($status, $body) = answer('ops_a', 'template_save', { id => $ahlan },
	{ name => 'welcome', subject => 'Mine', body => 'mine', base_version => 1 }, writes => 1, keep => 1);
is("$status $body->{error}{code}", '409 changed', 'on what somebody else has saved');
is((answer('ops_a', 'template_delete', { id => $ahlan }, { base_version => 1 }, writes => 1))[0], 409, 'nor is that deleted');
($status, $body) = answer('view_a', 'template', { id => $ahlan });
is_deeply([ @{ $body->{template} }{qw(subject body html version)} ], [ 'Marhaba', "a\n{{ trigger.name }}", undef, 2 ], 'which is there');
is_deeply([ map { "$_->{version} $_->{created_by}" } @{ $body->{versions} } ], [ '2 ops_a', '1 ' . value('SELECT current_user') ], 'with its history');
is((answer('view_a', 'template_version', { id => $ahlan, n => '1' }))[1]{subject}, 'Ahlan', 'an earlier version');
is(answer('view_a', 'template_version', { id => $ahlan, n => '9' }), 'no row', 'none of that number');
is(answer('bound_a', 'template_version', { id => $bill, n => '1' }), 'no row', 'none of another tenant');
is(answer('ops_a', 'template_save', { id => $ahlan }, { %text, name => undef, base_version => 2 }, writes => 1), '23502', 'no name');
is(answer('ops_a', 'template_save', { id => $ahlan }, { %text, body => '{{', base_version => 2 }, writes => 1), '22023', 'a mistake');
is(answer('ops_a', 'template_new', {}, { %text, body => '' }, writes => 1), '23514', 'no text');
is(answer('ops_a', 'template_new', {}, { %text, name => 'welcome' }, writes => 1), '23505', 'a name that is there');

# preview
foreach my $role (@all)
{
	($status, $body, $html) = answer($role, 'template_preview', {},
		{ subject => 'For {{ trigger.name }}', body => '{{ steps.look.output.record.relname }} {{ trigger.amount }}', html => '<i>{{ trigger.name }}</i>', run => $run });
	if ($role eq 'none_a')
	{
		is($status, 'no row', 'no run to see');
		next;
	}
	is_deeply([ @$body{qw(subject body)}, scalar @{ $body->{problems} } ], [ 'For A<b>', 'pg_class 19.90', 0 ], "preview of $role");
	like($html, qr/<i>A&lt;b&gt;<\/i>$/, 'its HTML');
}
is(answer('nobody_a', 'template_preview', {}, { subject => 's' }), '42501', 'who may not look');
is(answer('bound_a', 'template_preview', {}, { subject => 's', run => $other }), 'no row', 'the run of another tenant');
($status, $body, $html) = answer('view_a', 'template_preview', {}, { subject => '{{ trigger.n }}', html => 'x{{ trigger.no }}', payload => '{"n": 1.50}' });
is_deeply([ $body->{subject}, $body->{html} ? 1 : 0, $html, map { "$_->{path} $_->{pos}" } @{ $body->{problems} } ],
	[ '1.50', 0, '', 'html 2' ], 'on a payload, with a mistake');
is(answer('view_a', 'template_preview', {}, { subject => 's', payload => '{' }), '22P02', 'no JSON');

#
# Connections
#
foreach my $role (@all)
{
	unlike(JSON::PP::encode_json((answer($role, 'connections', {}))[1]), qr/S3cret/, "no secret for $role");
}
($status, $body) = answer('view_a', 'connections', {});
my %connection = map { $_->{name} => $_ } @{ $body->{connections} };
is_deeply([ map { $connection{$_}{workflows} } qw(email crm chat) ], [ 2, 1, 0 ], 'who uses them');
is_deeply($connection{crm}{credentials}, { headers => { 'X-A' => 'set', 'X-B' => 'file:b' } }, 'the shape');
is($connection{crm}{tenant_name}, 'Beirut', 'whose');
ok((grep { $_->{kind} eq 'smtp' && $_->{key} eq 'password' && $_->{part} eq 'credentials' } @{ $body->{keys} }), 'what there may be');
my %last = (writes => 1, keep => 1);
# Saves the connection on the version that it has, or on an older one.
sub save_connection
{
	my ($what, %option) = @_;
	return answer('admin_a', 'connection_save', { id => $crm },
		{ base_version => version($crm), %$what }, writes => 1, %option);
}
is((save_connection({ config => { idempotency_header => 'X-Key' }, credentials => { headers => { 'X-B' => undef, 'X-C' => { file => 'c' } } } }, %last))[0],
	200, 'a part of it is changed');
is(value("SELECT name, config, credentials FROM workflow_connections WHERE id = '$crm'"),
	'crm|{"base_url": "https://crm.example", "idempotency_header": "X-Key"}|{"headers": {"X-A": "S3cret", "X-C": {"file": "c"}}}',
	'and the rest stays, secrets too');
is((save_connection({ name => 'crm2', config => { idempotency_header => undef }, credentials => { headers => undef, bearer_token => 'T0ken' } }, %last))[0], 200, 'once more');
is(value("SELECT name, config, credentials FROM workflow_connections WHERE id = '$crm'"),
	'crm2|{"base_url": "https://crm.example"}|{"bearer_token": "T0ken"}', 'what is null goes');
is((save_connection({}, %last))[0], 200, 'nothing');
is(value("SELECT credentials FROM workflow_connections WHERE id = '$crm'"), '{"bearer_token": "T0ken"}', 'changes nothing');
is(save_connection({ credentials => { bearer_token => undef, password => 'x' } }), '22023', 'what the kind has not');
is(save_connection({ config => { base_url => undef } }), '22023', 'what it must have');
is(answer('admin_a', 'connection_save', { id => $none }, { base_version => '1' }, writes => 1), 'no row', 'no such connection');
is(answer('admin_a', 'connection_delete', { id => $none }, { base_version => '1' }, writes => 1), 'no row', 'none to delete');

# Two administrators: the second is told, and nothing of the first is lost.
my $seen = version($crm);
is((save_connection({ config => { base_url => 'https://first.example' } }, %last))[0], 200, 'the first saves');
foreach my $base ($seen, undef)
{
	($status, $body) = save_connection({ config => { base_url => 'https://second.example' }, base_version => $base }, %last);
	is("$status $body->{error}{code}", '409 changed', 'the second does not');
}
($status, $body) = answer('admin_a', 'connection_delete', { id => $crm }, { base_version => $seen, even_if_used => JSON::PP::true }, %last);
is("$status $body->{error}{code}", '409 changed', 'nor is it deleted');
is(value("SELECT config->>'base_url' FROM workflow_connections WHERE id = '$crm'"), 'https://first.example', 'which is there');
my ($theirs) = grep { $_->{id} eq $crm } @{ (answer('view_a', 'connections', { q => 'CRM' }))[1]{connections} };
is_deeply([ @{ $theirs->{changed} }{qw(by columns)} ], [ 'admin_a', 'config' ], 'and says who has changed what');
is($theirs->{version}, version($crm), 'with the version to save on');
is((save_connection({ name => 'crm2', base_version => $theirs->{version} }))[0], 200, 'on which it is saved');
is(answer('admin_a', 'connection_new', {}, { name => 'email', kind => 'slack', credentials => { bot_token => 'x' } }, writes => 1), '23505', 'a name that is there');

# One that has to wait for the other sees what was written meanwhile.
my $writer = $node->background_psql('shop');
my $out = PostgreSQL::Test::Utils::tempdir() . '/second';
$seen = version($crm);
$writer->query_safe("BEGIN; UPDATE workflow_connections SET name = 'crm3' WHERE id = '$crm'");
my $child = fork // die $!;
if ($child == 0)
{
	my ($second) = answer('admin_a', 'connection_save', { id => $crm }, { name => 'mine', base_version => $seen }, %last);
	append_to_file($out, $second);
	POSIX::_exit(0);
}
wait_for($node, 'shop', "SELECT count(*) = 1 FROM pg_stat_activity WHERE usename = 'admin_a' AND wait_event_type = 'Lock'",
	'the second waits');
$writer->query_safe('COMMIT');
$writer->quit;
waitpid $child, 0;
is(slurp_file($out), '409', 'and is refused');
is(value("SELECT name FROM workflow_connections WHERE id = '$crm'"), 'crm3', 'nothing is lost');

# What workflows use is not deleted unseen.
($status, $body) = answer('admin_a', 'connection_delete', { id => $crm }, { base_version => version($crm) }, %last);
is($status, 200, 'what nobody uses is deleted');
($status, $body) = answer('admin_a', 'connection_delete', { id => $email }, { base_version => version($email) }, %last);
is("$status $body->{error}{code} $body->{error}{message}", '409 referenced Workflows use the connection: 2.', 'what is used is not');
is(value("SELECT count(*) FROM workflow_connections WHERE id = '$email'"), '1', 'it is there');
is((answer('admin_a', 'connection_delete', { id => $email }, { base_version => version($email), even_if_used => JSON::PP::true }, writes => 1))[0],
	200, 'unless somebody says so');

# the direction of a mail
foreach my $case ([ rtl => '<html dir="rtl">' ], [ ltr => '<html dir="ltr">' ], [ x => '' ])
{
	(undef, undef, $html) = answer('view_a', 'template_preview', {}, { html => 'x', payload => '{}', dir => $case->[0] });
	like($html, qr/^<!doctype html>\Q$case->[1]\E<meta/, "an HTML $case->[0]");
}

#
# What came in with a copy
#
my $place = '9007199254740993';    # of 54 bits: as a number of JavaScript it is another
$node->safe_psql('shop', <<"SQL");
SELECT wf_define('$two', '{"name": "Copied", "trigger_type": "copied", "steps": [
	{"name": "s", "action": "find_record", "params": {"table": "pg_class", "where": {"relname": "none"}}}]}');
INSERT INTO workflow_runs (definition_id, trigger_payload, place, queued_at, started_at, run_at)
SELECT id, '{}', $place, t, t, CASE n WHEN 1 THEN t WHEN 2 THEN t + '1 hour'::interval ELSE 'infinity' END
FROM workflow_definitions, (VALUES ('2026-11-20 09:00+00'::timestamptz)) x (t), generate_series(1, 3) n
WHERE name = 'Copied';
SQL
foreach my $role (qw(view_a ops_a bound_a none_a nobody_a))
{
	is(answer($role, 'places', {}), '42501', "places of $role");
	is(answer($role, "place_$_", {}, { place => $place }, writes => 1), '42501', "place_$_ of $role") foreach qw(accept discard);
}
($status, $body) = answer('admin_a', 'places', {});
is_deeply([ map { [ @$_{qw(place runs accepted schedules)}, @{ $_->{workflows}[0] }{qw(workflow_name runs)} ] } @{ $body->{places} } ],
	[ [ $place, 3, JSON::PP::false, 0, 'Copied', 3 ] ], 'what stands still');
is(answer('admin_a', 'place_accept', {}, { place => '1' }, writes => 1), 'P0002', 'a place of nothing');
is(answer('admin_a', 'place_accept', {}, { place => 'x' }, writes => 1), '22P02', 'no place');
is(answer('admin_a', 'place_accept', {}, {}, writes => 1), '22004', 'none named');
is(answer('admin_a', 'place_accept', {}, { place => $place }), '25006', 'it is no read');
is((answer('admin_a', 'place_accept', {}, { place => $place }, writes => 1))[1]{runs}, 3, 'accepted');
is((answer('admin_a', 'place_discard', {}, { place => $place }, writes => 1, keep => 1))[1]{runs}, 3, 'discarded');
is_deeply((answer('admin_a', 'places', {}))[1]{places}, [], 'and nothing stands still');
is(value("SELECT who || ' ' || what || ' ' || (detail->>'place') FROM workflow_operations ORDER BY id DESC LIMIT 1"),
	"admin_a discard place $place", 'which is noted');

#
# Ten thousand tenants: 50 at once, found by name
#
$node->safe_psql('shop', <<"SQL");
SET session_replication_role = replica;
INSERT INTO workflow_tenants SELECT ('10000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid, 'Branch ' || lpad(n::text, 5, '0')
FROM generate_series(1, 10000) n WHERE n % 10 <> 0;
INSERT INTO workflow_definitions (tenant_id, name, trigger_type, definition, run_as)
SELECT ('10000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid, 'w', 'w', '{"steps": []}', 'wf_console' FROM generate_series(1, 10000) n;
SQL
($status, $body) = answer('view_a', 'me', { console => '1.1', languages => 'en' });
is_deeply([ $status, scalar @{ $body->{tenants} }, $body->{more_tenants} ], [ 200, 50, JSON::PP::true ], 'me names 50');
is((answer('bound_a', 'me', { console => '1.1', languages => 'en' }))[1]{more_tenants}, JSON::PP::false, 'or all there are');
my ($after, %names, $pages);
do
{
	($status, $body) = answer('view_a', 'tenants', { q => 'branch 0099', after => $after });
	$names{ $_->{name} }++ foreach @{ $body->{tenants} };
	$after = $body->{next};
} while ($after && ++$pages < 9);
is(join(' ', sort keys %names), join(' ', map { "Branch 0099$_" } 1 .. 9), 'by a part of the name');
($after, $pages, %names) = (undef, 0);
foreach my $page (1 .. 3)
{
	($status, $body) = answer('view_a', 'tenants', { after => $after });
	$after = $body->{next};
	$names{ $_->{id} }++ foreach @{ $body->{tenants} };
}
is(scalar keys %names, 150, 'three pages of 50, none twice');
# from the last one with a name on, those without one
my $last_named = value("SELECT tenant_id FROM workflow_tenants ORDER BY name DESC, tenant_id DESC LIMIT 1");
($status, $body) = answer('view_a', 'tenants', { after => $last_named });
is_deeply([ map { $_->{name} } @{ $body->{tenants} } ], [ (undef) x 50 ], 'those without a name come last');
my @unnamed = map { $_->{id} } @{ $body->{tenants} };
push @unnamed, map { $_->{id} } @{ (answer('view_a', 'tenants', { after => $body->{next} }))[1]{tenants} };
is_deeply([ sort @unnamed ], \@unnamed, 'by their id');
is(scalar @unnamed, 100, 'page by page');
($status, $body) = answer('view_a', 'tenants', { tenant => $unnamed[7] });
is_deeply([ map { [ @$_{qw(id workflows)} ] } @{ $body->{tenants} } ], [ [ $unnamed[7], 1 ] ], 'or one alone');
($status, $body) = answer('view_a', 'tenant_names', {});
is_deeply([ scalar @{ $body->{tenants} }, $body->{more} ], [ 50, JSON::PP::true ], 'names to choose from');
($status, $body) = answer('view_a', 'tenant_names', { q => substr($unnamed[3], 0, 36) });
is_deeply($body->{tenants}, [ { id => $unnamed[3], name => undef } ], 'also by an id');
is_deeply((answer('bound_a', 'tenant_names', { q => 'branch' }))[1]{tenants}, [], 'none of others');
$node->safe_psql('shop', "DELETE FROM workflow_definitions WHERE name = 'w'; DELETE FROM workflow_tenants WHERE name LIKE 'Branch%'");

#
# The frame
#
my $console = start_console($node);
my $session = $console->login('ops_a');
my $asked = $console->ask($session, 'POST', '/api/templates/preview',
	encode_json({ html => '<b onclick=x>{{ trigger.n }}</b>', payload => '{"n": "<script>"}' }));
my $id = $asked->{headers}{'x-wf-preview'};
is($asked->{status}, 200, 'a preview');
like($id, qr/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'has an id');
my $cookie = $session->{cookie};
# as a frame asks: with the cookie alone
sub frame
{
	my ($path, $cookie) = @_;
	return $console->ask({ cookie => $cookie }, 'GET', $path);
}
is(frame("/api/preview/$id", undef)->{status}, 404, 'not without the cookie');
my $view = $console->login('view_a');
is(frame("/api/preview/$id", $view->{cookie})->{status}, 404, 'nor with that of another session');
is(frame("/api/preview/$none", $cookie)->{status}, 404, 'nor by another id');
my $frame = frame("/api/preview/$id", $cookie);
is("$frame->{status} $frame->{headers}{'content-type'}", '200 text/html; charset=utf-8', 'the frame has it');
like($frame->{body}, qr,<b onclick=x>&lt;script&gt;</b>$,, 'as it would be sent');
is($frame->{headers}{'content-security-policy'},
	"sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'", 'under its own policy');
is($frame->{headers}{$_}, $common_headers{$_}, $_) foreach grep { $_ ne 'content-security-policy' } sort keys %common_headers;
is(frame("/api/preview/$id", $cookie)->{status}, 404, 'once');
foreach my $text ('', 'x' x (512 * 1024))
{
	$asked = $console->ask($session, 'POST', '/api/templates/preview', encode_json({ subject => 's', html => $text }));
	is_deeply([ $asked->{status}, $asked->{headers}{'x-wf-preview'} ], [ 200, undef ], 'nothing, or too much, is not kept');
}
$asked = $console->ask($session, 'POST', '/api/templates/preview', encode_json({ html => 'first' }));
my $next = $console->ask($session, 'POST', '/api/templates/preview', encode_json({ html => 'second' }));
like(frame("/api/preview/$asked->{headers}{'x-wf-preview'}", $cookie)->{body}, qr/first/,
	'a frame may ask after a newer one was made');
$console->ask($session, 'POST', '/api/templates/preview', encode_json({ html => 'newer' })) foreach 1 .. 3;
is(frame("/api/preview/$next->{headers}{'x-wf-preview'}", $cookie)->{status}, 404, 'but three take its place');
unlike(slurp_file($console->{log}), qr/first|second|onclick/, 'no text is in the log');
# A secret that is written, or refused, is in no answer and in no log.
my $admin = $console->login('admin_a');
my %secret = (kind => 'smtp', config => { url => 'smtp://mail.example' }, credentials => { username => 'u', password => 'Hush-hush' });
foreach my $case ([ 200, { name => 'quiet' } ], [ 409, { name => 'quiet' } ], [ 422, { name => undef } ],
	[ 422, { name => 'x', kind => 'http' } ], [ 422, { name => 'x', kind => 'none' } ],
	[ 422, { name => 'x', config => { url => 'ftp://mail.example' } } ],
	[ 422, { name => 'x', credentials => { username => ['Hush-hush'], password => { file => '/Hush-hush' } } } ],
	[ 400, { name => 'x', tenant => 'x' } ])
{
	my ($expected, $what) = @$case;
	my $said = $console->ask($admin, 'POST', '/api/connections', encode_json({ %secret, %$what }));

	is($said->{status}, $expected, "a connection: $expected");
	unlike($said->{body}, qr/Hush-hush/, '... in whose answer is no secret');
}
unlike($console->ask($admin, 'GET', '/api/connections')->{body}, qr/Hush-hush/, 'nor in the list');
unlike(slurp_file($console->{log}), qr/Hush-hush/, 'nor in the log of the console');
unlike(slurp_file($node->logfile), qr/Hush-hush/, 'nor in that of the server');
$console->stop;
$node->stop;
done_testing();
