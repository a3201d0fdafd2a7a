/*
 * outside_check.h
 *		Files of new snapshots that lie outside of the folders of their table: what the property
 *		icecat.outside-files of the warehouse says.
 *
 * Where it is strict, the manifests are read before the commit takes any lock; where it is report,
 * the commit queues its snapshots, which the worker reads afterwards (task_inspect.h).
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_OUTSIDE_CHECK_H
#define ICE_OUTSIDE_CHECK_H

#include "commit/table_change.h"

/* Raises VALIDATION for a change whose new snapshots name files outside, where that is strict.
 * Before there is a lock. */
extern void ice_outside_check_changes(const IceWarehouse *warehouse, const IceTableChange *changes,
									  int count);
/* While this is on, a lock is held: a check that would read storage raises lock_not_available. */
extern void ice_outside_check_put_off(bool on);
#define ICE_OUTSIDE_ALL (-1)

/* The same for a document that becomes the metadata of a table: of its snapshots after that
 * sequence number, and of the current one; ICE_OUTSIDE_ALL: of all. table_id: NULL: it is a new
 * table. */
extern void ice_outside_check_document(const IceWarehouse *warehouse, const pg_uuid_t *table_id,
									   const IceTableMetadata *metadata,
									   int64                   last_sequence_number);

/* Queues the new snapshots of a table whose rows were written, where the worker reports. */
extern void ice_outside_check_later(const IceTable *table);

#endif
