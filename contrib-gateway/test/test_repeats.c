/*
 * test_repeats.c
 *		What comes again is counted: kinds apart, windows, a bounded number of kinds.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include <stdlib.h>

#include "catalog/repeats.h"
#include "check.h"

#define WINDOW 1000

static GwRepeats *repeats;

static int
set_up(void **state)
{
	(void) state;
	repeats = gw_repeats_create(3);
	return 0;
}

static int
tear_down(void **state)
{
	(void) state;
	gw_repeats_destroy(repeats);
	return 0;
}

static GwRepeat
came(const char *kind, uint64_t now)
{
	return gw_repeats_count(repeats, (GwSlice){kind, strlen(kind)}, now, WINDOW);
}

/* Checks which kind's window has ended, and how often it came again. */
static void
ends(uint64_t now, const char *kind, uint64_t times)
{
	uint64_t found = 0;
	char    *text = gw_repeats_ended(repeats, now, &found);

	if (kind == NULL)
		assert_null(text);
	else
	{
		assert_string_equal(text, kind);
		assert_int_equal(found, times);
	}
	free(text);
}

static void
test_the_first_of_a_kind_is_let_through_and_others_are_counted(void **state)
{
	(void) state;
	assert_int_equal(came("a", 0), GW_REPEAT_FIRST);
	for (uint64_t i = 0; i < 100; i++)
		assert_int_equal(came("a", i), GW_REPEAT_AGAIN);
	assert_int_equal(came("b", 500), GW_REPEAT_FIRST);
	assert_int_equal(came("ab", 500), GW_REPEAT_FIRST);
	assert_int_equal(gw_repeats_waiting(repeats), 100);
	ends(WINDOW - 1, NULL, 0);
	ends(WINDOW, "a", 100);
	ends(WINDOW, NULL, 0);
	assert_int_equal(gw_repeats_waiting(repeats), 0);
}

static void
test_a_window_that_is_over_begins_again(void **state)
{
	(void) state;
	assert_int_equal(came("a", 0), GW_REPEAT_FIRST);
	ends(WINDOW, "a", 0);
	assert_int_equal(came("a", WINDOW), GW_REPEAT_FIRST);
	assert_int_equal(came("a", WINDOW), GW_REPEAT_AGAIN);
	ends(2 * WINDOW - 1, NULL, 0);
	ends(2 * WINDOW, "a", 1);
}

static void
test_windows_end_whatever_the_order_of_their_beginnings(void **state)
{
	(void) state;
	(void) came("late", 500);
	(void) came("early", 0);
	(void) came("middle", 200);
	ends(WINDOW, "early", 0);
	ends(WINDOW + 100, NULL, 0);
	ends(WINDOW + 200, "middle", 0);
	ends(WINDOW + 500, "late", 0);
}

static void
test_there_is_room_for_a_number_of_kinds(void **state)
{
	(void) state;
	(void) came("a", 0);
	(void) came("b", 0);
	(void) came("c", 0);
	assert_int_equal(came("d", 0), GW_REPEAT_NO_ROOM);
	assert_int_equal(came("c", 0), GW_REPEAT_AGAIN);
	ends(WINDOW, "a", 0);
	assert_int_equal(came("d", WINDOW), GW_REPEAT_FIRST);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_the_first_of_a_kind_is_let_through_and_others_are_counted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_window_that_is_over_begins_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_windows_end_whatever_the_order_of_their_beginnings,
										set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_there_is_room_for_a_number_of_kinds, set_up,
										tear_down),
	};

	return cmocka_run_group_tests_name("repeats", tests, NULL, NULL);
}
