# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# The debug kernel: linux-source of Debian's 7.2, compiled with tests/vm/debug.config
# in a copy of the root that builds modules for 7.2. To the rest it is one more
# root, "debug", with one kernel. Sourced by roots.sh, which keeps it.

DEBUG_CONFIG=$TOP/tests/vm/debug.config
DEBUG_PACKAGES="flex bison bc libelf-dev"
# As the root sees it. The module is built against what stays of it.
DEBUG_SOURCE=/usr/src/linux-debug

# What it is made from; the version is that of the 7.2 which the other root has.
debug_key() {
	root_key trixie
	debug_version
	echo "$DEBUG_PACKAGES"
	cat "$DEBUG_CONFIG"
	declare -f unpack_debug_source compile_debug shrink_debug_source
}

debug_version() {
	dpkg-query --admindir="$(root_dir trixie)/root/var/lib/dpkg" \
		-W -f '${source:Version}\n' 'linux-headers-7.2*-amd64' 2>/dev/null || true
}

# build_debug NAME DIRECTORY: a builder as roots.sh wants them. Its caller looks
# at the status, which makes bash ignore "set -e" in here: hence the chain, and
# a bash of its own for what has many steps.
build_debug() {
	local root=$2/root
	# Modules are being built in the other root, maybe at this moment.
	as_root rsync -aH --exclude='/usr/src/amdsvm-*' "$(root_dir trixie)/root/" "$root/" &&
		install_debug_packages "$root" &&
		unpack_debug_source "$root" "$2" &&
		in_directory "$root" bash -euc "$(declare -f compile_debug); compile_debug $DEBUG_SOURCE" &&
		keep_debug_kernel "$root" "$2/kernels/debug" &&
		in_directory "$root" bash -euc "$(declare -f shrink_debug_source); shrink_debug_source $DEBUG_SOURCE"
}

install_debug_packages() {
	# shellcheck disable=SC2086 # one word a package
	apt_at "$1" -y --no-install-recommends -o DPkg::Chroot-Directory="$1" install $DEBUG_PACKAGES || {
		apt_at "$1" update &&
			apt_at "$1" -y --no-install-recommends -o DPkg::Chroot-Directory="$1" install $DEBUG_PACKAGES
	}
}

# unpack_debug_source ROOT WORK: without the large things that no kernel of ours
# is made from; all Kconfig files stay, they name each other.
unpack_debug_source() {
	local package=linux-source-7.2 version deb
	version=$(debug_version)
	mkdir -p "$2/deb" && as_root mkdir -p "$1$DEBUG_SOURCE" || return
	(cd "$2/deb" && { apt_at "$1" download "$package=$version" || {
		apt_at "$1" update
		apt_at "$1" download "$package=$version" || apt_at "$1" download "$package"
	}; }) || return
	deb=$(ls "$2"/deb/*.deb) || return
	dpkg-deb --fsys-tarfile "$deb" | tar -xO --wildcards './usr/src/linux-source-*.tar.xz' |
		as_root tar -xJ -C "$1$DEBUG_SOURCE" --strip-components=1 --no-same-owner --wildcards \
			--exclude='*.rst' --exclude='*.dts*' --exclude='*/arch/[!x]*/*.[chS]' \
			--exclude='*/drivers/gpu/drm/*/*.[ch]' --exclude='*/drivers/net/*/*.[ch]' \
			--exclude='*/sound/*/*.[ch]' --exclude='*/tools/perf/*' --exclude='*/tools/testing/*' &&
		as_root cp "$DEBUG_CONFIG" "$1$DEBUG_SOURCE/debug.config" && rm -r "$2/deb"
}

# Runs in the root. kconfig drops silently what it cannot have.
compile_debug() {
	cd "$1" || exit
	make KCONFIG_ALLCONFIG=debug.config allnoconfig
	if grep -E '^(# )?CONFIG_' debug.config | grep -vxFf .config; then
		echo "error: kconfig does not take the lines above of tests/vm/debug.config"
		exit 1
	fi
	make -j"$(nproc)" bzImage modules
	make modules_install
}

# The layout that kernels.sh wants.
keep_debug_kernel() {
	local release
	release=$(cat "$1$DEBUG_SOURCE/include/config/kernel.release") &&
		as_root mkdir -p "$2/lib/modules" &&
		as_root cp -a "$1/lib/modules/$release" "$2/lib/modules/" &&
		as_root cp "$1$DEBUG_SOURCE/arch/x86/boot/bzImage" "$2/vmlinuz" &&
		as_root tee "$2/release" <<<"$release"
}

# Runs in the root: from a source tree to what a headers package has.
shrink_debug_source() {
	cd "$1" || exit
	find . -name '*.o' -delete -o -name '*.a' -delete -o -name '.*.cmd' -delete
	rm -rf Documentation samples vmlinux* .tmp_vmlinux* arch/x86/boot
	find block certs crypto drivers fs init io_uring ipc kernel lib mm net security sound usr virt \
		-type f ! -name 'Makefile*' ! -name 'Kconfig*' ! -name 'Kbuild*' -delete
}
