/*
 * commit_table.h
 *		The commit of one or many tables, all or nothing.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_COMMIT_TABLE_H
#define ICE_COMMIT_TABLE_H

#include "commit/table_change.h"

/* Checks and applies all changes in the caller's transaction, with the locks of ARCHITECTURE.md §5.
 * Raises COMMIT_FAILED (409), NO_SUCH_TABLE, NO_SUCH_NAMESPACE, VALIDATION, BAD_REQUEST; 55P03 on a
 * lock timeout. */
extern void ice_commit_table_changes(const IceWarehouse *warehouse, IceTableChange *changes,
									 int count);

#endif
