# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Builds the Debian and RPM packages of a source tree in clean roots. Sourced after
# roots.sh.

# in_copy NAME FUNCTION ARGUMENTS...: calls FUNCTION with a directory to write to,
# laid over the root NAME, before the arguments. Mounts and what was written are gone
# afterwards.
in_copy() {
	local name=$1 work status=0
	shift
	ensure_packaging_root "$name"
	mkdir -p "$PACKAGING/work"
	work=$(mktemp -d "$PACKAGING/work/$name.XXXXXX")
	mkdir -p "$work"/{upper,work,root}
	as_root mount -t overlay overlay \
		-o "lowerdir=$(packaging_root "$name")/root,upperdir=$work/upper,workdir=$work/work" "$work/root"
	"$1" "$work/root" "${@:2}" || status=$?
	as_root umount "$work/root" && as_root rm -rf --one-file-system "$work"
	return $status
}

# build_deb RELEASE TARBALL OUT: OUT gets the source and binary packages, and an
# index of them for apt.
build_deb() {
	local release=$1 tarball=$2 out=$3
	mkdir -p "$out"
	in_copy "build-$release" build_deb_at "$tarball" "$out"
}

build_deb_at() {
	local root=$1 tarball=$2 out=$3 version
	version=$(basename "$tarball" .tar.gz)
	version=${version#amdsvm-}
	as_root mkdir -p "$root/build"
	as_root cp "$tarball" "$root/build/amdsvm_$version.orig.tar.gz"
	as_root tar -xzf "$tarball" -C "$root/build" --no-same-owner
	# The order of files must not depend on the directory, nor the result on it.
	at_root "$root" sh -euc "cd /build/amdsvm-$version
		dpkg-buildpackage -us -uc ${DEB_BUILDPACKAGE_OPTIONS:-}
		cd .. && rm -rf amdsvm-$version
		dpkg-scanpackages --multiversion . >Packages" || return
	find "$out" -maxdepth 1 -type f -name "*_${version}-*" -delete
	find "$root/build" -maxdepth 1 -type f -exec cp {} "$out/" \;
}

# lint_deb OUT: what lintian says, down to information.
lint_deb() { in_copy build-trixie lint_deb_at "$1"; }
lint_deb_at() {
	as_root mkdir -p "$1/build"
	as_root cp "$2"/* "$1/build/"
	at_root "$1" sh -c 'cd /build && lintian --allow-root --info --display-info --show-overrides --fail-on info,warning,error *.changes'
}

# build_rpm TARBALL OUT: the binary and source packages. Debian's rpm knows nothing
# of the packages that are installed here, so it is told not to look.
build_rpm() {
	mkdir -p "$2"
	in_copy build-trixie build_rpm_at "$1" "$2"
}

build_rpm_at() {
	local root=$1 tarball=$2 out=$3 version
	version=$(basename "$tarball" .tar.gz)
	as_root mkdir -p "$root"/build/{SOURCES,SPECS}
	as_root cp "$tarball" "$root/build/SOURCES/"
	tar -xzOf "$tarball" "$version/rpm/amdsvm.spec" | as_root tee "$root/build/SPECS/amdsvm.spec" >/dev/null
	at_root "$root" rpmbuild -ba --nodeps --define '_topdir /build' \
		--define '_build_id_links none' /build/SPECS/amdsvm.spec || return
	find "$out" -maxdepth 1 -name '*.rpm' -delete
	find "$root/build/RPMS" "$root/build/SRPMS" -name '*.rpm' -exec cp {} "$out/" \;
	cp "$root/build/SPECS/amdsvm.spec" "$out/"
}

lint_rpm() { in_copy build-trixie lint_rpm_at "$1"; }
lint_rpm_at() {
	as_root mkdir -p "$1/build"
	as_root cp "$2"/*.rpm "$2/amdsvm.spec" "$1/build/"
	as_root cp "$TOP/rpm/rpmlint.toml" "$1/build/"
	at_root "$1" sh -c 'cd /build && rpmlint --config rpmlint.toml *.rpm amdsvm.spec'
}
