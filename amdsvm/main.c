// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * amdsvm: shared virtual memory for a process and its accelerators.
 *
 * Module load and unload, and the parameters.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/sizes.h>

#include "backend/engine.h"
#include "backend/vdev.h"
#include "block.h"
#include "calls.h"
#include "compat/compat.h"
#include "crew.h"
#include "devmem.h"
#include "evict.h"
#include "fault.h"
#include "home.h"
#include "move.h"
#include "policy.h"
#include "sysfs.h"
#include "thrash.h"

static unsigned int num_devices = 2;
module_param(num_devices, uint, 0444);
MODULE_PARM_DESC(num_devices, "Software devices, 1 to 16 (default 2)");

static unsigned int vram_mb = 256;
module_param(vram_mb, uint, 0444);
MODULE_PARM_DESC(vram_mb, "Private memory of each device in MiB, rounded down to 2 (default 256, 0: none)");

/*
 * Tree nodes are not charged to a memory cgroup (the maple tree takes them
 * before it looks at the flags it is given), so their number is bounded here.
 */
unsigned int svm_max_ranges = SZ_4M;
module_param_named(max_ranges, svm_max_ranges, uint, 0644);
MODULE_PARM_DESC(max_ranges, "Ranges one process may have, about 40 bytes each (default 4194304)");

/* Off, because Linux 7.2 frees too early what is zapped meanwhile: docs/architecture.md. */
bool svm_large_pages = true;
module_param_named(large_pages, svm_large_pages, bool, 0444);
MODULE_PARM_DESC(large_pages, "Move 2 MiB of private memory in one piece where the kernel can (Linux 7.2; default on)");

bool svm_oversubscription = true;
module_param_named(oversubscription, svm_oversubscription, bool, 0644);
MODULE_PARM_DESC(oversubscription, "A device that is full evicts what it has not used for longest (default on)");

unsigned int svm_min_residency_ms = 20;
module_param_named(min_residency_ms, svm_min_residency_ms, uint, 0644);
MODULE_PARM_DESC(min_residency_ms, "Milliseconds that memory stays on a device before a device fault may evict it (default 20)");

unsigned int svm_thrash_ms = 20;
module_param_named(thrash_ms, svm_thrash_ms, uint, 0644);
MODULE_PARM_DESC(thrash_ms, "Memory that comes home and is wanted by a device again within so many milliseconds, several times in a row, is used in place for a while, up to 10000 (default 20, 0: never)");

unsigned int svm_migrate_workers = 1;
module_param_named(migrate_workers, svm_migrate_workers, uint, 0644);
MODULE_PARM_DESC(migrate_workers, "Processors that a prefetch may use at once, 1 to 16 (default 1)");

unsigned int svm_landing_ms = 8;
module_param_named(landing_ms, svm_landing_ms, uint, 0600);
MODULE_PARM_DESC(landing_ms, "For tests: milliseconds that a block which was copied may wait while the next one is collected (default 8)");

static unsigned int lanes = 2;
module_param(lanes, uint, 0444);
MODULE_PARM_DESC(lanes, "Threads of each software device, 1 to 64 (default 2)");

unsigned int svm_fault_ring_size = 256;
module_param_named(fault_ring, svm_fault_ring_size, uint, 0444);
MODULE_PARM_DESC(fault_ring, "Faults that a device can record before it is served, 1 to 65536 (default 256)");

unsigned int svm_access_delay_us;
module_param_named(access_delay_us, svm_access_delay_us, uint, 0600);
MODULE_PARM_DESC(access_delay_us, "For tests: microseconds a device waits, with preemption off, before it uses memory");

unsigned int svm_remote_ns;
module_param_named(remote_ns, svm_remote_ns, uint, 0600);
MODULE_PARM_DESC(remote_ns, "For benchmarks: nanoseconds, up to 100000, that each access of a software device to memory that is not its own takes longer (default 0)");

bool svm_copy_engine = true;
module_param_named(copy_engine, svm_copy_engine, bool, 0600);
MODULE_PARM_DESC(copy_engine, "For benchmarks: software devices have copy engines; without them who moves memory copies it (default on)");

unsigned int svm_copy_fail_every;
module_param_named(copy_fail_every, svm_copy_fail_every, uint, 0600);
MODULE_PARM_DESC(copy_fail_every, "For tests: of the jobs of a copy engine every so manieth fails, and is copied by the CPU then; without copy engines every so manieth copy fails, and memory stays where it is (default 0: none)");

unsigned int svm_copy_delay_us;
module_param_named(copy_delay_us, svm_copy_delay_us, uint, 0600);
MODULE_PARM_DESC(copy_delay_us, "For tests: microseconds, up to 10000, that a copy engine takes longer for each 128 KiB (default 0)");

static unsigned long coherent_base;
module_param(coherent_base, ulong, 0444);
MODULE_PARM_DESC(coherent_base, "Physical address of reserved RAM to use as coherent device memory");

static unsigned long coherent_size;
module_param(coherent_size, ulong, 0444);
MODULE_PARM_DESC(coherent_size, "Bytes at coherent_base, shared out equally among the devices");

/* Enough for any test, and far below what would exhaust struct pages at once. */
#define MAX_VRAM_MB ((unsigned int)SZ_1M)
#define MAX_LANES 64
#define MAX_FAULT_RING SZ_64K

static struct miscdevice svm_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "amdsvm",
	.fops = &svm_chardev_fops,
	.groups = svm_sysfs_groups,
};

static int init_devices(void)
{
	struct svm_devmem_config config = {
		.private_bytes = (u64)vram_mb * SZ_1M,
		.coherent_base = coherent_base,
		.coherent_bytes = coherent_size,
	};
	int ret;

	ret = svm_vdev_init(num_devices, lanes);
	if (ret)
		return ret;
	if (!coherent_base && !coherent_size && SVM_COMPAT_PRIVATE && vram_mb)
		ret = svm_vdev_memory(vram_mb >> 1);
	if (!ret)
		ret = svm_devmem_init(&config);
	if (ret)
		svm_vdev_exit();
	return ret;
}

static void announce(void)
{
	static const char * const kinds[] = {
		[AMDSVM_MEMORY_NONE] = "no device memory, 'svmctl doctor' tells why",
		[AMDSVM_MEMORY_PRIVATE] = "private device memory",
		[AMDSVM_MEMORY_COHERENT] = "coherent device memory",
	};

	pr_info("version %s, %u devices, %s\n", SVM_VERSION, num_devices,
		kinds[svm_devmem_state()->kind]);
}

static bool __init parameters_valid(void)
{
	if (!num_devices || num_devices > SVM_MAX_DEVICES ||
	    vram_mb > MAX_VRAM_MB) {
		pr_warn("num_devices must be 1 to %d and vram_mb at most %u\n",
			SVM_MAX_DEVICES, MAX_VRAM_MB);
		return false;
	}
	if (!lanes || lanes > MAX_LANES || !svm_fault_ring_size ||
	    svm_fault_ring_size > MAX_FAULT_RING) {
		pr_warn("lanes must be 1 to %d and fault_ring 1 to %d\n",
			MAX_LANES, MAX_FAULT_RING);
		return false;
	}
	return true;
}

static int __init svm_init(void)
{
	int ret;

	if (!parameters_valid())
		return -EINVAL;
	svm_large_pages &= SVM_COMPAT_LARGE;

	svm_block_lockdep_prime();
	ret = svm_process_init();
	if (ret)
		return ret;
	ret = svm_move_init();
	if (ret)
		goto process_exit;
	ret = init_devices();
	if (ret)
		goto move_exit;
	ret = misc_register(&svm_misc);
	if (ret)
		goto devices_exit;
	svm_sysfs_init(svm_misc.this_device);
	announce();
	return 0;

devices_exit:
	svm_devmem_exit();
	svm_vdev_exit();
move_exit:
	svm_move_exit();
process_exit:
	svm_process_exit();
	return ret;
}

static void __exit svm_exit(void)
{
	svm_sysfs_exit();
	misc_deregister(&svm_misc);
	svm_process_exit();
	svm_devmem_exit();
	svm_vdev_exit();
	svm_move_exit();
}

module_init(svm_init);
module_exit(svm_exit);

MODULE_AUTHOR("The amdsvm developers");
MODULE_DESCRIPTION("Shared virtual memory with range attributes and page migration");
MODULE_LICENSE("Dual MIT/GPL");
MODULE_VERSION(SVM_VERSION);
