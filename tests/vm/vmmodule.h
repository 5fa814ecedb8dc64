/* SPDX-License-Identifier: MIT */
/*
 * Loading and removing the module in a test. A suite that does so begins with
 * zz_: the others need the driver as the harness loaded it.
 */
#ifndef AMDSVM_TESTS_VMMODULE_H
#define AMDSVM_TESTS_VMMODULE_H

#include <stdbool.h>

#define VM_MODULE_PARAMETERS_SIZE 2048

/* What the harness loaded it with. Every test's child inherits it. */
extern char vm_module_parameters[VM_MODULE_PARAMETERS_SIZE];

int vm_module_unload(void);		/* 0 or a negative errno */
int vm_module_load(const char *arguments);	/* the same */
bool vm_module_loaded(void);

/* For an unchecked fixture: before the first and after the last test. */
void vm_module_remember(void);
/* The driver of the harness, whatever is loaded now; for teardowns too. */
void vm_module_restore(void);
/* For a checked fixture: after a test that ended half way, too. */
void vm_module_setup(void);
/* Loaded again, these parameters in the place of the harness's; 0 or negative errno. */
int vm_module_reload(const char *arguments);

#endif
