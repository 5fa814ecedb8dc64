# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Boots a machine with its own kernel: its directory is the guest's root, over 9p, so
# that packages can be upgraded while the guest runs. Sourced after machine.sh.
#
# ttyS0 is the kernel's console, ttyS1 what the guest's script says.

GUEST_MODULES_9P="virtio_pci 9pnet_virtio 9p"

# guest_initramfs KERNEL SCRIPT OUT: busybox, the modules to mount the root with, and
# the script.
guest_initramfs() {
	local kernel=$1 script=$2 out=$3 tree name file
	tree=$(mktemp -d "$WORK/initramfs.XXXXXX")
	mkdir -p "$tree"/{bin,proc,sys,dev,root,job,lib/modules/"$kernel"}
	cp "$(command -v busybox)" "$tree/bin/busybox"
	install -m 755 "$PACKAGING_TESTS/guest/init" "$tree/init"
	install -m 755 "$PACKAGING_TESTS/guest/start" "$tree/job/start"
	install -m 755 "$script" "$tree/job/script"
	for name in $GUEST_MODULES_9P; do
		modprobe -d "$MACHINE" -S "$kernel" --show-depends "$name" 2>/dev/null || true
	done | awk '$1 == "insmod" {print $2}' | awk '!seen[$0]++' | while read -r file; do
		unpack_module "$file" "$tree/modules"
		name=${file##*/}
		echo "/modules/${name%.[xz]*}" >>"$tree/load"
	done
	pack "$tree" "$out"
	rm -rf "$tree"
}

# start_guest KERNEL SCRIPT [WORDS FOR THE KERNEL]: boots in the background; sets
# GUEST_PID. Output is in $LOG.guest, the console in $LOG.console.
start_guest() {
	local kernel=$1 script=$2 image words=${3:-}
	image=$MACHINE/boot/vmlinuz-$kernel
	[ -e "$image" ] || image=$MACHINE/lib/modules/$kernel/vmlinuz
	: >"$LOG.guest"
	: >"$LOG.console"
	guest_initramfs "$kernel" "$script" "$WORK/initramfs.cpio"
	emulator -accel tcg,thread=multi -nodefaults -no-user-config -no-reboot -display none -monitor none \
		-machine q35 -cpu max -smp 2 -m 2G -kernel "$image" -initrd "$WORK/initramfs.cpio" \
		-append "console=ttyS0 panic=-1 oops=panic no_timer_check tsc=nowatchdog init_on_alloc=0 \
rcupdate.rcu_cpu_stall_timeout=120 watchdog_thresh=60 nmi_watchdog=0 $words" \
		-serial "file:$LOG.console" -serial "file:$LOG.guest" \
		-fsdev "local,id=root,path=$MACHINE,security_model=passthrough,multidevs=remap" \
		-device virtio-9p-pci,fsdev=root,mount_tag=machine </dev/null >"$LOG.qemu" 2>&1 &
	GUEST_PID=$!
}

# wait_guest WORD SECONDS: until the guest says WORD at the beginning of a line.
wait_guest() {
	local end=$((SECONDS + $2))
	while ! grep -qa "^$1" "$LOG.guest"; do
		if [ $SECONDS -ge $end ] || ! kill -0 "$GUEST_PID" 2>/dev/null; then
			# The last words may have come meanwhile.
			! grep -qa "^$1" "$LOG.guest" || return 0
			echo "the guest did not say $1"
			return 1
		fi
		sleep 0.3
	done
}

# end_guest SECONDS: prints what the guest said and returns the status of its
# script; a kernel that complains is a failure.
end_guest() {
	local status
	wait_guest @exit "$1" || true
	kill -9 "$GUEST_PID" 2>/dev/null || true
	wait "$GUEST_PID" 2>/dev/null || true
	GUEST_PID=
	sed -i 's/\r$//' "$LOG.guest"
	cat "$LOG.guest" "$LOG.qemu"
	status=$(sed -n 's/^@exit //p' "$LOG.guest")
	if grep -aE 'BUG:|WARNING:|Oops|Call Trace:|general protection|[Kk]ernel panic' "$LOG.console"; then
		echo "the kernel complains: $LOG.console"
		return 1
	fi
	[ -n "$status" ] || { tail -n 30 "$LOG.console"; echo "the guest died: $LOG.console"; return 1; }
	return "$status"
}

# boot KERNEL SCRIPT [WORDS]: boots, runs the script, returns its status.
boot() {
	start_guest "$@" && end_guest 300
}
