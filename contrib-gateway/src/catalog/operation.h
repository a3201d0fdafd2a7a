/*
 * operation.h
 *		What can be asked for: the routes, and pages that others add, such as /health.
 *
 * An operation is a number: first the routes, then GW_OPERATION_NONE, then the pages.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_OPERATION_H
#define GW_OPERATION_H

#include "catalog/router.h"
#include "http/reply.h"

enum
{
	GW_OPERATION_NONE = GW_ROUTE_COUNT, /* no route, or no request that could be understood */
	GW_OPERATION_PAGES
};

/* A page for GET and HEAD. Its path is not below base_path. */
typedef struct GwPage
{
	const char *path;
	const char *operation;
	void (*render)(GwReply *reply,
				   GwText *body); /* the reply is a 200 with JSON, unless this changes it */
} GwPage;

/* Before the first request. The table is not copied. */
extern void gw_operation_add_pages(const GwPage *pages, int count);

/* How many operations there are, and the name of each. */
extern int	gw_operation_count(void);
extern const char *gw_operation_name(int operation);

/* The operation of the page with that path, or GW_OPERATION_NONE. */
extern int	gw_operation_of_page(GwSlice path);
extern const GwPage *gw_operation_page(int operation);

#endif
