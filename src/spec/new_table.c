/*
 * new_table.c
 *		A new table's metadata from a request: fresh ids for all columns and partition fields.
 *
 * The ids of the request only say what belongs to what. As in the Java implementation, the source
 * ids of partition and sort fields are checked against the request's schema before they are
 * translated.
 *
 * REST, createTable.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "spec/table_metadata.h"

#include "spec/partition.h"
#include "spec/properties.h"
#include "spec/schema.h"
#include "spec/sort_order.h"
#include "spec/spec_text.h"

IceCreateTable *
ice_new_table_parse(IceJson *request)
{
	IceCreateTable *create = palloc0(sizeof(IceCreateTable));

	if (request->kind != ICE_JSON_OBJECT)
		ice_json_raise(request, ICE_ERR_BAD_REQUEST,
					   "Cannot parse create table request from a non-object");
	if (ice_json_get(request, "name") == NULL)
		ice_json_raise(request, ICE_ERR_BAD_REQUEST, "Invalid table name: null");
	create->name = ice_json_string(request, "name");
	create->location = ice_json_opt_string(request, "location");
	create->schema = ice_json_object(request, "schema");
	create->partition_spec = ice_json_opt_object(request, "partition-spec");
	create->write_order = ice_json_opt_object(request, "write-order");
	create->properties = ice_json_opt_object(request, "properties");
	if (create->properties != NULL)
		ice_json_check_string_map(create->properties, "properties");
	create->stage_create = ice_json_opt_bool(request, "stage-create", false);
	return create;
}

/* The new id of a column of the request. */
static int32
fresh_source_id(const IceSchema *schema, int32 source_id)
{
	const IceField *field = ice_schema_field(schema, source_id);

	if (field == NULL)
		ice_raise(ICE_ERR_VALIDATION, "Cannot find source column: %d", source_id);
	return field->fresh_id;
}

/* Translates source-id, or the list source-ids, of a partition or sort field. */
static void
translate_sources(IceJson *field, const IceSchema *schema)
{
	const IceJson *sources = ice_json_opt_array(field, "source-ids");

	if (ice_json_get(field, "source-id") != NULL)
	{
		int32 source_id = ice_json_int32(field, "source-id");
		int32 fresh_id = fresh_source_id(schema, source_id);

		if (fresh_id != source_id)
			ice_json_set(field, "source-id", ice_json_make_int(fresh_id));
	}
	if (sources != NULL)
	{
		IceJson *fresh = ice_json_make_array();

		for (int i = 0; i < sources->count; i++)
			ice_json_append(fresh,
							ice_json_make_int(fresh_source_id(
								schema, ice_json_to_int32(sources->items[i], "source-ids"))));
		ice_json_set(field, "source-ids", fresh);
	}
}

static void
set_int(IceJson *object, const char *key, int32 value)
{
	const IceJson *old = ice_json_get(object, key);
	int64          old_value;

	if (old == NULL || !ice_json_is_int64(old, &old_value) || old_value != value)
		ice_json_set(object, key, ice_json_make_int(value));
}

/* Checked against the request's schema; called before the schema gets its fresh ids. */
static IcePartitionSpec *
read_spec(IceJson *json, const IceSchema *schema, int32 format_version)
{
	IcePartitionSpec *spec;

	if (json == NULL)
	{
		json = ice_json_make_object();
		ice_json_set(json, "fields", ice_json_make_array());
	}
	spec = ice_partition_spec_parse(ice_json_copy(json));
	ice_partition_spec_check_new(spec, format_version);
	ice_partition_spec_check_names(spec, schema);
	ice_partition_spec_check_types(spec, schema);
	return spec;
}

static void
add_spec(IceTableMetadata *metadata, const IcePartitionSpec *spec, const IceSchema *schema)
{
	set_int(spec->json, "spec-id", ICE_INITIAL_SPEC_ID);
	for (int i = 0; i < spec->field_count; i++)
	{
		translate_sources(spec->fields[i].json, schema);
		set_int(spec->fields[i].json, "field-id", ICE_PARTITION_FIELD_ID_START + i);
	}
	metadata->default_spec_id = ICE_INITIAL_SPEC_ID;
	metadata->last_partition_id = ICE_UNPARTITIONED_LAST_ID + spec->field_count;
	ice_table_part_add(metadata, ICE_PART_PARTITION_SPEC, ICE_INITIAL_SPEC_ID, NULL, spec->json);
}

static IceSortOrder *
read_order(IceJson *json, const IceSchema *schema, int32 format_version)
{
	IceSortOrder *order = ice_sort_order_parse(json == NULL ? ice_sort_order_unsorted_json()
															: ice_json_copy(json));

	ice_sort_order_check_new(order, format_version);
	ice_sort_order_check_types(order, schema);
	return order;
}

static void
add_order(IceTableMetadata *metadata, const IceSortOrder *order, const IceSchema *schema)
{
	int32 order_id = order->field_count == 0 ? ICE_UNSORTED_ORDER_ID : ICE_INITIAL_SORT_ORDER_ID;

	set_int(order->json, "order-id", order_id);
	for (int i = 0; i < order->field_count; i++)
		translate_sources(order->fields[i].json, schema);
	metadata->default_sort_order_id = order_id;
	ice_table_part_add(metadata, ICE_PART_SORT_ORDER, order_id, NULL, order->json);
}

IceTableMetadata *
ice_table_metadata_new(const IceCreateTable *request, const char *table_uuid, const char *location,
					   int64 now_ms)
{
	int32 format_version = ice_properties_format_version(request->properties);

	if (format_version > ICE_FORMAT_VERSION_MAX)
		ice_raise(ICE_ERR_VALIDATION, "Unsupported format version: v%d (supported: v%d)",
				  format_version, ICE_FORMAT_VERSION_MAX);

	IceTableMetadata *metadata = ice_table_metadata_empty(format_version, table_uuid);
	IceSchema        *schema = ice_schema_parse(ice_json_copy(request->schema));
	IcePartitionSpec *spec = read_spec(request->partition_spec, schema, format_version);
	IceSortOrder     *order = read_order(request->write_order, schema, format_version);

	IceJson *properties = ice_properties_of_new_table(request->properties);

	ice_schema_check_format_version(schema, format_version);
	ice_schema_check_crs(schema);
	ice_properties_check_new_table(properties, schema, format_version);
	ice_schema_assign_fresh_ids(schema, 0, &metadata->last_column_id);
	ice_table_part_add(metadata, ICE_PART_SCHEMA, 0, NULL, schema->json);
	metadata->current_schema_id = 0;
	add_spec(metadata, spec, schema);
	add_order(metadata, order, schema);
	ice_properties_replace(metadata, properties);
	metadata->location = ice_text_strip_slash(location);
	metadata->last_updated_ms = now_ms;
	ice_table_metadata_validate(metadata);
	return metadata;
}
