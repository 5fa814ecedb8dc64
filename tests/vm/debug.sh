#!/bin/bash
# SPDX-License-Identifier: MIT
#
# make check-debug: every suite on the debug kernel. With --if-changed, as make check
# runs it, only when this machine has not seen exactly this driver pass it: the lane
# costs as much as all others together.
# shellcheck source-path=SCRIPTDIR
set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/lib/common.sh"

# What the result depends on: the driver, the kernel's configuration, the suites.
# By content, so that a clean clone needs neither history nor network to decide;
# without what a build leaves beside the sources.
input_key() {
	(
		cd "$TOP"
		find amdsvm uapi VERSION tests/vm/debug.config tests/vm/lib/{debugkernel,verdict}.sh \
			tests/vm/guest tests/vm/*.[ch] -type f \
			! -name '*.o' ! -name '*.ko' ! -name '*.mod' ! -name '*.mod.c' ! -name '.*' \
			! -name Module.symvers ! -name modules.order ! -path amdsvm/compat/config.h -print0 |
			LC_ALL=C sort -z | xargs -0 sha256sum
	) | sha256sum | cut -c1-16
}

main() {
	local passed key
	key=$(input_key)
	passed=$CACHE/passed/debug-$key
	if [ "${1:-}" = --if-changed ] && [ -e "$passed" ]; then
		echo "passed with exactly this driver on $(date -r "$passed" +%F): not run again (make check-debug does)"
		cat "$passed"
		echo "0 passed, 0 failed"
		return
	fi
	mkdir -p "$BUILD" "${passed%/*}"
	# A part of the suites proves nothing about the whole. The lane takes ten minutes
	# on an idle machine.
	KERNEL=debug LANE='' SUITE='' LANE_TIMEOUT=${LANE_TIMEOUT:-2400} "$HERE/suites.sh" |
		tee "$BUILD/debug.log"
	# What was edited meanwhile was not tested.
	[ "$key" != "$(input_key)" ] || sed -n '$p' "$BUILD/debug.log" >"$passed"
	find "${passed%/*}" -type f -mtime +60 -delete
}

main "$@"
exit
