/*
 * store_task.h
 *		The queue of what is to be done with files after a commit.
 *
 * What is said of tables holds for views, too.
 *
 * The enqueue functions run in the mutation's transaction, after the table's head was locked, and
 * wake the worker when it commits. The files of a table are written in the order (version,
 * position), and never wait for a deletion. A deletion waits for all tasks before it. The first
 * task that fails holds up the later ones of its table, and no other table's.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_STORE_TASK_H
#define ICE_STORE_TASK_H

#include "utils/timestamp.h"

#include "store/spi.h"

/* The metadata file of a version. head_json: ice_frozen_head_write() of that version. Here and
 * below the caller, whose answer names the file, notes it: ice_pending_note(). */
extern void ice_task_enqueue_write(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id,
								   int64 version, const char *metadata_location,
								   const char *head_json);
/* The metadata file of a view's version, as the text that it will hold. */
extern void ice_task_enqueue_document(const pg_uuid_t *warehouse_id, const pg_uuid_t *view_id,
									  int64 version, const char *metadata_location,
									  const char *document, size_t len);
/* An old metadata file, after all earlier tasks of the table. It stays if a live table of that uuid
 * names it then. */
extern void ice_task_enqueue_delete_file(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id,
										 int64 version, const char *location,
										 const char *table_uuid);
/* For a commit that queues no file (modes sync and none) but removed rows: they are deleted by the
 * worker once no queued document needs them. */
extern void ice_task_enqueue_trim(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id,
								  int64 version);
/* All files, then all rows, of a table that this transaction drops. Earlier tasks of the table
 * become void. */
extern void ice_task_enqueue_purge(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id,
								   int64 version);

/* A task's position begins with its kind, in the bits above these. */
#define ICE_TASK_POSITION_SHIFT 20

typedef enum IceTaskKind
{
	ICE_TASK_WRITE,
	ICE_TASK_DELETE,
	ICE_TASK_TRIM,
	ICE_TASK_PURGE
} IceTaskKind;

/* By its name in the queue. */
extern IceTaskKind ice_task_kind(const char *name);

typedef struct IceTask
{
	pg_uuid_t   warehouse_id;
	pg_uuid_t   table_id;
	int64       version;
	int32       position;
	IceTaskKind kind;
	const char *location;
	const char *head_json; /* of a write; NULL for a view's, see ice_task_document() */
	int32       attempts;
	bool        held; /* it is, or was, put off behind one that failed: others may be, too */
	TimestampTz created_at;
} IceTask;

/* The queued writes of files whose last component is a location's, of all warehouses: a List of
 * IceTask *. Which of them writes that very file, in whatever spelling, is for the caller to
 * see. */
extern List *ice_task_writes_named(const char *location);
/* Appends the document that such a task will write; false if it is not queued any more. */
extern bool  ice_task_render(const IceTask *task, StringInfo out);

/* Makes this database's what is in the queue of a copy. */
extern void ice_task_adopt(void);

/* Appends the text of a view's file that a task is to write. */
extern void  ice_task_document(const IceTask *task, StringInfo out);
extern void  ice_task_done(const IceTask *task);
/* Notes how far a purge came: a JSON object, its head_json when it goes on. False: the task is
 * gone. */
extern bool  ice_task_note_progress(const IceTask *task, const char *progress);
extern void  ice_task_failed(const IceTask *task, TimestampTz next_attempt_at, const char *error);
/* Leaves the task in the queue until the database adopts it: it may not delete files. */
extern void  ice_task_set_aside(const IceTask *task, const char *reason);
/* Does a live table's metadata, or its log, name the file that the task would delete? */
extern bool  ice_task_file_is_named(const IceTask *task);
/* Deletes the tasks of a table that a purge makes void, and the purge itself. */
extern void  ice_task_delete_all(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id);
/* Is the write of a version left? (That of a later version is done after it.) Sees the newest
 * committed state whatever the isolation level. own is set if the transaction itself has made such
 * a write. */
extern bool  ice_task_write_pending(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id,
									int64 version, bool *own);
/* Locations of the files that are queued for a table or view: C strings. */
extern List *ice_task_write_locations(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id);

#endif
