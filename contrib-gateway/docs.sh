#!/bin/sh
# docs.sh [--check] BINARY DIR: prints the settings of BINARY into README.md, the man page and the
# sample configuration of DIR, or checks that they are printed already.
#
# SPDX-License-Identifier: PostgreSQL
set -eu

check=
if [ "$1" = --check ]; then
	check=1
	shift
fi
binary=$1
dir=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Replaces what stands between the marker lines of FILE with the output of --print-settings=FORMAT.
print_between()
{
	"$binary" --print-settings="$2" >"$work/settings"
	awk -v settings="$work/settings" '
		/settings: end/ { skip = 0 }
		!skip { print }
		/settings: begin/ { while ((getline line < settings) > 0) print line; skip = 1 }
	' "$dir/$1" >"$work/$1"
}

print_between README.md markdown
print_between icecat-gateway.1 man
"$binary" --print-settings >"$work/icecat-gateway.conf"

for file in README.md icecat-gateway.1 icecat-gateway.conf; do
	if cmp -s "$work/$file" "$dir/$file"; then
		continue
	fi
	if [ -n "$check" ]; then
		echo "$file does not show the settings of settings.def: run make docs" >&2
		exit 1
	fi
	cp "$work/$file" "$dir/$file"
done
