/*
 * table_metadata.h
 *		One table's metadata as a value: scalars, and lists of parts that keep their exact text.
 *
 * The store loads a value partly: only the lists (and of the snapshots only those ids) that
 * ice_commit_request_needs() names. How parts are marked and what the store does with the marks is
 * said in part.h; a ref that changes is removed and added with the same key.
 *
 * Iceberg spec, "Table Metadata Fields".
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_TABLE_METADATA_H
#define ICE_TABLE_METADATA_H

#include "spec/part.h"

typedef enum IcePartKind
{
	ICE_PART_SCHEMA,               /* id = schema-id */
	ICE_PART_PARTITION_SPEC,       /* id = spec-id */
	ICE_PART_SORT_ORDER,           /* id = order-id */
	ICE_PART_PROPERTIES,           /* exactly one: the JSON object of the table's properties */
	ICE_PART_SNAPSHOT,             /* id = snapshot-id */
	ICE_PART_REF,                  /* key = name, id = snapshot-id; body = the ref's object */
	ICE_PART_SNAPSHOT_LOG,         /* id = snapshot-id */
	ICE_PART_METADATA_LOG,         /* key = metadata-file */
	ICE_PART_STATISTICS,           /* id = snapshot-id */
	ICE_PART_PARTITION_STATISTICS, /* id = snapshot-id */
	ICE_PART_ENCRYPTION_KEY,       /* key = key-id */
	ICE_PART_EXTRA,                /* at most one: an object of the unknown top-level fields */
	ICE_PART_KINDS
} IcePartKind;

#define ICE_FORMAT_VERSION_DEFAULT 2
#define ICE_FORMAT_VERSION_MAX     3
#define ICE_NO_SNAPSHOT            INT64CONST(-1)
#define ICE_MAIN_BRANCH            "main"

typedef struct IceTableMetadata
{
	int32       format_version;
	const char *table_uuid;
	const char *location;
	int64       last_sequence_number;
	int64       last_updated_ms;
	int32       last_column_id;
	int32       current_schema_id;
	int32       default_spec_id;
	int32       last_partition_id;
	int32       default_sort_order_id;
	int64       current_snapshot_id; /* ICE_NO_SNAPSHOT: none */
	int64       next_row_id;         /* 0 below format version 3 */
	IcePartList lists[ICE_PART_KINDS];
} IceTableMetadata;

/* -- parts ------------------------------------------------------------------------------------ */

/* A new part; its body is the json's text, which is copied only if it was edited: what it was
 * parsed from must live as long as the metadata. */
extern IcePart *ice_table_part_add(IceTableMetadata *metadata, IcePartKind kind, int64 id,
								   const char *key, IceJson *json);
/* Used by the store: a part that is in the database. body is not copied. */
extern IcePart *ice_table_part_stored(IceTableMetadata *metadata, IcePartKind kind, int64 id,
									  const char *key, int64 ordinal, const char *body,
									  size_t body_len);
extern IcePart *ice_table_part_find(const IceTableMetadata *metadata, IcePartKind kind, int64 id);
extern IcePart *ice_table_part_find_key(const IceTableMetadata *metadata, IcePartKind kind,
										const char *key);
/* Used by the store: of a list with keys, the stored part with this key that is removed. */
extern IcePart *ice_table_part_find_gone(const IceTableMetadata *metadata, IcePartKind kind,
										 const char *key);
/* Also a removed one. */
extern IcePart *ice_table_part_find_any(const IceTableMetadata *metadata, IcePartKind kind,
										int64 id);
/* The last that is not removed, or NULL. */
extern IcePart *ice_table_part_only(const IceTableMetadata *metadata, IcePartKind kind);
/* How many are not removed. */
extern int      ice_table_part_count(const IceTableMetadata *metadata, IcePartKind kind);

/* -- whole documents -------------------------------------------------------------------------- */

typedef struct IceCreateTable
{
	const char *name;
	const char *location; /* as asked by the client; NULL: the caller derives one */
	IceJson    *schema;
	IceJson    *partition_spec; /* NULL: unpartitioned */
	IceJson    *write_order;    /* NULL: unsorted */
	IceJson    *properties;     /* NULL: none */
	bool        stage_create;
	const char *table_uuid; /* NULL: not chosen yet */
} IceCreateTable;

/* Reads a CreateTableRequest body. REST, createTable. Raises BAD_REQUEST, naming the field. */
extern IceCreateTable *ice_new_table_parse(IceJson *request);

/* A new table's metadata: fresh field ids, spec 0, sort order 0 or 1; format version from the
 * property "format-version" (which is not kept, like other reserved properties). All lists
 * loaded and added. */
extern IceTableMetadata *ice_table_metadata_new(const IceCreateTable *request,
												const char *table_uuid, const char *location,
												int64 now_ms);

/* Start value of a commit with assert-create: nothing is set; the updates fill it. */
extern IceTableMetadata *ice_table_metadata_empty(int32 format_version, const char *table_uuid);

/* Reads and validates a metadata.json of any format version (v1 documents without schemas,
 * partition-specs, sort-orders or uuid included; such gaps are filled as the Java parser does,
 * a missing uuid with fallback_uuid). All lists loaded and added. Raises VALIDATION or
 * BAD_REQUEST. */
extern IceTableMetadata *ice_table_metadata_parse(IceJson *document, const char *fallback_uuid);

/* Checks a complete or partly loaded value's invariants as far as loaded. Raises VALIDATION. */
extern void ice_table_metadata_validate(const IceTableMetadata *metadata);

/* Appends the metadata document; every list must be loaded. Hot path: copies the parts' texts. */
extern void ice_table_metadata_write(StringInfo out, const IceTableMetadata *metadata);

/* The same document part by part, in the order of the kinds, for one that is too large to be put
 * together. Nothing is kept but what format version 1 repeats. begin, then parts by kind, then
 * end. */
typedef struct IceMetadataStream
{
	const IceTableMetadata *metadata; /* scalars */
	int                     kind;     /* whose list is open; -1: none */
	int64                   count;    /* its parts so far */
	StringInfoData          repeated; /* current schema and default spec, format version 1 */
} IceMetadataStream;

extern void ice_table_metadata_stream_begin(IceMetadataStream *stream, StringInfo out,
											const IceTableMetadata *metadata);
extern void ice_table_metadata_stream_part(IceMetadataStream *stream, StringInfo out,
										   IcePartKind kind, int64 id, const char *key,
										   const char *body, size_t body_len);
extern void ice_table_metadata_stream_end(IceMetadataStream *stream, StringInfo out);

/* The members that are no lists, the first without a comma. */
extern void ice_table_metadata_write_scalars(StringInfo out, const IceTableMetadata *metadata);

/* How long that document is, or a little less than it says. */
extern size_t ice_table_metadata_size(const IceTableMetadata *metadata);

/* All properties of a table; NULL: none. */
extern const IceJson *ice_table_properties(const IceTableMetadata *metadata);

/* Value of a table property, or NULL. */
extern const char *ice_table_property(const IceTableMetadata *metadata, const char *name);

/* -- commits ---------------------------------------------------------------------------------- */

typedef struct IceRequirement IceRequirement;
typedef struct IceUpdate      IceUpdate;

typedef struct IceCommitRequest
{
	IceRequirement *requirements;
	int             requirement_count;
	IceUpdate      *updates;
	int             update_count;
	bool            is_create;         /* has assert-create */
	const IceJson  *requirements_json; /* as they came; NULL: none */
	const IceJson  *updates_json;
} IceCommitRequest;

/* What must be loaded before the requirements are checked and the updates applied. */
typedef struct IceCommitNeeds
{
	bool   lists[ICE_PART_KINDS]; /* whole lists; for SNAPSHOT: whole only if all_snapshots */
	bool   all_snapshots;
	int64 *snapshot_ids; /* sorted, distinct; single snapshots to load, those that exist */
	int    snapshot_id_count;
} IceCommitNeeds;

/* Parses both arrays (either may be NULL = empty). Raises BAD_REQUEST for an unknown kind or a
 * missing or wrong field, LIMIT_EXCEEDED for more than updates_max updates. */
extern IceCommitRequest *ice_commit_request_parse(IceJson *requirements, IceJson *updates,
												  int updates_max);

/* current_snapshot_id of the head may be needed too: the store adds it when lists[SNAPSHOT] is
 * set. */
extern void ice_commit_request_requirements_needs(const IceCommitRequest *request,
												  IceCommitNeeds         *needs);
extern void ice_commit_request_needs(const IceCommitRequest *request, IceCommitNeeds *needs);

/* Whether the last entry of the snapshot log must be loaded, too, where the log is not: it is the
 * lower bound for the time of a new snapshot that is older than the table's last update. */
extern bool ice_commit_request_needs_log_end(const IceCommitRequest *request,
											 const IceTableMetadata *metadata);

/* metadata NULL: the table does not exist. Raises COMMIT_FAILED "Requirement failed: …". */
extern void ice_commit_request_check(const IceCommitRequest *request, IceTableMetadata *metadata);

/* Applies all updates in order, then validates. Sets last_updated_ms. Returns false when
 * nothing changed. Raises VALIDATION or BAD_REQUEST; COMMIT_FAILED where the rule is retryable
 * (stale sequence number, first-row-id behind next-row-id). metadata is undefined after an
 * error. */
extern bool ice_commit_request_apply(const IceCommitRequest *request, IceTableMetadata *metadata,
									 int64 now_ms);

/* The format version that a create commit starts from: its upgrade-format-version, else the
 * default. */
/* Writes the members "requirements" and "updates" of an object that is begun: the kinds of each, as
 * the request spells them, each once; nothing where there is none. */
extern void  ice_commit_request_tell(const IceCommitRequest *request, IceJsonWriter *out);
extern int32 ice_commit_request_format_version(const IceCommitRequest *request);

/* Appends the entry for the file that this commit replaces (before_ms: its last-updated-ms) to
 * the metadata log. The list need not be loaded; trimming to
 * write.metadata.previous-versions-max is the store's (it needs ICE_PART_PROPERTIES loaded to
 * know it). */
extern void ice_table_log_push(IceTableMetadata *metadata, const char *metadata_file,
							   int64 before_ms);
extern int  ice_table_log_max(const IceTableMetadata *metadata);

#endif
