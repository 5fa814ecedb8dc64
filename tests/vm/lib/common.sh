# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What every script here shares: where things are, how they speak, how they
# lock. Sourced, never run. No kernel, root or QEMU knowledge lives here.

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
BUILD=$TOP/build
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/amdsvm
# Two checkouts share the cache; what they build for themselves must not mix.
TREE_ID=$(printf '%s' "$TOP" | sha256sum | cut -c1-12)
export TOP BUILD CACHE TREE_ID
# depmod and modprobe are in sbin, which a user's PATH may lack.
export PATH=$PATH:/usr/sbin:/sbin

# Progress goes to stderr: stdout belongs to the guest's command.
say() { printf '%s\n' "$*" >&2; }
verbose() { if [ -n "${VERBOSE:-}" ]; then say "$@"; fi; }
die() { say "error: $*"; exit 2; }

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "this step needs root: run it as root, or install sudo"
	fi
}

# with_lock FILE COMMAND...: runs COMMAND in a subshell while holding FILE. The
# descriptor is closed for what COMMAND starts in the background by nobody here:
# callers do not leave processes behind.
with_lock() {
	local file=$1
	shift
	mkdir -p "$(dirname "$file")"
	(
		if ! flock -n 9; then
			say "waiting for another build of ${file##*/} ..."
			flock 9
		fi
		"$@"
	) 9>"$file"
}

# quietly LOG COMMAND...: the output is only of interest when COMMAND fails.
quietly() {
	local log=$1 status=0
	shift
	mkdir -p "$(dirname "$log")"
	"$@" >"$log" 2>&1 </dev/null || status=$?
	if [ "$status" != 0 ]; then
		tail -n 60 "$log" >&2
		say "error: '$1' failed with status $status; the whole log is $log"
	fi
	return "$status"
}
