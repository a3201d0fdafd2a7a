/*
 * view_version.c
 *		One version of a view: its fields and rules.
 *
 * Documents may hold representations of kinds that are not known here, and several of one dialect:
 * they are kept. New versions may not. Messages follow the Java classes ViewVersionParser and
 * ViewMetadata.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "spec/view_version.h"

#define SQL_TYPE "sql"

/* -- reading ---------------------------------------------------------------------------------- */

static const char *
required_text(const IceJson *representation, const char *key)
{
	const char *text = ice_json_string(representation, key);

	if (*text == '\0')
		ice_json_raise(ice_json_get(representation, key), ICE_ERR_BAD_REQUEST,
					   "Invalid view representation: %s must not be empty", key);
	return text;
}

static bool
is_sql(const IceJson *representation)
{
	return pg_strcasecmp(ice_json_string(representation, "type"), SQL_TYPE) == 0;
}

static void
check_representation(const IceJson *representation)
{
	if (representation->kind != ICE_JSON_OBJECT)
		ice_json_raise(representation, ICE_ERR_BAD_REQUEST,
					   "Cannot parse view representation from non-object: %s",
				  ice_json_shown(representation));
	required_text(representation, "type");
	if (is_sql(representation))
	{
		required_text(representation, "sql");
		required_text(representation, "dialect");
	}
}

static IceJson *
parse_representations(const IceJson *json)
{
	IceJson *representations = ice_json_get(json, "representations");

	if (representations == NULL)
		ice_json_raise(json, ICE_ERR_BAD_REQUEST, "Cannot parse missing field: representations");
	if (representations->kind != ICE_JSON_ARRAY)
		ice_json_raise(representations, ICE_ERR_BAD_REQUEST,
					   "Cannot parse representations from non-array: %s",
				  ice_json_shown(representations));
	for (int i = 0; i < representations->count; i++)
		check_representation(representations->items[i]);
	return representations;
}

static IceJson *
parse_summary(const IceJson *json)
{
	IceJson *summary = ice_json_member(json, "summary");

	if (summary == NULL)
		ice_json_raise(json, ICE_ERR_BAD_REQUEST, "Cannot parse missing map: summary");
	ice_json_check_string_map(summary, "summary");
	return summary;
}

/* May be empty: catalogs without namespaces have views, too. */
static IceJson *
parse_default_namespace(const IceJson *json)
{
	IceJson *levels = ice_json_member(json, "default-namespace");

	if (levels == NULL)
		ice_json_raise(json, ICE_ERR_BAD_REQUEST, "Cannot parse missing list: default-namespace");
	if (levels->kind != ICE_JSON_ARRAY)
		ice_json_raise(levels, ICE_ERR_BAD_REQUEST,
				  "Cannot parse JSON array from non-array value: default-namespace: %s",
				  ice_json_shown(levels));
	for (int i = 0; i < levels->count; i++)
		if (levels->items[i]->kind != ICE_JSON_STRING)
			ice_json_raise(levels->items[i], ICE_ERR_BAD_REQUEST,
					  "Cannot parse string from non-text value in default-namespace: %s",
					  ice_json_shown(levels->items[i]));
	return levels;
}

void
ice_view_version_parse(IceViewVersion *version, IceJson *json)
{
	if (json->kind != ICE_JSON_OBJECT)
		ice_json_raise(json, ICE_ERR_BAD_REQUEST, "Cannot parse view version from a non-object: %s",
				  ice_json_shown(json));
	version->json = json;
	version->version_id = ice_json_int32(json, "version-id");
	version->schema_id = ice_json_int32(json, "schema-id");
	version->timestamp_ms = ice_json_int64(json, "timestamp-ms");
	version->summary = parse_summary(json);
	version->representations = parse_representations(json);
	version->default_catalog = ice_json_opt_string(json, "default-catalog");
	version->default_namespace = parse_default_namespace(json);
}

/* -- dialects --------------------------------------------------------------------------------- */

static const char *
lower(const char *text)
{
	char *copy = pstrdup(text);

	for (char *c = copy; *c != '\0'; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c += 'a' - 'A';
	return copy;
}

/* The dialect of a representation in lower case, or NULL. */
static const char *
dialect_of(const IceJson *representation)
{
	return is_sql(representation) ? lower(ice_json_string(representation, "dialect")) : NULL;
}

/* Whether one of the first count representations is of the dialect. */
static bool
has_dialect(const IceJson *representations, int count, const char *dialect)
{
	for (int i = 0; i < count; i++)
	{
		const char *other = dialect_of(representations->items[i]);

		if (other != NULL && strcmp(other, dialect) == 0)
			return true;
	}
	return false;
}

bool
ice_view_version_dialects_kept(const IceViewVersion *a, const IceViewVersion *b)
{
	for (int i = 0; i < a->representations->count; i++)
	{
		const char *dialect = dialect_of(a->representations->items[i]);

		if (dialect != NULL && !has_dialect(b->representations, b->representations->count, dialect))
			return false;
	}
	return true;
}

const char *
ice_view_version_dialects(const IceViewVersion *version)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfoChar(&text, '[');
	for (int i = 0; i < version->representations->count; i++)
	{
		const char *dialect = dialect_of(version->representations->items[i]);

		if (dialect == NULL || has_dialect(version->representations, i, dialect))
			continue;
		appendStringInfo(&text, "%s%s", text.len > 1 ? ", " : "", dialect);
	}
	appendStringInfoChar(&text, ']');
	return text.data;
}

/* -- new versions ----------------------------------------------------------------------------- */

/* The version with types that are spelled as the specification does. */
static void
correct_types(IceViewVersion *version)
{
	IceJson *json = ice_json_copy(version->json);
	IceJson *representations = ice_json_array(json, "representations");

	for (int i = 0; i < representations->count; i++)
		if (strcmp(ice_json_string(representations->items[i], "type"), SQL_TYPE) != 0)
			ice_json_set(representations->items[i], "type", ice_json_make_string(SQL_TYPE));
	version->json = json;
	version->representations = representations;
}

void
ice_view_version_check_new(IceViewVersion *version)
{
	const IceJson *representations = version->representations;
	bool           correct = true;

	if (representations->count == 0)
		ice_json_raise(representations, ICE_ERR_VALIDATION,
					   "Invalid view version: no queries were added");
	for (int i = 0; i < representations->count; i++)
	{
		const char *type = ice_json_string(representations->items[i], "type");
		const char *dialect = dialect_of(representations->items[i]);

		if (dialect == NULL)
			ice_json_raise(representations->items[i], ICE_ERR_VALIDATION,
						   "Found unsupported view representations: [%s]", lower(type));
		if (has_dialect(representations, i, dialect))
			ice_json_raise(representations->items[i], ICE_ERR_VALIDATION,
						   "Invalid view version: Cannot add multiple queries for dialect %s",
						   dialect);
		correct &= strcmp(type, SQL_TYPE) == 0;
	}
	if (!correct)
		correct_types(version);
}

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Other kinds than SQL are compared as they are. */
static bool
same_representation(const IceJson *a, const IceJson *b)
{
	if (!is_sql(a) || !is_sql(b))
		return ice_json_equal(a, b);
	return strcmp(ice_json_string(a, "sql"), ice_json_string(b, "sql")) == 0 &&
		   strcmp(ice_json_string(a, "dialect"), ice_json_string(b, "dialect")) == 0;
}

bool
ice_view_version_same(const IceViewVersion *a, const IceViewVersion *b)
{
	if (a->schema_id != b->schema_id || !same_text(a->default_catalog, b->default_catalog) ||
		!ice_json_equal(a->default_namespace, b->default_namespace) ||
		!ice_json_equal(a->summary, b->summary) ||
		a->representations->count != b->representations->count)
		return false;
	for (int i = 0; i < a->representations->count; i++)
		if (!same_representation(a->representations->items[i], b->representations->items[i]))
			return false;
	return true;
}
