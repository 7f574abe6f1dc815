# The flowcharts of wf_diagram and wf_run_diagram, read and rendered by the
# package mermaid itself: nothing that stands in a definition is taken for its
# language, and every node shows what it shall.

use strict;
use warnings FATAL => 'all';
use utf8;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use IPC::Run qw(run);
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Npm;
use WorkflowEngine::Test;

my $npm = abs_path(dirname(__FILE__) . '/npm');
my $tenant = '11111111-1111-1111-1111-111111111111';

$ENV{NODE_PATH} = npm_packages() . '/node_modules';

# What mermaid makes of each diagram.
sub rendered
{
	my (@diagrams) = @_;
	my $json = JSON::PP->new->utf8->allow_nonref;
	my $input = join '', map { $json->encode($_) . "\n" } @diagrams;

	run([ 'node', "$npm/mermaid.js" ], '<', \$input, '>', \my $output, '2>',
		\my $errors);
	is($errors, '', 'mermaid ran');
	return map { $json->decode($_) } split /\n/, $output;
}

my $node = new_node('main', "workflow_engine.workers = 1\n");

# As characters: the server sends UTF-8.
sub diagram
{
	my ($sql) = @_;
	my $text = $node->safe_psql('postgres', $sql);

	utf8::decode($text);
	return $text;
}

$node->safe_psql('postgres', qq{
	CREATE EXTENSION workflow_engine;
	CREATE FUNCTION refuse(params jsonb, context jsonb) RETURNS jsonb
		LANGUAGE plpgsql AS \$\$ BEGIN RAISE EXCEPTION '"]) --> <b>; %%'; END \$\$;
	SELECT wf_register_action('refuse', 'refuse(jsonb,jsonb)');
	SELECT wf_define('$tenant', '{"name": "w", "trigger_type": "order", "steps": [
		{"name": "find", "action": "find_record",
			"params": {"table": "pg_class", "where": {"relname": "x"}}},
		{"name": "large", "action": "find_record",
			"condition": {"field": "trigger.total", "op": "gt", "value": 1000},
			"params": {"table": "pg_class", "where": {"relname": "x"}}},
		{"name": "end", "action": "refuse"},
		{"name": "never", "action": "refuse"}]}')});
my $run = $node->safe_psql('postgres',
	"SELECT wf_fire('$tenant', 'order', '{\"total\": 5}')");
wait_for($node, 'postgres',
	"SELECT status = 'failed' FROM workflow_runs WHERE id = '$run'",
	'the run fails');

# Every character that may mean something, and what would be words to it.
my @names = (join('', map { chr } 0x21 .. 0x7e), 'end', 'طلب تقييم', '1. x',
	'- x', '%%{init: {}}%%', '"] click s0 call alert()', '<script>x</script>');
my $all = JSON::PP->new->canonical->encode(
	{
		trigger_type => 'x',
		steps => [ map { +{ name => $_, action => $_ } } @names ] });
$all =~ s/'/''/g;

my ($plain, $of_run, $odd, $long) = rendered(
	diagram("SELECT wf_diagram(definition) FROM workflow_definitions"),
	diagram("SELECT wf_run_diagram('$run')"),
	diagram("SELECT wf_diagram('$all')"),
	diagram(q{SELECT wf_diagram(jsonb_build_object('steps', (SELECT jsonb_agg(
		jsonb_build_object('name', 's' || n, 'action', 'webhook',
			'condition', repeat('x', 1000))) FROM generate_series(1, 20) n)))}));

is_deeply(
	[ map { $_->[0] } @{ $plain->{nodes} } ],
	[qw(start s0 c1 s1 s2 s3 done)],
	'a definition: every node');
like($plain->{nodes}[2][2], qr/trigger\.total ?gt 1000/, 'its condition');

my %node_of = map { $_->[0] => $_ } @{ $of_run->{nodes} };
like($node_of{s0}[1], qr/\bcompleted\b/, 'a run: the class of a step is its status');
like($node_of{s1}[1], qr/\bskipped\b/, 'skipped');
like($node_of{s2}[1], qr/\bfailed\b/, 'failed');
like($node_of{s3}[1], qr/\bpending\b/, 'not reached');
like($node_of{done}[2], qr/failed/, 'and what the run has come to');
like($node_of{s2}[2], qr/failed.*-->/, 'the error is text');

is($odd->{error}, undef, 'any character is read');
is(scalar @{ $odd->{nodes} || [] },
	@names + 2, 'as a text: there are as many nodes as steps, and the ends');
unlike(join('', map { $_->[1] // '' } @{ $odd->{nodes} || [] }),
	qr/clickable/, 'and none can be clicked');
is(scalar @{ $long->{nodes} || [] }, 42, 'long conditions');

$node->stop;
done_testing();
