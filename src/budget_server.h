/*
 * budget_server.h
 *		What only the server knows of the bounds in budget.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_BUDGET_SERVER_H
#define ICE_BUDGET_SERVER_H

#include "postgres.h"

#include "lib/stringinfo.h"

/* When the library is loaded. */
extern void ice_budget_init(void);

/* Memory in this context is not counted until the next call, or ice_spi_begin(): documents that are
 * read from the database, which took them under the limit. Returns the context that was exempt
 * before, or NULL. */
extern MemoryContext ice_budget_exempt(MemoryContext context);

/* Would ice_budget_reserve() let these bytes be allocated in the current context? Raises
 * nothing. */
extern bool ice_budget_fits(size_t bytes);

/* enlargeStringInfo() of a buffer in the current context, out of the budget. */
extern void ice_budget_enlarge(StringInfo buffer, size_t needed);

#endif
