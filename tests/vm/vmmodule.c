// SPDX-License-Identifier: MIT
/*
 * Loading and removing the module in a test; see vmmodule.h.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "vmmodule.h"
#include "vmtest.h"

#define MODULE_FILE "/lib/amdsvm/amdsvm.ko"
#define PARAMETERS "/sys/module/amdsvm/parameters"

char vm_module_parameters[VM_MODULE_PARAMETERS_SIZE];

int vm_module_unload(void)
{
	return syscall(SYS_delete_module, "amdsvm", O_NONBLOCK) ? -errno : 0;
}

bool vm_module_loaded(void)
{
	return !access("/sys/module/amdsvm", F_OK);
}

int vm_module_load(const char *arguments)
{
	int result, fd = open(MODULE_FILE, O_RDONLY | O_CLOEXEC);

	expect(fd >= 0);
	result = syscall(SYS_finit_module, fd, arguments, 0) ? -errno : 0;
	close(fd);
	if (!result)
		chmod("/dev/amdsvm", 0666);
	return result;
}

/* What the module was loaded with, as the kernel tells it. */
static void read_parameters(char *text)
{
	DIR *directory = opendir(PARAMETERS);
	struct dirent *entry;

	text[0] = 0;
	while (directory && (entry = readdir(directory))) {
		char path[512], value[128] = "";
		size_t length = strlen(text);
		FILE *file;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), PARAMETERS "/%s", entry->d_name);
		file = fopen(path, "re");
		if (file && fgets(value, sizeof(value), file) && value[0] != '\n') {
			value[strcspn(value, "\n")] = 0;
			snprintf(text + length, VM_MODULE_PARAMETERS_SIZE - length, "%s=%s ",
				 entry->d_name, value);
		}
		if (file)
			fclose(file);
	}
	if (directory)
		closedir(directory);
}

void vm_module_remember(void)
{
	read_parameters(vm_module_parameters);
}

void vm_module_restore(void)
{
	char now[VM_MODULE_PARAMETERS_SIZE];

	read_parameters(now);
	if (vm_module_loaded() && !strcmp(now, vm_module_parameters))
		return;
	if (vm.fd >= 0)
		close(vm.fd);
	vm.fd = -1;
	if (vm_module_loaded())
		expect_within(10, vm_module_unload() == 0);
	expect_eq(vm_module_load(vm_module_parameters), 0);
}

void vm_module_setup(void)
{
	vm_module_restore();
	vm_setup();
	expect_within(10, vm_used_pages() == 0);
}

int vm_module_reload(const char *arguments)
{
	char all[VM_MODULE_PARAMETERS_SIZE + 128];
	int result;

	snprintf(all, sizeof(all), "%s%s", vm_module_parameters, arguments);
	close(vm.fd);
	vm.fd = -1;
	expect_within(10, vm_module_unload() == 0);
	result = vm_module_load(all);
	if (!result)
		vm_setup();
	return result;
}
