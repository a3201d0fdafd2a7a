/*
 * store_lock.h
 *		Advisory locks of our own, in this database.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_STORE_LOCK_H
#define ICE_STORE_LOCK_H

#include "postgres.h"

#include "storage/lock.h"

/* Class (locktag_field4) of our advisory locks; PostgreSQL's own are 1 and 2. The key chooses the
 * lock. */
#define ICE_LOCK_CLASS             0x1CE0
#define ICE_LOCK_TASKS             1 /* only one session at a time works on the queue */
#define ICE_LOCK_PARTITIONS        2 /* only one makes or drops partitions of event */
#define ICE_LOCK_REPORT_PARTITIONS 3 /* the same of metrics_report */
#define ICE_LOCK_AUDIT_PARTITIONS  5 /* as ICE_LOCK_PARTITIONS, of audit */

/* Class of the locks of places: folders of tables and views. */
#define ICE_LOCK_CLASS_PLACE 0x1CE1
/* Class of the locks of files: see store_file_lock.h. */
#define ICE_LOCK_CLASS_FILES 0x1CE3
/* That of the locks of commits that add snapshots, by warehouse. */
#define ICE_LOCK_CLASS_OUTSIDE 0x1CE4
/* That of locks of quotas; the key: of a resource of a warehouse, see quota.c. */
#define ICE_LOCK_CLASS_QUOTA 0x1CE2

/* Until the end of the transaction, or of the session. False: taken by another session, and not
 * waited for. */
extern bool ice_lock_take(int32 key, bool session, bool wait);
/* Ends one that the session has taken for itself. */
extern void ice_lock_release(int32 key);
/* Waits for any lock, in a transaction, then raises 55P03. */
extern void ice_lock_wait(const LOCKTAG *tag, LOCKMODE mode, bool session, int wait_ms);
/* Locks a folder by its path, until the end of the transaction: alone where something is placed
 * there, shared where something is placed below it. Waits for
 * icecat.commit_lock_timeout_ms at most. */
extern void ice_lock_place(const char *path, bool alone);

/* Takes the lock of a quota until the end of the transaction: alone, or shared with others. Waits
 * no longer than icecat.commit_lock_timeout_ms. Two keys may be one lock, which costs time only. */
extern void ice_lock_quota(uint64 key, bool alone);

/* Until the end of the transaction, and never waiting: for a commit that adds snapshots to a
 * warehouse. False: another transaction has, or waits for, what ice_lock_outside_alone() takes. */
extern bool ice_lock_outside(uint64 warehouse);
/* Waits for all transactions that have it, no longer than icecat.commit_lock_timeout_ms. Meant for
 * a change that must see them: none of them waits in turn, but others that want it alone do. */
extern void ice_lock_outside_alone(uint64 warehouse);

#endif
