// SPDX-License-Identifier: MIT
/*
 * Shell completions against what svmctl --help says: every command and every long
 * option is offered, and nothing else. That of bash is run; of that of fish, which
 * is not everywhere, the text is read.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "test.h"

#define MAX_WORDS 64

static char names[MAX_WORDS][32];
static size_t count;

/* The commands that the usage lists: two blanks, the name, blanks. */
static void read_commands(void)
{
	char *text = strdup(run_svmctl("", "--help")->out), *line, *rest = text;

	count = 0;
	while ((line = strsep(&rest, "\n")))
		if (line[0] == ' ' && line[1] == ' ' && line[2] != ' ')
			sscanf(line, "%31s", names[count++]);
	free(text);
	ck_assert_uint_ge(count, 10);
}

/* The long options that the help of a command lists, and --help itself. */
static size_t read_options(const char *command, char options[][32])
{
	char arguments[64], *text, *at;
	size_t n = 0;

	snprintf(arguments, sizeof(arguments), "help %s", command);
	text = strdup(run_svmctl("", arguments)->out);
	for (at = strstr(text, ", --"); at; at = strstr(at + 1, ", --"))
		ck_assert_int_eq(sscanf(at + 2, "%31[-a-z]", options[n++]), 1);
	free(text);
	strcpy(options[n++], "--help");
	return n;
}

static size_t number_of_words(const char *text)
{
	size_t n = 0;
	bool inside = false;

	for (; *text; text++) {
		n += !inside && *text > ' ';
		inside = *text > ' ';
	}
	return n;
}

/* What bash would offer behind the words, in a line. */
static char *offered(const char *words, int index)
{
	static char answer[4096];
	char command[1024];
	size_t length;
	FILE *bash;

	snprintf(command, sizeof(command),
		 "bash -c 'svmctl() { \"$SVMCTL_FAKE\" \"$@\"; }; source %s/svmctl.bash; COMP_WORDS=(svmctl %s); COMP_CWORD=%d; _svmctl; echo \"${COMPREPLY[*]}\"' 2>&1",
		 getenv("COMPLETIONS"), words, index);
	bash = popen(command, "r");
	ck_assert_ptr_nonnull(bash);
	answer[0] = ' ';
	length = fread(answer + 1, 1, sizeof(answer) - 3, bash);
	ck_assert_int_eq(pclose(bash), 0);
	answer[length] = ' ';
	answer[length + 1] = '\0';
	return answer;
}

static bool has_word(const char *line, const char *word)
{
	char between[64];

	snprintf(between, sizeof(between), " %s ", word);
	return strstr(line, between);
}

START_TEST(bash_knows_the_commands)
{
	const char *line;
	size_t i;

	read_commands();
	line = offered("\"\"", 1);
	for (i = 0; i < count; i++)
		ck_assert_msg(has_word(line, names[i]), "%s is not in %s", names[i], line);
	/* --help and --version besides. */
	ck_assert_msg(number_of_words(line) == count + 2, "%s", line);

	line = offered("help \"\"", 2);
	ck_assert_msg(number_of_words(line) == count - 1, "%s", line);
}
END_TEST

START_TEST(bash_knows_the_options)
{
	char options[MAX_WORDS][32], words[64];
	const char *line;
	size_t i, j, n;

	read_commands();
	for (i = 0; i < count; i++) {
		if (!strcmp(names[i], "help"))
			continue;
		n = read_options(names[i], options);
		snprintf(words, sizeof(words), "%.31s --", names[i]);
		line = offered(words, 2);
		for (j = 0; j < n; j++)
			ck_assert_msg(has_word(line, options[j]), "%s: %s is not in %s", names[i],
				      options[j], line);
		ck_assert_msg(number_of_words(line) == n, "%s: %s", names[i], line);
	}
}
END_TEST

START_TEST(bash_knows_what_there_is)
{
	static const struct {
		const char *words;
		int index;
		const char *offered;
	} cases[] = {
		{ "ev", 1, " events evict " },
		{ "evict \"\"", 2, " all 0 1 0x1000 0x1001 " },
		{ "prefetch --pid 1 0x1000 s", 5, " system " },
		{ "events --gpu 0x", 3, " 0x1000 0x1001 " },
		{ "run-packets --gpu = 0x1001", 4, " 0x1001 " },
		{ "events mig", 2, " migrate migrate-start migrate-end " },
		{ "stat --output faults,pages_i", 3, " faults,pages_in " },
		{ "stat -o +ta", 3, " +tables " },
		{ "events --count \"\"", 3, "  " },
	};
	const char *line = offered(cases[_i].words, cases[_i].index);

	ck_assert_str_eq(line, cases[_i].offered);
}
END_TEST

/* A line of the file says for which commands (or all) an option or word is. */
static bool fish_offers(const char *text, const char *command, const char *what, const char *word)
{
	char *copy = strdup(text), *rest = copy, *line, *from, *to, option[64];
	bool found = false;

	snprintf(option, sizeof(option), " %s %s ", what, word);
	while (!found && (line = strsep(&rest, "\n"))) {
		from = strstr(line, " -n '__svmctl_in");
		if (strncmp(line, "complete -c svmctl ", 19) || !strstr(line, option))
			continue;
		found = !from && !strstr(line, "__svmctl_first");
		if (!from || !command)
			continue;
		from += strlen(" -n '");
		to = strchr(from, '\'');
		*to = ' ';
		to[1] = '\0';
		found = has_word(from, command);
	}
	free(copy);
	return found;
}

START_TEST(fish_knows_all)
{
	char path[512], text[16384] = "", options[MAX_WORDS][32], first[128];
	size_t i, j, n;
	FILE *file;

	snprintf(path, sizeof(path), "%s/svmctl.fish", getenv("COMPLETIONS"));
	file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_lt(fread(text, 1, sizeof(text) - 1, file), sizeof(text) - 1);
	fclose(file);

	read_commands();
	for (i = 0; i < count; i++) {
		snprintf(first, sizeof(first), "-n __svmctl_first -a %.31s -d ", names[i]);
		ck_assert_msg(strstr(text, first), "fish: no %s", names[i]);
		if (!strcmp(names[i], "help"))
			continue;
		n = read_options(names[i], options);
		for (j = 0; j < n; j++)
			ck_assert_msg(fish_offers(text, names[i], "-l", options[j] + 2),
				      "fish: %s has no %s", names[i], options[j]);
	}
	ck_assert(!fish_offers(text, "devices", "-l", "pid"));
	ck_assert(!fish_offers(text, "query", "-l", "gpu"));
}
END_TEST

TCase *completion_case(void)
{
	TCase *tc = tcase_create("completion");

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, bash_knows_the_commands);
	tcase_add_test(tc, bash_knows_the_options);
	tcase_add_loop_test(tc, bash_knows_what_there_is, 0, 9);
	tcase_add_test(tc, fish_knows_all);
	return tc;
}
