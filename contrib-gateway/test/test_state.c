/*
 * test_state.c
 *		The table of a request's states: every way leads to an end, and nothing follows an answer
 *		but the end.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "check.h"
#include "catalog/state.h"

#define BIT(state) (1u << (state))

/* The states that can be reached from one, itself included; never beyond a state of the second
 * set. */
static unsigned
reached(GwState from, unsigned end)
{
	unsigned seen = BIT(from);

	for (int round = 0; round < GW_STATE_COUNT; round++)
		for (GwState a = 0; a < GW_STATE_COUNT; a++)
			for (GwState b = 0; b < GW_STATE_COUNT; b++)
				if ((seen & BIT(a)) && !(end & BIT(a)) && gw_state_allows(a, b))
					seen |= BIT(b);
	return seen;
}

static void
test_every_state_is_reached_and_left(void **state)
{
	(void) state;
	assert_int_equal(reached(GW_STATE_IDLE, 0), BIT(GW_STATE_COUNT) - 1);
	for (GwState s = 0; s < GW_STATE_COUNT; s++)
	{
		assert_true(reached(s, 0) & BIT(GW_STATE_OVER));
		assert_false(gw_state_allows(s, s));
	}
}

static void
test_an_answer_is_the_last(void **state)
{
	(void) state;
	for (GwState s = 0; s < GW_STATE_COUNT; s++)
	{
		assert_int_equal(gw_state_allows(GW_STATE_OVER, s), s == GW_STATE_IDLE);
		assert_int_equal(gw_state_allows(GW_STATE_FLOW, s), s == GW_STATE_OVER);
		assert_int_equal(gw_state_allows(s, GW_STATE_IDLE), s == GW_STATE_OVER);
		assert_int_equal(gw_state_allows(s, GW_STATE_READING), s == GW_STATE_IDLE);
	}
}

/* A call that is under way comes to its result first: its gate is left there. */
static void
test_calls_end_in_a_result(void **state)
{
	const GwState calls[] = {GW_STATE_ASK, GW_STATE_INSIDE, GW_STATE_GROUP, GW_STATE_CALL,
							 GW_STATE_STORE};

	(void) state;
	for (int i = 0; i < 5; i++)
		for (GwState s = 0; s < GW_STATE_COUNT; s++)
			assert_int_equal(gw_state_allows(calls[i], s), s == GW_STATE_RESULT);
}

/* A call with a key that was lost goes past the gate, and a final error is stored after a result
 * only. */
static void
test_repeats(void **state)
{
	(void) state;
	assert_true(gw_state_allows(GW_STATE_PAUSE, GW_STATE_CALL));
	assert_false(gw_state_allows(GW_STATE_PAUSE, GW_STATE_INSIDE));
	for (GwState s = 0; s < GW_STATE_COUNT; s++)
		assert_int_equal(gw_state_allows(s, GW_STATE_STORE), s == GW_STATE_RESULT);
}

static void
test_set(void **state)
{
	GwState s = GW_STATE_IDLE;

	(void) state;
	gw_state_set(&s, GW_STATE_READING);
	gw_state_set(&s, GW_STATE_CALL);
	gw_state_set(&s, GW_STATE_RESULT);
	gw_state_set(&s, GW_STATE_OVER);
	assert_int_equal(s, GW_STATE_OVER);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_state_is_reached_and_left),
		cmocka_unit_test(test_an_answer_is_the_last),
		cmocka_unit_test(test_calls_end_in_a_result),
		cmocka_unit_test(test_repeats),
		cmocka_unit_test(test_set),
	};

	return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}
