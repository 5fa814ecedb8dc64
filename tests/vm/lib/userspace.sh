# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Builds libamdsvm, svmctl and the test programs, and collects them with the
# libraries they need as a tree for the guest. Sourced after common.sh.
#
# The guest's /bin, /sbin and /lib are links into /usr: a directory of that name
# in an archive would replace the link, so every path here is under /usr.

build_userspace() {
	[ -e "$TOP/meson.build" ] || { say "note: no meson.build yet, so no userspace in the guest"; return 0; }
	need user
	with_lock "$BUILD/lock/user" build_userspace_locked
}

build_userspace_locked() {
	configure_meson "$BUILD/user"
	quietly "$BUILD/user.log" ninja -C "$BUILD/user" || die "userspace does not build"
}

# configure_meson DIRECTORY OPTIONS...: sets up a build directory, or again when a
# meson.build is new: the top one looks which directories have one.
configure_meson() {
	local dir=$1 again=''
	shift
	if [ -e "$dir/build.ninja" ]; then
		[ -n "$(find "$TOP" -path "$BUILD" -prune -o -name 'meson*' -newer "$dir/build.ninja" -print -quit)" ] ||
			return 0
		again=--reconfigure
	else
		rm -rf "$dir"
	fi
	# The default libdir depends on what the machine has installed.
	# shellcheck disable=SC2086 # an option or nothing
	quietly "$dir.log" meson setup $again --prefix=/usr --libdir=lib "$@" "$dir" "$TOP" || die "meson setup failed"
	# Nothing may have changed for meson, which then leaves the file alone.
	touch "$dir/build.ninja"
}

# usr_path PATH: the same file in a merged-/usr guest.
usr_path() {
	case $1 in
	/lib/* | /lib64/* | /bin/* | /sbin/*) echo "/usr$1" ;;
	*) echo "$1" ;;
	esac
}

is_elf() { [ "$(head -c 4 "$1" 2>/dev/null | tail -c 3)" = ELF ]; }

# add_libraries TREE FILE...: the shared libraries of the ELF files, by their
# own names. What this tree builds comes with meson install.
add_libraries() {
	local tree=$1 file library target
	shift
	for file; do
		is_elf "$file" || continue
		# A static program makes ldd fail: nothing to add.
		ldd "$file" 2>/dev/null | grep -oE '(=> )?/[^ ]+' | sed 's/^=> //' || true
	done | sort -u | while read -r library; do
		case $library in "$BUILD"/*) continue ;; esac
		target=$tree$(usr_path "$library")
		[ -e "$target" ] || install -D -m 755 "$library" "$target"
	done
}

# collect_userspace TREE: everything `meson install` gives, and every program
# of tests/vm and tests/bench in /usr/libexec/amdsvm.
collect_userspace() {
	local tree=$1 program gcc_s
	[ -e "$BUILD/user/build.ninja" ] || return 0
	quietly "$BUILD/install.log" env DESTDIR="$tree" meson install -C "$BUILD/user" --no-rebuild ||
		die "meson install failed"
	rm -rf "$tree/usr/include" "$tree/usr/share/man" "$tree/usr/share/doc"
	mkdir -p "$tree/usr/libexec/amdsvm"
	while read -r program; do
		! is_elf "$program" || cp "$program" "$tree/usr/libexec/amdsvm/"
	done < <(find "$BUILD/user/tests/vm" "$BUILD/user/tests/bench" -maxdepth 1 -type f -perm -u+x 2>/dev/null)
	# shellcheck disable=SC2046 # no file of ours has a space in its name
	add_libraries "$tree" $(find "$tree" -type f -perm -u+x)
	# ldd does not know what glibc loads by itself for pthread_exit().
	gcc_s=$(readlink -f "$(gcc -print-file-name=libgcc_s.so.1)")
	install -D -m 755 "$gcc_s" "$tree/usr/lib/x86_64-linux-gnu/libgcc_s.so.1"
}
