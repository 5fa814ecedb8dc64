// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Migration of device memory, without which there is no driver.
 * define: SVM_HAVE_MIGRATE
 * symbols: migrate_vma_setup migrate_vma_pages migrate_vma_finalize
 * symbols: migrate_device_range migrate_device_pages migrate_device_finalize
 * symbols: memremap_pages memunmap_pages request_free_mem_region
 * required: migrate_vma_*() and migrate_device_*() for modules (Linux 6.1 or later)
 */
#include <linux/ioport.h>
#include <linux/memremap.h>
#include <linux/migrate.h>

static __used int probe(struct migrate_vma *args)
{
	args->fault_page = NULL;
	args->flags = MIGRATE_VMA_SELECT_DEVICE_PRIVATE |
		      MIGRATE_VMA_SELECT_DEVICE_COHERENT;
	return migrate_device_range(args->src, 0, 1) + migrate_vma_setup(args);
}
