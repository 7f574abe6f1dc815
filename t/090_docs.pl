
# The documentation tells the truth: every SQL example runs, shows what it
# says it shows, and what there is to name is named.
#
# In README.md and docs/*.md, each block of ```sql is one psql session; those
# of a file run in order in a database of its own.  A block of ```text right
# behind one is its output, to the letter.  Comments that readers do not see
# say the rest:
#
#	<!-- test: sql          SQL that runs here and is not shown
#	... -->
#	<!-- test: skip why --> the next block does not run
#	<!-- test: in NAME -->  the next block runs in the database of that name
#	<!-- test: as ROLE -->  all the blocks that are shown after it run with
#	                        that role (none: as the superuser again)
#	<!-- test: fails 22023 -->  the next block ends with that error; what
#	                        ```text shows behind it is psql's message
#
# After each block the runs that are due are waited for.  Hosts of the
# examples are replaced by receivers on this machine (%HOSTS).
#
# With WF_DOCS_OUT=FOLDER in the environment, copies of the files are written
# there whose ```text blocks show what was really printed.

use strict;
use warnings FATAL => 'all';

use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use FindBin;
use Test::More;
use PostgreSQL::Test::Utils;
use WorkflowEngine::Test;
use WorkflowEngine::Outbound;

my $top = abs_path("$FindBin::Bin/..");
my @files = ('README.md', map { "docs/" . basename($_) } glob "$top/docs/*.md");
my %text = map { $_ => slurp_file("$top/$_") }
  (@files, 'CHANGELOG.md', 'CONTRIBUTING.md', 'src/README.md',
	'examples/README.md',
	map { s{^\Q$top\E/}{}r } glob "$top/src/*/README.md");

my $ca = make_ca();
my @tls = ('--tls-cert', "$ca/good.pem", '--tls-key', "$ca/good.key");
my $http = start_receiver('http', @tls);
my $smtp = start_receiver('smtp', @tls, '--auth', 'orders:s3cret-password',
	'--refuse-recipient', 'nobody');
my %HOSTS = (
	'https://api.example.com' => $http->url,
	'https://hooks.example.com' => $http->url('/hooks'),
	'https://login.example.com' => $http->url('/token/3600/crm'),
	'https://crm.example.com' => $http->url('/guarded/crm'),
	'https://down.example.com' => $http->url('/status/503'),
	'https://gone.example.com' => $http->url('/status/404'),
	'https://slow.example.com' => $http->url('/hang'),
	'https://graph.facebook.com' => $http->url,
	'https://slack.com' => $http->url,
	'https://hooks.slack.com' => $http->url('/slack-hook'),
	'https://teams.example.com' => $http->url('/teams'),
	'smtp://mail.example.com:587' => 'smtp://localhost:' . $smtp->port);

my $secrets = PostgreSQL::Test::Utils::tempdir();
append_to_file("$secrets/$_", "not-a-real-secret-$_")
  foreach qw(whatsapp_token slack_token billing_token crm_id crm_secret);
append_to_file("$secrets/smtp_password", 's3cret-password');

my $node = outbound_node('docs', <<"CONF");
workflow_engine.workers = 1
workflow_engine.ca_file = '$ca/ca.pem'
workflow_engine.secrets_dir = '$secrets'
CONF

#--- reading

# The items of a file: {type => 'sql', 'text', 'hidden', 'skip', 'in', 'as' or
# 'fails', line, body}.
sub items
{
	my ($name) = @_;
	my (@items, $open);
	my $number = 0;

	foreach my $line (split /\n/, $text{$name})
	{
		$number++;
		if ($open)
		{
			if ($line eq $open->{end})
			{
				push @items, $open;
				undef $open;
			}
			else
			{
				$open->{body} .= "$line\n";
			}
		}
		elsif ($line =~ /^```(\w*)$/)
		{
			$open = { type => $1, end => '```' };
		}
		elsif ($line eq '<!-- test: sql')
		{
			$open = { type => 'hidden', end => '-->' };
		}
		elsif ($line =~ /^<!-- test: (skip|fails|in|as) (.*\S) *-->$/)
		{
			push @items, { type => $1, body => $2, line => $number };
		}
		elsif ($line =~ /^<!-- test:/)
		{
			die "$name:$number: $line\n";
		}
		if ($open && !$open->{line})
		{
			$open->{line} = $number;
			$open->{body} = '';
		}
	}
	die "$name: what begins in line $open->{line} does not end\n" if $open;
	return @items;
}

#--- running

sub to_loopback
{
	my ($sql) = @_;

	foreach my $host (sort { length $b <=> length $a } keys %HOSTS)
	{
		$sql =~ s/\Q$host\E(?![\w.:])/$HOSTS{$host}/g;
	}
	return $sql;
}

sub from_loopback
{
	my ($output) = @_;

	foreach my $host (sort { length $HOSTS{$b} <=> length $HOSTS{$a} }
		keys %HOSTS)
	{
		$output =~ s/\Q$HOSTS{$host}\E/$host/g;
	}
	return $output;
}

# Output as it is compared: no blanks at the ends of lines, nor at the end.
sub tidy
{
	my ($output) = @_;

	$output =~ s/[ \t]+$//mg;
	$output =~ s/\n+\z//;
	return $output;
}

# psql's output and messages; its exit status.
sub run_sql
{
	my ($db, $sql, $stop) = @_;
	my ($stdout, $stderr);
	my $status = $node->psql(
		$db,
		to_loopback($sql),
		stdout => \$stdout,
		stderr => \$stderr,
		on_error_stop => $stop,
		extra_params => [
			qw(-P format=aligned -P tuples_only=off -P pager=off
			  -P linestyle=ascii -v SHOW_CONTEXT=never)
		]);

	$stderr =~ s/^psql:[^ ]*: //mg;
	return (tidy(from_loopback($stdout)), tidy(from_loopback($stderr)),
		$status);
}

# Waits until no run is left that could be executed now.
sub settle
{
	my ($db, $where) = @_;

	return
	  if $node->safe_psql($db,
		"SELECT to_regclass('workflow_runs') IS NULL") eq 't';
	return if $node->poll_query_until(
		$db, q{
		SELECT NOT EXISTS (SELECT FROM workflow_runs r
			WHERE (status = 'running' OR status IN ('queued', 'waiting')
				   AND run_at <= now() + interval '1 minute')
			  AND wf_belongs_here(r.place)
			  AND NOT EXISTS (SELECT FROM workflow_pauses p
				WHERE coalesce(p.tenant_id, r.tenant_id) = r.tenant_id
				  AND coalesce(p.definition_id, r.definition_id) = r.definition_id))});
	fail("$where: the runs end");
	return;
}

# Runs a block; returns its output, or its message where it is to fail.
sub run_block
{
	my ($db, $where, $sql, $state) = @_;

	if (defined $state)
	{
		my ($stdout, $stderr) =
		  run_sql($db, "$sql\n;\\warn state :LAST_ERROR_SQLSTATE\n", 0);
		my $errors = () = $stderr =~ /^ERROR: /mg;

		$stderr =~ s/\nstate (\w+)\z//;
		is("$errors error, " . ($1 || 'none'),
			"1 error, $state", "$where fails with $state");
		return $stderr;
	}
	my ($stdout, $stderr, $status) = run_sql($db, $sql, 1);
	is($status, 0, "$where runs") or diag($stderr);
	return $stdout;
}

# Runs a file's examples in their database; the numbers of the first lines of
# its text blocks and what was printed in their place.
sub run_file
{
	my ($name, $db) = @_;
	my ($state, $skip, $in, $output, %shown);
	my $as = '';

	foreach my $item (items($name))
	{
		my $where = "$name:$item->{line}";

		if ($item->{type} eq 'skip')
		{
			$skip = 1;
		}
		elsif ($item->{type} eq 'fails')
		{
			$state = $item->{body};
		}
		elsif ($item->{type} eq 'in')
		{
			$in = $item->{body};
		}
		elsif ($item->{type} eq 'as')
		{
			$as = "SET ROLE $item->{body};\n";
		}
		elsif ($item->{type} eq 'sql' || $item->{type} eq 'hidden')
		{
			$output = $skip ? undef
			  : run_block($in || $db, $where,
				($item->{type} eq 'sql' ? $as : '') . $item->{body}, $state);
			settle($in || $db, $where) unless $skip;
			undef $state;
			undef $skip;
			undef $in;
		}
		elsif ($item->{type} eq 'text' && defined $output)
		{
			is(tidy($item->{body}), $output, "$where is what is printed");
			$shown{ $item->{line} } = $output;
			undef $output;
		}
		else
		{
			undef $output;
		}
	}
	return \%shown;
}

# Writes a copy of the file with the blocks' true output.
sub write_copy
{
	my ($name, $shown) = @_;
	my $copy = "$ENV{WF_DOCS_OUT}/" . basename($name);
	my $number = 0;
	my $inside;

	open(my $file, '>', $copy) or die "$copy: $!";
	foreach my $line (split /\n/, $text{$name})
	{
		$number++;
		if ($inside && $line eq '```')
		{
			undef $inside;
		}
		print $file "$line\n" unless $inside;
		if (exists $shown->{$number})
		{
			print $file "$shown->{$number}\n";
			$inside = 1;
		}
	}
	close $file;
	return;
}

foreach my $name (@files)
{
	my $db = lc basename($name, '.md');

	note($name);
	$node->safe_psql('postgres', "CREATE DATABASE $db");
	my $shown = run_file($name, $db);
	write_copy($name, $shown) if $ENV{WF_DOCS_OUT};
}

# What an example is said to have sent was received.
foreach my $name (@files)
{
	foreach my $claim ($text{$name} =~ m{`((?:GET|POST|PUT) /[^`\s]+)`}g)
	{
		ok( (grep { "$_->{method} $_->{target}" =~ s{ /hooks/}{ /}r eq $claim }
				$http->requests),
			"$name: $claim was received");
	}
}

#--- what must be named

sub rows
{
	my ($sql) = @_;
	return map { [ split /\|/, $_, -1 ] }
	  split /\n/, $node->safe_psql('postgres', $sql);
}

# The text of a file below one of its headings.
sub section
{
	my ($name, $heading) = @_;

	return $text{$name} =~ /^\#+ \Q$heading\E\n(.*?)(?=^\#|\z)/ms ? $1 : '';
}

# The cells of each row of the file's tables, by the first, without backquotes.
sub table_rows
{
	my ($name) = @_;
	my %rows;

	foreach my $line (split /\n/, $text{$name})
	{
		next unless $line =~ /^\| (.*) \|$/;
		my @cells = map { s/^\s+|\s+$//gr } split /(?<!\\)\|/, $1, -1;
		tr/`//d foreach @cells;
		$rows{ $cells[0] } = \@cells;
	}
	return %rows;
}

# Every setting with its default and its range.
my %settings = table_rows('docs/settings.md');
foreach my $row (
	rows(
		q{SELECT substr(name, 17), boot_val, min_val, max_val, coalesce(unit, ''),
			array_to_string(enumvals, ', '), context
		  FROM pg_settings WHERE name LIKE 'workflow_engine.%'}))
{
	my ($name, $default, $min, $max, $unit, $words, $context) = @$row;
	my $documented = $settings{$name};
	my %factor = (
		ms => 1, s => 1000, min => 60000, h => 3600000, d => 86400000,
		kB => 1, MB => 1024, '' => 1);
	my $base = $unit eq 's' ? 1000 : 1;
	my $plain = sub {
		my ($text) = @_;
		return $1 * $factor{$2} / ($2 ? $base : 1)
		  if $text =~ /^(-?\d+) ?(ms|s|min|h|d|kB|MB|)$/;
		return $text;
	};

	ok($documented, "docs/settings.md names $name") or next;
	my (undef, $its_default, $its_range, $its_context) = @$documented;
	$its_default = '' if $its_default eq 'empty';
	is($plain->($its_default), $default, "$name: its default");
	is($its_context,
		{ sighup => 'reload', postmaster => 'restart', superuser => 'superuser' }
		->{$context},
		"$name: who changes it");
	if ($min ne '')
	{
		is(join(' ', map { $plain->($_) } split / to /, $its_range),
			"$min $max", "$name: its range");
	}
	elsif ($words ne '')
	{
		is($its_range, $words, "$name: its words");
	}
}

# Every function that is not internal.
my %readme = table_rows('README.md');
foreach my $row (
	rows(
		q{SELECT p.proname FROM pg_proc p JOIN pg_depend d
		  ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass
		  AND d.deptype = 'e'
		  JOIN pg_extension e ON e.oid = d.refobjid
		  WHERE e.extname = 'workflow_engine'
		  AND obj_description(p.oid, 'pg_proc') NOT LIKE 'Internal%'}))
{
	ok((grep { /^\Q$row->[0]\E\(/ } keys %readme),
		"README.md has $row->[0] in its table");
}

# Every action with every parameter.
foreach my $row (
	rows(
		q{SELECT name, string_agg(param, ' ')
		  FROM workflow_actions, jsonb_object_keys(params) param
		  WHERE param NOT LIKE '$%' GROUP BY name}))
{
	my ($action, $params) = @$row;
	my $section = section('docs/definitions.md', $action);

	isnt($section, '', "docs/definitions.md has a section $action");
	ok($section =~ /`$_`/, "$action: its parameter $_")
	  foreach split / /, $params;
}

# Every word of the language, as the engine itself lists them.
my $everything = q({"steps": [
	{"name": "a", "action": "webhook", "params": {"url": "{{ now | ~ }}"},
	 "qqqqqqqq": 1, "on_error": "qqqqqqqq", "retry": {"qqqqqqqqqq": 1},
	 "condition": {"field": "qqqqqqqqqqq", "op": "qqqqqqqqqqqqqq"}},
	{"name": "b", "action": "webhook", "params": {"url": "{{ now | qqqqqq }}"},
	 "condition": {"qqqqqqqqqq": 1}},
	{"name": "c", "action": "webhook",
	 "params": {"url": "{{ steps.a.qqqqqq }}{{ run.qqqqqqq }}{{ workflow.qqqqqqqq }}{{ tenant.qqqqqq }}"}}],
	"qqqqqqqqqqqqq": 1});
my %words;
foreach my $row (
	rows("SELECT path, hint FROM wf_validate('$everything') WHERE hint LIKE 'Known are %'"))
{
	$words{$_}++ foreach $row->[1] =~ /"(\w+)"/g;
}
cmp_ok(scalar(keys %words), '>', 40, 'the engine lists its words');
ok($text{'docs/definitions.md'} =~ /`(?:\w+\.(?:NAME\.)?)?$_(?:: [^`]*)?`/,
	"docs/definitions.md names $_")
  foreach sort keys %words;

# Every code of a problem, and no other.
my %codes = map { $_ => 1 } section('docs/definitions.md', 'Codes of problems')
  =~ /^\| `(\w+)` \|/mg;
my %used;
foreach my $source (map { slurp_file($_) } glob "$top/src/*/*.c")
{
	$used{$1}++
	  while $source =~ /problem_(?:error|warning)\((?:[^;"]|"(?![a-z]+(?:_[a-z]+)+",)[^"]*")*"([a-z_]+)",/g;
	$used{$1}++ while $source =~ /\bcode = "(\w+)"/g;
	$used{$_}++ foreach grep { $codes{$_} } $source =~ /"([a-z_]+)"/g;
}
is_deeply([ sort keys %used ], [ sort keys %codes ],
	'docs/definitions.md lists the codes of problems');

# Every privilege of every capability.
my %grants = table_rows('docs/security.md');
foreach my $capability (qw(fire view operate admin))
{
	my %column = (fire => 1, view => 2, operate => 3, admin => 4);
	my $n = $column{$capability};
	my @documented = map { "$_->[0]: $_->[$n]" }
	  grep { @$_ == 5 && $_->[$n] =~ /^[A-Z, ]+$/ } values %grants;

	$node->safe_psql('postgres',
		"CREATE ROLE can_$capability; SELECT wf_grant('can_$capability', '$capability')"
	);
	my @granted = map { "$_->[0]: $_->[1]" } rows(
		qq{WITH granted (object, privilege) AS (
			SELECT proname || '()', privilege_type
			  FROM pg_proc, aclexplode(proacl)
			 WHERE grantee = 'can_$capability'::regrole
			UNION ALL
			SELECT relname, privilege_type
			  FROM pg_class, aclexplode(relacl)
			 WHERE grantee = 'can_$capability'::regrole
			UNION ALL
			SELECT relname || ' (' || string_agg(attname, ', ' ORDER BY attnum) || ')',
				   privilege_type
			  FROM pg_attribute JOIN pg_class c ON c.oid = attrelid,
				   aclexplode(attacl)
			 WHERE grantee = 'can_$capability'::regrole
			 GROUP BY relname, privilege_type
			UNION ALL
			SELECT 'the schema', privilege_type
			  FROM pg_namespace, aclexplode(nspacl)
			 WHERE grantee = 'can_$capability'::regrole)
		  SELECT object, string_agg(privilege, ', ' ORDER BY array_position(
			'{SELECT,INSERT,UPDATE,DELETE}'::text[], privilege))
		  FROM granted GROUP BY object});
	is(join("\n", sort @documented), join("\n", sort @granted),
		"docs/security.md lists what $capability gives");
}

#--- links

# A heading's name in a link.
sub slug
{
	my ($heading) = @_;

	$heading = lc $heading;
	$heading =~ s/[^\w\- ]//g;
	$heading =~ s/ /-/g;
	return $heading;
}

foreach my $name (sort keys %text)
{
	my $prose = $text{$name} =~ s/^```.*?^```$//msgr;

	foreach my $link ($prose =~ /\]\(([^)\s]+)\)/g)
	{
		next if $link =~ /^https?:/;
		my ($path, $anchor) = split /#/, $link, 2;
		my $target = $path eq '' ? $name : dirname($name) . "/$path";
		$target =~ s{^\./}{};
		$target =~ s{[^/]+/\.\./}{};
		ok(-e "$top/$target", "$name: $link is there") or next;
		next unless defined $anchor;
		my @anchors = map { slug($_) } $text{$target} =~ /^#+ (.*)$/mg;
		ok((grep { $_ eq $anchor } @anchors), "$name: $link has that heading");
	}
}

# The folders of src/, in the order that the check of the includes reads.
my @folders = grep { /^\w+$/ } split /\n/, slurp_file("$top/dev/floors.txt");
is_deeply([ $text{'src/README.md'} =~ /^\| \[(\w+)\]/mg ],
	\@folders, 'src/README.md has the folders in their order');

done_testing();
