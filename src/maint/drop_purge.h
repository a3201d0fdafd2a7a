/*
 * drop_purge.h
 *		Deletes the files of a table that was dropped with purge, then its rows.
 *
 * Three steps: prepare reads what the rows say, run deletes files, with a short transaction for each slice of them,
 * finish deletes the rows. All can be repeated: what is gone stays gone. Manifests and
 * manifest lists go only after all that they name, so a repeated run finds what is left.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_DROP_PURGE_H
#define ICE_DROP_PURGE_H

#include "maint/owned_files.h"
#include "store/store_purge.h"
#include "store/store_task.h"

typedef struct IcePurge
{
	pg_uuid_t     warehouse_id;
	pg_uuid_t     table_id;
	int64         version;
	IceTableFiles files;
	List         *folders; /* that were its own when it was prepared: canonical C strings */
	const char   *refused; /* why nothing was done: this database deletes no files; NULL: it does */
	int64         deleted_count; /* files that this run deleted */
	int64         kept_count;    /* files left alone: not the table's own, or outside of the allowed roots */
} IcePurge;

/* Is a file still queued for this dropped table that another table or view was registered by? Then its purge comes after that
 * file; otherwise the purge makes all earlier tasks of the table void. In SPI. */
extern bool ice_purge_waits(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id);
/* Allocates in the current memory context; in SPI. NULL if there is no such dropped table any more. */
extern IcePurge *ice_purge_prepare(const IceTask *task);
/* Raises what storage raises, and STORAGE for a manifest that cannot be read. */
extern void ice_purge_run(IcePurge *purge, const IceTransactions *transactions);
/* Deletes the table's rows and tasks and writes the event "purge-table"; in SPI. */
extern void ice_purge_finish(const IcePurge *purge);

#endif
