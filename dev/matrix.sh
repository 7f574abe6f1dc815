#!/usr/bin/env bash
#
# make test-matrix: runs make test on several major versions of PostgreSQL,
# one after the other, since they share the machine's ports.  Prints a table at
# the end; the last line is "N passed, N failed" of all versions together.
#
#	make test-matrix						15, 17 and 18
#	make test-matrix VERSIONS='own 17'		some of them; "own" is the one that
#											make test takes on this machine
#	make test-matrix DIR=/var/tmp/x			keep chroots and builds there, for
#											the next time
#	make test-matrix SUITE=regress			as in make test; so are TESTS, JOBS
#											and COPT
#
# A version that is installed with its headers is tested on the machine itself.
# For any other, root makes a chroot of the Debian release that has it; what
# the tests need is installed there, and no service is started.  The chroot's
# mounts and processes are in namespaces of their own, so that they end with
# it, however it ends.
#
# Exits 0 if all versions ran and passed, 1 if a test failed or nothing ran,
# 3 if what ran has passed and a version could not be set up.

set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=server.sh
. "$(dirname "${BASH_SOURCE[0]}")/server.sh"

declare -A release=([15]=bookworm [17]=trixie [18]=forky)
OLDEST=15 # of those that are supported
VERSIONS=${VERSIONS:-15 17 18}
FOLDER=  # of chroots, logs and summaries
child=   # process id of what runs now, the leader of its process group
signal=  # by which that is ended
reason=  # why the last chroot could not be made
table=() # a row for each version
not_run=()
passed=0
failed=0

clean_up()
{
	trap - EXIT
	trap '' INT TERM HUP
	if [ -n "$child" ]
	then
		kill -"$signal" -- -"$child" 2>/dev/null
		wait "$child"
	fi
	# what was killed may still have been writing
	if [ -n "$FOLDER" ] && [ -z "${DIR:-}" ]
	then
		rm -rf "$FOLDER" 2>/dev/null || { sleep 1 && rm -rf "$FOLDER"; }
	fi
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP

# until_done SIGNAL COMMAND...: runs it in a process group of its own, which
# the signal ends if this script is ended meanwhile.  Returns its status.
until_done()
{
	local status=0

	signal=$1
	shift
	setsid "$@" </dev/null &
	child=$!
	wait "$child" || status=$?
	child=
	return "$status"
}

# alone COMMAND...: runs it in namespaces of its own for mounts and processes.
# The shell stays, as the process that reaps the orphans.
alone()
{
	# shellcheck disable=SC2016 # for the inner shell
	until_done KILL unshare --mount --pid --fork --kill-child --mount-proc \
		bash -c '"$@"; exit $?' alone "$@"
}

# inside ROOT COMMAND...: runs it in that chroot, as root.  Of the environment
# it gets what make test reads, and the proxies.  The browser stays out: the page is
# the same for every server.
inside()
{
	local root=$1 name variables=(WF_NPM=/npm WF_SUMMARY=/summary
		WF_NO_BROWSER=1)

	shift
	for name in SUITE TESTS JOBS COPT OLD_PG_CONFIG http_proxy https_proxy no_proxy
	do
		[ -z "${!name+set}" ] || variables+=("$name=${!name}")
	done
	# shellcheck disable=SC2016 # for the inner shell
	alone bash -c '
		root=$1
		shift
		mount -t proc proc "$root/proc" &&
			mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm" &&
			chroot "$root" "$@"' inside "$root" \
		env -i HOME=/root LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		"${variables[@]}" "$@"
}

# attempt WHAT COMMAND...: runs it quietly, with $log as its output; if it
# fails, the end of that is shown and $reason says what was attempted.
attempt()
{
	reason="$1 failed"
	shift
	wf_say "${reason% failed}"
	"$@" >"$log" 2>&1 && return
	tail -n 20 "$log" >&2
	return 1
}

# The mirror of Debian that this machine's apt takes; nothing if there is none
# or its lists were never fetched: debootstrap then takes its default.
mirror()
{
	# shellcheck disable=SC2016 # for apt
	apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' \
		'Origin: Debian' 'Label: Debian' 2>/dev/null | sed -n 1p
}

# bootstrap VERSION ROOT: the bare Debian release that has this version.
bootstrap()
{
	local suite=${release[$1]} script=()

	# a release that this debootstrap does not know is made as sid is
	[ -e "/usr/share/debootstrap/scripts/$suite" ] || script=(sid)
	alone debootstrap --variant=minbase "$suite" "$2" "$(mirror)" \
		"${script[@]}"
}

# What has to be there before anything is installed: no service starts, no
# cluster is made, nothing is flushed to disk, and names and certificates are
# those of the machine.
configure()
{
	local root=$1

	mkdir -p "$root"/etc/{ssl/certs,postgresql-common/createcluster.d} &&
		printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d" &&
		chmod 755 "$root/usr/sbin/policy-rc.d" &&
		echo 'create_main_cluster = false' \
			>"$root/etc/postgresql-common/createcluster.d/none.conf" &&
		echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/unsafe-io" &&
		echo 'Acquire::Check-Valid-Until "false";' \
			>"$root/etc/apt/apt.conf.d/valid-until" &&
		cp -L /etc/resolv.conf /etc/hosts "$root/etc/" &&
		cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
}

# install_server VERSION ROOT: the server, and its headers without the
# compilers that their package asks for.
install_server()
{
	inside "$2" sh -exc "
		apt-get -q update
		apt-get -q -y install --no-install-recommends postgresql-$1 \
			libpq-dev libssl-dev libcurl4-openssl-dev gcc libc6-dev make
		cd /tmp
		apt-get -q -o APT::Sandbox::User=root download \
			postgresql-server-dev-$1
		dpkg-deb -x postgresql-server-dev-$1_*.deb /
		rm postgresql-server-dev-$1_*.deb"
}

# install_old ROOT: beside the newer server, the oldest one that is supported,
# which the test of pg_upgrade starts from: its programs, its headers, and the
# libraries that the newer release has only in later versions.
install_old()
{
	inside "$1" sh -exc "
		echo 'deb $(mirror) ${release[$OLDEST]} main' \
			>/etc/apt/sources.list.d/oldest.list
		apt-get -q update
		mkdir -p /tmp/oldest
		cd /tmp/oldest
		apt-get -q -o APT::Sandbox::User=root -t ${release[$OLDEST]} download \
			postgresql-$OLDEST postgresql-client-$OLDEST \
			postgresql-server-dev-$OLDEST libicu72 libldap-2.5-0 libxml2
		for package in postgresql-*.deb
		do
			dpkg-deb -x \"\$package\" /
		done
		for package in lib*.deb
		do
			dpkg-deb -x \"\$package\" libraries
		done
		cp -an libraries/usr/lib/. /usr/lib/
		cd /
		rm -r /tmp/oldest /etc/apt/sources.list.d/oldest.list
		apt-get -q update
		/usr/lib/postgresql/$OLDEST/bin/postgres --version"
}

copy_checkout()
{
	rm -rf "$1/checkout"
	mkdir "$1/checkout"
	tar -C "$WF_TOP" --exclude=./.git -cf - . | tar -C "$1/checkout" -xf -
}

# make_chroot VERSION ROOT: all that make test needs is in it afterwards.
make_chroot()
{
	local version=$1 root=$2 log=$2.log suite=${release[$1]:-}

	if [ -z "$suite" ]
	then
		reason="no Debian release is known to have it"
	elif [ "$(id -u)" != 0 ]
	then
		reason="only root can make the chroot that it needs"
	elif [ -e "$root.made" ] || {
		rm -rf "$root"
		attempt "Installing debootstrap" "$WF_TOP/dev/setup.sh" chroot &&
			attempt "Fetching Debian $suite" bootstrap "$version" "$root" &&
			attempt "Configuring Debian $suite" configure "$root" &&
			attempt "Installing PostgreSQL $version" \
				install_server "$version" "$root" &&
			{
				[ "$version" = "$OLDEST" ] ||
					attempt "Installing PostgreSQL $OLDEST beside it" \
						install_old "$root"
			} &&
			touch "$root.made"
	}
	then
		attempt "Copying the checkout" copy_checkout "$root" &&
			attempt "Fetching npm packages" \
				"$WF_TOP/dev/npm.sh" "$root/npm" &&
			attempt "Installing what the tests need" \
				inside "$root" /checkout/dev/setup.sh test
		return
	fi
	return 1
}

# count VERSION STATUS SUMMARY SECONDS: takes what make test said into the
# table.  A run that ended without a summary has failed.
count()
{
	local ok=0 not_ok=0

	[ ! -s "$3" ] || read -r ok _ not_ok _ <"$3"
	if [ "$2" -ne 0 ] && [ "$not_ok" -eq 0 ]
	then
		not_ok=1
	fi
	passed=$((passed + ok))
	failed=$((failed + not_ok))
	table+=("$(printf '%-8s %-22s %7s %7s %8s' "$1" \
		"${SUITE:-regress isolation tap}" "$ok" "$not_ok" \
		"$(($4 / 60))m$(printf %02d $(($4 % 60)))s")")
}

# Tests one version, on the machine if it is there, else in a chroot.
test_version()
{
	local version=$1 root=$FOLDER/$1 start=$SECONDS status=0 summary old=

	if PG_CONFIG=$2 wf_find_postgres
	then
		summary=$root.summary
		rm -f "$summary"
		WF_SUMMARY=$summary DIR=${DIR:+$root} PG_CONFIG=$2 \
			until_done TERM "$WF_TOP/dev/test.sh" || status=$?
	elif make_chroot "$version" "$root"
	then
		summary=$root/summary
		rm -f "$summary"
		[ "$version" = "$OLDEST" ] ||
			old=/usr/lib/postgresql/$OLDEST/bin/pg_config
		OLD_PG_CONFIG=$old inside "$root" \
			make -C /checkout test DIR=/var/tmp/test || status=$?
	else
		not_run+=("PostgreSQL $version: $reason")
		return
	fi
	count "$version" "$status" "$summary" $((SECONDS - start))
}

"$WF_TOP/dev/setup.sh" test || exit 1
wf_find_postgres || exit 1
own_config=$PGC
eval "$(apt-config shell http_proxy Acquire::http::Proxy)"
[ -z "${http_proxy:-}" ] || export http_proxy
own=$("$PGC" --version | sed 's/^[^0-9]*\([0-9]*\).*/\1/')

if [ -n "${DIR:-}" ]
then
	mkdir -p "$DIR"
	FOLDER=$(cd "$DIR" && pwd) || exit 1
else
	FOLDER=$(mktemp -d) || exit 1
fi
chmod 755 "$FOLDER"

read -ra versions <<<"$VERSIONS"
seen=' '
for version in "${versions[@]/#own/$own}"
do
	[[ $seen != *" $version "* ]] || continue
	seen+="$version "
	config=/usr/lib/postgresql/$version/bin/pg_config
	[ "$version" != "$own" ] || config=$own_config
	wf_say "PostgreSQL $version"
	test_version "$version" "$config"
done

printf '\n%-8s %-22s %7s %7s %8s\n' version suites passed failed time
printf '%s\n' "${table[@]}"
for line in "${not_run[@]}"
do
	echo "######## NOT TESTED: $line ########"
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ] || exit 1
[ ${#not_run[@]} -eq 0 ] || exit 3
