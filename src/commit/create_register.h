/*
 * create_register.h
 *		New tables: created, staged, registered; and the ends of tables: dropped, unregistered,
 *		renamed.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_CREATE_REGISTER_H
#define ICE_CREATE_REGISTER_H

#include "commit/place.h"
#include "store/store_table.h"

/* Writes a new table (metadata complete, namespace locked): name, head, parts, file; not yet
 * its event. Gives it an id, version 1 and, unless it has one, a metadata location whose file is
 * published. False if the name is taken. */
extern bool ice_create_write(const IceWarehouse *warehouse, IceTable *table,
							 const IceNamespacePath *path, const char *name, IcePlaceChoice choice,
							 const char *event_type);

/* REST createTable; with stage_create nothing is stored and table->metadata_location is NULL. */
extern void ice_create_table(const IceWarehouse *warehouse, const IceNamespacePath *path,
							 IceCreateTable *request, IceTable *out);

/* What such a call, or a registration, is going to make, without a lock and without a change. It
 * raises as they would. False: it will not be made, or replaces what is there. The uuid that is
 * chosen is left in the request. */
extern bool ice_create_expect(const IceWarehouse *warehouse, const IceNamespacePath *path,
							  IceCreateTable *request, IceTable *out);
extern bool ice_register_expect(const IceWarehouse *warehouse, const IceNamespacePath *path,
								const char *name, const char *metadata_location, bool overwrite,
								IceTable *out);

/* REST registerTable: takes over the document at a metadata location; with overwrite an existing
 * table of that name gets it as its next version and keeps its id. */
extern void ice_register_table(const IceWarehouse *warehouse, const IceNamespacePath *path,
							   const char *name, const char *metadata_location, bool overwrite,
							   IceTable *out);

/* The document at a metadata location, out of storage, or out of the queue if its file is still to
 * be written; one without uuid (format version 1) gets fallback_uuid. */
extern IceTableMetadata *ice_register_read(const pg_uuid_t *warehouse_id,
										   const char      *metadata_location,
										   const char      *fallback_uuid);

typedef struct IceDropOptions
{
	bool purge; /* the deletion of all files is queued */
	bool force; /* also what is protected */
} IceDropOptions;

/* REST dropTable. Raises PROTECTED. */
extern void ice_drop_table(const IceWarehouse *warehouse, const IceNamespacePath *path,
						   const char *name, IceDropOptions options);

/* REST unregisterTable: drops the name, leaves all files, and makes sure that the last metadata
 * file is there. Appends the last document. Raises PROTECTED. */
extern void ice_drop_unregister(const IceWarehouse *warehouse, const IceNamespacePath *path,
								const char *name, IceTable *out, StringInfo document);

/* REST renameTable, within one warehouse. */
extern void ice_rename_table(const IceWarehouse *warehouse, const IceNamespacePath *source_path,
							 const char *source, const IceNamespacePath *destination_path,
							 const char *destination);

#endif
