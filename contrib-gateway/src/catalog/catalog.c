/*
 * catalog.c
 *		What the catalog has one of; see catalog.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "catalog/catalog.h"

#include "catalog/operation.h"

GwCatalog gw_catalog;

void
gw_catalog_start(void)
{
	gw_operation_start();
	gw_catalog.gates = gw_gates_create();
	gw_catalog.cache = gw_cache_create();
	gw_catalog.rates = gw_rates_create();
	gw_catalog.role_rates = gw_cache_create();
}
