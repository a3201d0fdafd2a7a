/*
 * steering.c
 *		Properties that steer a reader. See steering.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "spec/steering.h"

/* Names of PyIceberg's, Java's, Go's and Rust's: the first line that fits decides, and a pattern
 * that ends in '*' fits what begins so. Those that only say how much is read or written at once,
 * how objects are tagged, and in which class they are stored, do no harm. */
static const struct
{
	const char *pattern;
	bool        steers;
} rules[] = {
	{"s3.write.tags.*", false},
	{"s3.write.table-tag-enabled", false},
	{"s3.write.namespace-tag-enabled", false},
	{"s3.write.storage-class", false},
	{"s3.delete.tags.*", false},
	{"s3.delete.batch-size", false},
	{"s3.delete.num-threads", false},
	{"s3.multipart.*", false},
	{"s3.checksum-enabled", false},
	{"gcs.channel.read.chunk-size-bytes", false},
	{"gcs.channel.write.chunk-size-bytes", false},
	{"gcs.delete.batch-size", false},
	{"adls.read.block-size-bytes", false},
	{"adls.write.block-size-bytes", false},
	{"s3.*", true},
	{"s3tables.*", true},
	{"gcs.*", true},
	{"adls.*", true},
	{"adlfs.*", true},
	{"abfs.*", true},
	{"oss.*", true},
	{"ecs.*", true},
	{"hdfs.*", true},
	{"hf.*", true},
	{"fs.*", true},
	{"client.*", true},
	{"signer", true},
	{"signer.*", true},
	{"rest.*", true},
	{"header.*", true},
	{"io-impl", true},
	{"py-io-impl", true},
	{"token", true},
	{"credential", true},
	{"oauth2-server-uri", true},
	{"scope", true},
	{"uri", true},
};

static bool
fits(const char *pattern, const char *name)
{
	size_t n = strlen(pattern);

	return pattern[n - 1] == '*' ? strncmp(name, pattern, n - 1) == 0 : strcmp(name, pattern) == 0;
}

bool
ice_steering_is(const char *name)
{
	for (int i = 0; i < (int) lengthof(rules); i++)
		if (fits(rules[i].pattern, name))
			return rules[i].steers;
	return false;
}

const char *
ice_steering_find(const IceJson *given, const IceJson *before)
{
	for (int i = 0; given != NULL && i < given->count; i++)
	{
		const char    *name = given->members[i].key;
		const IceJson *old;

		ice_step();
		if (!ice_steering_is(name))
			continue;
		old = before != NULL ? ice_json_member(before, name) : NULL;
		if (old == NULL || !ice_json_equal(old, given->members[i].value))
			return name;
	}
	return NULL;
}

IceJson *
ice_steering_without(const IceJson *properties)
{
	IceJson *rest;

	if (ice_steering_find(properties, NULL) == NULL)
		return NULL;
	rest = ice_json_make_object();
	for (int i = 0; i < properties->count; i++)
	{
		const IceJsonMember *member = &properties->members[i];

		ice_step();
		if (!ice_steering_is(member->key))
			ice_json_set(rest, member->key, ice_json_copy(member->value));
	}
	return rest;
}

void
ice_steering_hide(IceTableMetadata *metadata)
{
	IcePart *part = ice_table_part_only(metadata, ICE_PART_PROPERTIES);
	IceJson *rest = part != NULL ? ice_steering_without(ice_part_json(part)) : NULL;

	if (rest == NULL)
		return;
	metadata->lists[ICE_PART_PROPERTIES] = (IcePartList){.loaded = true};
	(void) ice_table_part_add(metadata, ICE_PART_PROPERTIES, 0, NULL, rest);
}
