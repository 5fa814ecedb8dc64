# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2016,SC2034 # expect evaluates
#
# Signatures: dkms signs with a key that it makes, which no kernel trusts before its
# owner enrols it. A kernel that enforces signatures must refuse the module with that
# reason, and svmctl doctor must know it.

step_signature() {
	local kernel
	need_packages trixie || return 0
	new_machine signature "$(packaging_root base-trixie)/root"
	kernel=$(newest_kernel)
	expect "apt installs the packages" eval 'apt update && sell "$PACKAGES_DIR/trixie" && apt install amdsvm-dkms amdsvm-tools'
	expect "the module is signed" has_module "$kernel" "$VERSION"
	cat >"$WORK/refused" <<'END_GUEST'
if modprobe amdsvm 2>/tmp/modprobe; then echo "a module of an unknown key was loaded"; exit 1; fi
cat /tmp/modprobe
grep -q 'Key was rejected by service' /tmp/modprobe || exit 1
! svmctl doctor
END_GUEST
	expect "a kernel that enforces signatures refuses its key" boot "$kernel" "$WORK/refused" module.sig_enforce=1
	drop_machine signature
}
