/*
 * catalog.h
 *		What the catalog has one of for all databases: gates, the cache, rates. The number of the
 *		database is in every key.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_CATALOG_H
#define GW_CATALOG_H

#include "base/rates.h"
#include "catalog/cache.h"
#include "db/gate.h"

typedef struct GwCatalog
{
	GwGates *gates;
	GwCache *cache;
	GwRates *rates;
	GwCache *role_rates; /* what databases say of roles; see role_rates.h */
} GwCatalog;

extern GwCatalog gw_catalog;

extern void gw_catalog_start(void);

#endif
