/*
 * worker_session.c
 *		The worker's session: whose rights it has, its settings, its transactions. See
 *		worker_session.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_database.h"
#include "catalog/pg_db_role_setting.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "worker/worker_session.h"

#define SETTINGS_EVERY_MS 1000

IceWorkerSession ice_worker_session;

static TimestampTz last_settings_at = 0;

/* Is a lock on our database taken that a new connection would have to wait for? */
static bool
database_wanted(void)
{
	LOCKTAG tag;

	SET_LOCKTAG_OBJECT(tag, InvalidOid, DatabaseRelationId, MyDatabaseId, 0);
	return LockAcquire(&tag, RowExclusiveLock, false, true) == LOCKACQUIRE_NOT_AVAIL;
}

/* Keeps DROP EXTENSION waiting until the end of this transaction, and waits for one that is under
 * way: it locks the tables one by one, and a transaction that uses several of them would be in a
 * deadlock with it. A drop that commits is seen in the catalog a moment before the caches are told,
 * but has its lock until then. False: there is no extension. */
static bool
hold_extension(void)
{
	static Oid last = InvalidOid; /* that was held */
	Oid        held = InvalidOid;
	Oid        extension = get_extension_oid("icecat", true);

	if (OidIsValid(last) && extension != last)
		LockDatabaseObject(ExtensionRelationId, last, 0, AccessShareLock);
	while (OidIsValid(extension) && extension != held)
	{
		LockDatabaseObject(ExtensionRelationId, extension, 0, AccessShareLock);
		held = extension;
		extension = get_extension_oid("icecat", true); /* another one, after the wait? */
	}
	last = extension;
	return OidIsValid(extension);
}

/* Owner of the queue, whose rights every statement of the worker runs with; InvalidOid: not
 * installed. */
static Oid
queue_owner(void)
{
	Oid       schema = get_namespace_oid("icecat_data", true);
	Oid       table = OidIsValid(schema) ? get_relname_relid("metadata_task", schema) : InvalidOid;
	HeapTuple tuple;
	Oid       owner = InvalidOid;

	if (!OidIsValid(table))
		return InvalidOid;
	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
	if (HeapTupleIsValid(tuple))
	{
		owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
		ReleaseSysCache(tuple);
	}
	return owner;
}

/* Of a list of "name=value" those of icecat: the owner of a database may set others, such as a
 * role. NULL: none. */
static ArrayType *
own_settings(Datum list)
{
	Datum *items;
	int    count;
	int    kept = 0;

	deconstruct_array(DatumGetArrayTypeP(list), TEXTOID, -1, false, TYPALIGN_INT, &items, NULL,
					  &count);
	for (int i = 0; i < count; i++)
		if (strncmp(TextDatumGetCString(items[i]), "icecat.", strlen("icecat.")) == 0)
			items[kept++] = items[i];
	return kept > 0 ? construct_array(items, kept, TEXTOID, -1, false, TYPALIGN_INT) : NULL;
}

/* Applies icecat's settings of a row of pg_db_role_setting. */
static void
apply_settings(Relation relation, HeapTuple row)
{
	bool  is_null;
	Datum list = heap_getattr(row, Anum_pg_db_role_setting_setconfig, RelationGetDescr(relation),
							  &is_null);
	ArrayType *own = is_null ? NULL : own_settings(list);

	if (own != NULL)
		ProcessGUCArray(own, PGC_SUSET, PGC_S_DATABASE, GUC_ACTION_SET);
}

/* Takes over what ALTER DATABASE ... SET has changed since the worker started, now and then: a
 * session that connects now sees it, and its commits must not fail here without it. */
static void
read_database_settings(void)
{
	TimestampTz now = GetCurrentTimestamp();
	Relation    relation;
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple   row;

	if (!TimestampDifferenceExceeds(last_settings_at, now, SETTINGS_EVERY_MS))
		return;
	last_settings_at = now;
	relation = table_open(DbRoleSettingRelationId, AccessShareLock);
	ScanKeyInit(&keys[0], Anum_pg_db_role_setting_setdatabase, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(MyDatabaseId));
	ScanKeyInit(&keys[1], Anum_pg_db_role_setting_setrole, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(InvalidOid));
	scan = systable_beginscan(relation, DbRoleSettingDatidRolidIndexId, true, NULL, 2, keys);
	while (HeapTupleIsValid(row = systable_getnext(scan)))
		apply_settings(relation, row);
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
}

/* Makes the session the owner's, and sandboxes the transaction that has just begun. */
static void
become(Oid owner)
{
	if (GetSessionUserId() != owner)
		SetSessionAuthorization(owner, superuser_arg(owner));
	SetUserIdAndSecContext(owner, SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
}

/* Out of the sandbox, after a transaction: the owner of the session. An abort leaves the user who
 * was there before it. */
void
ice_worker_session_leave_sandbox(void)
{
	SetUserIdAndSecContext(GetSessionUserId(), 0);
}

bool
ice_worker_session_begin(void)
{
	Oid owner = InvalidOid;

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	ice_worker_session.in_the_way = database_wanted();
	if (!ice_worker_session.in_the_way && hold_extension())
		owner = queue_owner();
	ice_worker_session.installed = OidIsValid(owner);
	if (!OidIsValid(owner))
	{
		CommitTransactionCommand();
		return false;
	}
	PushActiveSnapshot(GetTransactionSnapshot());
	read_database_settings();
	become(owner);
	return true;
}

void
ice_worker_session_commit(void)
{
	PopActiveSnapshot();
	CommitTransactionCommand();
	ice_worker_session_leave_sandbox();
	MemoryContextSwitchTo(ice_worker_session.context);
}

void
ice_worker_session_abort(void)
{
	AbortCurrentTransaction();
	ice_worker_session_leave_sandbox();
}

void
ice_worker_session_forgo_flush(void)
{
	(void) set_config_option("synchronous_commit", "off", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_LOCAL, true, 0, false);
}

bool
ice_worker_session_is_wanted(void)
{
	return MyLatch->is_set;
}

void
ice_worker_session_pin_settings(void)
{
	static const char *const settings[][2] = {
		{"application_name", "icecat worker"},
		{"search_path", "pg_catalog, pg_temp"},
		{"default_transaction_isolation", "read committed"},
		{"default_transaction_read_only", "off"},
		{"default_transaction_deferrable", "off"},
		{"statement_timeout", "0"},
		{"lock_timeout", "0"},
		{"idle_in_transaction_session_timeout", "0"},
		{"row_security", "off"},
	};

	for (size_t i = 0; i < lengthof(settings); i++)
		SetConfigOption(settings[i][0], settings[i][1], PGC_SUSET, PGC_S_OVERRIDE);
}
