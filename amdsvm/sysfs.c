// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Counters as files: /sys/class/misc/amdsvm/processes/PID/GPU_ID/COUNTER, one
 * number each, for the user who opened /dev/amdsvm and for root.
 *
 * Lifetime. The directories of a process are there from svm_sysfs_add() to
 * svm_sysfs_remove(), which returns when no file of theirs is being read any
 * more: kernfs waits for them. Reading takes no lock and follows a space, so the
 * spaces must live longer than the directories; nothing here keeps them alive.
 * A directory is a kobject and has its own reference count; no one but this
 * file and its children in the tree takes references.
 *
 * Locks: trees_lock (mutex) is taken inside svm_process.files_lock, protects
 * what is declared below, and is held while kernfs waits for readers.
 */
#include <linux/cred.h>
#include <linux/device.h>
#include <linux/kobject.h>
#include <linux/mutex.h>
#include <linux/pid.h>
#include <linux/slab.h>
#include <linux/sysfs.h>
#include <linux/wait.h>
#include <linux/xarray.h>

#include "compat/compat.h"
#include "device.h"
#include "process.h"
#include "space.h"
#include "sysfs.h"

/* struct branch - a directory; @space is NULL in that of a process */
struct branch {
	struct kobject kobj;
	kuid_t uid;
	kgid_t gid;
	struct svm_space *space;
};

/* struct tree - the directories of one process */
struct tree {
	struct branch *process;
	struct branch *spaces[SVM_MAX_DEVICES];
};

static DEFINE_MUTEX(trees_lock);
static struct kobject *processes;
/* By svm_process.id: a pid may come again while an old process is still here. */
static DEFINE_XARRAY(trees);

static atomic_t live_branches = ATOMIC_INIT(0);
static DECLARE_WAIT_QUEUE_HEAD(branches_wait);

static struct branch *branch_of(const struct kobject *kobj)
{
	return container_of((struct kobject *)kobj, struct branch, kobj);
}

static void branch_release(struct kobject *kobj)
{
	kfree(branch_of(kobj));
	if (atomic_dec_and_test(&live_branches))
		wake_up(&branches_wait);
}

/* Whose files they are: others are not to learn what a process does (R7). */
static void branch_ownership(SVM_COMPAT_OWNED *kobj, kuid_t *uid, kgid_t *gid)
{
	*uid = branch_of(kobj)->uid;
	*gid = branch_of(kobj)->gid;
}

struct counter_attribute {
	struct attribute attr;
	enum svm_space_counter counter;
};

static ssize_t counter_show(struct kobject *kobj, struct attribute *attr,
			    char *buf)
{
	struct svm_space *space = branch_of(kobj)->space;
	enum svm_space_counter counter =
		container_of(attr, struct counter_attribute, attr)->counter;

	return sysfs_emit(buf, "%ld\n",
			  atomic_long_read(&space->counters[counter]));
}

static const struct sysfs_ops counter_ops = {
	.show = counter_show,
};

static struct counter_attribute counter_files[SVM_NR_SPACE_COUNTERS] = {
#define COUNTER(index, file) \
	[SVM_SPACE_##index] = { { .name = file, .mode = 0400 }, SVM_SPACE_##index }
	COUNTER(FAULTS, "faults"),
	COUNTER(DUPLICATES, "duplicates"),
	COUNTER(SERVICES, "services"),
	COUNTER(OVERFLOWS, "overflows"),
	COUNTER(BAD_ACCESSES, "bad_accesses"),
	COUNTER(PAGES_IN, "pages_in"),
	COUNTER(PAGES_OUT, "pages_out"),
	COUNTER(MIGRATIONS, "migrations"),
	COUNTER(PAGES_MAPPED, "pages_mapped"),
	COUNTER(PAGES_UNMAPPED, "pages_unmapped"),
	COUNTER(INVALIDATIONS, "invalidations"),
	COUNTER(MAP_RETRIES, "map_retries"),
	COUNTER(TLB_FLUSHES, "tlb_flushes"),
	COUNTER(EVICTIONS, "evictions"),
	COUNTER(RESTORES, "restores"),
	COUNTER(PACKETS, "packets"),
	COUNTER(TABLES, "tables"),
	COUNTER(LEAVES, "leaves"),
	COUNTER(THRASH_PINS, "thrash_pins"),
	COUNTER(CLEARS_SAVED, "clears_saved"),
#undef COUNTER
};

/* Filled by svm_sysfs_init(). */
static struct attribute *counter_attrs[SVM_NR_SPACE_COUNTERS + 1];
ATTRIBUTE_GROUPS(counter);

static const struct kobj_type process_type = {
	.release = branch_release,
	.get_ownership = branch_ownership,
	.sysfs_ops = &counter_ops,
};

static const struct kobj_type space_type = {
	.release = branch_release,
	.get_ownership = branch_ownership,
	.sysfs_ops = &counter_ops,
	.default_groups = counter_groups,
};

/* A directory for the caller, or NULL. */
static __printf(4, 5)
struct branch *branch_add(const struct kobj_type *type, struct kobject *parent,
			  struct svm_space *space, const char *format, ...)
{
	struct branch *branch = kzalloc(sizeof(*branch), GFP_KERNEL_ACCOUNT);
	char name[32];
	va_list arguments;

	if (!branch)
		return NULL;
	va_start(arguments, format);
	vscnprintf(name, sizeof(name), format, arguments);
	va_end(arguments);
	branch->uid = current_fsuid();
	branch->gid = current_fsgid();
	branch->space = space;
	atomic_inc(&live_branches);
	/* From here on it is freed by its release function only. */
	if (!kobject_init_and_add(&branch->kobj, type, parent, "%s", name))
		return branch;
	kobject_put(&branch->kobj);
	return NULL;
}

static void branch_remove(struct branch *branch)
{
	if (!branch)
		return;
	/* Waits for readers. */
	kobject_del(&branch->kobj);
	kobject_put(&branch->kobj);
}

static void tree_remove(struct tree *tree)
{
	unsigned int i;

	for (i = 0; i < SVM_MAX_DEVICES; i++)
		branch_remove(tree->spaces[i]);
	branch_remove(tree->process);
	kfree(tree);
}

/* Asked first: the kernel prints a stack when a name is taken. */
static bool name_taken(const char *name)
{
	struct kernfs_node *node = sysfs_get_dirent(processes->sd, name);

	sysfs_put(node);
	return node;
}

static struct branch *process_branch(struct svm_process *process)
{
	char name[16];

	scnprintf(name, sizeof(name), "%d", pid_nr(process->opener));
	if (!name_taken(name))
		return branch_add(&process_type, processes, NULL, "%s", name);
	return branch_add(&process_type, processes, NULL, "%s-%llu", name,
			  process->id);
}

static struct tree *tree_create(struct svm_process *process)
{
	struct tree *tree = kzalloc(sizeof(*tree), GFP_KERNEL_ACCOUNT);
	unsigned int i;

	if (!tree)
		return NULL;
	tree->process = process_branch(process);
	for (i = 0; tree->process && i < svm_device_count(); i++) {
		struct svm_space *space = process->spaces[i];

		tree->spaces[i] = branch_add(&space_type, &tree->process->kobj,
					     space, "%08x",
					     space->device->gpu_id);
		if (!tree->spaces[i])
			break;
	}
	if (tree->process && i == svm_device_count())
		return tree;
	tree_remove(tree);
	return NULL;
}

/**
 * svm_sysfs_add() - show the counters of a process
 * @process: the process, with its spaces; may be shown already
 *
 * The files belong to the caller, so it is the opener that calls. Without memory
 * there are no files, and nothing else is the matter.
 *
 * Context: svm_process.files_lock held and no other lock; sleeps.
 */
void svm_sysfs_add(struct svm_process *process)
{
	struct tree *tree;

	mutex_lock(&trees_lock);
	if (!processes || xa_load(&trees, process->id))
		goto out;
	tree = tree_create(process);
	if (tree && xa_err(xa_store(&trees, process->id, tree, GFP_KERNEL)))
		tree_remove(tree);
out:
	mutex_unlock(&trees_lock);
}

/**
 * svm_sysfs_remove() - show the counters of a process no more
 * @process: the process, with its spaces; may not be shown
 *
 * When this returns no file is being read, and none follows a space any more.
 *
 * Context: svm_process.files_lock held and no other lock; sleeps.
 */
void svm_sysfs_remove(struct svm_process *process)
{
	struct tree *tree;

	mutex_lock(&trees_lock);
	tree = xa_erase(&trees, process->id);
	if (tree)
		tree_remove(tree);
	mutex_unlock(&trees_lock);
}

static ssize_t version_show(struct device *device,
			    struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", SVM_VERSION);
}
static DEVICE_ATTR_RO(version);

static struct attribute *svm_sysfs_attrs[] = {
	&dev_attr_version.attr,
	NULL,
};

static const struct attribute_group svm_sysfs_group = {
	.attrs = svm_sysfs_attrs,
};

const struct attribute_group *svm_sysfs_groups[] = {
	&svm_sysfs_group,
	NULL,
};

/**
 * svm_sysfs_init() - module load
 * @misc_device: the registered device of /dev/amdsvm
 *
 * Without memory there are no files, nor for a process that opened before this.
 *
 * Context: sleeps.
 */
void svm_sysfs_init(struct device *misc_device)
{
	unsigned int i;

	for (i = 0; i < SVM_NR_SPACE_COUNTERS; i++) {
		sysfs_attr_init(&counter_files[i].attr);
		counter_attrs[i] = &counter_files[i].attr;
	}
	mutex_lock(&trees_lock);
	processes = kobject_create_and_add("processes", &misc_device->kobj);
	mutex_unlock(&trees_lock);
}

/**
 * svm_sysfs_exit() - module unload
 *
 * Context: no file of /dev/amdsvm is open; before the device is unregistered.
 * Sleeps until the last directory is freed.
 */
void svm_sysfs_exit(void)
{
	mutex_lock(&trees_lock);
	WARN_ON_ONCE(!xa_empty(&trees));
	kobject_put(processes);
	processes = NULL;
	mutex_unlock(&trees_lock);
	wait_event(branches_wait, !atomic_read(&live_branches));
}
