#!/bin/bash
# SPDX-License-Identifier: MIT
#
# make demo: from nothing to the driver at work on a real file, the kernel's own
# modules package (over 64 MiB), in a guest of the newest released kernel.
# shellcheck source-path=SCRIPTDIR
set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/lib/common.sh"
. "$HERE/lib/deps.sh"
. "$HERE/lib/kernels.sh"
. "$HERE/lib/emulator.sh"
. "$HERE/lib/roots.sh"

main() {
	local file

	need vm
	ensure_root "$(kernel_root_name 7.2)"
	file=$(find "$(kernel_dir 7.2)" -maxdepth 1 -name '*.deb' -size +64M | sort | head -n 1)
	[ -n "$file" ] || die "the root of 7.2 has no package file over 64 MiB; remove it ($(root_dir trixie)) and try again"
	exec "$HERE/run" 7.2 --add "$file" -- svmctl demo "/root/${file##*/}"
}

main
