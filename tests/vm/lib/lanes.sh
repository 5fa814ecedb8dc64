# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# The lanes of check-vm that are to run, and those that have passed. Sourced by suites.sh,
# whose variables it uses; INPUTS and COST_INPUTS are as they were when the run began.

# read_lanes: those that are wanted, KERNEL/LANE, one a line.
read_lanes() {
	local kernel lane
	while read -r kernel lane _; do
		case $kernel in '' | \#*) continue ;; esac
		wanted "$kernel" || continue
		[ -z "$LANE" ] || [ "$LANE" = "$lane" ] || continue
		echo "$kernel/$lane"
	done <"$HERE/lanes"
}

# vm_inputs: what the result of a lane depends on, but for the kernel.
vm_inputs() { input_key amdsvm uapi VERSION meson.build libsvm tools tests/vm; }

# cost_inputs: what the cost of ranges depends on: the way of SET_ATTR through the driver.
cost_inputs() {
	local sources
	mapfile -t sources < <(cd "$TOP" && find amdsvm -name '*.h' ! -path amdsvm/compat/config.h)
	input_key "${sources[@]}" amdsvm/{Kbuild,attr.c,block.c,chardev.c,policy.c,process.c} \
		amdsvm/{range.c,rangeset.c,setattr.c,value.c} uapi tests/vm/ranges_cost.c tests/vm/lib
}

# lane_name KERNEL/LANE: what a pass of it is known by.
lane_name() {
	local key=$INPUTS
	[ "${1#*/}" != icount ] || key=$COST_INPUTS
	echo "${1/\//-}-$({ echo "$key"; kernel_release "${1%/*}"; } | sha256sum | cut -c1-16)"
}

# leave_out: the lanes that this machine has seen pass.
leave_out() {
	local lane left=()
	for lane in "${lanes[@]}"; do
		if [[ $UNBUILT == *" ${lane%/*} "* ]] || ! has_passed "$(lane_name "$lane")" "make check-vm"; then
			left+=("$lane")
		fi
	done
	lanes=("${left[@]}")
	if [ -n "$cost" ] && has_passed "$(lane_name "$cost")" "make check-vm"; then cost=''; fi
}

# note_lanes: after a run of all suites. What was edited meanwhile was not tested.
note_lanes() {
	local lane
	[ "$INPUTS" = "$(vm_inputs)" ] || return 0
	for lane in "${lanes[@]}" $cost; do
		[ "${lane%/*}" != debug ] || continue
		[ "${LANE_FAILED[$lane]:-1}" != 0 ] ||
			note_passed "$(lane_name "$lane")" "${LANE_PASSED[$lane]} passed, 0 failed"
	done
}
