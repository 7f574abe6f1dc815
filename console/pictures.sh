#!/usr/bin/env bash
#
# pictures.sh [FOLDER]: pictures of the console's pages, with the data of the
# demonstration, in docs/pictures or FOLDER.  Takes Chromium, node and what make demo
# CONSOLE=1 takes.  WF_NPM: the npm packages, if they are there already (dev/npm.sh).
# WF_PAGES: a pattern of the names of those to be made; the others stay.
# WF_URL and WF_PASSWORD: a console that runs already, such as make demo's.

set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
out=${1:-$top/docs/pictures}
port=${CONSOLE_PORT:-18481}
work=$(mktemp -d)
demo=

finish()
{
	if [ -n "$demo" ]
	then
		kill -TERM -- "-$demo" 2>/dev/null || true
		wait "$demo" 2>/dev/null || true
	fi
	rm -rf "$work"
}
trap finish EXIT

chromium=$(command -v chromium) || {
	echo "there is no chromium" >&2
	exit 1
}
[ -n "${WF_NPM:-}" ] || "$top/dev/npm.sh" "$work/npm"
if [ -z "${WF_URL:-}" ]
then
	set -m
	CONSOLE=1 CONSOLE_PORT=$port "$top/dev/demo.sh" >"$work/demo" 2>&1 </dev/null &
	demo=$!
	set +m
	until grep -q 'Ctrl-C stops' "$work/demo"
	do
		kill -0 "$demo" 2>/dev/null || {
			cat "$work/demo" >&2
			exit 1
		}
		sleep 0.5
	done
fi
mkdir -p "$out"
[ -n "${WF_PAGES:-}" ] || rm -f "$out"/*.png
WF_URL=${WF_URL:-http://127.0.0.1:$port} WF_PASSWORD=${WF_PASSWORD:-demo} \
	WF_NPM=${WF_NPM:-$work/npm} WF_CHROMIUM=$chromium WF_OUT=$out HOME=$work \
	node "$top/console/pictures.mjs"
