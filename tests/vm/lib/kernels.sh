# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# The kernels the project is tested on: which root builds for them and which
# release a root's kernel has. Sourced after common.sh; roots.sh makes them.

KERNELS="6.1 6.12 7.2 7.3"
# Compiled here, with everything on that finds defects: see debugkernel.sh.
DEBUG_KERNELS="debug"

# Which root holds the compiler and headers of a kernel.
kernel_root_name() {
	case $1 in
	6.1) echo bookworm ;;
	6.12 | 7.2) echo trixie ;;
	7.3) echo sid ;;
	debug) echo debug ;;
	*) die "unknown kernel '$1'; use one of: $KERNELS $DEBUG_KERNELS" ;;
	esac
}

# What a root takes from the mirror: suites (a name in parentheses comes from
# the security archive when the machine has one) and the kernels it carries.
root_suites() {
	case $1 in
	bookworm) echo "bookworm bookworm-updates (bookworm-security)" ;;
	trixie) echo "trixie trixie-updates (trixie-security) trixie-backports" ;;
	sid) echo "sid experimental" ;;
	qemu) echo "trixie" ;;
	esac
}

root_kernels() {
	case $1 in
	bookworm) echo "6.1" ;;
	trixie) echo "6.12 7.2" ;;
	sid) echo "7.3" ;;
	debug) echo "debug" ;;
	esac
}

# Each kernel's directory: release, vmlinuz, lib/modules/*, *.deb
kernel_dir() { echo "$(root_dir "$(kernel_root_name "$1")")/kernels/$1"; }
kernel_release() { cat "$(kernel_dir "$1")/release"; }
kernel_image() { echo "$(kernel_dir "$1")/vmlinuz"; }
kernel_modules() { echo "$(kernel_dir "$1")/lib/modules/$(kernel_release "$1")"; }
