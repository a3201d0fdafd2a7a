/*
 * store_protection.c
 *		Rows of icecat_data.protection. See store_protection.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "errors.h"
#include "store/caller.h"
#include "store/spi.h"
#include "store/store_protection.h"

static IceStatement put = {
	"INSERT INTO icecat_data.protection (warehouse_id, object_id, object_kind, set_by, set_at) "
	"VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
	5,
	{UUIDOID, UUIDOID, TEXTOID, TEXTOID, TIMESTAMPTZOID},
	NULL};

static IceStatement find = {
	"SELECT 1 FROM icecat_data.protection WHERE warehouse_id = $1 AND object_id = $2",
	2,
	{UUIDOID, UUIDOID},
	NULL};

static IceStatement delete_row = {
	"DELETE FROM icecat_data.protection WHERE warehouse_id = $1 AND object_id = $2",
	2,
	{UUIDOID, UUIDOID},
	NULL};

/* Not before the update that makes the table. */
static bool
exists(void)
{
	return ice_spi_state_has("protection");
}

void
ice_protection_set(const IceProtected *object, bool on)
{
	Datum values[5] = {UUIDPGetDatum(object->warehouse_id), UUIDPGetDatum(object->object_id),
					   ice_spi_cstring_datum(object->object_kind),
					   ice_spi_cstring_datum(GetUserNameFromId(ice_caller().role, false)),
					   TimestampTzGetDatum(GetCurrentTimestamp())};

	(void) ice_spi_execute_waiting(on ? &put : &delete_row, values, NULL);
}

bool
ice_protection_pass(const IceProtected *object, bool force, const char *display)
{
	Datum values[2] = {UUIDPGetDatum(object->warehouse_id), UUIDPGetDatum(object->object_id)};

	if (!exists() || ice_spi_execute_latest(&find, values) == 0)
		return false;
	if (!force)
		ice_raise_full(ICE_ERR_PROTECTED,
					   psprintf("The %s %s is protected: it is not dropped without force",
								object->object_kind, display),
					   NULL,
					   "icecat.set_protection() ends that; p_force, over REST force=true, "
					   "passes over it.");
	return true;
}

void
ice_protection_forget(const pg_uuid_t *warehouse_id, const pg_uuid_t *object_id)
{
	Datum values[2] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(object_id)};

	if (exists())
		(void) ice_spi_execute(&delete_row, values, NULL, false);
}
