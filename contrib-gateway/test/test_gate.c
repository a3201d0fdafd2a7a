/*
 * test_gate.c
 *		The gate per table: width, order, bounds, leaving the queue.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "check.h"
#include "db/gate.h"

static GwGates *gates;
static GwTicket t[6];

static int
set_up(void **state)
{
	(void) state;
	gates = gw_gates_create();
	memset(t, 0, sizeof(t));
	return 0;
}

static int
tear_down(void **state)
{
	(void) state;
	assert_int_equal(gw_gate_count(gates), 0);
	assert_int_equal(gw_gate_waiting(gates), 0);
	gw_gates_destroy(gates);
	return 0;
}

static GwGateAnswer
enter(int i, const char *key, int64_t width, int64_t queue_max)
{
	return gw_gate_enter(gates, &t[i], key, strlen(key), width, queue_max, (uint64_t) (100 + i));
}

static void
test_first_come_first_served(void **state)
{
	(void) state;
	assert_int_equal(enter(0, "a", 1, 10), GW_GATE_OPEN);
	for (int i = 1; i < 4; i++)
		assert_int_equal(enter(i, "a", 1, 10), GW_GATE_WAIT);
	assert_int_equal(gw_gate_waiting(gates), 3);
	assert_int_equal(gw_gate_count(gates), 1);
	for (int i = 0; i < 3; i++)
		assert_ptr_equal(gw_gate_leave(gates, &t[i], 1), &t[i + 1]);
	assert_null(gw_gate_leave(gates, &t[3], 1));
}

static void
test_tables_do_not_meet(void **state)
{
	(void) state;
	assert_int_equal(enter(0, "a", 1, 10), GW_GATE_OPEN);
	assert_int_equal(enter(1, "b", 1, 10), GW_GATE_OPEN);
	assert_int_equal(gw_gate_count(gates), 2);
	assert_null(gw_gate_leave(gates, &t[0], 1));
	assert_null(gw_gate_leave(gates, &t[1], 1));
}

static void
test_width(void **state)
{
	(void) state;
	assert_int_equal(enter(0, "a", 2, 10), GW_GATE_OPEN);
	assert_int_equal(enter(1, "a", 2, 10), GW_GATE_OPEN);
	assert_int_equal(enter(2, "a", 2, 10), GW_GATE_WAIT);
	/* The setting was reduced in between: one must leave without letting another in. */
	assert_null(gw_gate_leave(gates, &t[0], 1));
	assert_ptr_equal(gw_gate_leave(gates, &t[1], 1), &t[2]);
	assert_null(gw_gate_leave(gates, &t[2], 1));
}

static void
test_some_enter_together(void **state)
{
	GwTicket group = {0};

	(void) state;
	for (int i = 0; i < 5; i++)
		(void) enter(i, "a", 1, 10);
	assert_ptr_equal(gw_gate_leave(gates, &t[0], 1), &t[1]);
	assert_ptr_equal(gw_gate_next(&t[1]), &t[2]);
	gw_gate_hand_over(&t[1], &group);
	gw_gate_cancel(gates, gw_gate_next(&group));
	gw_gate_cancel(gates, gw_gate_next(&group));
	assert_ptr_equal(gw_gate_next(&group), &t[4]);
	/* Two of them come back: before all others, and the list of all stays in the order of time. */
	gw_gate_go_first(gates, &t[2], &group);
	gw_gate_go_first(gates, &t[1], &group);
	assert_int_equal(gw_gate_waiting(gates), 3);
	assert_ptr_equal(gw_gate_oldest(gates, 1000), &t[1]);
	assert_ptr_equal(gw_gate_leave(gates, &group, 1), &t[1]);
	assert_ptr_equal(gw_gate_oldest(gates, 1000), &t[2]);
	assert_ptr_equal(gw_gate_leave(gates, &t[1], 1), &t[2]);
	assert_ptr_equal(gw_gate_leave(gates, &t[2], 1), &t[4]);
	assert_null(gw_gate_next(&t[4]));
	assert_null(gw_gate_leave(gates, &t[4], 1));
}

static void
test_one_comes_back_to_the_last_place_of_all(void **state)
{
	(void) state;
	(void) enter(0, "a", 1, 10);
	(void) enter(1, "a", 1, 10);
	(void) enter(2, "b", 1, 10);
	(void) enter(3, "b", 1, 10);
	t[4].since_us = 500;
	gw_gate_go_first(gates, &t[4], &t[2]);
	assert_ptr_equal(gw_gate_oldest(gates, 1000), &t[1]);
	assert_ptr_equal(gw_gate_leave(gates, &t[0], 1), &t[1]);
	assert_null(gw_gate_leave(gates, &t[1], 1));
	assert_ptr_equal(gw_gate_leave(gates, &t[2], 1), &t[4]);
	assert_ptr_equal(gw_gate_leave(gates, &t[4], 1), &t[3]);
	assert_null(gw_gate_leave(gates, &t[3], 1));
}

static void
test_full(void **state)
{
	(void) state;
	assert_int_equal(enter(0, "a", 1, 1), GW_GATE_OPEN);
	assert_int_equal(enter(1, "a", 1, 1), GW_GATE_WAIT);
	assert_int_equal(enter(2, "a", 1, 1), GW_GATE_FULL);
	assert_int_equal(t[2].state, GW_TICKET_NONE);
	assert_ptr_equal(gw_gate_leave(gates, &t[0], 1), &t[1]);
	assert_null(gw_gate_leave(gates, &t[1], 1));
}

static void
test_cancel_keeps_order(void **state)
{
	(void) state;
	assert_int_equal(enter(0, "a", 1, 10), GW_GATE_OPEN);
	for (int i = 1; i < 4; i++)
		assert_int_equal(enter(i, "a", 1, 10), GW_GATE_WAIT);
	gw_gate_cancel(gates, &t[2]);
	assert_ptr_equal(gw_gate_leave(gates, &t[0], 1), &t[1]);
	assert_ptr_equal(gw_gate_leave(gates, &t[1], 1), &t[3]);
	assert_null(gw_gate_leave(gates, &t[3], 1));
}

static void
test_oldest(void **state)
{
	(void) state;
	assert_null(gw_gate_oldest(gates, 1000));
	assert_int_equal(enter(0, "a", 1, 10), GW_GATE_OPEN);
	assert_int_equal(enter(1, "a", 1, 10), GW_GATE_WAIT);
	assert_int_equal(enter(2, "b", 1, 10), GW_GATE_OPEN);
	assert_int_equal(enter(3, "b", 1, 10), GW_GATE_WAIT);
	assert_null(gw_gate_oldest(gates, 101));
	assert_ptr_equal(gw_gate_oldest(gates, 102), &t[1]);
	gw_gate_cancel(gates, &t[1]);
	assert_ptr_equal(gw_gate_oldest(gates, 1000), &t[3]);
	gw_gate_cancel(gates, &t[3]);
	assert_null(gw_gate_leave(gates, &t[0], 1));
	assert_null(gw_gate_leave(gates, &t[2], 1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_first_come_first_served, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_tables_do_not_meet, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_width, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_some_enter_together, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_one_comes_back_to_the_last_place_of_all, set_up,
										tear_down),
		cmocka_unit_test_setup_teardown(test_full, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_cancel_keeps_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_oldest, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("gate", tests, NULL, NULL);
}
