#!/bin/bash
# SPDX-License-Identifier: MIT
#
# make check: every layer, cheapest first; all are run whatever fails, and the
# last line adds them up. The debug kernel and the packages are left out when this
# machine has seen exactly these sources pass; .ci/run sets CI, and packages are always
# tried. There the whole has a time limit, too: the debug kernel, which takes longest,
# comes last and is left out, visibly, when it would not come to its end.
# shellcheck source-path=SCRIPTDIR
set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/lib/common.sh"

# Seconds that .ci/run may take, and what the debug layer needs of them when its kernel
# has to be compiled, and when not; half more than it takes two idle processors.
CI_LIMIT=5200 DEBUG_COLD=1900 DEBUG_WARM=900

# no_time LAYER: it would not be done in time.
no_time() {
	local needed=$DEBUG_COLD
	[ -n "${CI:-}" ] && [ "$1" = debug ] || return
	! compgen -G "$CACHE/roots/debug-*/complete" >/dev/null || needed=$DEBUG_WARM
	[ $((CI_LIMIT - SECONDS)) -lt "$needed" ]
}

main() {
	local layer script numbers passed=0 failed=0 start table=''

	mkdir -p "$BUILD"
	for layer in static unit vm packaging debug; do
		case $layer in
		static) script=("$TOP/tests/static/check") ;;
		unit) script=("$HERE/unit.sh") ;;
		vm) script=("$HERE/suites.sh") ;;
		debug) script=("$HERE/debug.sh" --if-changed) ;;
		packaging) script=("$TOP/tests/packaging/check" --if-changed) ;;
		esac
		start=$SECONDS
		echo "== check-$layer"
		if no_time "$layer"; then
			table+="check-$layer left out: there is no time for it; make check-$layer runs it"$'\n'
			continue
		fi
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
