/*
 * test_text_array.c
 *		Arrays of texts in the form that the server reads.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "check.h"
#include "db/text_array.h"

static void
test_bytes(void **state)
{
	GwText            array = {0};
	static const char wanted[] = "\0\0\0\1\0\0\0\1\0\0\0\x19\0\0\0\3\0\0\0\1"
								 "\0\0\0\2a\"\377\377\377\377\0\0\0\0";

	(void) state;
	gw_text_array_begin(&array, 3);
	gw_text_array_add(&array, "a\"");
	gw_text_array_add(&array, NULL);
	gw_text_array_add(&array, "");
	assert_int_equal(array.len, sizeof(wanted) - 1);
	assert_memory_equal(array.data, wanted, array.len);
	gw_text_free(&array);
}

static void
test_long_elements(void **state)
{
	GwText array = {0};
	GwText text = {0};

	(void) state;
	for (int i = 0; i < 0x10203; i++)
		gw_text_putc(&text, 'x');
	gw_text_add(&text, "", 1);
	gw_text_array_begin(&array, 1);
	gw_text_array_add(&array, text.data);
	assert_memory_equal(array.data + 20, "\0\1\2\3", 4);
	assert_int_equal(array.len, 24 + 0x10203);
	gw_text_free(&array);
	gw_text_free(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_long_elements),
	};

	return cmocka_run_group_tests_name("text_array", tests, NULL, NULL);
}
