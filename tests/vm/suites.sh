#!/bin/bash
# SPDX-License-Identifier: MIT
#
# make check-vm: every suite on every lane, one boot a lane. Takes what to run
# from the environment: KERNEL, LANE, SUITE (each one word; all by default). With
# IF_CHANGED, as make check runs it, without the lanes that this machine has seen pass.
# shellcheck source-path=SCRIPTDIR
set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/lib/common.sh"
. "$HERE/lib/deps.sh"
. "$HERE/lib/kernels.sh"
. "$HERE/lib/emulator.sh"
. "$HERE/lib/roots.sh"
. "$HERE/lib/module.sh"
. "$HERE/lib/userspace.sh"
. "$HERE/lib/deal.sh"
. "$HERE/lib/passed.sh"
. "$HERE/lib/lanes.sh"

KERNEL=${KERNEL:-} LANE=${LANE:-} SUITE=${SUITE:-}
SUITE=${SUITE#suite_}
# Longest time of one boot; boots at the same time, each of which needs most of a processor.
LANE_TIMEOUT=${LANE_TIMEOUT:-1500}
AT_ONCE=${AT_ONCE:-3}
passed=0 failed=0 UNBUILT=''

# The debug kernel takes minutes to make and has a target of its own.
wanted() {
	if [ -n "$KERNEL" ]; then [ "$KERNEL" = "$1" ]; else [[ " $KERNELS " == *" $1 "* ]]; fi
}

check_build() {
	local start=$SECONDS
	(ensure_root "$(kernel_root_name "$1")")
	if (build_module "$1"); then
		printf '%-14s %-16s ok    %d s\n' "$1" "module W=1" $((SECONDS - start))
	else
		printf '%-14s %-16s FAIL\n' "$1" "module W=1"
		return 1
	fi
}

# Built on every kernel, run on those of the lanes: 7.3 is not released. All at once:
# half of a build has one thing to do at a time.
check_builds() {
	local kernel kernels=() pids=() i
	for kernel in $KERNELS $DEBUG_KERNELS; do
		wanted "$kernel" || continue
		kernels+=("$kernel")
		check_build "$kernel" </dev/null &
		pids+=($!)
	done
	for i in "${!kernels[@]}"; do
		if wait "${pids[i]}"; then
			passed=$((passed + 1))
		else
			failed=$((failed + 1))
			UNBUILT+=" ${kernels[i]} "
		fi
	done
}

suite_names() {
	local program
	for program in "$BUILD"/user/tests/vm/suite_*; do
		if [ ! -x "$program" ] || [ -d "$program" ]; then continue; fi
		program=${program##*/suite_}
		[ -z "$SUITE" ] || [ "$SUITE" = "$program" ] || continue
		echo "$program"
	done
}

# boot KERNEL LANE alone|beside OUT SUITE...: the suites in one boot; OUT.result gets how
# many tests passed and failed. The guest's own failure (panic, kernel log, module left in
# use) counts as one more.
boot() {
	local kernel=$1 lane=$2 options=() out=$4 status=0 numbers
	[ "$3" = alone ] || options=(--in-turn)
	shift 4
	echo 0 1 >"$out.result"
	"$HERE/run" "$kernel" --lane "$lane" --timeout "$LANE_TIMEOUT" "${options[@]}" \
		--add "$HERE/guest/suites:/usr/libexec/amdsvm/suites" -- suites "$@" \
		2>"$out.err" </dev/null | tee "$out.out" |
		awk -f "$HERE/suites.awk" -v lane="$kernel/$lane" -v expected="$*" -v result="$out.result" || status=$?
	numbers=$(cat "$out.result")
	if [ "$status" != 0 ]; then
		printf '%-14s %-16s FAIL\n' "$kernel/$lane" "the guest"
		cat "$out.err"
		numbers="${numbers% *} $((${numbers#* } + 1))"
	fi
	if [ "${numbers#* }" = 0 ]; then rm -f "$out.out"; else echo "(all output: $out.out)"; fi
	rm -f "$out.err"
	echo "$numbers" >"$out.result"
}

# give_way: to the lane that takes longest, which would be the last to end otherwise.
give_way() { renice -n 5 "$BASHPID" >/dev/null; }

# run_lane KERNEL LANE alone|beside: its numbers go into a file, see lane_result. The
# debug kernel's suites take two boots.
run_lane() {
	local out=$BUILD/vm/suites-$1-$2-$3.$$ boots=1 i suites file numbers sum=(0 0)
	[ "$1" != debug ] || boots=2
	[ "$1/$2" = "$PARALLEL_LANE" ] || give_way
	for ((i = 0; i < boots; i++)); do
		mapfile -t suites < <(suites_of "$1/$2" "$3" "$SUITES" | part $boots $i)
		[ ${#suites[@]} = 0 ] || boot "$1" "$2" "$3" "$out.$i" "${suites[@]}" &
	done
	wait
	for file in "$out".*.result; do
		numbers=$(cat "$file")
		sum=($((sum[0] + ${numbers% *})) $((sum[1] + ${numbers#* })))
		rm -f "$file"
	done
	echo "${sum[@]}" >"$(lane_result "$@")"
}

lane_result() { echo "$BUILD/vm/lane-$1-$2-$3.$$"; }

# add_up KERNEL LANE alone|beside: a lane without numbers is one that failed.
declare -A LANE_PASSED LANE_FAILED
add_up() {
	local file numbers
	file=$(lane_result "$@")
	numbers=$(cat "$file" 2>/dev/null || echo 0 1)
	passed=$((passed + ${numbers% *}))
	failed=$((failed + ${numbers#* }))
	LANE_PASSED[$1/$2]=$((${LANE_PASSED[$1/$2]:-0} + ${numbers% *}))
	LANE_FAILED[$1/$2]=$((${LANE_FAILED[$1/$2]:-0} + ${numbers#* }))
	rm -f "$file"
}

# run_lanes AT_ONCE alone|beside
run_lanes() {
	local lane
	for lane in "${lanes[@]}"; do
		[ -n "$(suites_of "$lane" "$2" "$SUITES")" ] || continue
		if [[ $UNBUILT == *" ${lane%/*} "* ]]; then
			printf '%-14s %-16s FAIL  no module to run them with\n' "$lane" "all suites"
			continue
		fi
		while [ "$(jobs -rp | wc -l)" -ge "$1" ]; do wait -n || true; done
		run_lane "${lane%/*}" "${lane#*/}" "$2" </dev/null &
	done
}

# add_up_lanes alone|beside
add_up_lanes() {
	local lane
	for lane in "${lanes[@]}"; do
		[ -z "$(suites_of "$lane" "$1" "$SUITES")" ] || add_up "${lane%/*}" "${lane#*/}" "$1"
	done
}

# What SET_ATTR costs with a million ranges, in instructions: twice that with a
# thousand at most. Under icount, so that it is the same on any machine, beside others.
check_cost() {
	local start=$SECONDS result numbers='1 0'
	give_way
	if result=$("$HERE/run" 7.2 --icount --timeout 900 -- ranges_cost 2>&1 </dev/null); then
		printf '%-14s %-16s ok    %d s %s\n' 7.2/icount "cost of ranges" $((SECONDS - start)) "$(tail -n 1 <<<"$result")"
	else
		printf '%-14s %-16s FAIL\n%s\n' 7.2/icount "cost of ranges" "$result"
		numbers='0 1'
	fi
	echo "$numbers" >"$(lane_result 7.2 icount cost)"
}

need vm user
mkdir -p "$BUILD/vm"
INPUTS=$(vm_inputs)
COST_INPUTS=$(cost_inputs)
check_builds
(build_userspace)
SUITES=$(suite_names | xargs)
if [ -z "$SUITES" ]; then
	say "error: no suite to run${SUITE:+ of the name $SUITE}: there is no build/user/tests/vm/suite_${SUITE:-*}"
	failed=$((failed + 1))
fi

mapfile -t lanes < <(read_lanes)
if [ ${#lanes[@]} = 0 ]; then
	say "error: tests/vm/lanes has no lane${KERNEL:+ of kernel $KERNEL}${LANE:+ named $LANE}"
	failed=$((failed + 1))
fi
# Noted like a lane, and run whichever of them are left out.
cost=''
if [ -z "$SUITE$LANE" ] && [[ "${KERNEL:-7.2}" = 7.2 && "$UNBUILT" != *" 7.2 "* ]]; then cost=7.2/icount; fi
if [ -n "${IF_CHANGED:-}" ]; then leave_out; fi
if [ -n "$SUITES" ]; then
	run_lanes 1 alone
	wait
	add_up_lanes alone
	[ -z "$cost" ] || check_cost &
	run_lanes "$AT_ONCE" beside
	wait
	add_up_lanes beside
	[ -z "$cost" ] || add_up 7.2 icount cost
	[ -n "$SUITE" ] || note_lanes
fi

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
