# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Host packages, by what they are needed for. Sourced after common.sh.

declare -A PACKAGES=(
	[vm]="mmdebstrap debian-archive-keyring busybox-static
	      cpio rsync kmod xz-utils mount util-linux"
	[user]="gcc libc6-dev meson ninja-build pkg-config check
		libsmartcols-dev libjson-c-dev libmd-dev"
	[static]="shellcheck codespell perl pahole gcc libc6-dev"
)

# need GROUP...: installs what is missing of the groups' packages.
need() {
	local group package missing=()

	for group; do
		for package in ${PACKAGES[$group]}; do
			[ "$(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null)" = "ii " ] ||
				missing+=("$package")
		done
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	command -v apt-get >/dev/null ||
		die "missing packages: ${missing[*]}; this is not a Debian system, so install their counterparts by hand"
	say "installing Debian packages: ${missing[*]}"
	with_lock "$CACHE/apt.lock" quietly "$CACHE/log/apt.log" apt_install "${missing[@]}" ||
		die "could not install: ${missing[*]}; see the apt messages above"
}

# The lists may be absent (container images) or older than the mirror: the
# first try is free when they are good.
apt_install() {
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -y install --no-install-recommends "$@" ||
		{ as_root apt-get update &&
		  as_root env DEBIAN_FRONTEND=noninteractive apt-get -y install --no-install-recommends "$@"; }
}
