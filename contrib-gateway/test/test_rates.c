/*
 * test_rates.c
 *		Requests a second of each key: burst, rate, keys apart, a bounded number of them.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "base/rates.h"
#include "check.h"

static const GwRate ten = {10, 5}; /* a second, at once */
static GwRates     *rates;

static int
set_up(void **state)
{
	(void) state;
	rates = gw_rates_create();
	return 0;
}

static int
tear_down(void **state)
{
	(void) state;
	gw_rates_destroy(rates);
	return 0;
}

/* How many of some requests at one time are let in. */
static int
let_in(const char *name, int requests, uint64_t now)
{
	GwSlice key = {name, strlen(name)};
	int     count = 0;

	for (int i = 0; i < requests; i++)
	{
		if (gw_rates_wait(rates, key, ten, now) > 0)
			continue;
		gw_rates_take(rates, key, ten, 2, now);
		count++;
	}
	return count;
}

static void
test_a_burst_and_then_the_rate(void **state)
{
	uint64_t now = 1000000;
	int      count = 0;

	(void) state;
	assert_int_equal(let_in("a", 100, now), 5);
	for (int i = 1; i <= 100; i++)
		count += let_in("a", 3, now + (uint64_t) i * 10000);
	assert_int_equal(count, 10);
	assert_int_equal(let_in("a", 100, now + 10000000), 5);
}

static void
test_what_is_refused_takes_nothing(void **state)
{
	GwSlice key = {"a", 1};

	(void) state;
	assert_int_equal(let_in("a", 1000, 50), 5);
	assert_int_equal(gw_rates_wait(rates, key, ten, 50), 100000);
	assert_int_equal(gw_rates_wait(rates, key, ten, 50 + 100000), 0);
}

static void
test_keys_do_not_meet(void **state)
{
	char long_key[GW_RATE_KEY_BYTES_MAX + 10];

	(void) state;
	memset(long_key, 'x', sizeof(long_key) - 1);
	long_key[sizeof(long_key) - 1] = '\0';
	assert_int_equal(let_in("a", 10, 7), 5);
	assert_int_equal(let_in("b", 10, 7), 5);
	assert_int_equal(let_in(long_key, 10, 7), 5);
	assert_int_equal(let_in(long_key, 10, 7), 0);
}

static void
test_a_bounded_number_of_keys(void **state)
{
	(void) state;
	assert_int_equal(let_in("a", 10, 7), 5);
	assert_int_equal(let_in("b", 10, 7), 5);
	assert_int_equal(let_in("c", 10, 7), 5);
	assert_int_equal(gw_rates_count(rates), 2);
	assert_int_equal(let_in("b", 10, 7), 0);
	assert_int_equal(let_in("a", 10, 7), 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_burst_and_then_the_rate, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_is_refused_takes_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_keys_do_not_meet, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_bounded_number_of_keys, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("rates", tests, NULL, NULL);
}
