
# What a step leaves in its worker's session does not reach the next one, which
# may belong to another role.

use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Runs qw(worker_pid);
use WorkflowEngine::Test;

my $tenant = '11111111-1111-1111-1111-111111111111';
my $node = new_node(
	'main',
	"workflow_engine.workers = 1\nworkflow_engine.poll_interval = '500ms'\n",
	init => [ allows_streaming => 1 ]);
my $db = 'postgres';

# The action executes one statement, then perhaps fails, or answers what a
# second one says.
$node->safe_psql($db, qq{
	CREATE EXTENSION workflow_engine;
	CREATE ROLE a;
	CREATE ROLE b;
	CREATE FUNCTION run(params jsonb, context jsonb) RETURNS jsonb
	LANGUAGE plpgsql AS \$\$
	DECLARE
		answer text;
	BEGIN
		EXECUTE params->>'sql';
		IF params->>'fail' = 'yes' THEN
			RAISE 'left in a hurry';
		END IF;
		EXECUTE params->>'then' INTO answer;
		RETURN to_jsonb(answer);
	END \$\$;
	SELECT wf_register_action('run', 'run(jsonb,jsonb)');
	INSERT INTO workflow_definitions (tenant_id, definition, run_as)
	SELECT '$tenant', jsonb_build_object('name', name, 'trigger_type', name,
		'steps', '[{"name": "step", "action": "run", "params": {
			"sql": "{{trigger.sql}}", "then": "{{trigger.then}}",
			"fail": "{{trigger.fail}}"}}]'::jsonb), role::regrole
	FROM (VALUES ('leave', 'a'), ('look', 'b')) d (name, role);
	GRANT SET ON PARAMETER session_replication_role, log_statement TO a;
	GRANT EXECUTE ON FUNCTION pg_backup_start(text, boolean) TO a;
	GRANT EXECUTE ON FUNCTION pg_backup_stop(boolean) TO b;
	SELECT pg_replication_origin_create('somewhere');
	GRANT EXECUTE ON FUNCTION pg_replication_origin_session_setup(text) TO a;
	GRANT EXECUTE ON FUNCTION pg_replication_origin_session_is_setup() TO b;
});

sub quote
{
	my ($text) = @_;
	return "'" . $text =~ s/'/''/gr . "'";
}

# Role a executes one statement, in a step that succeeds or fails; then role b
# asks.  Returns what b is answered, or its error, and what a was.
sub leave_and_look
{
	my ($sql, $then, $fail) = @_;
	my ($leave, $look) = split /\n/, $node->safe_psql(
		$db,
		"SELECT wf_fire('$tenant', 'leave', jsonb_build_object('sql', "
		  . quote($sql)
		  . ", 'then', 'SELECT 1', 'fail', '"
		  . ($fail ? 'yes' : 'no') . "'));\n"
		  . "SELECT wf_fire('$tenant', 'look', jsonb_build_object("
		  . "'sql', 'SELECT 1', 'then', "
		  . quote($then)
		  . ", 'fail', 'no'));\n");

	$node->poll_query_until($db,
		q{SELECT NOT EXISTS (SELECT FROM workflow_runs
		  WHERE status NOT IN ('completed', 'failed'))})
	  or die 'the runs do not end';
	return map {
		$node->safe_psql($db,
			"SELECT coalesce(output #>> '{}', error) FROM wf_trace('$_')")
	} ($look, $leave);
}

# clean(what, statement, question, answer pattern): also after a step that
# failed.
sub clean
{
	my ($what, $sql, $then, $expected, $refused) = @_;

	foreach my $fail (0, 1)
	{
		my ($answer, $left) = leave_and_look($sql, $then, $fail);

		like($answer, $expected,
			"$what does not stay" . ($fail ? ' when its step fails' : ''));
		like($left, $refused || ($fail ? qr/^left in a hurry$/ : qr/^1$/),
			'... after it was done');
	}
	return;
}

# So many runs of role a that insert a row each are fired at once; they must
# complete.
sub insert_many
{
	my ($table, $n) = @_;

	$node->safe_psql($db, qq{
		INSERT INTO workflow_definitions (tenant_id, definition, run_as)
		SELECT '$tenant', '{"name": "$table", "trigger_type": "$table", "steps": [
			{"name": "step", "action": "insert_record", "params": {
			 "table": "$table", "fields": {"n": "{{trigger.n}}"}}}]}', 'a';
		SELECT wf_fire('$tenant', '$table', jsonb_build_object('n', n))
		FROM generate_series(1, $n) n});
	wait_for($node, $db, qq{
		SELECT count(*) = $n
		FROM wf_history(workflow => '$table', status => 'completed')},
		"$n runs that insert into $table");
	return;
}

#--- settings and transactions

clean('a custom setting', q{SET my.var = 'secret'},
	q{SELECT coalesce(current_setting('my.var', true), '')}, qr/^$/);
clean('client_encoding', q{SET client_encoding = 'LATIN1'},
	q{SELECT current_setting('client_encoding')}, qr/^UTF8$/);
clean('session_replication_role', q{SET session_replication_role = replica},
	q{SELECT current_setting('session_replication_role')}, qr/^origin$/);
clean('log_statement', q{SELECT set_config('log_statement', 'all', false)},
	q{SELECT current_setting('log_statement')}, qr/^none$/);
clean('a read-only transaction', 'SET TRANSACTION READ ONLY',
	q{SELECT current_setting('transaction_read_only')}, qr/^off$/);
clean('an isolation level',
	'SET TRANSACTION ISOLATION LEVEL SERIALIZABLE',
	q{SELECT current_setting('transaction_isolation')},
	qr/^read committed$/, qr/must/);
clean('a deferrable transaction', 'SET TRANSACTION DEFERRABLE',
	q{SELECT current_setting('transaction_deferrable')}, qr/^off$/, qr/subtransaction/);
clean('what new transactions are like',
	'SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY',
	q{SELECT current_setting('default_transaction_read_only')}, qr/^off$/);
clean('an exported snapshot', 'SELECT pg_export_snapshot()',
	'SELECT 1', qr/^1$/, qr/cannot export a snapshot/);

#--- random numbers

my $known = $node->safe_psql($db, 'SELECT setseed(0.5); SELECT random()');
$known =~ s/^\s+//;
clean('the seed of setseed()', 'SELECT setseed(0.5)',
	q{SELECT random()}, qr/^(?!\Q$known\E)\d/);
clean('the seed of SET seed', 'SET seed = 0.5',
	q{SELECT random()}, qr/^(?!\Q$known\E)\d/);
clean('the seed of a block that fails',
	q{DO $$ BEGIN SET seed = 0.5; RAISE 'x'; EXCEPTION WHEN OTHERS THEN NULL; END $$},
	q{SELECT random()}, qr/^(?!\Q$known\E)\d/);

# Where many runs share a subtransaction, too.
$node->safe_psql($db, qq{
	CREATE TABLE seeds (n int);
	CREATE FUNCTION seed() RETURNS trigger LANGUAGE plpgsql AS \$\$
	BEGIN PERFORM setseed(0.5); RETURN new; END \$\$;
	CREATE TRIGGER seed BEFORE INSERT ON seeds
		FOR EACH ROW EXECUTE FUNCTION seed();
	CREATE TABLE numbers (n int, x float8 DEFAULT random());
	GRANT ALL ON seeds TO a;
	GRANT ALL ON numbers TO b;
	INSERT INTO workflow_definitions (tenant_id, definition, run_as)
	SELECT '$tenant', jsonb_build_object('name', name, 'trigger_type', 'batch',
		'steps', format('[{"name": "step", "action": "insert_record", "params":
			{"table": "%s", "fields": {"n": "{{trigger.n}}"}}}]', name)::jsonb),
		role::regrole
	FROM (VALUES ('seeds', 'a'), ('numbers', 'b')) d (name, role);
	SELECT wf_fire('$tenant', 'batch', jsonb_build_object('n', n))
	FROM generate_series(1, 20) n});
wait_for($node, $db,
	"SELECT count(*) = 40 FROM wf_history(max_rows => 1000) WHERE trigger_type = 'batch' AND status = 'completed'",
	'a batch of runs that seed and runs that draw');
is($node->safe_psql($db, 'SELECT count(DISTINCT x) FROM numbers'),
	'20', 'no run draws what another has seeded');

#--- connections of dblink

SKIP:
{
	skip 'dblink is not installed', 1
	  if $node->safe_psql($db,
		q{SELECT count(*) FROM pg_available_extensions WHERE name = 'dblink'})
	  eq '0';

	my $there = $node->connstr($db) . ' application_name=left_behind';
	my $open =
	  q{SELECT count(*) FROM pg_stat_activity WHERE application_name = 'left_behind'};

	$node->safe_psql($db, q{
		CREATE EXTENSION dblink;
		GRANT EXECUTE ON FUNCTION dblink_connect_u(text, text),
			dblink_connect_u(text) TO a});
	clean('a named connection',
		"SELECT dblink_connect_u('shared', " . quote($there) . ')',
		q{SELECT x FROM dblink('shared', 'SELECT current_user') AS t (x text)},
		qr/could not establish connection|password|connection string/);
	clean('its name',
		"SELECT dblink_connect_u('shared', " . quote($there) . ')',
		q{SELECT coalesce(array_to_string(dblink_get_connections(), ','), 'none')},
		qr/^none$/);
	clean('the unnamed connection',
		'SELECT dblink_connect_u(' . quote($there) . ')',
		q{SELECT x FROM dblink('SELECT current_user') AS t (x text)},
		qr/connection not available/);

	# Where many runs share a subtransaction: a second connection of that name
	# would be refused.
	$node->safe_psql($db, qq{
		CREATE TABLE connects (n int);
		GRANT ALL ON connects TO a;
		CREATE FUNCTION connect() RETURNS trigger LANGUAGE plpgsql AS \$\$
		BEGIN
			PERFORM dblink_connect_u('batch', } . quote($there) . qq{);
			RETURN new;
		END \$\$;
		CREATE TRIGGER connect BEFORE INSERT ON connects
			FOR EACH ROW EXECUTE FUNCTION connect()});
	insert_many('connects', 5);
	wait_for($node, $db, "SELECT ($open) = 0", 'the other side has gone');
}

#--- what makes the worker end, or would mark others' commits

clean('a replication origin',
	q{SELECT pg_replication_origin_session_setup('somewhere')},
	'SELECT pg_replication_origin_session_is_setup()', qr/^f/);

my $pid = worker_pid($node);
my ($answer, $left) = leave_and_look(q{SELECT pg_backup_start('x', true)},
	'SELECT pg_backup_stop(false)');
like($answer, qr/not in progress/, 'a backup does not stay');
is($left, '1', '... after it was begun');
wait_for($node, $db, "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $pid",
	'the worker that began it has ended');
like(
	slurp_file($node->logfile),
	qr/a step has left in its session what only ends with it/,
	'and has said so');

$pid = worker_pid($node);
leave_and_look(q{SELECT count(set_config('mine.s' || i, 'x', false)) FROM generate_series(1, 1500) i},
	'SELECT 1');
SKIP:
{
	skip 'names of settings cost nothing there', 1
	  if $node->safe_psql($db, 'SHOW server_version_num') >= 160000;
	wait_for($node, $db, "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $pid",
		'a worker that knows too many settings has ended');
}

# A batch: the runs behind the first one go on in other workers.
$node->safe_psql($db, q{
	CREATE TABLE backups (n int);
	GRANT ALL ON backups TO a;
	CREATE FUNCTION backup() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN PERFORM pg_backup_start('x', true); RETURN new; END $$;
	CREATE TRIGGER backup BEFORE INSERT ON backups
		FOR EACH ROW EXECUTE FUNCTION backup()});
insert_many('backups', 3);
is($node->safe_psql($db, 'SELECT count(*) FROM backups'),
	'3', 'each is done once');
is( $node->safe_psql(
		$db,
		q{SELECT count(*) FROM workflow_runs WHERE abnormal_ends IS NOT NULL}),
	'0',
	'nobody is to blame');

$node->stop;
done_testing();
