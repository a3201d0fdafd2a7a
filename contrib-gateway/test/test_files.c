/*
 * test_files.c
 *		Who waits for which metadata files: one, many, before and after the word of it.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "check.h"
#include "catalog/files.h"

static GwFiles     *files;
static GwFileWaiter w[3];

static int
set_up(void **state)
{
	(void) state;
	files = gw_files_create();
	memset(w, 0, sizeof(w));
	return 0;
}

static int
tear_down(void **state)
{
	(void) state;
	assert_int_equal(gw_files_waiting(files), 0);
	gw_files_destroy(files);
	return 0;
}

static void
test_waits_for_all_its_files(void **state)
{
	(void) state;
	assert_true(gw_files_wait(files, &w[0], "a b c", 1));
	assert_int_equal(gw_files_waiting(files), 1);
	gw_files_written(files, "c a");
	assert_null(gw_files_ready(files));
	gw_files_written(files, "b");
	assert_int_equal(gw_files_waiting(files), 0);
	assert_ptr_equal(gw_files_ready(files), &w[0]);
	assert_int_equal(w[0].state, GW_FILE_WAIT_NONE);
	assert_null(gw_files_ready(files));
}

static void
test_one_word_wakes_all(void **state)
{
	(void) state;
	for (int i = 0; i < 3; i++)
		assert_true(gw_files_wait(files, &w[i], i == 1 ? "other" : "same", 1));
	gw_files_written(files, "same");
	assert_ptr_equal(gw_files_ready(files), &w[0]);
	assert_ptr_equal(gw_files_ready(files), &w[2]);
	assert_null(gw_files_ready(files));
	gw_files_cancel(files, &w[1]);
}

static void
test_the_word_may_come_first(void **state)
{
	(void) state;
	gw_files_written(files, "a b");
	assert_false(gw_files_wait(files, &w[0], "b a", 1));
	assert_int_equal(w[0].state, GW_FILE_WAIT_NONE);
	assert_true(gw_files_wait(files, &w[0], "a c", 1));
	gw_files_written(files, "c");
	assert_ptr_equal(gw_files_ready(files), &w[0]);
}

static void
test_a_ready_one_may_be_cancelled(void **state)
{
	(void) state;
	assert_true(gw_files_wait(files, &w[0], "a", 1));
	assert_true(gw_files_wait(files, &w[1], "a", 1));
	gw_files_written(files, "a");
	gw_files_cancel(files, &w[0]);
	assert_ptr_equal(gw_files_ready(files), &w[1]);
	assert_null(gw_files_ready(files));
}

static void
test_what_is_not_queued_any_more_counts_as_written(void **state)
{
	GwText keys = {0};

	(void) state;
	assert_true(gw_files_wait(files, &w[0], "a ab", 1));
	assert_true(gw_files_wait(files, &w[1], "b", 2));
	assert_true(gw_files_wait(files, &w[2], "c", 3));
	gw_files_keys(files, 3, 2, &keys);
	gw_text_add(&keys, "", 1);
	assert_string_equal(keys.data, "a ab");
	keys.len = 0;
	gw_files_keys(files, 3, 100, &keys);
	gw_text_add(&keys, "", 1);
	assert_string_equal(keys.data, "a ab b");
	gw_files_answered(files, keys.data, "ab");
	assert_ptr_equal(gw_files_ready(files), &w[1]);
	assert_null(gw_files_ready(files));
	gw_files_answered(files, "ab", "");
	assert_ptr_equal(gw_files_ready(files), &w[0]);
	gw_files_cancel(files, &w[2]);
	gw_text_free(&keys);
}

static void
test_the_oldest(void **state)
{
	(void) state;
	assert_null(gw_files_oldest(files, 100));
	assert_true(gw_files_wait(files, &w[0], "a", 10));
	assert_true(gw_files_wait(files, &w[1], "b", 20));
	assert_null(gw_files_oldest(files, 10));
	assert_ptr_equal(gw_files_oldest(files, 11), &w[0]);
	gw_files_cancel(files, &w[0]);
	assert_ptr_equal(gw_files_oldest(files, 21), &w[1]);
	gw_files_cancel(files, &w[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_waits_for_all_its_files, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_one_word_wakes_all, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_the_word_may_come_first, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_ready_one_may_be_cancelled, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_is_not_queued_any_more_counts_as_written, set_up,
										tear_down),
		cmocka_unit_test_setup_teardown(test_the_oldest, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("files", tests, NULL, NULL);
}
