/*
 * store_tenant.c
 *		Rows of icecat_data.tenant and tenant_role, and the names of tenants' warehouses. See
 *		store_tenant.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/timestamp.h"

#include "errors.h"
#include "store/store_tenant.h"
#include "store/table_watch.h"
#include "store/uuid.h"

static IceStatement find_any = {
	"SELECT 1 FROM icecat_data.tenant WHERE warehouse_id = $1 LIMIT 1", 1, {UUIDOID}, NULL};

#define FIND_SQL                                                \
	"SELECT tenant_id, name, location FROM icecat_data.tenant " \
	"WHERE warehouse_id = $1 AND name = $2 FOR "

static IceStatement find_shared = {FIND_SQL "KEY SHARE", 2, {UUIDOID, TEXTOID}, NULL};
static IceStatement find_for_update = {FIND_SQL "UPDATE", 2, {UUIDOID, TEXTOID}, NULL};

static IceStatement of_warehouse = {
	"SELECT t.tenant_id, t.name, t.location FROM icecat_data.warehouse AS w "
	"JOIN icecat_data.tenant AS t ON t.warehouse_id = $1 AND t.tenant_id = w.tenant_id "
	"WHERE w.warehouse_id = $2",
	2,
	{UUIDOID, UUIDOID},
	NULL};

static IceStatement find_by_id = {"SELECT tenant_id, name, location FROM icecat_data.tenant "
								  "WHERE warehouse_id = $1 AND tenant_id = $2",
								  2,
								  {UUIDOID, UUIDOID},
								  NULL};

static IceStatement find_maintained = {
	"SELECT 1 FROM icecat_data.tenant WHERE warehouse_id = $1 AND maintenance IS NOT NULL LIMIT 1",
	1,
	{UUIDOID},
	NULL};

static IceStatement maintenance_of_warehouse = {
	"SELECT t.name, t.maintenance FROM icecat_data.warehouse AS w "
	"JOIN icecat_data.tenant AS t ON t.warehouse_id = $1 AND t.tenant_id = w.tenant_id "
	"WHERE w.warehouse_id = $2 AND t.maintenance IS NOT NULL",
	2,
	{UUIDOID, UUIDOID},
	NULL};

static IceStatement maintenance_of_tenant = {
	"SELECT maintenance FROM icecat_data.tenant "
	"WHERE warehouse_id = $1 AND tenant_id = $2 AND maintenance IS NOT NULL",
	2,
	{UUIDOID, UUIDOID},
	NULL};

static IceStatement set_maintenance = {"UPDATE icecat_data.tenant SET maintenance = $3 "
									   "WHERE warehouse_id = $1 AND tenant_id = $2",
									   3,
									   {UUIDOID, UUIDOID, TEXTOID},
									   NULL};

static IceStatement find_locations = {
	"SELECT location FROM icecat_data.tenant WHERE warehouse_id = $1 AND tenant_id <> $2",
	2,
	{UUIDOID, UUIDOID},
	NULL};

static IceStatement has_one_of = {
	"SELECT 1 FROM icecat_data.tenant WHERE warehouse_id = $1 AND location = ANY ($2) LIMIT 1",
	2,
	{UUIDOID, TEXTARRAYOID},
	NULL};

static IceStatement begins_others = {"SELECT 1 FROM icecat_data.warehouse WHERE tenant_id IS NULL "
									 "AND pg_catalog.starts_with(name, $1 || '/') LIMIT 1",
									 1,
									 {TEXTOID},
									 NULL};

static IceStatement insert_tenant = {
	"INSERT INTO icecat_data.tenant (warehouse_id, tenant_id, name, location, created_at) "
	"VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
	5,
	{UUIDOID, UUIDOID, TEXTOID, TEXTOID, TIMESTAMPTZOID},
	NULL};

static IceStatement update_tenant = {"UPDATE icecat_data.tenant SET name = $3, location = $4 "
									 "WHERE warehouse_id = $1 AND tenant_id = $2",
									 4,
									 {UUIDOID, UUIDOID, TEXTOID, TEXTOID},
									 NULL};

static IceStatement rename_warehouses = {
	"UPDATE icecat_data.warehouse SET name = $2 || pg_catalog.substr(name, $3) "
	"WHERE tenant_id = $1",
	3,
	{UUIDOID, TEXTOID, INT4OID},
	NULL};

static IceStatement count_warehouses = {
	"SELECT pg_catalog.count(*) FROM icecat_data.warehouse WHERE tenant_id = $1",
	1,
	{UUIDOID},
	NULL};

static IceStatement delete_statements[] = {
	{"DELETE FROM icecat_data.access_grant WHERE warehouse_id = $1 AND object_id = $2",
	 2,
	 {UUIDOID, UUIDOID},
	 NULL},
	{"DELETE FROM icecat_data.naming_rule WHERE warehouse_id = $1 AND object_id = $2",
	 2,
	 {UUIDOID, UUIDOID},
	 NULL},
	{"DELETE FROM icecat_data.quota WHERE warehouse_id = $1 AND object_id = $2",
	 2,
	 {UUIDOID, UUIDOID},
	 NULL},
	{"DELETE FROM icecat_data.tenant_role WHERE warehouse_id = $1 AND tenant_id = $2",
	 2,
	 {UUIDOID, UUIDOID},
	 NULL},
	{"DELETE FROM icecat_data.tenant WHERE warehouse_id = $1 AND tenant_id = $2",
	 2,
	 {UUIDOID, UUIDOID},
	 NULL},
};

static IceStatement insert_role = {
	"INSERT INTO icecat_data.tenant_role (warehouse_id, role, tenant_id, assigned_at) "
	"VALUES ($1, $2, $3, $4) ON CONFLICT (warehouse_id, role) DO NOTHING",
	4,
	{UUIDOID, REGROLEOID, UUIDOID, TIMESTAMPTZOID},
	NULL};

static IceStatement find_role = {
	"SELECT tenant_id FROM icecat_data.tenant_role WHERE warehouse_id = $1 AND role = $2",
	2,
	{UUIDOID, REGROLEOID},
	NULL};

static IceStatement delete_role = {
	"DELETE FROM icecat_data.tenant_role WHERE warehouse_id = $1 AND role = $2 AND tenant_id = $3",
	3,
	{UUIDOID, REGROLEOID, UUIDOID},
	NULL};

/* Nil: the whole catalog, or a tenant. */
static IceStatement find_elsewhere = {
	"SELECT 1 FROM icecat_data.access_grant AS g LEFT JOIN icecat_data.warehouse AS w "
	"ON w.warehouse_id = g.warehouse_id WHERE g.role = $3 AND g.object_id <> $2 "
	"AND (g.warehouse_id = $1 OR w.tenant_id <> $2) LIMIT 1",
	3,
	{UUIDOID, UUIDOID, REGROLEOID},
	NULL};

/* What belongs to the whole catalog. */
static const pg_uuid_t nil = {{0}};

/* -- are there any ----------------------------------------------------------------------------- */

static IceTableWatch watch = {.table = "tenant"};

bool
ice_tenants_exist(void)
{
	Datum values[1] = {UUIDPGetDatum(&nil)};

	return ice_table_watch_any(&watch, &find_any, values);
}

void
ice_tenants_changed(void)
{
	ice_table_watch_changed(&watch);
	ice_access_changed();
}

/* Is one in maintenance mode? */
static IceTableWatch maintenance_watch = {.table = "tenant"};

static bool
any_in_maintenance(void)
{
	Datum values[1] = {UUIDPGetDatum(&nil)};

	return ice_tenants_exist() && ice_table_watch_any(&maintenance_watch, &find_maintained, values);
}

void
ice_tenants_hold(void)
{
	ice_table_watch_lock(&watch, RowExclusiveLock);
}

void
ice_tenants_lock(void)
{
	ice_table_watch_lock(&watch, ShareRowExclusiveLock);
}

/* -- tenants ----------------------------------------------------------------------------------- */

/* Fills a tenant from a row of the last result. */
static void
read_tenant(IceTenant *out)
{
	out->id = ice_spi_field_uuid(0, 1);
	out->name = ice_spi_field_text(0, 2);
	out->location = ice_spi_field_text(0, 3);
}

bool
ice_tenant_find(const char *name, bool for_update, IceTenant *out)
{
	Datum      values[2] = {UUIDPGetDatum(&nil), ice_spi_cstring_datum(name)};
	IceTenancy own;

	if (ice_access_tenant(&own) && strcmp(NameStr(own.name), name) != 0)
		return false;
	if (ice_spi_execute_waiting(for_update ? &find_for_update : &find_shared, values, NULL) == 0)
		return false;
	read_tenant(out);
	return true;
}

bool
ice_tenant_of_warehouse(const pg_uuid_t *warehouse_id, IceTenant *out)
{
	Datum values[2] = {UUIDPGetDatum(&nil), UUIDPGetDatum(warehouse_id)};

	if (!ice_tenants_exist() || ice_spi_execute_latest(&of_warehouse, values) == 0)
		return false;
	read_tenant(out);
	return true;
}

bool
ice_tenant_by_id(const pg_uuid_t *tenant_id, IceTenant *out)
{
	Datum values[2] = {UUIDPGetDatum(&nil), UUIDPGetDatum(tenant_id)};

	if (ice_spi_execute_latest(&find_by_id, values) == 0)
		return false;
	read_tenant(out);
	return true;
}

bool
ice_tenant_in_maintenance(const pg_uuid_t *warehouse_id, const char **name, const char **reason)
{
	Datum values[2] = {UUIDPGetDatum(&nil), UUIDPGetDatum(warehouse_id)};

	if (!any_in_maintenance() || ice_spi_execute_latest(&maintenance_of_warehouse, values) == 0)
		return false;
	*name = ice_spi_field_text(0, 1);
	*reason = ice_spi_field_text(0, 2);
	return true;
}

const char *
ice_tenant_maintenance(const pg_uuid_t *tenant_id)
{
	Datum values[2] = {UUIDPGetDatum(&nil), UUIDPGetDatum(tenant_id)};

	if (!any_in_maintenance() || ice_spi_execute_latest(&maintenance_of_tenant, values) == 0)
		return NULL;
	return ice_spi_field_text(0, 1);
}

void
ice_tenant_set_maintenance(const pg_uuid_t *tenant_id, const char *reason)
{
	Datum values[3] = {UUIDPGetDatum(&nil), UUIDPGetDatum(tenant_id), (Datum) 0};
	char  nulls[4] = "   ";

	if (reason != NULL)
		values[2] = ice_spi_cstring_datum(reason);
	else
		nulls[2] = 'n';
	(void) ice_spi_execute_waiting(&set_maintenance, values, nulls);
	ice_table_watch_changed(&maintenance_watch);
}

List *
ice_tenant_locations(const pg_uuid_t *except)
{
	Datum  values[2] = {UUIDPGetDatum(&nil), UUIDPGetDatum(except != NULL ? except : &nil)};
	uint64 rows = ice_spi_execute_latest(&find_locations, values);
	List  *locations = NIL;

	for (uint64 i = 0; i < rows; i++)
		locations = lappend(locations, ice_spi_field_text(i, 1));
	return locations;
}

bool
ice_tenant_has_one_of(const List *folders)
{
	Datum    *elements = palloc(sizeof(Datum) * Max(list_length(folders), 1));
	Datum     values[2] = {UUIDPGetDatum(&nil)};
	int       count = 0;
	ListCell *cell;

	foreach (cell, folders)
		elements[count++] = ice_spi_cstring_datum(lfirst(cell));
	values[1] = PointerGetDatum(construct_array(elements, count, TEXTOID, -1, false, TYPALIGN_INT));
	return ice_spi_execute_latest(&has_one_of, values) > 0;
}

bool
ice_tenant_name_begins_others(const char *name)
{
	Datum values[1] = {ice_spi_cstring_datum(name)};

	return ice_spi_execute_latest(&begins_others, values) > 0;
}

bool
ice_tenant_insert(IceTenant *tenant)
{
	tenant->id = ice_uuid_v7();

	Datum values[5] = {UUIDPGetDatum(&nil), UUIDPGetDatum(&tenant->id),
					   ice_spi_cstring_datum(tenant->name), ice_spi_cstring_datum(tenant->location),
					   TimestampTzGetDatum(GetCurrentTimestamp())};

	if (ice_spi_execute_waiting(&insert_tenant, values, NULL) == 0)
		return false;
	ice_tenants_changed();
	return true;
}

void
ice_tenant_update(const IceTenant *tenant, const char *name_before)
{
	Datum values[4] = {UUIDPGetDatum(&nil), UUIDPGetDatum(&tenant->id),
					   ice_spi_cstring_datum(tenant->name),
					   ice_spi_cstring_datum(tenant->location)};
	Datum names[3] = {UUIDPGetDatum(&tenant->id), ice_spi_cstring_datum(tenant->name),
					  Int32GetDatum((int32) strlen(name_before) + 1)};

	(void) ice_spi_execute_waiting(&update_tenant, values, NULL);
	if (strcmp(tenant->name, name_before) != 0 &&
		ice_spi_execute_waiting(&rename_warehouses, names, NULL) !=
			(uint64) ice_tenant_count_warehouses(&tenant->id))
		ice_spi_raise_outdated();
	ice_tenants_changed();
}

int64
ice_tenant_count_warehouses(const pg_uuid_t *tenant_id)
{
	Datum values[1] = {UUIDPGetDatum(tenant_id)};

	(void) ice_spi_execute_latest(&count_warehouses, values);
	return ice_spi_field_int64(0, 1);
}

void
ice_tenant_delete(const pg_uuid_t *tenant_id)
{
	Datum values[2] = {UUIDPGetDatum(&nil), UUIDPGetDatum(tenant_id)};

	for (size_t i = 0; i < lengthof(delete_statements); i++)
		(void) ice_spi_execute_waiting(&delete_statements[i], values, NULL);
	ice_tenants_changed();
}

/* -- roles ------------------------------------------------------------------------------------- */

bool
ice_tenant_assign(const pg_uuid_t *tenant_id, Oid role, pg_uuid_t *out)
{
	Datum values[4] = {UUIDPGetDatum(&nil), ObjectIdGetDatum(role), UUIDPGetDatum(tenant_id),
					   TimestampTzGetDatum(GetCurrentTimestamp())};

	if (ice_spi_execute_waiting(&insert_role, values, NULL) > 0)
	{
		ice_access_changed();
		return true;
	}
	if (ice_spi_execute_latest(&find_role, values) > 0)
		*out = ice_spi_field_uuid(0, 1);
	else
		*out = nil;
	return false;
}

bool
ice_tenant_unassign(const pg_uuid_t *tenant_id, Oid role)
{
	Datum values[3] = {UUIDPGetDatum(&nil), ObjectIdGetDatum(role), UUIDPGetDatum(tenant_id)};

	if (ice_spi_execute_waiting(&delete_role, values, NULL) == 0)
		return false;
	ice_access_changed();
	return true;
}

bool
ice_tenant_is_elsewhere(const pg_uuid_t *tenant_id, Oid role)
{
	Datum values[3] = {UUIDPGetDatum(&nil), UUIDPGetDatum(tenant_id), ObjectIdGetDatum(role)};

	return ice_spi_execute_latest(&find_elsewhere, values) > 0;
}

/* -- names of warehouses ----------------------------------------------------------------------- */

/* What is behind "TENANT/" in a name; NULL: it does not begin so. */
static const char *
behind(const char *name, const IceTenancy *tenant)
{
	size_t len = strlen(NameStr(tenant->name));

	return strncmp(name, NameStr(tenant->name), len) == 0 && name[len] == '/' ? name + len + 1
																			  : NULL;
}

const char *
ice_tenant_whole_name(const IceTenancy *tenant, const char *name)
{
	return behind(name, tenant) != NULL ? name : psprintf("%s/%s", NameStr(tenant->name), name);
}

const char *
ice_tenant_name_said_by(const char *name, const char *role)
{
	IceTenancy tenant;
	Oid        id = role[0] != '\0' ? get_role_oid(role, true) : InvalidOid;

	if (name == NULL || !OidIsValid(id) || !ice_access_tenant_of(id, &tenant))
		return name;
	return ice_tenant_whole_name(&tenant, name);
}

/* The last is a warehouse that is no tenant's, which has no slash where it can be seen by one. */
int
ice_tenant_names(const char *name, const char **out)
{
	IceTenancy tenant;
	int        count = 0;

	if (!ice_access_tenant(&tenant))
	{
		out[0] = name;
		return 1;
	}
	out[count++] = ice_tenant_whole_name(&tenant, name);
	if (strchr(name, '/') == NULL)
		out[count++] = name;
	return count;
}

bool
ice_tenant_named(const char *name, IceTenant *out)
{
	const char *slash = strchr(name, '/');

	return slash != NULL && ice_tenants_exist() &&
		   ice_tenant_find(pnstrdup(name, (Size) (slash - name)), false, out);
}

bool
ice_tenant_of_new(const char *name, const char **whole, IceTenant *out)
{
	IceTenancy  own;
	const char *rest;

	*whole = name;
	if (ice_access_tenant(&own))
	{
		rest = behind(name, &own) != NULL ? behind(name, &own) : name;
		*whole = psprintf("%s/%s", NameStr(own.name), rest);
		/* Gone since the caller was asked about: there is nothing that could own the warehouse. */
		if (!ice_tenant_find(NameStr(own.name), false, out))
			ice_raise(ICE_ERR_FORBIDDEN, "Not allowed: the tenant is being dropped");
	}
	else if (ice_tenant_named(name, out))
		rest = strchr(name, '/') + 1;
	else if (strchr(name, '/') != NULL && ice_tenants_exist())
		ice_raise(ICE_ERR_BAD_REQUEST,
				  "Name of a warehouse must not hold a slash unless it begins with a tenant's: %s",
				  name);
	else
		return false;
	if (*rest == '\0' || strchr(rest, '/') != NULL)
		ice_raise(ICE_ERR_BAD_REQUEST,
				  "Name of a tenant's warehouse must not be empty, nor hold a slash: %s", name);
	if (strlen(rest) > ICE_TENANT_WAREHOUSE_BYTES_MAX)
		ice_raise(ICE_ERR_LIMIT_EXCEEDED,
				  "Warehouse name is %zu bytes long, more than the limit of %d", strlen(rest),
				  ICE_TENANT_WAREHOUSE_BYTES_MAX);
	return true;
}

const char *
ice_tenant_short_name(const char *name)
{
	IceTenancy  tenant;
	const char *rest = ice_access_tenant(&tenant) ? behind(name, &tenant) : NULL;

	return rest != NULL ? rest : name;
}
