// SPDX-License-Identifier: MIT
/*
 * Runs the tests of libamdsvm; output is TAP.
 */
#include <stdlib.h>

#include "test.h"

int main(void)
{
	Suite *suite = suite_create("libamdsvm");
	SRunner *runner;
	int failed;

	suite_add_tcase(suite, context_case());
	suite_add_tcase(suite, pid_case());
	suite_add_tcase(suite, device_case());
	suite_add_tcase(suite, attr_case());
	suite_add_tcase(suite, range_case());
	suite_add_tcase(suite, migrate_case());
	suite_add_tcase(suite, queue_case());
	suite_add_tcase(suite, packets_case());
	suite_add_tcase(suite, event_case());

	runner = srunner_create(suite);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
