// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Event descriptors: SMI_EVENTS and the file that it returns.
 *
 * A listener hears of one device and of the process whose file it came from,
 * or, with CAP_SYS_ADMIN and when its mask says so, of all. The process is told
 * by the number of its object and never by a pid: pids are numbers of
 * namespaces, and come again. A listener holds no process: one whose process is
 * gone hears nothing more of it.
 *
 * Lines wait in a ring of bytes. What does not fit is counted, and the count is
 * put into the ring as soon as there is room, before anything that is newer.
 *
 * Locks: listeners are found under RCU. listeners_lock (spinlock, calls only)
 * protects the lists, listener->lock (irq-safe spinlock, innermost) the ring,
 * listener->read_lock (mutex, outside of it) lets one reader at a time take
 * lines out. Under read_lock user memory is written.
 */
#include <linux/anon_inodes.h>
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/hashtable.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pid_namespace.h>
#include <linux/poll.h>
#include <linux/rculist.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>
#include <linux/user_namespace.h>
#include <linux/wait.h>

#include "calls.h"
#include "device.h"
#include "listen.h"
#include "process.h"

/* All of a listener; the ring gets what the rest leaves. */
#define LISTENER_SIZE	SZ_16K

/*
 * Of one process. Whoever makes an event looks at each of them, maybe under a
 * spinlock.
 */
#define MAX_LISTENERS	64

/* Longest line of DROPPED: "30 ", two numbers of 64 bits, what is between. */
#define MAX_DROPPED_LINE 48

#define ALL_PROCESS \
	AMDSVM_SMI_EVENT_MASK_FROM_INDEX(AMDSVM_SMI_EVENT_ALL_PROCESS)

/**
 * struct listener - one descriptor
 * @node: in @listeners, by @process_id
 * @all: in @all_listeners once all processes were asked for, else empty
 * @rcu: the lists' readers
 * @pid_ns: in which pids are told; of whoever made the descriptor
 * @process_id: svm_process.id of whose file it came from
 * @device: bit of the device
 * @mask: events asked for; read without lock
 * @wait: poll
 * @read_lock: one reader at a time
 * @lock: protects what follows; bytes that were not read do not change
 * @head: where the oldest byte is
 * @used: bytes that were not read
 * @dropped: lines missing behind the newest byte
 * @ring: lines
 */
struct listener {
	struct hlist_node node;
	struct list_head all;
	struct rcu_head rcu;
	struct pid_namespace *pid_ns;
	u64 process_id;
	u64 device;
	u64 mask;
	wait_queue_head_t wait;
	struct mutex read_lock; /* outside of lock; user memory is written under it */
	spinlock_t lock; /* innermost, irq-safe */
	unsigned int head;
	unsigned int used;
	unsigned long dropped;
	char ring[];
};

#define RING_SIZE ((unsigned int)(LISTENER_SIZE - sizeof(struct listener)))

atomic_t svm_nr_listeners = ATOMIC_INIT(0);

static DEFINE_HASHTABLE(listeners, 6);
static LIST_HEAD(all_listeners);
static DEFINE_SPINLOCK(listeners_lock);

/* ---- the ring; under listener->lock unless said otherwise ---------------- */

static bool ring_add(struct listener *listener, const char *line,
		     unsigned int size)
{
	unsigned int tail = (listener->head + listener->used) % RING_SIZE;
	unsigned int first = min(size, RING_SIZE - tail);

	if (RING_SIZE - listener->used < size)
		return false;
	memcpy(listener->ring + tail, line, first);
	memcpy(listener->ring, line + first, size - first);
	listener->used += size;
	return true;
}

/*
 * Say what is missing, where it is missing, when @size more bytes fit behind it:
 * else the line for whose sake it is said would be the next to be dropped.
 * False: no room.
 */
static bool report_dropped(struct listener *listener, unsigned int size)
{
	char line[MAX_DROPPED_LINE];

	if (!listener->dropped)
		return true;
	if (RING_SIZE - listener->used < sizeof(line) + size)
		return false;
	size = scnprintf(line, sizeof(line), "%x %llu %lu\n",
			 AMDSVM_SMI_EVENT_DROPPED, ktime_get_boottime_ns(),
			 listener->dropped);
	listener->dropped = 0;
	return ring_add(listener, line, size);
}

/*
 * How many of the first @size bytes are whole lines. Under read_lock: writers
 * add bytes, and change none that are there.
 */
static unsigned int whole_lines(const struct listener *listener,
				unsigned int size)
{
	while (size && listener->ring[(listener->head + size - 1) %
				      RING_SIZE] != '\n')
		size--;
	return size;
}

/* Under read_lock. */
static int copy_lines(const struct listener *listener, char __user *user,
		      unsigned int size)
{
	unsigned int first = min(size, RING_SIZE - listener->head);

	if (copy_to_user(user, listener->ring + listener->head, first) ||
	    copy_to_user(user + first, listener->ring, size - first))
		return -EFAULT;
	return 0;
}

/* ---- making events heard ------------------------------------------------- */

static void deliver(struct listener *listener, const struct svm_news *news)
{
	u64 bit = AMDSVM_SMI_EVENT_MASK_FROM_INDEX(news->event);
	char line[AMDSVM_SMI_EVENT_MSG_SIZE];
	unsigned long flags;
	int size, pid = 0;

	if (!(READ_ONCE(listener->mask) & bit) ||
	    !(listener->device & news->devices))
		return;

	if (news->process)
		pid = pid_nr_ns(news->process->opener, listener->pid_ns);
	if (news->timed)
		size = scnprintf(line, sizeof(line), "%x %llu -%d %s\n",
				 news->event, ktime_get_boottime_ns(), pid,
				 news->rest);
	else
		size = scnprintf(line, sizeof(line), "%x %x%s\n", news->event,
				 pid, news->rest);
	/* Cut off or not, it is a line. */
	line[size - 1] = '\n';

	spin_lock_irqsave(&listener->lock, flags);
	if (!report_dropped(listener, size) || !ring_add(listener, line, size))
		listener->dropped++;
	spin_unlock_irqrestore(&listener->lock, flags);
	wake_up_interruptible_poll(&listener->wait, EPOLLIN | EPOLLRDNORM);
}

/**
 * svm_tell() - tell an event to all who want to hear it
 * @news: the event
 *
 * Context: any but NMI; does not sleep.
 */
void svm_tell(const struct svm_news *news)
{
	u64 id = news->process ? news->process->id : 0;
	struct listener *listener;

	rcu_read_lock();
	hash_for_each_possible_rcu(listeners, listener, node, id)
		if (listener->process_id == id)
			deliver(listener, news);
	list_for_each_entry_rcu(listener, &all_listeners, all)
		if (listener->process_id != id &&
		    (READ_ONCE(listener->mask) & ALL_PROCESS))
			deliver(listener, news);
	rcu_read_unlock();
}

/* ---- the descriptor ------------------------------------------------------ */

static ssize_t read_lines(struct listener *listener, char __user *user,
			  size_t count)
{
	unsigned int size;

	spin_lock_irq(&listener->lock);
	size = listener->used;
	spin_unlock_irq(&listener->lock);
	if (!size)
		return -EAGAIN;
	size = whole_lines(listener, min_t(size_t, size, count));
	if (!size)
		return -EINVAL;
	/* Nothing is taken out before it has arrived. */
	if (copy_lines(listener, user, size))
		return -EFAULT;

	spin_lock_irq(&listener->lock);
	listener->head = (listener->head + size) % RING_SIZE;
	listener->used -= size;
	report_dropped(listener, 0);
	spin_unlock_irq(&listener->lock);
	return size;
}

static ssize_t listener_read(struct file *file, char __user *user, size_t count,
			     loff_t *pos)
{
	struct listener *listener = file->private_data;
	ssize_t ret;

	if (mutex_lock_interruptible(&listener->read_lock))
		return -ERESTARTSYS;
	ret = read_lines(listener, user, count);
	mutex_unlock(&listener->read_lock);
	return ret;
}

/*
 * The writer, and whoever made the descriptor: else a privileged program could
 * be made to write what unlocks the descriptor that it has as its output.
 */
static bool may_hear_all(struct file *file)
{
	return file_ns_capable(file, &init_user_ns, CAP_SYS_ADMIN) &&
	       capable(CAP_SYS_ADMIN);
}

static void hear_all(struct listener *listener)
{
	spin_lock(&listeners_lock);
	if (list_empty(&listener->all))
		list_add_rcu(&listener->all, &all_listeners);
	spin_unlock(&listeners_lock);
}

static ssize_t listener_write(struct file *file, const char __user *user,
			      size_t count, loff_t *pos)
{
	struct listener *listener = file->private_data;
	u64 mask;

	if (count != sizeof(mask))
		return -EINVAL;
	if (copy_from_user(&mask, user, sizeof(mask)))
		return -EFAULT;
	if (mask & ALL_PROCESS) {
		if (!may_hear_all(file))
			return -EPERM;
		hear_all(listener);
	}
	WRITE_ONCE(listener->mask, mask);
	return sizeof(mask);
}

static __poll_t listener_poll(struct file *file, poll_table *table)
{
	struct listener *listener = file->private_data;

	poll_wait(file, &listener->wait, table);
	return READ_ONCE(listener->used) ? EPOLLIN | EPOLLRDNORM : 0;
}

/* -EMFILE when the process has MAX_LISTENERS. */
static int listener_insert(struct listener *listener)
{
	struct listener *other;
	unsigned int count = 0;
	int ret = -EMFILE;

	spin_lock(&listeners_lock);
	hash_for_each_possible(listeners, other, node, listener->process_id)
		count += other->process_id == listener->process_id;
	if (count < MAX_LISTENERS) {
		hash_add_rcu(listeners, &listener->node, listener->process_id);
		atomic_inc(&svm_nr_listeners);
		ret = 0;
	}
	spin_unlock(&listeners_lock);
	return ret;
}

static void listener_remove(struct listener *listener)
{
	spin_lock(&listeners_lock);
	hash_del_rcu(&listener->node);
	if (!list_empty(&listener->all))
		list_del_rcu(&listener->all);
	atomic_dec(&svm_nr_listeners);
	spin_unlock(&listeners_lock);
}

/* Namespaces are freed after a grace period as well, so readers are safe. */
static void listener_free(struct listener *listener)
{
	put_pid_ns(listener->pid_ns);
	kfree_rcu(listener, rcu);
}

static int listener_release(struct inode *inode, struct file *file)
{
	listener_remove(file->private_data);
	listener_free(file->private_data);
	return 0;
}

static const struct file_operations listener_fops = {
	.owner = THIS_MODULE,
	.read = listener_read,
	.write = listener_write,
	.poll = listener_poll,
	.release = listener_release,
	.llseek = noop_llseek,
};

static struct listener *listener_create(const struct svm_process *process,
					const struct svm_device *device)
{
	struct listener *listener = kmalloc(LISTENER_SIZE, GFP_KERNEL_ACCOUNT);

	if (!listener)
		return NULL;
	memset(listener, 0, sizeof(*listener));
	INIT_LIST_HEAD(&listener->all);
	listener->pid_ns = get_pid_ns(task_active_pid_ns(current));
	listener->process_id = process->id;
	listener->device = BIT_ULL(device->index);
	init_waitqueue_head(&listener->wait);
	mutex_init(&listener->read_lock);
	spin_lock_init(&listener->lock);
	return listener;
}

int svm_call_smi_events(struct svm_call *call, void *arg)
{
	struct amdsvm_ioctl_smi_events_args *args = arg;
	struct svm_device *device = svm_device_by_id(args->gpuid);
	struct listener *listener;
	int fd;

	if (!device)
		return -EINVAL;
	listener = listener_create(call->process, device);
	if (!listener)
		return -ENOMEM;
	fd = listener_insert(listener);
	if (fd) {
		listener_free(listener);
		return fd;
	}
	/* From then on the listener is the file's. */
	fd = anon_inode_getfd("amdsvm-events", &listener_fops, listener,
			      O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		listener_remove(listener);
		listener_free(listener);
		return fd;
	}
	args->anon_fd = fd;
	return 0;
}
