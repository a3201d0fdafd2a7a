/*
 * audit.c
 *		The audit log. See audit.h.
 *
 * Rows begin in audit_pending (or event_pending), which has no partitions: the partition of a month
 * is never made in a transaction of a user's, where its lock would hold up all others. They are
 * moved in batches.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "guc.h"
#include "store/access.h"
#include "store/audit.h"
#include "store/caller.h"
#include "store/policy.h"
#include "store/spi.h"
#include "store/store_partition.h"
#include "store/store_queue.h"
#include "store/uuid.h"

#define MOVE_BATCH     10000
#define TEXT_BYTES_MAX 255 /* of what a session says about itself */
#define MADE           "00000"

/* $1 and $9: the warehouse, by id or by name. $19, $20: the tenant of the role, of whose calls
 * those without a known object are. */
static IceStatement insert_pending = {
	"INSERT INTO icecat_data.audit_pending (warehouse_id, audit_id, occurred_at, action, outcome, "
	"status, object_kind, object_id, warehouse, namespace, name, role, login, source, principal, "
	"request_id, client_address, details, tenant) "
	"SELECT coalesce($1, w.warehouse_id, '00000000-0000-0000-0000-000000000000'), $2, $3, $4, $5, "
	"$6, $7, coalesce($8, CASE WHEN $1 IS NULL AND w.warehouse_id IS NULL THEN $19 END), $9, $10, "
	"$11, $12, $13, $14, $15, $16, $17, $18, coalesce(t.name, own.name, $20) "
	"FROM (VALUES (1)) AS one (n) LEFT JOIN ("
	"SELECT warehouse_id, tenant_id FROM icecat_data.warehouse WHERE warehouse_id = $1 UNION ALL "
	"SELECT warehouse_id, tenant_id FROM icecat_data.warehouse WHERE $1 IS NULL AND name = $9"
	") AS w ON true "
	"LEFT JOIN icecat_data.tenant AS t "
	"ON t.warehouse_id = '00000000-0000-0000-0000-000000000000' AND t.tenant_id = w.tenant_id "
	"LEFT JOIN icecat_data.tenant AS own "
	"ON own.warehouse_id = '00000000-0000-0000-0000-000000000000' AND own.tenant_id = $8",
	20,
	{UUIDOID, UUIDOID, TIMESTAMPTZOID, TEXTOID, TEXTOID, INT4OID, TEXTOID,
	 UUIDOID, TEXTOID, TEXTARRAYOID,   TEXTOID, TEXTOID, TEXTOID, TEXTOID,
	 TEXTOID, TEXTOID, TEXTOID,        JSONOID, UUIDOID, TEXTOID},
	NULL};

#define MORE_COLUMNS                                                                      \
	"audit_id, occurred_at, action, outcome, status, object_kind, object_id, warehouse, " \
	"namespace, name, version, role, login, source, principal, tenant, request_id, "      \
	"client_address, details"

static IceStatement take_events = {
	"INSERT INTO icecat_data.audit (warehouse_id, " MORE_COLUMNS
	") SELECT warehouse_id, " MORE_COLUMNS " FROM icecat_data.audit_of_event "
	"WHERE warehouse_id = $1 AND audit_id = ANY ($2) ON CONFLICT DO NOTHING",
	2,
	{UUIDOID, UUIDARRAYOID},
	NULL};

static IceStatement take_events_later = {
	"INSERT INTO icecat_data.audit_pending (warehouse_id, " MORE_COLUMNS
	") SELECT warehouse_id, " MORE_COLUMNS " FROM icecat_data.audit_of_event "
	"WHERE warehouse_id = $1 AND audit_id = ANY ($2) ON CONFLICT DO NOTHING",
	2,
	{UUIDOID, UUIDARRAYOID},
	NULL};

static IceStatement keep_events = {
	"INSERT INTO icecat_data.audit_pending (warehouse_id, " MORE_COLUMNS
	") SELECT warehouse_id, " MORE_COLUMNS " FROM icecat_data.audit_of_event "
	"WHERE warehouse_id = $1 ON CONFLICT DO NOTHING",
	1,
	{UUIDOID},
	NULL};

/* Of all warehouses: for the sequencer only. */
static IceStatement select_pending = {
	"SELECT warehouse_id, audit_id, occurred_at FROM icecat_data.audit_pending "
	"ORDER BY warehouse_id, audit_id LIMIT $1 FOR UPDATE SKIP LOCKED",
	1,
	{INT8OID},
	NULL};

static IceStatement move_pending = {
	"INSERT INTO icecat_data.audit (warehouse_id, " MORE_COLUMNS
	") SELECT p.warehouse_id, p.audit_id, p.occurred_at, p.action, p.outcome, p.status, "
	"p.object_kind, p.object_id, p.warehouse, p.namespace, p.name, p.version, p.role, p.login, "
	"p.source, p.principal, p.tenant, p.request_id, p.client_address, p.details "
	"FROM icecat_data.audit_pending AS p, ROWS FROM (pg_catalog.unnest($1), "
	"pg_catalog.unnest($2)) AS u (warehouse_id, audit_id) "
	"WHERE p.warehouse_id = u.warehouse_id AND p.audit_id = u.audit_id ON CONFLICT DO NOTHING",
	2,
	{UUIDARRAYOID, UUIDARRAYOID},
	NULL};

static IceStatement delete_pending = {
	"DELETE FROM icecat_data.audit_pending AS p USING ROWS FROM (pg_catalog.unnest($1), "
	"pg_catalog.unnest($2)) AS u (warehouse_id, audit_id) "
	"WHERE p.warehouse_id = u.warehouse_id AND p.audit_id = u.audit_id",
	2,
	{UUIDARRAYOID, UUIDARRAYOID},
	NULL};

bool
ice_audit_exists(void)
{
	return OidIsValid(get_relname_relid("audit_pending", get_namespace_oid("icecat_data", false)));
}

bool
ice_audit_is_on(void)
{
	return ice_guc_audit && ice_audit_exists();
}

/* -- who --------------------------------------------------------------------------------------- */

static const char *
bounded(const char *text)
{
	int len;

	if (text == NULL || *text == '\0')
		return NULL;
	len = (int) strlen(text);
	return len <= TEXT_BYTES_MAX ? text
								 : pnstrdup(text, (Size) pg_mbcliplen(text, len, TEXT_BYTES_MAX));
}

/* Was the login made a gateway? Those who may everything were not made anything. */
static bool
find_gateway(Oid login)
{
	oidvector *none = buildoidvector(NULL, 0);
	Oid        schema = get_namespace_oid("icecat", true);
	Oid marker = GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum("_gateway"),
								 PointerGetDatum(none), ObjectIdGetDatum(schema));
	HeapTuple row = SearchSysCache1(PROCOID, ObjectIdGetDatum(marker));
	bool      result = false;

	if (!HeapTupleIsValid(row))
		return false;
	if (!has_privs_of_role(login, ((Form_pg_proc) GETSTRUCT(row))->proowner))
		result = DatumGetBool(OidFunctionCall3(F_HAS_FUNCTION_PRIVILEGE_OID_OID_TEXT,
											   ObjectIdGetDatum(login), ObjectIdGetDatum(marker),
											   CStringGetTextDatum("EXECUTE")));
	ReleaseSysCache(row);
	return result;
}

static Oid  gateway_asked = InvalidOid;
static bool am_worker = false;

/* Kept for one login of the session, until a function's rights or a membership change. */
static bool
is_gateway(Oid login)
{
	static bool found = false;

	if (gateway_asked != login)
	{
		found = find_gateway(login);
		gateway_asked = login;
	}
	return found;
}

static void
rights_changed(Datum arg, int cache, uint32 hash)
{
	(void) arg;
	(void) cache;
	(void) hash;
	gateway_asked = InvalidOid;
}

void
ice_audit_init(void)
{
	CacheRegisterSyscacheCallback(PROCOID, rights_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, rights_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHOID, rights_changed, (Datum) 0);
}

void
ice_audit_by_worker(void)
{
	am_worker = true;
}

IceAuditActor
ice_audit_actor(void)
{
	Oid login = GetSessionUserId();

	return (IceAuditActor){.role = GetUserNameFromId(ice_caller().role, false),
						   .login = GetUserNameFromId(login, false),
						   .source = am_worker           ? "worker"
									 : is_gateway(login) ? "gateway"
														 : "sql",
						   .principal = bounded(ice_guc_principal),
						   .request_id = bounded(ice_guc_request_id),
						   .client_address = bounded(ice_guc_client_address)};
}

/* -- what -------------------------------------------------------------------------------------- */

/* The name of the function of the call: commit-table for rest_commit_table. */
char *
ice_audit_action(void)
{
	char *name = get_func_name(ice_caller_function());
	char *action = name != NULL ? name : pstrdup("unknown");

	if (strncmp(action, "rest_", 5) == 0)
		action += 5;
	action += *action == '_';
	for (char *at = action; *at != '\0'; at++)
		if (*at == '_')
			*at = '-';
	return action;
}

static const char *
bounded_details(const char *details)
{
	if (details == NULL || strlen(details) <= (size_t) ice_guc_audit_details_bytes_max)
		return details;
	return psprintf("{\"left-out-bytes\":%zu}", strlen(details));
}

static Datum
text_or_null(const char *text, char *null)
{
	if (text != NULL)
		return ice_spi_cstring_datum(text);
	*null = 'n';
	return (Datum) 0;
}

static Datum
uuid_or_null(const pg_uuid_t *id, char *null)
{
	if (id != NULL)
		return UUIDPGetDatum(id);
	*null = 'n';
	return (Datum) 0;
}

/* The tenant of a role, which may be gone, or none at all (""). */
static bool
find_tenant(const char *role, IceTenancy *out)
{
	Oid id = *role != '\0' ? get_role_oid(role, true) : InvalidOid;

	return OidIsValid(id) && ice_access_tenant_of(id, out);
}

/* Where there is no audit log, nothing is written, and the call has said what it changes. */
void
ice_audit_insert(const IceAuditRow *row)
{
	IceAuditActor now = row->actor == NULL ? ice_audit_actor() : *row->actor;
	pg_uuid_t     audit_id = ice_uuid_v7();
	IceTenancy    tenant;
	bool          of_tenant;
	char          nulls[] = "                    ";
	Datum         values[20];

	ice_policy_require_none();
	ice_caller_recorded();
	if (!ice_audit_is_on())
		return;
	values[0] = uuid_or_null(row->warehouse_id, &nulls[0]);
	values[1] = UUIDPGetDatum(&audit_id);
	values[2] = TimestampTzGetDatum(row->at != 0 ? row->at : GetCurrentTimestamp());
	values[3] = ice_spi_cstring_datum(row->action != NULL ? row->action : ice_audit_action());
	values[4] = ice_spi_cstring_datum(row->outcome != NULL ? row->outcome : MADE);
	values[5] = Int32GetDatum(row->status);
	nulls[5] = row->status == 0 ? 'n' : ' ';
	values[6] = text_or_null(row->object_kind, &nulls[6]);
	values[7] = uuid_or_null(row->object_id, &nulls[7]);
	values[8] = text_or_null(row->warehouse, &nulls[8]);
	values[9] = row->namespace_levels;
	nulls[9] = row->namespace_levels == (Datum) 0 ? 'n' : ' ';
	values[10] = text_or_null(row->name, &nulls[10]);
	values[11] = ice_spi_cstring_datum(now.role);
	values[12] = ice_spi_cstring_datum(now.login);
	values[13] = ice_spi_cstring_datum(now.source);
	values[14] = text_or_null(now.principal, &nulls[14]);
	values[15] = text_or_null(now.request_id, &nulls[15]);
	values[16] = text_or_null(now.client_address, &nulls[16]);
	values[17] = text_or_null(bounded_details(row->details), &nulls[17]);
	of_tenant = find_tenant(now.role, &tenant);
	values[18] = uuid_or_null(of_tenant ? &tenant.id : NULL, &nulls[18]);
	values[19] = text_or_null(of_tenant ? NameStr(tenant.name) : NULL, &nulls[19]);
	ice_spi_execute(&insert_pending, values, nulls, false);
	ice_queue_signal();
}

/* -- to the partitions ------------------------------------------------------------------------- */

/* Are there partitions for these months? They are never made for events: numbering them would then
 * wait for two kinds of partitions. */
static bool
has_months(const List *months)
{
	Oid             schema = get_namespace_oid("icecat_data", false);
	const ListCell *cell;

	foreach (cell, months)
		if (!OidIsValid(get_relname_relid(
				psprintf("audit_%04d_%02d", lfirst_int(cell) / 12, lfirst_int(cell) % 12 + 1),
				schema)))
			return false;
	return true;
}

void
ice_audit_take_events(const pg_uuid_t *warehouse_id, Datum event_ids, List *months)
{
	Datum values[2] = {UUIDPGetDatum(warehouse_id), event_ids};

	if (ice_audit_is_on())
		(void) ice_spi_execute(has_months(months) ? &take_events : &take_events_later, values, NULL,
							   false);
}

void
ice_audit_keep_events(const pg_uuid_t *warehouse_id)
{
	Datum values[1] = {UUIDPGetDatum(warehouse_id)};

	if (ice_audit_is_on())
		(void) ice_spi_execute(&keep_events, values, NULL, false);
}

/* The keys of the next rows, as two uuid[], and the partitions of their months. 0 if one cannot be
 * made now. */
static int
next_batch(Datum *arrays)
{
	Datum  values[1] = {Int64GetDatum(MOVE_BATCH)};
	int    rows = (int) ice_spi_execute(&select_pending, values, NULL, false);
	Datum *keys[2] = {palloc(sizeof(Datum) * Max(rows, 1)), palloc(sizeof(Datum) * Max(rows, 1))};
	List  *months = NIL; /* year * 12 + month - 1 */
	ListCell *cell;

	for (int i = 0; i < rows; i++)
	{
		int year;
		int month;

		for (int k = 0; k < 2; k++)
		{
			pg_uuid_t *id = palloc(sizeof(pg_uuid_t));

			*id = ice_spi_field_uuid(i, k + 1);
			keys[k][i] = UUIDPGetDatum(id);
		}
		ice_partition_month_of(DatumGetTimestampTz(ice_spi_field(i, 3)), &year, &month);
		months = list_append_unique_int(months, year * 12 + month - 1);
	}
	foreach (cell, months)
		if (!ice_partition_make(&ice_partitioned_audit, lfirst_int(cell) / 12,
								lfirst_int(cell) % 12 + 1, false))
			return 0;
	for (int k = 0; k < 2; k++)
		arrays[k] = PointerGetDatum(
			construct_array(keys[k], rows, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR));
	return rows;
}

int64
ice_audit_move(void)
{
	Datum arrays[2];
	int   rows;

	if (!ice_audit_exists() || (rows = next_batch(arrays)) == 0)
		return 0;
	(void) ice_spi_execute(&move_pending, arrays, NULL, false);
	(void) ice_spi_execute(&delete_pending, arrays, NULL, false);
	return rows;
}

int32
ice_audit_upkeep(bool wait)
{
	TimestampTz now = GetCurrentTimestamp();
	int         year;
	int         month;

	if (!ice_audit_exists())
		return 0;
	ice_partitions_take_restored(&ice_partitioned_audit);
	ice_partition_month_of(now, &year, &month);
	if (ice_partition_make(&ice_partitioned_audit, year, month, wait))
		(void) ice_partition_make(&ice_partitioned_audit, year, month + 1, wait);
	if (ice_guc_audit_retention_days < 0)
		return 0;
	return ice_partitions_trim(
		&ice_partitioned_audit,
		TimestampTzPlusMilliseconds(now,
									-(int64) ice_guc_audit_retention_days * SECS_PER_DAY * 1000),
		wait);
}
