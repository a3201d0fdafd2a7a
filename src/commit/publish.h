/*
 * publish.h
 *		What follows the rows of a new table version: its metadata file, its event, the worker's
 *		wake-up.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_PUBLISH_H
#define ICE_PUBLISH_H

#include "nodes/pg_list.h"

#include "store/store_table.h"
#include "store/store_view.h"

#define ICE_METADATA_MODE_PROPERTY "icecat.metadata-write-mode"

typedef enum IceMetadataMode
{
	ICE_METADATA_ASYNC, /* queued; the worker writes it after the commit */
	ICE_METADATA_SYNC,  /* written before the commit returns */
	ICE_METADATA_NONE   /* written only by export_metadata() */
} IceMetadataMode;

/* How the table's metadata files are written: its property icecat.metadata-write-mode, else the
 * warehouse's, else async. Raises VALIDATION for another value. */
extern IceMetadataMode ice_publish_mode(const IceWarehouse     *warehouse,
										const IceTableMetadata *metadata);

/* Is a metadata file queued or written for each version (every mode but none)? */
extern bool ice_publish_wanted(const IceWarehouse *warehouse, const IceTableMetadata *metadata);

/* Raises unless the server may keep this table's files there; makes the folders. Does nothing in
 * mode none. */
extern void ice_publish_prepare(const IceWarehouse *warehouse, const IceTableMetadata *metadata);

/* Queues or writes the metadata file of table->version, whose rows are written. Refs must be
 * loaded. */
extern void ice_publish_metadata(const IceWarehouse *warehouse, const IceTable *table);

/* Queues the deletion of metadata files that left the log, where the table's properties ask for
 * it. */
extern void ice_publish_deletes(const IceTable *table, List *files);

/* Inserts the event of a change to a table and wakes the worker at commit. details_json is an
 * object with a member, to which the uuid is added. */
extern void ice_publish_event(const IceTable *table, const char *event_type,
							  const IceNamespacePath *path, const char *name,
							  const char *details_json);

/* The event details every version change carries: location, snapshot, sequence number. */
extern char *ice_publish_version_details(const IceTable *table);

/* The same of a commit, with what was asked for and how many events its request has. */
extern char *ice_publish_commit_details(const IceTable *table, const IceCommitRequest *request,
										int events);

/* The event details of a rename: where the table or view was before. */
extern char *ice_publish_rename_details(const IceNamespacePath *source_path, const char *source);

/* Raises NO_SUCH_FILE if the table's metadata file has vanished from file storage: it is not in the
 * queue, and somebody took it away. See icecat.check_metadata_file. */
extern void ice_publish_check(const IceTable *table);
/* For an answer that shows a state which this transaction did not make: the location that it names
 * may still be queued. */
extern void ice_publish_await(const IceTable *table);

/* Appends the document of a file that is still queued, in whatever warehouse and spelling; false if
 * it is not. */
extern bool ice_publish_queued_document(const char *location, StringInfo out);

/* The same of views. document: the whole text of the new version. */
extern bool  ice_publish_wanted_for_view(const IceWarehouse    *warehouse,
										 const IceViewMetadata *metadata);
extern void  ice_publish_view_prepare(const IceWarehouse    *warehouse,
									  const IceViewMetadata *metadata);
extern void  ice_publish_view_metadata(const IceWarehouse *warehouse, const IceView *view,
									   const StringInfoData *document);
extern void  ice_publish_view_event(const IceView *view, const char *event_type,
									const IceNamespacePath *path, const char *name,
									const char *details_json);
extern char *ice_publish_view_version_details(const IceView *view);
extern void  ice_publish_check_view(const IceView *view);
extern void  ice_publish_await_view(const IceView *view);

/* Appends the table's current document, read again (own writes included), as clients are shown it:
 * without properties that steer readers, unless the warehouse allows these; with all snapshots, or
 * with those alone that a ref points to. False, and nothing is appended, if it would be longer than
 * bytes_max; 0: any length. */
extern bool ice_publish_render(StringInfo out, const IceTable *table, bool refs_only,
							   bool read_only, int bytes_max);
/* The whole document, as its file has it. */
extern void ice_publish_render_current(StringInfo out, const IceTable *table, bool read_only);

#endif
