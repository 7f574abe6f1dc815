# lib.sh: what the scripts that measure share.  To be sourced by bash, after
# dev/server.sh.  Database "bench" is where they work.
# shellcheck shell=bash disable=SC2034

WORK=
RESPONDER=

bench_finish()
{
	local status=$?

	trap - EXIT
	if [ -n "$WORK" ]
	then
		[ $status = 0 ] || tail -n 20 "$WORK/server.log" >&2 || true
		wf_stop_all
		rm -rf "$WORK"
	fi
	exit $status
}

sql()
{
	wf_run psql -X -q -At -v ON_ERROR_STOP=1 -d bench "$@"
}

# Starts the server, with the settings on standard input, and makes the
# database.  No checkpoint and no vacuum comes by itself: the scripts say when.
bench_start()
{
	{
		cat <<-EOF
			fsync = on
			max_wal_size = 8GB
			checkpoint_timeout = 1h
			log_checkpoints = off
			autovacuum = off
		EOF
		cat
	} | wf_start
	wf_run createdb bench
}

# The same, with the extension.
bench_server()
{
	bench_start
	sql -c "CREATE EXTENSION workflow_engine"
}

# Polls until the query says t, two minutes at most.
wait_for_sql()
{
	local until=$((SECONDS + 120))

	while [ "$(sql -c "$1")" != t ]
	do
		if [ $SECONDS -ge $until ]
		then
			echo "still not so after two minutes: $1" >&2
			sql -x -c "SELECT * FROM wf_workers()" -c "SELECT status, count(*)
				FROM workflow_runs GROUP BY status" >&2
			return 1
		fi
		sleep 0.1
	done
}

worker_pids()
{
	sql -c "SELECT pid FROM wf_workers()"
}

# Terminates the workers and waits for others.
new_workers()
{
	local old

	old=$(worker_pids | paste -sd,)
	sql -c "SELECT pg_terminate_backend(pid) FROM wf_workers()" >/dev/null
	wait_for_sql "SELECT count(*) FILTER (WHERE pid IN (${old:-0})) = 0 AND
		count(*) = current_setting('workflow_engine.workers')::int
		FROM wf_workers()"
}

# The most that a worker's resident memory has been, in MB.
peak_memory()
{
	worker_pids | while read -r pid
	do
		awk '/^VmHWM/ { print int($2 / 1024) }' "/proc/$pid/status"
	done | sort -n | tail -n 1
}

# Of column $1 of standard input.
median()
{
	awk -v c="$1" '{ print $c }' | sort -g |
		awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# "median [least - most]" of column $1 of standard input.
spread()
{
	awk -v c="$1" '{ print $c }' | sort -g | awk '{ v[NR] = $1 }
		END { printf "%s [%s - %s]", v[int((NR + 1) / 2)], v[1], v[NR] }'
}

# background NAME COMMAND...: starts it with a fifo, which it holds open
# itself, as its standard input; sets PORT to what it says to be ready on.
background()
{
	local name=$1

	shift
	wf_run bash -c "mkfifo $name.in
		nohup $* <>$name.in >$name.out 2>$name.err &"
	for _ in $(seq 100)
	do
		PORT=$(sed -n 's/^ready //p' "$WORK/$name.out" 2>/dev/null)
		[ -z "$PORT" ] || return 0
		sleep 0.05
	done
	cat "$WORK/$name.err" >&2
	return 1
}

start_responder()
{
	wf_run gcc -O2 -o "$WORK/responder" "$WORK/src/bench/responder.c"
	background responder "$WORK/responder"
}

# The same once only; RESPONDER is its port.
need_responder()
{
	[ -n "$RESPONDER" ] || {
		start_responder
		RESPONDER=$PORT
	}
}

start_mail_responder()
{
	wf_run gcc -O2 -o "$WORK/mail_responder" "$WORK/src/bench/mail_responder.c"
	background mail_responder "$WORK/mail_responder"
}

# Gives the responder a command and prints its statistics.
responder_command()
{
	local lines n

	lines=$(wc -l <"$WORK/responder.out")
	echo "$1" >>"$WORK/responder.in"
	for _ in $(seq 100)
	do
		n=$(wc -l <"$WORK/responder.out")
		[ "$n" -eq "$lines" ] || break
		sleep 0.02
	done
	tail -n 1 "$WORK/responder.out"
}

# Starts the loopback server of the tests; prints its port.
start_receiver()
{
	background receiver "\"\$PYTHON\" src/t/loopback/http_receiver.py" \
		--log /dev/null
	echo "$PORT"
}

# The CPU that the workers have used, in microseconds.
worker_us()
{
	worker_pids | while read -r pid
	do
		cat "/proc/$pid/schedstat"
	done | awk '{ s += $1 } END { printf "%d\n", s / 1000 }'
}
