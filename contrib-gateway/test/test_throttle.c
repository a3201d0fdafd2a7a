/*
 * test_throttle.c
 *		Wrong secrets: who may try again, and when.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "auth/throttle.h"
#include "check.h"

#define S 1000000 /* microseconds */

static const GwThrottleLimits limits = {.failures_max = 3, .window_s = 60, .entries_max = 100};
static GwThrottle            *throttle;

static int
set_up(void **state)
{
	(void) state;
	throttle = gw_throttle_create();
	return 0;
}

static int
tear_down(void **state)
{
	(void) state;
	gw_throttle_destroy(throttle);
	return 0;
}

static GwTry
try_of(const char *id, const char *network)
{
	return (GwTry){"client", {id, strlen(id)}, network, 1};
}

static GwThrottleStep
check_at(const char *id, const char *network, uint64_t now_s, int64_t *wait_s)
{
	GwTry try = try_of(id, network);

	return gw_throttle_check(throttle, &try, &limits, now_s * S, wait_s);
}

static GwThrottleStep
check(const char *id, const char *network, uint64_t now_s)
{
	int64_t wait_s;

	return check_at(id, network, now_s, &wait_s);
}

static void
failed(const char *id, const char *network, int times, uint64_t now_s)
{
	GwTry try = try_of(id, network);

	while (times-- > 0)
		gw_throttle_failed(throttle, &try, &limits, now_s * S);
}

static void
succeed(const char *id, const char *network, uint64_t now_s)
{
	GwTry try = try_of(id, network);

	gw_throttle_succeeded(throttle, &try, &limits, now_s * S);
}

static void
test_one_address_and_one_id(void **state)
{
	int64_t wait_s;

	(void) state;
	failed("ann", "a", 2, 100);
	assert_int_equal(check("ann", "a", 100), GW_THROTTLE_OPEN);
	failed("ann", "a", 1, 110);
	assert_int_equal(check_at("ann", "a", 130, &wait_s), GW_THROTTLE_SHUT);
	assert_int_equal(wait_s, 30);
	assert_int_equal(check_at("bob", "a", 130, &wait_s), GW_THROTTLE_SHUT);
	assert_int_equal(check_at("ann", "b", 130, &wait_s), GW_THROTTLE_KNOWN);
	assert_int_equal(check("bob", "b", 130), GW_THROTTLE_OPEN);
	assert_int_equal(check("ann", "a", 160), GW_THROTTLE_OPEN);
	failed("ann", "a", 1, 160);
	assert_int_equal(check("ann", "a", 160), GW_THROTTLE_OPEN);
}

static void
test_who_was_good_before_goes_on(void **state)
{
	(void) state;
	succeed("ann", "a", 100);
	failed("x", "a", 3, 100);
	assert_int_equal(check("x", "a", 101), GW_THROTTLE_SHUT);
	assert_int_equal(check("bob", "a", 101), GW_THROTTLE_SHUT);
	assert_int_equal(check("ann", "a", 101), GW_THROTTLE_OPEN);
	failed("ann", "b", 3, 101);
	assert_int_equal(check("ann", "a", 101), GW_THROTTLE_OPEN);
	failed("ann", "a", 3, 101);
	assert_int_equal(check("ann", "a", 101), GW_THROTTLE_KNOWN);
	succeed("ann", "a", 102);
	assert_int_equal(check("ann", "a", 102), GW_THROTTLE_OPEN);
	assert_int_equal(check("ann", "a", 102 + 2 * 86400), GW_THROTTLE_OPEN);
}

static void
test_a_good_one_is_forgotten_after_a_day(void **state)
{
	uint64_t later = 100 + 86401;

	(void) state;
	succeed("ann", "a", 100);
	failed("x", "a", 3, later);
	assert_int_equal(check("ann", "a", later), GW_THROTTLE_SHUT);
}

static void
test_bounded(void **state)
{
	const GwThrottleLimits small = {.failures_max = 3, .window_s = 60, .entries_max = 4};
	char                   id[8];

	(void) state;
	for (int i = 0; i < 100; i++)
	{
		GwTry try;

		snprintf(id, sizeof(id), "n%d", i);
		try = try_of(id, "a");
		gw_throttle_failed(throttle, &try, &small, S);
	}
	assert_int_equal(gw_throttle_count(throttle), 4);
	assert_int_equal(check("n99", "a", 1), GW_THROTTLE_SHUT);
}

static void
test_off(void **state)
{
	const GwThrottleLimits off = {.failures_max = 0, .window_s = 60, .entries_max = 4};
	GwTry                  try = try_of("ann", "a");
	int64_t                wait_s;

	(void) state;
	for (int i = 0; i < 100; i++)
		gw_throttle_failed(throttle, &try, &off, S);
	assert_int_equal(gw_throttle_check(throttle, &try, &off, S, &wait_s), GW_THROTTLE_OPEN);
	assert_int_equal(gw_throttle_count(throttle), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_one_address_and_one_id, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_who_was_good_before_goes_on, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_good_one_is_forgotten_after_a_day, set_up,
										tear_down),
		cmocka_unit_test_setup_teardown(test_bounded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_off, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("throttle", tests, NULL, NULL);
}
