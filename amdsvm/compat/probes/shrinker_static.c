// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Shrinkers are the caller's objects (up to 6.6).
 * define: SVM_HAVE_SHRINKER_STATIC
 * symbols: register_shrinker unregister_shrinker
 * one-of: shrinkers: shrinker_alloc() or register_shrinker()
 */
#include <linux/mm.h>
#include <linux/shrinker.h>

static __used int probe(struct shrinker *shrinker)
{
	return register_shrinker(shrinker, "probe");
}
