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
	for (i = 1; i <= nreason; i++)
		printf "%-14s   skipped %d: %s:%s\n", lane, many[reason[i]], reason[i], tests[reason[i]]
	if (word == "FAIL") {
		printf "---- output of %s on %s, without what passed:\n", name, lane
		for (i = 1; i <= nlines; i++)
			if (line[i] !~ /^(ok [0-9]|# SKIP )/ && line[i] != "") print line[i]
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
	ok = bad = skips = nreason = nlines = 0
	plan = -1
	delete named
	delete many
	delete tests
	next
}
/^@end / { finish($3, $4); next }
current == "" { if ($0 != "") print lane ": " $0; next }
{ line[++nlines] = $0 }
/^ok [0-9]+/ { ok++ }
/^not ok [0-9]+/ { bad++ }
/^1\.\.[0-9]+ *$/ { plan = substr($0, 4) + 0 }
/^# SKIP / {
	# "# SKIP test: why". A test may say it more than once; it counts once.
	name = $3
	sub(/:$/, "", name)
	if (name in named) next
	named[name] = 1
	skips++
	why = substr($0, index($0, $3) + length($3) + 1)
	if (!(why in many)) reason[++nreason] = why
	many[why]++
	# The variants of a loop test, name[2], are one name.
	sub(/\[[0-9]+\]$/, "", name)
	if (index(tests[why] " ", " " name " ") == 0) tests[why] = tests[why] " " name
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
