# rest: what an idle engine costs, and whether work leaves a worker larger.  To
# be sourced by bench.sh.
# shellcheck shell=bash

# Of all workers together: waits for something, as the kernel counts them.
worker_waits()
{
	worker_pids | while read -r pid
	do
		awk '/^voluntary_ctxt_switches/ { print $2 }' "/proc/$pid/status"
	done | awk '{ s += $1 } END { print s }'
}

# The most that a worker holds for itself, in kB: without shared memory.
private_memory()
{
	worker_pids | while read -r pid
	do
		awk '/^RssAnon/ { print $2 }' "/proc/$pid/status"
	done | sort -n | tail -n 1
}

# The least of some seconds: a worker gives back what it has freed when there
# has been no tick for one.
memory_at_rest()
{
	for _ in $(seq 24)
	do
		sleep 0.25
		private_memory
	done | sort -n | head -n 1
}

rest_idle()
{
	local us waits

	us=$(worker_us)
	waits=$(worker_waits)
	sleep "$IDLE"
	record "idle, CPU of a worker" percent \
		"$(divide $(($(worker_us) - us)) $((2 * IDLE * 10000)) 4)"
	record "idle, wake-ups of a worker" per_s \
		"$(divide $(($(worker_waits) - waits)) $((2 * IDLE)) 2)"
}

rest_memory()
{
	local part=$((MILLION / 10)) i

	new_workers
	for i in $(seq 10)
	do
		fresh
		sql -c "CALL fire('$A', 'confirm', $part)"
		sql -c "CALL drain($part, NULL)" >/dev/null
		check_completed
		if [ "$i" = 1 ] || [ "$i" = 10 ]
		then
			record "at work, memory of a worker, $((part * i)) runs" kB \
				"$(private_memory)"
			record "memory of a worker, $((part * i)) runs" kB \
				"$(memory_at_rest)"
		fi
	done
}

part_rest()
{
	REP=1
	set_disk real
	fresh
	sql -c "SELECT wf_resume()" >/dev/null
	sleep 2
	for REP in $(seq "$REPEAT")
	do
		rest_idle
	done
	REP=1
	rest_memory
}
