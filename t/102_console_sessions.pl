# wf_console: signing in and out, whom it refuses, forged requests, the throttle,
# what sessions end by, and where passwords are not.
use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

use WorkflowEngine::Console;
use WorkflowEngine::Test;

my $node = console_node('sessions');
my $console = start_console($node,
	env => { PGHOST => '/nowhere', PGUSER => 'postgres', PGPASSWORD => 'x' });
my $url = $console->{url};
my ($session, $answer);

sub outcome
{
	my ($answer) = @_;
	return $answer->{status} == 200 ? 200
	  : "$answer->{status} $answer->{json}{error}{code}";
}

# Signing in: the cookie, the token, and that both are needed.
$answer = $console->try_login('ops_a', 'secret of ops_a');
is($answer->{status}, 200, 'a role signs in');
is_deeply([ sort keys %{ $answer->{json} } ], [ 'role', 'token' ], 'the answer');
like($answer->{headers}{'set-cookie'},
	qr/^__Host-wf=[0-9a-f]{64}; Secure; HttpOnly; SameSite=Strict; Path=\/$/,
	'the cookie');
is($answer->{headers}{'cache-control'}, 'no-store', 'not to be stored');
$session = $console->login('ops_a');
$answer = $console->ask($session, 'GET', '/api/me');
is($answer->{json}{role}, 'ops_a', 'who it is');
like($answer->{headers}{'x-wf-idle'}, qr/^1(800|7\d\d)$/, 'how long it lasts');
unlike($answer->{body}, qr/$session->{token}/, 'me does not tell the token');
ok(!exists $answer->{headers}{'set-cookie'}, 'no cookie but at the sign-in');
my $other = $console->login('ops_b');
my %partial = (
	'no cookie' => { token => $session->{token} },
	'no token' => { cookie => $session->{cookie} },
	'the token of another' =>
	  { cookie => $session->{cookie}, token => $other->{token} },
	'the cookie as token' =>
	  { cookie => $session->{cookie}, token => $session->{cookie} },
	'a cookie that was made up' => { cookie => 'ab' x 32, token => 'cd' x 32 },
	'zeros' => { cookie => '00' x 32, token => '00' x 32 },
	'a short cookie' =>
	  { cookie => substr($session->{cookie}, 1), token => $session->{token} });
foreach my $what (sort keys %partial)
{
	foreach my $request ([ 'GET', '/api/me' ], [ 'POST', '/api/runs' ],
		[ 'POST', '/api/logout' ])
	{
		is(outcome($console->ask($partial{$what}, @$request)),
			'401 no_session', "$what: @$request");
	}
}
is(outcome($console->ask($session, 'GET', '/api/me')), 200, 'all of it stays');

# Fixation: a sign-in takes no id that the browser has, and gives a new one.
my $fixed = $console->try_login('ops_a', 'secret of ops_a',
	Cookie => '__Host-wf=' . 'ab' x 32);
unlike($fixed->{headers}{'set-cookie'}, qr/abababab/, 'an id of its own');
is(outcome($console->ask({ cookie => 'ab' x 32, token => $fixed->{json}{token} },
			'GET', '/api/me')), '401 no_session', 'the other one is none');
$console->ask($session, 'GET', '/api/me');

# Forged requests.
my %matrix = (
	'no Origin' => [ '403 csrf', Origin => undef ],
	'another Origin' => [ '403 csrf', Origin => 'http://evil.example' ],
	'Origin null' => [ '403 csrf', Origin => 'null' ],
	'another port' => [ '403 csrf', Origin => 'http://127.0.0.1:1' ],
	'another scheme' => [ '403 csrf', Origin => "https://$console->{host}" ],
	'cross-site' => [ '403 csrf', 'Sec-Fetch-Site' => 'cross-site' ],
	'same-site' => [ '403 csrf', 'Sec-Fetch-Site' => 'same-site' ],
	'typed in' => [ '403 csrf', 'Sec-Fetch-Site' => 'none' ],
	'no token' => [ '401 no_session', 'X-WF-Token' => undef ],
	'an empty token' => [ '401 no_session', 'X-WF-Token' => '' ],
	'a form' =>
	  [ '415 content_type', 'Content-Type' => 'application/x-www-form-urlencoded' ],
	'plain text' => [ '415 content_type', 'Content-Type' => 'text/plain' ],
	'many parts' => [ '415 content_type', 'Content-Type' => 'multipart/form-data' ],
	'no type' => [ '415 content_type', 'Content-Type' => undef ],
	'ours' => [ 200, 'Sec-Fetch-Site' => 'same-origin' ]);
foreach my $what (sort keys %matrix)
{
	my ($expected, @headers) = @{ $matrix{$what} };
	is(outcome($console->ask($session, 'POST', '/api/failures', {}, @headers)),
		$expected, "a POST: $what");
}
foreach my $what ('another Origin', 'Origin null', 'cross-site', 'same-site', 'no token')
{
	my ($expected, @headers) = @{ $matrix{$what} };
	is(outcome($console->ask($session, 'GET', '/api/me', undef, @headers)),
		$expected, "a GET: $what");
}
is(outcome($console->try_login('ops_a', 'secret of ops_a', Origin => 'http://evil.example')),
	'403 csrf', 'a forged sign-in');
is(outcome($console->try_login('ops_a', 'secret of ops_a',
			'Content-Type' => 'application/json')),
	'415 content_type', 'or one as JSON');

# Whom it refuses.
my $begun = time();
is(outcome($console->try_login('ops_a', 'wrong')), '401 login_failed', 'a wrong password');
cmp_ok(time() - $begun, '>=', 0.29, 'not answered at once');
my $wrong = $console->try_login('ops_a', 'wrong')->{body};
$begun = time();
is($console->try_login('no_such_role', 'wrong')->{body}, $wrong,
	'an unknown role has the same answer');
cmp_ok(time() - $begun, '>=', 0.29, 'as late');
is(outcome($console->try_login('super_a', 'secret of super_a')),
	'403 superuser', 'a superuser');
is(outcome($console->try_login('trusted_a', 'any')), '403 no_password',
	'a role that PostgreSQL lets in without the password');
$answer = $console->try_login('nobody_a', 'secret of nobody_a');
is(outcome($answer), '403 no_capability', 'a role that may not look');
is($answer->{json}{error}{hint}, "SELECT wf_grant('nobody_a', 'view');", 'and what helps');
foreach my $case ([ 'no password', 'ops_a', '' ], [ 'no role', '', 'x' ],
	[ 'a password of two lines', 'ops_a', "a\nb" ],
	[ 'a role of 64 characters', 'r' x 64, 'x' ],
	[ 'a password of 1001 characters', 'ops_a', 'x' x 1001 ],
	[ 'a role with a NUL', "ops_a\0", 'x' ],
	[ 'a password that is not UTF-8', 'ops_a', "\xff" ],
	[ 'too much of it', 'ops_a', 'x' x 3_000 ])
{
	my ($what, $role, $password) = @$case;
	is(outcome($console->try_login($role, $password)), '400 bad_request', $what);
}
# what could be taken for a connection string is a name
is(outcome($console->try_login('user=super_a host=/tmp', 'secret of super_a')),
	'401 login_failed', 'a connection string is no role');
$node->safe_psql('postgres', 'ALTER ROLE view_a CONNECTION LIMIT 0');
is(outcome($console->try_login('view_a', 'secret of view_a')),
	'503 too_many_connections', 'a role without a free connection');
$node->safe_psql('postgres', 'ALTER ROLE view_a CONNECTION LIMIT -1');
wait_for($node, 'postgres',
	"SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name LIKE 'wf_console:%' "
	  . "AND usename NOT IN ('ops_a', 'ops_b')", 'nobody refused stays connected');

# Who is connected, from where.
my $at = $console->raw($console->bytes('POST', '/api/login',
		[ 'Content-Type' => 'application/x-wf-login',
			'X-Forwarded-For' => '198.51.100.1, 192.0.2.77' ], "view_a\nsecret of view_a"));
is($at->{status}, 200, 'a viewer signs in');
is($node->safe_psql('postgres',
		"SELECT application_name FROM pg_stat_activity WHERE usename = 'view_a'"),
	'wf_console: 192.0.2.77', 'pg_stat_activity says from where');
# The settings of a session.
my $settings = $node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity "
	  . "WHERE usename = 'view_a' AND state = 'idle'");
is($settings, '1', 'it is idle between two requests');

# The throttle: once a second from an address, ever more rarely for a role.
sub from
{
	my ($address, $role, $password) = @_;
	return $console->raw($console->bytes('POST', '/api/login',
			[ 'Content-Type' => 'application/x-wf-login',
				'X-Forwarded-For' => $address ], "$role\n$password"));
}
my @tries;
# (on a busy machine a second may lie between two that are sent at once)
wait_until(sub {
		@tries = map { $console->connect } 1, 2;
		syswrite $_, $console->bytes('POST', '/api/login',
			[ 'Content-Type' => 'application/x-wf-login', 'X-Forwarded-For' => '192.0.2.1' ],
			"no_such_role\nwrong") foreach @tries;
		@tries = sort { $a->{status} <=> $b->{status} } map { $console->receive($_) } @tries;
		return outcome($tries[0]) eq '401 login_failed' && outcome($tries[1]) eq '429 throttled';
	}, 'of two tries within a second one is refused');
is($tries[1]{headers}{'retry-after'}, 1, 'and told when');
is(outcome(from('192.0.2.2', 'view_a', 'secret of view_a')), 200, 'another address may');
# Four at a time are those that PostgreSQL is asked about: who was refused and waits to
# hear of it keeps nobody out.  Rounds, since a slow machine may be late for some.
my $others = 0;
foreach my $round (1 .. 5)
{
	my $refused = () = $console->log_text =~ /"sign-in refused"/g;
	my @guesses = map { $console->connect } 1 .. 4;

	syswrite $guesses[ $_ - 1 ], $console->bytes('POST', '/api/login',
		[ 'Content-Type' => 'application/x-wf-login', 'X-Forwarded-For' => "192.0.2.1$round$_" ],
		"no_such_$_\nwrong") foreach 1 .. 4;
	wait_until(sub { (() = $console->log_text =~ /"sign-in refused"/g) == $refused + 4 },
		"four are refused, round $round");
	$others++ if outcome(from("192.0.2.2$round", 'view_a', 'secret of view_a')) eq '429 throttled';
	is_deeply([ map { outcome($console->receive($_)) } @guesses ], [ ('401 login_failed') x 4 ],
		'and hear of it');
}
is($others, 0, 'nobody else was kept out meanwhile');
# 10.0.0.0/8 is what try_login takes: each time another one, so no pace holds
foreach my $n (1 .. 3)
{
	wait_until(sub { outcome(from('192.0.2.3', 'ops_b', 'wrong')) eq '401 login_failed' },
		"failure $n");
}
# each failure more doubles the time, so that it is seen on a busy machine as well
wait_until(sub {
		my $answer = from('192.0.2.3', 'ops_b', 'wrong');
		return $answer->{status} == 429 && $answer->{headers}{'retry-after'} >= 2;
	}, 'after three failures the role has to wait longer than a second');
wait_until(sub { outcome(from('192.0.2.3', 'ops_b', 'secret of ops_b')) eq '200' }, 'and then it may again');
is(outcome(from('192.0.2.4', 'ops_b', 'secret of ops_b')), 200,
	'elsewhere it was never locked');

# The fifth session of a role ends the one that was idle longest.
my @five = map { $console->login('admin_a') } 1 .. 4;
foreach my $s (@five[ 1, 2, 3, 0 ])
{
	$console->ask($s, 'GET', '/api/me');
}
push @five, $console->login('admin_a');
is_deeply([ map { outcome($console->ask($_, 'GET', '/api/me')) } @five ],
	[ 200, '401 ended', 200, 200, 200 ], 'five sessions of a role');

# Signing out.
$answer = $console->ask($five[0], 'POST', '/api/logout', {});
is_deeply($answer->{json}, { ended => JSON::PP::true }, 'signed out');
like($answer->{headers}{'set-cookie'}, qr/^__Host-wf=; .*Max-Age=0$/, 'the cookie goes');
is(outcome($console->ask($five[0], 'GET', '/api/me')), '401 ended', 'the session is over');
wait_for($node, 'postgres',
	"SELECT count(*) = 3 FROM pg_stat_activity WHERE usename = 'admin_a'",
	'and its connection closed');

# What the administrator of the database ends stays ended.
$node->safe_psql('postgres',
	"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'admin_a'");
wait_until(sub { () = $console->log_text =~ /"session ended", "role": "admin_a".*"lost"/g; },
	'a lost connection is seen at once');
is_deeply([ map { outcome($console->ask($_, 'GET', '/api/me')) } @five[ 2, 3, 4 ] ],
	[ ('401 lost') x 3 ], 'terminated sessions are lost');

# Passwords are nowhere, and nobody may look into the process.
my $log = $console->log_text;
unlike($log, qr/secret of/, 'no password in the log');
my $pid = $console->pid;
SKIP:
{
	skip 'root may read everything', 1 if $< == 0;
	ok(!-r "/proc/$pid/environ" || !open(my $f, '<', "/proc/$pid/environ"),
		'its environment is not to be read by its own user');
}
like(slurp_file("/proc/$pid/limits"), qr/^Max core file size\s+0\s+0\s/m, 'no core');
is((stat "/proc/$pid/mem")[4], 0, 'its memory is not its user\'s to read');
$log = slurp_file($node->logfile);
unlike($log, qr/secret of (?!\w+' IN ROLE)/, 'nor in the log of PostgreSQL');
$console->stop;

# Superusers, if it is allowed.  Sessions that are idle, or older than may be,
# end; what a timer asks for is no activity.
$console = start_console($node,
	conf => "allow_superuser = on\nsession_idle = 4s\nsession_total = 7s\nmax_sessions = 2\n");
$session = $console->login('super_a');
$begun = time();
is(outcome($console->ask($session, 'GET', '/api/me')), 200, 'a superuser');
wait_until(sub {
		outcome($console->ask($session, 'GET', '/api/me', undef, 'X-WF-Poll' => 1)) eq
		  '401 expired'
	}, 'polls keep no session');
cmp_ok(time() - $begun, '>', 3, 'which lasts as long as it is idle');
$begun = time();
$session = $console->login('ops_a');
wait_until(sub { outcome($console->ask($session, 'GET', '/api/me')) eq '401 expired' },
	'nor do requests longer than in all');
cmp_ok(time() - $begun, '>', 6, 'which is as long as it may');
wait_for($node, 'postgres',
	"SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name LIKE 'wf_console:%'",
	'their connections are closed');
$session = $console->login($_) foreach 'ops_a', 'ops_b';
$answer = $console->try_login('view_a', 'secret of view_a');
is(outcome($answer), '503 too_many_sessions', 'as many as may be signed in');
$console->stop;

# Without a proxy that is trusted nobody says another address.
wait_for($node, 'postgres',
	"SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name LIKE 'wf_console:%'",
	'the connections of the one before are closed');
$console = start_console($node, trusted_proxy => '192.0.2.200',
	conf => "tenant_label = en: shop/shops, ar: \xd9\x81/\"x\\\n");
$answer = $console->try_login('ops_a', 'secret of ops_a');
is(outcome($answer), 200, 'signs in');
is($node->safe_psql('postgres',
		"SELECT application_name FROM pg_stat_activity WHERE usename = 'ops_a'"),
	'wf_console: 127.0.0.1', 'from where the connection is');
$session = { token => $answer->{json}{token} };
($session->{cookie}) = $answer->{headers}{'set-cookie'} =~ /^__Host-wf=([0-9a-f]{64});/;
is_deeply($console->ask($session, 'GET', '/api/me')->{json}{tenant_label},
	{ en => { one => 'shop', many => 'shops' }, ar => { one => "\x{641}", many => '"x\\' } },
	'what the configuration calls a tenant');
$console->stop;

# No extension, and no server.
$node->safe_psql('shop', 'DROP EXTENSION workflow_engine CASCADE');
$console = start_console($node);
is(outcome($console->try_login('ops_a', 'secret of ops_a')), '503 no_extension',
	'a database without the extension');
$node->safe_psql('shop',
	'CREATE EXTENSION workflow_engine SCHEMA "my wf" VERSION \'1.0\'; SELECT wf_grant(\'ops_a\', \'view\')');
$answer = $console->try_login('ops_a', 'secret of ops_a');
is(outcome($answer), '503 old_extension', 'a database that is not updated');
is("$answer->{json}{error}{message} $answer->{json}{error}{hint}",
	'The console needs workflow_engine 1.1, and this database has 1.0. ALTER EXTENSION workflow_engine UPDATE;',
	'... says what it has, and what to do');
$node->safe_psql('shop', 'ALTER EXTENSION workflow_engine UPDATE');
is(outcome($console->try_login('ops_a', 'secret of ops_a')), '200', '... and is, after that');
$node->stop('immediate');
is(outcome($console->try_login('ops_a', 'secret of ops_a')), '503 unavailable',
	'no server');
$console->stop;
done_testing();
