# outbound: requests, a thousand under way.  To be sourced by bench.sh.
# shellcheck shell=bash

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
	done
}

part_outbound()
{
	local delay

	need_responder
	set_limits 500 500
	for delay in 0 10 100
	do
		define "$A" "delay$delay" "[{\"name\": \"call\", \"action\": \"webhook\",
			\"params\": {\"url\": \"http://127.0.0.1:$RESPONDER/delay/$delay\",
						 \"body\": {\"id\": \"{{trigger.id}}\"}}}]"
	done
	for_each_disk outbound_once
}
