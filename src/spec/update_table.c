/*
 * update_table.c
 *		Updates of the table itself: uuid, format version, location, properties, encryption keys.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "spec/update.h"

#include "spec/commit_read.h"
#include "spec/needs.h"
#include "spec/properties.h"
#include "spec/spec_text.h"
#include "spec/statistics.h"
#include "spec/table_metadata.h"

/* -- assign-uuid ------------------------------------------------------------------------------ */

void
ice_parse_assign_uuid(IceUpdate *update)
{
	update->text = ice_json_string(update->json, "uuid");
	ice_text_check_uuid(update->text);
}

void
ice_needs_assign_uuid(const IceUpdate *update pg_attribute_unused(),
					  IceCommitNeeds *needs   pg_attribute_unused())
{
}

void
ice_apply_assign_uuid(IceUpdateContext *context, const IceUpdate *update)
{
	IceTableMetadata *metadata = context->metadata;

	if (metadata->table_uuid != NULL && pg_strcasecmp(metadata->table_uuid, update->text) == 0)
		return;
	if (!context->is_create)
		ice_raise(ICE_ERR_VALIDATION, "Cannot reassign uuid");
	metadata->table_uuid = update->text;
	context->changed = true;
}

/* -- upgrade-format-version ------------------------------------------------------------------- */

void
ice_parse_upgrade_format_version(IceUpdate *update)
{
	update->id = ice_json_int32(update->json, "format-version");
}

void
ice_needs_upgrade_format_version(const IceUpdate *update pg_attribute_unused(),
								 IceCommitNeeds         *needs)
{
	ice_needs_list(needs, ICE_PART_EXTRA);
}

/* Fields that the old version did not know were kept as unknown ones; the new version writes
 * them. */
static void
drop_extra_fields(IceTableMetadata *metadata)
{
	IcePart *part = ice_table_part_only(metadata, ICE_PART_EXTRA);

	if (part == NULL)
		return;

	IceJson *extra = ice_json_copy(ice_part_json(part));
	bool     dropped = ice_json_remove(extra, "last-sequence-number");

	dropped |= ice_json_remove(extra, "next-row-id");
	if (!dropped)
		return;
	ice_part_remove(part);
	if (extra->count > 0)
		ice_table_part_add(metadata, ICE_PART_EXTRA, 0, NULL, extra);
}

void
ice_apply_upgrade_format_version(IceUpdateContext *context, const IceUpdate *update)
{
	IceTableMetadata *metadata = context->metadata;
	int32             version = (int32) update->id;

	if (version > ICE_FORMAT_VERSION_MAX)
		ice_raise(ICE_ERR_VALIDATION,
				  "Cannot upgrade table to unsupported format version: v%d (supported: v%d)",
				  version, ICE_FORMAT_VERSION_MAX);
	if (version < metadata->format_version)
		ice_raise(ICE_ERR_VALIDATION, "Cannot downgrade v%d table to v%d", metadata->format_version,
				  version);
	if (version == metadata->format_version)
		return;
	drop_extra_fields(metadata);
	metadata->format_version = version;
	context->changed = true;
}

/* -- set-location ----------------------------------------------------------------------------- */

void
ice_parse_set_location(IceUpdate *update)
{
	update->text = ice_text_strip_slash(ice_json_string(update->json, "location"));
}

void
ice_needs_set_location(const IceUpdate *update pg_attribute_unused(),
					   IceCommitNeeds *needs   pg_attribute_unused())
{
}

void
ice_apply_set_location(IceUpdateContext *context, const IceUpdate *update)
{
	IceTableMetadata *metadata = context->metadata;

	if (metadata->location != NULL && strcmp(metadata->location, update->text) == 0)
		return;
	metadata->location = update->text;
	context->changed = true;
}

/* -- properties ------------------------------------------------------------------------------- */

/* The table's properties as all updates of one commit change them. */
static IcePropertySet *
working_properties(IceUpdateContext *context)
{
	IcePart *part = context->properties != NULL
						? NULL
						: ice_table_part_only(context->metadata, ICE_PART_PROPERTIES);

	return ice_property_set_open(&context->properties, part == NULL ? NULL : ice_part_json(part));
}

/* Puts the changed properties in the place of the old ones. */
void
ice_update_finish_properties(IceUpdateContext *context)
{
	if (context->properties != NULL)
		ice_properties_replace(context->metadata, ice_property_set_json(context->properties));
}

void
ice_parse_set_properties(IceUpdate *update)
{
	update->value = ice_commit_read_set_properties(update->json);
}

void
ice_needs_set_properties(const IceUpdate *update pg_attribute_unused(), IceCommitNeeds *needs)
{
	ice_needs_list(needs, ICE_PART_PROPERTIES);
}

void
ice_apply_set_properties(IceUpdateContext *context, const IceUpdate *update)
{
	if (update->value->count == 0)
		return;
	ice_property_set_put(working_properties(context), update->value);
	context->changed = true;
}

void
ice_parse_remove_properties(IceUpdate *update)
{
	update->value = ice_commit_read_remove_properties(update->json);
}

void
ice_needs_remove_properties(const IceUpdate *update pg_attribute_unused(), IceCommitNeeds *needs)
{
	ice_needs_list(needs, ICE_PART_PROPERTIES);
}

/* Names that are not set are passed over. */
void
ice_apply_remove_properties(IceUpdateContext *context, const IceUpdate *update)
{
	if (update->value->count == 0)
		return;
	ice_property_set_remove(working_properties(context), update->value);
	context->changed = true;
}

/* -- encryption keys -------------------------------------------------------------------------- */

void
ice_parse_add_encryption_key(IceUpdate *update)
{
	update->value = ice_json_get(update->json, "encryption-key");
	if (update->value == NULL || update->value->kind != ICE_JSON_OBJECT)
		ice_json_raise(update->json, ICE_ERR_BAD_REQUEST,
					   "Invalid encryption key, must be non-null object: %s",
					   update->value == NULL ? "null" : ice_json_shown(update->value));
	update->text = ice_statistics_parse_encryption_key(update->value);
}

void
ice_needs_add_encryption_key(const IceUpdate *update pg_attribute_unused(), IceCommitNeeds *needs)
{
	ice_needs_list(needs, ICE_PART_ENCRYPTION_KEY);
}

/* A key that is there stays as it is. */
void
ice_apply_add_encryption_key(IceUpdateContext *context, const IceUpdate *update)
{
	if (ice_table_part_find_key(context->metadata, ICE_PART_ENCRYPTION_KEY, update->text) != NULL)
		return;
	ice_table_part_add(context->metadata, ICE_PART_ENCRYPTION_KEY, 0, update->text, update->value);
	context->changed = true;
}

void
ice_parse_remove_encryption_key(IceUpdate *update)
{
	update->text = ice_json_string(update->json, "key-id");
}

void
ice_needs_remove_encryption_key(const IceUpdate *update pg_attribute_unused(),
								IceCommitNeeds         *needs)
{
	ice_needs_list(needs, ICE_PART_ENCRYPTION_KEY);
}

void
ice_apply_remove_encryption_key(IceUpdateContext *context, const IceUpdate *update)
{
	IcePart *key = ice_table_part_find_key(context->metadata, ICE_PART_ENCRYPTION_KEY,
										   update->text);

	if (key == NULL)
		return;
	ice_part_remove(key);
	context->changed = true;
}
