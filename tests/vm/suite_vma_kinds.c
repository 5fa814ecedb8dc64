// SPDX-License-Identifier: MIT
/*
 * Memory of every kind: what cannot move stays in system memory without an
 * error, and what can moves without the kernel's promises about it breaking.
 */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sys/syscall.h>

#include "vmtest.h"

#define SIZE (64 * PAGE)

static int temporary_file(size_t size, uint64_t seed)
{
	char name[] = "/tmp/vma_kinds.XXXXXX", *bytes = malloc(size);
	int fd = mkostemp(name, O_CLOEXEC);

	expect(fd >= 0 && bytes);
	unlink(name);
	vm_fill(bytes, size, seed);
	expect(write(fd, bytes, size) == (ssize_t)size);
	free(bytes);
	return fd;
}

/* Stays, for both ways to ask. */
static void expect_unmovable(char *memory, uint64_t seed)
{
	expect_prefetch(memory, SIZE, vm.gpu[0], 0, .unmovable = SIZE / PAGE);
	expect_eq(set(memory, SIZE, { ATTR(PREFETCH_LOC), vm.gpu[1] }), 0);
	expect_eq(vm_sums(memory, SIZE).pages_device, 0);
	expect_bytes(memory, SIZE, seed);
	expect_eq(vm_counters().pages_in, 0);
}

START_TEST(shared_anonymous_memory_stays)
{
	char *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct peer peer;

	needs_device_memory();
	expect(memory != MAP_FAILED);
	vm_fill(memory, SIZE, 1);
	expect_unmovable(memory, 1);
	expect_location(memory, SIZE, SYSMEM);
	if (vm_fork(&peer)) {
		vm_fill(memory, SIZE, 2);
		vm_done();
	}
	expect_joined(&peer);
	expect_bytes(memory, SIZE, 2);
}
END_TEST

START_TEST(untouched_shared_memory_stays_untouched)
{
	char *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	needs_device_memory();
	expect(memory != MAP_FAILED);
	expect_prefetch(memory, SIZE, vm.gpu[0], 0, .unmovable = SIZE / PAGE);
	expect_location(memory, SIZE, ABSENT);
	expect_zero(memory, SIZE);
}
END_TEST

START_TEST(shared_file_memory_stays)
{
	int fd = temporary_file(SIZE, 3);
	char *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	char word[8];

	needs_device_memory();
	expect(memory != MAP_FAILED);
	expect_bytes(memory, SIZE, 3);
	expect_unmovable(memory, 3);
	vm_fill(memory, SIZE, 4);
	expect(pread(fd, word, 8, 9 * PAGE) == 8);
	expect(*(uint64_t *)word == vm_word(4, 9 * 512));
}
END_TEST

START_TEST(private_file_memory_stays_until_it_is_written)
{
	int fd = temporary_file(SIZE, 5);
	char *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	char *bytes = malloc(SIZE);

	needs_device_memory();
	expect(memory != MAP_FAILED && bytes);
	expect_bytes(memory, SIZE, 5);
	/* Written pages are the process's own and move; the others are the file's. */
	memset(memory + 10 * PAGE, 0x77, 20 * PAGE);
	expect_prefetch(memory, SIZE, vm.gpu[0], 0, .moved = 20, .unmovable = 44);
	expect_eq(vm_sums(memory, SIZE).pages_device, 20);
	expect_location(memory + 10 * PAGE, 20 * PAGE, vm.gpu[0]);
	expect_bytes(memory, 10 * PAGE, 5);
	memset(bytes, 0x77, 20 * PAGE);
	expect(!memcmp(memory + 10 * PAGE, bytes, 20 * PAGE));
	expect(pread(fd, bytes, SIZE, 0) == (ssize_t)SIZE);
	expect_bytes(bytes, SIZE, 5);
}
END_TEST

START_TEST(program_text_stays)
{
	char *text = (char *)((uintptr_t)&vm_main & ~(PAGE - 1));

	needs_device_memory();
	/* A child of fork has no file pages but those it uses. */
	*(volatile char *)text;
	expect_prefetch(text, PAGE, vm.gpu[0], 0, .unmovable = 1);
	expect_location(text, PAGE, SYSMEM);
}
END_TEST

START_TEST(memory_without_read_access_stays)
{
	char *memory = vm_anon_small(SIZE);

	needs_device_memory();
	vm_fill(memory, SIZE, 1);
	expect(!mprotect(memory, SIZE, PROT_NONE));
	expect_prefetch(memory, SIZE, vm.gpu[0], 0, .unmovable = SIZE / PAGE);
	expect_eq(set(memory, SIZE, { ATTR(PREFETCH_LOC), vm.gpu[0] }), 0);
	expect_eq(vm_used_pages(), 0);
	expect(!mprotect(memory, SIZE, PROT_READ | PROT_WRITE));
	expect_location(memory, SIZE, SYSMEM);
	expect_bytes(memory, SIZE, 1);
}
END_TEST

START_TEST(the_stack_moves_and_comes_back)
{
	char stack[8 * PAGE];
	char *memory = (char *)(((uintptr_t)stack + PAGE - 1) & ~(PAGE - 1));
	struct amdsvm_ioctl_prefetch_args args;

	needs_device_memory();
	vm_fill(memory, 7 * PAGE, 1);
	expect_eq(vm_prefetch_on(vm.fd, memory, 7 * PAGE, vm.gpu[0], &args), 0);
	expect_eq(args.pages_moved + args.pages_busy, 7);
	expect(args.pages_moved >= 1);
	expect_bytes(memory, 7 * PAGE, 1);
}
END_TEST

START_TEST(locked_memory_moves_and_stays_locked)
{
	char *memory = vm_anon_small(SIZE);
	char line[128];
	long locked = -1;
	FILE *file;

	needs_device_memory();
	vm_fill(memory, SIZE, 1);
	expect(!mlock(memory, SIZE));
	expect_prefetch(memory, SIZE, vm.gpu[0], 0, .moved = SIZE / PAGE);
	expect_location(memory, SIZE, vm.gpu[0]);
	expect_bytes(memory, SIZE, 1);
	file = fopen("/proc/self/status", "re");
	expect(file);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "VmLck: %ld kB", &locked) == 1)
			break;
	fclose(file);
	expect_eq(locked, SIZE / 1024);
	expect(!munlock(memory, SIZE));
	expect_bytes(memory, SIZE, 1);
}
END_TEST

START_TEST(locking_device_memory_works)
{
	char *memory = vm_anon_small(SIZE);

	needs_device_memory();
	vm_fill(memory, SIZE, 1);
	expect_prefetch(memory, SIZE, vm.gpu[0], 0, .moved = SIZE / PAGE);
	expect(!mlock(memory, SIZE));
	/* Locked is present: what the CPU cannot reach in place came home for it. */
	expect_location(memory, SIZE, vm.lane == LANE_PRIVATE ? SYSMEM : vm.gpu[0]);
	expect_bytes(memory, SIZE, 1);
	expect(!munlock(memory, SIZE));
	expect(!munmap(memory, SIZE));
	expect_within(10, vm_used_pages() == 0);
}
END_TEST

START_TEST(dontneed_frees_device_pages)
{
	char *memory = _i ? vm_anon(BLOCK) : vm_anon_small(BLOCK);

	needs_device_memory();
	vm_fill(memory, BLOCK, 1);
	expect_prefetch(memory, BLOCK, vm.gpu[0], 0, .moved = 512);
	expect(!madvise(memory, BLOCK, MADV_DONTNEED));
	expect_location(memory, BLOCK, ABSENT);
	expect_within(10, vm_used_pages() == 0);
	expect_zero(memory, BLOCK);
}
END_TEST

START_TEST(part_of_device_memory_is_unmapped)
{
	char *memory = _i ? vm_anon(BLOCK) : vm_anon_small(BLOCK), *copy = vm_anon(BLOCK);

	needs_device_memory();
	vm_fill(copy, BLOCK, 1);
	vm_fill(memory, BLOCK, 1);
	expect_prefetch(memory, BLOCK, vm.gpu[0], 0, .moved = 512);
	expect(!munmap(memory + 100 * PAGE, 200 * PAGE));
	expect_location(memory, 100 * PAGE, vm.gpu[0]);
	expect_location(memory + 300 * PAGE, 212 * PAGE, vm.gpu[0]);
	/* A page of 2 MiB may keep all of its memory until it comes home. */
	if (!_i)
		expect_within(10, vm_used_pages() == 312);
	expect(!memcmp(memory, copy, 100 * PAGE));
	expect(!memcmp(memory + 300 * PAGE, copy + 300 * PAGE, 212 * PAGE));
}
END_TEST

START_TEST(madv_free_loses_no_byte_that_was_written_after_it)
{
	char *memory = vm_anon_small(SIZE);

	needs_device_memory();
	vm_fill(memory, SIZE, 1);
	expect_prefetch(memory, SIZE, vm.gpu[0], 0, .moved = SIZE / PAGE);
	expect(!madvise(memory, SIZE, MADV_FREE));
	vm_fill(memory, SIZE, 2);
	expect_prefetch(memory, SIZE, vm.gpu[1], 0, .moved = SIZE / PAGE);
	expect_bytes(memory, SIZE, 2);
}
END_TEST

static int userfault(char *memory)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register registration = {
		.range = { (uintptr_t)memory, SIZE },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	expect(fd >= 0 && !ioctl(fd, UFFDIO_API, &api));
	expect(!ioctl(fd, UFFDIO_REGISTER, &registration));
	return fd;
}

/* Nobody serves the faults here: a driver that faulted would wait for ever. */
START_TEST(userfaultfd_memory_does_not_hang)
{
	char *memory = vm_anon_small(SIZE), *bytes = vm_anon_small(SIZE);
	struct amdsvm_ioctl_prefetch_args args;
	struct uffdio_copy copy = {
		.dst = (uintptr_t)memory,
		.src = (uintptr_t)bytes,
		.len = SIZE,
	};
	int fd = userfault(memory);

	expect_eq(set(memory, SIZE, { ATTR(ACCESS_IN_PLACE), vm.gpu[0] }), 0);
	expect_location(memory, SIZE, ABSENT);
	expect_mapped(memory, SIZE, 0);
	if (vm.lane != LANE_MIRROR) {
		expect_eq(vm_prefetch_on(vm.fd, memory, SIZE, vm.gpu[0], &args), 0);
		expect_eq(args.pages_moved + args.pages_cleared, 0);
		/* Missing pages stay missing: the handler decides what is in them. */
		expect_location(memory, SIZE, ABSENT);
	}
	vm_fill(bytes, SIZE, 6);
	expect(!ioctl(fd, UFFDIO_COPY, &copy));
	expect_bytes(memory, SIZE, 6);
	if (vm.lane != LANE_MIRROR) {
		expect_prefetch(memory, SIZE, vm.gpu[0], 0, .moved = SIZE / PAGE);
		expect_bytes(memory, SIZE, 6);
	}
	close(fd);
}
END_TEST

static void *serve_faults(void *argument)
{
	int fd = *(int *)argument;
	char *bytes = vm_anon_small(PAGE);
	struct uffd_msg message;
	int served;

	for (served = 0; served < 4;) {
		struct uffdio_copy copy = { .src = (uintptr_t)bytes, .len = PAGE };

		if (read(fd, &message, sizeof(message)) != sizeof(message)) {
			usleep(1000);
			continue;
		}
		copy.dst = message.arg.pagefault.address & ~(PAGE - 1);
		vm_fill(bytes, PAGE, (copy.dst / PAGE) & 0xff);
		expect(!ioctl(fd, UFFDIO_COPY, &copy));
		served++;
	}
	return NULL;
}

START_TEST(userfaultfd_handlers_still_get_their_faults)
{
	char *memory = vm_anon_small(SIZE);
	struct amdsvm_ioctl_prefetch_args args;
	int i, fd = userfault(memory);
	pthread_t thread;

	needs_device_memory();
	expect(!pthread_create(&thread, NULL, serve_faults, &fd));
	for (i = 0; i < 4; i++) {
		char *page = memory + i * 10 * PAGE;

		expect_eq(vm_prefetch_on(vm.fd, memory, SIZE, vm.gpu[0], &args), 0);
		expect_bytes(page, PAGE, ((uintptr_t)page / PAGE) & 0xff);
	}
	expect(!pthread_join(thread, NULL));
	close(fd);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("vma_kinds");
	TCase *t = vm_case(s, "stays");

	tcase_add_test(t, shared_anonymous_memory_stays);
	tcase_add_test(t, untouched_shared_memory_stays_untouched);
	tcase_add_test(t, shared_file_memory_stays);
	tcase_add_test(t, private_file_memory_stays_until_it_is_written);
	tcase_add_test(t, program_text_stays);
	tcase_add_test(t, memory_without_read_access_stays);
	t = vm_case(s, "moves");
	tcase_add_test(t, the_stack_moves_and_comes_back);
	tcase_add_test(t, locked_memory_moves_and_stays_locked);
	tcase_add_test(t, locking_device_memory_works);
	tcase_add_loop_test(t, dontneed_frees_device_pages, 0, 2);
	tcase_add_loop_test(t, part_of_device_memory_is_unmapped, 0, 2);
	tcase_add_test(t, madv_free_loses_no_byte_that_was_written_after_it);
	t = vm_case(s, "userfaultfd");
	tcase_add_test(t, userfaultfd_memory_does_not_hang);
	tcase_add_test(t, userfaultfd_handlers_still_get_their_faults);
	return s;
}

int main(int argc, char **argv)
{
	return vm_main(argc, argv, suite);
}
