# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# shellcheck source-path=SCRIPTDIR
#
# What the checks of this directory share: which files there are. Each check is
# a program of its own that prints what is wrong and fails; tests/static/check
# runs them all. They work at the top of the tree.

STATIC=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$STATIC/../vm/lib/common.sh"
. "$STATIC/../vm/lib/deps.sh"
. "$STATIC/../vm/lib/kernels.sh"
. "$STATIC/../vm/lib/emulator.sh"
. "$STATIC/../vm/lib/roots.sh"
. "$STATIC/../vm/lib/module.sh"
. "$STATIC/../vm/lib/source.sh"
cd "$TOP" || exit

# sources PATTERN...: files of the tree, known to git or about to be.
sources() {
	if git -C "$TOP" rev-parse --git-dir >/dev/null 2>&1; then
		git -C "$TOP" ls-files --cached --others --exclude-standard -- "$@"
	else
		(cd "$TOP" && find . \( -path ./build -o -path ./.git \) -prune -o -type f -print | sed 's,^\./,,' |
			while read -r file; do
				# shellcheck disable=SC2254 # the patterns are patterns
				for pattern; do case $file in $pattern) echo "$file" ;; esac; done
			done)
	fi | sort -u | while read -r file; do [ ! -f "$TOP/$file" ] || echo "$file"; done
}

scripts() {
	local file
	sources '*' | while read -r file; do
		case $file in
		*.sh | *.bash) echo "$file" ;;
		*.*) ;;
		*) ! head -n 1 "$file" | grep -qaE '^#!.*/(ba|da)?sh\b' || echo "$file" ;;
		esac
	done
}
