/*
 * pending.h
 *		Metadata files that an answer names and that are still to be written: who must wait, and who
 *		is woken.
 *
 * A file in the queue is known by a key, "warehouse/table/version" (ids as 32 hexadecimal digits).
 * Functions that tell a location note the key where the file is not there yet; the gateway takes
 * the keys with the answer (icecat._pending_files()), and sends the answer when the worker has
 * announced them, in one notification a batch. Nothing here waits, and no commit notifies anybody.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_PENDING_H
#define ICE_PENDING_H

#include "store/spi.h"

/* The channel on which the keys are announced. Every role may listen to every channel, and keys
 * have ids in them: so its name is a secret of the database, made with make where there is none.
 * NULL: there is none. */
extern const char *ice_pending_channel(bool make);

/* This transaction tells the location of a queued file. */
extern void ice_pending_note(const pg_uuid_t *warehouse_id, const pg_uuid_t *id, int64 version);

/* The keys noted since the last call or the transaction's begin, separated by blanks; NULL where
 * there are none, or where no worker comes to write the files. */
extern char *ice_pending_take(void);

/* Of keys that were once noted, those that are still queued. */
extern char *ice_pending_still(const char *keys);

/* Collects the keys of files that were written, and announces them at the end of this
 * transaction. */
extern void ice_pending_written(StringInfo keys, const pg_uuid_t *warehouse_id, const pg_uuid_t *id,
								int64 version);
extern void ice_pending_announce(StringInfo keys);

#endif
