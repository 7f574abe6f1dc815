#!/usr/bin/env bash
#
# npm.sh FOLDER: the npm packages of t/npm, as the lock file names them, are in
# FOLDER afterwards, readable by every user.

set -euo pipefail

source=$(cd "$(dirname "${BASH_SOURCE[0]}")/../t/npm" && pwd)
folder=$1

if [ -d "$folder/node_modules" ] &&
	cmp -s "$source/package-lock.json" "$folder/package-lock.json"
then
	exit 0
fi
rm -rf "$folder"
mkdir "$folder"
cp "$source"/package*.json "$folder"
cd "$folder"
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error \
	--cache "$folder/cache"
rm -rf "$folder/cache"
chmod -R go+rX "$folder"
