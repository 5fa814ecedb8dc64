// SPDX-License-Identifier: MIT
/*
 * Events as people and programs read them.
 */
#include <stdio.h>
#include <string.h>

#include "event_text.h"
#include "location.h"
#include "output.h"
#include "svmctl.h"

static const struct {
	uint32_t kind;
	const char *name;
} kinds[] = {
	{ AMDSVM_SMI_EVENT_VMFAULT, "vmfault" },
	{ AMDSVM_SMI_EVENT_MIGRATE_START, "migrate-start" },
	{ AMDSVM_SMI_EVENT_MIGRATE_END, "migrate-end" },
	{ AMDSVM_SMI_EVENT_PAGE_FAULT_START, "page-fault-start" },
	{ AMDSVM_SMI_EVENT_PAGE_FAULT_END, "page-fault-end" },
	{ AMDSVM_SMI_EVENT_QUEUE_EVICTION, "queue-eviction" },
	{ AMDSVM_SMI_EVENT_QUEUE_RESTORE, "queue-restore" },
	{ AMDSVM_SMI_EVENT_UNMAP_FROM_GPU, "unmap-from-gpu" },
	{ AMDSVM_SMI_EVENT_PROCESS_START, "process-start" },
	{ AMDSVM_SMI_EVENT_PROCESS_END, "process-end" },
	{ AMDSVM_SMI_EVENT_DROPPED, "dropped" },
};

#define NKINDS (sizeof(kinds) / sizeof(kinds[0]))

uint64_t event_bit(uint32_t kind)
{
	return AMDSVM_SMI_EVENT_MASK_FROM_INDEX(kind);
}

/* Whole words only: "migr" is a slip. DROPPED comes whatever is chosen. */
static bool begins_with(const char *name, const char *word)
{
	size_t length = strlen(word);

	return length && !strncmp(name, word, length) && (!name[length] || name[length] == '-');
}

uint64_t event_mask(const char *word)
{
	uint64_t mask = 0;
	size_t i;

	for (i = 0; i < NKINDS; i++)
		if (kinds[i].kind != AMDSVM_SMI_EVENT_DROPPED && begins_with(kinds[i].name, word))
			mask |= event_bit(kinds[i].kind);
	return mask;
}

uint64_t event_all(void)
{
	uint64_t mask = 0;
	size_t i;

	for (i = 0; i < NKINDS; i++)
		if (kinds[i].kind != AMDSVM_SMI_EVENT_DROPPED)
			mask |= event_bit(kinds[i].kind);
	return mask;
}

static const char *name_of(uint32_t kind)
{
	size_t i;

	for (i = 0; i < NKINDS; i++)
		if (kinds[i].kind == kind)
			return kinds[i].name;
	return "unknown";
}

/* ---- triggers ----------------------------------------------------------- */

static const char *word_at(const char *const *words, size_t n, uint32_t i)
{
	return i < n ? words[i] : "unknown";
}

#define WORD(words, i) word_at(words, sizeof(words) / sizeof(words[0]), i)

static const char *trigger_of(const struct amdsvm_event *event)
{
	static const char *const migrations[] = {
		[AMDSVM_MIGRATE_TRIGGER_PREFETCH] = "prefetch",
		[AMDSVM_MIGRATE_TRIGGER_PAGEFAULT_GPU] = "device-fault",
		[AMDSVM_MIGRATE_TRIGGER_PAGEFAULT_CPU] = "cpu-fault",
		[AMDSVM_MIGRATE_TRIGGER_TTM_EVICTION] = "eviction",
	};
	static const char *const evictions[] = {
		[AMDSVM_QUEUE_EVICTION_TRIGGER_SVM] = "svm",
		[AMDSVM_QUEUE_EVICTION_TRIGGER_USERPTR] = "userptr",
		[AMDSVM_QUEUE_EVICTION_TRIGGER_TTM] = "ttm",
		[AMDSVM_QUEUE_EVICTION_TRIGGER_SUSPEND] = "suspend",
		[AMDSVM_QUEUE_EVICTION_CRIU_CHECKPOINT] = "checkpoint",
		[AMDSVM_QUEUE_EVICTION_CRIU_RESTORE] = "restore",
	};
	static const char *const unmaps[] = {
		[AMDSVM_SVM_UNMAP_TRIGGER_MMU_NOTIFY] = "change",
		[AMDSVM_SVM_UNMAP_TRIGGER_MMU_NOTIFY_MIGRATE] = "migration",
		[AMDSVM_SVM_UNMAP_TRIGGER_UNMAP_FROM_CPU] = "unmap",
	};

	switch (event->kind) {
	case AMDSVM_SMI_EVENT_QUEUE_EVICTION:
		return WORD(evictions, event->trigger);
	case AMDSVM_SMI_EVENT_UNMAP_FROM_GPU:
		return WORD(unmaps, event->trigger);
	default:
		return WORD(migrations, event->trigger);
	}
}

static const char *outcome_of(const struct amdsvm_event *event)
{
	switch (event->outcome) {
	case 'M':
		return "migrated";
	case 'U':
		return "mapped";
	case 'R':
		return "again";
	default:
		return "restored";
	}
}

static const char *access_of(const struct amdsvm_event *event)
{
	return event->access == 'W' ? "write" : "read";
}

/* ---- lines -------------------------------------------------------------- */

#define LINE_FORMAT "%17s  %7s  %-16s  "

void event_print_header(void)
{
	printf(LINE_FORMAT "%s\n", "SECONDS", "PID", "EVENT", "WHAT");
}

static void print_details(const struct amdsvm_event *event)
{
	char from[LOCATION_TEXT], to[LOCATION_TEXT], gpu[LOCATION_TEXT];
	uintmax_t start = event->start, kib = event->size >> 10;

	format_location(event->from, from);
	format_location(event->to, to);
	format_location(event->gpu_id, gpu);
	switch (event->kind) {
	case AMDSVM_SMI_EVENT_MIGRATE_START:
	case AMDSVM_SMI_EVENT_MIGRATE_END:
		printf("0x%jx+%juK %s -> %s, %s", start, kib, from, to, trigger_of(event));
		if (event->error)
			printf(", failed: %s", strerror(-event->error));
		break;
	case AMDSVM_SMI_EVENT_PAGE_FAULT_START:
		printf("0x%jx+%juK %s, %s", start, kib, gpu, access_of(event));
		break;
	case AMDSVM_SMI_EVENT_PAGE_FAULT_END:
		printf("0x%jx+%juK %s, %s", start, kib, gpu, outcome_of(event));
		break;
	case AMDSVM_SMI_EVENT_QUEUE_EVICTION:
		printf("%s, %s", gpu, trigger_of(event));
		break;
	case AMDSVM_SMI_EVENT_QUEUE_RESTORE:
		printf("%s, %s", gpu, outcome_of(event));
		break;
	case AMDSVM_SMI_EVENT_UNMAP_FROM_GPU:
		printf("0x%jx+%juK %s, %s", start, kib, gpu, trigger_of(event));
		break;
	case AMDSVM_SMI_EVENT_DROPPED:
		printf("%ju events are missing here", (uintmax_t)event->dropped);
		break;
	default:
		fputs(event->command, stdout);
	}
}

void event_print(const struct amdsvm_event *event)
{
	char seconds[32] = "-", pid[16] = "-";

	if (event->time_ns)
		snprintf(seconds, sizeof(seconds), "%ju.%09ju",
			 (uintmax_t)event->time_ns / 1000000000,
			 (uintmax_t)event->time_ns % 1000000000);
	if (event->pid)
		snprintf(pid, sizeof(pid), "%d", event->pid);
	printf(LINE_FORMAT, seconds, pid, name_of(event->kind));
	print_details(event);
	putchar('\n');
}

/* ---- JSON --------------------------------------------------------------- */

static void set_location(struct json_object *object, const char *key, uint32_t location)
{
	char text[LOCATION_TEXT];

	json_set_string(object, key, "%s", format_location(location, text));
}

static void set_migrate(struct json_object *object, const struct amdsvm_event *event)
{
	set_location(object, "from", event->from);
	set_location(object, "to", event->to);
	json_set_string(object, "trigger", "%s", trigger_of(event));
	if (event->kind == AMDSVM_SMI_EVENT_MIGRATE_START) {
		set_location(object, "prefetch", event->prefetch_loc);
		set_location(object, "preferred", event->preferred_loc);
	} else if (event->error) {
		json_set_string(object, "error", "%s", error_name(-event->error));
	}
}

static void set_details(struct json_object *object, const struct amdsvm_event *event)
{
	if (event->size) {
		json_set_string(object, "start", "0x%jx", (uintmax_t)event->start);
		json_set_u64(object, "size", event->size);
	}
	if (event->gpu_id)
		set_location(object, "gpu_id", event->gpu_id);

	switch (event->kind) {
	case AMDSVM_SMI_EVENT_MIGRATE_START:
	case AMDSVM_SMI_EVENT_MIGRATE_END:
		set_migrate(object, event);
		break;
	case AMDSVM_SMI_EVENT_PAGE_FAULT_START:
		json_set_string(object, "access", "%s", access_of(event));
		break;
	case AMDSVM_SMI_EVENT_PAGE_FAULT_END:
	case AMDSVM_SMI_EVENT_QUEUE_RESTORE:
		json_set_string(object, "outcome", "%s", outcome_of(event));
		break;
	case AMDSVM_SMI_EVENT_QUEUE_EVICTION:
	case AMDSVM_SMI_EVENT_UNMAP_FROM_GPU:
		json_set_string(object, "trigger", "%s", trigger_of(event));
		break;
	case AMDSVM_SMI_EVENT_DROPPED:
		json_set_u64(object, "dropped", event->dropped);
		break;
	default:
		json_set_string(object, "command", "%s", event->command);
	}
}

void event_print_json(const struct amdsvm_event *event)
{
	struct json_object *object = json_document();

	json_set_string(object, "event", "%s", name_of(event->kind));
	if (event->time_ns)
		json_set_u64(object, "time_ns", event->time_ns);
	if (event->pid)
		json_set_u64(object, "pid", event->pid);
	set_details(object, event);
	json_print_line(object);
}
