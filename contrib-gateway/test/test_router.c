/*
 * test_router.c
 *		Every route is found by its own path, and by nothing that merely looks like it.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "check.h"
#include "catalog/router.h"

static GwMatch match;

static GwMatchKind
look_up(GwMethod method, const char *path)
{
	return gw_router_match(method, (GwSlice){path, strlen(path)}, &match);
}

/* Writes the template with values for its names. */
static void
fill_template(const char *template, char *path)
{
	const char *p = template;

	while (*p != '\0')
	{
		if (*p != '{')
		{
			*path++ = *p++;
			continue;
		}
		*path++ = 'x';
		p = strchr(p, '}') + 1;
	}
	*path = '\0';
}

static void
test_every_route(void **state)
{
	char path[200];

	(void) state;
	for (int i = 0; i < GW_ROUTE_COUNT; i++)
	{
		fill_template(gw_routes[i].path_template, path);
		assert_int_equal(look_up(gw_routes[i].method, path), GW_MATCH_FOUND);
		assert_ptr_equal(match.route, &gw_routes[i]);
	}
}

/* The number of parameters and of $n in the SQL agree. */
static void
test_parameters_agree(void **state)
{
	(void) state;
	for (int i = 0; i < GW_ROUTE_COUNT; i++)
	{
		int count = 0;

		while (count < GW_PARAMS_MAX && gw_routes[i].params[count] != GW_PARAM_NONE)
		{
			char mark[16];

			snprintf(mark, sizeof(mark), "$%d", ++count);
			assert_non_null(strstr(gw_routes[i].sql, mark));
		}
		assert_null(strchr(gw_routes[i].sql, (char) ('0' + count + 1)));
		assert_int_equal(gw_router_has(&gw_routes[i], GW_PARAM_BODY),
						 gw_routes[i].method == GW_POST && i != GW_ROUTE_unregisterTable &&
							 i != GW_ROUTE_undropTable && i != GW_ROUTE_undropView &&
							 i != GW_ROUTE_protectTable && i != GW_ROUTE_protectView &&
							 i != GW_ROUTE_protectNamespace);
	}
}

static void
test_segments_are_raw(void **state)
{
	(void) state;
	assert_int_equal(look_up(GW_GET, "/v1/w/namespaces/a%2Ftables%2Fb"), GW_MATCH_FOUND);
	assert_slice(match.raw[GW_PARAM_NAMESPACE], "a%2Ftables%2Fb");
	assert_int_equal(look_up(GW_GET, "/v1/w/namespaces/tables/tables/tables"), GW_MATCH_FOUND);
	assert_slice(match.raw[GW_PARAM_TABLE], "tables");
	assert_int_equal(look_up(GW_GET, "/v1/w/namespaces/n/tables/rename"), GW_MATCH_FOUND);
	assert_int_equal(look_up(GW_GET, "/v1/w/%6Eamespaces"), GW_MATCH_NO_PATH);
	assert_int_equal(look_up(GW_GET, "/v1/config/namespaces"), GW_MATCH_FOUND);
	assert_slice(match.raw[GW_PARAM_PREFIX], "config");
}

static void
test_no_such_path(void **state)
{
	static const char *const paths[] = {
		"/",
		"/v1",
		"/v1/",
		"/v2/config",
		"/v1/config/",
		"/v1//config",
		"/v1/namespaces",
		"/v1/oauth/tokens",
		"/v1/w/namespaces/n/tables/t/plan",
		"/a/b/c/d/e/f/g/h/i/j/k/l/m/n",
		"*",
	};

	(void) state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		assert_int_equal(look_up(GW_GET, paths[i]), GW_MATCH_NO_PATH);
}

static void
test_methods(void **state)
{
	GwText allow = {0};

	(void) state;
	assert_int_equal(look_up(GW_PUT, "/v1/w/namespaces/n/tables/t"), GW_MATCH_NO_METHOD);
	gw_router_allow(match.allowed, &allow);
	assert_string_equal(allow.data, "GET, HEAD, POST, DELETE");
	gw_text_free(&allow);
	assert_int_equal(look_up(GW_GET, "/v1/w/tables/rename"), GW_MATCH_NO_METHOD);
	assert_int_equal(match.allowed, 1u << GW_POST);
	assert_int_equal(look_up(GW_HEAD, "/v1/config"), GW_MATCH_FOUND);
	assert_ptr_equal(match.route, &gw_routes[GW_ROUTE_getConfig]);
	assert_int_equal(look_up(GW_HEAD, "/v1/w/namespaces/n"), GW_MATCH_FOUND);
	assert_ptr_equal(match.route, &gw_routes[GW_ROUTE_namespaceExists]);
	assert_int_equal(look_up(GW_OPTIONS, "/v1/config"), GW_MATCH_NO_METHOD);
}

static const char *
strip(const char *path, const char *base)
{
	static char rest[100];
	GwSlice     slice = {path, strlen(path)};

	if (!gw_router_strip_base(&slice, (GwSlice){base, strlen(base)}))
		return NULL;
	memcpy(rest, slice.data, slice.len);
	rest[slice.len] = '\0';
	return rest;
}

static void
test_base_path(void **state)
{
	(void) state;
	assert_string_equal(strip("/v1/config", "/"), "/v1/config");
	assert_string_equal(strip("/iceberg/v1/config", "/iceberg"), "/v1/config");
	assert_string_equal(strip("/iceberg/v1/config", "/iceberg/"), "/v1/config");
	assert_string_equal(strip("/a/b/v1/config", "/a/b"), "/v1/config");
	assert_null(strip("/v1/config", "/iceberg"));
	assert_null(strip("/icebergs/v1/config", "/iceberg"));
	assert_string_equal(strip("/iceberg", "/iceberg"), "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_route),      cmocka_unit_test(test_parameters_agree),
		cmocka_unit_test(test_segments_are_raw), cmocka_unit_test(test_no_such_path),
		cmocka_unit_test(test_methods),          cmocka_unit_test(test_base_path),
	};

	return cmocka_run_group_tests_name("router", tests, NULL, NULL);
}
