# SPDX-License-Identifier: MIT
#
# The front door. Everything behind it works without a terminal, installs the
# Debian packages it lacks, and can be run by hand: this file only gives names.

.PHONY: all help module user demo check check-unit check-static check-vm \
	check-packaging check-debug bench bench-compare dist deb rpm clean

ifdef KDIR
all: user module
else
all: help
endif

help:
	@echo 'make demo                        boot Linux 7.2 with the driver and show it on a real file'
	@echo 'make check                       everything a change must pass'
	@echo 'make check-static | check-unit   sources; pure logic under sanitizers'
	@echo 'make check-vm [KERNEL=7.2] [LANE=private] [SUITE=name]'
	@echo '                                 the driver under test on each kernel'
	@echo 'make check-debug                 every suite on a kernel with KASAN, lockdep and kmemleak'
	@echo 'make check-packaging [STEP=name] packages installed, upgraded, removed; modules rebuilt, loaded'
	@echo 'make deb | rpm | dist            packages in build/deb, build/rpm; the tarball they are made from'
	@echo 'make bench [KERNEL=7.2]          a table, and build/bench.json'
	@echo 'make bench-compare OLD.json [NEW=build/bench.json]'
	@echo '                                 fails when a row under icount got 5 % slower'
	@echo 'make KDIR=/lib/modules/.../build the module for that kernel, and userspace in build/user'
	@echo 'make clean                       removes build/; roots and kernels stay in the cache'
	@echo 'tests/vm/run --help              boot a kernel with the driver and run any command in it'

module:
	$(MAKE) -C amdsvm KDIR=$(KDIR)

user:
	@tests/vm/user.sh

demo:
	@tests/vm/demo.sh

check:
	@tests/vm/check.sh

check-static:
	@tests/static/check

check-unit:
	@tests/vm/unit.sh

check-vm:
	@KERNEL='$(KERNEL)' LANE='$(LANE)' SUITE='$(SUITE)' tests/vm/suites.sh

bench:
	@tests/bench/run $(if $(KERNEL),$(KERNEL),7.2)

# The file is a goal of its own, which make finds done.
OLD ?= $(filter %.json,$(MAKECMDGOALS))
NEW ?= build/bench.json
bench-compare:
	@tests/bench/compare "$(OLD)" "$(NEW)"

dist:
	@tools/dist

deb:
	@tests/packaging/deb

rpm:
	@tests/packaging/rpm

check-packaging:
	@tests/packaging/check $(STEP)

check-debug:
	@tests/vm/debug.sh

clean:
	rm -rf build
