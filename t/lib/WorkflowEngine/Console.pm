
=head1 NAME

WorkflowEngine::Console - wf_console for tests, and a client that sends bytes

=head1 SYNOPSIS

  use WorkflowEngine::Console;
  my $node = console_node('main');	# with roles, and a database "shop"
  my $console = start_console($node);
  my $session = $console->login('ops_a', 'secret of ops_a');
  my $answer = $console->ask($session, 'GET', '/api/me');
  is($answer->{status}, 200);
  is($answer->{json}{role}, 'ops_a');
  $console->stop;

The program is WF_CONSOLE of the environment, which make test sets to one that is
built with sanitizers.  What they find fails the test at stop.

=cut

package WorkflowEngine::Console;

use strict;
use warnings FATAL => 'all';

use Carp;
use Exporter 'import';
use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use IPC::Run ();
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

use WorkflowEngine::Test;

our @EXPORT = qw(console_node start_console console_roles %common_headers);

our $limit = $WorkflowEngine::Test::limit;

# What every answer has.
our %common_headers = (
	'content-security-policy' =>
	  "default-src 'none'; script-src 'self'; style-src 'self'; "
	  . "img-src 'self' data:; connect-src 'self'; frame-src 'self'; "
	  . "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
	  . "require-trusted-types-for 'script'; trusted-types 'none'",
	'x-content-type-options' => 'nosniff',
	'referrer-policy' => 'no-referrer',
	'cross-origin-opener-policy' => 'same-origin',
	'cross-origin-resource-policy' => 'same-origin');

my $tenant = '00000000-0000-0000-0000-00000000000';

=head2 console_roles()

Roles by name, each with the capability that it is granted; the password is
"secret of NAME".  Bound and none are bound to a tenant and to none.

=cut

sub console_roles
{
	return (
		view_a => 'view',
		ops_a => 'operate',
		ops_b => 'operate',
		admin_a => 'admin',
		bound_a => 'operate',
		none_a => 'view',
		nobody_a => undef,
		super_a => undef);
}

=head2 console_node(name, conf)

A started server with a database "shop" that has the extension in schema
"my wf", the roles above, and two tenants: Beirut (...1) and Tripoli (...2).

=cut

sub console_node
{
	my ($name, $conf) = @_;
	my $node = new_node($name, $conf || '');
	my %roles = console_roles();
	my $hba = $node->data_dir . '/pg_hba.conf';

	PostgreSQL::Test::Utils::append_to_file("$hba.new",
		"local all +wf_console scram-sha-256\n" . slurp_file($hba));
	rename "$hba.new", $hba or croak $!;
	$node->reload;
	$node->safe_psql('postgres',
		"CREATE ROLE wf_console NOLOGIN;\nCREATE ROLE trusted_a LOGIN;\n"
		  . join('', map {
			"CREATE ROLE $_ LOGIN PASSWORD 'secret of $_' IN ROLE wf_console;\n"
		  } sort keys %roles)
		  . 'ALTER ROLE super_a SUPERUSER');
	$node->safe_psql('postgres',
		"CREATE DATABASE shop ENCODING 'UTF8' LOCALE 'C.UTF-8' TEMPLATE template0");
	$node->safe_psql('shop',
		'CREATE SCHEMA "my wf"; CREATE EXTENSION workflow_engine SCHEMA "my wf";'
		  . 'ALTER DATABASE shop SET search_path = public, "my wf"');
	$node->safe_psql('shop', join ';', map {
		defined $roles{$_} ? "SELECT wf_grant('$_', '$roles{$_}')" : ()
	} sort keys %roles);
	$node->safe_psql('shop', <<"SQL");
ALTER ROLE bound_a SET workflow_engine.tenant_id = '${tenant}1';
ALTER ROLE none_a SET workflow_engine.tenant_id = 'none';
INSERT INTO workflow_tenants VALUES ('${tenant}1', 'Beirut'), ('${tenant}2', 'Tripoli');
SQL
	return $node;
}

=head2 start_console(node, option => value ...)

Starts it on a free port.  Options: conf (more lines), unix (1: a socket), url,
trusted_proxy, env (a hash), database (a connection string), descriptors (how many
it has at its start).

=cut

sub start_console
{
	my ($node, %option) = @_;
	my $dir = PostgreSQL::Test::Utils::tempdir_short();
	my $port = PostgreSQL::Test::Cluster::get_free_port();
	my $owner = getpwuid($<);
	my $self = bless {
		port => $port,
		dir => $dir,
		log => "$dir/log",
		unix => $option{unix} ? "$dir/http.sock" : undef,
		url => $option{url} || "http://127.0.0.1:$port",
		addresses => 0,
	}, __PACKAGE__;

	($self->{host} = $self->{url}) =~ s,^https?://,,;
	PostgreSQL::Test::Utils::append_to_file("$dir/conf",
			'listen = '
		  . ($option{unix} ? "unix:$self->{unix}" : "127.0.0.1:$port")
		  . "\nurl = $self->{url}\ntrusted_proxy = "
		  . ($option{trusted_proxy} || '127.0.0.1')
		  . "\ndatabase = "
		  . ($option{database}
			  || 'host=' . $node->host . ' port=' . $node->port
			  . " dbname=shop requirepeer=$owner")
		  . "\n"
		  . ($option{conf} || ''));
	my @limited = $option{descriptors}
	  ? ('sh', '-c', "ulimit -Sn $option{descriptors}; exec \"\$@\"", 'sh')
	  : ();
	$self->{handle} = IPC::Run::start(
		[ @limited, program(), '--config', "$dir/conf" ],
		'<', \undef, '>', "$dir/out", '2>', $self->{log},
		init => sub { %ENV = (%ENV, %{ $option{env} || {} }) });
	my $end = time() + $limit;
	until ($self->log_has('"event": "started"'))
	{
		croak 'wf_console does not start: ' . slurp_file($self->{log})
		  if time() > $end || !$self->{handle}->pumpable;
		select undef, undef, undef, 0.02;
	}
	return $self;
}

=head2 program()

The path of wf_console.

=cut

sub program
{
	my $program = $ENV{WF_CONSOLE}
	  or croak 'WF_CONSOLE must name the program (make test sets it)';
	# PR_SET_DUMPABLE keeps the leak checker from looking
	$ENV{ASAN_OPTIONS} = 'detect_leaks=0';
	return $program;
}

sub pid
{
	my ($self) = @_;
	return $self->{handle}{KIDS}[0]{PID};
}

sub log_text
{
	my ($self) = @_;
	return -e $self->{log} ? slurp_file($self->{log}) : '';
}

sub log_has
{
	my ($self, $text) = @_;
	return index($self->log_text, $text) >= 0;
}

=head2 stop()

Ends it, and checks that it ends well and that no sanitizer has found anything.

=cut

sub stop
{
	my ($self) = @_;

	kill 'TERM', $self->pid;
	$self->{handle}->finish;
	is($self->{handle}->result(0), 0, 'wf_console ends with status 0');
	unlike($self->log_text, qr/Sanitizer|runtime error:/,
		'no sanitizer found anything');
}

=head2 connect()

A socket to it.

=cut

sub connect
{
	my ($self) = @_;
	my $socket =
	  $self->{unix}
	  ? IO::Socket::UNIX->new(Peer => $self->{unix})
	  : IO::Socket::INET->new(
		PeerAddr => '127.0.0.1',
		PeerPort => $self->{port});

	croak "cannot connect: $!" unless $socket;
	$socket->autoflush(1);
	return $socket;
}

# More bytes of a socket onto $$buffer; false at its end.
sub more
{
	my ($socket, $buffer) = @_;
	my $n;

	croak 'no answer' unless IO::Select->new($socket)->can_read($limit);
	$n = sysread($socket, $$buffer, 65536, length $$buffer);
	return $n;
}

=head2 receive(socket)

The next answer of a socket: status, headers (names in lower case), lines, body
and json, unless it is a download.  undef: it was closed.

=cut

sub receive
{
	my ($self, $socket) = @_;
	my $buffer = delete $self->{rest}{$socket};
	my %answer;

	$buffer = '' unless defined $buffer;
	while ($buffer !~ /\r\n\r\n/)
	{
		if (!more($socket, \$buffer))
		{
			croak "half an answer: $buffer" if length $buffer;
			return undef;
		}
	}
	my ($head, $body) = split /\r\n\r\n/, $buffer, 2;
	my ($first, @lines) = split /\r\n/, $head;
	($answer{status}) = $first =~ m,^HTTP/1\.1 (\d{3}) \w+$,
	  or croak "no status: $first";
	$answer{lines} = \@lines;
	foreach my $line (@lines)
	{
		my ($name, $value) = $line =~ /^([\w-]+): (.*)$/
		  or croak "no header: $line";
		croak "twice: $line" if defined $answer{headers}{ lc $name };
		$answer{headers}{ lc $name } = $value;
	}
	my $length = $answer{headers}{'content-length'};
	while (length($body) < $length)
	{
		more($socket, \$body) or croak 'half a body';
	}
	$self->{rest}{$socket} = substr($body, $length)
	  if length($body) > $length;
	$answer{body} = substr($body, 0, $length);
	$answer{json} = decode_json($answer{body})
	  if $answer{headers}{'content-type'} =~ m,^application/json,
	  && !exists $answer{headers}{'content-disposition'};
	return \%answer;
}

=head2 raw(bytes)

Sends bytes over a connection of its own, and returns the first answer.

=cut

sub raw
{
	my ($self, $bytes) = @_;
	my $socket = $self->connect;
	my $answer;

	local $SIG{PIPE} = 'IGNORE';
	syswrite_all($socket, $bytes);
	$answer = $self->receive($socket);
	delete $self->{rest}{$socket};
	return $answer;
}

sub syswrite_all
{
	my ($socket, $bytes) = @_;
	my $done = 0;

	while ($done < length $bytes)
	{
		my $n = syswrite($socket, $bytes, length($bytes) - $done, $done);
		return unless $n;
		$done += $n;
	}
}

=head2 bytes(method, path, headers, body)

A request as bytes.  headers is a list; undef as a value leaves one out that
would be there: Host, Origin and Content-Type of a POST, Content-Length.

=cut

sub bytes
{
	my ($self, $method, $path, $headers, $body) = @_;
	my %header = (
		'Host' => $self->{host},
		$method eq 'POST'
		? (
			'Origin' => $self->{url},
			'Content-Type' => 'application/json',
			'Content-Length' => length(defined $body ? $body : ''))
		: (), @{ $headers || [] });

	return "$method $path HTTP/1.1\r\n"
	  . join('',
		map { defined $header{$_} ? "$_: $header{$_}\r\n" : () }
		sort keys %header)
	  . "\r\n"
	  . (defined $body ? $body : '');
}

# The headers of a session.
sub session_headers
{
	my ($session) = @_;

	return () unless $session;
	return (
		defined $session->{cookie}
		? ('Cookie' => "__Host-wf=$session->{cookie}")
		: (),
		defined $session->{token} ? ('X-WF-Token' => $session->{token}) : ());
}

=head2 ask(session, method, path, body, header => value ...)

Asks, and returns the answer.  A body that is a reference is made JSON; session
may be undef.

=cut

sub ask
{
	my ($self, $session, $method, $path, $body, @headers) = @_;

	return $self->raw(
		$self->ask_bytes($session, $method, $path, $body, @headers));
}

sub ask_bytes
{
	my ($self, $session, $method, $path, $body, @headers) = @_;

	$body = encode_json($body) if ref $body;
	$body = '{}' if !defined $body && $method eq 'POST';
	return $self->bytes($method, $path,
		[ session_headers($session), @headers ], $body);
}

=head2 try_login(role, password, header => value ...)

Tries to sign in, each time from another address, and returns the answer.

=cut

sub try_login
{
	my ($self, $role, $password, @headers) = @_;
	my $n = $self->{addresses}++;

	return $self->raw(
		$self->bytes(
			'POST',
			'/api/login',
			[
				'Content-Type' => 'application/x-wf-login',
				'X-Forwarded-For' =>
				  sprintf('10.%d.%d.1', int($n / 250), $n % 250),
				@headers
			],
			"$role\n$password"));
}

=head2 login(role)

Signs in with the role's password, and returns the session: cookie and token.

=cut

sub login
{
	my ($self, $role) = @_;
	my $answer = $self->try_login($role, "secret of $role");
	my %session = (role => $role, token => $answer->{json}{token});

	croak "$role: $answer->{body}" unless $answer->{status} == 200;
	($session{cookie}) =
	  $answer->{headers}{'set-cookie'} =~ /^__Host-wf=([0-9a-f]{64});/;
	return \%session;
}

1;
