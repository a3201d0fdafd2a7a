/*
 * purge_walk.h
 *		Finds the files of a dropped table, step by step.
 *
 * What is found is what the reference implementation deletes: every data and delete file named by a
 * manifest of any snapshot (not with gc.enabled=false, since the files may belong to other tables
 * then), the manifests, manifest lists, statistics files, earlier metadata files and the current
 * one. Manifests and manifest lists that lie elsewhere are not even read: a client chooses what its
 * metadata names.
 *
 * A step reads one page of rows, or one file, or one block of a file. What is kept between steps is
 * bounded: one manifest list and one manifest as they are stored, and the paths of what was met, up
 * to some megabytes. Those paths only save work: where they are forgotten, a file that is gone
 * tells that it was met. So a purge that begins again, after a crash or when others had their turn,
 * passes over what it did before.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_PURGE_WALK_H
#define ICE_PURGE_WALK_H

#include "maint/purge_queue.h"
#include "store/store_purge.h"

typedef struct IcePurgeWalk IcePurgeWalk;

/* table, folders, owner and queue must stay where they are. Found files go to queue; those outside
 * of the roots are counted as kept. Takes memory below the current context. */
extern IcePurgeWalk *ice_purge_walk_begin(const IceDroppedTable *table, List *folders,
										  IceOwner *owner, IcePurgeQueue *queue);
/* False: all files were found. Raises what storage raises, and STORAGE for a manifest that cannot
 * be read. */
extern bool          ice_purge_walk_step(IcePurgeWalk *walk);
/* Has it met so many files that it should forget them? That must wait until the queue is empty. */
extern bool          ice_purge_walk_heavy(const IcePurgeWalk *walk);
extern void          ice_purge_walk_forget(IcePurgeWalk *walk);

#endif
