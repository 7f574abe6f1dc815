# server.sh: what test.sh and demo.sh share.  To be sourced by bash.
# shellcheck shell=bash
#
# Everything happens in one temporary folder, $WORK, which belongs to the
# user that the server runs as: postgres where root calls, else the caller.
#
#	$WORK/src		a copy of the checkout (which that user may be unable to
#					read, and which stays as it is)
#	$WORK/build		the build, out of tree
#	$WORK/inst		what make install DESTDIR= put there
#	$WORK/data		the server's data directory, $WORK/server.log its log
#	$WORK/tmp		sockets and temporary files
#
# The server finds the extension in $WORK/inst by settings (wf_conf);
# nothing is written to the system's PostgreSQL.

WF_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PYTHON=${PYTHON:-/usr/bin/python3}
# programs of the tests that are not installed; see setup.sh
WF_PROGRAMS=${WF_PROGRAMS:-/usr/local/lib/workflow_engine}
WF_PORT=5432 # names the socket only: the server listens on no address

wf_say()
{
	printf '== %s\n' "$*"
}

# Sets PGC and BINDIR: $PG_CONFIG, else the newest Debian server that has its
# headers, else pg_config from the path.  Fails where there is no server.
wf_find_postgres()
{
	local candidates=() candidate

	if [ -n "${PG_CONFIG:-}" ]
	then
		candidates=("$PG_CONFIG")
	else
		while read -r candidate
		do
			candidates+=("$candidate")
		done < <(printf '%s\n' /usr/lib/postgresql/*/bin/pg_config | sort -rV)
		candidates+=(pg_config)
	fi
	for candidate in "${candidates[@]}"
	do
		if PGC=$(command -v "$candidate") && BINDIR=$("$PGC" --bindir) &&
			[ -x "$BINDIR/postgres" ] && [ -f "$("$PGC" --pgxs)" ] &&
			[ -f "$("$PGC" --includedir-server)/postgres.h" ]
		then
			return 0
		fi
	done
	return 1
}

# wf_open NAME [DIR]: makes $WORK and fills it.  With DIR, that folder is taken
# and what was built in it stays; it must be new or have been made here.
wf_open()
{
	umask 022
	if [ -z "${2:-}" ]
	then
		WORK=$(mktemp -d "/tmp/wf-$1.XXXXXX")
	elif [ -e "$2" ] && [ ! -e "$2/.workflow_engine" ]
	then
		echo "$2 exists and is no folder of these scripts" >&2
		return 1
	else
		mkdir -p "$2"
		WORK=$(cd "$2" && pwd)
		wf_stop_all
		rm -rf "$WORK"/{data,inst,tmp} "$WORK"/*.log
	fi
	touch "$WORK/.workflow_engine"
	mkdir -p "$WORK/tmp" "$WORK/build"
	wf_fill
}

# Copies the checkout without what was built in it, and hands all to the
# user of the server.  In a folder that was kept, what make finds newer than
# its objects is what has changed since the last copy, whatever time the
# checkout gives it: a rebase may bring files that are older than the objects.
wf_fill()
{
	local new=$WORK/src.new

	rm -rf "$new"
	mkdir "$new"
	tar -C "$WF_TOP" --exclude=./.git --exclude='*.o' --exclude='*.bc' \
		--exclude='*.so' --exclude=./tmp_check --exclude=./results \
		--exclude=./console/build \
		--exclude=__pycache__ -cf - . | tar -C "$new" -xf -
	chmod -R u+w,go+rX "$new"
	if [ -d "$WORK/src" ]
	then
		wf_keep_times
	else
		rm -rf "$WORK"/build/*
	fi
	rm -rf "$WORK/src"
	mv "$new" "$WORK/src"
	chmod 755 "$WORK"
	if [ "$(id -u)" = 0 ]
	then
		chown -R postgres: "$WORK"
	fi
}

# The files of a folder, a line each with its checksum, sorted.
wf_checksums()
{
	(cd "$1" && find . -type f -exec sha1sum {} + | LC_ALL=C sort)
}

# In src.new, a file that is in src as well gets the time that it has there,
# and every other the time of now.  If a .c came or went, the library is linked
# anew: what make knows of it is only that no object is newer.
wf_keep_times()
{
	local sums=$WORK/tmp/sums

	wf_checksums "$WORK/src" >"$sums.old"
	wf_checksums "$WORK/src.new" >"$sums.new"
	LC_ALL=C comm -12 "$sums.old" "$sums.new" | cut -c 43- |
		tar -C "$WORK/src" -cf - -T - | tar -C "$WORK/src.new" -xf -
	LC_ALL=C comm -13 "$sums.old" "$sums.new" | cut -c 43- |
		(cd "$WORK/src.new" && xargs -r -d '\n' touch)
	cmp -s <(wf_c_files "$sums.old") <(wf_c_files "$sums.new") ||
		rm -f "$WORK"/build/*.so
}

# The names of the .c in a list of checksums.
wf_c_files()
{
	sed -n 's/^.\{42\}\(.*\.c\)$/\1/p' "$1" | LC_ALL=C sort
}

# Runs a command as the user of the server, in $WORK, with nothing of the
# caller's environment.  Standard input is the command's own.
wf_run()
{
	local as=()

	if [ "$(id -u)" = 0 ]
	then
		as=(runuser -u postgres --)
	fi
	(cd "$WORK" && exec "${as[@]}" env -i LANG=C.UTF-8 HOME="$WORK" \
		TMPDIR="$WORK/tmp" PYTHONDONTWRITEBYTECODE=1 \
		PATH="$BINDIR:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin" \
		PGHOST="$WORK/tmp" PGPORT="$WF_PORT" PGUSER=postgres \
		PYTHON="$PYTHON" WF_PROGRAMS="$WF_PROGRAMS" "$@")
}

# make in the build directory (WF_BUILD names another), by the copied Makefile; with WF_LIMIT, for that
# many seconds at most.
wf_make()
{
	wf_run ${WF_LIMIT:+timeout --foreground -k 10 "$WF_LIMIT"} make -s -C "${WF_BUILD:-$WORK/build}" -f "$WORK/src/Makefile" \
		PG_CONFIG="$PGC" with_llvm=no "$@"
}

# Builds and installs into $WORK/inst; a warning is an error unless COPT is
# set otherwise.  Messages name files as in the checkout.  What was built for
# another server, or with other flags, is built anew.  Needs pipefail.
wf_build()
{
	local made_for build=${WF_BUILD:-$WORK/build}

	made_for="$PGC $("$PGC" --version) ${COPT--Werror}"
	if [ "$(cat "$build/made_for" 2>/dev/null)" != "$made_for" ]
	then
		find "$build" \( -name '*.o' -o -name '*.so' \) -delete
		echo "$made_for" >"$build/made_for"
	fi
	{
		wf_make -j"$(nproc)" COPT="${COPT--Werror}" &&
			wf_make COPT="${COPT--Werror}" install DESTDIR="$WORK/inst"
	} 2>&1 | sed "s,$WORK/src/,,g"
}

# Prints the settings by which a server finds the extension in $WORK/inst.
wf_conf()
{
	local lib share

	lib=$("$PGC" --pkglibdir)
	share=$("$PGC" --sharedir)
	echo "dynamic_library_path = '$WORK/inst$lib:\$libdir'"
	if [ "$("$PGC" --version | sed 's/^[^0-9]*\([0-9]*\).*/\1/')" -ge 18 ]
	then
		echo "extension_control_path = '$WORK/inst$share:\$system'"
	elif wf_run postgres --describe-config | grep '^extension_destdir' >/dev/null
	then
		echo "extension_destdir = '$WORK/inst'"
	else
		echo "this server can look for extensions only in its own folders:" \
			"use make install and make installcheck" >&2
		return 1
	fi
}

# Makes and starts the server with the extension preloaded; what comes on
# standard input are further settings.
wf_start()
{
	local conf=$WORK/extra.conf

	{
		wf_conf || return 1
		cat <<-EOF
			shared_preload_libraries = 'workflow_engine'
			listen_addresses = ''
			unix_socket_directories = '$WORK/tmp'
			port = $WF_PORT
			max_worker_processes = 24
			max_prepared_transactions = 10
			fsync = off
			workflow_engine.allowed_hosts = '127.0.0.0/8, ::1, localhost'
			log_line_prefix = '%m [%p] %b %d '
		EOF
		cat
	} >"$conf"
	if [ "$(id -u)" = 0 ]
	then
		chown postgres: "$conf"
	fi
	wf_run initdb -D "$WORK/data" -U postgres -A trust -N -E UTF8 \
		--locale=C.UTF-8 >"$WORK/initdb.log" 2>&1 || {
		cat "$WORK/initdb.log" >&2
		return 1
	}
	wf_run bash -c "cat extra.conf >>data/postgresql.conf"
	wf_run pg_ctl -D "$WORK/data" -l "$WORK/server.log" -w -t 60 start \
		>"$WORK/start.log" 2>&1 </dev/null || {
		cat "$WORK/start.log" >&2
		tail -n 40 "$WORK/server.log" >&2
		return 1
	}
}

# Process ids of what wf_run started in $WORK and still runs, told by the
# environment that it was given.  (A server writes its title over its own.)
wf_processes()
{
	local dir

	for dir in /proc/[0-9]*
	do
		if grep -qsxz "TMPDIR=$WORK/tmp" "$dir/environ"
		then
			echo "${dir#/proc/}"
		fi
	done
}

# Ends all that runs in $WORK: commands and receivers, then every server, also
# those that tests left behind.
wf_stop_all()
{
	local signal pids pidfile

	for signal in TERM TERM KILL
	do
		pids=$(wf_processes)
		[ -n "$pids" ] || break
		# shellcheck disable=SC2086 # a list of numbers
		kill -"$signal" $pids 2>/dev/null || true
		sleep 0.5
	done
	find "$WORK" -name postmaster.pid 2>/dev/null |
		while read -r pidfile
		do
			wf_run pg_ctl -D "$(dirname "$pidfile")" -m immediate -w -t 30 \
				stop >/dev/null 2>&1 </dev/null || true
		done
}
