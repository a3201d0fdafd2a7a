/*
 * router.c
 *		The route table and its matching; see router.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "catalog/router.h"

#include "base/url.h"

#define READ     GW_READ
#define WRITE    GW_WRITE
#define GATED    GW_ROUTE_GATED
#define STREAM   GW_ROUTE_STREAM
#define SOCKET   GW_ROUTE_SOCKET
#define COMMIT   GW_ROUTE_COMMIT
#define KEYED    GW_ROUTE_KEYED
#define ASIDE    GW_ROUTE_ASIDE
#define CACHED   GW_ROUTE_CACHED
#define SECRET   GW_ROUTE_SECRET
#define SWITCHED GW_ROUTE_SWITCHED

/* The parameters, as routes.def calls them. */
enum
{
#define GW_PARAMETER(name, ...) name = GW_PARAM_##name,
#include "catalog/parameters.def"
};

const GwRoute gw_routes[GW_ROUTE_COUNT] = {
#define GW_ROUTE(method, template, operation, access, answer, flags, sql, ...)  \
	[GW_ROUTE_##operation] = {GW_##method,        template, #operation, access, \
							  GW_ANSWER_##answer, flags,    sql,        {__VA_ARGS__}},
#include "routes.def"
};

const int gw_route_pieces[GW_ROUTE_COUNT][GW_PARAMS_MAX] = {
#define GW_PIECES(operation, sql, ...) [GW_ROUTE_##operation] = {__VA_ARGS__},
#include "routes.def"
};

/* Which parameter a template segment such as "{table}" captures; NONE for a literal one. */
static GwParam
captured(GwSlice segment)
{
	if (segment.len < 2 || segment.data[0] != '{')
		return GW_PARAM_NONE;
	return gw_param_find(GW_SOURCE_PATH, (GwSlice){segment.data + 1, segment.len - 2});
}

static bool
same(GwSlice a, GwSlice b)
{
	return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

/* Does the path fit the route's template? Fills match->raw as it goes. */
static bool
fits(const GwRoute *route, const GwSlice *segments, int count, GwMatch *match)
{
	GwSlice pieces[GW_SEGMENTS_MAX];
	GwSlice path = {route->path_template, strlen(route->path_template)};
	int     n = gw_url_split(path, pieces, GW_SEGMENTS_MAX);

	if (n != count)
		return false;
	for (int i = 0; i < n; i++)
	{
		GwParam param = captured(pieces[i]);

		if (param != GW_PARAM_NONE)
			match->raw[param] = segments[i];
		else if (!same(pieces[i], segments[i]))
			return false;
	}
	return true;
}

GwMatchKind
gw_router_match(GwMethod method, GwSlice path, GwMatch *match)
{
	GwSlice        segments[GW_SEGMENTS_MAX];
	int            count = gw_url_split(path, segments, GW_SEGMENTS_MAX);
	const GwRoute *get = NULL;

	memset(match, 0, sizeof(*match));
	for (int i = 0; i < GW_ROUTE_COUNT && count > 0; i++)
	{
		const GwRoute *route = &gw_routes[i];

		if (!fits(route, segments, count, match))
			continue;
		match->allowed |= 1u << route->method;
		if (route->method == method)
		{
			match->route = route;
			return GW_MATCH_FOUND;
		}
		if (route->method == GW_GET)
		{
			get = route;
			match->allowed |= 1u << GW_HEAD;
		}
	}
	if (method == GW_HEAD && get != NULL)
	{
		match->route = get;
		return GW_MATCH_FOUND;
	}
	return match->allowed ? GW_MATCH_NO_METHOD : GW_MATCH_NO_PATH;
}

bool
gw_router_has(const GwRoute *route, GwParam param)
{
	for (int i = 0; i < GW_PARAMS_MAX; i++)
		if (route->params[i] == (int) param)
			return true;
	return false;
}

/* Writes a text and its NUL; without a place it only counts. */
static size_t
put_text(char *at, size_t len, const char *text)
{
	size_t size = strlen(text) + 1;

	if (at != NULL)
		memcpy(at + len, text, size);
	return len + size;
}

static size_t
put_key(const GwRoute *route, const char *const *values, unsigned sources, const char *const *more,
		char *at)
{
	size_t len = 0;

	for (int i = 0; i < GW_PARAMS_MAX && route->params[i] != GW_PARAM_NONE; i++)
	{
		const char *value = values[route->params[i]];

		if ((sources & 1u << gw_param_source((GwParam) route->params[i])) == 0)
			continue;
		len = put_text(at, len, value != NULL ? "+" : ""); /* absent is not the same as empty */
		len = put_text(at, len, value != NULL ? value : "");
	}
	for (; *more != NULL; more++)
		len = put_text(at, len, *more);
	return len;
}

GwSlice
gw_router_key(const GwRoute *route, const char *const *values, unsigned sources,
			  const char *const *more, GwArena *arena)
{
	size_t len = put_key(route, values, sources, more, NULL);
	char  *at = gw_arena_take(arena, len);

	put_key(route, values, sources, more, at);
	return (GwSlice){at, len};
}

bool
gw_router_strip_base(GwSlice *path, GwSlice base)
{
	size_t len = base.len;

	while (len > 0 && base.data[len - 1] == '/')
		len--;
	if (path->len < len || memcmp(path->data, base.data, len) != 0)
		return false;
	if (path->len > len && path->data[len] != '/')
		return false;
	path->data += len;
	path->len -= len;
	return true;
}

void
gw_router_allow(unsigned allowed, GwText *out)
{
	for (int i = 0; i < GW_METHOD_COUNT; i++)
	{
		if ((allowed & (1u << i)) == 0)
			continue;
		if (out->len > 0)
			gw_text_puts(out, ", ");
		gw_text_puts(out, gw_parse_method_name((GwMethod) i));
	}
}
