# The settings of the console: their statements, each as roles of every capability and
# in bound sessions, and the frame that shows the HTML of a mail.
use strict;
use warnings FATAL => 'all';

use JSON::PP;
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
	connections => [ 'connections', 3, 2, 0 ]);
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
	connection_save => [ 'admin', $crm, { name => 'crm2' } ],
	connection_delete => [ 'admin', $crm, {} ]);
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
my @saved = ('admin_a', 'connection_save', { id => $crm });
my %last = (writes => 1, keep => 1);
is((answer(@saved, { config => { idempotency_header => 'X-Key' }, credentials => { headers => { 'X-B' => undef, 'X-C' => { file => 'c' } } } }, %last))[0],
	200, 'a part of it is changed');
is(value("SELECT name, config, credentials FROM workflow_connections WHERE id = '$crm'"),
	'crm|{"base_url": "https://crm.example", "idempotency_header": "X-Key"}|{"headers": {"X-A": "S3cret", "X-C": {"file": "c"}}}',
	'and the rest stays, secrets too');
is((answer(@saved, { name => 'crm2', config => { idempotency_header => undef }, credentials => { headers => undef, bearer_token => 'T0ken' } }, %last))[0], 200, 'once more');
is(value("SELECT name, config, credentials FROM workflow_connections WHERE id = '$crm'"),
	'crm2|{"base_url": "https://crm.example"}|{"bearer_token": "T0ken"}', 'what is null goes');
is((answer(@saved, {}, %last))[0], 200, 'nothing');
is(value("SELECT credentials FROM workflow_connections WHERE id = '$crm'"), '{"bearer_token": "T0ken"}', 'changes nothing');
is(answer(@saved, { credentials => { bearer_token => undef, password => 'x' } }, writes => 1), '22023', 'what the kind has not');
is(answer(@saved, { config => { base_url => undef } }, writes => 1), '22023', 'what it must have');
is(answer('admin_a', 'connection_save', { id => $none }, {}, writes => 1), 'no row', 'no such connection');
is(answer('admin_a', 'connection_delete', { id => $none }, {}, writes => 1), 'no row', 'none to delete');
is(answer('admin_a', 'connection_new', {}, { name => 'email', kind => 'slack', credentials => { bot_token => 'x' } }, writes => 1), '23505', 'a name that is there');

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
$console->ask($session, 'POST', '/api/templates/preview', encode_json({ html => 'second' }));
is(frame("/api/preview/$asked->{headers}{'x-wf-preview'}", $cookie)->{status}, 404, 'a newer one takes its place');
unlike(slurp_file($console->{log}), qr/first|second|onclick/, 'no text is in the log');
$console->stop;
$node->stop;
done_testing();
