/*
 * table_watch.c
 *		What a session keeps of a table's rows. See table_watch.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/parallel.h"
#include "catalog/namespace.h"
#include "storage/lmgr.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"

#include "store/table_watch.h"

static IceTableWatch *watches = NULL;

static void
forget(IceTableWatch *watch)
{
	watch->generation++;
	watch->known = false;
	watch->oid = InvalidOid;
	if (watch->forget != NULL)
		watch->forget();
}

static void
relation_changed(Datum arg, Oid relation)
{
	(void) arg;
	for (IceTableWatch *watch = watches; watch != NULL; watch = watch->next)
		if (relation == InvalidOid || relation == watch->oid)
			forget(watch);
}

Oid
ice_table_watch_oid(IceTableWatch *watch)
{
	if (watches == NULL)
		CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
	if (!watch->started)
	{
		watch->next = watches;
		watches = watch;
		watch->started = true;
	}
	if (watch->oid == InvalidOid)
		watch->oid = get_relname_relid(watch->table, get_namespace_oid("icecat_data", false));
	return watch->oid;
}

bool
ice_table_watch_any(IceTableWatch *watch, IceStatement *statement, Datum *values)
{
	uint64 asked_at;
	bool   any;

	AcceptInvalidationMessages();
	if (watch->known)
		return watch->any;
	if (!OidIsValid(ice_table_watch_oid(watch)))
		return false;
	/* A parallel query has one snapshot for all of its processes: what it reads is not kept. */
	if (IsInParallelMode())
		return ice_spi_execute(statement, values, NULL, true) > 0;
	asked_at = watch->generation;
	any = ice_spi_execute_latest(statement, values) > 0;
	watch->any = any;
	watch->known = asked_at == watch->generation;
	return any;
}

void
ice_table_watch_lock(IceTableWatch *watch, LOCKMODE mode)
{
	Oid table = ice_table_watch_oid(watch);
	int level;

	if (!OidIsValid(table) || ConditionalLockRelationOid(table, mode))
		return;
	level = ice_spi_limit_waits();
	LockRelationOid(table, mode);
	AtEOXact_GUC(true, level);
}

void
ice_table_watch_changed(IceTableWatch *watch)
{
	CacheInvalidateRelcacheByRelid(ice_table_watch_oid(watch));
	forget(watch);
}
