#!/usr/bin/env bash
#
# Checks that the files of src/ include only what is below them, by the order
# of folders in dev/floors.txt, and what is said of certain folders:
#
#	curl.h is included in transfer/ alone
#	credentials are read in connection/ alone
#	#if on the server's version stands in compat.h alone
#
# Prints each offence and exits 1 if there is one.

set -euo pipefail
export LC_ALL=C

cd "${WF_FLOORS_TOP:-$(dirname "${BASH_SOURCE[0]}")/..}"
bad=0

offence()
{
	echo "floors: $*" >&2
	bad=1
}

declare -A floor_of
n=0
while read -r folder
do
	case $folder in ''|'#'*) continue ;; esac
	floor_of[$folder]=$n
	n=$((n + 1))
done <dev/floors.txt

# The console: each file includes only headers of files before it in the list.
console_files=0
while read -r path
do
	file=${path%.[ch]}
	if [ -z "${floor_of[$file]:-}" ]
	then
		offence "console/src/${path#console/} is not in dev/floors.txt"
		continue
	fi
	console_files=$((console_files + 1))
	while read -r included
	do
		other=console/${included%.h}
		if [ "$other" != "$file" ] && { [ -z "${floor_of[$other]:-}" ] ||
			[ "${floor_of[$other]}" -gt "${floor_of[$file]}" ]; }
		then
			offence "console/src/${path#console/} includes $included," \
				"which is above it"
		fi
	done < <(sed -n 's/^#include "\([^"]*\)".*/\1/p' "console/src/${path#console/}")
done < <(find console/src -name '*.[ch]' 2>/dev/null | sort | sed 's,src/,,')

# Names each file of the given ones that has a line of that pattern.
only_in()
{
	local place=$1 what=$2 pattern=$3 file

	while read -r file
	do
		offence "$file: $what, which belongs into $place alone"
	done < <(grep -rlE "$pattern" src --include='*.[ch]' |
		grep -v "^src/$place" || true)
}

count=0
while read -r file
do
	count=$((count + 1))
	folder=$(dirname "$file")
	if [ "$folder" = . ]
	then
		continue
	fi
	if [ -z "${floor_of[$folder]:-}" ]
	then
		offence "src/$folder is not in dev/floors.txt"
		continue
	fi

	while read -r included
	do
		# what src/ does not have is the server's
		if [ ! -f "src/$included" ] || [ "$included" = compat.h ]
		then
			continue
		fi
		other=$(dirname "$included")
		if [[ $included != *.h ]]
		then
			offence "src/$file includes $included, which is no header"
		elif [ -z "${floor_of[$other]:-}" ] ||
			[ "${floor_of[$other]}" -gt "${floor_of[$folder]}" ]
		then
			offence "src/$file includes $included, which is above it"
		fi
	done < <(sed -n 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*"\([^"]*\)".*/\1/p' "src/$file")
done < <(cd src && find . -name '*.[ch]' | sed 's,^\./,,' | sort)

only_in transfer/ 'curl.h is included' '^[[:space:]]*#[[:space:]]*include[[:space:]]*<curl/'
only_in compat.h '#if on the version of the server' \
	'^[[:space:]]*#[[:space:]]*(if|elif).*(PG_VERSION_NUM|PG_MAJORVERSION)'
# the one function that has a credential's text
only_in connection/ 'a credential is read' '(^|[^a-z_])secret_read\('

if [ $bad -ne 0 ]
then
	exit 1
fi
echo "floors: $((count + console_files)) files, each includes only what is below it"
