# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# The QEMU that runs the guests: that of one Debian release, unpacked in the
# cache and run with its own libraries, whatever the machine has. Sourced before
# roots.sh, which keeps it.
#
# One version everywhere makes instruction counts comparable between machines.
# And it has to be newer than 8.0: before, one processor could translate an
# instruction while another was patching it, and keep the stale translation.
# Linux patches itself (static keys): one boot in 20 died of a stray int3.

# build_emulator NAME DIRECTORY: unpacked only, so nothing of it is configured.
build_emulator() {
	local sources options=()
	sources=$(root_sources "$1")
	mapfile -t options < <(apt_options)
	as_root env "PATH=$PATH" mmdebstrap --mode=root --variant=extract \
		--keyring=/usr/share/keyrings "${options[@]}" \
		--aptopt='APT::Install-Recommends "false"' \
		--dpkgopt='path-exclude=/usr/share/doc/*' \
		--include=qemu-system-x86 trixie "$2/root" - <<<"$sources"
}

# emulator ARGUMENTS...: replaces the shell it is run in, so that its process id
# is QEMU's: run it in the background.
emulator() {
	local root
	root=$(root_dir qemu)/root
	export QEMU_MODULE_DIR=$root/usr/lib/x86_64-linux-gnu/qemu
	exec "$root/usr/lib64/ld-linux-x86-64.so.2" --library-path "$root/usr/lib/x86_64-linux-gnu" \
		"$root/usr/bin/qemu-system-x86_64" -L "$root/usr/share/qemu" -L "$root/usr/share/seabios" "$@"
}
