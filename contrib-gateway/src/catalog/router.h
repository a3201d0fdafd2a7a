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

#include "catalog/params.h"

typedef enum GwAccess
{
	GW_READ,
	GW_WRITE
} GwAccess;

typedef enum GwAnswer
{
	GW_ANSWER_JSON,
	GW_ANSWER_TAGGED, /* JSON with an entity tag, or 304 */
	GW_ANSWER_VOID,
	GW_ANSWER_EXISTS
} GwAnswer;

#define GW_ROUTE_GATED    1
#define GW_ROUTE_COMMIT   2
#define GW_ROUTE_KEYED    4
#define GW_ROUTE_ASIDE    8
#define GW_ROUTE_CACHED   16
#define GW_ROUTE_SECRET   32
#define GW_ROUTE_STREAM   64
#define GW_ROUTE_SOCKET   128
#define GW_ROUTE_SWITCHED 256

typedef struct GwRoute
{
	GwMethod    method;
	const char *path_template;
	const char *operation;
	GwAccess    access;
	GwAnswer    answer;
	int         flags;
	const char *sql;
	int         params[GW_PARAMS_MAX]; /* each a GwParam; NONE after the last */
} GwRoute;

/* Index of each route; also the number of its statement, its metrics, and so on. */
typedef enum GwRouteId
{
#define GW_ROUTE(method, template, operation, ...) GW_ROUTE_##operation,
#include "routes.def"
	GW_ROUTE_COUNT
} GwRouteId;

extern const GwRoute gw_routes[GW_ROUTE_COUNT];

/* The parameters with which a route's answer is read in pieces; only NONE where that cannot be. */
extern const int gw_route_pieces[GW_ROUTE_COUNT][GW_PARAMS_MAX];

typedef enum GwMatchKind
{
	GW_MATCH_FOUND,
	GW_MATCH_NO_PATH,  /* 404 */
	GW_MATCH_NO_METHOD /* 405; allowed tells the methods */
} GwMatchKind;

typedef struct GwMatch
{
	const GwRoute *route;
	unsigned       allowed;             /* bit per GwMethod */
	GwSlice        raw[GW_PARAM_COUNT]; /* segments for parameters of the path, as they came */
} GwMatch;

/* HEAD finds a GET route where it has none of its own. */
extern GwMatchKind gw_router_match(GwMethod method, GwSlice path, GwMatch *match);
extern bool        gw_router_has(const GwRoute *route, GwParam param);

/*
 * What tells one request of a route from another: its values of parameters from these sources (a
 * bit for each GwSource), and further texts up to a NULL, each with a NUL behind it.
 */
extern GwSlice gw_router_key(const GwRoute *route, const char *const *values, unsigned sources,
							 const char *const *more, GwArena *arena);

/* Takes the base path off the front; false when the path is not below it. */
extern bool gw_router_strip_base(GwSlice *path, GwSlice base);

/* "GET, HEAD" for an Allow field. */
extern void gw_router_allow(unsigned allowed, GwText *out);

#endif
