/*
 * table_metadata_parse.c
 *		Reads a metadata document of any format version.
 *
 * Parts keep the document's text. What version 1 may leave out is filled in as the Java parser
 * does; where Java refuses a version 1 document that other libraries wrote (schemas without
 * current-schema-id, partition-specs without default-spec-id), the current schema is the one in
 * "schema" and the default spec the one with the highest id. The highest ids that a document tells
 * (last-column-id, last-partition-id, next-row-id) are raised to what its parts use, so that no id
 * is given out twice.
 *
 * Iceberg spec, "Table Metadata Fields" and "Appendix C: Table Metadata and Snapshots".
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "spec/table_metadata.h"

#include "spec/partition.h"
#include "spec/properties.h"
#include "spec/ref.h"
#include "spec/schema.h"
#include "spec/snapshot.h"
#include "spec/sort_order.h"
#include "spec/spec_text.h"
#include "spec/statistics.h"

/* Fields that become scalars or lists. */
static const char *const known_fields[] = {
	"format-version",
	"table-uuid",
	"location",
	"last-sequence-number",
	"last-updated-ms",
	"last-column-id",
	"schema",
	"current-schema-id",
	"schemas",
	"partition-spec",
	"default-spec-id",
	"partition-specs",
	"last-partition-id",
	"default-sort-order-id",
	"sort-orders",
	"properties",
	"current-snapshot-id",
	"next-row-id",
	"encryption-keys",
	"refs",
	"snapshots",
	"statistics",
	"partition-statistics",
	"snapshot-log",
	"metadata-log",
};

/* -- helpers ---------------------------------------------------------------------------------- */

/* A list that may be missing or null. */
static IceJson *
optional_list(const IceJson *document, const char *key, const char *what)
{
	IceJson *list = ice_json_get(document, key);

	if (list != NULL && list->kind != ICE_JSON_ARRAY)
		ice_json_raise(list, ICE_ERR_BAD_REQUEST, "Cannot parse %s from non-array: %s", what,
					   ice_json_shown(list));
	return list;
}

/* A list that only version 1 may lack; NULL then. */
static IceJson *
versioned_list(const IceTableMetadata *metadata, const IceJson *document, const char *key,
			   const char *what)
{
	IceJson *list = optional_list(document, key, what);

	if (list == NULL && metadata->format_version > 1)
		ice_json_raise(document, ICE_ERR_BAD_REQUEST, "%s must exist in format v%d", key,
					   metadata->format_version);
	return list;
}

static void
add_unique(IceTableMetadata *metadata, IcePartKind kind, int64 id, IceJson *json, const char *what)
{
	if (ice_table_part_find(metadata, kind, id) != NULL)
		ice_json_raise(json, ICE_ERR_BAD_REQUEST, "Multiple %s with the same id: " INT64_FORMAT,
					   what, id);
	ice_table_part_add(metadata, kind, id, NULL, json);
}

/* The object, or a copy of it that has the member. */
static IceJson *
with_member(IceJson *object, const char *key, int32 value)
{
	if (ice_json_get(object, key) != NULL)
		return object;

	IceJson *copy = ice_json_copy(object);

	ice_json_set(copy, key, ice_json_make_int(value));
	return copy;
}

/* -- scalars ---------------------------------------------------------------------------------- */

static void
parse_scalars(IceTableMetadata *metadata, const IceJson *document, const char *fallback_uuid)
{
	metadata->table_uuid = ice_json_opt_string(document, "table-uuid");
	if (metadata->table_uuid == NULL && metadata->format_version == 1)
		metadata->table_uuid = fallback_uuid;
	if (metadata->table_uuid == NULL)
		ice_raise(ICE_ERR_VALIDATION, "UUID is required in format v%d", metadata->format_version);
	ice_text_check_uuid(metadata->table_uuid);
	metadata->location = ice_text_strip_slash(ice_json_string(document, "location"));
	if (metadata->format_version > 1)
		metadata->last_sequence_number = ice_json_int64(document, "last-sequence-number");
	metadata->last_column_id = ice_json_int32(document, "last-column-id");
	metadata->last_updated_ms = ice_json_int64(document, "last-updated-ms");
	if (!ice_json_opt_int64(document, "current-snapshot-id", &metadata->current_snapshot_id))
		metadata->current_snapshot_id = ICE_NO_SNAPSHOT;
	if (metadata->current_snapshot_id < 0)
		metadata->current_snapshot_id = ICE_NO_SNAPSHOT;
	if (metadata->format_version >= 3)
		metadata->next_row_id = ice_json_int64(document, "next-row-id");
}

/* -- schemas, specs, orders ------------------------------------------------------------------- */

static void
add_schemas(IceTableMetadata *metadata, IceJson *schemas)
{
	for (int i = 0; i < schemas->count; i++)
	{
		const IceSchema *schema = ice_schema_parse(schemas->items[i]);

		add_unique(metadata, ICE_PART_SCHEMA, schema->schema_id,
				   with_member(schemas->items[i], "schema-id", schema->schema_id), "schemas");
		metadata->last_column_id = Max(metadata->last_column_id, schema->highest_id);
	}
}

/* The schema of version 1 documents that name no current one: one of the list, if it is in
 * there. */
static void
add_single_schema(IceTableMetadata *metadata, const IceJson *document)
{
	const IcePartList *list = &metadata->lists[ICE_PART_SCHEMA];
	IceJson           *json = ice_json_object(document, "schema");
	const IceSchema   *schema = ice_schema_parse(json);
	int32              schema_id = schema->schema_id;

	metadata->last_column_id = Max(metadata->last_column_id, schema->highest_id);
	for (int i = 0; i < list->count; i++)
	{
		const IceSchema *other = ice_schema_parse(ice_part_json(list->items[i]));

		if (ice_schema_same(other, schema))
		{
			metadata->current_schema_id = other->schema_id;
			return;
		}
		if (other->schema_id == PG_INT32_MAX)
			ice_raise(ICE_ERR_VALIDATION, "Cannot add a schema: no id is left");
		schema_id = Max(schema_id, other->schema_id + 1);
	}
	metadata->current_schema_id = schema_id;
	if (schema_id != schema->schema_id)
	{
		json = ice_json_copy(json);
		ice_json_set(json, "schema-id", ice_json_make_int(schema_id));
	}
	ice_table_part_add(metadata, ICE_PART_SCHEMA, schema_id, NULL,
					   with_member(json, "schema-id", schema_id));
}

static const IceSchema *
parse_schemas(IceTableMetadata *metadata, const IceJson *document)
{
	IceJson *schemas = versioned_list(metadata, document, "schemas", "schemas");

	if (schemas != NULL)
		add_schemas(metadata, schemas);
	if (schemas != NULL &&
		(metadata->format_version > 1 || ice_json_get(document, "current-schema-id") != NULL))
		metadata->current_schema_id = ice_json_int32(document, "current-schema-id");
	else
		add_single_schema(metadata, document);

	IcePart *current = ice_table_part_find(metadata, ICE_PART_SCHEMA, metadata->current_schema_id);

	if (current == NULL)
		ice_raise(ICE_ERR_VALIDATION, "Cannot find schema with current-schema-id=%d from schemas",
				  metadata->current_schema_id);
	return ice_schema_parse(ice_part_json(current));
}

/* Specs without field ids, as early writers left them, get them counted from the start. */
static void
add_specs(IceTableMetadata *metadata, IceJson *specs)
{
	for (int i = 0; i < specs->count; i++)
	{
		IceJson                *json = specs->items[i];
		const IcePartitionSpec *spec = ice_partition_spec_parse(json);
		int32                   spec_id = ice_json_int32(json, "spec-id");

		if (spec->field_count > 0 && !spec->fields[0].has_field_id)
		{
			spec = ice_partition_spec_parse_fields(ice_json_array(json, "fields"), spec_id);
			json = ice_partition_spec_to_json(spec);
		}
		ice_partition_spec_settle(spec);
		add_unique(metadata, ICE_PART_PARTITION_SPEC, spec_id, json, "partition specs");
		metadata->last_partition_id = Max(metadata->last_partition_id,
										  ice_partition_spec_last_id(spec));
		metadata->default_spec_id = Max(metadata->default_spec_id, spec_id);
	}
}

/* Also works out the highest field id and the highest spec id, for documents that do not say. */
static void
parse_specs(IceTableMetadata *metadata, const IceJson *document)
{
	IceJson *specs = versioned_list(metadata, document, "partition-specs", "partition specs");

	int32 last_partition_id;

	metadata->last_partition_id = ICE_UNPARTITIONED_LAST_ID;
	if (specs != NULL)
	{
		add_specs(metadata, specs);
		if (metadata->format_version > 1 || ice_json_get(document, "default-spec-id") != NULL)
			metadata->default_spec_id = ice_json_int32(document, "default-spec-id");
	}
	else
	{
		IcePartitionSpec *spec = ice_partition_spec_parse_fields(
			ice_json_array(document, "partition-spec"), ICE_INITIAL_SPEC_ID);

		ice_table_part_add(metadata, ICE_PART_PARTITION_SPEC, ICE_INITIAL_SPEC_ID, NULL,
						   ice_partition_spec_to_json(spec));
		metadata->default_spec_id = ICE_INITIAL_SPEC_ID;
		metadata->last_partition_id = ice_partition_spec_last_id(spec);
	}
	if (ice_json_opt_int32(document, "last-partition-id", &last_partition_id))
		metadata->last_partition_id = Max(metadata->last_partition_id, last_partition_id);
	else if (metadata->format_version > 1)
		ice_json_raise(document, ICE_ERR_BAD_REQUEST, "last-partition-id must exist in format v%d",
					   metadata->format_version);
}

/* Version 1 may lack the list: then the table is unsorted. */
static void
parse_orders(IceTableMetadata *metadata, const IceJson *document)
{
	IceJson *orders = versioned_list(metadata, document, "sort-orders", "sort orders");

	if (orders == NULL)
	{
		metadata->default_sort_order_id = ICE_UNSORTED_ORDER_ID;
		ice_table_part_add(metadata, ICE_PART_SORT_ORDER, ICE_UNSORTED_ORDER_ID, NULL,
						   ice_sort_order_unsorted_json());
		return;
	}
	metadata->default_sort_order_id = ice_json_int32(document, "default-sort-order-id");
	for (int i = 0; i < orders->count; i++)
	{
		const IceSortOrder *order = ice_sort_order_parse(orders->items[i]);

		ice_sort_order_settle(order);
		add_unique(metadata, ICE_PART_SORT_ORDER, ice_json_int32(orders->items[i], "order-id"),
				   order->json, "sort orders");
	}
}

/* Older specs and orders may be of columns that are gone: only the default ones are checked
 * whole. */
static void
check_structure(const IceTableMetadata *metadata, const IceSchema *schema)
{
	const IcePartList *specs = &metadata->lists[ICE_PART_PARTITION_SPEC];
	IcePart           *order_part = ice_table_part_find(metadata, ICE_PART_SORT_ORDER,
														metadata->default_sort_order_id);

	for (int i = 0; i < specs->count; i++)
	{
		const IcePartitionSpec *spec = ice_partition_spec_parse(ice_part_json(specs->items[i]));

		ice_partition_spec_check_names(spec, schema);
		if (spec->spec_id == metadata->default_spec_id)
			ice_partition_spec_check_types(spec, schema);
		else
			ice_partition_spec_check_readable(spec, schema);
	}
	if (order_part != NULL)
		ice_sort_order_check_types(ice_sort_order_parse(ice_part_json(order_part)), schema);
}

/* -- snapshots, refs, logs, files ------------------------------------------------------------- */

static void
parse_snapshots(IceTableMetadata *metadata, const IceJson *document)
{
	IceJson *snapshots = optional_list(document, "snapshots", "snapshots");

	for (int i = 0; snapshots != NULL && i < snapshots->count; i++)
	{
		IceSnapshot snapshot;

		ice_snapshot_parse(&snapshot, snapshots->items[i], false);
		add_unique(metadata, ICE_PART_SNAPSHOT, snapshot.snapshot_id, snapshots->items[i],
				   "snapshots");
		if (metadata->format_version >= 3 && snapshot.has_first_row_id)
			metadata->next_row_id = Max(metadata->next_row_id, ice_snapshot_end_row_id(&snapshot));
	}
	if (metadata->current_snapshot_id != ICE_NO_SNAPSHOT &&
		ice_table_part_find(metadata, ICE_PART_SNAPSHOT, metadata->current_snapshot_id) == NULL)
		ice_raise(ICE_ERR_VALIDATION, "Invalid table metadata: Cannot find current version");
}

/* The current snapshot is what main points to, whether or not the refs say so. */
static void
parse_refs(IceTableMetadata *metadata, const IceJson *document)
{
	IceJson *refs = ice_json_get(document, "refs");
	IceRef   ref = {.snapshot_id = metadata->current_snapshot_id, .is_branch = true};

	if (refs != NULL && refs->kind != ICE_JSON_OBJECT)
		ice_json_raise(refs, ICE_ERR_BAD_REQUEST, "Cannot parse refs from non-object: %s",
					   ice_json_shown(refs));
	if (metadata->current_snapshot_id != ICE_NO_SNAPSHOT &&
		(refs == NULL || ice_json_get(refs, ICE_MAIN_BRANCH) == NULL))
		ice_table_part_add(metadata, ICE_PART_REF, ref.snapshot_id, ICE_MAIN_BRANCH,
						   ice_ref_to_json(&ref));
	if (refs == NULL)
		return;
	for (int i = 0; i < refs->count; i++)
	{
		const IceJsonMember *member = &refs->members[i];

		if (member->value->kind != ICE_JSON_OBJECT)
			ice_json_raise(member->value, ICE_ERR_BAD_REQUEST,
						   "Cannot parse ref %s from non-object: %s", member->key,
						   ice_json_shown(member->value));
		ice_ref_parse(&ref, member->value);
		ice_ref_settle(&ref, member->value);
		ice_table_part_add(metadata, ICE_PART_REF, ref.snapshot_id, member->key, member->value);
	}
}

static void
parse_logs(IceTableMetadata *metadata, const IceJson *document)
{
	IceJson *snapshots = optional_list(document, "snapshot-log", "snapshot log");
	IceJson *files = optional_list(document, "metadata-log", "metadata log");

	for (int i = 0; snapshots != NULL && i < snapshots->count; i++)
	{
		ice_json_int64(snapshots->items[i], "timestamp-ms");
		ice_table_part_add(metadata, ICE_PART_SNAPSHOT_LOG,
						   ice_json_int64(snapshots->items[i], "snapshot-id"), NULL,
						   snapshots->items[i]);
	}
	for (int i = 0; files != NULL && i < files->count; i++)
	{
		ice_json_int64(files->items[i], "timestamp-ms");
		ice_table_part_add(metadata, ICE_PART_METADATA_LOG, 0,
						   ice_json_string(files->items[i], "metadata-file"), files->items[i]);
	}
}

/* Statistics, partition statistics and encryption keys. */
static void
parse_files(IceTableMetadata *metadata, const IceJson *document)
{
	IceJson *statistics = optional_list(document, "statistics", "statistics files");
	IceJson *partition_statistics = optional_list(document, "partition-statistics",
												  "partition statistics files");
	IceJson *keys = optional_list(document, "encryption-keys", "encryption keys");

	for (int i = 0; statistics != NULL && i < statistics->count; i++)
		ice_table_part_add(metadata, ICE_PART_STATISTICS,
						   ice_statistics_parse(statistics->items[i]), NULL, statistics->items[i]);
	for (int i = 0; partition_statistics != NULL && i < partition_statistics->count; i++)
		ice_table_part_add(metadata, ICE_PART_PARTITION_STATISTICS,
						   ice_statistics_parse_partition(partition_statistics->items[i]), NULL,
						   partition_statistics->items[i]);
	for (int i = 0; keys != NULL && i < keys->count; i++)
	{
		const char *key_id = ice_statistics_parse_encryption_key(keys->items[i]);

		if (ice_table_part_find_key(metadata, ICE_PART_ENCRYPTION_KEY, key_id) != NULL)
			ice_json_raise(keys->items[i], ICE_ERR_BAD_REQUEST,
						   "Multiple encryption keys with the same id: %s", key_id);
		ice_table_part_add(metadata, ICE_PART_ENCRYPTION_KEY, 0, key_id, keys->items[i]);
	}
}

static void
parse_properties(IceTableMetadata *metadata, const IceJson *document)
{
	IceJson *properties = ice_json_get(document, "properties");

	if (properties == NULL)
		return;
	ice_json_check_string_map(properties, "properties");
	ice_properties_replace(metadata, properties);
}

/* -- unknown fields --------------------------------------------------------------------------- */

/* Fields that the document's version does not have are unknown ones, too. */
static bool
is_known(const IceTableMetadata *metadata, const char *name)
{
	if (metadata->format_version < 2 && strcmp(name, "last-sequence-number") == 0)
		return false;
	if (metadata->format_version < 3 && strcmp(name, "next-row-id") == 0)
		return false;
	for (int i = 0; i < (int) lengthof(known_fields); i++)
		if (strcmp(known_fields[i], name) == 0)
			return !(metadata->format_version > 1 &&
					 (strcmp(name, "schema") == 0 || strcmp(name, "partition-spec") == 0));
	return false;
}

static void
keep_unknown_fields(IceTableMetadata *metadata, const IceJson *document)
{
	IceJson *extra = ice_json_make_object();

	for (int i = 0; i < document->count; i++)
		if (!is_known(metadata, document->members[i].key))
			ice_json_set(extra, document->members[i].key,
						 ice_json_copy(document->members[i].value));
	if (extra->count > 0)
		ice_table_part_add(metadata, ICE_PART_EXTRA, 0, NULL, extra);
}

IceTableMetadata *
ice_table_metadata_parse(IceJson *document, const char *fallback_uuid)
{
	if (document->kind != ICE_JSON_OBJECT)
		ice_json_raise(document, ICE_ERR_BAD_REQUEST, "Cannot parse metadata from a non-object: %s",
					   ice_json_shown(document));

	int32 version = ice_json_int32(document, "format-version");

	if (version < 1 || version > ICE_FORMAT_VERSION_MAX)
		ice_raise(ICE_ERR_VALIDATION, "Cannot read unsupported version %d", version);

	IceTableMetadata *metadata = ice_table_metadata_empty(version, NULL);

	parse_scalars(metadata, document, fallback_uuid);

	const IceSchema *schema = parse_schemas(metadata, document);

	parse_specs(metadata, document);
	parse_orders(metadata, document);
	check_structure(metadata, schema);
	parse_properties(metadata, document);
	parse_snapshots(metadata, document);
	parse_refs(metadata, document);
	parse_files(metadata, document);
	parse_logs(metadata, document);
	keep_unknown_fields(metadata, document);
	ice_table_metadata_validate(metadata);
	return metadata;
}
