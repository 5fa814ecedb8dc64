#!/bin/bash
# SPDX-License-Identifier: MIT
#
# make user: the library, the tool and the test programs, in build/user.
# shellcheck source-path=SCRIPTDIR
set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/lib/common.sh"
. "$HERE/lib/deps.sh"
. "$HERE/lib/userspace.sh"

build_userspace
