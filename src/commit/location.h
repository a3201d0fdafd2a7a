/*
 * location.h
 *		Where a table or view and its metadata files lie.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_LOCATION_H
#define ICE_LOCATION_H

#include "store/store_table.h"
#include "store/store_view.h"

/* Where the tables and views of a namespace go: its property location; else that of the nearest
 * namespace above that has one, else the warehouse's, with the levels below it as folders, of
 * letters, digits, '.', '_' and '-' only. NULL if there is none. The path is spelled as the
 * namespaces are. */
extern char *ice_location_of_namespace(const IceWarehouse *warehouse, const IceNamespacePath *path,
									   const IceNamespace *space, bool read_only);

/* The location of a new table or view for which the client asked none: <namespace's
 * location>/<table>-<uuid>, or as the warehouse's template says (warehouse_rules.h), below the
 * location that the namespace's is derived from. */
extern char *ice_location_derive(const IceWarehouse *warehouse, const IceNamespacePath *path,
								 const IceNamespace *space, const char *name,
								 const char *table_uuid);

/* Raises BAD_REQUEST for a new table or view (what) that has no location. */
extern void ice_location_require(const char *location, const char *what,
								 const IceNamespacePath *path, const char *name);

/* A client's location without trailing slashes. Raises BAD_REQUEST if nothing is left. */
extern char *ice_location_normalize(const char *location);

/* The file of the next metadata version: write.metadata.path or <location>/metadata, a number one
 * above the previous file's (previous NULL: 0), a new uuid, .metadata.json or .gz.metadata.json. */
extern char *ice_location_next(const IceTableMetadata *metadata, const char *previous);
extern char *ice_location_next_of_view(const IceViewMetadata *metadata, const char *previous);

/* Does the file lie in the table's own metadata folder? A registered document can name any
 * other. */
extern bool ice_location_is_metadata_file(const IceTableMetadata *metadata, const char *file);

/* The folders that clients and the server write to: <location>/metadata (or write.metadata.path)
 * and <location>/data are made where storage has folders. Raises FORBIDDEN_LOCATION, UNSUPPORTED or
 * STORAGE. */
extern void ice_location_prepare(const pg_uuid_t *warehouse_id, const IceTableMetadata *metadata);
/* The same for a view, which has no data. */
extern void ice_location_prepare_view(const pg_uuid_t       *warehouse_id,
									  const IceViewMetadata *metadata);

#endif
