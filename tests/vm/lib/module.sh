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

build_module_locked() {
	local kernel=$1 root copy log warnings release stamp
	root=$(root_dir "$(kernel_root_name "$kernel")")/root
	release=$(kernel_release "$kernel")
	copy=/usr/src/amdsvm-$TREE_ID-$kernel
	log=$BUILD/module/$kernel/build.log
	stamp=$BUILD/module/$kernel/release

	mkdir -p "$BUILD/module/$kernel"
	# A warning is printed only by the build that compiles the file: a build that
	# warned must not become a clean one by being repeated.
	if [ ! -e "$(module_file "$kernel")" ] || [ "$(cat "$stamp" 2>/dev/null)" != "$release" ]; then
		as_root rm -rf "$root$copy"
	fi
	as_root mkdir -p "$root$copy"
	# --checksum and no times: a git checkout touches files it does not change.
	as_root rsync -r --checksum --links --perms --delete \
		--exclude='*.o' --exclude='*.ko' --exclude='*.mod' --exclude='*.mod.c' --exclude='.*.cmd' \
		--exclude='Module.symvers' --exclude='modules.order' --exclude='.module-common.o' \
		"$TOP/amdsvm" "$TOP/uapi" "$TOP/VERSION" "$root$copy/"
	verbose "building the module for $kernel ($release)"
	if ! quietly "$log" in_root "$(kernel_root_name "$kernel")" \
		make -C "$copy/amdsvm" KDIR="/lib/modules/$release/build" W=1 -j"$(nproc)"; then
		rm -f "$(module_file "$kernel")"
		die "the module does not build for kernel $kernel"
	fi
	warnings=$(module_warnings "$log")
	if [ -n "$warnings" ]; then
		rm -f "$(module_file "$kernel")"
		say "$warnings"
		die "the module builds with warnings for kernel $kernel; fix the lines above (the whole log is $log)"
	fi
	cp "$root$copy/amdsvm/amdsvm.ko" "$(module_file "$kernel").new"
	mv "$(module_file "$kernel").new" "$(module_file "$kernel")"
	printf '%s\n' "$release" >"$stamp"
}
