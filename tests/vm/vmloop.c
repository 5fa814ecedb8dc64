// SPDX-License-Identifier: MIT
/*
 * Devices that keep using memory; see vmloop.h.
 */
#include <dirent.h>
#include <sched.h>

#include "vmloop.h"

#define DELAY_FILE "/sys/module/amdsvm/parameters/access_delay_us"

static void submit(struct vm_loop *loop, unsigned int slot)
{
	int fd = vm_submit_bytes_on(vm.fd, loop->queue_id, loop->packets, loop->bytes);

	if (fd < 0)
		vm_fail(HERE, "QUEUE_SUBMIT of %u bytes returns %d", loop->bytes, fd);
	loop->fds[slot] = fd;
}

/* The oldest job is over, well. */
static void retire(struct vm_loop *loop)
{
	unsigned int i;

	expect_status(vm_finish(loop->fds[0]), 0);
	loop->jobs++;
	for (i = 1; i < VM_LOOP_JOBS; i++)
		loop->fds[i - 1] = loop->fds[i];
	loop->fds[VM_LOOP_JOBS - 1] = -1;
}

void vm_loop_start(struct vm_loop *loop, uint32_t gpu_id, const struct vm_packets *body,
		   uint32_t repeats)
{
	uint32_t bytes = body->n * sizeof(body->words[0]), i;

	*loop = (struct vm_loop){ .repeats = repeats ? repeats : AMDSVM_MAX_SUBMIT_BYTES / bytes };
	loop->bytes = loop->repeats * bytes;
	loop->packets = malloc(loop->bytes);
	expect(loop->packets && loop->repeats && loop->bytes <= AMDSVM_MAX_SUBMIT_BYTES);
	for (i = 0; i < loop->repeats; i++)
		memcpy((char *)loop->packets + i * bytes, body->words, bytes);
	loop->queue_id = vm_queue(gpu_id);
	for (i = 0; i < VM_LOOP_JOBS; i++)
		submit(loop, i);
}

void vm_loop_feed(struct vm_loop *loop)
{
	while (vm_job_done(loop->fds[0])) {
		retire(loop);
		submit(loop, VM_LOOP_JOBS - 1);
	}
}

static void end(struct vm_loop *loop)
{
	expect_eq(vm_queue_destroy(loop->queue_id), 0);
	free(loop->packets);
	loop->packets = NULL;
}

uint64_t vm_loop_finish(struct vm_loop *loop)
{
	while (loop->fds[0] >= 0)
		retire(loop);
	end(loop);
	return loop->jobs * loop->repeats;
}

void vm_loop_stop(struct vm_loop *loop)
{
	unsigned int i;

	end(loop);
	for (i = 0; i < VM_LOOP_JOBS; i++)
		close(loop->fds[i]);
}

uint32_t vm_loop_rounds(uint32_t rounds)
{
	return vm_lane() == LANE_PRIVATE ? vm_rounds(rounds) : rounds / 10;
}

void vm_access_delay(uint32_t microseconds)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", microseconds);
	expect_eq(vm_write_file(DELAY_FILE, text), 0);
}

static bool is_lane(const char *pid)
{
	char path[300], name[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	file = fopen(path, "re");
	if (file && !fgets(name, sizeof(name), file))
		name[0] = 0;
	if (file)
		fclose(file);
	return !strncmp(name, "amdsvm/", 7);
}

/* Returns how many lanes there are. */
static unsigned int place_lanes(const cpu_set_t *set)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	unsigned int lanes = 0;

	while (proc && (entry = readdir(proc)))
		if (entry->d_name[0] > '0' && entry->d_name[0] <= '9' && is_lane(entry->d_name) &&
		    !sched_setaffinity(atoi(entry->d_name), sizeof(*set), set))
			lanes++;
	if (proc)
		closedir(proc);
	return lanes;
}

void vm_keep_off_lanes(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	expect(!sched_setaffinity(0, sizeof(set), &set));
	if (sysconf(_SC_NPROCESSORS_ONLN) == 1)
		return;
	memset(&set, 0xff, sizeof(set));
	CPU_CLR(0, &set);
	expect(place_lanes(&set) > 0);
}

void vm_loop_teardown(void)
{
	cpu_set_t set;

	memset(&set, 0xff, sizeof(set));
	place_lanes(&set);
	vm_write_file(DELAY_FILE, "0");
}

int vm_set_xnack(int mode)
{
	struct amdsvm_ioctl_set_xnack_mode_args args = { mode };

	return vm_ioctl(vm.fd, AMDSVM_IOC_SET_XNACK_MODE, &args);
}

void *vm_anon_in_place(size_t size)
{
	void *memory = vm_anon_small(size);
	uint32_t i;

	expect_eq(set(memory, size, { ATTR(PREFERRED_LOC), SYSMEM }), 0);
	for (i = 0; i < vm.devices; i++)
		expect_eq(set(memory, size, { ATTR(ACCESS_IN_PLACE), vm.gpu[i] }), 0);
	return memory;
}
