// SPDX-License-Identifier: MIT
/*
 * Runs the tests of svmctl; output is TAP.
 */
#include <stdlib.h>

#include "test.h"

int main(void)
{
	Suite *suite = suite_create("svmctl");
	SRunner *runner;
	int failed;

	suite_add_tcase(suite, units_case());
	suite_add_tcase(suite, range_case());
	suite_add_tcase(suite, location_case());
	suite_add_tcase(suite, output_case());
	suite_add_tcase(suite, command_case());
	suite_add_tcase(suite, completion_case());
	suite_add_tcase(suite, demo_case());
	suite_add_tcase(suite, doctor_case());
	suite_add_tcase(suite, doctor_driver_case());
	suite_add_tcase(suite, doctor_key_case());
	suite_add_tcase(suite, doctor_module_case());
	suite_add_tcase(suite, script_case());
	suite_add_tcase(suite, packets_case());
	suite_add_tcase(suite, events_case());
	suite_add_tcase(suite, stat_case());

	runner = srunner_create(suite);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
