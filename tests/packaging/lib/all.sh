# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# shellcheck source-path=SCRIPTDIR
#
# What the scripts of tests/packaging share, theirs and that of tests/vm.

PACKAGING_TESTS=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$PACKAGING_TESTS/../vm/lib/common.sh"
. "$PACKAGING_TESTS/../vm/lib/deps.sh"
. "$PACKAGING_TESTS/../vm/lib/kernels.sh"
. "$PACKAGING_TESTS/../vm/lib/emulator.sh"
. "$PACKAGING_TESTS/../vm/lib/roots.sh"
. "$PACKAGING_TESTS/../vm/lib/initramfs.sh"
. "$PACKAGING_TESTS/lib/roots.sh"
. "$PACKAGING_TESTS/lib/build.sh"
cd "$TOP" || exit
