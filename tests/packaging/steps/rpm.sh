# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2016,SC2034 # expect evaluates
#
# The RPM packages: built, and their scriptlets run by Debian's rpm with Debian's
# dkms, on a machine of trixie: installed, installed again, upgraded, erased.

step_rpm() {
	local kernel
	expect "the packages build" rpms "$VERSION"
	expect "rpmlint finds nothing" lint_rpm "$PACKAGES_DIR/rpm-$VERSION"
	expect "the next version builds" rpms "$NEXT"
	new_machine rpm "$(packaging_root base-trixie)/root"
	kernel=$(newest_kernel)
	expect "dkms, headers and rpm are there" eval 'apt update && apt install --no-install-recommends \
		rpm dkms gcc openssl linux-headers-amd64 libjson-c5 libmd0 libsmartcols1'
	mkdir -p "$MACHINE/srv/rpm"
	cp "$PACKAGES_DIR/rpm-$VERSION"/*.rpm "$PACKAGES_DIR/rpm-$NEXT"/*.rpm "$MACHINE/srv/rpm/"
	rm "$MACHINE"/srv/rpm/*.src.rpm

	expect "rpm installs them" rpm_at -i "$VERSION"
	expect "the module is there" has_module "$kernel" "$VERSION"
	# Debian's libraries are elsewhere.
	expect "the tool runs" here env LD_LIBRARY_PATH=/usr/lib64 /usr/sbin/svmctl --version
	expect "rpm installs them again" rpm_at "-U --replacepkgs" "$VERSION"
	expect "the module is still there" has_module "$kernel" "$VERSION"
	expect "rpm upgrades them" rpm_at -U "$NEXT"
	expect "the new module is there" has_module "$kernel" "$NEXT"
	expect "dkms knows no other version" refuse eval 'here dkms status -m amdsvm | grep -v "$NEXT"'
	expect "rpm erases them" here rpm -e dkms-amdsvm libamdsvm libamdsvm-devel amdsvm-tools
	expect "nothing is left" has_no_trace
	drop_machine rpm
}

rpms() {
	local tarball
	if [ "$1" = "$VERSION" ]; then
		tarball=$(release_tarball)
	else
		packages next || return
		tarball=$WORK/next/build/dist/amdsvm-$NEXT.tar.gz
	fi
	build_rpm "$tarball" "$PACKAGES_DIR/rpm-$1"
}

# Debian's packages are not in rpm's database, hence --nodeps.
rpm_at() {
	here sh -euc "cd /srv/rpm && rpm $1 -v --nodeps dkms-amdsvm-$2-*.rpm libamdsvm-$2-*.rpm \
		libamdsvm-devel-$2-*.rpm amdsvm-tools-$2-*.rpm"
}
