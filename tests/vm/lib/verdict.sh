# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Judges a boot: what the guest said on its verdict channel, and what its kernel
# log says whatever the guest thinks. Sourced by tests/vm/run.
#
# The words of guest/init, one a line: "boot RELEASE", "module loaded",
# "module failed WHY", "exit STATUS", "rmmod ok", "rmmod failed WHY",
# "taint NUMBER", "end". A boot without "end" failed, whatever came before.

# Kernel messages that mean a defect. Fixed words of the kernel's own reports.
BAD_MESSAGES='BUG:|WARNING:|Oops|Call Trace:|general protection|kernel panic|KASAN|KCSAN|KFENCE:|UBSAN'
BAD_MESSAGES+='|possible circular locking|possible recursive locking|inconsistent lock state|suspicious RCU usage'
BAD_MESSAGES+='|bad unlock balance|held lock freed|lockdep|sleeping function called|scheduling while atomic'
BAD_MESSAGES+='|blocked for more than|soft lockup|hard lockup|detected stalls|self-detected stall|rcu.*starved|refcount_t:'
BAD_MESSAGES+='|list_(add|del) corruption|Bad page|bad page|Bad rss-counter|non-zero pgtables_bytes'
BAD_MESSAGES+='|unreferenced object|kmemleak: [0-9]+ new|page allocation failure|Unable to handle|divide error'
BAD_MESSAGES+='|stack guard page|Objects remaining|nobody cared|workqueue: .* hogged'
# Harmless on every boot: statements of what is configured.
GOOD_MESSAGES='Lock dependency validator|lockdep: [0-9]+ |kfence: initialized|UBSAN: .* enabled|[Cc]ommand line:|KASAN: init'

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
