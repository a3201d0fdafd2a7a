/*
 * properties.c
 *		Table properties.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "spec/properties.h"

#include "spec/spec_text.h"
#include "spec/table_metadata.h"

static const char *const reserved_properties[] = {
	"format-version",           "uuid",
	"snapshot-count",           "current-snapshot-id",
	"current-snapshot-summary", "current-snapshot-timestamp-ms",
	"current-schema",           "default-partition-spec",
	"default-sort-order",
};

/* Java fixes these when it creates a table, because their defaults changed over time. */
static const struct
{
	const char *name;
	const char *value;
} new_table_properties[] = {
	{"write.parquet.compression-codec", "zstd"},
};

static const char *const commit_properties[] = {
	"commit.retry.num-retries",
	"commit.retry.min-wait-ms",
	"commit.retry.max-wait-ms",
	"commit.retry.total-timeout-ms",
};

static const char *const encryption_properties[] = {
	"encryption.key-id",
	"encryption.data-key-length",
};

#define METRICS_COLUMN_PREFIX "write.metadata.metrics.column."

bool
ice_property_is_reserved(const char *name)
{
	for (int i = 0; i < (int) lengthof(reserved_properties); i++)
		if (strcmp(reserved_properties[i], name) == 0)
			return true;
	return false;
}

static void
check_commit_properties(const IceJson *properties)
{
	for (int i = 0; i < (int) lengthof(commit_properties); i++)
	{
		const char *text = ice_json_opt_string(properties, commit_properties[i]);
		int32       value;

		if (text == NULL)
			continue;
		if (!ice_text_to_int32(text, &value))
			ice_raise(ICE_ERR_VALIDATION, "Table property %s must have integer value",
					  commit_properties[i]);
		if (value < 0)
			ice_raise(ICE_ERR_VALIDATION, "Table property %s must have non negative integer value",
					  commit_properties[i]);
	}
}

IceJson *
ice_properties_of_new_table(const IceJson *given)
{
	IceJson *properties = ice_json_make_object();

	for (int i = 0; i < (int) lengthof(new_table_properties); i++)
		ice_json_set(properties, new_table_properties[i].name,
					 ice_json_make_string(new_table_properties[i].value));
	for (int i = 0; given != NULL && i < given->count; i++)
		if (!ice_property_is_reserved(given->members[i].key))
			ice_json_set(properties, given->members[i].key, ice_json_copy(given->members[i].value));
	return properties;
}

static void
check_metrics_properties(const IceJson *properties, const IceSchema *schema)
{
	for (int i = 0; i < properties->count; i++)
	{
		const char *name = properties->members[i].key;
		const char *column = name + sizeof(METRICS_COLUMN_PREFIX) - 1;

		if (strncmp(name, METRICS_COLUMN_PREFIX, sizeof(METRICS_COLUMN_PREFIX) - 1) == 0 &&
			ice_schema_field_by_name(schema, column) == NULL)
			ice_raise(
				ICE_ERR_VALIDATION,
				"Invalid metrics config, could not find column %s from table prop %s in schema "
				"%s",
				column, name, ice_schema_text(schema));
	}
}

static void
check_encryption_properties(const IceJson *properties, int32 format_version)
{
	for (int i = 0; format_version < 3 && i < (int) lengthof(encryption_properties); i++)
		if (ice_json_get(properties, encryption_properties[i]) != NULL)
			ice_raise(ICE_ERR_BAD_REQUEST, "Invalid properties for v%d: [%s]", format_version,
					  encryption_properties[i]);
}

void
ice_properties_check_new_table(const IceJson *properties, const IceSchema *schema,
							   int32 format_version)
{
	check_metrics_properties(properties, schema);
	check_commit_properties(properties);
	check_encryption_properties(properties, format_version);
}

int32
ice_properties_format_version(const IceJson *given)
{
	const char *text = given == NULL ? NULL : ice_json_opt_string(given, "format-version");
	int32       version;

	if (text == NULL)
		return ICE_FORMAT_VERSION_DEFAULT;
	if (!ice_text_to_int32(text, &version) || version < 1)
		ice_raise(ICE_ERR_BAD_REQUEST, "Invalid format-version: %s", text);
	return version;
}

void
ice_properties_replace(IceTableMetadata *metadata, IceJson *properties)
{
	IcePart *part = ice_table_part_only(metadata, ICE_PART_PROPERTIES);

	if (part != NULL)
		ice_part_remove(part);
	ice_table_part_add(metadata, ICE_PART_PROPERTIES, 0, NULL, properties);
}
