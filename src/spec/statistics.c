/*
 * statistics.c
 *		The form of statistics files, partition statistics files and encryption keys.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "spec/statistics.h"

static const char *const properties_member[] = {"properties"};

static void
check_blob(IceJson *blob)
{
	ice_json_drop_nulls(blob, properties_member, lengthof(properties_member));
	ice_json_string(blob, "type");
	ice_json_int64(blob, "snapshot-id");
	ice_json_int64(blob, "sequence-number");

	const IceJson *fields = ice_json_array(blob, "fields");

	for (int i = 0; i < fields->count; i++)
		ice_json_to_int32(fields->items[i], "fields");

	const IceJson *properties = ice_json_member(blob, "properties");

	if (properties != NULL)
		ice_json_check_string_map(properties, "properties");
}

int64
ice_statistics_parse(IceJson *json)
{
	static const char *const optional_members[] = {"key-metadata"};

	int64 snapshot_id = ice_json_int64(json, "snapshot-id");

	ice_json_string(json, "statistics-path");
	ice_json_int64(json, "file-size-in-bytes");
	ice_json_int64(json, "file-footer-size-in-bytes");
	ice_json_drop_nulls(json, optional_members, lengthof(optional_members));

	const IceJson *blobs = ice_json_member(json, "blob-metadata");

	if (blobs == NULL || blobs->kind != ICE_JSON_ARRAY)
		ice_json_raise(blobs == NULL ? json : blobs, ICE_ERR_BAD_REQUEST,
					   "Cannot parse blob metadata from non-array: %s",
					   blobs == NULL ? "null" : ice_json_shown(blobs));
	for (int i = 0; i < blobs->count; i++)
		check_blob(blobs->items[i]);
	return snapshot_id;
}

int64
ice_statistics_parse_partition(const IceJson *json)
{
	int64 snapshot_id = ice_json_int64(json, "snapshot-id");

	ice_json_string(json, "statistics-path");
	ice_json_int64(json, "file-size-in-bytes");
	return snapshot_id;
}

/* Base64 with its padding; what it holds is the client's affair. */
static bool
is_base64(const char *text)
{
	size_t len = strlen(text);
	size_t data = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");

	return len % 4 == 0 && len - data <= 2 && strspn(text + data, "=") == len - data;
}

const char *
ice_statistics_parse_encryption_key(IceJson *json)
{
	static const char *const optional_members[] = {"encrypted-by-id", "properties"};

	const char *key_id = ice_json_string(json, "key-id");
	const char *metadata = ice_json_string(json, "encrypted-key-metadata");

	if (!is_base64(metadata))
		ice_json_raise(json, ICE_ERR_BAD_REQUEST, "Invalid encrypted-key-metadata, not base64: %s",
					   key_id);
	ice_json_opt_string(json, "encrypted-by-id");
	ice_json_drop_nulls(json, optional_members, lengthof(optional_members));

	const IceJson *properties = ice_json_member(json, "properties");

	if (properties != NULL)
		ice_json_check_string_map(properties, "properties");
	return key_id;
}
