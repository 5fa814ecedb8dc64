#!/bin/bash
# SPDX-License-Identifier: MIT
#
# make check: every layer, cheapest first; all are run whatever fails, and the
# last line adds them up. The debug kernel and the packages are left out when this
# machine has seen exactly these sources pass; .ci/run sets CI, and packages are always
# tried.
# shellcheck source-path=SCRIPTDIR
set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/lib/common.sh"

main() {
	local layer script numbers passed=0 failed=0 start table=''

	mkdir -p "$BUILD"
	for layer in static unit vm debug packaging; do
		case $layer in
		static) script=("$TOP/tests/static/check") ;;
		unit) script=("$HERE/unit.sh") ;;
		vm) script=("$HERE/suites.sh") ;;
		debug) script=("$HERE/debug.sh" --if-changed) ;;
		packaging) script=("$TOP/tests/packaging/check" --if-changed) ;;
		esac
		start=$SECONDS
		echo "== check-$layer"
		"${script[@]}" 2>&1 | tee "$BUILD/check-$layer.log" || true
		# A layer that does not come to its last line failed once more.
		numbers=$(sed -nE '$s/^([0-9]+) passed, ([0-9]+) failed$/\1 \2/p' "$BUILD/check-$layer.log")
		[ -n "$numbers" ] || numbers="0 1"
		passed=$((passed + ${numbers% *}))
		failed=$((failed + ${numbers#* }))
		table+=$(printf 'check-%-8s %4d passed %4d failed %5d s' "$layer" "${numbers% *}" "${numbers#* }" $((SECONDS - start)))$'\n'
	done
	echo
	printf '%s' "$table"
	echo "$passed passed, $failed failed"
	[ "$failed" = 0 ]
}

main
exit
