/*
 * drop_purge.h
 *		Deletes the files of a table that was dropped with purge, then its rows, slice by slice.
 *
 * A purge that ends early, with an error or because the process does, loses nothing: what is gone
 * stays gone, and what names files goes only after all of them (purge_queue.h). The next one finds
 * what is left.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_DROP_PURGE_H
#define ICE_DROP_PURGE_H

#include "maint/owned_files.h"

typedef struct IcePurge IcePurge;

/* Is a file still queued for this dropped table that another table or view was registered by? Then
 * its purge comes after that file; otherwise the purge makes all earlier tasks of the table void.
 * In SPI. */
extern bool ice_drop_purge_waits(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id);

/* When the purge was first seen in the queue, and had to wait for snapshots to be read; DT_NOEND:
 * it never had to. */
extern TimestampTz ice_drop_purge_seen(const IceTask *task);
/* Notes that in the queue. In SPI. */
extern void        ice_drop_purge_note_seen(const IceTask *task, TimestampTz seen);

/* In SPI. All that the purge takes is below context. */
extern IcePurge *ice_drop_purge_begin(const IceTask *task, const IceTransactions *transactions,
									  MemoryContext context);

/* How the table's store is reached; NULL: it lies on disks of this machine, or it is not known. */
extern const IceStorageProfile *ice_drop_purge_profile(const IcePurge *purge);

typedef enum IcePurgeState
{
	ICE_PURGE_GOES_ON,
	ICE_PURGE_REFUSED, /* this database deletes no files: ice_drop_purge_refused() says why */
	ICE_PURGE_OVER     /* all that is left to do is to finish it */
} IcePurgeState;

/* Works until icecat.purge_slice_files files were dealt with or icecat.purge_slice_ms are over.
 * Raises what storage raises, and STORAGE for a manifest that cannot be read. */
extern IcePurgeState ice_drop_purge_slice(IcePurge *purge);
extern const char   *ice_drop_purge_refused(const IcePurge *purge);

/* From now on it only deletes what it has found, so that it can be ended between two slices: see
 * ice_drop_purge_is_idle(). */
extern void ice_drop_purge_wind_up(IcePurge *purge);
extern bool ice_drop_purge_is_idle(const IcePurge *purge);
/* Has it deleted anything since it began, and is there more to delete? One that was ended before
 * would do the same again. */
extern bool ice_drop_purge_may_end(const IcePurge *purge);

/* Notes in the queue how many files were deleted; false if the task is gone: another session did
 * it. In SPI. */
extern bool ice_drop_purge_note(const IcePurge *purge);
/* Deletes the table's last rows and its tasks and writes the event "purge-table"; in SPI. */
extern void ice_drop_purge_finish(const IcePurge *purge);

#endif
