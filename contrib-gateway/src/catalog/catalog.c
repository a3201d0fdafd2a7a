/*
 * catalog.c
 *		What the catalog has one of; see catalog.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "catalog/catalog.h"

#include "base/conf.h"
#include "catalog/operation.h"
#include "catalog/statements.h"

GwCatalog gw_catalog;

GwPool *
gw_catalog_pool(struct event_base *base, const char *name, GwPoolKind kind, int64_t connections)
{
	const GwPoolSpec spec = {
		.name = name,
		.kind = kind,
		.connections = (int) connections,
		.dsn = gw_conf.dsn,
		.statements = &gw_statements,
	};

	return gw_pool_create(base, &spec);
}

void
gw_catalog_start(struct event_base *base)
{
	gw_operation_start();
	gw_catalog.gates = gw_gates_create();
	gw_catalog.cache = gw_cache_create();
	gw_catalog.rates = gw_rates_create();
	gw_catalog.reads = gw_catalog_pool(base, "read", GW_POOL_READS, gw_conf.read_connections);
	gw_catalog.streams = gw_catalog_pool(base, "stream", GW_POOL_STREAMS,
										 gw_conf.stream_connections);
	gw_catalog.writes = gw_catalog_pool(base, "write", GW_POOL_WRITES, gw_conf.write_connections);
}

void
gw_catalog_tick(uint64_t now)
{
	gw_pool_tick(gw_catalog.writes, now);
	gw_pool_tick(gw_catalog.reads, now);
	gw_pool_tick(gw_catalog.streams, now);
}

void
gw_catalog_flush(void)
{
	gw_pool_flush(gw_catalog.writes);
	gw_pool_flush(gw_catalog.reads);
	gw_pool_flush(gw_catalog.streams);
}
