/*
 * access.c
 *		What the caller may do: decisions by the rows of icecat_data.access_grant. See access.h.
 *
 * Kept for the session: of each role that called, whose rows count for it and what it may on the
 * whole catalog; and what it was granted on an object (of a namespace: on those above, too). These
 * change by a grant, a revocation or a membership only, and all of these send an invalidation:
 * namespaces do not move, and the rows that a creation writes are of an object that nobody has
 * asked for before. Rows are read by the newest snapshot: with an older one, what was revoked since
 * would be kept after the invalidation of the revocation has come and gone.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/parallel.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "errors.h"
#include "store/access.h"
#include "store/caller.h"
#include "store/spi.h"
#include "store/table_watch.h"

#define KEPT_ROLES_MAX   1000
#define KEPT_OBJECTS_MAX 10000

/* Of a warehouse: the caller sees something in it. Kept beside the privileges. */
#define SEES_BELOW 0x80000000

/* 0: rows for every role. */
static IceStatement find_roles = {
	"SELECT pg_catalog.array_agg(r.oid) || 0::pg_catalog.oid FROM pg_catalog.pg_roles AS r "
	"WHERE pg_catalog.pg_has_role($1, r.oid, 'USAGE')",
	1,
	{OIDOID},
	NULL};

/* Of a role, the tenants whose roles it has the rights of: the one that it is assigned to first. A
 * superuser has the rights of all. */
static IceStatement find_tenants = {
	"SELECT t.tenant_id, t.name, pg_catalog.bool_or(m.role::pg_catalog.oid = $2) "
	"FROM icecat_data.tenant_role AS m JOIN icecat_data.tenant AS t "
	"ON t.warehouse_id = $1 AND t.tenant_id = m.tenant_id "
	"WHERE m.warehouse_id = $1 AND pg_catalog.pg_has_role($2, m.role::pg_catalog.oid, 'USAGE') "
	"AND NOT EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.oid = $2 AND r.rolsuper) "
	"GROUP BY t.tenant_id, t.name ORDER BY 3 DESC LIMIT 2",
	2,
	{UUIDOID, OIDOID},
	NULL};

/* The roles of its tenant that it has the rights of, and itself. A role that came to the tenant by
 * a membership may have rows of another tenant's, or on the whole catalog, from before: nobody
 * checked it, as an assignment would have done. Then none of its own rows counts. */
static IceStatement find_tenant_roles = {
	"SELECT ARRAY(SELECT m.role::pg_catalog.oid FROM icecat_data.tenant_role AS m "
	"WHERE m.warehouse_id = $1 AND m.tenant_id = $3 AND m.role::pg_catalog.oid <> $2 "
	"AND pg_catalog.pg_has_role($2, m.role::pg_catalog.oid, 'USAGE')) || CASE WHEN EXISTS ("
	"SELECT FROM icecat_data.access_grant AS g LEFT JOIN icecat_data.warehouse AS w "
	"ON w.warehouse_id = g.warehouse_id WHERE g.role::pg_catalog.oid = $2 AND g.object_id <> $3 "
	"AND (g.warehouse_id = $1 OR w.tenant_id <> $3)) "
	"THEN '{}'::pg_catalog.oid[] ELSE ARRAY[$2] END",
	3,
	{UUIDOID, OIDOID, UUIDOID},
	NULL};

/* On a warehouse, and on the tenant that it belongs to. */
static IceStatement find_on_warehouse = {
	"SELECT privilege FROM icecat_data.access_grant "
	"WHERE warehouse_id = $1 AND object_id = $2 AND role::pg_catalog.oid = ANY ($3) UNION "
	"SELECT g.privilege FROM icecat_data.warehouse AS w JOIN icecat_data.access_grant AS g "
	"ON g.warehouse_id = '00000000-0000-0000-0000-000000000000'::pg_catalog.uuid "
	"AND g.object_id = w.tenant_id WHERE w.warehouse_id = $1 AND w.tenant_id IS NOT NULL "
	"AND g.role::pg_catalog.oid = ANY ($3)",
	3,
	{UUIDOID, UUIDOID, OIDARRAYOID},
	NULL};

static IceStatement find_own = {
	"SELECT DISTINCT privilege FROM icecat_data.access_grant "
	"WHERE warehouse_id = $1 AND object_id = $2 AND role::pg_catalog.oid = ANY ($3)",
	3,
	{UUIDOID, UUIDOID, OIDARRAYOID},
	NULL};

static IceStatement find_up = {
	"WITH RECURSIVE up (namespace_id, parent_id) AS ("
	"SELECT namespace_id, parent_id FROM icecat_data.namespace "
	"WHERE warehouse_id = $1 AND namespace_id = $2 UNION ALL "
	"SELECT n.namespace_id, n.parent_id FROM up JOIN icecat_data.namespace AS n "
	"ON n.warehouse_id = $1 AND n.namespace_id = up.parent_id) "
	"SELECT DISTINCT g.privilege FROM up JOIN icecat_data.access_grant AS g "
	"ON g.warehouse_id = $1 AND g.object_id = up.namespace_id "
	"AND g.role::pg_catalog.oid = ANY ($3)",
	3,
	{UUIDOID, UUIDOID, OIDARRAYOID},
	NULL};

static IceStatement find_below_namespace = {ICE_SEEN_SQL
											"1 FROM seen WHERE namespace_id = $2 LIMIT 1",
											3,
											{UUIDOID, UUIDOID, OIDARRAYOID},
											NULL};

static IceStatement find_in_warehouse = {
	"SELECT 1 FROM icecat_data.access_grant AS g LEFT JOIN icecat_data.relation AS r "
	"ON r.warehouse_id = $1 AND r.relation_id = g.object_id "
	"WHERE g.warehouse_id = $1 AND g.role::pg_catalog.oid = ANY ($2) "
	"AND r.dropped_at IS NULL LIMIT 1",
	2,
	{UUIDOID, OIDARRAYOID},
	NULL};

static IceStatement find_namespace_of = {
	"SELECT namespace_id FROM icecat_data.relation WHERE warehouse_id = $1 AND relation_id = $2",
	2,
	{UUIDOID, UUIDOID},
	NULL};

static IceStatement find_any_grant = {
	"SELECT 1 FROM icecat_data.access_grant WHERE warehouse_id = $1 AND object_id = $2 LIMIT 1",
	2,
	{UUIDOID, UUIDOID},
	NULL};

/* The whole catalog is an object, too. */
static const pg_uuid_t catalog_id = {{0}};

/* -- what is kept ------------------------------------------------------------------------------ */

typedef struct KeptRole
{
	Oid        role; /* the key */
	uint32     on_catalog;
	ArrayType *roles; /* whose rows count for it */
	bool       in_tenant;
	IceTenancy tenant;
} KeptRole;

typedef struct ObjectKey
{
	Oid       role;
	pg_uuid_t object_id;
} ObjectKey;

typedef struct KeptObject
{
	ObjectKey key;
	uint32    privileges;
} KeptObject;

static MemoryContext kept = NULL;
static HTAB         *kept_roles = NULL;
static HTAB         *kept_objects = NULL;
static uint64        generation = 0; /* how often all was forgotten */

static void
forget(void)
{
	generation++;
	kept_roles = kept_objects = NULL;
	if (kept != NULL)
		MemoryContextReset(kept);
}

static IceTableWatch watch = {.table = "access_grant", .forget = forget};

static void
roles_changed(Datum arg, int cache, uint32 hash)
{
	(void) arg;
	(void) cache;
	(void) hash;
	forget();
}

void
ice_access_init(void)
{
	CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, roles_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHOID, roles_changed, (Datum) 0);
}

bool
ice_access_exists(void)
{
	return OidIsValid(ice_table_watch_oid(&watch));
}

void
ice_access_changed(void)
{
	ice_table_watch_changed(&watch);
}

static HTAB *
make_table(const char *name, Size key, Size entry)
{
	HASHCTL control = {.keysize = key, .entrysize = entry, .hcxt = kept};

	return hash_create(name, 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* Makes room in both tables. */
static void
prepare(void)
{
	if (kept_roles != NULL && (hash_get_num_entries(kept_roles) >= KEPT_ROLES_MAX ||
							   hash_get_num_entries(kept_objects) >= KEPT_OBJECTS_MAX))
		forget();
	if (kept_roles != NULL)
		return;
	if (kept == NULL)
		kept = AllocSetContextCreate(CacheMemoryContext, "icecat access", ALLOCSET_DEFAULT_SIZES);
	kept_roles = make_table("icecat roles", sizeof(Oid), sizeof(KeptRole));
	kept_objects = make_table("icecat objects", sizeof(ObjectKey), sizeof(KeptObject));
}

/* -- questions to the rows --------------------------------------------------------------------- */

/* Only a table whose number is known is seen to change. */
static uint64
begin_to_ask(void)
{
	(void) ice_table_watch_oid(&watch);
	return generation;
}

/* A parallel query has one snapshot for all of its processes: what is read by it is not kept. */
static bool
may_keep(uint64 asked_at)
{
	return !IsInParallelMode() && asked_at == generation;
}

static uint64
ask(IceStatement *statement, Datum *values)
{
	return IsInParallelMode() ? ice_spi_execute(statement, values, NULL, true)
							  : ice_spi_execute_latest(statement, values);
}

/* What the rows of the last result grant: each is the name of a privilege. */
static uint32
sum(uint64 rows)
{
	uint32 privileges = 0;

	for (uint64 i = 0; i < rows; i++)
		privileges |= ice_privilege_grants(ice_spi_field_text(i, 1));
	return privileges;
}

/* Asks which tenant a role belongs to. One that has the rights of roles of several belongs to
 * none. */
static void
ask_tenant(Oid role, KeptRole *out)
{
	Datum  values[2] = {UUIDPGetDatum(&catalog_id), ObjectIdGetDatum(role)};
	uint64 count = ask(&find_tenants, values);

	out->in_tenant = count == 1 || (count == 2 && DatumGetBool(ice_spi_field(0, 3)));
	if (!out->in_tenant)
		return;
	out->tenant.id = ice_spi_field_uuid(0, 1);
	namestrcpy(&out->tenant.name, ice_spi_field_text(0, 2));
}

/* Asks whose rows count for a role, and what they grant on the whole catalog. */
static void
ask_role(Oid role, KeptRole *out)
{
	Datum values[3] = {ObjectIdGetDatum(role)};

	memset(out, 0, sizeof(KeptRole));
	out->role = role;
	ask_tenant(role, out);
	if (out->in_tenant)
	{
		values[0] = UUIDPGetDatum(&catalog_id);
		values[1] = ObjectIdGetDatum(role);
		values[2] = UUIDPGetDatum(&out->tenant.id);
		(void) ask(&find_tenant_roles, values);
		out->roles = DatumGetArrayTypePCopy(ice_spi_field(0, 1));
		return;
	}
	(void) ask(&find_roles, values);
	out->roles = DatumGetArrayTypePCopy(ice_spi_field(0, 1));
	values[0] = values[1] = UUIDPGetDatum(&catalog_id);
	values[2] = PointerGetDatum(out->roles);
	out->on_catalog = sum(ask(&find_own, values));
}

/* The roles whose rows count are in the caller's memory. */
static void
get_role(Oid role, KeptRole *out)
{
	KeptRole *found = kept_roles != NULL ? hash_search(kept_roles, &role, HASH_FIND, NULL) : NULL;
	uint64    asked_at;

	if (found != NULL)
	{
		*out = *found;
		return;
	}
	asked_at = begin_to_ask();
	ask_role(role, out);
	if (!may_keep(asked_at))
		return;
	prepare();
	found = hash_search(kept_roles, &role, HASH_ENTER, NULL);
	*found = *out;
	found->roles = MemoryContextAlloc(kept, VARSIZE(out->roles));
	memcpy(found->roles, out->roles, VARSIZE(out->roles));
}

/* What was granted on an object, or, by another statement, also on those above it. */
static uint32
get_object(IceStatement *statement, Oid role, const pg_uuid_t *warehouse_id,
		   const pg_uuid_t *object_id)
{
	ObjectKey   key = {role, *object_id};
	KeptObject *found = kept_objects ? hash_search(kept_objects, &key, HASH_FIND, NULL) : NULL;
	Datum       values[3] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(object_id)};
	uint64      asked_at;
	uint32      privileges;

	if (found != NULL)
		return found->privileges;
	asked_at = begin_to_ask();
	values[2] = ice_access_roles();
	privileges = sum(ask(statement, values));
	if (may_keep(asked_at))
	{
		prepare();
		found = hash_search(kept_objects, &key, HASH_ENTER, NULL);
		found->privileges = privileges;
	}
	return privileges;
}

bool
ice_access_tenant_of(Oid role, IceTenancy *out)
{
	KeptRole kept_role;

	AcceptInvalidationMessages();
	get_role(role, &kept_role);
	*out = kept_role.tenant;
	return kept_role.in_tenant;
}

bool
ice_access_tenant(IceTenancy *out)
{
	IceCaller caller = ice_caller();

	return !caller.owns && ice_access_tenant_of(caller.role, out);
}

Datum
ice_access_roles(void)
{
	KeptRole role;

	get_role(ice_caller().role, &role);
	/* What is kept may go while a statement runs. */
	return PointerGetDatum(DatumGetArrayTypePCopy(PointerGetDatum(role.roles)));
}

/* -- decisions --------------------------------------------------------------------------------- */

/* Looks from the top down, and no further than it must. */
static uint32
may(uint32 wanted, Oid caller, IceObject object)
{
	KeptRole role;
	uint32   has;

	AcceptInvalidationMessages();
	get_role(caller, &role);
	has = role.on_catalog;
	if (object.warehouse_id != NULL && (has & wanted) != wanted)
		has |= get_object(&find_on_warehouse, caller, object.warehouse_id, object.warehouse_id);
	if (object.namespace_id != NULL && (has & wanted) != wanted)
		has |= get_object(&find_up, caller, object.warehouse_id, object.namespace_id);
	if (object.relation_id != NULL && (has & wanted) != wanted)
		has |= get_object(&find_own, caller, object.warehouse_id, object.relation_id);
	return has & wanted;
}

bool
ice_access_may_tenant(uint32 wanted, const pg_uuid_t *tenant_id)
{
	IceCaller caller = ice_caller();
	KeptRole  role;

	if (caller.owns)
		return true;
	AcceptInvalidationMessages();
	get_role(caller.role, &role);
	return ((role.on_catalog | get_object(&find_own, caller.role, &catalog_id, tenant_id)) &
			wanted) == wanted;
}

bool
ice_access_may(uint32 wanted, IceObject object)
{
	IceCaller caller = ice_caller();

	return caller.owns || may(wanted, caller.role, object) == wanted;
}

/* Raises FORBIDDEN for the first privilege of a set. */
static void
raise_lacking(Oid role, uint32 missing, const char *what, const char *path, const char *name)
{
	missing &= -missing;
	ice_raise(ICE_ERR_FORBIDDEN, "Not allowed: %s lacks the privilege %s on %s%s%s%s%s",
			  GetUserNameFromId(role, false), ice_privilege_name(missing), what,
			  path != NULL ? " " : "", path != NULL ? path : "", name != NULL ? "." : "",
			  name != NULL ? name : "");
}

void
ice_access_require_tenant(uint32 wanted, const pg_uuid_t *tenant_id, const char *name)
{
	for (uint32 bit = 1; bit <= ICE_MANAGE; bit <<= 1)
		if ((wanted & bit) && !ice_access_may_tenant(bit, tenant_id))
			raise_lacking(ice_caller().role, bit, "tenant", name, NULL);
}

void
ice_access_require(uint32 wanted, IceObject object, const char *what, const char *path,
				   const char *name)
{
	IceCaller caller = ice_caller();
	uint32    missing;

	if (caller.owns)
		return;
	missing = wanted & ~may(wanted, caller.role, object);
	if (missing != 0)
		raise_lacking(caller.role, missing, what, path, name);
}

/* Is anything in the warehouse seen? A yes is kept: at worst it is told of a warehouse that it
 * knew. */
static bool
sees_in_warehouse(Oid role, const pg_uuid_t *warehouse_id)
{
	ObjectKey   key = {role, *warehouse_id};
	KeptObject *found = kept_objects ? hash_search(kept_objects, &key, HASH_FIND, NULL) : NULL;
	Datum       values[2] = {UUIDPGetDatum(warehouse_id)};
	uint64      asked_at;

	if (found != NULL && (found->privileges & SEES_BELOW))
		return true;
	asked_at = begin_to_ask();
	values[1] = ice_access_roles();
	if (ask(&find_in_warehouse, values) == 0)
		return false;
	if (may_keep(asked_at) && kept_objects != NULL &&
		(found = hash_search(kept_objects, &key, HASH_FIND, NULL)) != NULL)
		found->privileges |= SEES_BELOW;
	return true;
}

bool
ice_access_sees(IceObject object)
{
	IceCaller caller = ice_caller();
	Datum     values[3];

	if (ice_access_may(ICE_USAGE, object))
		return true;
	if (object.namespace_id == NULL)
		return sees_in_warehouse(caller.role, object.warehouse_id);
	values[0] = UUIDPGetDatum(object.warehouse_id);
	values[1] = UUIDPGetDatum(object.namespace_id);
	values[2] = ice_access_roles();
	return ask(&find_below_namespace, values) > 0;
}

bool
ice_access_namespace_of(const pg_uuid_t *warehouse_id, const pg_uuid_t *relation_id,
						pg_uuid_t *namespace_id)
{
	Datum values[2] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(relation_id)};

	if (ask(&find_namespace_of, values) == 0)
		return false;
	*namespace_id = ice_spi_field_uuid(0, 1);
	return true;
}

bool
ice_access_is_granted(const pg_uuid_t *warehouse_id, const pg_uuid_t *object_id)
{
	Datum values[2] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(object_id)};

	return ask(&find_any_grant, values) > 0;
}

bool
ice_access_may_by_id(uint32 wanted, const pg_uuid_t *warehouse_id, const pg_uuid_t *relation_id)
{
	pg_uuid_t namespace_id;

	if (ice_access_may(wanted, (IceObject){.warehouse_id = warehouse_id}))
		return true;
	if (!ice_access_namespace_of(warehouse_id, relation_id, &namespace_id))
		return false;
	return ice_access_may(wanted, (IceObject){warehouse_id, &namespace_id, relation_id});
}
