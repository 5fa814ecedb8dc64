# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Debian roots for packages: two in which packages are built (build-RELEASE), and
# two that are a user's machine before amdsvm, with the release's kernel and nothing
# that builds modules (base-RELEASE). Sourced after tests/vm/lib/{common,deps,
# kernels,emulator,roots}.sh, whose mirror and apt settings it uses.
#
# Each is a directory of the cache, keyed by what it is made from. Nothing writes
# into it once it is complete: who needs to write lays an overlay over it.

PACKAGING=$CACHE/packaging

# What the source packages of the Debian releases and of RPM build-depend on, and
# what looks at the result.
BUILD_PACKAGES="build-essential debhelper dh-dkms libjson-c-dev libmd-dev libsmartcols-dev meson pkgconf scdoc"

root_packages() {
	case $1 in
	build-trixie) echo "$BUILD_PACKAGES lintian rpm rpmlint debugedit elfutils" ;;
	build-bookworm) echo "$BUILD_PACKAGES" ;;
	# procps: dkms calls ps, which every real machine has.
	base-*) echo "linux-image-amd64 udev kmod procps" ;;
	*) die "there is no root '$1'" ;;
	esac
}

packaging_root_key() {
	{
		root_packages "$1"
		root_suites "${1#*-}"
		declare -f make_packaging_root
	} | sha256sum | cut -c1-12
}

packaging_root() { echo "$PACKAGING/roots/$1-$(packaging_root_key "$1")"; }

# ensure_packaging_root NAME: makes the root unless it is there.
ensure_packaging_root() {
	local dir
	dir=$(packaging_root "$1")
	if [ -e "$dir/complete" ]; then
		touch "$dir/complete"
		return
	fi
	with_lock "$CACHE/lock/packaging-$1" ensure_packaging_root_locked "$1" "$dir"
}

ensure_packaging_root_locked() {
	local name=$1 dir=$2 tmp start=$SECONDS
	[ ! -e "$dir/complete" ] || return 0
	say "building the Debian root '$name' (once; takes a minute or two) ..."
	mkdir -p "$PACKAGING/roots" "$PACKAGING/debs"
	# What an interrupted build left; the lock says nobody uses it.
	as_root rm -rf "$PACKAGING/roots/.new-$name."*
	tmp=$(mktemp -d "$PACKAGING/roots/.new-$name.XXXXXX")
	chmod 755 "$tmp"
	quietly "$CACHE/log/packaging-$name.log" make_packaging_root "$name" "$tmp" || exit 2
	touch "$tmp/complete"
	as_root rm -rf "$dir"
	as_root mv "$tmp" "$dir"
	# Those of older recipes, when nobody used them for two weeks.
	find "$PACKAGING/roots" -mindepth 2 -maxdepth 2 -name complete -mtime +14 | while read -r dir; do
		as_root rm -rf "${dir%/complete}"
	done
	say "root '$name' ready after $((SECONDS - start)) s"
}

# The initramfs that a kernel's package would make is never booted; update-initramfs
# stays installed as a user has it, and does nothing. Services do not start.
# shellcheck disable=SC2016 # the hooks' $1 is mmdebstrap's
make_packaging_root() {
	local name=$1 dir=$2 sources options=()
	sources=$(root_sources "${name#*-}")
	mapfile -t options < <(apt_options)
	as_root env DEBIAN_FRONTEND=noninteractive INITRD=No "PATH=$PATH" mmdebstrap \
		--mode=root --variant=apt --skip=essential/unlink,cleanup/apt \
		--keyring=/usr/share/keyrings "${options[@]}" \
		--aptopt='APT::Install-Recommends "false"' \
		--aptopt='Acquire::Languages "none"' \
		--dpkgopt='force-unsafe-io' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		--include="$(root_packages "$name" | tr ' ' ,)" \
		--setup-hook="mkdir -p \"\$1/var/cache/apt/archives\"; cp -n '$PACKAGING'/debs/*.deb \"\$1/var/cache/apt/archives/\" 2>/dev/null || :" \
		--customize-hook="cp -n \"\$1\"/var/cache/apt/archives/*.deb '$PACKAGING/debs/' || :" \
		--customize-hook="rm -f \"\$1\"/var/cache/apt/archives/*.deb" \
		--customize-hook='printf "#!/bin/sh\nexit 101\n" >"$1/usr/sbin/policy-rc.d"; chmod 755 "$1/usr/sbin/policy-rc.d"' \
		--customize-hook='conf="$1/etc/initramfs-tools/update-initramfs.conf"; [ ! -e "$conf" ] || echo update_initramfs=no >"$conf"' \
		"${name#*-}" "$dir/root" - <<<"$sources" || return
	# mmdebstrap turned recommended packages off; users have them on.
	printf '%s\n' 'APT::Install-Recommends "true";' 'APT::Keep-Downloaded-Packages "true";' |
		as_root tee "$dir/root/etc/apt/apt.conf.d/zz-user" >/dev/null
}

# at_root DIRECTORY COMMAND...: COMMAND in the root, as root, with a clean environment.
# Packages that it fetches go to DEBS, or the cache. Its mounts end with it.
at_root() {
	local root=$1
	shift
	# shellcheck disable=SC2016 # expanded by the inner shell
	as_root unshare --mount sh -c '
		debs=$1; shift
		mount -t proc proc "$1/proc" && mount --bind "$debs" "$1/var/cache/apt/archives" &&
		cp /etc/resolv.conf "$1/etc/resolv.conf" 2>/dev/null
		exec chroot "$@"' sh "${DEBS:-$PACKAGING/debs}" "$root" \
		/usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive TERM=dumb "$@"
}
