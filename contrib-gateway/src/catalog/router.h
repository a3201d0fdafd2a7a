/*
 * router.h
 *		From a method and a raw path to one line of routes.def. Pure.
 *
 * Matching looks at raw segments: an encoded name can never be taken for a literal segment.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_ROUTER_H
#define GW_ROUTER_H

#include "http/parse.h"

typedef enum GwPart
{
	GW_PART_NONE,
	GW_PART_PREFIX,
	GW_PART_NAMESPACE,
	GW_PART_TABLE,
	GW_PART_VIEW,
	GW_PART_BODY,
	GW_PART_QUERY_WAREHOUSE,
	GW_PART_QUERY_PARENT,
	GW_PART_QUERY_PURGE,
	GW_PART_QUERY_PAGE_TOKEN,
	GW_PART_QUERY_PAGE_SIZE,
	GW_PART_SEPARATOR,
	GW_PART_QUERY_SNAPSHOTS,
	GW_PART_HEADER_IF_NONE_MATCH,
	GW_PART_COUNT
} GwPart;

typedef enum GwAccess
{
	GW_READ,
	GW_WRITE
} GwAccess;

typedef enum GwAnswer
{
	GW_ANSWER_JSON,
	GW_ANSWER_TAGGED,			/* JSON with an entity tag, or 304 */
	GW_ANSWER_VOID,
	GW_ANSWER_EXISTS
} GwAnswer;

#define GW_ROUTE_GATED 1
#define GW_ROUTE_COMMIT 2
#define GW_ROUTE_KEYED 4
#define GW_ROUTE_ASIDE 8

typedef struct GwRoute
{
	GwMethod	method;
	const char *path_template;
	const char *operation;
	GwAccess	access;
	GwAnswer	answer;
	int			flags;
	const char *sql;
	GwPart		parts[GW_PARAMS_MAX];
} GwRoute;

/* Index of each route; also the number of its statement, its metrics, and so on. */
typedef enum GwRouteId
{
#define GW_ROUTE(method, template, operation, ...) GW_ROUTE_##operation,
#include "routes.def"
	GW_ROUTE_COUNT
} GwRouteId;

extern const GwRoute gw_routes[GW_ROUTE_COUNT];

typedef enum GwMatchKind
{
	GW_MATCH_FOUND,
	GW_MATCH_NO_PATH,			/* 404 */
	GW_MATCH_NO_METHOD			/* 405; allowed tells the methods */
} GwMatchKind;

typedef struct GwMatch
{
	const GwRoute *route;
	unsigned	allowed;		/* bit per GwMethod */
	GwSlice		raw[GW_PART_COUNT]; /* raw segments of PREFIX, NAMESPACE, TABLE and VIEW */
} GwMatch;

/* HEAD finds a GET route where it has none of its own. */
extern GwMatchKind gw_router_match(GwMethod method, GwSlice path, GwMatch *match);
extern bool gw_route_has(const GwRoute *route, GwPart part);

/* Takes the base path off the front; false when the path is not below it. */
extern bool gw_router_strip_base(GwSlice *path, GwSlice base);

/* Does a segment of the path that is a name hold a '+', which some clients mean as a space? */
extern bool gw_router_has_plus(const GwMatch *match, GwPart part);

/* "GET, HEAD" for an Allow field. */
extern void gw_router_allow(unsigned allowed, GwText *out);

#endif
