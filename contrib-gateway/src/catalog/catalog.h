/*
 * catalog.h
 *		What the catalog has one of: pools of database connections, gates, the cache.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_CATALOG_H
#define GW_CATALOG_H

#include "base/rates.h"
#include "catalog/cache.h"
#include "db/gate.h"
#include "db/pool.h"

typedef struct GwCatalog
{
	GwPool  *reads;
	GwPool  *writes;
	GwPool  *streams; /* answers too large to be held */
	GwGates *gates;
	GwCache *cache;
	GwRates *rates;
} GwCatalog;

extern GwCatalog gw_catalog;

/* A pool for the statements of the catalog, on its database. */
extern GwPool *gw_catalog_pool(struct event_base *base, const char *name, GwPoolKind kind,
							   int64_t connections);

extern void gw_catalog_start(struct event_base *base);

/* Once per tick: timeouts, reconnects. Once per turn of the event loop: sends what was queued. */
extern void gw_catalog_tick(uint64_t now_us);
extern void gw_catalog_flush(void);

#endif
