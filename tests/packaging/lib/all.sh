# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# shellcheck source-path=SCRIPTDIR
#
# What the scripts of tests/packaging share, theirs and that of tests/vm.

PACKAGING_LIB=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export PACKAGING_TESTS=${PACKAGING_LIB%/lib}
. "$PACKAGING_LIB/../../vm/lib/common.sh"
. "$PACKAGING_LIB/../../vm/lib/deps.sh"
. "$PACKAGING_LIB/../../vm/lib/kernels.sh"
. "$PACKAGING_LIB/../../vm/lib/emulator.sh"
. "$PACKAGING_LIB/../../vm/lib/roots.sh"
. "$PACKAGING_LIB/../../vm/lib/initramfs.sh"
. "$PACKAGING_LIB/../../vm/lib/passed.sh"
. "$PACKAGING_LIB/roots.sh"
. "$PACKAGING_LIB/build.sh"
cd "$TOP" || exit

# own_mounts SCRIPT ARGUMENTS...: the rest runs as root in a mount namespace of its own:
# overlays and what is mounted in them go away with it, however it ends.
own_mounts() {
	local status=0
	[ -z "${AMDSVM_OWN_MOUNTS:-}" ] || return 0
	# What killed runs left; nothing can be mounted there any more.
	as_root find "$PACKAGING/work" -mindepth 1 -maxdepth 1 -mmin +300 \
		-exec rm -rf --one-file-system {} + 2>/dev/null || true
	as_root env AMDSVM_OWN_MOUNTS=1 HOME="$HOME" XDG_CACHE_HOME="${XDG_CACHE_HOME:-}" \
		DEB_RELEASE="${DEB_RELEASE:-}" unshare --mount --propagation private "$@" || status=$?
	exit $status
}

# give_back FILE...: root made it, for whoever called sudo.
give_back() {
	[ -z "${SUDO_UID:-}" ] || chown -R --reference="$TOP" "$@"
}
