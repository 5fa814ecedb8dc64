# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Which suites run in which boot, and which of them at the same time. Sourced after
# common.sh.

# Suites that are run once on processors which truly work at the same time, so alone: on
# one lane. In all other boots processors take turns (--in-turn): what one does is seen at
# any point of what another does, but nothing happens at the same instant. It is faster
# than two guests that spin on locks whose owner is not running.
PARALLEL='integrity races threads zap' PARALLEL_LANE=7.2/private

# make check, which people wait for, leaves out what other lanes show; CI does not, nor who
# asks for lanes or suites. All suites run on the newest kernel with private memory and on
# the oldest with coherent memory. On the newest with coherent memory, on the kernel between
# the two, and without device memory are left out those about what devices do rather than
# about the kernel's memory. On the first two, and without memory on the kernel between, so
# are those that do the same thing for many seconds.
DEVICES='packetfuzz packets parallel_fault queuecalls zz_faultring'
LONG='death overcommit overlap pair parallel stale_move stale_taken thrash'
declare -A LEFT_OUT=(
	[7.2/coherent]="$DEVICES $LONG stale zz_unload"
	[6.12/coherent]="$DEVICES $LONG stale"
	[6.1/mirror]=$DEVICES
	[6.12/mirror]="$DEVICES $LONG stale zz_unload"
)

# Seconds of the suites that take long on the debug kernel; the others take about 5.
DEBUG_SECONDS='stale 60 packets 48 zap 20 pair 15 parallel 48 thrash 45 failnth 43 death 40 zz_unload 38 zz_faultring 30
	overlap 27 parallel_fault 24 threads 22 stale_taken 22 malformed 21 lifetime 21 faultmap 18
	overcommit 17 fork 17 stale_move 16 shadow 15 reclaim 15 events 15 large 14 cpufault 14 restore 13
	queuecalls 13 mremap 13 prefetch 12 integrity 12 faultfile 12 fault 11 clear 10 scale 10'

# in_words LIST: one a line.
in_words() { tr -s ' \t\n' '\n' <<<"$1" | sed '/^$/d'; }

# left_out LANE: the suites that others run in its place.
left_out() { [ -z "${IF_CHANGED:-}" ] || in_words "${LEFT_OUT[$1]:-}"; }

# suites_of LANE alone|beside LIST: those of the suites that run before anything else
# does, or those that run beside other lanes.
suites_of() {
	case $2/$1 in
	alone/"$PARALLEL_LANE") in_words "$3" | grep -Fxf <(in_words "$PARALLEL") || true ;;
	beside/"$PARALLEL_LANE") in_words "$3" | grep -vFxf <(in_words "$PARALLEL") || true ;;
	beside/*) in_words "$3" | grep -vFxf <(left_out "$1") || true ;;
	esac
}

# part N OFFSET: of the suites on standard input, those of one of N boots that take
# equally long. What is first in the alphabet stays first.
part() {
	awk -v table="$DEBUG_SECONDS" '
		BEGIN { n = split(table, t); for (i = 1; i < n; i += 2) seconds[t[i]] = t[i + 1] }
		{ print NR, $1, ($1 in seconds ? seconds[$1] : 5) }' | sort -k3,3nr -k1,1n |
		awk -v parts="$1" -v wanted="$2" '{
			least = 0
			for (i = 1; i < parts; i++) if (sum[i] < sum[least]) least = i
			sum[least] += $3
			if (least == wanted) print $1, $2
		}' | sort -n | cut -d' ' -f2
}
