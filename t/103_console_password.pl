# wf_console: a role changes its own password: only who knows the old one, and the
# new one is in no statement and no log of the server.
use strict;
use warnings FATAL => 'all';

use IO::Select;
use IO::Socket::INET;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

use WorkflowEngine::Console;
use WorkflowEngine::Test;

my $statements = -e WorkflowEngine::Test::pg_config('--pkglibdir') . '/pg_stat_statements.so';
my $node = console_node('password', "log_statement = all\nlog_min_duration_statement = 0\n"
	  . ($statements ? "shared_preload_libraries = 'workflow_engine, pg_stat_statements'\n" : ''));
my $console = start_console($node);
my ($answer, $begun);
my $address = 0;

$node->safe_psql('postgres', 'CREATE EXTENSION pg_stat_statements') if $statements;

sub outcome
{
	my ($answer) = @_;
	return $answer->{status} == 200 ? 200
	  : "$answer->{status} $answer->{json}{error}{code}";
}

# The bytes of a change, each time from another address.
sub change_bytes
{
	my ($session, $old, $new, @headers) = @_;
	my $n = $address++;

	return $console->ask_bytes($session, 'POST', '/api/password', "$old\n$new",
		'Content-Type' => 'application/x-wf-login',
		'X-Forwarded-For' => "10.200.@{[ int($n / 250) ]}.@{[ $n % 250 ]}", @headers);
}

sub change
{
	return $console->raw(change_bytes(@_));
}

# Only a session, by our page, and with the old password.
my $session = $console->login('ops_a');
is(outcome(change(undef, 'secret of ops_a', 'new')), '401 no_session', 'nobody');
is(outcome(change({ %$session, token => 'ab' x 32 }, 'secret of ops_a', 'new')), '401 no_session',
	'a session without its token');
is(outcome(change($session, 'secret of ops_a', 'new', Origin => 'http://evil.example')), '403 csrf',
	'another page');
is(outcome(change($session, 'secret of ops_a', 'new', 'Content-Type' => 'application/json')),
	'415 content_type', 'JSON');
is(outcome($console->ask($session, 'GET', '/api/password')), '405 method', 'a GET');
foreach my $case ([ 'no old one', '', 'x' ], [ 'no new one', 'x', '' ], [ 'three lines', 'a', "b\nc" ],
	[ '1001 characters', 'a', 'x' x 1001 ], [ 'a NUL', 'a', "x\0" ], [ 'no UTF-8', 'a', "\xff" ],
	[ 'much too much', 'a', 'x' x 20_000 ])
{
	my ($what, $old, $new) = @$case;
	is(outcome(change($session, $old, $new)), '400 bad_request', $what);
}
$begun = time();
is(outcome(change($session, 'wrong of ops_a', 'new of ops_a')), '403 wrong_password', 'the old one is wrong');
cmp_ok(time() - $begun, '>=', 0.29, 'which is not said at once');
is(outcome(change($session, 'secret of ops_b', 'new of ops_a')), '403 wrong_password',
	'or that of another role');
is(outcome($console->try_login('ops_a', 'secret of ops_a')), 200, 'nothing has changed');
is(outcome($console->ask($session, 'GET', '/api/me')), 200, 'and the session goes on');

# The change: the session that asks goes on, the others of the role end.
my @others = map { $console->login('ops_a') } 1, 2;
my $stranger = $console->login('ops_b');
my $new = "new of ops_a: 'quoted' \\ \"\xd9\x85\xd9\x81\xd8\xaa\xd8\xa7\xd8\xad\" \$\$ \xe2\x91\xa0";
$answer = change($session, 'secret of ops_a', $new);
is_deeply($answer->{json}, { changed => JSON::PP::true, ended => 3 }, 'changed');
is(outcome($console->ask($session, 'GET', '/api/me')), 200, 'the session goes on');
is_deeply([ map { outcome($console->ask($_, 'GET', '/api/me')) } @others ],
	[ ('401 password') x 2 ], 'the others of the role are told why they ended');
is(outcome($console->ask($stranger, 'GET', '/api/me')), 200, 'those of others go on');
is(outcome($console->try_login('ops_a', 'secret of ops_a')), '401 login_failed', 'the old one is none');
is(outcome($console->try_login('ops_a', $new)), 200, 'the new one is');
is($node->safe_psql('postgres', "SELECT rolpassword ~ '^SCRAM-SHA-256\\\$' FROM pg_authid WHERE rolname = 'ops_a'"),
	't', 'as SCRAM-SHA-256');
wait_for($node, 'postgres', q{SELECT count(*) = 2 FROM pg_stat_activity WHERE usename = 'ops_a'},
	'nothing of the change stays connected');

# Where it is not.
my %where = (
	'the log of the server' => slurp_file($node->logfile),
	'the log of the console' => $console->log_text);
$where{'pg_stat_statements'} = $node->safe_psql('postgres', 'SELECT string_agg(query, chr(10)) FROM pg_stat_statements')
  if $statements;
foreach my $what (sort keys %where)
{
	unlike($where{$what}, qr/new of ops_a|wrong of ops_a/, "no password in $what");
}
like($where{'the log of the server'}, qr/ALTER ROLE SESSION_USER PASSWORD 'SCRAM-SHA-256\$/,
	'where the statement is, with a verifier');
like($where{'the log of the console'}, qr/"password not changed", "role": "ops_a", .*"wrong_password"/,
	'the log of the console has the failure');
like($where{'the log of the console'}, qr/"password changed", "role": "ops_a", "address": "10\.200\./,
	'and the change, and from where');

# What PostgreSQL refuses is said, and changes nothing.
my $lock = $node->background_psql('postgres');
$lock->query_safe('BEGIN; ALTER ROLE ops_b CONNECTION LIMIT 50;');
is(outcome(change($stranger, 'secret of ops_b', 'new')), '409 locked', 'somebody else alters the role');
$lock->query_safe('ROLLBACK;');
$node->safe_psql('postgres', 'ALTER ROLE ops_b CONNECTION LIMIT 1');
is(outcome(change($stranger, 'secret of ops_b', 'new')), '503 too_many_connections', 'no free connection');
$node->safe_psql('postgres', 'ALTER ROLE ops_b CONNECTION LIMIT -1; ALTER ROLE ops_b SET role = wf_console');
$answer = change($stranger, 'secret of ops_b', 'new');
is(outcome($answer), '403 forbidden', 'a role that is another one from its sign-in on');
like($answer->{json}{error}{message}, qr/permission denied|must have/, "PostgreSQL's words");
$node->safe_psql('postgres', 'ALTER ROLE ops_b RESET role');
is(outcome($console->try_login('ops_b', 'secret of ops_b')), 200, 'nothing has changed');

# A browser that goes away: what was begun is done.
my $gone = $console->connect;
syswrite $gone, change_bytes($stranger, 'secret of ops_b', 'later of ops_b');
close $gone;
wait_until(sub { outcome($console->try_login('ops_b', 'later of ops_b')) eq '200' }, 'it is changed');
wait_until(sub { $console->log_has('"password changed", "role": "ops_b"') }, 'to the end');

# PostgreSQL takes the new one, and then signs nobody in: it is changed, and the others end.
my ($mine, $other) = map { $console->login('bound_a') } 1, 2;
my $closed = $node->background_psql('postgres');
my $changed;
# A statement waits for a lock for two seconds alone, which may be over too soon on a busy
# machine: then once more.
foreach my $try (1 .. 20)
{
	my $asks = $console->connect;
	my $waiting = sub {
		return IO::Select->new($asks)->can_read(0)
		  || $lock->query_safe('SELECT count(*) FROM pg_locks WHERE NOT granted') == $_[0];
	};

	$lock->query_safe('BEGIN; ALTER ROLE bound_a CONNECTION LIMIT 50;');
	syswrite $asks, change_bytes($mine, 'secret of bound_a', 'new of bound_a');
	wait_until(sub { $waiting->(1) }, 'it waits');
	$answer = change($other, 'secret of bound_a', 'newer of bound_a');
	$closed->query_until(qr/begun/, "\\echo begun\nBEGIN; LOCK pg_authid IN ACCESS EXCLUSIVE MODE;\n");
	wait_until(sub { $waiting->(2) }, 'the lock of all roles waits');
	$lock->query_safe('ROLLBACK;');
	$changed = outcome($console->receive($asks));
	last if $changed ne '409 locked';
	$closed->query_safe('ROLLBACK;');
}
is(outcome($answer), '409 locked', 'a second change of the role does not wait behind it');
like($answer->{json}{error}{message}, qr/Another change/, 'nor hold a place of the throttle');
is($changed, 200, 'it is changed');
is(outcome($console->ask($other, 'GET', '/api/me')), '401 password', 'the other session ends');
$closed->query_safe('ROLLBACK;');
$closed->quit;

# It is a try to sign in like any other: the throttle counts both.
$session = $console->login('view_a');
sub from
{
	my ($old) = @_;
	return change($session, $old, 'new', 'X-Forwarded-For' => '192.0.2.3');
}
sub fails
{
	return WorkflowEngine::Test::poll(sub { outcome(from('wrong')) eq '403 wrong_password' });
}
ok(fails(), "failure $_") foreach 1, 2;
# at once after a failure: two seconds later it may again
wait_until(sub {
		return fails() && outcome($console->raw($console->bytes('POST', '/api/login',
					[ 'Content-Type' => 'application/x-wf-login', 'X-Forwarded-For' => '192.0.2.3' ],
					"view_a\nsecret of view_a"))) eq '429 throttled';
	}, 'after the third a sign-in from there has to wait as well');
wait_until(sub { fails() && outcome(from('secret of view_a')) eq '429 throttled' }, 'and the next change');

# A role that another server knows: the password that PostgreSQL keeps is not asked for.
SKIP:
{
	skip 'the server knows no LDAP', 4
	  unless WorkflowEngine::Test::pg_config('--configure') =~ /--with-ldap/;
	my ($port, $server) = start_ldap('elsewhere of ldap_a');
	my $hba = $node->data_dir . '/pg_hba.conf';

	append_to_file("$hba.new",
		qq(local all ldap_a ldap ldapserver=127.0.0.1 ldapport=$port ldapprefix="cn=" ldapsuffix=",dc=x"\n)
		  . slurp_file($hba));
	rename "$hba.new", $hba or die $!;
	$node->safe_psql('shop', q{CREATE ROLE ldap_a LOGIN; SELECT wf_grant('ldap_a', 'view')});
	$node->reload;
	wait_until(sub { outcome($console->try_login('ldap_a', 'elsewhere of ldap_a')) eq '200' },
		'a role of LDAP signs in');
	$answer = $console->try_login('ldap_a', 'elsewhere of ldap_a');
	my %known = (token => $answer->{json}{token});
	($known{cookie}) = $answer->{headers}{'set-cookie'} =~ /^__Host-wf=([0-9a-f]{64});/;
	$answer = change(\%known, 'elsewhere of ldap_a', 'here of ldap_a');
	is(outcome($answer), '409 password_unused', 'it is told that the new one is not asked for');
	is(outcome($console->try_login('ldap_a', 'here of ldap_a')), '401 login_failed', 'nor is it');
	is(outcome($console->try_login('ldap_a', 'elsewhere of ldap_a')), 200, 'but the other one');
	kill 'KILL', $server;
	waitpid $server, 0;
}

# A server of LDAP that knows one password, whoever asks.
sub start_ldap
{
	my ($password) = @_;
	my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 20) or die $!;
	my $pid = fork();

	return ($listener->sockport, $pid) if $pid;
	my $select = IO::Select->new($listener);
	for (;;)
	{
		foreach my $s ($select->can_read)
		{
			my $bytes;
			if ($s == $listener)
			{
				$select->add($listener->accept);
			}
			elsif (!sysread($s, $bytes, 4096) || $bytes !~ /\A\x30.\x02\x01(.)\x60/s)
			{
				$select->remove($s);
				close $s;
			}
			else
			{
				# the answer to a simple bind: 0, or 49, invalidCredentials
				my $result = $bytes =~ /\Q$password\E\z/ ? "\x00" : "\x31";
				syswrite $s, "\x30\x0c\x02\x01" . substr($bytes, 4, 1) . "\x61\x07\x0a\x01${result}\x04\x00\x04\x00";
			}
		}
	}
}

# The program ends while a change waits.
$session = $console->login('admin_a');
$lock->query_safe('BEGIN; ALTER ROLE admin_a CONNECTION LIMIT 50;');
my $waits = $console->connect;
syswrite $waits, change_bytes($session, 'secret of admin_a', 'new');
$console->stop;
$lock->query_safe('ROLLBACK;');
$lock->quit;

done_testing();
