#!/bin/bash
# SPDX-License-Identifier: MIT
#
# compare.sh COMPARE: what make bench-compare takes for a regression, and what not.
set -euo pipefail

COMPARE=$1
DIR=$(mktemp -d)
trap 'rm -rf "$DIR"' EXIT
failed=0

# result FILE MODE TO_DEVICE TO_SYSTEM: as make bench writes it, as far as it is read.
result() {
	cat >"$DIR/$1" <<-END
	{"commit": "1234", "runs": [{"kernel": "7.2", "mode": "$2",
	 "cmdline": "console=ttyS0 init_on_alloc=0", "rows": [
	 {"name": "to_device_2m", "amdsvm_ns": $3, "test_hmm_ns": 9, "floor_ns": 9, "ratio": 1, "vs_peer": 1},
	 {"name": "to_system_2m", "amdsvm_ns": $4, "test_hmm_ns": null, "floor_ns": 9, "ratio": 1, "vs_peer": null},
	 {"name": "test_hmm_read_back_2m", "amdsvm_ns": null, "test_hmm_ns": 9, "floor_ns": null, "ratio": null,
	  "vs_peer": null}]}]}
	END
}

# expect STATUS WORDS OLD NEW: the status, and words of what is printed.
expect() {
	local status=0
	"$COMPARE" "$DIR/$3" "$DIR/$4" >"$DIR/output" 2>&1 || status=$?
	if [ "$status" != "$1" ] || ! grep -q -e "$2" "$DIR/output"; then
		echo "compare $3 $4: status $status, not $1, or no '$2' in:"
		cat "$DIR/output"
		failed=1
	fi
}

result old icount 1000000 2000000
result bit_slower icount 1049000 2000000
result faster icount 500000 1900000
result slower icount 1000000 2110000
result wall wall 1000000 2000000
result wall_slower wall 3000000 9000000
result gone icount 1000000 null
result wall_gone wall 1000000 null
result default icount 9000000 2000000
sed -i 's/"rows"/"large_pages": false, "rows"/' "$DIR/default"
result overcommit icount 1000000 2000000
sed -i 's/"to_system_2m"/"overcommit_seq_150"/' "$DIR/overcommit"
result without_overcommit icount 1000000 null
echo '{"runs": 5}' >"$DIR/broken"
echo 'no JSON' >"$DIR/text"

expect 0 'none more than 5% slower' old old
expect 0 '+4.9%' old bit_slower
expect 0 '-50.0%' old faster
expect 1 'to_system_2m .*+5.5% REGRESSION' old slower
expect 1 'to_system_2m$' old slower
expect 0 '+200.0%' wall wall_slower
expect 1 'no row in common' old wall
expect 1 'gone: to_system_2m$' old gone
expect 0 'to_system_2m .* gone$' wall wall_gone
expect 0 'overcommit_seq_150 .* gone$' overcommit without_overcommit
# With large_pages off it is another kind of run.
expect 1 'no row in common' old default
expect 0 'large_pages off' default default
expect 1 'is no result' old broken
expect 1 'is no result' text old
expect 1 'is no result' missing old
exit $failed
