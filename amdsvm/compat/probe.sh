#!/bin/sh
# SPDX-License-Identifier: GPL-2.0 OR MIT
#
# Find out what the kernel that the module is built for has.
#
#   probe.sh PROBES OUTPUT SYMVERS VERSION COMPILER [FLAG...]
#
# Compiles each PROBES/*.c with the kernel's own compiler and flags, and looks
# the symbols that it names up in SYMVERS (Module.symvers), since a declaration
# is not an export. Writes OUTPUT, a header of definitions. Called by Kbuild.
#
# A probe says in the comment at its top:
#   define: NAME	defined when it compiles and its symbols are exported
#   symbols: ...	symbols that must be exported
#   one-of: TEXT	of all probes with this TEXT at least one must succeed
#   required: TEXT	nothing replaces it: without it the build stops
set -eu

probes=$1 output=$2 symvers=$3 version=$4
shift 4

work=$(mktemp -d "${TMPDIR:-/tmp}/amdsvm-probe.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

field() {
	sed -n "s/^ \* $1: //p" "$2"
}

exported() {
	# No list (a kernel tree without modules): the compiler alone decides.
	[ -f "$symvers" ] || return 0
	awk -v name="$1" '$2 == name { found = 1 } END { exit !found }' "$symvers"
}

# Compile one probe; the remaining arguments are the compiler and its flags.
compile() {
	file=$1
	shift
	name=$(basename "$file" .c)
	for symbol in $(field symbols "$file"); do
		if ! exported "$symbol"; then
			echo "$symbol is not exported" > "$work/$name.log"
			return 0
		fi
	done
	if "$@" -Werror=incompatible-pointer-types -Werror=implicit-function-declaration \
			-c -o "$work/$name.o" "$file" > "$work/$name.log" 2>&1; then
		: > "$work/$name.yes"
	fi
}

succeeded() {
	[ -e "$work/$(basename "$1" .c).yes" ]
}

# missing TEXT FILE...: stop, with what the compiler said of the probes in FILEs
missing() {
	text=$1
	shift
	for file; do
		cat "$work/$(basename "$file" .c).log" >&2
	done
	echo "amdsvm: these kernel headers lack $text." >&2
	echo "amdsvm: amdsvm $version does not know this kernel; look for a newer amdsvm, or for its list of supported kernels in README.md." >&2
	exit 1
}

# check_group TEXT: one of the probes with this TEXT succeeded
check_group() {
	group=$1
	set --
	for member in "$probes"/*.c; do
		[ "$(field one-of "$member")" = "$group" ] || continue
		if succeeded "$member"; then
			return 0
		fi
		set -- "$@" "$member"
	done
	missing "every known form of this: $group" "$@"
}

for file in "$probes"/*.c; do
	compile "$file" "$@" &
done
wait

{
	echo "/* Made by compat/probe.sh for the kernel that the module is built for. */"
	echo "#define SVM_VERSION \"$version\""
	for file in "$probes"/*.c; do
		if succeeded "$file"; then
			echo "#define $(field define "$file") 1"
		fi
	done
} > "$work/config.h"

for file in "$probes"/*.c; do
	required=$(field required "$file")
	if [ -n "$required" ] && ! succeeded "$file"; then
		missing "$required" "$file"
	fi
	group=$(field one-of "$file")
	if [ -n "$group" ]; then
		check_group "$group"
	fi
done

mkdir -p "$(dirname "$output")"
cp "$work/config.h" "$output"
