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
. "$PACKAGING_LIB/roots.sh"
. "$PACKAGING_LIB/build.sh"
cd "$TOP" || exit
