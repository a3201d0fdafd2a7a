/*
 * store_access.c
 *		Rows of icecat_data.access_grant: granted, taken, listed.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "errors.h"
#include "store/access.h"
#include "store/caller.h"
#include "store/store_access.h"
#include "store/store_tenant.h"

static IceStatement insert_grant = {
	"INSERT INTO icecat_data.access_grant (warehouse_id, object_id, role, privilege, object_kind, "
	"grantor, granted_at) VALUES ($1, $2, $3, $4, $5, $6, $7) "
	"ON CONFLICT (warehouse_id, object_id, role, privilege) DO NOTHING",
	7,
	{UUIDOID, UUIDOID, REGROLEOID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID},
	NULL};

static IceStatement delete_grant = {
	"DELETE FROM icecat_data.access_grant WHERE warehouse_id = $1 AND object_id = $2 "
	"AND role = $3 AND privilege = $4",
	4,
	{UUIDOID, UUIDOID, REGROLEOID, TEXTOID},
	NULL};

static IceStatement delete_object = {
	"DELETE FROM icecat_data.access_grant WHERE warehouse_id = $1 AND object_id = $2",
	2,
	{UUIDOID, UUIDOID},
	NULL};

static IceStatement find_objects = {
	"WITH RECURSIVE own (warehouse_id, object_id) AS ("
	"SELECT g.warehouse_id, g.object_id FROM icecat_data.access_grant AS g "
	"WHERE g.role::pg_catalog.oid = ANY ($1) AND g.privilege = ANY ($2) UNION ALL "
	"SELECT w.warehouse_id, w.warehouse_id FROM icecat_data.access_grant AS t "
	"JOIN icecat_data.warehouse AS w ON w.tenant_id = t.object_id "
	"WHERE t.warehouse_id = '00000000-0000-0000-0000-000000000000'::pg_catalog.uuid "
	"AND t.role::pg_catalog.oid = ANY ($1) AND t.privilege = ANY ($2) UNION "
	"SELECT n.warehouse_id, n.namespace_id FROM own JOIN icecat_data.namespace AS n "
	"ON n.warehouse_id = own.warehouse_id AND n.parent_id = own.object_id) "
	"SELECT object_id FROM own",
	2,
	{OIDARRAYOID, TEXTARRAYOID},
	NULL};

static IceStatement find_above = {
	"WITH RECURSIVE above (warehouse_id, namespace_id, parent_id) AS ("
	"SELECT g.warehouse_id, n.namespace_id, n.parent_id FROM icecat_data.access_grant AS g "
	"LEFT JOIN icecat_data.relation AS r ON r.warehouse_id = g.warehouse_id "
	"AND r.relation_id = g.object_id LEFT JOIN icecat_data.namespace AS n "
	"ON n.warehouse_id = g.warehouse_id "
	"AND n.namespace_id = coalesce(r.namespace_id, g.object_id) "
	"WHERE g.role::pg_catalog.oid = ANY ($1) AND r.dropped_at IS NULL UNION "
	"SELECT n.warehouse_id, n.namespace_id, n.parent_id FROM above "
	"JOIN icecat_data.namespace AS n ON n.warehouse_id = above.warehouse_id "
	"AND n.namespace_id = above.parent_id) "
	"SELECT namespace_id FROM above WHERE namespace_id IS NOT NULL UNION "
	"SELECT warehouse_id FROM above",
	1,
	{OIDARRAYOID},
	NULL};

/* Runs the insertion; false: the row was there. */
static bool
insert(const IceGrant *grant)
{
	Datum values[7] = {UUIDPGetDatum(&grant->warehouse_id),
					   UUIDPGetDatum(&grant->object_id),
					   ObjectIdGetDatum(grant->role),
					   ice_spi_cstring_datum(grant->privilege),
					   ice_spi_cstring_datum(grant->object_kind),
					   ice_spi_cstring_datum(GetUserNameFromId(ice_caller().role, false)),
					   TimestampTzGetDatum(GetCurrentTimestamp())};

	return ice_spi_execute_waiting(&insert_grant, values, NULL) > 0;
}

bool
ice_store_access_insert_grant(const IceGrant *grant)
{
	if (!insert(grant))
		return false;
	ice_access_changed();
	return true;
}

bool
ice_store_access_delete_grant(const IceGrant *grant)
{
	Datum values[4] = {UUIDPGetDatum(&grant->warehouse_id), UUIDPGetDatum(&grant->object_id),
					   ObjectIdGetDatum(grant->role), ice_spi_cstring_datum(grant->privilege)};

	if (ice_spi_execute_waiting(&delete_grant, values, NULL) == 0)
		return false;
	ice_access_changed();
	return true;
}

/* A role that was assigned to a tenant since the call asked what it may owns nothing of another
 * one. */
static void
check_tenant(const pg_uuid_t *warehouse_id)
{
	IceTenancy own;
	IceTenant  tenant;

	ice_tenants_hold();
	if (ice_access_tenant(&own) && ice_tenant_of_warehouse(warehouse_id, &tenant) &&
		memcmp(&own.id, &tenant.id, UUID_LEN) != 0)
		ice_raise(ICE_ERR_FORBIDDEN, "Not allowed: the role belongs to another tenant");
}

void
ice_access_own(const char *object_kind, const pg_uuid_t *warehouse_id, const pg_uuid_t *object_id)
{
	IceCaller caller = ice_caller();
	IceGrant  grant = {object_kind, *warehouse_id, *object_id, caller.role, "manage"};

	if (caller.owns)
		return;
	check_tenant(warehouse_id);
	(void) insert(&grant);
}

void
ice_access_forget(const pg_uuid_t *warehouse_id, const pg_uuid_t *object_id)
{
	Datum values[2] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(object_id)};

	if (ice_access_exists())
		(void) ice_spi_execute(&delete_object, values, NULL, false);
}

uint64
ice_access_objects(uint32 privilege)
{
	const char *names[ICE_PRIVILEGES];
	int         count = ice_privilege_implied_by(privilege, names);
	Datum       elements[ICE_PRIVILEGES];
	Datum       values[2];

	for (int i = 0; i < count; i++)
		elements[i] = CStringGetTextDatum(names[i]);
	values[0] = ice_access_roles();
	values[1] = PointerGetDatum(construct_array(elements, count, TEXTOID, -1, false, TYPALIGN_INT));
	return ice_spi_execute(&find_objects, values, NULL, true);
}

uint64
ice_access_above(void)
{
	Datum values[1] = {ice_access_roles()};

	return ice_spi_execute(&find_above, values, NULL, true);
}
