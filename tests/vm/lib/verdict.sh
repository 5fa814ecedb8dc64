# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Judges a boot: what the guest said on its verdict channel, and what its kernel
# log says whatever the guest thinks. Sourced by tests/vm/run.
#
# The words of guest/init, one a line: "boot RELEASE", "module loaded",
# "module failed WHY", "exit STATUS", "rmmod ok", "rmmod failed WHY",
# "taint NUMBER", "end"; of a kernel that looks for them, "leaks NUMBER of the driver,
# NUMBER others" (after rmmod) and "lockdep 0|1". A boot without "end" failed, whatever
# came before.

# Kernel messages that mean a defect. Fixed words of the kernel's own reports.
BAD_MESSAGES='BUG:|WARNING:|Oops|Call Trace:|general protection|kernel panic|KASAN|KCSAN|KFENCE:|UBSAN'
BAD_MESSAGES+='|possible circular locking|possible recursive locking|inconsistent lock state|suspicious RCU usage'
BAD_MESSAGES+='|bad unlock balance|held lock freed|lockdep|sleeping function called|scheduling while atomic'
BAD_MESSAGES+='|blocked for more than|soft lockup|hard lockup|detected stalls|self-detected stall|rcu.*starved|refcount_t:'
BAD_MESSAGES+='|list_(add|del) corruption|Bad page|bad page|Bad rss-counter|non-zero pgtables_bytes'
BAD_MESSAGES+='|unreferenced object|page allocation failure|Unable to handle|divide error'
BAD_MESSAGES+='|INFO: task|INFO: rcu|DEBUG_LOCKS_WARN|Invalid wait context|locking correctness validator'
BAD_MESSAGES+='|nested lock was not taken|was not released|lock held when returning|still has locks held'
BAD_MESSAGES+='|ODEBUG:|Kernel memory leak detector disabled|page dumped because|slab .* corruption|detected buffer overflow'
BAD_MESSAGES+='|stack guard page|Objects remaining|nobody cared|workqueue: .* hogged'
# Harmless on every boot: statements of what is configured. What kmemleak found is
# judged by its reports (guest/init), not by its count, which has those of others.
GOOD_MESSAGES='Lock dependency validator|lockdep: [0-9]+ |RCU lockdep checking|kfence: initialized|UBSAN: .* enabled|[Cc]ommand line:|KASAN: init'

# guest/suites writes these into the kernel log.
SUITE_MARK='\[[ 0-9.]*\] tests: (suite|after)'

word() { sed -n "s/^$1 //p" "$WORK/verdict" | tail -n 1; }

# bad_messages FILE: the lines that fail the run. With priorities (dmesg -r)
# also everything the driver says at error level or above.
bad_messages() {
	grep -aE "$BAD_MESSAGES|^<[0-3]>\[[^]]*\] *amdsvm|$SUITE_MARK" "$1" | grep -avE "$GOOD_MESSAGES" |
		awk -v mark="$SUITE_MARK" '
			$0 ~ mark { where = $0; sub(/.*tests: /, "", where); next }
			where != "" { print "during " where ":"; where = "" }
			{ print }' | head -n 40 || true
}

# Bits 12 and 13 say that the driver is out of tree and not signed.
bad_taint() {
	local taint
	taint=$(word taint)
	[ -n "$taint" ] && [ $((taint & ~(1 << 12 | 1 << 13))) != 0 ] && echo "$taint"
}

# lookers_fail: prints what the debug kernel found beyond its log, and says whether
# that is a failure. Silence of kmemleak there is one too.
lookers_fail() {
	local leaks failed=1
	leaks=$(word leaks)
	case $leaks in
	'0 of the driver'*) verbose "kmemleak: $leaks" ;;
	'') [ "$KERNEL" != debug ] || { say "error: kmemleak did not look"; failed=0; } ;;
	*) say "error: kmemleak: $leaks"; failed=0 ;;
	esac
	sed -n '/^unreferenced object/,$p' "$WORK/dmesg" | head -n 60 >&2
	if [ "$(word lockdep)" = 0 ]; then
		say "error: lockdep was switched off by what it found"
		failed=0
	fi
	return $failed
}

# The first report of the log from its first line on: the lines that were found
# are its headings only.
first_report() {
	grep -aF -m 1 -A 45 "$(grep -m 1 -v '^during ' <<<"$1")" "$WORK/dmesg"
}

console_tail() {
	say "--- the end of the console log ($LOG):"
	# Without colours and carriage returns.
	tail -n 40 "$LOG" 2>/dev/null | tr -d '\r' | sed 's/\x1b\[[0-9;?]*[a-zA-Z]//g' >&2
	say "---"
}

# judge: prints sentences for what went wrong and returns the status of the run:
# the command's own, or 3 when the guest or its kernel failed.
judge() {
	local failed='' status messages taint
	status=$(word exit)

	case $GUEST_END in
	timeout) failed="the guest did not finish within $TIMEOUT s (--timeout)" ;;
	exited) ;;
	*) failed=$GUEST_END ;;
	esac
	if [ -z "$failed" ] && ! grep -qx end "$WORK/verdict"; then
		if grep -aqiE 'kernel panic' "$LOG"; then
			failed="the guest kernel panicked"
		elif [ ! -s "$WORK/verdict" ]; then
			failed="the guest never came up"
		else
			failed="the guest died before it gave a verdict"
		fi
	fi
	if [ -n "$failed" ]; then
		say "error: $failed"
		messages=$(bad_messages "$LOG")
		[ -z "$messages" ] || say "$messages"
		console_tail
		return 3
	fi

	if grep -q '^module failed' "$WORK/verdict"; then
		say "error: the module does not load: $(word 'module failed')"
		failed=1
	fi
	if grep -q '^rmmod failed' "$WORK/verdict"; then
		say "error: the module does not unload: $(word 'rmmod failed')"
		failed=1
	fi
	messages=$(bad_messages "$WORK/dmesg")
	if [ -n "$messages" ]; then
		say "error: the kernel log has what a healthy driver never causes:"
		say "$messages"
		say "--- the first of them:"
		first_report "$messages" >&2 || true
		failed=1
	fi
	if lookers_fail; then
		failed=1
	fi
	if taint=$(bad_taint); then
		say "error: the kernel is tainted ($taint) by more than an out-of-tree module"
		failed=1
	fi
	if [ -n "$failed" ]; then
		console_tail
		return 3
	fi
	verbose "module: $(word module || echo none); command exited with ${status:-?}"
	return "${status:-3}"
}
