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
. "$HERE/lib/passed.sh"

main() {
	local inputs key
	cd "$TOP"
	inputs=(amdsvm uapi VERSION tests/vm/debug.config tests/vm/lanes tests/vm/lib/{debugkernel,verdict}.sh
		tests/vm/guest tests/vm/*.[ch])
	key=$(input_key "${inputs[@]}")
	if [ "${1:-}" = --if-changed ] && has_passed "debug-$key" "make check-debug"; then
		echo "0 passed, 0 failed"
		return
	fi
	mkdir -p "$BUILD"
	# A part of the suites proves nothing about the whole. The lane takes about eight minutes
	# on an idle machine.
	KERNEL=debug LANE='' SUITE='' IF_CHANGED='' LANE_TIMEOUT=${LANE_TIMEOUT:-2400} "$HERE/suites.sh" |
		tee "$BUILD/debug.log"
	# What was edited meanwhile was not tested.
	[ "$key" != "$(input_key "${inputs[@]}")" ] ||
		note_passed "debug-$key" "$(sed -n '$p' "$BUILD/debug.log")"
}

main "$@"
exit
