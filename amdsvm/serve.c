// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The service of faults in one block: who may, where the memory is to be, bring
 * it there, map it.
 *
 * Location, by KFD's rules (svm_range_best_restore_location()): the preferred
 * one; else with ACCESS the device that faulted; else, ACCESS_IN_PLACE, where
 * it is. No room, or memory that does not move: mapped where it is. With XNACK
 * off a fault moves nothing.
 *
 * The granule round the first fault, inside its mapping and inside memory of
 * equal attributes, is one window; faults of the block outside of it get their
 * own.
 *
 * Locks: mmap_lock (read) and the policy lock to decide; both are let go before
 * memory moves, so what was decided is checked again by the mirror.
 */
#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/userfaultfd_k.h>

#include "block.h"
#include "compat/compat.h"
#include "devmem.h"
#include "event.h"
#include "exclusive.h"
#include "fault.h"
#include "look.h"
#include "migrate.h"
#include "move.h"
#include "policy.h"
#include "process.h"
#include "queue.h"
#include "serve.h"
#include "space.h"
#include "thrash.h"

/* How often a block that is collected, or changes all the time, is tried. */
#define MAX_ATTEMPTS 8

/* struct window - memory of one mapping with equal attributes */
struct window {
	unsigned long start;
	unsigned long end;
	unsigned long vm_flags;
	struct svm_attrs attrs;
	unsigned long policy_seq;
	u64 rights;	/* that entries have beside those the access needs */
	bool migrate;
	struct svm_device *location;	/* where to, NULL: system memory */
};

static u64 needed_rights(unsigned int access)
{
	u64 rights = SVM_PTE_VALID;

	if (access & SVM_ACCESS_WRITE)
		rights |= SVM_PTE_WRITE;
	if (access & SVM_ACCESS_EXEC)
		rights |= SVM_PTE_EXEC;
	if (access & SVM_ACCESS_ATOMIC)
		rights |= SVM_PTE_ATOMIC;
	return rights;
}

/**
 * svm_fault_answered() - would the access find what it needs now
 * @space: the space
 * @addr: bytes
 * @access: enum svm_access
 *
 * Context: any.
 * Return: true when it would.
 */
bool svm_fault_answered(const struct svm_space *space, unsigned long addr,
			unsigned int access)
{
	u64 rights = needed_rights(access), pte;
	bool answered;

	rcu_read_lock();
	answered = svm_pagetable_walk(space, addr, &pte) &&
		   (pte & rights) == rights;
	rcu_read_unlock();
	return answered;
}

/* By mapping and attributes: 0 or -EACCES. */
static int refusal(const struct svm_space *space, const struct window *window,
		   unsigned int access)
{
	const struct svm_attrs *attrs = &window->attrs;

	if (!((attrs->access | attrs->access_in_place) &
	      BIT_ULL(space->device->index)))
		return -EACCES;
	if ((access & SVM_ACCESS_WRITE) &&
	    (!(window->vm_flags & VM_WRITE) ||
	     (attrs->flags & AMDSVM_IOCTL_SVM_FLAG_GPU_RO)))
		return -EACCES;
	if ((access & SVM_ACCESS_EXEC) &&
	    !(attrs->flags & AMDSVM_IOCTL_SVM_FLAG_GPU_EXEC))
		return -EACCES;
	return 0;
}

static void choose_location(const struct svm_space *space,
			    struct window *window)
{
	const struct svm_attrs *attrs = &window->attrs;
	struct svm_device *device;

	window->migrate = true;
	window->location = NULL;
	if (attrs->preferred_loc == AMDSVM_IOCTL_SVM_LOCATION_SYSMEM)
		return;
	if (attrs->preferred_loc != AMDSVM_IOCTL_SVM_LOCATION_UNDEFINED)
		device = svm_device_by_id(attrs->preferred_loc);
	else if (attrs->access & BIT_ULL(space->device->index))
		device = space->device;
	else
		device = NULL;
	window->migrate = device && device->mem;
	window->location = device;
}

static int find_window(struct svm_space *space, unsigned long addr,
		       struct window *window)
{
	struct svm_process *process = space->process;
	unsigned long page = addr >> PAGE_SHIFT, granule;
	struct vm_area_struct *vma = find_vma(process->mm, addr);
	struct svm_range range;
	int ret;

	/* Five levels of CPU page tables reach further than devices do. */
	if (!vma || vma->vm_start > addr || addr >= SVM_PACKET_ADDRESS_LIMIT)
		return -EFAULT;
	ret = svm_vma_refused(vma);
	if (ret)
		return ret;
	ret = svm_policy_lock(process);
	if (ret)
		return ret;
	svm_range_map_at(&process->ranges, page, &range);
	window->attrs = range.attrs;
	window->policy_seq = process->policy_seq;
	window->rights = 0;
	if (range.attrs.flags & AMDSVM_IOCTL_SVM_FLAG_GPU_EXEC)
		window->rights |= SVM_PTE_EXEC;
	if (svm_policy_keeps(process, &range.attrs))
		window->rights |= SVM_PTE_KEEP;
	window->migrate = false;
	if (process->xnack)
		choose_location(space, window);
	svm_policy_unlock(process);

	window->vm_flags = vma->vm_flags;
	granule = svm_attrs_granule(&range.attrs);
	page = round_down(page, granule);
	window->start = max(vma->vm_start, max(range.first, page) << PAGE_SHIFT);
	window->end = min(vma->vm_end,
			  (min(range.last, page + granule - 1) + 1) << PAGE_SHIFT);
	return 0;
}

static int choose_window(struct svm_space *space, unsigned long addr,
			 struct window *window)
{
	struct mm_struct *mm = space->process->mm;
	int ret;

	mmap_read_lock(mm);
	ret = find_window(space, addr, window);
	mmap_read_unlock(mm);
	return ret;
}

/* Move the window if it is to move. Return: did anything. */
static bool move_window(struct svm_space *space, struct svm_block *block,
			const struct window *window,
			struct svm_scratch *scratch)
{
	struct svm_move_counts counts = {};

	if (!window->migrate ||
	    svm_move_block(space->process, block, window->start, window->end,
			   window->location, scratch, &counts))
		return false;
	return counts.state[SVM_PAGE_MOVED] || counts.state[SVM_PAGE_CLEARED];
}

/*
 * Memory that goes back and forth stays where it is for a while, unless the user
 * says that it belongs on a device, or that it is to be mapped all the time.
 */
static bool stays_in_place(struct svm_space *space, struct svm_block *block,
			   const struct window *window)
{
	bool wished = window->attrs.preferred_loc !=
		      AMDSVM_IOCTL_SVM_LOCATION_UNDEFINED ||
		      (window->rights & SVM_PTE_KEEP);

	return window->migrate && window->location &&
	       svm_thrash_in_place(space, block, window->start, window->end,
				   !wished);
}

/* Why a page cannot be had: 0 when it can now. */
static int ask_core(struct svm_space *space, const struct svm_fault *fault)
{
	struct mm_struct *mm = space->process->mm;
	unsigned long addr = fault->addr & PAGE_MASK;
	struct vm_area_struct *vma;
	int ret = -EFAULT;

	mmap_read_lock(mm);
	vma = find_vma(mm, addr);
	if (vma && vma->vm_start <= addr &&
	    !(IS_ENABLED(CONFIG_DEBUG_VM) && userfaultfd_armed(vma)))
		ret = fixup_user_fault(mm, addr,
				       fault->access & SVM_ACCESS_WRITE ?
				       FAULT_FLAG_WRITE : 0, NULL);
	mmap_read_unlock(mm);
	return ret;
}

static int map_atomics(struct svm_space *space, struct svm_block *block,
		       const struct window *window, struct svm_fault *fault,
		       unsigned int n, u64 stalls)
{
	unsigned int i;
	int ret;

	for (i = 0; i < n; i++) {
		if (!(fault[i].access & SVM_ACCESS_ATOMIC) ||
		    svm_fault_answered(space, fault[i].addr, fault[i].access))
			continue;
		ret = svm_exclusive_map(space, block, fault[i].addr & PAGE_MASK,
					window->policy_seq, window->rights);
		if (ret == -EAGAIN)
			return ret;
		if (ret && ret != -EBUSY)
			svm_queue_fail(space, &fault[i], stalls, ret);
	}
	return 0;
}

static bool atomics_missing(const struct svm_space *space,
			    const struct svm_fault *fault, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if ((fault[i].access & SVM_ACCESS_ATOMIC) &&
		    !svm_fault_answered(space, fault[i].addr, fault[i].access))
			return true;
	return false;
}

/*
 * Where no page can be taken away from CPUs, atomics are done in the device's own
 * memory, whatever location is preferred. A page that is busy is tried again, for
 * a while.
 */
static int move_for_atomics(struct svm_space *space, struct svm_block *block,
			    const struct window *window,
			    struct svm_fault *fault, unsigned int n,
			    struct svm_service *service)
{
	struct window moving = *window;
	unsigned int attempt;
	int ret = 0;

	if (SVM_COMPAT_EXCLUSIVE || !space->device->mem)
		return 0;
	moving.migrate = true;
	moving.location = space->device;
	for (attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
		if (!atomics_missing(space, fault, n))
			return 0;
		if (attempt)
			msleep(attempt);
		move_window(space, block, &moving, &service->scratch);
		ret = svm_mirror_block(space->process, block, window->start,
				       window->end, &service->want,
				       &service->scratch);
		if (ret && ret != -EBUSY)
			return ret;
	}
	return ret;
}

static void fail(struct svm_space *space, struct svm_fault *fault,
		 unsigned int n, u64 stalls, int status)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		svm_queue_fail(space, &fault[i], stalls, status);
}

static void fail_each(struct svm_space *space, struct svm_fault *fault,
		      unsigned int n, u64 stalls)
{
	unsigned int i;
	int ret;

	for (i = 0; i < n; i++) {
		ret = ask_core(space, &fault[i]);
		if (ret)
			svm_queue_fail(space, &fault[i], stalls, ret);
	}
}

static void fill_want(struct svm_want *want, struct svm_space *space,
		      const struct svm_fault *fault, unsigned int n)
{
	unsigned int i;

	want->space = space;
	bitmap_zero(want->pages, SVM_BLOCK_PAGES);
	bitmap_zero(want->write, SVM_BLOCK_PAGES);
	for (i = 0; i < n; i++) {
		unsigned int page = svm_block_page(fault[i].addr);

		__set_bit(page, want->pages);
		if (fault[i].access & SVM_ACCESS_WRITE)
			__set_bit(page, want->write);
	}
}

/* -EAGAIN: the block was collected. */
static int serve_in_block(struct svm_space *space, struct svm_block *block,
			  const struct window *window, struct svm_fault *fault,
			  unsigned int n, struct svm_service *service)
{
	bool write = fault->access & SVM_ACCESS_WRITE, moved = false;
	int ret;

	svm_event_fault_start(space, fault->addr, write);
	if (!stays_in_place(space, block, window))
		moved = move_window(space, block, window, &service->scratch);
	fill_want(&service->want, space, fault, n);
	ret = svm_mirror_block(space->process, block, window->start,
			       window->end, &service->want, &service->scratch);
	if (!ret)
		ret = move_for_atomics(space, block, window, fault, n, service);
	if (!ret)
		ret = map_atomics(space, block, window, fault, n,
				  service->stalls);
	svm_event_fault_end(space, fault->addr, write, moved);

	if (ret == -EFAULT)
		fail_each(space, fault, n, service->stalls);
	else if (ret == -ENOMEM)
		fail(space, fault, n, service->stalls, ret);
	/* -EBUSY: replayed, and faults again if it is still wanted. */
	return ret == -EAGAIN ? ret : 0;
}

static void serve_window(struct svm_space *space, const struct window *window,
			 struct svm_fault *fault, unsigned int n,
			 struct svm_service *service)
{
	unsigned long index = fault->addr >> SVM_BLOCK_SHIFT;
	unsigned int attempt;
	int ret = -EAGAIN;

	svm_space_count(space, SVM_SPACE_SERVICES, 1);
	for (attempt = 0; attempt < MAX_ATTEMPTS && ret == -EAGAIN; attempt++) {
		struct svm_block *block = svm_block_get(space->process, index);

		if (IS_ERR(block)) {
			fail(space, fault, n, service->stalls, PTR_ERR(block));
			return;
		}
		ret = serve_in_block(space, block, window, fault, n, service);
		svm_block_put(block);
	}
}

/*
 * The faults of @fault that are in the window and may be, moved to the front.
 * Return: their number; @in_window: with those that were refused.
 */
static unsigned int admit(struct svm_space *space, const struct window *window,
			  struct svm_fault *fault, unsigned int n, u64 stalls,
			  unsigned int *in_window)
{
	unsigned int i, admitted = 0;

	for (i = 0; i < n && fault[i].addr < window->end; i++) {
		int ret = refusal(space, window, fault[i].access);

		if (ret)
			svm_queue_fail(space, &fault[i], stalls, ret);
		else
			fault[admitted++] = fault[i];
	}
	*in_window = i;
	return admitted;
}

/**
 * svm_serve_block() - serve faults of one block
 * @space: the space
 * @fault: faults by ascending address, all of one block; used up
 * @n: their number, at least 1
 * @service: work space
 *
 * What is refused stops its queue; all else is for the caller to replay.
 *
 * Context: no lock held; mm of the process held by mmget; sleeps.
 */
void svm_serve_block(struct svm_space *space, struct svm_fault *fault,
		     unsigned int n, struct svm_service *service)
{
	while (n) {
		unsigned int in_window = 1, admitted;
		struct window window;
		int ret;

		ret = choose_window(space, fault->addr, &window);
		if (ret) {
			svm_queue_fail(space, fault, service->stalls, ret);
		} else {
			admitted = admit(space, &window, fault, n,
					 service->stalls, &in_window);
			if (admitted)
				serve_window(space, &window, fault, admitted,
					     service);
		}
		fault += in_window;
		n -= in_window;
	}
}
