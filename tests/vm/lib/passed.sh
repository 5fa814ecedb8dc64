# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What this machine has seen pass is not run again by make check, as long as nothing that
# the result depends on changes. Sourced after common.sh.

# input_key PATH...: of the content of all files below, so that a clean clone needs neither
# history nor network to decide; without what a build leaves beside the sources.
input_key() {
	(
		cd "$TOP" || exit
		find "$@" -type f \
			! -name '*.o' ! -name '*.ko' ! -name '*.mod' ! -name '*.mod.c' ! -name '.*' \
			! -name Module.symvers ! -name modules.order ! -path amdsvm/compat/config.h -print0 |
			LC_ALL=C sort -z | xargs -0 sha256sum
	) | sha256sum | cut -c1-16
}

passed_file() { echo "$CACHE/passed/$1"; }

# has_passed NAME WHAT: says so, too. WHAT is what runs it all the same.
has_passed() {
	local file
	file=$(passed_file "$1")
	[ -e "$file" ] || return 1
	echo "${1%-*}: passed with exactly these sources on $(date -r "$file" +%F), not run again ($2 does):"
	cat "$file"
}

# note_passed NAME RESULT
note_passed() {
	mkdir -p "$CACHE/passed"
	echo "$2" >"$(passed_file "$1")"
	find "$CACHE/passed" -type f -mtime +60 -delete
}
