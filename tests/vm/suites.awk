# SPDX-License-Identifier: MIT
#
# Reads what guest/suites prints and reports one line a suite. Strict: a suite
# passes only with a plan that its results fill, at least one test, and status 0.
# Variables: lane, a name for the lines; expected, the suites that must appear;
# result, the file for the two numbers.

function report(name, word, seconds, why) {
	printf "%-14s %-16s %s  %d passed", lane, name, word, ok - skips
	if (bad) printf ", %d failed", bad
	if (skips) printf ", %d skipped", skips
	printf ", %d s", seconds
	if (why != "") printf "  (%s)", why
	printf "\n"
	for (i = 1; i <= nskip; i++) printf "%-14s   skipped %s\n", lane, skip[i]
	if (word == "FAIL") {
		printf "---- output of %s on %s:\n", name, lane
		for (i = 1; i <= nlines; i++) print line[i]
		print "----"
	}
	fflush()
}

function finish(status, seconds,    why, failures) {
	if (plan < 0) why = "no TAP plan: it died"
	else if (plan != ok + bad) why = "the plan says " plan " tests, " (ok + bad) " reported"
	else if (plan == 0) why = "it ran no test"
	else if (status != 0 && !bad) why = "exit status " status
	failures = bad
	if (why != "" && !failures) failures = 1
	report(current, failures ? "FAIL" : "ok  ", seconds, why)
	passed += ok - skips
	failed += failures
	seen[current] = 1
	current = ""
}

/^@begin / {
	current = $2
	ok = bad = skips = nskip = nlines = 0
	plan = -1
	delete named
	next
}
/^@end / { finish($3, $4); next }
current == "" { if ($0 != "") print lane ": " $0; next }
{ line[++nlines] = $0 }
/^ok [0-9]+/ { ok++ }
/^not ok [0-9]+/ { bad++ }
/^1\.\.[0-9]+ *$/ { plan = substr($0, 4) + 0 }
/^# SKIP / {
	skip[++nskip] = substr($0, 8)
	# One test may say it more than once; it counts once.
	if (!($3 in named)) skips++
	named[$3] = 1
}

END {
	if (current != "") {
		bad++
		report(current, "FAIL", 0, "the guest ended during it")
		passed += ok - skips
		failed += bad
		seen[current] = 1
	}
	n = split(expected, want, " ")
	for (i = 1; i <= n; i++) {
		if (!(want[i] in seen)) {
			printf "%-14s %-16s FAIL  it did not run\n", lane, want[i]
			failed++
		}
	}
	print passed + 0, failed + 0 >result
}
