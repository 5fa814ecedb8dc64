// SPDX-License-Identifier: MIT
/*
 * JSON documents.
 */
#include "output.h"
#include "test.h"

START_TEST(strings_are_escaped)
{
	struct json_object *document = json_document(), *parsed;

	json_set_string(document, "name", "a \"b\" \\ %s \n/", "c,");
	parsed = json_tokener_parse(json_object_to_json_string(document));
	ck_assert_str_eq(json_object_get_string(json_member(parsed, "name")),
			 "a \"b\" \\ c, \n/");
	json_object_put(parsed);
	json_object_put(document);
}
END_TEST

START_TEST(numbers_keep_64_bits)
{
	struct json_object *document = json_document();

	json_set_u64(document, "bytes", UINT64_MAX);
	ck_assert_ptr_nonnull(strstr(json_object_to_json_string(document),
				     "18446744073709551615"));
	json_object_put(document);
}
END_TEST

START_TEST(masks_are_arrays)
{
	struct json_object *document = json_document();

	json_set_mask(document, "none", 0);
	json_set_mask(document, "some", 1ULL << 63 | 1);
	ck_assert_uint_eq(json_object_array_length(json_member(document, "none")), 0);
	ck_assert_str_eq(json_object_to_json_string_ext(json_member(document, "some"),
							JSON_C_TO_STRING_PLAIN), "[0,63]");
	json_object_put(document);
}
END_TEST

START_TEST(documents_have_a_schema)
{
	struct json_object *document = json_document();

	ck_assert_int_eq(json_object_get_int(json_member(document, "schema")), OUTPUT_SCHEMA);
	json_object_put(document);
}
END_TEST

TCase *output_case(void)
{
	TCase *tc = tcase_create("output");

	tcase_add_test(tc, strings_are_escaped);
	tcase_add_test(tc, numbers_keep_64_bits);
	tcase_add_test(tc, masks_are_arrays);
	tcase_add_test(tc, documents_have_a_schema);
	return tc;
}
