/*
 * test_conditional.c
 *		If-None-Match: lists of entity tags, what is none, weak comparison.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "check.h"
#include "http/conditional.h"

static char list[400];

/* The list of a head with these fields; NULL ends them. */
static const char *
list_of(const char *first, const char *second)
{
	static GwHttpHead head;

	head.header_count = 0;
	head.headers[head.header_count++] = (GwHeader){GW_LITERAL("Accept"), GW_LITERAL("\"x\"")};
	head.headers[head.header_count++] = (GwHeader){GW_LITERAL("If-None-Match"),
												   {first, strlen(first)}};
	if (second != NULL)
		head.headers[head.header_count++] = (GwHeader){GW_LITERAL("if-none-match"),
													   {second, strlen(second)}};
	memset(list, '#', sizeof(list));
	assert_true(gw_conditional_list(&head, list) < gw_conditional_bytes(&head));
	assert_int_equal(list[gw_conditional_bytes(&head)], '#');
	return list;
}

static void
test_lists(void **state)
{
	(void) state;
	assert_string_equal(list_of("\"a\"", NULL), "\"a\"");
	assert_string_equal(list_of("W/\"a\"", NULL), "W/\"a\"");
	assert_string_equal(list_of("\"a\" ,W/\"b,c\"\t", NULL), "\"a\",W/\"b,c\"");
	assert_string_equal(list_of(" , ,\"a\",, ", NULL), "\"a\"");
	assert_string_equal(list_of("\"a\"", "\"b\""), "\"a\",\"b\"");
	assert_string_equal(list_of("\"\"", NULL), "\"\"");
	assert_string_equal(list_of("*", NULL), "*");
	assert_string_equal(list_of("\"\303\251\", \"a\"", NULL), "\"a\"");
	assert_string_equal(list_of("\"\303\251\"", NULL), "");
}

static void
test_no_lists(void **state)
{
	static const char *const bad[] = {
		"",           " ",        "a",        "\"a",         "a\"",        "w/\"a\"", "W\"a\"",
		"W/a",        "W/",       "\"",       "\"a\" \"b\"", "\"a\"\"b\"", "\"a b\"", "\"a\", b",
		"\"a\", \"b", "*, \"a\"", "\"a\", *", "**",          "\"a\177\""};

	(void) state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_string_equal(list_of(bad[i], NULL), "");
	assert_string_equal(list_of("\"a\"", "b"), "");
	assert_string_equal(list_of("*", "\"a\""), "");
	assert_string_equal(list_of("*", "*"), "");
}

static void
test_matches(void **state)
{
	(void) state;
	assert_true(gw_conditional_matches("W/\"a\"", "W/\"a\""));
	assert_true(gw_conditional_matches("\"a\"", "W/\"a\""));
	assert_true(gw_conditional_matches("W/\"a\"", "\"a\""));
	assert_true(gw_conditional_matches("\"x\",\"a\"", "W/\"a\""));
	assert_true(gw_conditional_matches("*", "W/\"a\""));
	assert_false(gw_conditional_matches("", "W/\"a\""));
	assert_false(gw_conditional_matches("\"ab\"", "W/\"a\""));
	assert_false(gw_conditional_matches("\"x\",\"y\"", "W/\",\""));
	assert_false(gw_conditional_matches("\"a\"", "a"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_no_lists),
		cmocka_unit_test(test_matches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
