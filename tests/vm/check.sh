#!/bin/bash
# SPDX-License-Identifier: MIT
#
# make check: every layer; all are run whatever fails, and the last line adds them up.
# check-unit, lanes of check-vm, the debug kernel's lane and the packages are left out when
# this machine has seen exactly these sources pass. .ci/run sets CI: then only the debug lane
# is, which need run only when the driver has changed.
# shellcheck source-path=SCRIPTDIR
set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/lib/common.sh"

# Seconds that .ci/run may take, and what the packages need of them with an empty cache;
# they take half of that on two idle processors. The debug lane comes last: with its kernel
# to build it may take 25 minutes.
CI_LIMIT=5200 PACKAGING=1500 DEBUG=1500

# Why a layer cannot be run here, or nothing.
obstacle() {
	local left=$((CI_LIMIT - SECONDS))
	case ${CI:+ci}/$1 in
	ci/packaging) [ $left -ge $PACKAGING ] || { echo "there is no time for it"; return; } ;;
	ci/debug) [ $left -ge $DEBUG ] || { echo "there is no time for it"; return; } ;;
	esac
	if [ "$1" = packaging ] && ! can_overlay; then
		echo "this machine cannot mount overlays"
	fi
}

# The machines of the packages are overlays over roots in the cache.
can_overlay() {
	local dir status=0
	mkdir -p "$CACHE"
	dir=$(mktemp -d "$CACHE/overlay.XXXXXX")
	mkdir "$dir"/{lower,upper,work,root}
	as_root unshare -m mount -t overlay overlay \
		-o "lowerdir=$dir/lower,upperdir=$dir/upper,workdir=$dir/work" "$dir/root" 2>/dev/null || status=1
	as_root rm -rf "$dir"
	return $status
}

script_of() {
	case $1 in
	static) script=("$TOP/tests/static/check") ;;
	unit) script=(env IF_CHANGED="$IF_CHANGED" "$HERE/unit.sh") ;;
	vm) script=(env IF_CHANGED="$IF_CHANGED" "$HERE/suites.sh") ;;
	packaging) script=("$TOP/tests/packaging/check" --if-changed) ;;
	debug) script=("$HERE/debug.sh" --if-changed) ;;
	esac
}

# run_layer LAYER: its output goes to its log, and to ours unless somebody else shows it.
run_layer() {
	local script start=$SECONDS
	script_of "$1"
	"${script[@]}" 2>&1 | tee "$BUILD/check-$1.log" || true
	echo $((SECONDS - start)) >"$BUILD/check-$1.seconds"
}

# add_up LAYER: one that does not come to its last line failed once more.
add_up() {
	local numbers
	numbers=$(sed -nE '$s/^([0-9]+) passed, ([0-9]+) failed$/\1 \2/p' "$BUILD/check-$1.log")
	[ -n "$numbers" ] || numbers="0 1"
	passed=$((passed + ${numbers% *}))
	failed=$((failed + ${numbers#* }))
	table+=$(printf 'check-%-8s %4d passed %4d failed %5d s' "$1" "${numbers% *}" "${numbers#* }" \
		"$(cat "$BUILD/check-$1.seconds")")$'\n'
}

# What needs no guest runs while guests do, and behind them: they leave processors idle
# now and then.
begin_beside() {
	local layer
	for layer; do
		(
			renice -n 10 "$BASHPID" >/dev/null
			run_layer "$layer" >/dev/null </dev/null
		) &
		beside+=($!)
	done
}

end_beside() {
	local layer
	wait "${beside[@]}" || true
	beside=()
	for layer; do
		echo "== check-$layer"
		cat "$BUILD/check-$layer.log"
		add_up "$layer"
	done
}

beside=()
main() {
	local layer why passed=0 failed=0 table='' IF_CHANGED=1

	[ -z "${CI:-}" ] || IF_CHANGED=''
	trap '[ ${#beside[@]} = 0 ] || kill "${beside[@]}" 2>/dev/null || true' EXIT
	mkdir -p "$BUILD"
	begin_beside static unit
	echo "== check-vm, with check-static and check-unit beside it"
	run_layer vm
	end_beside static unit
	add_up vm
	for layer in packaging debug; do
		echo "== check-$layer"
		why=$(obstacle "$layer")
		if [ -n "$why" ]; then
			table+="check-$layer left out: $why; make check-$layer runs it"$'\n'
			continue
		fi
		run_layer "$layer"
		add_up "$layer"
	done
	echo
	printf '%s' "$table"
	echo "$passed passed, $failed failed"
	[ "$failed" = 0 ]
}

main
exit
