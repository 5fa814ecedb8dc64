# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# The guest's files, as cpio archives that the boot loader concatenates: a base
# of busybox and kernel modules (cached for each kernel), the userspace of this
# tree, and what one run adds. Sourced after userspace.sh and kernels.sh.

# What tests load by name; the virtio ones are the channels to the host.
GUEST_MODULES="virtio_pci virtio_console zram zsmalloc lzo lzo-rle lz4 zstd loop ext4"

# pack TREE ARCHIVE: no devices, no ownership: needs no privilege.
pack() {
	(cd "$1" && find . -mindepth 1 -print0 | LC_ALL=C sort -z |
		cpio --null --create --quiet --format=newc --owner=0:0) >"$2"
}

# base_archive KERNEL: prints the path of the cached base.
base_archive() {
	local kernel=$1 key archive
	key=$({
		declare -f build_base
		# Not the release alone: the debug kernel keeps its own through any change.
		echo "$GUEST_MODULES" "$(kernel_dir "$kernel")" "$(dpkg-query -W busybox-static)"
		cat "$TOP/tests/vm/guest/init"
	} | sha256sum | cut -c1-12)
	archive=$CACHE/initramfs/$kernel-$key.cpio
	[ -e "$archive" ] || with_lock "$CACHE/lock/base-$kernel" build_base "$kernel" "$archive" || return
	echo "$archive"
}

build_base() {
	local kernel=$1 archive=$2 tree applet name busybox release file
	[ ! -e "$archive" ] || return 0
	release=$(kernel_release "$kernel")
	busybox=$(command -v busybox)
	mkdir -p "${archive%/*}"
	tree=$(mktemp -d "$CACHE/initramfs/.new.XXXXXX")
	mkdir -p "$tree"/usr/{bin,sbin,lib,lib64,libexec/amdsvm,local/bin} "$tree"/{proc,sys,dev,tmp,run,root,etc,mnt,job,var}
	for name in bin sbin lib lib64; do ln -s "usr/$name" "$tree/$name"; done
	chmod 1777 "$tree/tmp"
	ln -s /run "$tree/var/run"
	ln -s /tmp "$tree/var/tmp"
	echo 'root:x:0:0:root:/root:/bin/sh
nobody:x:65534:65534:nobody:/:/bin/false' >"$tree/etc/passwd"
	echo 'root:x:0:
nogroup:x:65534:' >"$tree/etc/group"
	ln -s /proc/mounts "$tree/etc/mtab"
	cp "$busybox" "$tree/usr/bin/busybox"
	for applet in $("$busybox" --list-full); do
		applet=$(usr_path "/$applet")
		mkdir -p "$tree${applet%/*}"
		[ -e "$tree$applet" ] || ln -s /usr/bin/busybox "$tree$applet"
	done
	install -m 755 "$TOP/tests/vm/guest/init" "$tree/init"

	for name in $GUEST_MODULES; do
		modprobe -d "$(kernel_dir "$kernel")" -S "$release" --show-depends "$name" 2>/dev/null || true
	done | awk '$1 == "insmod" {print $2}' | sort -u | while read -r file; do
		unpack_module "$file" "$tree/usr/lib/modules/$release/kernel"
	done
	mkdir -p "$tree/usr/lib/modules/$release"
	for name in modules.builtin modules.builtin.modinfo modules.order; do
		! [ -e "$(kernel_modules "$kernel")/$name" ] ||
			cp "$(kernel_modules "$kernel")/$name" "$tree/usr/lib/modules/$release/"
	done
	depmod -b "$tree" "$release" || die "depmod failed for the guest's modules of $kernel"
	pack "$tree" "$archive.new"
	rm -rf "$tree"
	mv "$archive.new" "$archive"
}

# busybox's insmod reads plain .ko files only.
unpack_module() {
	local name=${1##*/}
	mkdir -p "$2"
	case $name in
	*.xz) xz -dc "$1" >"$2/${name%.xz}" ;;
	*.zst) zstd -dc "$1" >"$2/${name%.zst}" ;;
	*) cp "$1" "$2/$name" ;;
	esac
}

# userspace_archive: prints the path of the archive of this tree's programs.
userspace_archive() {
	local archive=$BUILD/initramfs/user.cpio
	with_lock "$BUILD/lock/user" pack_userspace "$archive" || return
	echo "$archive"
}

pack_userspace() {
	local archive=$1 tree
	mkdir -p "${archive%/*}"
	# ninja rewrites a program only when it changed.
	if [ -e "$archive" ] && [ -e "$BUILD/user/build.ninja" ] &&
	   [ -z "$(find "$BUILD/user" "$TOP/tests/vm/lib" -newer "$archive" -type f \
		   ! -path '*/meson-private/*' ! -path '*/meson-logs/*' ! -name '.ninja_*' -print -quit)" ]; then
		return 0
	fi
	tree=$(mktemp -d "$BUILD/initramfs/.user.XXXXXX")
	chmod 755 "$tree"
	collect_userspace "$tree"
	pack "$tree" "$archive.new"
	rm -rf "$tree"
	mv "$archive.new" "$archive"
}

# add_file TREE PATH[:GUESTPATH]: a file or directory of the host, by default
# in /root, where commands start; with the libraries a program needs.
add_file() {
	local tree=$1 path=${2%%:*} target
	case $2 in
	*:/*) target=${2#*:} ;;
	*:*) target=/root/${2#*:} ;;
	*) target=/root/$(basename "$path") ;;
	esac
	[ -e "$path" ] || die "--add: there is no file $path"
	target=$tree$(usr_path "$target")
	mkdir -p "${target%/*}"
	cp -rL "$path" "$target"
	if [ -f "$path" ] && [ -x "$path" ]; then
		add_libraries "$tree" "$path"
	fi
}
