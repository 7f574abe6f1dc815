#!/usr/bin/env bash
#
# Checks that every file of src/ includes only files of lower floors, by the
# table in dev/floors.txt.  Prints each offence and exits 1 if there is one.

set -euo pipefail
export LC_ALL=C

cd "$(dirname "${BASH_SOURCE[0]}")/.."
table=dev/floors.txt
bad=0

offence()
{
	echo "floors: $*" >&2
	bad=1
}

floors=() families=() patterns=()
while read -r floor family names
do
	case $floor in ''|'#'*) continue ;; esac
	set -f
	for name in $names
	do
		floors+=("$floor") families+=("$family") patterns+=("$name")
	done
	set +f
done <$table

# Sets FLOOR and FAMILY of a file under src/; an exact name goes before a
# pattern.
look_up()
{
	local stem=${1%.[ch]} i

	for i in "${!patterns[@]}"
	do
		if [ "${patterns[i]}" = "$stem" ]
		then
			FLOOR=${floors[i]} FAMILY=${families[i]}
			return 0
		fi
	done
	for i in "${!patterns[@]}"
	do
		# shellcheck disable=SC2053 # a pattern is meant
		if [[ $stem == ${patterns[i]} ]]
		then
			FLOOR=${floors[i]} FAMILY=${families[i]}
			return 0
		fi
	done
	return 1
}

# The file under src/ that an include names, or nothing: the server's.
resolve()
{
	local from=$1 name=$2

	if [ -f "src/$(dirname "$from")/$name" ]
	then
		realpath --relative-to=src "src/$(dirname "$from")/$name"
	elif [ -f "src/$name" ]
	then
		echo "$name"
	fi
}

count=0
while read -r file
do
	count=$((count + 1))
	if ! look_up "$file"
	then
		offence "src/$file is not in $table"
		continue
	fi
	floor=$FLOOR family=$FAMILY

	while read -r name
	do
		included=$(resolve "$file" "$name")
		if [ -z "$included" ] || ! look_up "$included"
		then
			continue
		fi
		if [[ $included != *.h ]]
		then
			offence "src/$file includes $included, which is no header"
		elif [ "$FLOOR" -gt "$floor" ] ||
			{ [ "$FLOOR" -eq "$floor" ] && [ "$FAMILY" != "$family" ]; }
		then
			offence "src/$file (floor $floor, $family) includes" \
				"$included (floor $FLOOR, $FAMILY)"
		fi
	done < <(sed -n 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*"\([^"]*\)".*/\1/p' "src/$file")
done < <(cd src && find . -name '*.[ch]' | sed 's,^\./,,' | sort)

if [ $bad -ne 0 ]
then
	exit 1
fi
echo "floors: $count files, each includes only what is below it"
