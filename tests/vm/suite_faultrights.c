// SPDX-License-Identifier: MIT
/*
 * What devices may not use: the waiter is told the error and the address, the
 * counter says one more, and a right that is lost is lost at once, also for a
 * device that uses the memory at that moment.
 */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/syscall.h>

#include "vmqueue.h"

#define SIZE (64 * PAGE)

static char *memory;

static void setup(void)
{
	vm_setup();
	memory = vm_anon_small(SIZE);
	vm_fill(memory, SIZE, 1);
}

/* One access by a new queue is refused, with all that belongs to it. */
static void expect_refused_at(const char *file, int line, uint32_t gpu, uint32_t kind,
			      const void *address, int status)
{
	uint64_t before = vm_device_counters(gpu).bad_accesses;
	struct amdsvm_result result = vm_touch_at(file, line, gpu, kind, address, 1);

	vm_expect_status(file, line, result, status);
	if (result.address != (uintptr_t)address || result.packet_offset || result.packets)
		vm_fail(file, line, "address 0x%llx, not %p; packet at %u after %llu",
			(unsigned long long)result.address, address, result.packet_offset,
			(unsigned long long)result.packets);
	if (vm_device_counters(gpu).bad_accesses != before + 1)
		vm_fail(file, line, "bad_accesses grew by %llu",
			(unsigned long long)vm_device_counters(gpu).bad_accesses - before);
}
#define expect_refused(gpu, kind, address, status) \
	expect_refused_at(HERE, gpu, AMDSVM_TOUCH_##kind, address, status)

/* A job that uses the first page again and again. */
static int submit_endless(uint32_t gpu, uint32_t kind)
{
	struct vm_packets p = { 0 };
	int fd;

	/* Mapped first, so that it soon does nothing but that. */
	expect_status(vm_touch_at(HERE, gpu, kind, memory, 1), 0);
	pk_touch(&p, kind, memory, 1ULL << 62, 0);
	fd = vm_submit(vm_queue(gpu), &p);
	expect(fd >= 0);
	usleep(20000);
	expect(!vm_job_done(fd));
	return fd;
}

static void expect_ends(const char *file, int line, int fd, int status)
{
	struct amdsvm_result result = vm_finish_at(file, line, fd);

	vm_expect_status(file, line, result, status);
	if (result.address != (uintptr_t)memory)
		vm_fail(file, line, "the address is 0x%llx", (unsigned long long)result.address);
}

/* ---- attributes ---------------------------------------------------------------- */

START_TEST(no_access)
{
	expect_eq(set(memory + 8 * PAGE, 8 * PAGE, { ATTR(NO_ACCESS), vm.gpu[0] }), 0);
	expect_refused(vm.gpu[0], READ, memory + 8 * PAGE, -EACCES);
	expect_refused(vm.gpu[0], WRITE, memory + 15 * PAGE + 4092, -EACCES);
	expect_touches(vm.gpu[0], WRITE, memory, 8);
	expect_touches(vm.gpu[0], WRITE, memory + 16 * PAGE, 8);
	expect_touches(vm.gpu[1], WRITE, memory + 8 * PAGE, 8);
	expect_eq(set(memory + 8 * PAGE, 8 * PAGE, { ATTR(ACCESS), vm.gpu[0] }), 0);
	expect_touches(vm.gpu[0], WRITE, memory, SIZE / PAGE);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

START_TEST(access_that_is_lost_is_lost_at_once)
{
	int fd = submit_endless(vm.gpu[0], AMDSVM_TOUCH_WRITE);

	expect_touches(vm.gpu[0], READ, memory, SIZE / PAGE);
	expect_mapped(memory, SIZE, 1);
	expect_eq(set(memory, 4 * PAGE, { ATTR(NO_ACCESS), vm.gpu[0] }), 0);
	expect_mapped(memory, 4 * PAGE, 0);
	expect_ends(HERE, fd, -EACCES);
	expect_refused(vm.gpu[0], READ, memory + 3 * PAGE, -EACCES);
	expect_mapped(memory, 4 * PAGE, 0);
	expect_touches(vm.gpu[0], READ, memory + 4 * PAGE, SIZE / PAGE - 4);
	expect_touches(vm.gpu[1], READ, memory, 4);
}
END_TEST

START_TEST(read_only_for_devices)
{
	expect_eq(set(memory, SIZE, { ATTR(SET_FLAGS), FLAG(GPU_RO) }), 0);
	expect_touches(vm.gpu[0], READ, memory, SIZE / PAGE);
	expect_refused(vm.gpu[0], WRITE, memory + 5 * PAGE, -EACCES);
	expect_refused(vm.gpu[1], WRITE, memory + 6 * PAGE, -EACCES);
	/* The CPU is not meant. */
	memory[0] = memory[0];
	expect_eq(set(memory, SIZE, { ATTR(CLR_FLAGS), FLAG(GPU_RO) }), 0);
	expect_touches(vm.gpu[0], WRITE, memory, SIZE / PAGE);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

START_TEST(writing_that_is_forbidden_ends_at_once)
{
	int writer = submit_endless(vm.gpu[0], AMDSVM_TOUCH_WRITE);
	int reader = submit_endless(vm.gpu[0], AMDSVM_TOUCH_READ);

	expect_eq(set(memory, PAGE, { ATTR(SET_FLAGS), FLAG(GPU_RO) }), 0);
	expect_ends(HERE, writer, -EACCES);
	usleep(50000);
	expect(!vm_job_done(reader));
	expect_bytes(memory, SIZE, 1);
}
END_TEST

START_TEST(executing_needs_a_flag)
{
	int fd;

	expect_refused(vm.gpu[0], EXEC, memory, -EACCES);
	expect_touches(vm.gpu[0], READ, memory, SIZE / PAGE);
	expect_refused(vm.gpu[0], EXEC, memory, -EACCES);
	expect_eq(set(memory, 8 * PAGE, { ATTR(SET_FLAGS), FLAG(GPU_EXEC) }), 0);
	expect_touches(vm.gpu[0], EXEC, memory, 8);
	expect_refused(vm.gpu[0], EXEC, memory + 8 * PAGE, -EACCES);
	expect_touches(vm.gpu[1], EXEC, memory, 8);
	fd = submit_endless(vm.gpu[0], AMDSVM_TOUCH_EXEC);
	expect_eq(set(memory, 8 * PAGE, { ATTR(CLR_FLAGS), FLAG(GPU_EXEC) }), 0);
	expect_ends(HERE, fd, -EACCES);
	expect_touches(vm.gpu[0], WRITE, memory, SIZE / PAGE);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

/* ---- protection and life of mappings ---------------------------------------------- */

START_TEST(protection_none)
{
	expect(!mprotect(memory, SIZE, PROT_NONE));
	expect_refused(vm.gpu[0], READ, memory, -EACCES);
	expect_refused(vm.gpu[0], WRITE, memory + PAGE, -EACCES);
	expect(!mprotect(memory, SIZE, PROT_READ | PROT_WRITE));
	expect_touches(vm.gpu[0], WRITE, memory, SIZE / PAGE);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

START_TEST(protection_read)
{
	expect(!mprotect(memory, SIZE, PROT_READ));
	expect_touches(vm.gpu[0], READ, memory, SIZE / PAGE);
	expect_refused(vm.gpu[0], WRITE, memory + PAGE + 8, -EACCES);
	expect(!mprotect(memory, SIZE, PROT_READ | PROT_WRITE));
	expect_touches(vm.gpu[0], WRITE, memory, SIZE / PAGE);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

static const struct {
	int protection, status;
} protections[] = { { PROT_NONE, -EACCES }, { PROT_READ, -EACCES }, { PROT_READ | PROT_WRITE, 0 } };

START_TEST(protection_that_is_lost_is_lost_at_once)
{
	int fd = submit_endless(vm.gpu[0], AMDSVM_TOUCH_WRITE);

	expect(!mprotect(memory, SIZE, protections[_i].protection));
	if (protections[_i].status) {
		expect_ends(HERE, fd, protections[_i].status);
	} else {
		usleep(50000);
		expect(!vm_job_done(fd));
		close(fd);
	}
	expect(!mprotect(memory, SIZE, PROT_READ | PROT_WRITE));
	expect_bytes(memory, SIZE, 1);
}
END_TEST

START_TEST(unmapped_under_a_device)
{
	int fd = submit_endless(vm.gpu[0], AMDSVM_TOUCH_WRITE);

	expect(!munmap(memory, SIZE));
	expect_ends(HERE, fd, -EFAULT);
	expect_refused(vm.gpu[0], READ, memory, -EFAULT);
}
END_TEST

/* Packets stop in the middle, with what is before done. */
START_TEST(the_end_of_a_mapping_is_met_in_the_middle)
{
	uint32_t queue = vm_queue(vm.gpu[0]);
	struct vm_packets p = { 0 };
	struct amdsvm_result result;

	pk_trap(&p, 1);
	pk_fill(&p, memory + SIZE - 2 * PAGE, 0x42424242, 4 * PAGE);
	pk_trap(&p, 2);
	result = vm_run(queue, &p);
	expect_status(result, -EFAULT);
	expect_eq(result.address, (uintptr_t)memory + SIZE);
	expect_eq(result.packet_offset, 8);
	expect_eq(result.packets, 1);
	expect_eq(result.traps, 1);
	expect_eq(result.last_trap, 1);
	expect_eq(*(uint32_t *)(memory + SIZE - 2 * PAGE), 0x42424242);
	expect_eq(*(uint32_t *)(memory + SIZE - 4), 0x42424242);
	expect_bytes(memory, SIZE - 2 * PAGE, 1);
}
END_TEST

/* ---- memory that devices cannot have ------------------------------------------------ */

START_TEST(no_mapping)
{
	expect_refused(vm.gpu[0], READ, memory + SIZE, -EFAULT);
	expect_refused(vm.gpu[0], WRITE, memory - 4, -EFAULT);
	expect_refused(vm.gpu[0], READ, NULL, -EFAULT);
	expect_refused(vm.gpu[0], WRITE, (void *)((1ULL << 48) - 4), -EFAULT);
	expect_refused(vm.gpu[0], EXEC, (void *)(1ULL << 47), -EFAULT);
}
END_TEST

START_TEST(pages_of_the_kernel)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long start = 0;
	char line[256];

	expect(maps);
	while (fgets(line, sizeof(line), maps))
		if (strstr(line, "[vvar]"))
			expect(sscanf(line, "%lx-", &start) == 1);
	fclose(maps);
	/* VM_IO and VM_PFNMAP, in each process. */
	expect(start);
	expect_refused(vm.gpu[0], READ, (void *)start, -EFAULT);
}
END_TEST

START_TEST(huge_pages_of_hugetlb)
{
	char *huge;

	expect_eq(vm_write_file("/proc/sys/vm/nr_hugepages", "2"), 0);
	huge = mmap(NULL, BLOCK, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	expect(huge != MAP_FAILED);
	if (_i)
		huge[PAGE] = 1;
	expect_refused(vm.gpu[0], READ, huge + PAGE, -EFAULT);
	expect_refused(vm.gpu[0], WRITE, huge, -EFAULT);
	expect(!munmap(huge, BLOCK));
	expect_eq(vm_write_file("/proc/sys/vm/nr_hugepages", "0"), 0);
}
END_TEST

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif

/* The kernel has no mapping of these pages, and the device is one of the kernel. */
START_TEST(secret_memory)
{
	int fd = syscall(SYS_memfd_secret, 0);
	char *secret;

	if (fd < 0 && vm_kernel_is("6.1")) {
		vm_skip(_i, "6.1 has memfd_secret() off unless its command line says otherwise");
		return;
	}
	expect(fd >= 0 && !ftruncate(fd, SIZE));
	secret = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	expect(secret != MAP_FAILED);
	if (_i)
		memset(secret, 1, SIZE);
	expect_refused(vm.gpu[0], READ, secret, -EFAULT);
	expect_refused(vm.gpu[0], WRITE, secret + PAGE, -EFAULT);
}
END_TEST

START_TEST(pages_that_a_userfaultfd_has_to_bring)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register area = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	char *armed = vm_anon_small(SIZE);
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	expect(fd >= 0 && !ioctl(fd, UFFDIO_API, &api));
	vm_fill(armed, 4 * PAGE, 2);
	area.range.start = (uintptr_t)armed;
	area.range.len = SIZE;
	expect(!ioctl(fd, UFFDIO_REGISTER, &area));
	expect_refused(vm.gpu[0], READ, armed + 4 * PAGE, -EFAULT);
	expect_refused(vm.gpu[0], WRITE, armed + SIZE - PAGE, -EFAULT);
	/* What is there is memory like any other. */
	expect_touches(vm.gpu[0], READ, armed, 4);
	expect_bytes(armed, 4 * PAGE, 2);
	close(fd);
	expect_touches(vm.gpu[0], WRITE, armed, SIZE / PAGE);
	expect_bytes(armed, 4 * PAGE, 2);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("faultrights");
	TCase *t = vm_case_with(s, "attributes", setup, NULL);

	tcase_add_test(t, no_access);
	tcase_add_test(t, access_that_is_lost_is_lost_at_once);
	tcase_add_test(t, read_only_for_devices);
	tcase_add_test(t, writing_that_is_forbidden_ends_at_once);
	tcase_add_test(t, executing_needs_a_flag);
	t = vm_case_with(s, "mappings", setup, NULL);
	tcase_add_test(t, protection_none);
	tcase_add_test(t, protection_read);
	tcase_add_loop_test(t, protection_that_is_lost_is_lost_at_once, 0, 3);
	tcase_add_test(t, unmapped_under_a_device);
	tcase_add_test(t, the_end_of_a_mapping_is_met_in_the_middle);
	t = vm_case_with(s, "kinds", setup, NULL);
	tcase_add_test(t, no_mapping);
	tcase_add_test(t, pages_of_the_kernel);
	tcase_add_loop_test(t, huge_pages_of_hugetlb, 0, 2);
	tcase_add_loop_test(t, secret_memory, 0, 2);
	tcase_add_test(t, pages_that_a_userfaultfd_has_to_bring);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
