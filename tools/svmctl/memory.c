// SPDX-License-Identifier: MIT
/*
 * Words for the memory that devices have, and for why they have none.
 */
#include "svmctl.h"

const char *memory_kind_name(uint32_t kind)
{
	switch (kind) {
	case AMDSVM_MEMORY_NONE:
		return "none";
	case AMDSVM_MEMORY_PRIVATE:
		return "private";
	case AMDSVM_MEMORY_COHERENT:
		return "coherent";
	default:
		return "unknown";
	}
}

const char *memory_reason_text(uint32_t reason)
{
	switch (reason) {
	case AMDSVM_REASON_NONE:
		return "devices have memory";
	case AMDSVM_REASON_NO_KERNEL_SUPPORT:
		return "this kernel has no private device memory (CONFIG_DEVICE_PRIVATE), and no reserved range was given";
	case AMDSVM_REASON_RANGE_INVALID:
		return "coherent_base or coherent_size is misaligned or too small";
	case AMDSVM_REASON_RANGE_NOT_RESERVED:
		return "the range given by coherent_base and coherent_size is ordinary system memory";
	case AMDSVM_REASON_RANGE_BUSY:
		return "the range given by coherent_base and coherent_size is in use";
	case AMDSVM_REASON_NO_RESOURCES:
		return "there was no address space, or no memory, to describe device memory";
	case AMDSVM_REASON_DISABLED:
		return "it was switched off with vram_mb=0";
	default:
		return "for a reason that this svmctl does not know";
	}
}

/* The example is what the test guests use: a GiB from 5 GiB up. */
#define RESERVE_EXAMPLE \
	"boot with memmap=1G$0x140000000 (in a GRUB file: \\$) and load with 'modprobe amdsvm coherent_base=0x140000000 coherent_size=0x40000000'"

const char *memory_reason_advice(uint32_t reason)
{
	switch (reason) {
	case AMDSVM_REASON_NO_KERNEL_SUPPORT:
		return "use a kernel with CONFIG_DEVICE_PRIVATE (Debian: 6.13 and later), or "
		       RESERVE_EXAMPLE;
	case AMDSVM_REASON_RANGE_INVALID:
		return "give both, in bytes, as multiples of the kernel's memory section (128 MiB on x86)";
	case AMDSVM_REASON_RANGE_NOT_RESERVED:
		return RESERVE_EXAMPLE;
	case AMDSVM_REASON_RANGE_BUSY:
		return "see /proc/iomem (as root) for who has it, and give another range";
	case AMDSVM_REASON_NO_RESOURCES:
		return "load with a smaller vram_mb, or on a machine with more memory";
	case AMDSVM_REASON_DISABLED:
		return "load the module without vram_mb=0";
	default:
		return "install the svmctl of the driver's release";
	}
}
