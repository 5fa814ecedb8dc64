// SPDX-License-Identifier: MIT
/*
 * The first part of amdsvm_ioctl.h against <linux/kfd_ioctl.h>: numbers, sizes,
 * offsets and values must be the same, so that a program moves over by
 * replacing prefixes. Compiling this file is the test.
 */
#include <stddef.h>
#include <stdio.h>

#include <linux/kfd_ioctl.h>

#include <amdsvm/amdsvm_ioctl.h>
#include <amdsvm/amdsvm_packets.h>

#define SAME(ours, theirs) \
	_Static_assert((ours) == (theirs), #ours " differs from " #theirs)

/* A structure and a member by the name that both have without prefix. */
#define SAME_SIZE(name) \
	SAME(sizeof(struct amdsvm_##name), sizeof(struct kfd_##name))
#define SAME_MEMBER(name, member)					\
	SAME(offsetof(struct amdsvm_##name, member),			\
	     offsetof(struct kfd_##name, member));			\
	SAME(sizeof(((struct amdsvm_##name *)0)->member),		\
	     sizeof(((struct kfd_##name *)0)->member))
#define SAME_VALUE(name) SAME(AMDSVM_##name, KFD_##name)

/* Calls. */
SAME(AMDSVM_IOCTL_BASE, AMDKFD_IOCTL_BASE);
SAME(AMDSVM_IOC_GET_VERSION, AMDKFD_IOC_GET_VERSION);
SAME(AMDSVM_IOC_SMI_EVENTS, AMDKFD_IOC_SMI_EVENTS);
SAME(AMDSVM_IOC_SVM, AMDKFD_IOC_SVM);
SAME(AMDSVM_IOC_SET_XNACK_MODE, AMDKFD_IOC_SET_XNACK_MODE);

/* The number of attributes is in the size field of the number of the call. */
#define SVM_CALL(prefix, attr, nattr) \
	((prefix) + ((nattr) * sizeof(attr) << _IOC_SIZESHIFT))
#define SAME_SVM_CALL(nattr)							\
	SAME(SVM_CALL(AMDSVM_IOC_SVM, struct amdsvm_ioctl_svm_attribute, nattr),\
	     SVM_CALL(AMDKFD_IOC_SVM, struct kfd_ioctl_svm_attribute, nattr))
SAME_SVM_CALL(1);
SAME_SVM_CALL(6);
SAME_SVM_CALL(AMDSVM_IOCTL_SVM_MAX_ATTRS);
_Static_assert(sizeof(struct amdsvm_ioctl_svm_args) +
	       AMDSVM_IOCTL_SVM_MAX_ATTRS * sizeof(struct amdsvm_ioctl_svm_attribute) <=
	       _IOC_SIZEMASK, "AMDSVM_IOCTL_SVM_MAX_ATTRS do not fit into a call");
_Static_assert(sizeof(struct amdsvm_ioctl_svm_args) +
	       (AMDSVM_IOCTL_SVM_MAX_ATTRS + 1) *
	       sizeof(struct amdsvm_ioctl_svm_attribute) > _IOC_SIZEMASK,
	       "AMDSVM_IOCTL_SVM_MAX_ATTRS could be larger");

/* Structures. */
SAME_SIZE(ioctl_get_version_args);
SAME_MEMBER(ioctl_get_version_args, major_version);
SAME_MEMBER(ioctl_get_version_args, minor_version);

SAME_SIZE(ioctl_svm_attribute);
SAME_MEMBER(ioctl_svm_attribute, type);
SAME_MEMBER(ioctl_svm_attribute, value);

SAME_SIZE(ioctl_svm_args);
SAME_MEMBER(ioctl_svm_args, start_addr);
SAME_MEMBER(ioctl_svm_args, size);
SAME_MEMBER(ioctl_svm_args, op);
SAME_MEMBER(ioctl_svm_args, nattr);
SAME(offsetof(struct amdsvm_ioctl_svm_args, attrs),
     offsetof(struct kfd_ioctl_svm_args, attrs));

SAME_SIZE(ioctl_set_xnack_mode_args);
SAME_MEMBER(ioctl_set_xnack_mode_args, xnack_enabled);

SAME_SIZE(ioctl_smi_events_args);
SAME_MEMBER(ioctl_smi_events_args, gpuid);
SAME_MEMBER(ioctl_smi_events_args, anon_fd);

/* Values. */
SAME((int)AMDSVM_IOCTL_SVM_OP_SET_ATTR, (int)KFD_IOCTL_SVM_OP_SET_ATTR);
SAME((int)AMDSVM_IOCTL_SVM_OP_GET_ATTR, (int)KFD_IOCTL_SVM_OP_GET_ATTR);

SAME((unsigned int)AMDSVM_IOCTL_SVM_LOCATION_SYSMEM,
     (unsigned int)KFD_IOCTL_SVM_LOCATION_SYSMEM);
SAME((unsigned int)AMDSVM_IOCTL_SVM_LOCATION_UNDEFINED,
     (unsigned int)KFD_IOCTL_SVM_LOCATION_UNDEFINED);

#define SAME_ATTR(name) \
	SAME((int)AMDSVM_IOCTL_SVM_ATTR_##name, (int)KFD_IOCTL_SVM_ATTR_##name)
SAME_ATTR(PREFERRED_LOC);
SAME_ATTR(PREFETCH_LOC);
SAME_ATTR(ACCESS);
SAME_ATTR(ACCESS_IN_PLACE);
SAME_ATTR(NO_ACCESS);
SAME_ATTR(SET_FLAGS);
SAME_ATTR(CLR_FLAGS);
SAME_ATTR(GRANULARITY);

/* Flags; an older kernel's header has fewer. */
SAME_VALUE(IOCTL_SVM_FLAG_HOST_ACCESS);
SAME_VALUE(IOCTL_SVM_FLAG_COHERENT);
SAME_VALUE(IOCTL_SVM_FLAG_HIVE_LOCAL);
SAME_VALUE(IOCTL_SVM_FLAG_GPU_RO);
SAME_VALUE(IOCTL_SVM_FLAG_GPU_EXEC);
SAME_VALUE(IOCTL_SVM_FLAG_GPU_READ_MOSTLY);
#ifdef KFD_IOCTL_SVM_FLAG_GPU_ALWAYS_MAPPED
SAME_VALUE(IOCTL_SVM_FLAG_GPU_ALWAYS_MAPPED);
#endif
#ifdef KFD_IOCTL_SVM_FLAG_EXT_COHERENT
SAME_VALUE(IOCTL_SVM_FLAG_EXT_COHERENT);
#endif

/* Events. */
#define SAME_ENUM(name) SAME((int)AMDSVM_##name, (int)KFD_##name)
SAME_ENUM(SMI_EVENT_NONE);
SAME_ENUM(SMI_EVENT_VMFAULT);
SAME_ENUM(SMI_EVENT_THERMAL_THROTTLE);
SAME_ENUM(SMI_EVENT_GPU_PRE_RESET);
SAME_ENUM(SMI_EVENT_GPU_POST_RESET);
SAME_ENUM(SMI_EVENT_MIGRATE_START);
SAME_ENUM(SMI_EVENT_MIGRATE_END);
SAME_ENUM(SMI_EVENT_PAGE_FAULT_START);
SAME_ENUM(SMI_EVENT_PAGE_FAULT_END);
SAME_ENUM(SMI_EVENT_QUEUE_EVICTION);
SAME_ENUM(SMI_EVENT_QUEUE_RESTORE);
SAME_ENUM(SMI_EVENT_UNMAP_FROM_GPU);
#ifdef HAVE_KFD_SMI_EVENT_PROCESS
SAME_ENUM(SMI_EVENT_PROCESS_START);
SAME_ENUM(SMI_EVENT_PROCESS_END);
#endif
SAME_ENUM(SMI_EVENT_ALL_PROCESS);
SAME_VALUE(SMI_EVENT_MASK_FROM_INDEX(1));
SAME_VALUE(SMI_EVENT_MASK_FROM_INDEX(64));
SAME_VALUE(SMI_EVENT_MSG_SIZE);
_Static_assert(AMDSVM_SMI_EVENT_DROPPED > AMDSVM_SMI_EVENT_PROCESS_END &&
	       AMDSVM_SMI_EVENT_DROPPED < AMDSVM_SMI_EVENT_ALL_PROCESS,
	       "our own event is one of KFD's, or has no bit in the mask");

/* Why: the fields of events. */
SAME_ENUM(MIGRATE_TRIGGER_PREFETCH);
SAME_ENUM(MIGRATE_TRIGGER_PAGEFAULT_GPU);
SAME_ENUM(MIGRATE_TRIGGER_PAGEFAULT_CPU);
SAME_ENUM(MIGRATE_TRIGGER_TTM_EVICTION);
SAME_ENUM(QUEUE_EVICTION_TRIGGER_SVM);
SAME_ENUM(QUEUE_EVICTION_TRIGGER_USERPTR);
SAME_ENUM(QUEUE_EVICTION_TRIGGER_TTM);
SAME_ENUM(QUEUE_EVICTION_TRIGGER_SUSPEND);
SAME_ENUM(QUEUE_EVICTION_CRIU_CHECKPOINT);
SAME_ENUM(QUEUE_EVICTION_CRIU_RESTORE);
SAME_ENUM(SVM_UNMAP_TRIGGER_MMU_NOTIFY);
SAME_ENUM(SVM_UNMAP_TRIGGER_MMU_NOTIFY_MIGRATE);
SAME_ENUM(SVM_UNMAP_TRIGGER_UNMAP_FROM_CPU);

/*
 * A minor number counts KFD's whole interface, so ours stays where it is while
 * KFD's goes on; the major number is what compatibility hangs on.
 */
SAME_VALUE(IOCTL_MAJOR_VERSION);

/* Own structures: no hole may carry kernel memory to a program. */
#define PACKED_SIZE(name, bytes) \
	_Static_assert(sizeof(struct amdsvm_##name) == (bytes), "size of " #name)
PACKED_SIZE(ioctl_get_caps_args, 8 + 4 * 4 + 32);
PACKED_SIZE(device_info, 4 * 4 + 5 * 8 + 32);
PACKED_SIZE(ioctl_get_devices_args, 8 + 4 * 4);
PACKED_SIZE(range_info, 2 * 8 + 4 * 4 + 2 * 8);
PACKED_SIZE(ioctl_list_ranges_args, 3 * 8 + 4 * 4 + 8);
PACKED_SIZE(page_info, 2 * 4 + 8);
PACKED_SIZE(ioctl_residency_args, 3 * 8 + 2 * 4 + 4 * 8);
PACKED_SIZE(ioctl_unset_range_args, 2 * 8);
PACKED_SIZE(ioctl_evict_args, 2 * 4 + 2 * 8);
PACKED_SIZE(ioctl_prefetch_args, 2 * 8 + 2 * 4 + 6 * 8);
PACKED_SIZE(ioctl_get_counters_args, 11 * 8);
PACKED_SIZE(ioctl_queue_create_args, 4 * 4);
PACKED_SIZE(ioctl_queue_destroy_args, 2 * 4);
PACKED_SIZE(ioctl_queue_submit_args, 2 * 4 + 8 + 2 * 4);
PACKED_SIZE(ioctl_get_device_counters_args, 2 * 4 + 20 * 8);
PACKED_SIZE(result, 2 * 4 + 2 * 8 + 2 * 4);
PACKED_SIZE(chase_result, 4 * 8);

int main(void)
{
	printf("amdsvm %d.%d has the layout of KFD %d.%d\n",
	       AMDSVM_IOCTL_MAJOR_VERSION, AMDSVM_IOCTL_MINOR_VERSION,
	       KFD_IOCTL_MAJOR_VERSION, KFD_IOCTL_MINOR_VERSION);
	return 0;
}
