# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2016,SC2034 # expect evaluates
#
# Debian 13: amdsvm installed beside its 6.12, the kernel upgraded to that of
# backports, amdsvm upgraded while it is in use, removed, purged.
#
# dkms signs with a key that it makes, which no kernel trusts before its owner enrols
# it: a kernel that enforces signatures must refuse the module, for that reason.

step_trixie() {
	local old new
	need_packages trixie next || return 0
	new_machine trixie "$(packaging_root base-trixie)/root"
	old=$(newest_kernel)

	expect "apt finds the packages" eval 'apt update && sell "$PACKAGES_DIR/trixie"'
	expect "apt installs them" apt install amdsvm-dkms amdsvm-tools libamdsvm-dev pkgconf
	expect "the module is there for $old" has_module "$old" "$VERSION"
	expect "$old boots, and the driver works" boot "$old" "$TOP/debian/tests/use"
	expect "enforcing signatures, it refuses the key" refused_when_enforced "$old"
	expect "apt installs them again" apt install --reinstall amdsvm-dkms amdsvm-tools libamdsvm1
	expect "the module is there again" has_module "$old" "$VERSION"

	expect "apt upgrades the kernel" apt install -t trixie-backports linux-image-amd64 linux-headers-amd64
	new=$(newest_kernel)
	expect "it is a newer one" test "$new" != "$old"
	expect "the module was built for $new" has_module "$new" "$VERSION"
	expect "the module for $old is still there" has_module "$old" "$VERSION"

	expect "$new boots; amdsvm is upgraded under the loaded driver" upgrade_in_use "$new"
	expect "the new module is there for $new" has_module "$new" "$NEXT"
	expect "the new module is there for $old" has_module "$old" "$NEXT"
	expect "dkms knows no other version" refuse eval 'here dkms status -m amdsvm | grep -v "$NEXT"'

	expect "apt removes them" apt remove amdsvm-dkms amdsvm-tools libamdsvm-dev libamdsvm1
	expect "no kernel has the module" eval '[ -z "$(module_of "$old")$(module_of "$new")" ]'
	expect "apt purges them" apt purge amdsvm-dkms amdsvm-tools libamdsvm-dev libamdsvm1
	expect "nothing is left" has_no_trace
	expect "dpkg has nothing half done" is_whole
	drop_machine trixie
}

# svmctl doctor must know why, and what to do: the guest has no EFI, and root sees the
# keys of the kernel.
refused_when_enforced() {
	cat "$PACKAGING_TESTS/guest/doctor" - >"$WORK/refused" <<'END_GUEST'

if modprobe amdsvm 2>/tmp/modprobe; then echo "a module of an unknown key was loaded"; exit 1; fi
cat /tmp/modprobe
grep -q 'Key was rejected by service' /tmp/modprobe || exit 1

if doctor; then echo "svmctl doctor finds the driver usable"; exit 1; fi
says installed amdsvm.ko ' as svmctl and the library'
says dkms "installed for Linux $(uname -r)"
says lockdown 'loads only signed modules' 'module.sig_enforce Y'
says signature "signed by '$(modinfo -F signer amdsvm)', key $(modinfo -F sig_key amdsvm)"
says key 'is not enrolled' 'Key was rejected by service' \
	'without module.sig_enforce=1' "'mokutil --import /var/lib/dkms/mok.pub' as root"
says module 'not loaded' 'first do what the lines above say'
! svmctl doctor --json >/tmp/doctor.json
grep -q '"usable": *false' /tmp/doctor.json
END_GUEST
	boot "$1" "$WORK/refused" module.sig_enforce=1
}

# The guest moves memory, keeps the module loaded, and sees the packages change.
upgrade_in_use() {
	local kernel=$1 status=0
	cat "$TOP/debian/tests/use" "$PACKAGING_TESTS/guest/doctor" - >"$WORK/in-use" <<'END_GUEST'

trap - EXIT
modprobe amdsvm
old=$(cat /sys/module/amdsvm/version)
echo "@ready $old"
until [ -e /var/tmp/upgraded ]; do sleep 0.5; done
new=$(modinfo -F version amdsvm)
[ "$(cat /sys/module/amdsvm/version)" = "$old" ] || { echo "the loaded module is not the old one"; exit 1; }
[ "$new" != "$old" ] || { echo "the installed module is not the new one"; exit 1; }
# The new tool and library with the old driver.
svmctl devices
doctor
says module "version $old is loaded, version $new is installed" 'rmmod amdsvm; modprobe amdsvm'
svmctl demo /var/tmp/file
rmmod amdsvm
modprobe amdsvm
[ "$(cat /sys/module/amdsvm/version)" = "$new" ] || { echo "modprobe does not load the new one"; exit 1; }
udevadm settle 2>/dev/null || true
doctor
says module "loaded, version $new"
says dkms "amdsvm $new is installed"
says file 'group render, mode 0660'
rmmod amdsvm
END_GUEST
	head -c 68M /dev/urandom >"$MACHINE/var/tmp/file"
	start_guest "$kernel" "$WORK/in-use"
	if wait_guest @ready 300; then
		{ sell "$PACKAGES_DIR/next" && apt upgrade; } || status=$?
	else
		status=1
	fi
	touch "$MACHINE/var/tmp/upgraded"
	end_guest 200 || status=1
	rm -f "$MACHINE"/var/tmp/{file,upgraded}
	return $status
}
