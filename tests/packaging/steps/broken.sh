# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2016,SC2034 # expect evaluates
#
# Kernels that the module does not build for: a header is made such that no version
# of the driver knows it. apt must finish, and say what happened.

step_broken() {
	broken_on trixie
	broken_on bookworm
}

broken_on() {
	local release=$1 old header
	need_packages "$release" || return 0
	new_machine "broken-$release" "$(packaging_root "base-$release")/root"
	old=$(newest_kernel)
	expect "$release: apt installs headers" eval 'apt update && sell "$PACKAGES_DIR/$release" && apt install linux-headers-amd64'
	header=$(find "$MACHINE"/usr/src/linux-headers-*-common*/include/linux -name hmm.h)
	cp "$header" "$WORK/hmm.h"
	echo '#error "a header of another time"' >"$header"

	expect "$release: apt installs amdsvm where it does not build" telling apt install amdsvm-dkms amdsvm-tools
	expect "$release: it says so" said "does not build for Linux $old: this kernel has no amdsvm"
	expect "$release: it says why" said "a header of another time"
	expect "$release: it says what helps" said "What helps: a newer amdsvm"
	expect "$release: dpkg has nothing half done" is_whole
	expect "$release: in that kernel, svmctl doctor says why" boot "$old" "$(explaining_script "$release")"
	# Another kernel made of the same headers.
	expect "$release: apt installs a kernel for which it does not build" \
		telling apt install linux-image-cloud-amd64 linux-headers-cloud-amd64
	expect "$release: it says so" said "does not build for Linux ${old%-amd64}-cloud-amd64: this kernel has no amdsvm"
	expect "$release: dpkg has nothing half done" is_whole
	expect "$release: no module claims to be the driver" refuse claims_driver "$old"

	mv "$WORK/hmm.h" "$header"
	expect "$release: what the message says to do when it is mended works" \
		here sh -c "dkms remove amdsvm/$VERSION -k $old; dkms install amdsvm/$VERSION -k $old"
	expect "$release: the module is there for $old" has_module "$old" "$VERSION"
	drop_machine "broken-$release"
}

# explaining_script RELEASE: prints its path. dkms 3.0 has installed a stand-in.
explaining_script() {
	{
		cat "$PACKAGING_TESTS/guest/doctor" - <<'END_GUEST'

if modprobe amdsvm; then echo "a module was loaded"; exit 1; fi
if doctor; then echo "svmctl doctor finds the driver usable"; exit 1; fi
says dkms "for Linux $(uname -r): " 'a header of another time' 'install a newer amdsvm' \
	"dkms install amdsvm/$(svmctl --version | awk '{print $2}') -k $(uname -r)"
says module 'not loaded' 'first do what the lines above say'
says file 'comes with the module'
END_GUEST
		case $1 in
		bookworm) echo 'says installed "is not the driver"; says dkms "does not build"' ;;
		*) echo 'says installed "there is no amdsvm module"; says dkms "is not built"' ;;
		esac
	} >"$WORK/explaining"
	echo "$WORK/explaining"
}

claims_driver() { [ -n "$(module_of "$1")" ] && here modinfo -k "$1" -F version amdsvm | grep .; }
