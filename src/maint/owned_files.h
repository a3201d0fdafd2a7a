/*
 * owned_files.h
 *		Deletes files of one table, as far as they are its own.
 *
 * The one place that decides whether a file goes. A file is a table's own if it lies below a folder
 * that the table holds (its locations and the folders of its write.*.path properties), by every
 * spelling of its path, and no other table or view of any warehouse holds the file or a folder
 * around it, or refers to it in a manifest that was read (store_reference.h). A folder of a
 * property in or around which another one holds something gives no right at all, nor does a root, a
 * warehouse's location or a folder around one.
 *
 * What is held is read again for every slice of files, under the locks of the table's folders
 * (store_file_lock.h), which are kept until the slice is deleted. Nothing is deleted where a mark
 * in or above one of the folders is missing or another database's (mark.h): then owner->refused
 * says so, and the files are neither deleted nor counted. Who takes over files that exist (a
 * registration) shares the locks of their folders until the end of its transaction: so it has
 * either committed and is seen, or comes after the slice. Nobody waits who is elsewhere, however
 * slow a store is.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_OWNED_FILES_H
#define ICE_OWNED_FILES_H

#include "maint/transactions.h"
#include "storage/storage_def.h"
#include "store/store_task.h"

typedef struct IceOwner
{
	pg_uuid_t                warehouse_id;
	pg_uuid_t                object_id;
	const IceTransactions   *transactions; /* NULL: the caller is in a transaction */
	/* end of the slice: see ice_owned_files_must_stop(); 0: there is none */
	TimestampTz              stop_at;
	int64                    deleted_count;
	int64                    kept_count; /* files left alone */
	const char              *refused;    /* why this database deletes nothing at all, or NULL */
	/* of its warehouse: looked up by the first call, unless it is known; NULL: none */
	const IceStorageProfile *profile;
	bool                     is_profile_known;
} IceOwner;

/* The folders whose files are the owner's, unless another one holds something below: canonical C
 * strings, in the current memory context; in SPI. */
extern List *ice_owned_files_folders(const IceOwner *owner);

/* Looks up the profile, in a transaction; it lives in the current context. */
extern void ice_owned_files_find_profile(IceOwner *owner);

/* A file that is to go. */
typedef struct IceOwnedFile
{
	char *location; /* canonical */
	const IceTask
		 *task;  /* that asks for it: it stays if ice_task_file_is_named(); NULL: none does */
	bool  own;   /* set by the call: it was the owner's to delete */
	char *error; /* set by the call: why it could not be deleted; palloc'd */
} IceOwnedFile;

/* Is the slice over, or is there something more urgent? */
extern bool ice_owned_files_must_stop(const IceOwner *owner);

/* Deletes those of some files that are the owner's. Not in SPI. Returns how many of them, from the
 * first, were dealt with: all except those that the end of the slice left. A file that is not there
 * counts as dealt with. Raises STORAGE where a transaction that takes over files does not end. */
extern int  ice_owned_files_delete(IceOwner *owner, IceOwnedFile *files, int count);
/* Does this database delete anything of the owner? If not, owner->refused is set, as by the
 * others. */
extern bool ice_owned_files_allowed(IceOwner *owner);

/* Takes away a folder of the owner as far as it holds no file, unless others hold something in or
 * around it: asked again for each step. True at the end; false: that of the slice came before. At
 * first *walk is NULL; it lies in the memory context of the first call. */
extern bool ice_owned_files_prune(IceOwner *owner, const char *folder, IceStorageWalk **walk);

#endif
