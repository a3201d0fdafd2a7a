/*
 * test_forwarded.c
 *		Ranges of trusted proxies, and what is believed of the fields that they write.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "check.h"
#include "http/forwarded.h"

static GwHttpHead head;
static char       address[GW_ADDRESS_BYTES];

static void
set_fields(const char *const *fields)
{
	head.header_count = 0;
	for (; *fields != NULL; fields += 2)
	{
		head.headers[head.header_count].name = (GwSlice){fields[0], strlen(fields[0])};
		head.headers[head.header_count++].value = (GwSlice){fields[1], strlen(fields[1])};
	}
}

/* The client that fields tell, "" for none. */
#define CLIENT(proxies, ...)                               \
	(set_fields((const char *const[]){__VA_ARGS__, NULL}), \
	 gw_forwarded_client(&head, proxies, address) ? address : "")

static void
test_ranges(void **state)
{
	(void) state;
	assert_true(gw_forwarded_proxies_valid(""));
	assert_true(gw_forwarded_proxies_valid("127.0.0.1"));
	assert_true(gw_forwarded_proxies_valid(" 10.0.0.0/8, ::1 ,fd00::/8,0.0.0.0/0"));
	for (const char **bad =
			 (const char *[]){"x", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8x", ",",
							  "::1/129", "10.0.0.1,", "10.0.0", "localhost", NULL};
		 *bad; bad++)
		assert_false(gw_forwarded_proxies_valid(*bad));
	assert_true(gw_forwarded_proxies_hold("10.0.0.0/8", "10.255.0.1"));
	assert_false(gw_forwarded_proxies_hold("10.0.0.0/8", "11.0.0.1"));
	assert_true(gw_forwarded_proxies_hold("10.0.0.128/25", "10.0.0.128"));
	assert_false(gw_forwarded_proxies_hold("10.0.0.128/25", "10.0.0.127"));
	assert_true(gw_forwarded_proxies_hold("192.0.2.1", "192.0.2.1"));
	assert_false(gw_forwarded_proxies_hold("192.0.2.1", "192.0.2.2"));
	assert_true(gw_forwarded_proxies_hold("0.0.0.0/0", "1.2.3.4"));
	assert_false(gw_forwarded_proxies_hold("0.0.0.0/0", "::2"));
	assert_true(gw_forwarded_proxies_hold("::1,fd00::/8", "fd12::3"));
	assert_true(gw_forwarded_proxies_hold("10.0.0.0/8", "::ffff:10.1.2.3"));
	assert_false(gw_forwarded_proxies_hold("", "10.1.2.3"));
	assert_false(gw_forwarded_proxies_hold("10.0.0.0/8", "unknown"));
}

static void
test_client(void **state)
{
	const char *p = "10.0.0.0/8";

	(void) state;
	assert_string_equal(CLIENT(p, "X-Forwarded-For", "192.0.2.1"), "192.0.2.1");
	assert_string_equal(CLIENT(p, "x-forwarded-for", "198.51.100.9, 192.0.2.1:4711 , 10.1.1.1"),
						"192.0.2.1");
	assert_string_equal(CLIENT(p, "X-Forwarded-For", "[2001:db8::1]:80"), "2001:db8::1");
	assert_string_equal(CLIENT(p, "X-Forwarded-For", "2001:db8::1"), "2001:db8::1");
	assert_string_equal(CLIENT(p, "X-Forwarded-For", "192.0.2.1", "X-Forwarded-For", "10.0.0.2"),
						"192.0.2.1");
	assert_string_equal(CLIENT(p, "X-Forwarded-For", "10.0.0.3,10.0.0.2"), "10.0.0.3");
	assert_string_equal(CLIENT(p, "X-Forwarded-For", "192.0.2.1, junk"), "");
	assert_string_equal(CLIENT(p, "X-Forwarded-For", "junk, 10.0.0.2"), "10.0.0.2");
	assert_string_equal(CLIENT(p, "X-Forwarded-For", ""), "");
	assert_string_equal(
		CLIENT(p, "Forwarded", "for=192.0.2.43, for=\"[2001:db8:cafe::17]:4711\";proto=https"),
		"2001:db8:cafe::17");
	assert_string_equal(CLIENT(p, "Forwarded", "proto=http; For=192.0.2.60;by=203.0.113.43"),
						"192.0.2.60");
	assert_string_equal(CLIENT(p, "Forwarded", "for=_hidden"), "");
	assert_string_equal(CLIENT(p, "Forwarded", "for=192.0.2.1", "X-Forwarded-For", "192.0.2.2"),
						"192.0.2.2");
	assert_string_equal(CLIENT(p, "Other", "192.0.2.1"), "");
}

static void
test_prefix(void **state)
{
	(void) state;
	set_fields((const char *const[]){"X-Forwarded-Prefix", "/a/b/", NULL});
	assert_slice(gw_forwarded_prefix(&head), "/a/b");
	for (const char **none = (const char *[]){"/", "", "a", "//", NULL}; *none; none++)
	{
		set_fields((const char *const[]){"X-Forwarded-Prefix", *none, NULL});
		assert_int_equal(gw_forwarded_prefix(&head).len, 0);
	}
}

static void
test_local(void **state)
{
	(void) state;
	set_fields((const char *const[]){"Host", "a", NULL});
	assert_true(gw_forwarded_is_local(&head, "127.0.0.1"));
	assert_true(gw_forwarded_is_local(&head, "127.1.2.3"));
	assert_true(gw_forwarded_is_local(&head, "::1"));
	assert_true(gw_forwarded_is_local(&head, "::ffff:127.0.0.1"));
	assert_false(gw_forwarded_is_local(&head, "192.0.2.1"));
	assert_false(gw_forwarded_is_local(&head, "::2"));
	for (const char **name =
			 (const char *[]){"Forwarded", "X-FORWARDED-FOR", "X-Real-IP", "Via",
							  "x-forwarded-proto", "X-Envoy-Internal", "X-Client-Ip", NULL};
		 *name; name++)
	{
		set_fields((const char *const[]){*name, "127.0.0.1", NULL});
		assert_false(gw_forwarded_is_local(&head, "127.0.0.1"));
	}
	set_fields(
		(const char *const[]){"X-Forward", "a", "Vi", "b", "Via-", "c", "X-Real-IP-", "d", NULL});
	assert_true(gw_forwarded_is_local(&head, "127.0.0.1"));
}

/* A page of a stranger's may have its name lead to this machine, and then runs in a browser
 * here. */
static void
test_local_names(void **state)
{
	(void) state;
	head.header_count = 0;
	for (const char **name =
			 (const char *[]){"localhost", "LocalHost:8181", "localhost.", "lake", "a.LOCALHOST:1",
							  "127.0.0.1:8181", "127.0.0.1", "[::1]:8181", "192.0.2.1", NULL};
		 *name; name++)
	{
		head.host = (GwSlice){*name, strlen(*name)};
		assert_true(gw_forwarded_is_local(&head, "127.0.0.1"));
	}
	for (const char **name =
			 (const char *[]){"evil.example", "evil.example:8181", "localhost.evil.example",
							  "127.0.0.1.evil.example", "1.2.3", "xlocalhost.example.", NULL};
		 *name; name++)
	{
		head.host = (GwSlice){*name, strlen(*name)};
		assert_false(gw_forwarded_is_local(&head, "127.0.0.1"));
	}
	head.host = (GwSlice){NULL, 0};
}

static bool
contradicts(const char *const *fields)
{
	set_fields(fields);
	return gw_forwarded_contradicts(&head, "10.0.0.0/8");
}

static void
test_contradictions(void **state)
{
#define FIELDS(...) ((const char *const[]){__VA_ARGS__, NULL})
	(void) state;
	assert_false(contradicts(FIELDS("X-Forwarded-For", "192.0.2.1")));
	assert_false(contradicts(FIELDS("Forwarded", "for=192.0.2.1")));
	assert_false(contradicts(FIELDS("X-Forwarded-For", "192.0.2.9, 192.0.2.1", "Forwarded",
									"for=192.0.2.1;proto=https")));
	assert_false(contradicts(
		FIELDS("X-Forwarded-For", "2001:DB8::0:1", "Forwarded", "for=\"[2001:db8::1]:5\"")));
	assert_true(contradicts(FIELDS("X-Forwarded-For", "192.0.2.2", "Forwarded", "for=192.0.2.1")));
	assert_true(contradicts(FIELDS("X-Forwarded-For", "192.0.2.2", "Forwarded", "for=\"[::2]\"")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ranges),      cmocka_unit_test(test_client),
		cmocka_unit_test(test_prefix),      cmocka_unit_test(test_local),
		cmocka_unit_test(test_local_names), cmocka_unit_test(test_contradictions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
