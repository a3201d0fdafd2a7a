/*
 * test_params.c
 *		What each kind of parameter takes and what it refuses; the memory that its values lie in;
 *		keys made of them.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "check.h"
#include "base/conf.h"
#include "base/limits.h"
#include "catalog/router.h"

static GwArena     arena;
static const char *fault;

/* Decodes a text; NULL is a parameter that was not sent. */
static const char *
decode(GwParam param, const char *text)
{
	GwParamInput input = {.raw = {text, text ? strlen(text) : 0},
						  .plus_is_space = gw_param_source(param) == GW_SOURCE_QUERY};

	fault = NULL;
	return gw_param_decode(param, &input, &arena, &fault);
}

static void
assert_refused(GwParam param, const char *text, const char *why)
{
	assert_null(decode(param, text));
	assert_non_null(fault);
	assert_string_equal(fault, why);
}

static void
assert_value(GwParam param, const char *text, const char *value)
{
	const char *got = decode(param, text);

	assert_null(fault);
	if (value == NULL)
		assert_null(got);
	else
		assert_string_equal(got, value);
}

static void
test_names(void **state)
{
	(void) state;
	assert_value(GW_PARAM_PREFIX, "a%2Fb+c", "a/b+c");
	assert_value(GW_PARAM_TABLE, "%25", "%");
	assert_refused(GW_PARAM_PREFIX, "", "The prefix is empty");
	assert_refused(GW_PARAM_TABLE, "", "The table name is empty");
	assert_refused(GW_PARAM_VIEW, "", "The view name is empty");
	decode(GW_PARAM_TABLE, "a%00b");
	assert_non_null(fault);
	assert_value(GW_PARAM_QUERY_WAREHOUSE, "a+b", "a b");
	assert_value(GW_PARAM_QUERY_WAREHOUSE, "", NULL);
}

static void
test_namespaces(void **state)
{
	(void) state;
	assert_value(GW_PARAM_NAMESPACE, "a%1Fb", "{\"a\",\"b\"}");
	decode(GW_PARAM_NAMESPACE, "");
	assert_non_null(fault);
	assert_value(GW_PARAM_QUERY_PARENT, "a", "{\"a\"}");
	assert_value(GW_PARAM_QUERY_PARENT, "", NULL);
}

static void
test_query(void **state)
{
	(void) state;
	assert_value(GW_PARAM_QUERY_PURGE, "True", "true");
	assert_value(GW_PARAM_QUERY_PURGE, NULL, NULL);
	assert_refused(GW_PARAM_QUERY_PURGE, "", "purgeRequested is neither true nor false");
	assert_value(GW_PARAM_QUERY_SNAPSHOTS, "REFS", "refs");
	assert_refused(GW_PARAM_QUERY_SNAPSHOTS, "some", "snapshots is neither all nor refs");
	assert_value(GW_PARAM_QUERY_PAGE_TOKEN, "", "");
	assert_value(GW_PARAM_QUERY_PAGE_TOKEN, NULL, NULL);
	assert_value(GW_PARAM_QUERY_PAGE_SIZE, "0012", "12");
	assert_value(GW_PARAM_QUERY_PAGE_SIZE, "99999999999999999999", "1000000000");
	assert_refused(GW_PARAM_QUERY_PAGE_SIZE, "0", "pageSize is not a positive integer");
	assert_refused(GW_PARAM_QUERY_PAGE_SIZE, "-1", "pageSize is not a positive integer");
}

/* Views, by commas that are not encoded, or that are encoded with all the rest. */
static void
test_references(void **state)
{
	(void) state;
	assert_value(GW_PARAM_QUERY_REFERENCED_BY, NULL, NULL);
	assert_value(GW_PARAM_QUERY_REFERENCED_BY, "", NULL);
	assert_value(GW_PARAM_QUERY_REFERENCED_BY, "a%1Fv", "[[\"a\",\"v\"]]");
	assert_value(GW_PARAM_QUERY_REFERENCED_BY, "a%1fb%1Fv,c%1Fw",
				 "[[\"a\",\"b\",\"v\"],[\"c\",\"w\"]]");
	assert_value(GW_PARAM_QUERY_REFERENCED_BY, "a%1Fv%2Cw,c%1Fw",
				 "[[\"a\",\"v,w\"],[\"c\",\"w\"]]");
	assert_value(GW_PARAM_QUERY_REFERENCED_BY, "a%1Fv%2Cc%1Fw", "[[\"a\",\"v\"],[\"c\",\"w\"]]");
	assert_value(GW_PARAM_QUERY_REFERENCED_BY, "a%1Fv%2Cw", "[[\"a\",\"v,w\"]]");
	assert_value(GW_PARAM_QUERY_REFERENCED_BY, "a%1F%22%5C%0A+x", "[[\"a\",\"\\\"\\\\\\n x\"]]");
	assert_refused(GW_PARAM_QUERY_REFERENCED_BY, "v",
				   "referenced-by: a view is named by its namespace and name");
	assert_refused(GW_PARAM_QUERY_REFERENCED_BY, "a%1Fv,", "referenced-by: a name is empty");
	assert_refused(GW_PARAM_QUERY_REFERENCED_BY, ",a%1Fv", "referenced-by: a name is empty");
	assert_refused(GW_PARAM_QUERY_REFERENCED_BY, "a%1F%1Fv", "referenced-by: a name is empty");
	assert_refused(GW_PARAM_QUERY_REFERENCED_BY, "a%1Fv%2",
				   "The URL holds a % that is not followed by two hexadecimal digits");
}

static void
test_header_body_setting(void **state)
{
	static GwHttpHead head;
	GwParamInput      input = {.head = &head};
	char              separator[] = "%2E";

	(void) state;
	head.headers[0] = (GwHeader){GW_LITERAL("if-none-match"), GW_LITERAL("W/\"a\", \"b\"")};
	assert_null(gw_param_decode(GW_PARAM_HEADER_IF_NONE_MATCH, &input, &arena, &fault));
	head.header_count = 1;
	assert_string_equal(gw_param_decode(GW_PARAM_HEADER_IF_NONE_MATCH, &input, &arena, &fault),
						"W/\"a\",\"b\"");
	assert_value(GW_PARAM_BODY, "{}", "{}");
	assert_refused(GW_PARAM_BODY, "", "The request body is empty");
	assert_refused(GW_PARAM_BODY, "\xff", "The request body is not UTF-8");
	gw_conf.namespace_separator = separator;
	assert_value(GW_PARAM_SEPARATOR, NULL, "%2E");
}

static void
test_found_by_wire_name(void **state)
{
	(void) state;
	assert_int_equal(gw_param_find(GW_SOURCE_QUERY, GW_LITERAL("pageSize")),
					 GW_PARAM_QUERY_PAGE_SIZE);
	assert_int_equal(gw_param_find(GW_SOURCE_QUERY, GW_LITERAL("pagesize")), GW_PARAM_NONE);
	assert_int_equal(gw_param_find(GW_SOURCE_QUERY, GW_LITERAL("view")), GW_PARAM_NONE);
	assert_int_equal(gw_param_find(GW_SOURCE_PATH, GW_LITERAL("view")), GW_PARAM_VIEW);
	assert_int_equal(gw_param_find(GW_SOURCE_QUERY, GW_LITERAL("table")), GW_PARAM_QUERY_TABLE);
}

/* What is taken stays in its place while more is taken, also across blocks. */
static void
test_arena(void **state)
{
	GwArena     own = {0};
	const char *texts[100];
	char       *large;

	(void) state;
	for (int round = 0; round < 2; round++)
	{
		gw_arena_open(&own);
		for (int i = 0; i < 100; i++)
			texts[i] =
				gw_arena_copy(&own, GW_LITERAL("0123456789abcdef0123456789abcdef0123456789abcdef"));
		large = gw_arena_take(&own, 2 * GW_KEPT_BYTES_MAX);
		memset(large, 'x', 2 * GW_KEPT_BYTES_MAX);
		for (int i = 0; i < 100; i++)
			assert_string_equal(texts[i], "0123456789abcdef0123456789abcdef0123456789abcdef");
		assert_string_equal(gw_arena_copy(&own, (GwSlice){NULL, 0}), "");
		gw_arena_close(&own);
	}
	gw_arena_free(&own);
	assert_null(own.newest);
}

static void
test_keys(void **state)
{
	const char    *values[GW_PARAM_COUNT] = {[GW_PARAM_PREFIX] = "w",
											 [GW_PARAM_NAMESPACE] = "{n}",
											 [GW_PARAM_TABLE] = "t",
											 [GW_PARAM_HEADER_IF_NONE_MATCH] = "*"};
	const GwRoute *route = &gw_routes[GW_ROUTE_loadTable];
	GwSlice        key;

	(void) state;
	key = gw_router_key(route, values, 1u << GW_SOURCE_PATH, (const char *[]){NULL}, &arena);
	assert_int_equal(key.len, sizeof("+\0w\0+\0{n}\0+\0t"));
	assert_memory_equal(key.data, "+\0w\0+\0{n}\0+\0t", key.len);
	key = gw_router_key(route, values, 1u << GW_SOURCE_PATH | 1u << GW_SOURCE_QUERY,
						(const char *[]){"x", NULL}, &arena);
	assert_int_equal(key.len, sizeof("+\0w\0+\0{n}\0+\0t\0\0\0\0\0x"));
	assert_memory_equal(key.data, "+\0w\0+\0{n}\0+\0t\0\0\0\0\0x", key.len);
	values[GW_PARAM_QUERY_SNAPSHOTS] = ""; /* empty is not the same as absent */
	key = gw_router_key(route, values, 1u << GW_SOURCE_PATH | 1u << GW_SOURCE_QUERY,
						(const char *[]){"x", NULL}, &arena);
	assert_int_equal(key.len, sizeof("+\0w\0+\0{n}\0+\0t\0+\0\0\0\0x"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_namespaces),
		cmocka_unit_test(test_query),
		cmocka_unit_test(test_references),
		cmocka_unit_test(test_header_body_setting),
		cmocka_unit_test(test_found_by_wire_name),
		cmocka_unit_test(test_arena),
		cmocka_unit_test(test_keys),
	};
	char separator[] = "%1F";
	int  failed;

	gw_conf.namespace_separator = separator;
	failed = cmocka_run_group_tests_name("params", tests, NULL, NULL);
	gw_arena_free(&arena);
	return failed;
}
