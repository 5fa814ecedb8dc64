# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# A user's machine to install packages on: an overlay over a root of the cache.
# Sourced after roots.sh. Its caller runs in a mount namespace of its own, so that
# nothing stays mounted however it ends.

# new_machine NAME LOWER: sets MACHINE to the directory of a machine that begins as
# LOWER is.
new_machine() {
	MACHINE=$WORK/$1/root
	mkdir -p "$WORK/$1"/{upper,work,root}
	mount -t overlay overlay -o "lowerdir=$2,upperdir=$WORK/$1/upper,workdir=$WORK/$1/work" "$MACHINE"
}

# drop_machine NAME: what was written in it goes too.
drop_machine() {
	umount "$WORK/$1/root" && rm -rf --one-file-system "${WORK:?}/$1"
}

here() { at_root "$MACHINE" "$@"; }
apt() { here apt-get -y -q "$@"; }

# sell DIRECTORY: apt on the machine finds the packages of DIRECTORY, and no others
# of ours.
sell() {
	rm -rf "$MACHINE/srv/amdsvm"
	mkdir -p "$MACHINE/srv/amdsvm"
	cp "$1"/*.deb "$1/Packages" "$MACHINE/srv/amdsvm/"
	echo 'deb [trusted=yes] file:/srv/amdsvm ./' >"$MACHINE/etc/apt/sources.list.d/amdsvm.list"
	apt -o Dir::Etc::sourcelist=sources.list.d/amdsvm.list -o Dir::Etc::sourceparts=- \
		-o APT::Get::List-Cleanup=0 update
}

# kernels: the machine's, oldest first.
kernels() { (cd "$MACHINE/lib/modules" && for k in *; do [ ! -e "$k/modules.builtin" ] || echo "$k"; done | sort -V); }
newest_kernel() { kernels | tail -n 1; }

module_of() { find "$MACHINE/lib/modules/$1/updates/dkms" -name 'amdsvm.ko*' 2>/dev/null | head -n 1; }

# has_module KERNEL VERSION: it was built and installed, dkms and modprobe know of
# it, it is signed, and it is no other version.
has_module() {
	local kernel=$1 version=$2 info
	[ -n "$(module_of "$kernel")" ] || { echo "there is no module for $kernel"; return 1; }
	here dkms status -m amdsvm
	here dkms status -m amdsvm -v "$version" -k "$kernel" | grep -q ': installed' ||
		{ echo "dkms does not know of it"; return 1; }
	info=$(here modinfo -k "$kernel" amdsvm) || return
	grep -E '^(filename|version|vermagic|signer|sig_key):' <<<"$info"
	awk -v version="$version" -v kernel="$kernel" '
		$1 == "version:" && $2 == version || $1 == "vermagic:" && $2 == kernel || $1 == "signer:" && $2 != "" { n++ }
		END { exit n != 3 }' <<<"$info"
}

# has_no_trace: nothing of amdsvm is left but what apt and dpkg keep for everybody.
has_no_trace() {
	local kernel left
	left=$(find "$MACHINE" -xdev \( -path "$MACHINE/srv" -o -path "$MACHINE/var/lib/apt/lists" \
		-o -path "$MACHINE/var/cache" -o -path "$MACHINE/proc" -o -path "$MACHINE/etc/apt/sources.list.d" \) \
		-prune -o -name '*amdsvm*' -print)
	[ -z "$left" ] || { echo "left behind:"; echo "$left"; return 1; }
	if here sh -c 'command -v dkms' >/dev/null && here dkms status | grep amdsvm; then
		echo "dkms still knows it"
		return 1
	fi
	! dpkg-query --admindir="$MACHINE/var/lib/dpkg" -W '*amdsvm*' 2>/dev/null || return 1
	for kernel in $(kernels); do
		if grep amdsvm "$MACHINE/lib/modules/$kernel"/modules.*; then
			echo "depmod's lists of $kernel still have it"
			return 1
		fi
		if find "$MACHINE/lib/modules/$kernel/updates/dkms" -type f 2>/dev/null | grep .; then
			echo "$kernel has modules of dkms"
			return 1
		fi
	done
}

# is_whole: dpkg has no package that is half done.
is_whole() {
	local audit
	audit=$(here dpkg --audit)
	[ -z "$audit" ] || { echo "$audit"; return 1; }
}
