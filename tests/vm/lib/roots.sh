# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# shellcheck source-path=SCRIPTDIR
#
# Debian roots: one for each release whose compiler builds a kernel's modules,
# with the headers installed and the kernel images unpacked beside them.
# Sourced after common.sh, kernels.sh and emulator.sh.
#
# A root is a directory of the cache named after everything it is made from, so
# a changed recipe makes a new one. It is built under a temporary name and moved
# into place, so an interrupted build leaves nothing that looks finished.

ROOT_PACKAGES="gcc make libc6-dev perl kmod sparse"

. "${BASH_SOURCE[0]%/*}/debugkernel.sh"

# The Debian archive this machine already uses (label "Debian" or
# "Debian-Security"); AMDSVM_MIRROR and AMDSVM_SECURITY_MIRROR override it.
mirror_of() {
	apt-get indextargets --format "\$(LABEL)|\$(REPO_URI)" 2>/dev/null |
		sed -n "s/^$1|//p" | sed 's,/$,,' | sort -u | head -n 1
}

root_sources() {
	local suite main security
	main=${AMDSVM_MIRROR:-$(mirror_of Debian)}
	security=${AMDSVM_SECURITY_MIRROR:-$(mirror_of Debian-Security)}
	[ -n "$main" ] ||
		die "no Debian mirror in this machine's apt configuration; run apt-get update, or set AMDSVM_MIRROR"
	for suite in $(root_suites "$1"); do
		case $suite in
		\(*)
			suite=${suite#(}
			[ -z "$security" ] || echo "deb $security ${suite%)} main"
			;;
		*) echo "deb $main $suite main" ;;
		esac
	done
}

# Proxies and the tolerance for old Release files are the machine's business:
# what its own apt obeys, ours must too.
apt_options() {
	apt-config dump | sed -nE '/^Acquire::(Check-Valid-Until|Check-Date|https?::([^ ]*::)?Proxy|Retries) /{s/^/--aptopt=/;s/;$//;p}'
}

root_key() {
	{
		# The archive's address is no part of what a root contains.
		root_suites "$1"
		root_kernels "$1"
		echo "$ROOT_PACKAGES"
		cat "$TOP/tests/vm/lib/root-kernels"
		declare -f "$(root_builder "$1")"
		[ "$1" != debug ] || debug_key
	} | sha256sum | cut -c1-12
}

root_builder() {
	case $1 in
	qemu) echo build_emulator ;;
	debug) echo build_debug ;;
	*) echo build_root ;;
	esac
}

root_dir() { echo "$CACHE/roots/$1-$(root_key "$1")"; }

# ensure_root NAME: builds the root unless it is there.
ensure_root() {
	local dir
	# The name of the debug root says which version the other one has.
	[ "$1" != debug ] || ensure_root trixie
	dir=$(root_dir "$1")
	if [ -e "$dir/complete" ]; then
		# When it was last used, for prune_roots.
		touch "$dir/complete"
		return
	fi
	with_lock "$CACHE/lock/root-$1" ensure_root_locked "$1" "$dir"
}

ensure_root_locked() {
	local name=$1 dir=$2 tmp time='up to a minute' start=$SECONDS
	[ ! -e "$dir/complete" ] || return 0
	[ "$name" != debug ] || time='a quarter of an hour: it compiles a kernel'
	say "building the Debian root '$name' (once; takes $time) ..."
	mkdir -p "$CACHE/roots"
	# What an interrupted build left behind; the lock says nobody uses it.
	as_root rm -rf "$CACHE/roots/.new-$name."*
	tmp=$(mktemp -d "$CACHE/roots/.new-$name.XXXXXX")
	# mmdebstrap's apt runs sandboxed and has to get at it.
	chmod 755 "$tmp"
	quietly "$CACHE/log/root-$name.log" "$(root_builder "$name")" "$name" "$tmp" || exit 2
	touch "$tmp/complete"
	as_root rm -rf "$dir"
	as_root mv "$tmp" "$dir"
	prune_roots
	say "root '$name' ready after $((SECONDS - start)) s"
}

# A changed recipe leaves the old roots behind, which another checkout may still
# want: they go when nobody used them for two weeks.
prune_roots() {
	local old
	find "$CACHE/roots" -mindepth 2 -maxdepth 2 -name complete -mtime +14 | while read -r old; do
		as_root rm -rf "${old%/complete}"
	done
}

# The .deb cache is only a help for the next recipe; it is copied in and out
# because apt wants to own its archive directory.
# shellcheck disable=SC2016 # the hooks' $1 is mmdebstrap's
build_root() {
	local name=$1 dir=$2 debs=$CACHE/debs sources options=()
	sources=$(root_sources "$name")
	mapfile -t options < <(apt_options)
	mkdir -p "$debs"
	as_root env DEBIAN_FRONTEND=noninteractive INITRD=No "PATH=$PATH" mmdebstrap \
		--mode=root --variant=apt --skip=essential/unlink,cleanup/apt \
		--keyring=/usr/share/keyrings \
		"${options[@]}" \
		--aptopt='APT::Install-Recommends "false"' \
		--aptopt='Acquire::Languages "none"' \
		--dpkgopt='force-unsafe-io' \
		--dpkgopt='force-confold' \
		--dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		--dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-include=/usr/share/doc/*/copyright' \
		--include="${ROOT_PACKAGES// /,}" \
		--setup-hook='mkdir -p "$1/etc/initramfs-tools"; echo update_initramfs=no >"$1/etc/initramfs-tools/update-initramfs.conf"' \
		--setup-hook="mkdir -p \"\$1/var/cache/apt/archives\"; cp -n '$debs'/*.deb \"\$1/var/cache/apt/archives/\" 2>/dev/null || :" \
		--customize-hook="'$TOP/tests/vm/lib/root-kernels' \"\$1\" '$dir/kernels' $(root_kernels "$name")" \
		--customize-hook="cp -n \"\$1\"/var/cache/apt/archives/*.deb '$debs/' || :" \
		--customize-hook="rm -f \"\$1\"/var/cache/apt/archives/*.deb" \
		"$(root_suites "$name" | cut -d' ' -f1)" "$dir/root" - <<<"$sources"
}

# in_directory DIRECTORY COMMAND...: runs COMMAND in the root with a clean environment
# and a /proc (objtool reads its own stack limit there); the mount is private to it.
in_directory() {
	local root=$1
	shift
	# shellcheck disable=SC2016 # expanded by the inner shell
	as_root unshare --mount sh -c 'mount -t proc proc "$1/proc" && exec chroot "$@"' sh "$root" \
		/usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C "$@"
}

in_root() {
	local root
	root=$(root_dir "$1")/root
	shift
	in_directory "$root" "$@"
}

# apt_at DIRECTORY COMMAND...: apt-get with the sources of the root there, run on
# the host, which is the side that can reach the mirror.
apt_at() {
	local root=$1
	shift
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -o Dir="$root" \
		-o Dir::State::status="$root/var/lib/dpkg/status" \
		-o Dir::Etc::trustedparts=/usr/share/keyrings -o APT::Sandbox::User=root -q "$@"
}
