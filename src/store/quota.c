/*
 * quota.c
 *		Quotas are taken, given back and checked. See quota.h; they are set in quota_set.c.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "errors.h"
#include "json/json.h"
#include "store/quota.h"
#include "store/store_lock.h"
#include "store/store_tenant.h"
#include "store/table_watch.h"

#define KEPT_MAX 10000

static const char *const names[ICE_QUOTA_RESOURCES] = {"warehouses",
													   "namespaces",
													   "tables",
													   "views",
													   "namespace_depth",
													   "properties",
													   "property_bytes",
													   "requests_per_second",
													   "role_requests_per_second",
													   "principal_requests_per_second"};

/* Nil: what is no warehouse's. */
static const pg_uuid_t nil = {{0}};

static IceStatement find_any = {"SELECT 1 FROM icecat_data.quota "
								"WHERE warehouse_id IS NOT NULL LIMIT 1",
								0,
								{0},
								NULL};

static IceStatement find_limited = {
	"SELECT resource, NULL::pg_catalog.uuid FROM icecat_data.quota "
	"WHERE warehouse_id = $1 AND object_id = $1 UNION ALL "
	"SELECT q.resource, w.tenant_id FROM icecat_data.warehouse AS w "
	"JOIN icecat_data.quota AS q ON q.warehouse_id = $2 AND q.object_id = w.tenant_id "
	"AND q.object_kind = 'tenant' WHERE w.warehouse_id = $1 AND w.tenant_id IS NOT NULL",
	2,
	{UUIDOID, UUIDOID},
	NULL};

static IceStatement take = {
	"UPDATE icecat_data.quota SET used = used + 1 WHERE warehouse_id = $1 "
	"AND object_id = $2 AND object_kind = $3 AND resource = $4 AND used < most",
	4,
	{UUIDOID, UUIDOID, TEXTOID, TEXTOID},
	NULL};

static IceStatement give_back = {
	"UPDATE icecat_data.quota SET used = used - 1 WHERE warehouse_id = $1 "
	"AND object_id = $2 AND object_kind = $3 AND resource = $4",
	4,
	{UUIDOID, UUIDOID, TEXTOID, TEXTOID},
	NULL};

static IceStatement find_row = {"SELECT most, used FROM icecat_data.quota WHERE warehouse_id = $1 "
								"AND object_id = $2 AND object_kind = $3 AND resource = $4",
								4,
								{UUIDOID, UUIDOID, TEXTOID, TEXTOID},
								NULL};

static IceStatement find_name = {
	"SELECT name FROM icecat_data.warehouse WHERE warehouse_id = $1 UNION ALL "
	"SELECT name FROM icecat_data.tenant WHERE warehouse_id = $2 AND tenant_id = $1",
	2,
	{UUIDOID, UUIDOID},
	NULL};

/* -- what is kept ------------------------------------------------------------------------------ */

/* Which resources are limited, as bits. */
typedef struct Limited
{
	pg_uuid_t warehouse_id; /* the key */
	uint32    here;
	uint32    in_tenant;
	pg_uuid_t tenant_id;
} Limited;

static HTAB         *kept = NULL;
static MemoryContext context = NULL;

static void
forget(void)
{
	kept = NULL;
	if (context != NULL)
		MemoryContextReset(context);
}

static IceTableWatch watch = {.table = "quota", .forget = forget};

void
ice_quota_changed(void)
{
	ice_table_watch_changed(&watch);
}

bool
ice_quota_any(void)
{
	return ice_table_watch_any(&watch, &find_any, NULL);
}

void
ice_quota_lock(const pg_uuid_t *warehouse_id, IceQuotaResource resource, bool alone)
{
	ice_lock_quota(hash_bytes_extended(warehouse_id->data, UUID_LEN, (uint64) resource), alone);
}

void
ice_quota_lock_all(bool alone)
{
	ice_table_watch_lock(&watch, alone ? ShareRowExclusiveLock : RowExclusiveLock);
}

static void
ask_limited(const pg_uuid_t *warehouse_id, Limited *out)
{
	Datum  values[2] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(&nil)};
	uint64 rows = ice_spi_execute_latest(&find_limited, values);

	*out = (Limited){.warehouse_id = *warehouse_id};
	for (uint64 i = 0; i < rows; i++)
	{
		uint32 bit = 1u << ice_quota_resource(ice_spi_field_text(i, 1));

		if (ice_spi_field_is_null(i, 2))
			out->here |= bit;
		else
		{
			out->in_tenant |= bit;
			out->tenant_id = ice_spi_field_uuid(i, 2);
		}
	}
}

/* Keeps what was asked, unless something changed in between. */
static void
keep(const Limited *limited)
{
	HASHCTL control = {.keysize = sizeof(pg_uuid_t), .entrysize = sizeof(Limited)};

	if (!watch.known)
		return;
	if (context == NULL)
		context = AllocSetContextCreate(CacheMemoryContext, "icecat quotas", ALLOCSET_SMALL_SIZES);
	if (kept != NULL && hash_get_num_entries(kept) >= KEPT_MAX)
	{
		kept = NULL;
		MemoryContextReset(context);
	}
	control.hcxt = context;
	if (kept == NULL)
		kept = hash_create("icecat quotas", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	*(Limited *) hash_search(kept, &limited->warehouse_id, HASH_ENTER, NULL) = *limited;
}

/* What is limited in a warehouse, and by its tenant; false: nothing. */
static bool
limited_in(const pg_uuid_t *warehouse_id, Limited *out)
{
	Limited *found;

	if (!ice_quota_any())
		return false;
	found = kept != NULL ? hash_search(kept, warehouse_id, HASH_FIND, NULL) : NULL;
	if (found != NULL)
		*out = *found;
	else
	{
		ask_limited(warehouse_id, out);
		keep(out);
	}
	return out->here != 0 || out->in_tenant != 0;
}

/* -- rows -------------------------------------------------------------------------------------- */

IceQuotaResource
ice_quota_resource(const char *name)
{
	int resource = 0;

	while (resource < ICE_QUOTA_RESOURCES && strcmp(names[resource], name) != 0)
		resource++;
	return (IceQuotaResource) resource;
}

const char *
ice_quota_name(IceQuotaResource resource)
{
	return names[resource];
}

/* The key of a row: of a warehouse, or (NULL) of a tenant. */
static void
make_key(const pg_uuid_t *warehouse_id, const pg_uuid_t *tenant_id, IceQuotaResource resource,
		 Datum *out)
{
	out[0] = UUIDPGetDatum(warehouse_id != NULL ? warehouse_id : &nil);
	out[1] = UUIDPGetDatum(warehouse_id != NULL ? warehouse_id : tenant_id);
	out[2] = ice_spi_cstring_datum(warehouse_id != NULL ? "warehouse" : "tenant");
	out[3] = ice_spi_cstring_datum(names[resource]);
}

/* Raises for the row of a key. */
static void
raise_exceeded(Datum *key, bool of_tenant, IceQuotaResource resource, int64 most, int64 has)
{
	Datum       values[2] = {key[1], UUIDPGetDatum(&nil)};
	const char *name = ice_spi_execute_latest(&find_name, values) > 0
						   ? ice_tenant_short_name(ice_spi_field_text(0, 1))
						   : "";

	ice_raise_full(ICE_ERR_QUOTA_EXCEEDED,
				   psprintf("Quota exceeded: %s of %s %s: the limit is " INT64_FORMAT
							", in use are " INT64_FORMAT,
							names[resource], of_tenant ? "tenant" : "warehouse", name, most, has),
				   NULL, "Drop something, or have the quota raised with icecat.set_quota().");
}

/* Takes one from a row, if there is one. */
static void
take_from(const pg_uuid_t *warehouse_id, const pg_uuid_t *tenant_id, IceQuotaResource resource)
{
	Datum key[4];

	make_key(warehouse_id, tenant_id, resource, key);
	if (ice_spi_execute_waiting(&take, key, NULL) > 0 ||
		ice_spi_execute_latest(&find_row, key) == 0)
		return;
	raise_exceeded(key, warehouse_id == NULL, resource, ice_spi_field_int64(0, 1),
				   ice_spi_field_int64(0, 2));
}

static void
give_to(const pg_uuid_t *warehouse_id, const pg_uuid_t *tenant_id, IceQuotaResource resource)
{
	Datum key[4];

	make_key(warehouse_id, tenant_id, resource, key);
	(void) ice_spi_execute_waiting(&give_back, key, NULL);
}

void
ice_quota_take(const pg_uuid_t *warehouse_id, IceQuotaResource resource)
{
	Limited limited;

	ice_quota_lock(warehouse_id, resource, false);
	if (!limited_in(warehouse_id, &limited))
		return;
	if (limited.here & (1u << resource))
		take_from(warehouse_id, NULL, resource);
	if (limited.in_tenant & (1u << resource))
		take_from(NULL, &limited.tenant_id, resource);
}

void
ice_quota_give_back(const pg_uuid_t *warehouse_id, IceQuotaResource resource)
{
	Limited limited;

	ice_quota_lock(warehouse_id, resource, false);
	if (!limited_in(warehouse_id, &limited))
		return;
	if (limited.here & (1u << resource))
		give_to(warehouse_id, NULL, resource);
	if (limited.in_tenant & (1u << resource))
		give_to(NULL, &limited.tenant_id, resource);
}

void
ice_quota_take_warehouse(const pg_uuid_t *tenant_id)
{
	if (ice_quota_any())
		take_from(NULL, tenant_id, ICE_QUOTA_WAREHOUSES);
}

void
ice_quota_give_back_warehouse(const pg_uuid_t *tenant_id)
{
	if (ice_quota_any())
		give_to(NULL, tenant_id, ICE_QUOTA_WAREHOUSES);
}

/* -- limits on each object --------------------------------------------------------------------- */

/* Raises where an object has more than a row allows. */
static void
check_row(const pg_uuid_t *warehouse_id, const pg_uuid_t *tenant_id, IceQuotaResource resource,
		  int64 has)
{
	Datum key[4];

	make_key(warehouse_id, tenant_id, resource, key);
	if (ice_spi_execute_latest(&find_row, key) > 0 && ice_spi_field_int64(0, 1) < has)
		raise_exceeded(key, warehouse_id == NULL, resource, ice_spi_field_int64(0, 1), has);
}

void
ice_quota_check(const pg_uuid_t *warehouse_id, IceQuotaResource resource, int64 has)
{
	Limited limited;

	if (!limited_in(warehouse_id, &limited))
		return;
	if (limited.here & (1u << resource))
		check_row(warehouse_id, NULL, resource, has);
	if (limited.in_tenant & (1u << resource))
		check_row(NULL, &limited.tenant_id, resource, has);
}

bool
ice_quota_limits_properties(const pg_uuid_t *warehouse_id)
{
	const uint32 bits = 1u << ICE_QUOTA_PROPERTIES | 1u << ICE_QUOTA_PROPERTY_BYTES;
	Limited      limited;

	return limited_in(warehouse_id, &limited) && ((limited.here | limited.in_tenant) & bits) != 0;
}

void
ice_quota_check_properties(const pg_uuid_t *warehouse_id, const char *json)
{
	size_t bytes;

	if (!ice_quota_limits_properties(warehouse_id))
		return;
	bytes = strlen(json);
	ice_quota_check(warehouse_id, ICE_QUOTA_PROPERTY_BYTES, (int64) bytes);
	ice_quota_check(warehouse_id, ICE_QUOTA_PROPERTIES,
					ice_json_parse(json, bytes, ICE_JSON_DEPTH_STORED)->count);
}

int64
ice_quota_of_tenant(const pg_uuid_t *tenant_id, IceQuotaResource resource)
{
	Datum key[4];

	make_key(NULL, tenant_id, resource, key);
	return ice_spi_execute_latest(&find_row, key) > 0 ? ice_spi_field_int64(0, 1) : -1;
}
