
# A worker stays small whatever servers answer, 64 at a time, 256 of a kind;
# and gives back what it took when there is nothing to do.

use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Test;
use WorkflowEngine::Outbound;

my $max_mb = 150;
my $http = start_receiver('http');
my $node = outbound_node('memory', <<'CONF');
workflow_engine.workers = 1
workflow_engine.max_per_host = 64
CONF

my $number = 0;

# One line of what the kernel says of the worker, in MB.
sub memory
{
	my ($line) = @_;
	my ($pid) = split /\n/,
	  $node->safe_psql('postgres', 'SELECT pid FROM wf_workers()');
	my ($kb) = slurp_file("/proc/$pid/status") =~ /^$line:\s+(\d+)/m;
	return $kb / 1024;
}

# What the worker has for itself.
sub own_memory
{
	return memory('RssAnon');
}

# What it has taken at most.
sub peak_memory
{
	return memory('VmHWM');
}

wait_for($node, 'postgres',
	q{SELECT count(*) = 1 AND bool_and(state <> 'starting') FROM wf_workers()},
	'the worker is up');
my $at_first = own_memory();

# A number of 131,001 digits is a few bytes of a payload, and many of them are
# one sum, or a text of 1 GB.
my %digits = (
	sum => [ 'Numbers {{ trigger.n | sum | json | truncate: 10 }}', undef ],
	avg => [ 'Numbers {{ trigger.n | avg | json | truncate: 10 }}', undef ],
	text => [ 'Numbers {{ trigger.n }}', qr/JSON of \d+ bytes has more than/ ],
	json => [ '{{ trigger.n | json }}', qr/JSON of \d+ bytes has more than/ ],
	url => [ '{{ trigger.n | urlencode }}', qr/JSON of \d+ bytes has more than/ ],
	merged => [ undef, qr/JSON of \d+ bytes has more than/ ],
	form => [ undef, qr/the fields of the request have more than/ ]);
my @steps;

foreach my $label (sort keys %digits)
{
	my $text = $digits{$label}[0];
	my $params = {
		url => $http->url('/'),
		merge_payload => $label eq 'merged' ? \1 : \0 };

	$params->{headers} =
	  { 'Content-Type' => 'application/x-www-form-urlencoded' }
	  if $label eq 'form';
	$params->{body} =
	  { text => $label eq 'form' ? '{{ trigger.n }}' : $text }
	  if $label ne 'merged';
	push @steps,
	  {
		name => $label,
		action => 'webhook',
		params => $params,
		on_error => 'continue',
		retry => { max_attempts => 1 } };
}
$node->safe_psql(
	'postgres',
	sprintf 'SELECT wf_define(%s, %s)',
	map { literal($_) } $tenant,
	to_json(
		{ name => 'digits', trigger_type => 'digits', steps => \@steps }));
$node->safe_psql('postgres',
	"SELECT wf_fire('$tenant', 'digits', jsonb_build_object('n', jsonb_agg("
	  . "CASE WHEN n % 2 = 0 THEN 1 ELSE 1e131000 END))) "
	  . 'FROM generate_series(1, 4000) n');
wait_for($node, 'postgres',
	q{SELECT status = 'completed' FROM wf_history(workflow => 'digits')},
	'numbers with many digits');
foreach my $label (sort keys %digits)
{
	my $error = $node->safe_psql('postgres',
		q{SELECT t.error FROM wf_history(workflow => 'digits') h, }
		  . "wf_trace(h.run_id) t WHERE t.step_name = '$label'");

	defined $digits{$label}[1]
	  ? like($error, $digits{$label}[1], "$label: is too large")
	  : is($error, '', "$label: is sent");
}
$node->safe_psql('postgres', q{DELETE FROM workflow_runs});
cmp_ok(peak_memory(), '<', $max_mb, 'the worker stayed small');

foreach my $kind (
	qw(bytes/1000000 huge endless-body endless-headers deep half))
{
	my $name = 'kind' . ++$number;

	$node->safe_psql(
		'postgres',
		sprintf 'SELECT wf_define(%s, %s)',
		map { literal($_) } $tenant,
		to_json(
			{
				name => $name,
				trigger_type => $name,
				steps => [
					{
						name => 'go',
						action => 'webhook',
						params => { url => $http->url("/$kind") },
						retry => { max_attempts => 1 } } ] }));
	$node->safe_psql('postgres',
		"SELECT wf_fire('$tenant', '$name', jsonb_build_object('n', n)) "
		  . 'FROM generate_series(1, 256) n');
	wait_for(
		$node,
		'postgres',
		"SELECT count(*) = 256 * $number FROM workflow_runs "
		  . "WHERE status IN ('completed', 'failed')",
		"$kind: all end");
	cmp_ok(peak_memory(), '<', $max_mb, "$kind: the worker stayed small");
}

is( $node->safe_psql(
		'postgres',
		'SELECT count(*) FROM workflow_runs r JOIN workflow_definitions d '
		  . "ON d.id = definition_id WHERE d.name = 'kind1' "
		  . "AND status = 'completed'"),
	256,
	'answers of 1 MB are answers');

wait_until(sub { own_memory() < $at_first + 8 },
	'what was taken is given back');
$node->stop;
done_testing();
