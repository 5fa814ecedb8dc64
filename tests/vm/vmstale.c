// SPDX-License-Identifier: MIT
/*
 * Devices that must not use a page any more; see vmstale.h.
 */
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "vmstale.h"

/* Neither of the marks; one after the other, so that each shows. */
static const uint32_t written[] = { 1, 2, 3, 4, 5 };

volatile uint32_t *page;
volatile uint32_t *seen;

/* Of all tests, which are processes. */
static struct {
	uint64_t rounds;
	bool cut_short;
} *all;

void mark(volatile uint32_t *words, uint32_t round)
{
	words[WRITTEN] = FRESH;
	words[READ] = round;
}

void mark_ours(volatile uint32_t *words)
{
	words[WRITTEN] = OURS;
	words[READ] = OURS;
}

void stale_body(struct vm_packets *p, int kind)
{
	unsigned int i;

	p->n = 0;
	if (kind == READS)
		pk_copy(p, (void *)seen, (void *)&page[READ], sizeof(*page));
	else
		for (i = 0; i < sizeof(written) / sizeof(written[0]); i++)
			pk_write(p, (void *)&page[WRITTEN], &written[i], 1);
}

static void expect_good(int job, uint32_t round)
{
	struct amdsvm_result result = vm_wait(job);

	if (result.status)
		vm_fail(HERE, "round %u: the job ends with %d after %llu packets", round, result.status,
			(unsigned long long)result.packets);
}

/* Asleep in between: whoever serves the fault may need this processor. */
static void await(int job, struct vm_loop *loop, int kind, volatile uint32_t *words, uint32_t round)
{
	uint64_t end = vm_now() + 30 * 1000000000ULL;

	while (kind == READS ? *seen != round : words[WRITTEN] == FRESH) {
		if (*seen == OURS)
			vm_fail(HERE, "round %u: a device read a page that was taken away (R2)", round);
		if (loop)
			vm_loop_feed(loop);
		else if (vm_job_done(job))
			expect_good(job, round);
		if (vm_now() > end)
			vm_fail(HERE, "round %u: the device does not use the page", round);
		usleep(20);
	}
}

void await_use(int job, int kind, volatile uint32_t *words, uint32_t round)
{
	await(job, NULL, kind, words, round);
}

void await_loop(struct vm_loop *loop, int kind, volatile uint32_t *words, uint32_t round)
{
	if (round % 16 == 0)
		vm_loop_feed(loop);
	await(-1, loop, kind, words, round);
}

void expect_ours(volatile uint32_t *words, uint32_t round)
{
	if (words[WRITTEN] != OURS)
		vm_fail(HERE, "round %u: a device wrote 0x%x to a page that was taken away (R2)", round,
			words[WRITTEN]);
}

/* As many rounds as the device lost entries by: no change found it idle. */
void stale_count(uint32_t rounds, uint64_t start)
{
	uint64_t lost = vm_device_counters(vm.gpu[0]).pages_unmapped;

	if (lost < rounds)
		vm_fail(HERE, "the device lost entries %llu times in %u rounds",
			(unsigned long long)lost, rounds);
	all->rounds += rounds;
	printf("# %s: %u rounds, %llu us each\n", tcase_name(), rounds,
	       (unsigned long long)((vm_now() - start) / 1000 / rounds));
}

int stale_file(size_t size)
{
	int fd = syscall(SYS_memfd_create, "stale", 0);

	expect(fd >= 0 && !ftruncate(fd, size));
	return fd;
}

void *stale_map(void *where, int fd, size_t offset)
{
	void *start = mmap(where, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | (where ? MAP_FIXED : 0),
			   fd, offset);

	expect(start != MAP_FAILED);
	return start;
}

void stale_setup(void)
{
	vm_setup();
	vm_keep_off_lanes();
	/* Or each of the naps in await_use() is longer by 50 us. */
	expect(!prctl(PR_SET_TIMERSLACK, 1));
	seen = vm_anon_in_place(PAGE);
	*seen = 0;
	vm_access_delay(STALE_DELAY);
}

bool stale_more(uint32_t round, uint32_t rounds, uint64_t start)
{
	if (round > rounds)
		return false;
	if (vm_now() < start + STALE_SECONDS * 1000000000ULL)
		return true;
	all->cut_short = true;
	return false;
}

void stale_count_all(void)
{
	all = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

/* Run alone, a test has nothing to add up. */
void stale_expect_rounds(int index, uint32_t rounds)
{
	char text[96];

	if (getenv("CK_RUN_CASE"))
		return;
	printf("# %llu rounds in all\n", (unsigned long long)all->rounds);
	if (all->rounds < vm_loop_rounds(rounds) && all->cut_short) {
		snprintf(text, sizeof(text), "%llu rounds of %u: the machine is too busy",
			 (unsigned long long)all->rounds, vm_loop_rounds(rounds));
		vm_skip(index, text);
		return;
	}
	expect(all->rounds >= vm_loop_rounds(rounds));
}
