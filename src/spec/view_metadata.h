/*
 * view_metadata.h
 *		One view's metadata as a value: scalars, and lists of parts that keep their exact text.
 *
 * A view is small: the store loads all of it. How parts are marked and what the store does with the
 * marks is said in part.h.
 *
 * The ids of a part: a schema's schema-id, a version's version-id, a log entry's version-id; 0 for
 * the properties and the unknown fields. No kind has a key. In one view there is at most one schema
 * of an id and one version of an id; log entries repeat ids.
 *
 * Iceberg view spec, "View Metadata".
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_VIEW_METADATA_H
#define ICE_VIEW_METADATA_H

#include "spec/part.h"

typedef enum IceViewPartKind
{
	ICE_VIEW_PART_SCHEMA,
	ICE_VIEW_PART_VERSION,
	ICE_VIEW_PART_VERSION_LOG,
	ICE_VIEW_PART_PROPERTIES, /* at most one: the JSON object of the view's properties */
	ICE_VIEW_PART_EXTRA,      /* at most one: an object of the unknown top-level fields */
	ICE_VIEW_PART_KINDS
} IceViewPartKind;

#define ICE_VIEW_FORMAT_VERSION 1    /* the only one */
#define ICE_VIEW_NO_VERSION     (-1) /* current_version_id of an empty value */

typedef struct IceViewMetadata
{
	int32       format_version;
	const char *view_uuid;
	const char *location;
	int32       current_version_id;
	IcePartList lists[ICE_VIEW_PART_KINDS];
} IceViewMetadata;

/* -- parts ------------------------------------------------------------------------------------ */

/* A value without parts, as the store starts to fill it: format version 1, all lists loaded. */
extern IceViewMetadata *ice_view_metadata_empty(void);

/* Used by the store: a part that is in the database. body is not copied. */
extern IcePart *ice_view_part_stored(IceViewMetadata *view, IceViewPartKind kind, int64 id,
									 int64 ordinal, const char *body, size_t body_len);

/* The schema or version with this id that is not removed, or NULL. */
extern IcePart *ice_view_part_find(const IceViewMetadata *view, IceViewPartKind kind, int64 id);

extern IcePart *ice_view_part_add(IceViewMetadata *view, IceViewPartKind kind, int64 id,
								  IceJson *json);
extern void     ice_view_log_push(IceViewMetadata *view, int32 version_id, int64 timestamp_ms);
/* How many versions are kept. Raises VALIDATION. */
extern int32    ice_view_history_size(const IceViewMetadata *view);

/* -- whole documents -------------------------------------------------------------------------- */

typedef struct IceCreateView
{
	const char *name;
	const char *location; /* as asked by the client; NULL: the caller derives one */
	IceJson    *schema;
	IceJson    *version;
	IceJson    *properties; /* NULL: none */
} IceCreateView;

/* Reads a CreateViewRequest body. REST, createView. Raises BAD_REQUEST, naming the field. */
extern IceCreateView *ice_view_parse_create(IceJson *request);

/* A new view's metadata: schema 0 with the field ids as given, version 1 of it, created now_ms, one
 * log entry. All lists loaded and added. Raises VALIDATION or BAD_REQUEST. */
extern IceViewMetadata *ice_view_metadata_new(const IceCreateView *request, const char *view_uuid,
											  const char *location, int64 now_ms);

/* Reads and validates a metadata.json. All lists loaded and added. Raises VALIDATION or
 * BAD_REQUEST. */
extern IceViewMetadata *ice_view_metadata_parse(IceJson *document);

/* Checks a value's invariants. Raises VALIDATION. */
extern void ice_view_metadata_validate(const IceViewMetadata *view);

/* Appends the metadata document. Hot path: copies the parts' texts. */
extern void ice_view_metadata_write(StringInfo out, const IceViewMetadata *view);

/* All properties of a view; NULL: none. */
extern const IceJson *ice_view_properties(const IceViewMetadata *view);

/* Value of a view property, or NULL. */
extern const char *ice_view_property(const IceViewMetadata *view, const char *name);

/* -- commits ---------------------------------------------------------------------------------- */

typedef struct IceViewRequirement IceViewRequirement;
typedef struct IceViewUpdate      IceViewUpdate;

typedef struct IceViewCommit
{
	IceViewRequirement *requirements;
	int                 requirement_count;
	IceViewUpdate      *updates;
	int                 update_count;
} IceViewCommit;

/* Parses both arrays of a CommitViewRequest (requirements may be NULL = none). Raises BAD_REQUEST
 * for an unknown kind, for one that only tables have, and for a missing or wrong field;
 * LIMIT_EXCEEDED for more than updates_max updates. */
extern IceViewCommit *ice_view_update_parse_commit(IceJson *requirements, IceJson *updates,
												   int updates_max);

/* Raises COMMIT_FAILED "Requirement failed: …". */
extern void ice_view_update_check_requirements(const IceViewCommit   *commit,
											   const IceViewMetadata *view);

/* Applies all updates in order, expires old versions (version.history.num-entries), then validates.
 * Returns false when nothing changed. Raises VALIDATION. view is undefined after an error. */
extern bool ice_view_updates_apply(const IceViewCommit *commit, IceViewMetadata *view,
								   int64 now_ms);

#endif
