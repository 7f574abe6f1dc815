# outbound: requests, a thousand under way.  To be sourced by bench.sh.
# shellcheck shell=bash

# The same requests by libcurl alone, all by one process.
outbound_bare()
{
	local rate cpu failed

	read -r rate cpu failed <<<"$(wf_run "$WORK/bare_curl" \
		"http://127.0.0.1:$RESPONDER/delay/$1" "$REQUESTS" 1000)"
	[ "$failed" = 0 ] || {
		echo "bare_curl: $failed requests failed" >&2
		return 1
	}
	record "libcurl alone, $1 ms" requests/s "$rate"
	record "libcurl alone, $1 ms: CPU" us/request "$cpu"
}

outbound_once()
{
	local delay peak server

	for delay in 0 10 100
	do
		fresh
		sql -c "CALL fire('$A', 'delay$delay', $REQUESTS)"
		responder_command stats >/dev/null
		drain "$delay ms" "$REQUESTS"
		read -r _ _ peak server <<<"$(responder_command stats)"
		record "$delay ms: most at the server" requests "$peak"
		record "$delay ms: CPU of the server" us/run \
			"$(divide "$server" "$REQUESTS" 1)"
		outbound_bare "$delay"
	done
}

part_outbound()
{
	local delay

	need_responder
	wf_run gcc -O2 -o "$WORK/bare_curl" "$WORK/src/bench/bare_curl.c" -lcurl
	set_limits 500 500
	for delay in 0 10 100
	do
		define "$A" "delay$delay" "[{\"name\": \"call\", \"action\": \"webhook\",
			\"params\": {\"url\": \"http://127.0.0.1:$RESPONDER/delay/$delay\",
						 \"body\": {\"id\": \"{{trigger.id}}\"}}}]"
	done
	for_each_disk outbound_once
}
