# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# The modules that are measured against: bench_floor of this tree, and test_hmm
# out of the source package of the kernel that runs. Sourced after the harness's
# own files.

bench_module() { echo "$BUILD/bench/$1/$2.ko"; }

# The version of the Debian package that a kernel came in.
package_version() {
	local deb
	for deb in "$(kernel_dir "$1")"/linux-image-*.deb; do
		dpkg-deb --field "$deb" Version
		return
	done
}

# download_source KERNEL: its package into the working directory: the same version,
# or the newest of the series where the archive no longer has it.
download_source() {
	local root package=linux-source-$1 version
	root=$(kernel_root_name "$1")
	version=$(package_version "$1")
	root_apt "$root" download "$package=$version" || {
		root_apt "$root" update
		root_apt "$root" download "$package=$version" || root_apt "$root" download "$package"
	}
}

fetch_test_hmm() {
	local dir=$2 tmp
	[ ! -e "$dir/test_hmm.c" ] || return 0
	mkdir -p "${dir%/*}"
	tmp=$(mktemp -d "${dir%/*}/.new.XXXXXX") || return
	(cd "$tmp" && download_source "$1") || return
	dpkg-deb --field "$tmp"/*.deb Version >"$tmp/version" &&
		dpkg-deb --fsys-tarfile "$tmp"/*.deb |
		tar -xO --wildcards './usr/src/linux-source-*.tar.xz' |
		tar -xJ -C "$tmp" --strip-components=2 --wildcards '*/lib/test_hmm.c' '*/lib/test_hmm_uapi.h' ||
		return
	rm -f "$tmp"/*.deb
	echo 'obj-m := test_hmm.o' >"$tmp/Kbuild"
	rm -rf "$dir"
	mv "$tmp" "$dir"
}

# ensure_test_hmm KERNEL: prints the directory of its two files.
ensure_test_hmm() {
	local dir
	dir=$CACHE/test_hmm/$(package_version "$1")
	if [ ! -e "$dir/test_hmm.c" ]; then
		say "taking test_hmm out of linux-source-$1 (once; 150 MB) ..."
		with_lock "$CACHE/lock/test_hmm-$1" quietly "$CACHE/log/test_hmm.log" fetch_test_hmm "$1" "$dir" ||
			die "test_hmm could not be taken from linux-source-$1"
	fi
	echo "$dir"
}

# Older kernels have no private device memory. Without it test_hmm does not load, for it
# makes such devices first.
has_private_memory() {
	in_root "$(kernel_root_name "$1")" grep -qx CONFIG_DEVICE_PRIVATE=y \
		"/lib/modules/$(kernel_release "$1")/build/.config"
}

# The lane, with devices of more than its own, for 256 MiB are moved; and memory for the two
# devices of test_hmm.
# shellcheck disable=SC2016,SC2034 # the guest's kernel reads it; for run and profile
COHERENT_OPTIONS=(--lane coherent --cmdline 'amdsvm.coherent_size=0x40000000 memmap=512M$0x180000000')
# shellcheck disable=SC2034 # likewise
COHERENT_TEST_HMM='spm_addr_dev0=0x180000000 spm_addr_dev1=0x190000000'

# only_coherent DIRECTORY: a copy of test_hmm without the lines that make its first two
# devices, which are private, and without exclusive access, which such kernels do not have
# either; prints where.
only_coherent() {
	local copy=$BUILD/bench/test_hmm-coherent
	rm -rf "$copy"
	mkdir -p "$BUILD/bench"
	cp -r "$1" "$copy"
	sed -i -e '/zone_device_type =$/ { N; /_DEVICE_PRIVATE;/ s/.*/\tndevices++;/ }' \
		-e 's/for (id = 0; id < ndevices; id++)/for (id = 2; id < ndevices; id++)/' \
		-e '/^#include "test_hmm_uapi.h"/ a #define make_device_exclusive_range(...) (-EOPNOTSUPP)' \
		"$copy/test_hmm.c"
	[ "$(diff "$1/test_hmm.c" "$copy/test_hmm.c" | grep -c '^>')" = 4 ] ||
		die "test_hmm of this kernel has other lines than those that only_coherent() knows"
	echo "$copy"
}

# build_bench_module KERNEL NAME DIRECTORY WORDS...: NAME.ko of DIRECTORY, by the
# compiler of the kernel's own release.
build_bench_module() {
	local kernel=$1 name=$2 source=$3 root copy file
	root=$(root_dir "$(kernel_root_name "$kernel")")/root
	copy=/usr/src/amdsvm-$name-$TREE_ID-$kernel
	file=$(bench_module "$kernel" "$name")
	rm -f "$file"
	# Always anew: only the build that compiles a file prints its warnings.
	as_root rm -rf "$root$copy"
	as_root cp -r "$source" "$root$copy"
	quietly "${file%.ko}.log" in_root "$(kernel_root_name "$kernel")" make \
		-C "/lib/modules/$(kernel_release "$kernel")/build" M="$copy" "${@:4}" ||
		die "$name does not build for kernel $kernel"
	cp "$root$copy/$name.ko" "$file"
}

# Nothing that a compiler remarks is accepted of ours; another's is as it is.
build_bench_modules() {
	local kernel=$1 warnings source
	build_bench_module "$kernel" bench_floor "$TOP/tests/bench/kmod" W=1
	warnings=$(module_warnings "$BUILD/bench/$kernel/bench_floor.log")
	[ -z "$warnings" ] || die "bench_floor builds with warnings for kernel $kernel: $warnings"
	source=$(ensure_test_hmm "$kernel")
	if ! has_private_memory "$kernel"; then
		source=$(only_coherent "$source")
	fi
	build_bench_module "$kernel" test_hmm "$source"
}
