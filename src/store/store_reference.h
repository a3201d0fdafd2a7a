/*
 * store_reference.h
 *		Files of others that the manifests of tables refer to (icecat_data.file_reference).
 *
 * Rows are made by inspections (store_inspection.h), and go with those of their table.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_STORE_REFERENCE_H
#define ICE_STORE_REFERENCE_H

#include "nodes/pg_list.h"

#include "store/store_inspection.h"

/* Adds files (canonical C strings) that a snapshot refers to, unless its inspection is gone: then
 * its table may be, too. */
extern void ice_references_add(const IceInspection *inspection, const List *paths);
/* Adds those of some folders in which other tables and views are placed. */
extern void ice_references_add_places(const IceInspection *inspection, const List *folders);

/* What tables other than one refer to: the keys (ice_hold_key()) of those of some files, and those
 * of its folders that stay as they are, because others refer to a manifest in them that could not
 * be read. C strings. */
extern List *ice_references_of_others(const pg_uuid_t *warehouse_id, const pg_uuid_t *object_id,
									  const List *files, const List *folders);

/* Some of a table's; true if none are left. */
extern bool ice_references_forget_some(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id,
									   int limit);
/* With the rows of a table. */
extern void ice_references_forget(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id);

#endif
