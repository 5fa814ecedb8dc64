# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Starts QEMU and wires its channels. Sourced by tests/vm/run after common.sh.
#
#   console   ttyS0          -> the log file; kernel messages, for people
#   out, err  virtio-serial  -> our stdout and stderr, byte for byte; out alone
#                               if they are the same file
#   tty       hvc0           -> our terminal, in place of out or err if they are one
#   verdict   virtio-serial  -> words of guest/init; see verdict.sh
#   dmesg     virtio-serial  -> the whole kernel log after the command

# Software emulation is slow enough for the kernel's watchdogs to bark at a
# healthy guest on a busy host: they are given time, never silenced.
GUEST_CMDLINE="console=ttyS0 panic=-1 oops=panic no_timer_check tsc=nowatchdog \
rcupdate.rcu_cpu_stall_timeout=120 watchdog_thresh=60 nmi_watchdog=0 log_buf_len=8M"
# Where the processor says that string instructions are fast (ERMS), the kernel copies and
# clears memory with those that go byte by byte, and so does the emulator: an eighth of the
# time of all suites.
GUEST_CPU='max,erms=off,fsrm=off'
# kmemleak finds nothing while kmalloc keeps arrays of objects for each processor (sheaves,
# mm/slub.c of 7.x): a pointer stays in the array when its object is handed out. Caches
# with any debugging have none. An interrupt while identify_cpu() (7.2) has the processor's
# features half read finds no 5-level page tables, so that KASAN takes memory for wild.
DEBUG_CMDLINE='slab_debug=F,kmalloc-* no5lvl'

# port NAME: a byte channel to the file or FIFO $WORK/NAME.
port() {
	printf '%s\n' -chardev "file,id=$1,path=$WORK/$1" -device "virtserialport,chardev=$1,name=$1"
}

# qemu_arguments: one a line in the order QEMU wants them, from the options of
# tests/vm/run.
qemu_arguments() {
	local own=''
	[ "$KERNEL" != debug ] || own=$DEBUG_CMDLINE
	if [ -n "$ICOUNT" ]; then
		# One instruction is one nanosecond of guest time, on any host.
		printf '%s\n' -accel tcg,thread=single -icount shift=0,sleep=off
	else
		printf '%s\n' -accel "tcg,thread=$THREADS"
	fi
	printf '%s\n' -nodefaults -no-user-config -no-reboot -display none -monitor none \
		-machine q35 -cpu "$GUEST_CPU" -smp "$SMP" -m "$MEM" \
		-kernel "$(kernel_image "$KERNEL")" -initrd "$WORK/initramfs" \
		-append "$GUEST_CMDLINE $own $CMDLINE" \
		-serial "file:$LOG" -device virtio-serial-pci
	[ -z "$PIN" ] || printf '%s\n' -name guest,debug-threads=on
	port verdict
	port dmesg
	[ "$TTY_OUT" = 1 ] || port out
	[ "$TTY_ERR$MERGE" != 00 ] || port err
	if [ "$TTY_OUT$TTY_ERR" != 00 ]; then
		printf '%s\n' -chardev "file,id=tty,path=$WORK/tty" -device virtconsole,chardev=tty
	fi
}

# pump NAME FD: carries a FIFO's bytes to one of our descriptors. It ends when
# QEMU closes the other side.
pump() {
	mkfifo "$WORK/$1"
	cat "$WORK/$1" >&"$2" &
	PUMPS+=($!)
}

# pin_processors: gives each processor of the guest one of ours, when QEMU has made them.
# Left alone they share one for many milliseconds, which two threads have to be measured
# without.
pin_processors() {
	local task name pinned=0
	for task in "/proc/$QEMU_PID/task"/*; do
		name=$(cat "$task/comm" 2>/dev/null) || continue
		case $name in
		'CPU '*/TCG)
			name=${name#CPU }
			taskset -cp "${name%/TCG}" "${task##*/}" >/dev/null || return
			pinned=$((pinned + 1)) ;;
		esac
	done
	[ $pinned != "$SMP" ] || PIN=''
}

# boot_guest: runs QEMU to its end or its time-out. Sets GUEST_END to
# exited, timeout or a sentence about QEMU itself.
boot_guest() {
	local arguments=() extra=() deadline status=0
	PUMPS=()
	: >"$WORK/verdict"
	: >"$WORK/dmesg"
	[ "$TTY_OUT" = 1 ] || pump out 1
	[ "$TTY_ERR$MERGE" != 00 ] || pump err 2
	if [ "$TTY_OUT" = 1 ]; then pump tty 1; elif [ "$TTY_ERR" = 1 ]; then pump tty 2; fi
	mapfile -t arguments < <(qemu_arguments)
	# What the caller gives is split as a shell would split it.
	[ -z "$QEMU" ] || eval "extra=($QEMU)"

	emulator "${arguments[@]}" "${extra[@]}" </dev/null >"$WORK/qemu.log" 2>&1 &
	QEMU_PID=$!
	deadline=$((SECONDS + TIMEOUT))
	GUEST_END=exited
	while kill -0 "$QEMU_PID" 2>/dev/null; do
		if [ $SECONDS -ge $deadline ]; then
			GUEST_END=timeout
			kill -9 "$QEMU_PID" 2>/dev/null || true
			break
		fi
		[ -z "$PIN" ] || pin_processors
		sleep 0.1
	done
	wait "$QEMU_PID" 2>/dev/null || status=$?
	QEMU_PID=
	[ "$GUEST_END" = timeout ] || [ "$status" = 0 ] ||
		GUEST_END="QEMU failed with status $status: $(tail -n 3 "$WORK/qemu.log")"
	end_pumps
}

# A QEMU that never opened its side leaves a pump waiting in open(): it gets a
# moment to drain, then goes.
end_pumps() {
	local pid try
	for pid in "${PUMPS[@]}"; do
		for try in {1..50}; do
			kill -0 "$pid" 2>/dev/null || break
			[ "$GUEST_END" = exited ] || [ "$try" -lt 10 ] || break
			sleep 0.1
		done
		kill "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	PUMPS=()
}
