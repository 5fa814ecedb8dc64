# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Files of the kernel's source that no headers package carries, taken out of
# linux-source. Sourced after roots.sh.

# root_apt NAME COMMAND...: apt-get with the sources of a root.
root_apt() {
	local root
	root=$(root_dir "$1")/root
	shift
	apt_at "$root" "$@"
}

# ensure_checkpatch: prints the path of checkpatch.pl, with its word lists
# beside it.
ensure_checkpatch() {
	local dir
	dir=$CACHE/checkpatch/$(root_key trixie)
	[ -e "$dir/checkpatch.pl" ] ||
		with_lock "$CACHE/lock/checkpatch" quietly "$CACHE/log/checkpatch.log" fetch_checkpatch "$dir" ||
		die "checkpatch.pl could not be taken from linux-source-7.2"
	echo "$dir/checkpatch.pl"
}

fetch_checkpatch() {
	local dir=$1 tmp
	[ ! -e "$dir/checkpatch.pl" ] || return 0
	mkdir -p "$CACHE/checkpatch"
	tmp=$(mktemp -d "$CACHE/checkpatch/.new.XXXXXX")
	(cd "$tmp" && root_apt trixie download linux-source-7.2) ||
		{ root_apt trixie update && (cd "$tmp" && root_apt trixie download linux-source-7.2); }
	dpkg-deb --fsys-tarfile "$tmp"/linux-source-*.deb |
		tar -xO --wildcards './usr/src/linux-source-*.tar.xz' |
		tar -xJ -C "$tmp" --strip-components=2 --wildcards \
			'*/scripts/checkpatch.pl' '*/scripts/spelling.txt' '*/scripts/const_structs.checkpatch'
	rm -f "$tmp"/linux-source-*.deb
	rm -rf "$dir"
	mv "$tmp" "$dir"
}
