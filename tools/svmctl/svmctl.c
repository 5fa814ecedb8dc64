// SPDX-License-Identifier: MIT
/*
 * svmctl: looks at and moves memory that processes share with devices. This
 * file finds the command and prints the help; each command has its own file.
 */
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "svmctl.h"

static const struct command *const commands[] = {
	&cmd_devices, &cmd_doctor, &cmd_query, &cmd_stat, &cmd_events, &cmd_prefetch, &cmd_evict,
	&cmd_run_packets, &cmd_demo,
};

#define NCOMMANDS (sizeof(commands) / sizeof(commands[0]))

static const char exit_codes[] =
	"Exit status: 0 all was done, 1 something failed, 2 the command line is wrong.\n";

static const struct command *find_command(const char *name)
{
	size_t i;

	for (i = 0; i < NCOMMANDS; i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

static void print_usage(FILE *out)
{
	size_t i;

	fprintf(out, "usage: svmctl COMMAND [OPTIONS] [ARGUMENTS]\n\n");
	fprintf(out, "Looks at and moves memory that processes share with devices (/dev/amdsvm).\n\n");
	for (i = 0; i < NCOMMANDS; i++)
		fprintf(out, "  %-12s %s\n", commands[i]->name, commands[i]->summary);
	fprintf(out, "  %-12s %s\n", "help", "this text, or 'help COMMAND' for one command");
	fprintf(out, "\nOptions: --help, --version; every command has --help, and --json for programs.\n");
	fprintf(out, "%s", exit_codes);
}

int print_command_help(const struct command *cmd)
{
	printf("usage: svmctl %s %s\n\n%s\n", cmd->name, cmd->arguments, cmd->summary);
	if (cmd->help)
		printf("\n%s", cmd->help);
	printf("\n%s", exit_codes);
	return SVMCTL_OK;
}

static int print_version(void)
{
	printf("svmctl %s (libamdsvm %s)\n", SVMCTL_VERSION, amdsvm_library_version());
	return SVMCTL_OK;
}

static int help(int argc, char **argv)
{
	const struct command *cmd;

	if (argc < 2) {
		print_usage(stdout);
		return SVMCTL_OK;
	}

	cmd = find_command(argv[1]);
	if (!cmd)
		return misused(NULL, "there is no command '%s'", argv[1]);
	return print_command_help(cmd);
}

static int run_command(int argc, char **argv)
{
	const struct command *cmd = find_command(argv[0]);

	if (!cmd)
		return misused(NULL, "there is no command '%s'", argv[0]);
	return cmd->run(cmd, argc, argv);
}

int main(int argc, char **argv)
{
	int ret;

	/* Widths of table cells depend on the character set; numbers must not. */
	setlocale(LC_CTYPE, "");

	if (argc < 2) {
		print_usage(stderr);
		return SVMCTL_USAGE;
	}
	argc--;
	argv++;

	if (!strcmp(argv[0], "--help") || !strcmp(argv[0], "-h") || !strcmp(argv[0], "help"))
		ret = help(argc, argv);
	else if (!strcmp(argv[0], "--version") || !strcmp(argv[0], "-V"))
		ret = print_version();
	else
		ret = run_command(argc, argv);

	/* A full disk behind stdout is a failure too. */
	if ((fflush(stdout) || ferror(stdout)) && ret == SVMCTL_OK)
		ret = failed("cannot write the output: %m");
	return ret;
}
