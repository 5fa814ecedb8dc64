// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "vmslow.h"
#include "vmtest.h"

#define TRACING "/sys/kernel/tracing"

static void set_number(const char *name, unsigned int value)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", value);
	vm_parameter(name, text);
}

void vm_slow_copies(unsigned int microseconds)
{
	set_number("copy_delay_us", microseconds);
}

void vm_failing_copies(unsigned int every)
{
	set_number("copy_fail_every", every);
}

void vm_refuse_copies(bool refuse)
{
	vm_parameter("copy_engine", refuse ? "0" : "1");
	vm_failing_copies(refuse);
}

void vm_slow_teardown(void)
{
	vm_slow_copies(0);
	vm_refuse_copies(false);
	/* Those of a test that has ended. */
	if (vm_can_probe() && !access(TRACING "/events/kprobes", F_OK)) {
		vm_write_file(TRACING "/events/kprobes/enable", "0");
		close(open(TRACING "/kprobe_events", O_WRONLY | O_TRUNC | O_CLOEXEC));
	}
}

bool vm_can_probe(void)
{
	return !vm_is_debug_kernel();
}

static void probe(const char *name, const char *file, const char *text)
{
	char path[100];

	snprintf(path, sizeof(path), TRACING "/events/kprobes/%s/%s", name, file);
	expect_eq(vm_write_file(path, text), 0);
}

static void probe_event(const char *text)
{
	int fd = open(TRACING "/kprobe_events", O_WRONLY | O_APPEND | O_CLOEXEC);

	expect(fd >= 0);
	expect(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

/* What one event has many of is one: each has its own. */
static unsigned int slow;

void vm_slow_return(const char *function, unsigned int traces)
{
	char name[16], text[100];

	for (; slow > traces; slow--) {
		snprintf(name, sizeof(name), "slow%u", slow);
		probe(name, "enable", "0");
		probe(name, "trigger", "!stacktrace");
		snprintf(text, sizeof(text), "-:%s\n", name);
		probe_event(text);
	}
	while (slow < traces) {
		snprintf(name, sizeof(name), "slow%u", ++slow);
		snprintf(text, sizeof(text), "r:%s %s\n", name, function);
		probe_event(text);
		probe(name, "trigger", "stacktrace");
		probe(name, "enable", "1");
	}
}

static void count_no_longer(void)
{
	probe("counted", "enable", "0");
	probe_event("-:counted\n");
}

void vm_count_calls(const char *function)
{
	char text[100];

	/* A test that failed in between left its own. */
	if (!access(TRACING "/events/kprobes/counted", F_OK))
		count_no_longer();
	snprintf(text, sizeof(text), "p:counted %s\n", function);
	probe_event(text);
	probe("counted", "enable", "1");
}

unsigned long vm_calls_counted(void)
{
	FILE *profile = fopen(TRACING "/kprobe_profile", "re");
	unsigned long hits = 0, n;
	char name[64];

	expect(profile);
	while (fscanf(profile, "%63s %lu %*[^\n]", name, &n) == 2)
		if (!strcmp(name, "counted"))
			hits = n;
	fclose(profile);
	count_no_longer();
	return hits;
}
