/*
 * store_reference.c
 *		Files of others that the manifests of tables refer to (icecat_data.file_reference). See
 *		store_reference.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "store/spi.h"
#include "store/store_hold.h"
#include "store/store_reference.h"

/* What a snapshot refers to, while its inspection is not over. A folder has a slash at its end: so
 * what a manifest calls a file is never taken for one. */
#define ADD(select)                                                                 \
	"INSERT INTO icecat_data.file_reference (warehouse_id, table_id, path) " select \
	" AND EXISTS (SELECT FROM icecat_data.inspection i WHERE i.warehouse_id = $1 "  \
	"AND i.table_id = $2 AND i.snapshot_id = $3) ON CONFLICT DO NOTHING"

static IceStatement add_files = {
	ADD("SELECT $1, $2, p.path FROM pg_catalog.unnest($4) AS p (path) WHERE true"),
	4,
	{UUIDOID, UUIDOID, INT8OID, TEXTARRAYOID},
	NULL};

/* All warehouses: whose file it is. */
static IceStatement add_places = {
	ADD("SELECT DISTINCT $1, $2, l.path || '/' FROM icecat_data.location l "
		"WHERE l.path = ANY ($4) "
		"AND l.kind IN ('location', 'path') AND (l.object_id <> $2 OR l.warehouse_id <> $1)"),
	4,
	{UUIDOID, UUIDOID, INT8OID, TEXTARRAYOID},
	NULL};

/* All warehouses: whose file it is. */
static IceStatement others_at = {
	"SELECT DISTINCT r.path FROM icecat_data.file_reference r WHERE r.path = ANY ($1) "
	"AND (r.table_id <> $3 OR r.warehouse_id <> $2)",
	3,
	{TEXTARRAYOID, UUIDOID, UUIDOID},
	NULL};

static IceStatement forget = {
	"DELETE FROM icecat_data.file_reference WHERE warehouse_id = $1 AND table_id = $2",
	2,
	{UUIDOID, UUIDOID},
	NULL};

static IceStatement forget_some = {
	"DELETE FROM icecat_data.file_reference WHERE warehouse_id = $1 AND table_id = $2 "
	"AND ctid = ANY (ARRAY(SELECT r.ctid FROM icecat_data.file_reference r "
	"WHERE r.warehouse_id = $1 AND r.table_id = $2 LIMIT $3))",
	3,
	{UUIDOID, UUIDOID, INT8OID},
	NULL};

/* Not before the update that makes the table. */
static bool
exists(void)
{
	return ice_spi_state_has("file_reference");
}

void
ice_references_add(const IceInspection *inspection, const List *paths)
{
	Datum values[4] = {UUIDPGetDatum(&inspection->warehouse_id),
					   UUIDPGetDatum(&inspection->table_id), Int64GetDatum(inspection->snapshot_id),
					   ice_hold_array(paths)};

	if (paths != NIL)
		(void) ice_spi_execute(&add_files, values, NULL, false);
}

void
ice_references_add_places(const IceInspection *inspection, const List *folders)
{
	Datum values[4] = {UUIDPGetDatum(&inspection->warehouse_id),
					   UUIDPGetDatum(&inspection->table_id), Int64GetDatum(inspection->snapshot_id),
					   ice_hold_array(folders)};

	if (folders != NIL)
		(void) ice_spi_execute(&add_places, values, NULL, false);
}

List *
ice_references_of_others(const pg_uuid_t *warehouse_id, const pg_uuid_t *object_id,
						 const List *files, const List *folders)
{
	List     *paths = list_copy(files);
	List     *found = NIL;
	Datum     values[3] = {0, UUIDPGetDatum(warehouse_id), UUIDPGetDatum(object_id)};
	uint64    rows;
	ListCell *cell;

	foreach (cell, folders)
		paths = lappend(paths, psprintf("%s/", (const char *) lfirst(cell)));
	if (!exists() || paths == NIL)
		return NIL;
	values[0] = ice_hold_array(paths);
	rows = ice_spi_execute_latest(&others_at, values);
	for (uint64 i = 0; i < rows; i++)
	{
		char  *path = ice_spi_field_text(i, 1);
		size_t len = strlen(path);

		if (len > 0 && path[len - 1] == '/')
			path[len - 1] = '\0';
		found = lappend(found, path);
	}
	ice_spi_free_rows();
	return found;
}

bool
ice_references_forget_some(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id, int limit)
{
	Datum values[3] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(table_id), Int64GetDatum(limit)};

	return !exists() || ice_spi_execute(&forget_some, values, NULL, false) < (uint64) limit;
}

void
ice_references_forget(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id)
{
	Datum values[2] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(table_id)};

	if (exists())
		(void) ice_spi_execute(&forget, values, NULL, false);
}
