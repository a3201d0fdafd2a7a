/*
 * quota_set.c
 *		Quotas are set, and inherited from defaults. See quota.h.
 *
 * A setting counts what there is. So it waits for every creation and drop that is under way, and
 * keeps others out until its transaction ends; commits go on. For one warehouse it has the
 * warehouse's lock of the resource, which those share who create and drop there: its tenant's
 * administrator keeps nobody else waiting. For a tenant, and for defaults, it locks the table that
 * all of them write. A default is set alone, so that no setting and no new object is passed over.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "store/caller.h"
#include "store/quota_set.h"

static const pg_uuid_t nil = {{0}};

/* By resource: what is counted is written under a lock of this table. */
static IceStatement lock_statements[ICE_QUOTA_COUNTED] = {
	[ICE_QUOTA_WAREHOUSES] = {"LOCK TABLE icecat_data.warehouse IN SHARE ROW EXCLUSIVE MODE",
							  0,
							  {0},
							  NULL},
	[ICE_QUOTA_NAMESPACES] = {"LOCK TABLE icecat_data.namespace IN SHARE ROW EXCLUSIVE MODE",
							  0,
							  {0},
							  NULL},
	[ICE_QUOTA_TABLES] = {"LOCK TABLE icecat_data.relation IN SHARE ROW EXCLUSIVE MODE",
						  0,
						  {0},
						  NULL},
	[ICE_QUOTA_VIEWS] = {"LOCK TABLE icecat_data.relation IN SHARE ROW EXCLUSIVE MODE",
						 0,
						 {0},
						 NULL},
};

/* $1: a warehouse or a tenant; no id is one's and the other's. */
#define COUNT_SQL(what)                                                \
	"SELECT pg_catalog.count(*) FROM icecat_data.warehouse AS w " what \
	"WHERE w.warehouse_id = $1 OR w.tenant_id = $1"

static IceStatement count_statements[ICE_QUOTA_COUNTED] = {
	[ICE_QUOTA_WAREHOUSES] = {COUNT_SQL(""), 1, {UUIDOID}, NULL},
	[ICE_QUOTA_NAMESPACES] = {COUNT_SQL("JOIN icecat_data.namespace AS n "
										"ON n.warehouse_id = w.warehouse_id "),
							  1,
							  {UUIDOID},
							  NULL},
	[ICE_QUOTA_TABLES] = {COUNT_SQL("JOIN icecat_data.relation AS r "
									"ON r.warehouse_id = w.warehouse_id AND r.kind = 'table' "
									"AND r.dropped_at IS NULL "),
						  1,
						  {UUIDOID},
						  NULL},
	[ICE_QUOTA_VIEWS] = {COUNT_SQL("JOIN icecat_data.relation AS r "
								   "ON r.warehouse_id = w.warehouse_id AND r.kind = 'view' "
								   "AND r.dropped_at IS NULL "),
						 1,
						 {UUIDOID},
						 NULL},
};

static IceStatement write_row = {
	"INSERT INTO icecat_data.quota (warehouse_id, object_id, object_kind, resource, most, used, "
	"inherited, set_by, set_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) "
	"ON CONFLICT (warehouse_id, object_id, object_kind, resource) DO UPDATE "
	"SET most = excluded.most, used = excluded.used, inherited = excluded.inherited, "
	"set_by = excluded.set_by, set_at = excluded.set_at",
	9,
	{UUIDOID, UUIDOID, TEXTOID, TEXTOID, INT8OID, INT8OID, BOOLOID, TEXTOID, TIMESTAMPTZOID},
	NULL};

static IceStatement delete_row = {
	"DELETE FROM icecat_data.quota WHERE warehouse_id = $1 AND object_id = $2 "
	"AND object_kind = $3 AND resource = $4",
	4,
	{UUIDOID, UUIDOID, TEXTOID, TEXTOID},
	NULL};

static IceStatement delete_inherited = {
	"DELETE FROM icecat_data.quota WHERE warehouse_id IS NOT NULL AND object_kind = $1 "
	"AND resource = $2 AND inherited",
	2,
	{TEXTOID, TEXTOID},
	NULL};

static IceStatement find_default = {
	"SELECT most FROM icecat_data.quota WHERE warehouse_id = $1 AND object_id = $1 "
	"AND object_kind = $2 AND resource = $3",
	3,
	{UUIDOID, TEXTOID, TEXTOID},
	NULL};

static IceStatement find_warehouses = {
	"SELECT w.warehouse_id FROM icecat_data.warehouse AS w WHERE NOT EXISTS ("
	"SELECT FROM icecat_data.quota AS q WHERE q.warehouse_id = w.warehouse_id "
	"AND q.object_id = w.warehouse_id AND q.resource = $1 AND NOT q.inherited)",
	1,
	{TEXTOID},
	NULL};

static IceStatement find_tenants = {
	"SELECT t.tenant_id FROM icecat_data.tenant AS t WHERE t.warehouse_id = $2 AND NOT EXISTS ("
	"SELECT FROM icecat_data.quota AS q WHERE q.warehouse_id = $2 "
	"AND q.object_id = t.tenant_id AND q.resource = $1 AND NOT q.inherited)",
	2,
	{TEXTOID, UUIDOID},
	NULL};

static IceStatement inherit = {
	"INSERT INTO icecat_data.quota (warehouse_id, object_id, object_kind, resource, most, used, "
	"inherited, set_by, set_at) SELECT $1, $2, $3, resource, most, 0, true, set_by, set_at "
	"FROM icecat_data.quota WHERE warehouse_id = $4 AND object_id = $4 AND object_kind = $5",
	5,
	{UUIDOID, UUIDOID, TEXTOID, UUIDOID, TEXTOID},
	NULL};

static const char *
kind_of(bool of_tenants)
{
	return of_tenants ? "tenant" : "warehouse";
}

static const char *
default_kind(bool of_tenants)
{
	return of_tenants ? "each tenant" : "each warehouse";
}

static int64
count_now(const pg_uuid_t *object_id, IceQuotaResource resource)
{
	Datum values[1] = {UUIDPGetDatum(object_id)};

	if (resource >= ICE_QUOTA_COUNTED)
		return 0;
	(void) ice_spi_execute_latest(&count_statements[resource], values);
	return ice_spi_field_int64(0, 1);
}

/* Writes the row of an object; the nil id: the default of the kind. */
static void
write_one(const pg_uuid_t *object_id, const char *kind, IceQuotaResource resource, int64 most,
		  bool inherited)
{
	bool  is_warehouse = strcmp(kind, "warehouse") == 0;
	Datum values[9] = {
		UUIDPGetDatum(is_warehouse ? object_id : &nil),
		UUIDPGetDatum(object_id),
		ice_spi_cstring_datum(kind),
		ice_spi_cstring_datum(ice_quota_name(resource)),
		Int64GetDatum(most),
		Int64GetDatum(count_now(object_id, resource)),
		BoolGetDatum(inherited),
		ice_spi_cstring_datum(GetUserNameFromId(ice_caller().role, false)),
		TimestampTzGetDatum(GetCurrentTimestamp()),
	};

	(void) ice_spi_execute_waiting(&write_row, values, NULL);
}

static void
delete_one(const pg_uuid_t *object_id, const char *kind, IceQuotaResource resource)
{
	bool  is_warehouse = strcmp(kind, "warehouse") == 0;
	Datum values[4] = {UUIDPGetDatum(is_warehouse ? object_id : &nil), UUIDPGetDatum(object_id),
					   ice_spi_cstring_datum(kind),
					   ice_spi_cstring_datum(ice_quota_name(resource))};

	(void) ice_spi_execute_waiting(&delete_row, values, NULL);
}

/* Sets a default, for all that have no row of their own. */
static void
set_default(bool of_tenants, IceQuotaResource resource, int64 most)
{
	Datum      values[2] = {ice_spi_cstring_datum(ice_quota_name(resource)), UUIDPGetDatum(&nil)};
	Datum      removed[2] = {ice_spi_cstring_datum(kind_of(of_tenants)), values[0]};
	uint64     count;
	pg_uuid_t *ids;

	if (most < 0)
	{
		delete_one(&nil, default_kind(of_tenants), resource);
		(void) ice_spi_execute_waiting(&delete_inherited, removed, NULL);
		return;
	}
	write_one(&nil, default_kind(of_tenants), resource, most, false);
	count = ice_spi_execute_latest(of_tenants ? &find_tenants : &find_warehouses, values);
	ids = palloc(sizeof(pg_uuid_t) * Max(count, 1));
	for (uint64 i = 0; i < count; i++)
		ids[i] = ice_spi_field_uuid(i, 1);
	for (uint64 i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		write_one(&ids[i], kind_of(of_tenants), resource, most, true);
	}
}

/* Sets that of one object. Without one of its own it has the default. */
static void
set_one(const pg_uuid_t *object_id, bool of_tenants, IceQuotaResource resource, int64 most)
{
	Datum values[3] = {UUIDPGetDatum(&nil), ice_spi_cstring_datum(default_kind(of_tenants)),
					   ice_spi_cstring_datum(ice_quota_name(resource))};
	bool  inherits = most < 0 && ice_spi_execute_latest(&find_default, values) > 0;

	if (inherits)
		most = ice_spi_field_int64(0, 1);
	if (most < 0)
		delete_one(object_id, kind_of(of_tenants), resource);
	else
		write_one(object_id, kind_of(of_tenants), resource, most, inherits);
}

void
ice_quota_set(IceQuotaObject object, IceQuotaResource resource, int64 most)
{
	const pg_uuid_t *id = object.of_tenants ? object.tenant_id : object.warehouse_id;

	if (resource < ICE_QUOTA_COUNTED && id != NULL && !object.of_tenants)
		ice_quota_lock(id, resource, true);
	else if (resource < ICE_QUOTA_COUNTED)
		(void) ice_spi_execute_waiting(&lock_statements[resource], NULL, NULL);
	ice_quota_lock_all(id == NULL);
	if (id == NULL)
		set_default(object.of_tenants, resource, most);
	else
		set_one(id, object.of_tenants, resource, most);
	ice_quota_changed();
}

void
ice_quota_set_inherited(const pg_uuid_t *warehouse_id, const pg_uuid_t *tenant_id)
{
	bool  of_tenants = warehouse_id == NULL;
	Datum values[5] = {UUIDPGetDatum(of_tenants ? &nil : warehouse_id),
					   UUIDPGetDatum(of_tenants ? tenant_id : warehouse_id),
					   ice_spi_cstring_datum(kind_of(of_tenants)), UUIDPGetDatum(&nil),
					   ice_spi_cstring_datum(default_kind(of_tenants))};

	ice_quota_lock_all(false);
	if (ice_quota_any())
		(void) ice_spi_execute_waiting(&inherit, values, NULL);
}
