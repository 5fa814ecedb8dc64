# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Which suites run in which boot, and which of them at the same time. Sourced after
# common.sh.

# Suites whose threads and devices spin on all processors: when those are shared with
# another guest they need up to twenty times as long.
SPINNING='stale stale_move stale_taken threads'

# Seconds of the suites that take long on the debug kernel; the others take about 6.
DEBUG_SECONDS='zz_unload 47 failnth 40 death 37 overlap 36 parallel 36 packets 30 thrash 30 zz_faultring 27
	scale 26 events 26 parallel_fault 25 malformed 23 faultmap 22 clear 20 reclaim 20 lifetime 19
	large 18 overcommit 18 cpufault 17 shadow 16 fork 15 model 14 pressure 12 restore 13 prefetch 12
	faultfile 12 fault 11 mremap 11 races 10 libqueue 10'

# in_words LIST: one a line.
in_words() { tr -s ' \t\n' '\n' <<<"$1" | sed '/^$/d'; }

# spinning LIST: those of the suites that spin; not_spinning LIST: the others.
spinning() { in_words "$1" | grep -Fxf <(in_words "$SPINNING") || true; }
not_spinning() { in_words "$1" | grep -vFxf <(in_words "$SPINNING") || true; }

# suites_of KERNEL alone|beside LIST: those of the suites that run before anything else
# does, or those that run beside other lanes. The debug kernel, on which a boot takes
# long, has its own way (run_lane).
suites_of() {
	case $1/$2 in
	debug/alone) ;;
	debug/beside) in_words "$3" ;;
	*/alone) spinning "$3" ;;
	*/beside) not_spinning "$3" ;;
	esac
}

# part N OFFSET: of the suites on standard input, those of one of N boots that take
# equally long. What is first in the alphabet stays first.
part() {
	awk -v table="$DEBUG_SECONDS" '
		BEGIN { n = split(table, t); for (i = 1; i < n; i += 2) seconds[t[i]] = t[i + 1] }
		{ print NR, $1, ($1 in seconds ? seconds[$1] : 6) }' | sort -k3,3nr -k1,1n |
		awk -v parts="$1" -v wanted="$2" '{
			least = 0
			for (i = 1; i < parts; i++) if (sum[i] < sum[least]) least = i
			sum[least] += $3
			if (least == wanted) print $1, $2
		}' | sort -n | cut -d' ' -f2
}
