// SPDX-License-Identifier: MIT
/*
 * A plugin of QEMU: how often each block of guest code was executed between the marks
 * of bench.h. At the end it writes a line for each: address, instructions in it,
 * executions by each of two processors. tests/bench/profile makes functions of the addresses.
 *
 * The package of QEMU has no header for plugins. What follows is the part of the
 * interface, version 4 (QEMU 10.0), that is used here.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_plugin_insn;

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id,
					   void (*callback)(plugin_id, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb,
					  void (*callback)(unsigned int, void *), int registers,
					  void *data);
void qemu_plugin_register_atexit_cb(plugin_id id, void (*callback)(plugin_id, void *), void *data);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
					    void (*callback)(unsigned int, void *), int registers,
					    void *data);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *insn, void *bytes, size_t size);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);

int qemu_plugin_version = 4;
int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv);

/* Code is translated again and again; each address and length is one block. */
struct code {
	struct code *next;
	uint64_t address, length;
	/* By processor: each runs in a thread of its own. */
	uint64_t executions[2];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;	/* for blocks */
static struct code *blocks[1 << 16];
static const char *path;
static volatile int counting;

static struct code *find_block(uint64_t address, uint64_t length)
{
	struct code **head = &blocks[(address ^ address >> 16) % (sizeof(blocks) / sizeof(blocks[0]))];
	struct code *code;

	pthread_mutex_lock(&lock);
	for (code = *head; code; code = code->next)
		if (code->address == address && code->length == length)
			break;
	if (!code) {
		code = calloc(1, sizeof(*code));
		if (!code)
			abort();
		*code = (struct code){ .next = *head, .address = address, .length = length };
		*head = code;
	}
	pthread_mutex_unlock(&lock);
	return code;
}

static void executed(unsigned int vcpu, void *data)
{
	((struct code *)data)->executions[vcpu % 2] += counting;
}

static void mark_reached(unsigned int vcpu, void *data)
{
	(void)vcpu;
	counting = data != NULL;
}

/* BENCH_MARK() of bench.h: 0 none, 1 begin, 2 end. */
static int is_mark(const struct qemu_plugin_insn *insn)
{
	static const unsigned char mark[] = { 0x0f, 0x1f, 0x80, 0x76, 0x73, 0x64, 0x6d };
	unsigned char bytes[sizeof(mark)];

	if (qemu_plugin_insn_data(insn, bytes, sizeof(bytes)) != sizeof(bytes))
		return 0;
	if (!memcmp(bytes, mark, sizeof(mark)))
		return 1;
	return bytes[3] == mark[3] + 1 && !memcmp(bytes, mark, 3) && !memcmp(bytes + 4, mark + 4, 3) ?
		       2 : 0;
}

static void translated(plugin_id id, struct qemu_plugin_tb *tb)
{
	size_t i, length = qemu_plugin_tb_n_insns(tb);

	(void)id;
	for (i = 0; i < length; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		int mark = is_mark(insn);

		if (mark)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, mark_reached, 0,
							       mark == 1 ? insn : NULL);
	}
	qemu_plugin_register_vcpu_tb_exec_cb(tb, executed, 0,
					     find_block(qemu_plugin_tb_vaddr(tb), length));
}

static void finished(plugin_id id, void *data)
{
	FILE *file = fopen(path, "w");
	const struct code *code;
	size_t i;

	(void)id;
	(void)data;
	if (!file)
		return;
	for (i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
		for (code = blocks[i]; code; code = code->next)
			if (code->executions[0] + code->executions[1])
				fprintf(file, "%" PRIx64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
					code->address, code->length, code->executions[0],
					code->executions[1]);
	fclose(file);
}

int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
	(void)info;
	if (argc != 1 || strncmp(argv[0], "out=", 4))
		return -1;
	path = argv[0] + 4;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, finished, NULL);
	return 0;
}
