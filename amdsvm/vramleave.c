// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Which chunks of device memory go: the one that devices have not used for longest, when
 * there is no room on a device (evict.c empties it), and idle ones, whose backing goes
 * back to the system when that is short of memory.
 *
 * Under svm_devmem.lock, as the allocator (vram.c).
 */
#include <linux/jiffies.h>
#include <linux/mm.h>

#include "compat/compat.h"
#include "vram.h"

static struct shrinker *shrinker;

static bool may_leave(const struct svm_chunk *chunk, unsigned long before,
		      unsigned long residency)
{
	return READ_ONCE(chunk->nr_used) && !READ_ONCE(chunk->leaving) &&
	       READ_ONCE(chunk->used_at) <= before &&
	       !time_before(jiffies, READ_ONCE(chunk->filled_at) + residency);
}

/* Without the lock: whoever gets it looks again. */
static struct svm_chunk *find_coldest(struct svm_devmem *mem,
				      unsigned long before,
				      unsigned long residency)
{
	struct svm_chunk *coldest = NULL;
	unsigned int i;

	for (i = 0; i < mem->nr_chunks; i++) {
		struct svm_chunk *chunk = &mem->chunks[i];

		if (!may_leave(chunk, before, residency))
			continue;
		before = READ_ONCE(chunk->used_at);
		coldest = chunk;
	}
	return coldest;
}

/**
 * svm_vram_leave() - choose a chunk whose pages are to go
 * @mem: device memory
 * @before: value of @mem->clock; what was used after that stays
 * @residency: jiffies that pages have to have been there
 *
 * Nobody gets pages of the chunk until svm_vram_left().
 *
 * Context: any.
 * Return: the number of the chunk that was not used for longest; -ENOENT.
 */
int svm_vram_leave(struct svm_devmem *mem, unsigned long before,
		   unsigned long residency)
{
	struct svm_chunk *chunk;
	unsigned long flags;
	int ret = -ENOENT;

	do {
		chunk = find_coldest(mem, before, residency);
		if (!chunk)
			break;
		/* Another evictor may have been first. */
		spin_lock_irqsave(&mem->lock, flags);
		if (may_leave(chunk, before, residency)) {
			chunk->leaving = true;
			mem->held += SVM_CHUNK_PAGES - chunk->nr_used;
			list_del_init(&chunk->link);
			ret = chunk - mem->chunks;
		}
		spin_unlock_irqrestore(&mem->lock, flags);
	} while (ret < 0);
	return ret;
}

/**
 * svm_vram_left() - as many pages of a chunk have gone as could
 * @mem: device memory
 * @index: from svm_vram_leave()
 *
 * Context: any.
 */
void svm_vram_left(struct svm_devmem *mem, unsigned int index)
{
	struct svm_chunk *chunk = &mem->chunks[index];
	unsigned long flags;

	/* Others are tried first the next time. */
	svm_devmem_use(mem, index);
	spin_lock_irqsave(&mem->lock, flags);
	chunk->leaving = false;
	WRITE_ONCE(chunk->left_at, jiffies);
	WRITE_ONCE(chunk->evictions, chunk->evictions + 1);
	mem->held -= SVM_CHUNK_PAGES - chunk->nr_used;
	svm_chunk_relink(mem, chunk);
	spin_unlock_irqrestore(&mem->lock, flags);
}

static unsigned long shrink_count(struct shrinker *s, struct shrink_control *sc)
{
	unsigned long chunks = 0;
	unsigned int i;

	for (i = 0; i < svm_device_count(); i++) {
		struct svm_devmem *mem = svm_device_get(i)->mem;

		if (mem && mem->device->ops->unback)
			chunks += READ_ONCE(mem->nr_idle);
	}
	return chunks ? chunks * SVM_CHUNK_PAGES : SHRINK_EMPTY;
}

static unsigned long shrink_one(struct svm_devmem *mem)
{
	struct svm_device *device = mem->device;
	struct svm_chunk *chunk;
	unsigned long flags, freed;

	spin_lock_irqsave(&mem->lock, flags);
	chunk = list_first_entry_or_null(&mem->idle, struct svm_chunk, link);
	if (chunk) {
		list_del_init(&chunk->link);
		chunk->idle = false;
		mem->nr_idle--;
		chunk->backed = false;
		mem->backed--;
		mem->held += SVM_CHUNK_PAGES;
	}
	spin_unlock_irqrestore(&mem->lock, flags);
	if (!chunk)
		return 0;

	freed = device->ops->unback(device, chunk - mem->chunks);

	spin_lock_irqsave(&mem->lock, flags);
	mem->held -= SVM_CHUNK_PAGES;
	list_add(&chunk->link, &mem->bare);
	spin_unlock_irqrestore(&mem->lock, flags);
	return freed;
}

static unsigned long shrink_scan(struct shrinker *s, struct shrink_control *sc)
{
	unsigned long freed = 0, n;
	unsigned int i;

	for (i = 0; i < svm_device_count(); i++) {
		struct svm_devmem *mem = svm_device_get(i)->mem;

		if (!mem || !mem->device->ops->unback)
			continue;
		while (freed < sc->nr_to_scan) {
			n = shrink_one(mem);
			if (!n)
				break;
			freed += n;
		}
	}
	return freed ? freed : SHRINK_STOP;
}

/**
 * svm_vram_shrinker_init() - give unused memory back when the system is short
 *
 * Return: 0 or -ENOMEM.
 */
int svm_vram_shrinker_init(void)
{
	shrinker = shrinker_alloc(0, "amdsvm");
	if (!shrinker)
		return -ENOMEM;
	shrinker->count_objects = shrink_count;
	shrinker->scan_objects = shrink_scan;
	shrinker_register(shrinker);
	return 0;
}

/**
 * svm_vram_shrinker_exit() - undo svm_vram_shrinker_init()
 */
void svm_vram_shrinker_exit(void)
{
	if (shrinker)
		shrinker_free(shrinker);
	shrinker = NULL;
}
