#!/usr/bin/env bash
#
# vendor.sh NPM OUT: makes of the npm packages in NPM/node_modules (dev/npm.sh) what
# the page takes from other projects: OUT/ui.js and their licences.  The same
# packages make the same bytes, which a test checks of what is in the tree.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
modules=$1/node_modules
out=$2

NODE_PATH=$modules "$modules/.bin/esbuild" "$here/vendor.js" --bundle --minify \
	--format=esm --target=es2022 --legal-comments=none --log-level=warning \
	--outfile="$out/ui.js"
for package in preact htm @preact/signals @preact/signals-core
do
	printf '=== %s\n\n' "$package"
	cat "$modules/$package/LICENSE"
	echo
done >"$out/LICENCES"
