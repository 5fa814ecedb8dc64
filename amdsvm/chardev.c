// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * /dev/amdsvm: open, release, and the table of calls. No logic.
 *
 * Arguments are copied in whole before a handler sees them and copied out
 * after it, so that no handler touches user memory under a lock.
 */
#include <linux/capability.h>
#include <linux/compat.h>
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/sched/mm.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "amdsvm_ioctl.h"
#include "calls.h"
#include "process.h"

/* Largest argument that is kept on the stack. */
#define STACK_ARG_SIZE 128

enum call_flags {
	CALL_GLOBAL	= 0,		/* about the driver, not about an address space */
	CALL_READ	= 1 << 0,	/* reads the opener's address space */
	CALL_ACT	= 1 << 1,	/* acts on it */
	CALL_VARIABLE	= 1 << 2,	/* longer arguments are meant to be */
	CALL_OUT_ALWAYS	= 1 << 3,	/* the argument goes back after errors too */
	CALL_USE	= 1 << 4,	/* reads and writes memory there */
	CALL_MAKES	= 1 << 5,	/* its answer names something new */
};

struct call_entry {
	unsigned int nr;
	size_t size;
	unsigned int flags;
	int (*handler)(struct svm_call *call, void *arg);
};

#define CALL(cmd, type, call_flags, function) {	\
	.nr = _IOC_NR(cmd),			\
	.size = sizeof(struct type),		\
	.flags = (call_flags),			\
	.handler = (function),			\
}

static const struct call_entry calls[] = {
	CALL(AMDSVM_IOC_GET_VERSION, amdsvm_ioctl_get_version_args,
	     CALL_GLOBAL, svm_call_get_version),
	CALL(AMDSVM_IOC_SMI_EVENTS, amdsvm_ioctl_smi_events_args,
	     CALL_READ | CALL_MAKES, svm_call_smi_events),
	CALL(AMDSVM_IOC_SVM, amdsvm_ioctl_svm_args,
	     CALL_READ | CALL_VARIABLE, svm_call_svm),
	CALL(AMDSVM_IOC_SET_XNACK_MODE, amdsvm_ioctl_set_xnack_mode_args,
	     CALL_READ, svm_call_set_xnack_mode),
	CALL(AMDSVM_IOC_GET_CAPS, amdsvm_ioctl_get_caps_args,
	     CALL_GLOBAL, svm_call_get_caps),
	CALL(AMDSVM_IOC_GET_DEVICES, amdsvm_ioctl_get_devices_args,
	     CALL_GLOBAL, svm_call_get_devices),
	CALL(AMDSVM_IOC_LIST_RANGES, amdsvm_ioctl_list_ranges_args,
	     CALL_READ, svm_call_list_ranges),
	CALL(AMDSVM_IOC_RESIDENCY, amdsvm_ioctl_residency_args,
	     CALL_READ, svm_call_residency),
	CALL(AMDSVM_IOC_UNSET_RANGE, amdsvm_ioctl_unset_range_args,
	     CALL_READ | CALL_ACT, svm_call_unset_range),
	CALL(AMDSVM_IOC_EVICT, amdsvm_ioctl_evict_args,
	     CALL_GLOBAL | CALL_OUT_ALWAYS, svm_call_evict),
	CALL(AMDSVM_IOC_PREFETCH, amdsvm_ioctl_prefetch_args,
	     CALL_READ | CALL_ACT | CALL_OUT_ALWAYS, svm_call_prefetch),
	CALL(AMDSVM_IOC_GET_COUNTERS, amdsvm_ioctl_get_counters_args,
	     CALL_READ, svm_call_get_counters),
	CALL(AMDSVM_IOC_QUEUE_CREATE, amdsvm_ioctl_queue_create_args,
	     CALL_READ | CALL_ACT | CALL_USE | CALL_MAKES,
	     svm_call_queue_create),
	CALL(AMDSVM_IOC_QUEUE_DESTROY, amdsvm_ioctl_queue_destroy_args,
	     CALL_READ | CALL_ACT | CALL_USE, svm_call_queue_destroy),
	CALL(AMDSVM_IOC_QUEUE_SUBMIT, amdsvm_ioctl_queue_submit_args,
	     CALL_READ | CALL_ACT | CALL_USE | CALL_MAKES,
	     svm_call_queue_submit),
	CALL(AMDSVM_IOC_GET_DEVICE_COUNTERS,
	     amdsvm_ioctl_get_device_counters_args,
	     CALL_READ, svm_call_get_device_counters),
};

static bool may_read(const struct svm_call *call)
{
	return current->mm == call->process->mm ||
	       uid_eq(current_fsuid(), call->file->f_cred->fsuid) ||
	       capable(CAP_SYS_PTRACE);
}

/**
 * svm_call_may_act() - may the caller change the opener's address space
 * @call: the call
 *
 * The rule of process_madvise(2): somebody else must be allowed to look, and to
 * influence performance. A foreign fd came by pidfd_getfd(2), whose ptrace
 * check the kernel made, by a socket, or by fork.
 *
 * Return: true when the caller may.
 */
bool svm_call_may_act(const struct svm_call *call)
{
	if (current->mm == call->process->mm)
		return true;
	return may_read(call) && capable(CAP_SYS_NICE);
}

/* What packets read and write is as good as a debugger's access. */
static bool may_use(const struct svm_call *call)
{
	return current->mm == call->process->mm || capable(CAP_SYS_PTRACE);
}

static int run_call(const struct call_entry *entry, struct svm_call *call,
		    void *arg)
{
	int ret;

	if (!(entry->flags & (CALL_READ | CALL_ACT)))
		return entry->handler(call, arg);

	if (!mmget_not_zero(call->process->mm))
		return -ESRCH;
	if (!may_read(call))
		ret = -EPERM;
	else if ((entry->flags & CALL_ACT) && !svm_call_may_act(call))
		ret = -EPERM;
	else if ((entry->flags & CALL_USE) && !may_use(call))
		ret = -EPERM;
	else
		ret = entry->handler(call, arg);
	mmput(call->process->mm);
	return ret;
}

static const struct call_entry *find_call(unsigned int cmd)
{
	unsigned int i;

	if (_IOC_TYPE(cmd) != AMDSVM_IOCTL_BASE)
		return NULL;
	for (i = 0; i < ARRAY_SIZE(calls); i++)
		if (calls[i].nr == _IOC_NR(cmd))
			return &calls[i];
	return NULL;
}

/* A longer argument is from a newer program: fine while it asks nothing new. */
static bool tail_unknown(const struct call_entry *entry, const void *arg,
			 size_t size)
{
	return !(entry->flags & CALL_VARIABLE) && size > entry->size &&
	       memchr_inv(arg + entry->size, 0, size - entry->size);
}

static long call_with_buffer(const struct call_entry *entry,
			     struct svm_call *call, void *arg,
			     void __user *user)
{
	int ret;

	if (copy_from_user(arg, user, call->size))
		return -EFAULT;
	if (tail_unknown(entry, arg, call->size))
		return -E2BIG;
	/* What nobody is told of, nobody ends: look first that it can be told. */
	if ((entry->flags & CALL_MAKES) && copy_to_user(user, arg, call->size))
		return -EFAULT;

	ret = run_call(entry, call, arg);
	if ((!ret || (entry->flags & CALL_OUT_ALWAYS)) &&
	    copy_to_user(user, arg, call->size))
		return -EFAULT;
	return ret;
}

static long svm_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	const struct call_entry *entry = find_call(cmd);
	u64 stack_arg[STACK_ARG_SIZE / sizeof(u64)] = {};
	struct svm_call call = {
		.file = file,
		.process = file->private_data,
		.size = _IOC_SIZE(cmd),
	};
	size_t size;
	void *heap_arg;
	long ret;

	if (!entry)
		return -ENOTTY;

	size = max(call.size, entry->size);
	if (size <= STACK_ARG_SIZE)
		return call_with_buffer(entry, &call, stack_arg,
					(void __user *)arg);

	heap_arg = kvzalloc(size, GFP_KERNEL_ACCOUNT);
	if (!heap_arg)
		return -ENOMEM;
	ret = call_with_buffer(entry, &call, heap_arg, (void __user *)arg);
	kvfree(heap_arg);
	return ret;
}

static int svm_open(struct inode *inode, struct file *file)
{
	struct svm_process *process;

	/* As KFD: addresses of 32-bit programs are not shared. */
	if (in_compat_syscall())
		return -EPERM;

	process = svm_process_open();
	if (IS_ERR(process))
		return PTR_ERR(process);
	file->private_data = process;
	return 0;
}

static int svm_release(struct inode *inode, struct file *file)
{
	svm_process_close(file->private_data);
	return 0;
}

/* Whose memory calls on this file concern: a forked child has the file, too. */
static void svm_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct svm_process *process = file->private_data;

	seq_printf(m, "amdsvm-opener:\t%d\n",
		   pid_nr_ns(process->opener,
			     proc_pid_ns(file_inode(m->file)->i_sb)));
}

const struct file_operations svm_chardev_fops = {
	.owner = THIS_MODULE,
	.open = svm_open,
	.release = svm_release,
	.show_fdinfo = svm_show_fdinfo,
	.unlocked_ioctl = svm_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};
