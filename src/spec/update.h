/*
 * update.h
 *		Updates: what a commit changes.
 *
 * Each kind has three functions: parse reads the update's fields, needs names what must be loaded,
 * apply changes the metadata. The table of kinds is in update.c, the functions are in update_*.c
 * by subject.
 *
 * REST, TableUpdate.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_UPDATE_H
#define ICE_UPDATE_H

#include "spec/property_set.h"
#include "spec/ref.h"
#include "spec/snapshot.h"
#include "spec/structure.h"
#include "spec/table_metadata.h"

typedef struct IceUpdateKind IceUpdateKind;

/* The id that stands for "the one that was added last in this commit". */
#define ICE_LAST_ADDED (-1)

struct IceUpdate
{
	const IceUpdateKind *kind;
	IceJson             *json;  /* the whole update */
	IceJson             *value; /* schema, spec, order, snapshot, file, key, map or list in it */
	const char          *text;  /* uuid, location, name of a ref or id of a key */
	int64                id;    /* of a schema, spec, order or snapshot; format version */
	int64               *ids;   /* of schemas, specs or snapshots to remove */
	int                  id_count;
	IceSnapshot          snapshot; /* add-snapshot */
	IceRef               ref;      /* set-snapshot-ref */
	const void          *parsed;   /* add-schema, add-spec, add-sort-order: what value means */
};

/* One commit while its updates are applied. */
typedef struct IceUpdateContext
{
	IceTableMetadata *metadata;
	int64             now_ms;
	int64             before_ms; /* last-updated-ms before this commit */
	bool              changed;
	bool              is_create;
	bool              structure_changed; /* current schema, default spec or default order */
	bool              snapshots_removed;
	bool              removal_pending; /* what hangs on removed snapshots is still there */
	bool              main_changed;
	bool              main_removed;     /* as replacing a table does: its data is left behind */
	int32             before_schema_id; /* current before this commit */
	int64             before_snapshot_id;
	int32             last_schema_id; /* ICE_LAST_ADDED: none was added */
	int32             last_spec_id;
	int32             last_sort_order_id;
	IcePropertySet   *properties;    /* being changed; NULL: as they were */
	IceStructure     *structure;     /* NULL until it is needed */
	IceMap           *ref_targets;   /* refs by snapshot; NULL until it is needed */
	int               refs_targeted; /* items of the list of refs that are, or were, in it */
	/* snapshots that the present run of removals took away */
	int64            *gone;
	int               gone_count;
	int               gone_capacity;
} IceUpdateContext;

/* Raises BAD_REQUEST for an unknown kind or a wrong field. */
extern void        ice_update_parse(IceUpdate *update, IceJson *json);
extern void        ice_update_needs(const IceUpdate *update, IceCommitNeeds *needs);
extern void        ice_update_apply(IceUpdateContext *context, const IceUpdate *update);
/* Its kind, as requests spell it. */
extern const char *ice_update_name(const IceUpdate *update);
extern bool        ice_update_is(const IceUpdate *update, const char *name);

/* After the last update: the snapshot log, and schema, spec and order against each other. */
extern void ice_updates_finish(IceUpdateContext *context);

/* Declares the three functions of one kind. */
#define ICE_UPDATE_FUNCTIONS(kind)                                                \
	extern void ice_parse_##kind(IceUpdate *update);                              \
	extern void ice_needs_##kind(const IceUpdate *update, IceCommitNeeds *needs); \
	extern void ice_apply_##kind(IceUpdateContext *context, const IceUpdate *update)

/* update_table.c */
ICE_UPDATE_FUNCTIONS(assign_uuid);
ICE_UPDATE_FUNCTIONS(upgrade_format_version);
ICE_UPDATE_FUNCTIONS(set_location);
ICE_UPDATE_FUNCTIONS(set_properties);
ICE_UPDATE_FUNCTIONS(remove_properties);
ICE_UPDATE_FUNCTIONS(add_encryption_key);
ICE_UPDATE_FUNCTIONS(remove_encryption_key);
extern void ice_update_finish_properties(IceUpdateContext *context);

/* update_structure.c */
ICE_UPDATE_FUNCTIONS(add_schema);
ICE_UPDATE_FUNCTIONS(set_current_schema);
ICE_UPDATE_FUNCTIONS(remove_schemas);
ICE_UPDATE_FUNCTIONS(add_spec);
ICE_UPDATE_FUNCTIONS(set_default_spec);
ICE_UPDATE_FUNCTIONS(remove_partition_specs);
ICE_UPDATE_FUNCTIONS(add_sort_order);
ICE_UPDATE_FUNCTIONS(set_default_sort_order);
extern void ice_update_check_structure(const IceUpdateContext *context);
extern void ice_update_check_evolution(const IceUpdateContext *context);

/* update_snapshot.c */
ICE_UPDATE_FUNCTIONS(add_snapshot);
ICE_UPDATE_FUNCTIONS(set_snapshot_ref);
ICE_UPDATE_FUNCTIONS(remove_snapshots);
ICE_UPDATE_FUNCTIONS(remove_snapshot_ref);
ICE_UPDATE_FUNCTIONS(set_statistics);
ICE_UPDATE_FUNCTIONS(remove_statistics);
ICE_UPDATE_FUNCTIONS(set_partition_statistics);
ICE_UPDATE_FUNCTIONS(remove_partition_statistics);
extern void ice_update_finish_removal(IceUpdateContext *context);
extern void ice_update_finish_snapshot_log(IceUpdateContext *context);
/* Raises VALIDATION, or COMMIT_FAILED where another commit came first, unless the table can get the
 * snapshot. */
extern void ice_update_check_new_snapshot(const IceTableMetadata *metadata,
										  const IceSnapshot *snapshot, const IceJson *json);

#endif
