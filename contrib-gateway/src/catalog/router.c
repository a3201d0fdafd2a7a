/*
 * router.c
 *		The route table and its matching; see router.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "catalog/router.h"

#include "base/url.h"

#define READ GW_READ
#define WRITE GW_WRITE
#define GATED GW_ROUTE_GATED
#define COMMIT GW_ROUTE_COMMIT
#define KEYED GW_ROUTE_KEYED
#define ASIDE GW_ROUTE_ASIDE
#define PREFIX GW_PART_PREFIX
#define NAMESPACE GW_PART_NAMESPACE
#define TABLE GW_PART_TABLE
#define VIEW GW_PART_VIEW
#define BODY GW_PART_BODY
#define QUERY_WAREHOUSE GW_PART_QUERY_WAREHOUSE
#define QUERY_PARENT GW_PART_QUERY_PARENT
#define QUERY_PURGE GW_PART_QUERY_PURGE
#define QUERY_PAGE_TOKEN GW_PART_QUERY_PAGE_TOKEN
#define QUERY_PAGE_SIZE GW_PART_QUERY_PAGE_SIZE
#define SEPARATOR GW_PART_SEPARATOR
#define QUERY_SNAPSHOTS GW_PART_QUERY_SNAPSHOTS
#define HEADER_IF_NONE_MATCH GW_PART_HEADER_IF_NONE_MATCH

const GwRoute gw_routes[GW_ROUTE_COUNT] = {
#define GW_ROUTE(method, template, operation, access, answer, flags, sql, ...)                    \
	[GW_ROUTE_##operation] = {GW_##method,        template, #operation, access, \
							  GW_ANSWER_##answer, flags,    sql,        {__VA_ARGS__}},
#include "routes.def"
};

/* Which part a template segment such as "{table}" captures; NONE for a literal one. */
static GwPart
captured_part(GwSlice segment)
{
	if (gw_slice_is(segment, "{prefix}"))
		return GW_PART_PREFIX;
	if (gw_slice_is(segment, "{namespace}"))
		return GW_PART_NAMESPACE;
	if (gw_slice_is(segment, "{table}"))
		return GW_PART_TABLE;
	if (gw_slice_is(segment, "{view}"))
		return GW_PART_VIEW;
	return GW_PART_NONE;
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
	GwSlice		pieces[GW_SEGMENTS_MAX];
	GwSlice		path = {route->path_template, strlen(route->path_template)};
	int			n = gw_url_split(path, pieces, GW_SEGMENTS_MAX);

	if (n != count)
		return false;
	for (int i = 0; i < n; i++)
	{
		GwPart		part = captured_part(pieces[i]);

		if (part != GW_PART_NONE)
			match->raw[part] = segments[i];
		else if (!same(pieces[i], segments[i]))
			return false;
	}
	return true;
}

GwMatchKind
gw_router_match(GwMethod method, GwSlice path, GwMatch *match)
{
	GwSlice		segments[GW_SEGMENTS_MAX];
	int			count = gw_url_split(path, segments, GW_SEGMENTS_MAX);
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
gw_route_has(const GwRoute *route, GwPart part)
{
	for (int i = 0; i < GW_PARAMS_MAX; i++)
		if (route->parts[i] == part)
			return true;
	return false;
}

bool
gw_router_has_plus(const GwMatch *match, GwPart part)
{
	const GwSlice *raw = &match->raw[part];

	return gw_route_has(match->route, part) && raw->len > 0 && memchr(raw->data, '+', raw->len);
}

bool
gw_router_strip_base(GwSlice *path, GwSlice base)
{
	size_t		len = base.len;

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
		gw_text_puts(out, gw_http_method_name((GwMethod) i));
	}
}
