/*
 * statements.h
 *		The statements of the catalog: one for each route, and what goes with them.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_STATEMENTS_H
#define GW_STATEMENTS_H

#include "catalog/router.h"
#include "db/statement.h"

/* The statement of a route, the one that reads its answer in pieces, and the one of several calls
 * at once. */
#define GW_STATEMENT_OF(route)        (GW_STATEMENT_FIRST + (int) (route))
#define GW_STATEMENT_PIECES_OF(route) GW_STATEMENT_OF(GW_ROUTE_COUNT + (int) (route))
#define GW_STATEMENT_GROUP_OF(route)  GW_STATEMENT_PIECES_OF(GW_ROUTE_COUNT + (int) (route))

enum
{
	GW_STATEMENT_REQUEST_ID = GW_STATEMENT_GROUP_OF(GW_ROUTE_COUNT),
	GW_STATEMENT_KEY,
	GW_STATEMENT_KEY_ERROR,
	GW_STATEMENT_DEDUPLICATE,
	GW_STATEMENT_DELEGATION,
	GW_STATEMENT_CONFIG_PREFIX,
	GW_STATEMENT_MAINTENANCE,
	GW_STATEMENT_WORKER,
	GW_STATEMENT_LOCAL_TIMEOUT,
	GW_STATEMENT_LISTEN_FILES,
	GW_STATEMENT_QUEUED_FILES,
	GW_STATEMENT_PRINCIPAL_ROLE,
	GW_STATEMENT_AUDIT,
	GW_STATEMENT_CREDENTIAL,
	GW_STATEMENT_SIGNING_KEYS,
	GW_STATEMENT_MAKE_SIGNING_KEY,
	GW_STATEMENT_RATES,
	GW_STATEMENT_EVENT_FEED,
	GW_STATEMENT_END
};

extern const GwStatements gw_statements;

#endif
