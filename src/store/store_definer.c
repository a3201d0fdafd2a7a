/*
 * store_definer.c
 *		Rows of icecat_data.view_definer. See store_definer.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "errors.h"
#include "store/caller.h"
#include "store/spi.h"
#include "store/store_definer.h"

/* Engines are trusted in all warehouses. */
static const pg_uuid_t everywhere = {{0}};

static IceStatement find_properties = {
	"SELECT DISTINCT owner_property FROM icecat_data.trusted_engine "
	"WHERE warehouse_id = $1 AND owner_property IS NOT NULL ORDER BY owner_property",
	1,
	{UUIDOID},
	NULL};

static IceStatement put_definer = {
	"INSERT INTO icecat_data.view_definer (warehouse_id, view_id, role, property, set_at) "
	"VALUES ($1, $2, $3, $4, $5) ON CONFLICT (warehouse_id, view_id) "
	"DO UPDATE SET role = excluded.role, property = excluded.property, set_at = excluded.set_at",
	5,
	{UUIDOID, UUIDOID, REGROLEOID, TEXTOID, TIMESTAMPTZOID},
	NULL};

static IceStatement delete_definer = {
	"DELETE FROM icecat_data.view_definer WHERE warehouse_id = $1 AND view_id = $2",
	2,
	{UUIDOID, UUIDOID},
	NULL};

static IceStatement find_definer = {
	"SELECT d.role::pg_catalog.oid FROM icecat_data.view_definer AS d "
	"WHERE d.warehouse_id = $1 AND d.view_id = $2 AND EXISTS ("
	"SELECT FROM icecat_data.trusted_engine AS e WHERE e.warehouse_id = $3 "
	"AND e.owner_property = d.property AND pg_catalog.pg_has_role($4, e.role, 'USAGE'))",
	4,
	{UUIDOID, UUIDOID, UUIDOID, OIDOID},
	NULL};

/* The first property of the view that names an owner; its value goes to owner. NULL: none. */
static const char *
owner_property(const IceView *view, const char **owner)
{
	Datum  values[1] = {UUIDPGetDatum(&everywhere)};
	uint64 rows = ice_spi_execute_latest(&find_properties, values);

	for (uint64 i = 0; i < rows; i++)
	{
		const char *property = ice_spi_field_text(i, 1);

		*owner = ice_view_property(view->metadata, property);
		if (*owner != NULL)
			return property;
	}
	return NULL;
}

/* The role of a name, if the caller has its rights. A role that is not there is refused in the same
 * words. */
static Oid
check_owner(const char *property, const char *owner)
{
	IceCaller caller = ice_caller();
	Oid       role = get_role_oid(owner, true);

	if (!OidIsValid(role) || !(caller.owns || has_privs_of_role(caller.role, role)))
		ice_raise(ICE_ERR_FORBIDDEN,
				  "Not allowed: by property %s the view works as %s, whose rights %s has not",
				  property, owner, GetUserNameFromId(caller.role, false));
	return role;
}

void
ice_definer_follow(const IceView *view)
{
	const char *owner = NULL;
	const char *property;
	Datum       values[5] = {UUIDPGetDatum(&view->warehouse_id), UUIDPGetDatum(&view->id)};

	if (!ice_spi_state_has("view_definer"))
		return;
	property = owner_property(view, &owner);
	if (property == NULL)
	{
		(void) ice_spi_execute(&delete_definer, values, NULL, false);
		return;
	}
	values[2] = ObjectIdGetDatum(check_owner(property, owner));
	values[3] = ice_spi_cstring_datum(property);
	values[4] = TimestampTzGetDatum(GetCurrentTimestamp());
	(void) ice_spi_execute(&put_definer, values, NULL, false);
}

Oid
ice_definer_of(const IceView *view)
{
	Datum values[4] = {UUIDPGetDatum(&view->warehouse_id), UUIDPGetDatum(&view->id),
					   UUIDPGetDatum(&everywhere), ObjectIdGetDatum(ice_caller().engine)};

	if (ice_spi_execute_latest(&find_definer, values) == 0)
		return InvalidOid;
	return DatumGetObjectId(ice_spi_field(0, 1));
}
