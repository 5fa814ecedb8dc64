#!/bin/bash
# SPDX-License-Identifier: MIT
#
# make check-vm: every suite on every lane, one boot a lane. Takes what to run
# from the environment: KERNEL, LANE, SUITE (each one word; all by default).
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

KERNEL=${KERNEL:-} LANE=${LANE:-} SUITE=${SUITE:-}
SUITE=${SUITE#suite_}
# Longest time of one lane; lanes that run at the same time: a guest has two processors,
# and needs one most of the time.
LANE_TIMEOUT=${LANE_TIMEOUT:-1500}
AT_ONCE=${AT_ONCE:-2}
passed=0 failed=0 UNBUILT=''

# The debug kernel takes minutes to make and has a target of its own.
wanted() {
	if [ -n "$KERNEL" ]; then [ "$KERNEL" = "$1" ]; else [[ " $KERNELS " == *" $1 "* ]]; fi
}

# Built on every kernel, run on those of the lanes: 7.3 is not released.
check_builds() {
	local kernel start
	for kernel in $KERNELS $DEBUG_KERNELS; do
		wanted "$kernel" || continue
		start=$SECONDS
		(ensure_root "$(kernel_root_name "$kernel")")
		if (build_module "$kernel"); then
			printf '%-14s %-16s ok    %d s\n' "$kernel" "module W=1" $((SECONDS - start))
			passed=$((passed + 1))
		else
			printf '%-14s %-16s FAIL\n' "$kernel" "module W=1"
			failed=$((failed + 1))
			UNBUILT+=" $kernel "
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

# boot KERNEL LANE OUT SUITE...: the suites in one boot; OUT.result gets how many tests
# passed and failed. The guest's own failure (panic, kernel log, module left in use)
# counts as one more.
boot() {
	local kernel=$1 lane=$2 out=$3 status=0 numbers
	shift 3
	"$HERE/run" "$kernel" --lane "$lane" --timeout "$LANE_TIMEOUT" \
		--add "$HERE/guest/suites:/usr/libexec/amdsvm/suites" -- suites "$@" \
		2>"$out.err" </dev/null | tee "$out.out" |
		awk -f "$HERE/suites.awk" -v lane="$kernel/$lane" -v expected="$*" -v result="$out.result" || status=$?
	numbers=$(cat "$out.result" 2>/dev/null || echo 0 1)
	if [ "$status" != 0 ]; then
		printf '%-14s %-16s FAIL\n' "$kernel/$lane" "the guest"
		cat "$out.err"
		numbers="${numbers% *} $((${numbers#* } + 1))"
	fi
	if [ "${numbers#* }" = 0 ]; then rm -f "$out.out"; else echo "(all output: $out.out)"; fi
	rm -f "$out.err"
	echo "$numbers" >"$out.result"
}

# Seconds of the suites that take long on the debug kernel; the others take about 8.
DEBUG_SECONDS='stale 90 zz_unload 47 zz_faultring 45 failnth 45 death 42 packets 30 threads 30 sysfs 28
	faultfile 25 malformed 23 faultmap 22 lifetime 22 reclaim 21 stale_taken 20 scale 18 large 18
	stale_move 17 restore 17 fork 16 shadow 16 queuecalls 16 overcommit 15 prefetch 14'

# part N OFFSET: of the suites on standard input, those of one of N boots that take
# equally long. What is first in the alphabet stays first.
part() {
	tr ' ' '\n' | awk -v table="$DEBUG_SECONDS" '
		BEGIN { n = split(table, t); for (i = 1; i < n; i += 2) seconds[t[i]] = t[i + 1] }
		{ print NR, $1, ($1 in seconds ? seconds[$1] : 8) }' | sort -k3,3nr -k1,1n |
		awk -v parts="$1" -v wanted="$2" '{
			least = 0
			for (i = 1; i < parts; i++) if (sum[i] < sum[least]) least = i
			sum[least] += $3
			if (least == wanted) print $1, $2
		}' | sort -n | cut -d' ' -f2
}

# suites_of KERNEL LANE alone|beside: two processors that spin need twenty times as long
# when they are shared, and on this lane these suites make their rounds in full.
suites_of() {
	tr ' ' '\n' <<<"$SUITES" | awk -v lane="$1/$2" -v wanted="$3" '
		{ which = lane == "7.2/private" && /^stale/ ? "alone" : "beside" }
		which == wanted'
}

# run_lane KERNEL LANE alone|beside: in one boot; on the debug kernel, where tests have
# more patience, in two at once. Its numbers go into a file, see lane_result.
run_lane() {
	local kernel=$1 lane=$2 boots=1 i out numbers suites list sum=(0 0)
	suites=$(suites_of "$@")
	[ "$kernel" != debug ] || [ -n "$SUITE" ] || boots=2
	for ((i = 0; i < boots; i++)); do
		out=$BUILD/vm/suites-$kernel-$lane-$3.$$.$i
		mapfile -t list < <(part $boots $i <<<"$suites")
		boot "$kernel" "$lane" "$out" "${list[@]}" &
	done
	wait
	for ((i = 0; i < boots; i++)); do
		out=$BUILD/vm/suites-$kernel-$lane-$3.$$.$i
		numbers=$(cat "$out.result" 2>/dev/null || echo 0 1)
		sum=($((sum[0] + ${numbers% *})) $((sum[1] + ${numbers#* })))
		rm -f "$out.result"
	done
	echo "${sum[@]}" >"$(lane_result "$@")"
}

lane_result() { echo "$BUILD/vm/lane-$1-$2-$3.$$"; }

# add_up KERNEL LANE alone|beside: a lane without numbers is one that failed.
add_up() {
	local file numbers
	file=$(lane_result "$@")
	numbers=$(cat "$file" 2>/dev/null || echo 0 1)
	passed=$((passed + ${numbers% *}))
	failed=$((failed + ${numbers#* }))
	rm -f "$file"
}

# run_lanes AT_ONCE alone|beside
run_lanes() {
	local lane
	for lane in "${lanes[@]}"; do
		[ -n "$(suites_of "${lane%/*}" "${lane#*/}" "$2")" ] || continue
		if [[ $UNBUILT == *" ${lane%/*} "* ]]; then
			printf '%-14s %-16s FAIL  no module to run them with\n' "$lane" "all suites"
			continue
		fi
		while [ "$(jobs -rp | wc -l)" -ge "$1" ]; do wait -n || true; done
		run_lane "${lane%/*}" "${lane#*/}" "$2" </dev/null &
	done
	wait
	for lane in "${lanes[@]}"; do
		[ -z "$(suites_of "${lane%/*}" "${lane#*/}" "$2")" ] || add_up "${lane%/*}" "${lane#*/}" "$2"
	done
}

# What SET_ATTR costs with a million ranges, in instructions: twice that with a
# thousand at most. Under icount, so that it is the same on any machine.
check_cost() {
	local start=$SECONDS result
	if result=$("$HERE/run" 7.2 --icount --timeout 900 -- ranges_cost 2>&1 </dev/null); then
		printf '%-14s %-16s ok    %d s %s\n' 7.2/icount "cost of ranges" $((SECONDS - start)) "$(tail -n 1 <<<"$result")"
		passed=$((passed + 1))
	else
		printf '%-14s %-16s FAIL\n%s\n' 7.2/icount "cost of ranges" "$result"
		failed=$((failed + 1))
	fi
}

need vm user
mkdir -p "$BUILD/vm"
check_builds
(build_userspace)
SUITES=$(suite_names | xargs)
if [ -z "$SUITES" ]; then
	say "error: no suite to run${SUITE:+ of the name $SUITE}: there is no build/user/tests/vm/suite_${SUITE:-*}"
	failed=$((failed + 1))
fi

lanes=()
while read -r kernel lane _; do
	case $kernel in '' | \#*) continue ;; esac
	wanted "$kernel" || continue
	[ -z "$LANE" ] || [ "$LANE" = "$lane" ] || continue
	lanes+=("$kernel/$lane")
done <"$HERE/lanes"
if [ -n "$SUITES" ]; then
	run_lanes 1 alone
	run_lanes "$AT_ONCE" beside
fi
if [ -n "$SUITES" ] && [ ${#lanes[@]} = 0 ]; then
	say "error: tests/vm/lanes has no lane${KERNEL:+ of kernel $KERNEL}${LANE:+ named $LANE}"
	failed=$((failed + 1))
fi

if [ -z "$SUITE$LANE" ] && [[ "${KERNEL:-7.2}" = 7.2 && "$UNBUILT" != *" 7.2 "* ]]; then
	check_cost
fi

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
