/*
 * commit_file.h
 *		Commits of clients that write the metadata file themselves, and the file that they read
 *		first.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_COMMIT_FILE_H
#define ICE_COMMIT_FILE_H

#include "store/store_table.h"
#include "store/store_view.h"

/*
 * Makes the document at metadata_location the next version of a table whose current file is
 * previous; with previous NULL, of one whose current file stands anywhere in the document's
 * metadata log. Returns false, and changes nothing, if there is no such table or its file is
 * another one by now.
 *
 * Raises NO_SUCH_FILE, FORBIDDEN_LOCATION or STORAGE for the file, VALIDATION, BAD_REQUEST or
 * COMMIT_FAILED for a document that cannot follow the table's present one; 55P03 on a lock timeout.
 */
extern bool ice_commit_file_of_table(const IceWarehouse *warehouse, const IceNamespacePath *path,
									 const char *name, const char *previous,
									 const char *metadata_location, IceTable *out);

/* The same of a view, whose document names no earlier file: with previous NULL it is taken as it
 * is. */
extern bool ice_commit_file_of_view(const IceWarehouse *warehouse, const IceNamespacePath *path,
									const char *name, const char *previous,
									const char *metadata_location, IceView *out);

/*
 * Makes sure that the file of the version that the calling query sees can be read, where it was not
 * written yet: it is still in the queue, or the table's metadata-write-mode is none. Leaves the
 * queue as it is. Does nothing on a standby. Raises STORAGE.
 */
extern void ice_commit_file_ensure(const IceTable *table);
extern void ice_commit_file_ensure_view(IceView *view);

#endif
