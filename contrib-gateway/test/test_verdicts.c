/*
 * test_verdicts.c
 *		Tokens that are known: found for their time, bounded, the least recently used go first.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "auth/verdicts.h"
#include "check.h"

static GwVerdicts *verdicts;

static int
set_up(void **state)
{
	(void) state;
	verdicts = gw_verdicts_create();
	return 0;
}

static int
tear_down(void **state)
{
	(void) state;
	gw_verdicts_destroy(verdicts);
	return 0;
}

/* All of these fall into two buckets. */
static void
digest_of(int i, unsigned char *digest)
{
	memset(digest, 0, GW_DIGEST_BYTES);
	digest[0] = (unsigned char) (i % 2);
	digest[GW_DIGEST_BYTES - 1] = (unsigned char) i;
}

static void
put(int i, uint64_t until_us, int64_t expires_s, const char *role, int64_t max)
{
	GwVerdict verdict = {.until_us = until_us, .expires_s = expires_s};

	digest_of(i, verdict.digest);
	snprintf(verdict.role, sizeof(verdict.role), "%s", role);
	gw_verdicts_put(verdicts, &verdict, max);
}

static const char *
role_of(int i, uint64_t now_us, int64_t now_s)
{
	unsigned char    digest[GW_DIGEST_BYTES];
	const GwVerdict *verdict;

	digest_of(i, digest);
	verdict = gw_verdicts_find(verdicts, digest, now_us, now_s);
	return verdict ? verdict->role : "";
}

static void
test_found_for_its_time(void **state)
{
	(void) state;
	put(1, 1000, 50, "ann", 10);
	assert_string_equal(role_of(1, 999, 49), "ann");
	assert_string_equal(role_of(2, 999, 49), "");
	assert_string_equal(role_of(1, 1000, 49), "");
	assert_int_equal(gw_verdicts_count(verdicts), 0);
	put(1, 1000, 50, "ann", 10);
	assert_string_equal(role_of(1, 999, 50), "");
	assert_int_equal(gw_verdicts_count(verdicts), 0);
}

static void
test_replaced(void **state)
{
	(void) state;
	put(1, 1000, 50, "ann", 10);
	put(1, 2000, 50, "bob", 10);
	assert_int_equal(gw_verdicts_count(verdicts), 1);
	assert_string_equal(role_of(1, 1500, 49), "bob");
}

static void
test_bounded(void **state)
{
	(void) state;
	for (int i = 0; i < 3; i++)
		put(i, 1000, 50, "ann", 3);
	assert_string_equal(role_of(0, 1, 1), "ann");
	put(3, 1000, 50, "bob", 3);
	assert_int_equal(gw_verdicts_count(verdicts), 3);
	assert_string_equal(role_of(1, 1, 1), "");
	assert_string_equal(role_of(0, 1, 1), "ann");
	assert_string_equal(role_of(2, 1, 1), "ann");
	put(4, 1000, 50, "bob", 1);
	assert_int_equal(gw_verdicts_count(verdicts), 1);
	assert_string_equal(role_of(4, 1, 1), "bob");
	put(5, 1000, 50, "bob", 0);
	assert_int_equal(gw_verdicts_count(verdicts), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_found_for_its_time, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_replaced, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bounded, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("verdicts", tests, NULL, NULL);
}
