# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2016,SC2034 # expect evaluates
#
# The Debian packages build, in both releases, twice to the same bytes, and lintian
# has nothing to say.

same_bytes() {
	local file
	build_deb trixie "$(release_tarball)" "$WORK/again" || return
	for file in "$PACKAGES_DIR"/trixie/*_"$VERSION"-*.deb "$PACKAGES_DIR"/trixie/*.dsc; do
		cmp "$file" "$WORK/again/${file##*/}" || return
	done
}

step_deb() {
	expect "the packages build in trixie" packages trixie
	expect "built again they are the same" same_bytes
	expect "lintian finds nothing" lint_deb "$PACKAGES_DIR/trixie"
	expect "the packages build in bookworm" packages bookworm
	expect "the next version builds" packages next
}
