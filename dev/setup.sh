#!/usr/bin/env bash
#
# setup.sh demo|console-demo|test|chroot|lint: what building and running needs, or
# what makes a chroot, or what make lint needs, is there afterwards.
#
# Looks for each thing itself (a compiler, not a package of that name), so a
# machine that has them by other ways passes.  What is missing is installed
# with apt, as root or through sudo without a password; where neither can be,
# the exact command is printed and the exit status is 1.  No service is
# started: servers of which the tests want the program alone are unpacked, not
# installed.  What a test can do without (it is skipped then, and says so) is
# installed if that can be.

set -euo pipefail
export LC_ALL=C
# shellcheck source-path=SCRIPTDIR source=server.sh
. "$(dirname "${BASH_SOURCE[0]}")/server.sh"

purpose=${1:-test}

have()
{
	command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ]
}

# Package names of what is missing; "postgresql" stands for the server and
# its headers.
missing()
{
	if [ "$purpose" = chroot ]
	then
		have debootstrap || echo debootstrap
		return
	fi
	if ! wf_find_postgres
	then
		echo postgresql
	fi
	if ! have gcc && ! have cc
	then
		echo gcc libc6-dev
	fi
	have make || echo make
	missing_for_console
	have curl-config || echo libcurl4-openssl-dev
	[ -x "$PYTHON" ] || echo python3
	if [ "$purpose" = lint ]
	then
		missing_for_lint
		return
	fi
	[ -s /etc/ssl/certs/ca-certificates.crt ] || echo ca-certificates
	"$PYTHON" -c 'import aiosmtpd' 2>/dev/null || echo python3-aiosmtpd
	have openssl || echo openssl
	if [ "$purpose" = test ]
	then
		have prove || echo perl
		perl -MIPC::Run -e 1 2>/dev/null || echo libipc-run-perl
		have node || echo nodejs
		[ -n "${WF_NPM:-}" ] || have npm || echo npm
		have curl || echo curl
		have nginx || echo nginx-light
		have pgbouncer || echo pgbouncer
		missing_for_browser
		"$PYTHON" -c 'import psycopg' 2>/dev/null || echo python3-psycopg
	fi
}

# What is tested if it is there: pg_cron for that server, if Debian has it,
# and the driver for a Java that is there anyway.
missing_extras()
{
	local number

	if [ "$purpose" != test ] || ! wf_find_postgres
	then
		return
	fi
	number=$("$PGC" --version | sed 's/^[^0-9]*\([0-9]*\).*/\1/')
	if [[ $BINDIR == /usr/lib/postgresql/* ]] &&
		[ ! -e "$("$PGC" --sharedir)/extension/pg_cron.control" ]
	then
		echo "postgresql-$number-cron"
	fi
	if have javac && [ ! -e /usr/share/java/postgresql.jar ]
	then
		echo libpostgresql-jdbc-java
	fi
}

# What wf_console is built with.
missing_for_console()
{
	[ "$purpose" = test ] || [ "$purpose" = console-demo ] || return 0
	have pkg-config || echo pkg-config
	pkg-config --exists libevent_core 2>/dev/null || echo libevent-dev
	pkg-config --exists libpq 2>/dev/null || echo libpq-dev
}

# The browser that the console's page is tried in, and letters of both languages.
missing_for_browser()
{
	[ -z "${WF_NO_BROWSER:-}" ] || return 0
	have chromium || echo chromium fonts-noto-core
}

missing_for_lint()
{
	have clang-tidy || echo clang-tidy
	have cppcheck || echo cppcheck
	have shellcheck || echo shellcheck
	have hunspell || echo hunspell
	[ -s /usr/share/hunspell/en_GB.dic ] || echo hunspell-en-gb
}

# The programs of the tests that are unpacked, each with the package that has
# it in Debian.
declare -A unpacked=([exim4]=exim4-daemon-light
	[prometheus-postgres-exporter]=prometheus-postgres-exporter
	[promtool]=prometheus)

# Those that are not there.
missing_programs()
{
	local program

	[ "$purpose" = test ] || return 0
	for program in "${!unpacked[@]}"
	do
		[ -x "$WF_PROGRAMS/$program" ] || have "$program" || echo "$program"
	done
}

# The packages of these.
packages_of()
{
	local program

	for program
	do
		echo "${unpacked[$program]}"
	done
}

if [ -n "${PG_CONFIG:-}" ] && ! wf_find_postgres
then
	echo "PG_CONFIG=$PG_CONFIG: that server is not installed with its" \
		"headers" >&2
	exit 1
fi
packages=$(missing | tr '\n' ' ')
extras=$(missing_extras | tr '\n' ' ')
mapfile -t programs < <(missing_programs)
if [ -z "$packages$extras" ] && [ ${#programs[@]} -eq 0 ]
then
	exit 0
fi

if ! have apt-get
then
	[ -n "$packages" ] || [ ${#programs[@]} -gt 0 ] || exit 0
	packages+=$(packages_of "${programs[@]}" | tr '\n' ' ')
	echo "missing, and there is no apt-get to install it: $packages" >&2
	exit 1
fi

as_root=()
if [ "$(id -u)" != 0 ]
then
	as_root=(sudo -n)
fi
apt=(env DEBIAN_FRONTEND=noninteractive apt-get -y -q
	-o Dpkg::Use-Pty=0 -o Acquire::Retries=3)

# The major version that this Debian's "postgresql" stands for; nothing where
# apt has no lists yet.
major()
{
	{ apt-cache depends postgresql 2>/dev/null || true; } |
		sed -n 's/^ *Depends: postgresql-\([0-9]*\)$/\1/p' | sed -n 1p
}

# Fills install with package names for what is missing.
name_packages()
{
	local package number

	install=()
	for package in $packages
	do
		if [ "$package" = postgresql ]
		then
			number=$(major)
			install+=(postgresql "postgresql-server-dev-${number:-15}")
		else
			install+=("$package")
		fi
	done
}

name_packages
if [ "$(id -u)" != 0 ] && ! { have sudo && sudo -n true 2>/dev/null; }
then
	[ -n "$packages" ] || [ ${#programs[@]} -gt 0 ] || exit 0
	echo "Missing packages. As root, run:" >&2
	if [ ${#programs[@]} -eq 0 ]
	then
		echo "    apt-get update && apt-get install --no-install-recommends" \
			"${install[*]}" >&2
	else
		echo "    apt-get update && $WF_TOP/dev/setup.sh $purpose" >&2
	fi
	exit 1
fi

# The packages of nginx and pgbouncer start a server, and the tests only want
# the program: while they are installed no service starts, as far as no policy
# of somebody's own is there, and none of them will at the next boot.
new_services()
{
	local service

	for service in nginx pgbouncer
	do
		[[ $packages != *$service* ]] || echo $service
	done
}

policy=/usr/sbin/policy-rc.d
no_services()
{
	[ ! -e $policy ] || return 0
	trap allow_services EXIT
	printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee $policy >/dev/null
	"${as_root[@]}" chmod 755 $policy
}

allow_services()
{
	trap - EXIT
	"${as_root[@]}" rm -f $policy
}

if [ -z "$(major)" ]
then
	"${as_root[@]}" "${apt[@]}" update
	name_packages
fi

# install_packages NAME...
install_packages()
{
	"${as_root[@]}" "${apt[@]}" install --no-install-recommends "$@"
}

# unpack PROGRAM: the program alone, in a place of its own, with the libraries
# that its package asks for.  Installed, the package would be started as a
# server; Exim's would take the place of the machine's mail server, too.
unpack()
(
	package=${unpacked[$1]}
	# a package of its own from Debian 13 on
	if [ "$1" = promtool ] && [ -n "$(apt-cache show promtool 2>/dev/null)" ]
	then
		package=promtool
	fi
	folder=$(mktemp -d) || exit
	trap 'rm -rf "$folder"' EXIT
	cd "$folder" &&
		apt-get -q -o APT::Sandbox::User=root download "$package" &&
		dpkg-deb -x "$package"_*.deb . &&
		libraries=$(missing_libraries "$package"_*.deb) || exit
	if [ -n "$libraries" ]
	then
		# shellcheck disable=SC2086 # a list of names
		install_packages $libraries || exit
	fi
	found=$(find usr -path "*bin/$1" -type f) &&
		"${as_root[@]}" install -D -m 755 "$found" "$WF_PROGRAMS/$1"
)

# The libraries that a package depends on and that are not installed.
missing_libraries()
{
	local name

	dpkg-deb -f "$1" Depends | tr , '\n' | sed -n '/^ *libjs-/d; s/^ *\(lib[^ ]*\).*/\1/p' |
		while read -r name
		do
			dpkg -s "$name" >/dev/null 2>&1 || echo "$name"
		done
}

install_all()
{
	if [ ${#install[@]} -gt 0 ]
	then
		if [ -n "$services" ]
		then
			no_services
		fi
		wf_say "Installing ${install[*]}"
		install_packages "${install[@]}" || return
	fi
	for program in $(missing_programs)
	do
		wf_say "Unpacking $program into $WF_PROGRAMS"
		unpack "$program" || return
	done
}

services=$(new_services)
install_all ||
{
	# the lists may name versions that are gone
	"${as_root[@]}" "${apt[@]}" update
	install_all
}

for service in $services
do
	"${as_root[@]}" update-rc.d "$service" disable >/dev/null 2>&1 || true
done

# one by one: that Debian may lack any of them
for package in $(missing_extras)
do
	[ -z "$(apt-cache show "$package" 2>/dev/null)" ] ||
		install_packages "$package" ||
		echo "not installed, its tests are skipped: $package" >&2
done

mapfile -t programs < <(missing_programs)
packages=$(missing | tr '\n' ' ')$(packages_of "${programs[@]}" | tr '\n' ' ')
if [ -n "$packages" ]
then
	echo "still missing after the installation: $packages" >&2
	exit 1
fi
