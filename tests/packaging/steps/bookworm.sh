# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2016,SC2034 # expect evaluates
#
# Debian 12, whose dkms is 3.0: amdsvm installed beside 6.1, the kernel upgraded to
# the 6.12 of the same release, all removed.

step_bookworm() {
	local old new
	need_packages bookworm || return 0
	new_machine bookworm "$(packaging_root base-bookworm)/root"
	old=$(newest_kernel)

	expect "apt finds the packages" eval 'apt update && sell "$PACKAGES_DIR/bookworm"'
	expect "apt installs them" apt install amdsvm-dkms amdsvm-tools libamdsvm-dev pkgconf
	expect "the module is there for $old" has_module "$old" "$VERSION"
	expect "$old boots, and the driver works" boot "$old" "$TOP/debian/tests/use"

	expect "apt installs the newer kernel" apt install linux-image-6.12-amd64 linux-headers-6.12-amd64
	new=$(newest_kernel)
	expect "it is a newer one" test "$new" != "$old"
	expect "the module was built for $new" has_module "$new" "$VERSION"
	expect "$new boots, and the driver works" boot "$new" "$TOP/debian/tests/use"

	expect "apt purges them" apt purge amdsvm-dkms amdsvm-tools libamdsvm-dev libamdsvm1
	expect "nothing is left" has_no_trace
	expect "dpkg has nothing half done" is_whole
	drop_machine bookworm
}
