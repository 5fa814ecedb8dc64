// SPDX-License-Identifier: MIT
/*
 * Scripts of svmctl run-packets: what is read, and what is refused.
 */
#include "script.h"
#include "test.h"

static bool read_text(const char *text, struct script *script)
{
	FILE *file = fmemopen((void *)text, strlen(text), "r");
	bool good;

	ck_assert_ptr_nonnull(file);
	good = script_read(file, script);
	fclose(file);
	return good;
}

static struct script read_good(const char *text)
{
	struct script script;
	bool good = read_text(text, &script);

	ck_assert_msg(good, "%u: %s", script.line, script.error);
	return script;
}

START_TEST(comments_and_blank_lines)
{
	struct script script = read_good("# nothing\n\n  \t\n nop # behind\r\n\nsubmit");

	ck_assert_uint_eq(script.count, 2);
	ck_assert_int_eq(script.statements[0].op, SCRIPT_NOP);
	ck_assert_uint_eq(script.statements[0].line, 4);
	ck_assert_int_eq(script.statements[1].op, SCRIPT_SUBMIT);
	ck_assert_uint_eq(script.statements[1].line, 6);
	script_free(&script);
}
END_TEST

START_TEST(buffers)
{
	struct script script = read_good("buffer a 4K\nbuffer b-1 0x10 sequence\n"
					 "buffer c.x 7 from /a/file\nbuffer d 8 sequence32\n"
					 "buffer e 8 zero\n");

	ck_assert_uint_eq(script.nbuffers, 5);
	ck_assert_uint_eq(script.count, 0);
	ck_assert_str_eq(script.buffers[0].name, "a");
	ck_assert_uint_eq(script.buffers[0].bytes, 4096);
	ck_assert_int_eq(script.buffers[0].contents, CONTENTS_ZERO);
	ck_assert_int_eq(script.buffers[1].contents, CONTENTS_SEQUENCE);
	ck_assert_int_eq(script.buffers[2].contents, CONTENTS_FILE);
	ck_assert_str_eq(script.buffers[2].path, "/a/file");
	ck_assert_int_eq(script.buffers[3].contents, CONTENTS_SEQUENCE32);
	ck_assert_int_eq(script.buffers[4].contents, CONTENTS_ZERO);
	script_free(&script);
}
END_TEST

static void expect_operand(const struct script_operand *operand, int buffer, uint64_t value)
{
	ck_assert_int_eq(operand->buffer, buffer);
	ck_assert_uint_eq(operand->value, value);
}

START_TEST(operands)
{
	struct script script = read_good("buffer a 64\nbuffer ab 2K\n"
					 "copy ab a+0x10 8\nfence 0xdead0 7\n"
					 "write64 a ab+1K 5\nfill ab+2K 1 4\n");
	const struct script_statement *s = script.statements;

	ck_assert_uint_eq(s[0].count, 3);
	expect_operand(&s[0].operands[0], 1, 0);
	expect_operand(&s[0].operands[1], 0, 16);
	expect_operand(&s[0].operands[2], SCRIPT_NO_BUFFER, 8);
	expect_operand(&s[1].operands[0], SCRIPT_NO_BUFFER, 0xdead0);
	ck_assert_uint_eq(s[2].count, 3);
	expect_operand(&s[2].operands[1], 1, 1024);
	expect_operand(&s[2].operands[2], SCRIPT_NO_BUFFER, 5);
	/* The device is to find that this is behind the end. */
	expect_operand(&s[3].operands[0], 1, 2048);
	script_free(&script);
}
END_TEST

/* Each packet with all it can have. */
START_TEST(packets)
{
	static const struct {
		const char *text;
		enum script_op op;
		size_t operands;
		uint32_t keyword;
	} good[] = {
		{ "nop", SCRIPT_NOP, 0, 0 },
		{ "nop 3", SCRIPT_NOP, 1, 0 },
		{ "copy 1 2 3", SCRIPT_COPY, 3, 0 },
		{ "write 4 1 2 3 4", SCRIPT_WRITE, 5, 0 },
		{ "write64 8 0xffffffffffffffff", SCRIPT_WRITE64, 2, 0 },
		{ "fill 4 0xffffffff 4", SCRIPT_FILL, 3, 0 },
		{ "fence 4 1", SCRIPT_FENCE, 2, 0 },
		{ "trap 5", SCRIPT_TRAP, 1, 0 },
		{ "timestamp 8", SCRIPT_TIMESTAMP, 1, 0 },
		{ "atomic add64 8 1", SCRIPT_ATOMIC, 2, AMDSVM_ATOMIC_ADD_64 },
		{ "atomic cmpswap32 8 1 2", SCRIPT_ATOMIC, 3, AMDSVM_ATOMIC_CMPSWAP_32 },
		{ "touch exec 4 1 4", SCRIPT_TOUCH, 3, AMDSVM_TOUCH_EXEC },
		{ "gather 8 8 4 1", SCRIPT_GATHER, 4, 0 },
		{ "scatter 8 8 4 1", SCRIPT_SCATTER, 4, 0 },
		{ "chase 0 0 8 100 16", SCRIPT_CHASE, 5, 0 },
		{ "triad 8 8 8 1 3", SCRIPT_TRIAD, 5, 0 },
		{ "reduce 8 1 8", SCRIPT_REDUCE, 3, 0 },
	};
	struct script script = read_good(good[_i].text);

	ck_assert_uint_eq(script.count, 1);
	ck_assert_int_eq(script.statements[0].op, good[_i].op);
	ck_assert_uint_eq(script.statements[0].count, good[_i].operands);
	ck_assert_uint_eq(script.statements[0].keyword, good[_i].keyword);
	script_free(&script);
}
END_TEST

START_TEST(attributes)
{
	struct script script = read_good("buffer a 4K\n"
					 "attr a preferred=0 access=0x1001 granularity=3\n");
	const struct script_statement *s = &script.statements[0];

	ck_assert_int_eq(s->op, SCRIPT_ATTR);
	ck_assert_uint_eq(s->nattributes, 3);
	ck_assert_int_eq(s->attributes[0].type, AMDSVM_IOCTL_SVM_ATTR_PREFERRED_LOC);
	ck_assert_int_eq(s->attributes[0].location.kind, LOCATION_INDEX);
	ck_assert_str_eq(s->attributes[1].text, "0x1001");
	ck_assert_ptr_null(s->attributes[2].text);
	ck_assert_uint_eq(s->attributes[2].value, 3);
	script_free(&script);
}
END_TEST

START_TEST(refused)
{
	static const struct {
		const char *text, *why;
		unsigned int line;
	} bad[] = {
		{ "nothing", "there is no 'nothing'", 1 },
		{ "nop\n\nfill 4 5", "it is 'fill ADDRESS WORD BYTES'", 3 },
		{ "fill 4 5 6 7", "it is 'fill", 1 },
		{ "write 4", "it is 'write", 1 },
		{ "nop 1 2", "it is 'nop", 1 },
		{ "submit now", "it is 'submit'", 1 },
		{ "fence 4 0x100000000", "too large", 1 },
		{ "fence 4 -1", "'-1' is no number", 1 },
		{ "fence 4x 1", "'4x' is no number", 1 },
		{ "fence a 1", "there is no buffer 'a'", 1 },
		{ "buffer ab 8\nfence a 1", "there is no buffer 'a'", 2 },
		{ "buffer a 8\nfence a+9 1", "not all in the buffer", 2 },
		{ "buffer a 8\nfence a+ 1", "is no number", 2 },
		{ "buffer a 8\nfence a+x 1", "is no number", 2 },
		{ "atomic sub64 8 1", "it is 'atomic", 1 },
		{ "atomic add64 8", "it is 'atomic", 1 },
		{ "atomic add64 8 1 2", "only cmpswap compares", 1 },
		{ "atomic cmpswap64 8 1", "needs a value to compare", 1 },
		{ "touch it 4 1 4", "it is 'touch", 1 },
		{ "buffer", "it is 'buffer", 1 },
		{ "buffer a", "it is 'buffer", 1 },
		{ "buffer 1a 8", "is no name", 1 },
		{ "buffer a+b 8", "is no name", 1 },
		{ "buffer a 0", "at least one byte", 1 },
		{ "buffer a 2048G", "too large", 1 },
		{ "buffer a 8\nbuffer a 8", "already", 2 },
		{ "buffer a 8 ones", "a buffer is 'zero'", 1 },
		{ "buffer a 8 from", "a buffer is 'zero'", 1 },
		{ "buffer a 8\nexpect a+1 u64 5", "8 bytes from there on", 2 },
		{ "buffer a 8\nexpect a u16 5", "it is 'expect", 2 },
		{ "expect 8 u64 5", "there is no buffer '8'", 1 },
		{ "buffer a 8\ndump a 9", "9 bytes from there on", 2 },
		{ "buffer a 8\ndump a+4 0xffffffffffffffff", "from there on", 2 },
		{ "sha256 a", "there is no buffer 'a'", 1 },
		{ "buffer a 8\nsha256 a+4", "whole buffer", 2 },
		{ "attr a access=0", "there is no buffer 'a'", 1 },
		{ "buffer a 8\nattr a", "it is 'attr", 2 },
		{ "buffer a 8\nattr a access", "is no attribute", 2 },
		{ "buffer a 8\nattr a acc=0", "is no attribute", 2 },
		{ "buffer a 8\nattr a access=gpu", "location 'gpu'", 2 },
		{ "buffer a 8\nattr a preferred=all", "no single place", 2 },
		{ "buffer a 8\nattr a granularity=x", "is no number", 2 },
		{ "buffer a 8\nattr a+4 access=0", "whole buffer", 2 },
	};
	struct script script;

	ck_assert_uint_eq(sizeof(bad) / sizeof(bad[0]), 43);
	ck_assert_msg(!read_text(bad[_i].text, &script), "taken: %s", bad[_i].text);
	ck_assert_msg(strstr(script.error, bad[_i].why), "%s: %s", bad[_i].text, script.error);
	ck_assert_uint_eq(script.line, bad[_i].line);
	script_free(&script);
}
END_TEST

START_TEST(many_words)
{
	static char text[16384];
	struct script script;
	size_t i, used;

	used = sprintf(text, "write 4");
	for (i = 0; i < 1024; i++)
		used += sprintf(text + used, " %zu", i);
	script = read_good(text);
	ck_assert_uint_eq(script.statements[0].count, 1025);
	expect_operand(&script.statements[0].operands[1024], SCRIPT_NO_BUFFER, 1023);
	script_free(&script);

	for (i = 0; i < 100; i++)
		used += sprintf(text + used, " %zu", i);
	ck_assert(!read_text(text, &script));
	ck_assert_ptr_nonnull(strstr(script.error, "words"));
	script_free(&script);
}
END_TEST

TCase *script_case(void)
{
	TCase *tc = tcase_create("script");

	tcase_add_test(tc, comments_and_blank_lines);
	tcase_add_test(tc, buffers);
	tcase_add_test(tc, operands);
	tcase_add_loop_test(tc, packets, 0, 17);
	tcase_add_test(tc, attributes);
	tcase_add_loop_test(tc, refused, 0, 43);
	tcase_add_test(tc, many_words);
	return tc;
}
