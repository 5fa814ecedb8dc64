#!/bin/bash
# SPDX-License-Identifier: MIT
#
# make check-unit: the host's tests under address and undefined-behaviour
# sanitizers. Ends with "N passed, N failed": tests that passed, programs that did
# not. With IF_CHANGED, as make check runs it: not when this machine has seen exactly
# these sources pass, those of the driver that are in the tests included.
# shellcheck source-path=SCRIPTDIR
set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/lib/common.sh"
. "$HERE/lib/deps.sh"
. "$HERE/lib/userspace.sh"
. "$HERE/lib/passed.sh"

# unit_inputs: what the result depends on. Of the driver: the files that tests/unit names,
# and any header.
unit_inputs() {
	local sources
	mapfile -t sources < <(cd "$TOP" && {
		grep -rhoE 'amdsvm/[a-z]+\.c' --include=meson.build tests/unit
		find amdsvm -name '*.h' ! -path amdsvm/compat/config.h
	} | LC_ALL=C sort -u)
	input_key VERSION meson.build meson_options.txt libsvm tools uapi tests/unit tests/bench \
		tests/vm/meson.build tests/vm/unit.sh tests/vm/lib "${sources[@]}"
}

# The subtests of what passed; a program that is no TAP counts as one.
passed() {
	awk '/ OK +[0-9.]+s/ {
		n = 1
		if (match($0, /[0-9]+ subtests passed/)) n = substr($0, RSTART, RLENGTH) + 0
		sum += n
	} END {print sum + 0}' "$BUILD/unit.log"
}
count() { awk -v name="$1:" '$1 == name {n = $2} END {print n + 0}' "$BUILD/unit.log"; }

main() {
	local status=0 passed failed inputs
	[ -e "$TOP/meson.build" ] || die "there is no meson.build, so no unit test"
	inputs=$(unit_inputs)
	if [ -n "${IF_CHANGED:-}" ] && has_passed "unit-$inputs" "make check-unit"; then
		echo "0 passed, 0 failed"
		return
	fi
	need user
	mkdir -p "$BUILD"
	# lundef: the sanitizers' symbols come with the program, not the library.
	configure_meson "$BUILD/unit" -Db_sanitize=address,undefined -Db_lundef=false
	quietly "$BUILD/unit.log" ninja -C "$BUILD/unit" meson-test-prereq || die "the unit tests do not build"
	# A leak or an overflow that only prints must fail the test.
	export ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
	meson test -C "$BUILD/unit" --no-rebuild --print-errorlogs >"$BUILD/unit.log" 2>&1 </dev/null || status=$?
	cat "$BUILD/unit.log"
	passed=$(passed)
	failed=$(($(count Fail) + $(count Timeout)))
	if [ "$passed" = 0 ] || { [ "$status" != 0 ] && [ "$failed" = 0 ]; }; then
		say "error: no unit test passed, or meson test failed on its own (status $status)"
		failed=$((failed + 1))
	fi
	# What was edited meanwhile was not tested.
	if [ "$failed" = 0 ] && [ "$inputs" = "$(unit_inputs)" ]; then
		note_passed "unit-$inputs" "$passed passed, 0 failed"
	fi
	echo "$passed passed, $failed failed"
	[ "$failed" = 0 ]
}

main
exit
