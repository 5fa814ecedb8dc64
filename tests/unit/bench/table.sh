#!/bin/bash
# SPDX-License-Identifier: MIT
#
# table.sh TABLE: medians, ratios and marks of made-up samples; what makes a run void.
set -euo pipefail

TABLE=$1
DIR=$(mktemp -d)
trap 'rm -rf "$DIR"' EXIT
failed=0

# boot FILE COPY: a copy of 256 MiB takes that long; three rounds.
boot() {
	local round
	{
		printf '%s\t%s\n' kernel 7.2 mode icount commit 1234 release 7.2.0 \
			cmdline 'console=ttyS0 init_on_alloc=0'
		for round in 0 1 2; do
			printf '%s\tfloor\t%s\n' copy_4k "$2" copy_2m "$2" repeat_prefetch 40000000
			printf '%s\tamdsvm\t%s\n' to_device_2m $((40000000 + round * 100000)) \
				to_system_2m $((50000000 + round * 1000000)) repeat_prefetch 400000 \
				size_2_to_device_2m 400000 size_32_to_device_2m 5000000
			printf '%s\ttest_hmm\t%s\n' to_device_2m 401000000
		done
	} >"$DIR/$1"
}

# expect STATUS PATTERN ARGUMENTS...
expect() {
	local status=0 wanted=$1 pattern=$2
	shift 2
	"$TABLE" "$@" >"$DIR/output" 2>&1 || status=$?
	if [ "$status" != "$wanted" ] || ! grep -qE -e "$pattern" "$DIR/output"; then
		echo "table $*: status $status, not $wanted, or no '$pattern' in:"
		cat "$DIR/output"
		failed=1
	fi
}

boot good 33600000
boot void 34300000
echo 'no samples' >"$DIR/broken"

# 33.6 of 40.1 ms, which is enough; 10 times test_hmm; rounds differ by half a percent.
expect 0 '^to_device_2m +40.1 +401.0 +33.6 +0.84 +of copy speed +0.8 +10.00x +5x +0.5%$' "$DIR/good"
# Neither fast enough nor repeatable.
expect 0 '^to_system_2m .* 0.66 +of copy speed +0.8 missed .* 3.9% !$' "$DIR/good"
expect 0 '^repeat_prefetch .* 0.0100 +of the first' "$DIR/good"
expect 0 '"ratio": 0.8379,' --json "$DIR/good"
expect 0 '"unsteady": true' --json "$DIR/good"
sed 's/^kernel.*/kernel\t6.12/; s/^commit.*/commit\t5678/' "$DIR/good" >"$DIR/other"
printf 'large_pages\t0\n' | cat - "$DIR/good" >"$DIR/default"
expect 0 '^Linux 7.2: commit 1234, 3 rounds. No wall times' "$DIR/good" "$DIR/other"
expect 0 '^Linux 6.12: commit 5678, 3 rounds' "$DIR/good" "$DIR/other"
# What must be reached is for the driver with large pages.
expect 0 '^to_system_2m .* 0.66 +of copy speed +- +3.9% !$' "$DIR/default"
expect 0 'large_pages off' "$DIR/default"
expect 0 '"large_pages": false,' --json "$DIR/default"
expect 1 'void: copy_page\(\) ran at 7.83 GB/s' "$DIR/void"
expect 1 'not a boot' "$DIR/broken"

"$TABLE" --pictures="$DIR" "$DIR/good" || failed=1
python3 -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])' "$DIR/throughput.svg" || failed=1
# The third is the row itself, 256 MiB.
if [ "$(grep -c '<circle' "$DIR/throughput.svg")" != 3 ]; then
	echo "the picture has not three points"
	failed=1
fi
exit $failed
