/*
 * location.c
 *		Where a table or view and its metadata files lie.
 *
 * A derived location never depends on the name alone: it ends in the table's uuid, so that a name
 * used again cannot expose old data. Long names are cut, for file systems limit a path.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include <ctype.h>

#include "commit/location.h"
#include "guc.h"
#include "storage/storage.h"
#include "store/store_profile.h"
#include "store/uuid.h"
#include "store/warehouse_rules.h"

#define LEVEL_BYTES_MAX     64   /* of one namespace level in a path */
#define NAMESPACE_BYTES_MAX 1024 /* of all levels */
#define TABLE_BYTES_MAX     128  /* of the table's name */
#define METADATA_PATH       "write.metadata.path"
#define METADATA_CODEC      "write.metadata.compression-codec"

/* Appends a name with all bytes but letters, digits, '.', '_' and '-' as '_', never "." or "..". */
static void
append_safe(StringInfo out, const char *name, int bytes_max)
{
	bool only_dots = strspn(name, ".") == strlen(name);

	for (int i = 0; name[i] != '\0' && i < bytes_max; i++)
	{
		unsigned char c = name[i];
		bool          safe = (c < 128 && isalnum(c)) || c == '_' || c == '-' || c == '.';

		appendStringInfoChar(out, safe && !(only_dots && c == '.') ? c : '_');
	}
}

char *
ice_location_normalize(const char *location)
{
	size_t len = strlen(location);

	while (len > 0 && location[len - 1] == '/' &&
		   !(len >= 3 && strncmp(location + len - 3, "://", 3) == 0))
		len--;
	if (len == 0)
		ice_raise(ICE_ERR_BAD_REQUEST, "Invalid location: \"%s\"", location);
	return pnstrdup(location, len);
}

/* FNV-1a, for it must stay what it is. */
static uint32
text_hash(uint32 hash, const char *text)
{
	for (; *text != '\0'; text++)
		hash = (hash ^ (unsigned char) *text) * 16777619;
	return hash;
}

/* Appends a level as a folder. One whose name is not kept whole has a hash of it, so that no two
 * share a folder. */
static void
append_level(StringInfo out, const char *level)
{
	int start = out->len;

	append_safe(out, level, LEVEL_BYTES_MAX);
	if (strcmp(out->data + start, level) != 0)
		appendStringInfo(out, "-%08x", text_hash(2166136261, level));
}

/* Appends the levels from one on. Where they get too long, a hash stands for the rest. */
static void
append_levels(StringInfo out, const IceNamespacePath *path, int from)
{
	int    start = out->len;
	uint32 hash = 2166136261;

	for (int i = from; i < path->depth; i++)
	{
		appendStringInfoChar(out, '/');
		if (out->len - start < NAMESPACE_BYTES_MAX)
		{
			append_level(out, path->levels[i]);
			continue;
		}
		for (; i < path->depth; i++)
			hash = text_hash(text_hash(hash, "/"), path->levels[i]);
		appendStringInfo(out, "%08x", hash);
	}
}

/* The text without slashes at its end; NULL if there is none or nothing is left. */
static const char *
usable(const char *location)
{
	if (location == NULL || strspn(location, "/") == strlen(location))
		return NULL;
	return ice_location_normalize(location);
}

/* The location that a namespace's is derived from, and how many of its levels lie below; NULL if
 * there is none. */
static const char *
anchor_of(const IceWarehouse *warehouse, const IceNamespacePath *path, const IceNamespace *space,
		  bool read_only, int *below)
{
	IceJson    *properties = ice_json_parse(space->properties, strlen(space->properties),
											ICE_JSON_DEPTH_STORED);
	const char *base = usable(ice_json_opt_string(properties, "location"));

	*below = 0;
	if (base != NULL ||
		(path->depth > 1 &&
		 ice_namespace_inherited_location(&warehouse->id, &space->id, read_only, &base, below)))
		return base;
	*below = path->depth;
	return usable(warehouse->location);
}

char *
ice_location_of_namespace(const IceWarehouse *warehouse, const IceNamespacePath *path,
						  const IceNamespace *space, bool read_only)
{
	int            below;
	const char    *base = anchor_of(warehouse, path, space, read_only, &below);
	StringInfoData out;

	if (base == NULL)
		return NULL;
	initStringInfo(&out);
	appendStringInfoString(&out, base);
	append_levels(&out, path, path->depth - below);
	return out.data;
}

/* Does a template have the slot at *p? Then *p is after it. */
static bool
take(const char **p, const char *slot)
{
	size_t n = strlen(slot);

	if (strncmp(*p, slot, n) != 0)
		return false;
	*p += n;
	return true;
}

/* A level that is empty, because the namespace is the anchor itself, takes its slash with it. */
static void
append_template(StringInfo out, const char *text, const IceNamespacePath *path, int from,
				const char *name, const char *uuid)
{
	const char *p = text;

	while (*p != '\0')
	{
		if (take(&p, "{uuid}"))
			appendStringInfoString(out, uuid);
		else if (take(&p, "{hash4}"))
			appendStringInfo(out, "%04x", text_hash(2166136261, uuid) & 0xffff);
		else if (take(&p, "{table}"))
			append_level(out, name);
		else if (take(&p, "{namespace}"))
		{
			StringInfoData levels;

			initStringInfo(&levels);
			append_levels(&levels, path, from);
			if (levels.len > 0)
				appendStringInfoString(out, levels.data + 1);
			else
				p += *p == '/';
		}
		else
			appendStringInfoChar(out, *p++);
	}
}

char *
ice_location_derive(const IceWarehouse *warehouse, const IceNamespacePath *path,
					const IceNamespace *space, const char *name, const char *table_uuid)
{
	IceWarehouseRules rules;
	int               below;
	const char       *base = anchor_of(warehouse, path, space, false, &below);
	StringInfoData    out;

	if (base == NULL)
		return NULL;
	ice_warehouse_rules_read(warehouse->properties, &rules);
	initStringInfo(&out);
	appendStringInfoString(&out, base);
	if (rules.location_template != NULL)
	{
		appendStringInfoChar(&out, '/');
		append_template(&out, rules.location_template, path, path->depth - below, name, table_uuid);
		return out.data;
	}
	append_levels(&out, path, path->depth - below);
	appendStringInfoChar(&out, '/');
	append_safe(&out, name, TABLE_BYTES_MAX);
	appendStringInfo(&out, "-%s", table_uuid);
	return out.data;
}

void
ice_location_require(const char *location, const char *what, const IceNamespacePath *path,
					 const char *name)
{
	if (location == NULL)
		ice_raise_full(
			ICE_ERR_BAD_REQUEST,
			psprintf("Cannot derive a location for %s: %s.%s", what, path->dotted, name),
			"Neither the namespace nor the warehouse has a location.",
			psprintf("Give the %s a location, or set one on the warehouse or namespace.", what));
}

/* The folder of the metadata files: path, where it is set. */
static const char *
folder_of(const char *location, const char *path)
{
	if (path != NULL)
		return ice_location_normalize(path);
	return psprintf("%s/metadata", location);
}

static const char *
table_folder(const IceTableMetadata *metadata)
{
	return folder_of(metadata->location, ice_table_property(metadata, METADATA_PATH));
}

static const char *
view_folder(const IceViewMetadata *metadata)
{
	return folder_of(metadata->location, ice_view_property(metadata, METADATA_PATH));
}

bool
ice_location_is_metadata_file(const IceTableMetadata *metadata, const char *file)
{
	const char *folder = table_folder(metadata);
	size_t      len = strlen(folder);

	return strncmp(file, folder, len) == 0 && file[len] == '/' &&
		   strchr(file + len + 1, '/') == NULL;
}

/* The number in a metadata file's name ("00012-….metadata.json"), -1 if it has none. */
static int64
file_number(const char *location)
{
	const char *base = strrchr(location, '/');
	char       *end;
	int64       number;

	base = base ? base + 1 : location;
	if (!isdigit((unsigned char) *base))
		return -1;
	number = strtoll(base, &end, 10);
	return *end == '-' && number >= 0 && number < PG_INT32_MAX ? number : -1;
}

/* The file that follows previous (NULL: the first), for a codec (NULL: none). */
static char *
next_file(const char *folder, const char *codec, const char *previous)
{
	int64 number = previous != NULL ? file_number(previous) + 1 : 0;
	bool  gzip = codec != NULL && pg_strcasecmp(codec, "gzip") == 0;

	return psprintf("%s/%05lld-%s%s", folder, (long long) number, ice_uuid_v4_text(),
					gzip ? ".gz.metadata.json" : ".metadata.json");
}

char *
ice_location_next(const IceTableMetadata *metadata, const char *previous)
{
	return next_file(table_folder(metadata), ice_table_property(metadata, METADATA_CODEC),
					 previous);
}

char *
ice_location_next_of_view(const IceViewMetadata *metadata, const char *previous)
{
	return next_file(view_folder(metadata), ice_view_property(metadata, METADATA_CODEC), previous);
}

/* A store that is not of this machine has no folders, and is not asked within a transaction: only
 * whether the server may go there is looked at. */
static void
make_directory(const pg_uuid_t *warehouse_id, const char *location)
{
	const IceStorage *storage;

	if (!ice_storage_is_local(location) && ice_profile_reaches(warehouse_id, location))
		return;
	storage = ice_storage_open(location, NULL);
	storage->make_directory(storage, location);
}

void
ice_location_prepare(const pg_uuid_t *warehouse_id, const IceTableMetadata *metadata)
{
	const char *data = psprintf("%s/data", metadata->location);
	const char *folder = table_folder(metadata);

	make_directory(warehouse_id, folder);
	make_directory(warehouse_id, data);
}

void
ice_location_prepare_view(const pg_uuid_t *warehouse_id, const IceViewMetadata *metadata)
{
	const char *folder = view_folder(metadata);

	make_directory(warehouse_id, folder);
}
