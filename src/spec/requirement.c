/*
 * requirement.c
 *		The table requirements, through one table of kinds.
 *
 * Messages are those of the Java class UpdateRequirement. Where the table does not exist, only
 * assert-create can be checked; the caller answers "no such table" before it asks for more.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "spec/requirement.h"

#include "spec/commit_read.h"
#include "spec/needs.h"

typedef void (*ParseRequirement)(IceRequirement *requirement, const IceJson *json);
typedef void (*CheckRequirement)(const IceRequirement *requirement, IceTableMetadata *metadata);

struct IceRequirementKind
{
	const char      *name;
	const char      *id_key; /* of the kinds that assert an id */
	ParseRequirement parse;
	CheckRequirement check;
	bool             needs_refs;
};

static void
parse_nothing(IceRequirement *requirement pg_attribute_unused(),
			  const IceJson *json         pg_attribute_unused())
{
}

static void
parse_uuid(IceRequirement *requirement, const IceJson *json)
{
	requirement->text = ice_json_string(json, "uuid");
}

/* A snapshot-id that is null or missing says that the ref must not exist. */
static void
parse_ref(IceRequirement *requirement, const IceJson *json)
{
	requirement->text = ice_json_string(json, "ref");
	requirement->has_id = ice_json_opt_int64(json, "snapshot-id", &requirement->id);
}

static void
parse_id(IceRequirement *requirement, const IceJson *json)
{
	requirement->id = ice_json_int32(json, requirement->kind->id_key);
	requirement->has_id = true;
}

static void
check_create(const IceRequirement *requirement pg_attribute_unused(), IceTableMetadata *metadata)
{
	if (metadata != NULL)
		ice_raise(ICE_ERR_COMMIT_FAILED, "Requirement failed: table already exists");
}

static void
check_uuid(const IceRequirement *requirement, IceTableMetadata *metadata)
{
	if (pg_strcasecmp(requirement->text, metadata->table_uuid) != 0)
		ice_raise(ICE_ERR_COMMIT_FAILED,
				  "Requirement failed: UUID does not match: expected %s != %s",
				  metadata->table_uuid, requirement->text);
}

/* The ref's own JSON is looked at only for the message. */
static void
check_ref(const IceRequirement *requirement, IceTableMetadata *metadata)
{
	IcePart *ref = ice_table_part_find_key(metadata, ICE_PART_REF, requirement->text);

	if (ref == NULL)
	{
		if (requirement->has_id)
			ice_raise(ICE_ERR_COMMIT_FAILED,
					  "Requirement failed: branch or tag %s is missing, expected " INT64_FORMAT,
					  requirement->text, requirement->id);
		return;
	}
	if (requirement->has_id && requirement->id == ref->id)
		return;

	const char *type = ice_json_string(ice_part_json(ref), "type");

	if (!requirement->has_id)
		ice_raise(ICE_ERR_COMMIT_FAILED, "Requirement failed: %s %s was created concurrently", type,
				  requirement->text);
	ice_raise(ICE_ERR_COMMIT_FAILED,
			  "Requirement failed: %s %s has changed: expected id " INT64_FORMAT
			  " != " INT64_FORMAT,
			  type, requirement->text, requirement->id, ref->id);
}

static void
check_id(const IceRequirement *requirement, int32 actual, const char *what)
{
	if (requirement->id != actual)
		ice_raise(ICE_ERR_COMMIT_FAILED,
				  "Requirement failed: %s changed: expected id " INT64_FORMAT " != %d", what,
				  requirement->id, actual);
}

static void
check_last_field_id(const IceRequirement *requirement, IceTableMetadata *metadata)
{
	check_id(requirement, metadata->last_column_id, "last assigned field id");
}

static void
check_schema_id(const IceRequirement *requirement, IceTableMetadata *metadata)
{
	check_id(requirement, metadata->current_schema_id, "current schema");
}

static void
check_last_partition_id(const IceRequirement *requirement, IceTableMetadata *metadata)
{
	check_id(requirement, metadata->last_partition_id, "last assigned partition id");
}

static void
check_spec_id(const IceRequirement *requirement, IceTableMetadata *metadata)
{
	check_id(requirement, metadata->default_spec_id, "default partition spec");
}

static void
check_sort_order_id(const IceRequirement *requirement, IceTableMetadata *metadata)
{
	check_id(requirement, metadata->default_sort_order_id, "default sort order");
}

static const IceRequirementKind kinds[] = {
	{"assert-create", NULL, parse_nothing, check_create, false},
	{"assert-table-uuid", NULL, parse_uuid, check_uuid, false},
	{"assert-ref-snapshot-id", NULL, parse_ref, check_ref, true},
	{"assert-last-assigned-field-id", "last-assigned-field-id", parse_id, check_last_field_id,
	 false},
	{"assert-current-schema-id", "current-schema-id", parse_id, check_schema_id, false},
	{"assert-last-assigned-partition-id", "last-assigned-partition-id", parse_id,
	 check_last_partition_id, false},
	{"assert-default-spec-id", "default-spec-id", parse_id, check_spec_id, false},
	{"assert-default-sort-order-id", "default-sort-order-id", parse_id, check_sort_order_id, false},
};

void
ice_requirement_parse(IceRequirement *requirement, const IceJson *json)
{
	const char *type = ice_commit_read_requirement_type(json);

	memset(requirement, 0, sizeof(*requirement));
	for (int i = 0; i < (int) lengthof(kinds); i++)
	{
		if (pg_strcasecmp(kinds[i].name, type) == 0)
		{
			requirement->kind = &kinds[i];
			kinds[i].parse(requirement, json);
			return;
		}
	}
	if (pg_strcasecmp("assert-view-uuid", type) == 0)
		ice_json_raise(ice_json_get(json, "type"), ICE_ERR_BAD_REQUEST,
					   "Cannot validate AssertViewUUID against a table");
	ice_json_raise(ice_json_get(json, "type"), ICE_ERR_BAD_REQUEST,
				   "Unrecognized update requirement. Cannot convert to json: %s", type);
}

const char *
ice_requirement_name(const IceRequirement *requirement)
{
	return requirement->kind->name;
}

bool
ice_requirement_is_create(const IceRequirement *requirement)
{
	return requirement->kind->check == check_create;
}

void
ice_requirement_needs(const IceRequirement *requirement, IceCommitNeeds *needs)
{
	if (requirement->kind->needs_refs)
		ice_needs_list(needs, ICE_PART_REF);
}

void
ice_requirement_check(const IceRequirement *requirement, IceTableMetadata *metadata)
{
	if (metadata == NULL && !ice_requirement_is_create(requirement))
		return;
	requirement->kind->check(requirement, metadata);
}
