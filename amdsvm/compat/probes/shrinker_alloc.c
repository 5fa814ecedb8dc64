// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Shrinkers are allocated (6.7 and later).
 * define: SVM_HAVE_SHRINKER_ALLOC
 * symbols: shrinker_alloc shrinker_register shrinker_free
 * one-of: shrinkers: shrinker_alloc() or register_shrinker()
 */
#include <linux/mm.h>
#include <linux/shrinker.h>

static __used void probe(void)
{
	struct shrinker *shrinker = shrinker_alloc(0, "probe");

	shrinker_register(shrinker);
	shrinker_free(shrinker);
}
