# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Builds amdsvm.ko for a kernel with the compiler of that kernel's own release.
# Sourced after common.sh, kernels.sh and roots.sh.

module_file() { echo "$BUILD/module/$1/amdsvm.ko"; }

# build_module KERNEL: leaves the module at module_file KERNEL. Any compiler
# warning is a failure: W=1 is how the kernel's own maintainers build.
build_module() {
	[ -e "$TOP/amdsvm/Makefile" ] ||
		die "there is no amdsvm/Makefile, so no module to load; use --no-module to boot without"
	with_lock "$CACHE/lock/module-$TREE_ID-$1" build_module_locked "$1"
}

# The part of the log that is about our code. Kbuild remarks on a compiler
# whose version string differs in packaging only, and on the missing vmlinux.
module_warnings() {
	grep -E 'warning:|^WARNING:|error:|undefined!' "$1" |
		grep -vE 'the compiler differs from the one used to build the kernel|Skipping BTF generation' || true
}

# copy_module KERNEL: the driver's sources in the root that builds it; prints
# the directory as the root sees it. What the build made there stays.
copy_module() {
	local kernel=$1 root copy
	root=$(root_dir "$(kernel_root_name "$kernel")")/root
	copy=/usr/src/amdsvm-$TREE_ID-$kernel
	# A warning is printed only by the build that compiles the file: a build that
	# warned, or was for another release, must not become a clean one by being
	# repeated.
	if [ ! -e "$(module_file "$kernel")" ] ||
	   [ "$(cat "$BUILD/module/$kernel/release" 2>/dev/null)" != "$(kernel_release "$kernel")" ]; then
		as_root rm -rf "$root$copy"
	fi
	as_root mkdir -p "$root$copy"
	# --checksum and no times: a git checkout touches files it does not change.
	as_root rsync -r --checksum --links --perms --delete \
		--exclude='*.o' --exclude='*.ko' --exclude='*.mod' --exclude='*.mod.c' --exclude='.*.cmd' \
		--exclude='Module.symvers' --exclude='modules.order' --exclude='*.d' --exclude='compat/config.h' \
		"$TOP/amdsvm" "$TOP/uapi" "$TOP/VERSION" "$root$copy/"
	echo "$copy"
}

# make_module KERNEL WORDS...: make in the copy, by the root's compiler.
make_module() {
	local kernel=$1 copy
	shift
	copy=$(copy_module "$kernel")
	in_root "$(kernel_root_name "$kernel")" make -C "$copy/amdsvm" \
		KDIR="/lib/modules/$(kernel_release "$kernel")/build" -j"$(nproc)" "$@"
}

build_module_locked() {
	local kernel=$1 log warnings file
	log=$BUILD/module/$kernel/build.log
	file=$(module_file "$kernel")
	mkdir -p "${file%/*}"
	verbose "building the module for $kernel ($(kernel_release "$kernel"))"
	if ! quietly "$log" make_module "$kernel" W=1; then
		rm -f "$file"
		die "the module does not build for kernel $kernel"
	fi
	warnings=$(module_warnings "$log")
	if [ -n "$warnings" ]; then
		rm -f "$file"
		say "$warnings"
		die "the module builds with warnings for kernel $kernel; fix the lines above (the whole log is $log)"
	fi
	cp "$(root_dir "$(kernel_root_name "$kernel")")/root/usr/src/amdsvm-$TREE_ID-$kernel/amdsvm/amdsvm.ko" "$file.new"
	mv "$file.new" "$file"
	kernel_release "$kernel" >"${file%/*}/release"
}

# sparse_module KERNEL: fails with what sparse says of our files; the kernel's
# own headers are not ours to mend.
sparse_module() {
	[ -e "$TOP/amdsvm/Makefile" ] || die "there is no amdsvm/Makefile, so nothing to check"
	with_lock "$CACHE/lock/module-$TREE_ID-$1" sparse_module_locked "$1"
}

sparse_module_locked() {
	local log=$BUILD/module/$1/sparse.log
	mkdir -p "${log%/*}"
	# Not C=2: the headers packages lack the script that looks whether sparse
	# works, and kbuild then turns it off. All files, compiled or not.
	quietly "$log" make_module "$1" KBUILD_CHECKSRC=2 CF=-D__CHECK_ENDIAN__ || return
	grep -q '^  CHECK ' "$log" || { say "sparse did not run; see $log"; return 1; }
	! grep -E ':[0-9]+:[0-9]+: (warning|error):' "$log" | grep -vE '^(/usr/src/linux-|\./(include|arch)/|(include|arch)/)'
}
