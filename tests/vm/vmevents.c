// SPDX-License-Identifier: MIT
#include <fcntl.h>

#include "vmevents.h"

struct event heard[MAX_HEARD];
static unsigned int nr_heard;	/* by the last call */

int listener(int fd, uint32_t gpu, uint64_t mask)
{
	struct amdsvm_ioctl_smi_events_args args = { .gpuid = gpu };

	expect_eq(vm_ioctl(fd, AMDSVM_IOC_SMI_EVENTS, &args), 0);
	expect_eq(fcntl(args.anon_fd, F_GETFD), FD_CLOEXEC);
	if (mask)
		expect_eq(write(args.anon_fd, &mask, sizeof(mask)), sizeof(mask));
	return args.anon_fd;
}

void choose(int fd, uint64_t mask)
{
	expect_eq(write(fd, &mask, sizeof(mask)), sizeof(mask));
}

/* What was parsed, printed again, is the line: nothing is there that was not read. */
static void parse(const char *line, struct event *e)
{
	char again[128];
	int fields, wanted;

	memset(e, 0, sizeof(*e));
	expect(sscanf(line, "%x", &e->id) == 1);
	switch (e->id) {
	case EVENT(MIGRATE_START):
		wanted = 10;
		fields = sscanf(line, "%x %lld -%d @%lx(%lx) %x->%x %x:%x %d", &e->id, &e->ns, &e->pid,
				&e->page, &e->pages, &e->from, &e->to, &e->prefetch, &e->preferred,
				&e->trigger);
		snprintf(again, sizeof(again), "5 %lld -%d @%lx(%lx) %x->%x %x:%x %d", e->ns, e->pid,
			 e->page, e->pages, e->from, e->to, e->prefetch, e->preferred, e->trigger);
		break;
	case EVENT(MIGRATE_END):
		wanted = 9;
		fields = sscanf(line, "%x %lld -%d @%lx(%lx) %x->%x %d %d", &e->id, &e->ns, &e->pid,
				&e->page, &e->pages, &e->from, &e->to, &e->trigger, &e->error);
		snprintf(again, sizeof(again), "6 %lld -%d @%lx(%lx) %x->%x %d %d", e->ns, e->pid,
			 e->page, e->pages, e->from, e->to, e->trigger, e->error);
		break;
	case EVENT(PROCESS_START):
	case EVENT(PROCESS_END):
		wanted = 3;
		fields = sscanf(line, "%x %x %31[^\n]", &e->id, (unsigned int *)&e->pid, e->command);
		snprintf(again, sizeof(again), "%x %x %s", e->id, e->pid, e->command);
		break;
	case EVENT(DROPPED):
		wanted = 3;
		fields = sscanf(line, "%x %lld %lu", &e->id, &e->ns, &e->dropped);
		snprintf(again, sizeof(again), "30 %lld %lu", e->ns, e->dropped);
		break;
	default:
		vm_fail(HERE, "unknown event: %s", line);
	}
	if (fields != wanted || strcmp(line, again))
		vm_fail(HERE, "not as documented: '%s', as parsed: '%s'", line, again);
}

unsigned int hear_by(int fd, size_t size)
{
	char text[size + 1], *line, *end;
	unsigned int count = 0;
	ssize_t length;

	while ((length = read(fd, text, size)) > 0) {
		text[length] = 0;
		expect(text[length - 1] == '\n');
		for (line = text; *line; line = end + 1) {
			end = strchr(line, '\n');
			*end = 0;
			expect(count < MAX_HEARD);
			parse(line, &heard[count++]);
		}
	}
	expect(length == -1 && errno == EAGAIN);
	return nr_heard = count;
}

unsigned int hear(int fd)
{
	return hear_by(fd, 4096);
}

unsigned int hear_of(int fd, int pid)
{
	unsigned int i, count = hear(fd), kept = 0;

	for (i = 0; i < count; i++)
		if (heard[i].pid == pid)
			heard[kept++] = heard[i];
	return nr_heard = kept;
}

void vm_expect_move(const char *file, int line, unsigned int index, struct move move)
{
	const struct event *begin = &heard[index], *end = begin + 1, *e;

	/* Another may have begun, or come to its end, meanwhile. */
	while (end < heard + nr_heard && (end->id != EVENT(MIGRATE_END) || end->page != begin->page))
		end++;
	if (begin->id != EVENT(MIGRATE_START) || end >= heard + nr_heard)
		vm_fail(file, line, "event %u is of kind %u, and not the start of a move that ends", index,
			begin->id);
	for (e = begin; e <= end; e += end - begin)
		if (e->page != (uintptr_t)move.start / PAGE || e->pages != move.pages ||
		    e->from != move.from || e->to != move.to || e->trigger != move.trigger ||
		    e->pid != getpid())
			vm_fail(file, line, "event %u of %d: @%lx(%lx) %x->%x trigger %d", e->id, e->pid,
				e->page, e->pages, e->from, e->to, e->trigger);
	if (begin->prefetch != move.prefetch || begin->preferred != move.preferred)
		vm_fail(file, line, "attributes %x:%x, not %x:%x", begin->prefetch, begin->preferred,
			move.prefetch, move.preferred);
	if (end->error != move.error)
		vm_fail(file, line, "error %d, not %d", end->error, move.error);
	if (begin->ns > end->ns)
		vm_fail(file, line, "ends before it begins");
}

char *touched_page(void)
{
	char *page = vm_anon_small(PAGE);

	vm_fill(page, PAGE, 1);
	return page;
}

void move_page(char *page, uint32_t location)
{
	struct amdsvm_ioctl_prefetch_args args;

	expect_eq(vm_prefetch_on(vm.fd, page, PAGE, location, &args), 0);
	expect_eq(args.pages_moved, 1);
}
