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

#include <stdlib.h>

#define SQL_TYPE           "sql"
#define DIALECTS_SHOWN_MAX 20 /* in an error message */

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

/* The dialects of a version: sorted, so that many of them cost no more than reading them. */
typedef struct Dialect
{
	const char *name;     /* in lower case */
	int         position; /* of the representation */
} Dialect;

static int
compare_dialects(const void *a, const void *b)
{
	const Dialect *left = a;
	const Dialect *right = b;
	int            order = strcmp(left->name, right->name);

	return order != 0 ? order : left->position - right->position;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(((const Dialect *) a)->name, ((const Dialect *) b)->name);
}

static int
compare_positions(const void *a, const void *b)
{
	return ((const Dialect *) a)->position - ((const Dialect *) b)->position;
}

static Dialect *
sorted_dialects(const IceJson *representations, int *count)
{
	Dialect *dialects = palloc(sizeof(Dialect) * Max(representations->count, 1));

	*count = 0;
	for (int i = 0; i < representations->count; i++)
		if (is_sql(representations->items[i]))
		{
			dialects[*count].name = lower(ice_json_string(representations->items[i], "dialect"));
			dialects[(*count)++].position = i;
		}
	qsort(dialects, *count, sizeof(Dialect), compare_dialects);
	return dialects;
}

bool
ice_view_version_dialects_kept(const IceViewVersion *a, const IceViewVersion *b)
{
	int            a_count;
	int            b_count;
	const Dialect *a_dialects = sorted_dialects(a->representations, &a_count);
	const Dialect *b_dialects = sorted_dialects(b->representations, &b_count);

	for (int i = 0; i < a_count; i++)
		if (bsearch(&a_dialects[i], b_dialects, b_count, sizeof(Dialect), compare_names) == NULL)
			return false;
	return true;
}

/* In the order of the version, each once; cut where there are many. */
const char *
ice_view_version_dialects(const IceViewVersion *version)
{
	int            count;
	int            kept = 0;
	Dialect       *dialects = sorted_dialects(version->representations, &count);
	StringInfoData text;

	for (int i = 0; i < count; i++)
		if (i == 0 || strcmp(dialects[i].name, dialects[i - 1].name) != 0)
			dialects[kept++] = dialects[i];
	qsort(dialects, kept, sizeof(Dialect), compare_positions);
	initStringInfo(&text);
	appendStringInfoChar(&text, '[');
	for (int i = 0; i < Min(kept, DIALECTS_SHOWN_MAX); i++)
		appendStringInfo(&text, "%s%s", i > 0 ? ", " : "", dialects[i].name);
	appendStringInfoString(&text, kept > DIALECTS_SHOWN_MAX ? ", ...]" : "]");
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

/* All are SQL; tells whether the types are spelled as the specification does. */
static bool
check_types(const IceJson *representations)
{
	bool correct = true;

	for (int i = 0; i < representations->count; i++)
	{
		const char *type = ice_json_string(representations->items[i], "type");

		if (!is_sql(representations->items[i]))
			ice_json_raise(representations->items[i], ICE_ERR_VALIDATION,
						   "Found unsupported view representations: [%s]", lower(type));
		correct &= strcmp(type, SQL_TYPE) == 0;
	}
	return correct;
}

static void
check_dialects(const IceJson *representations)
{
	int            count;
	const Dialect *dialects = sorted_dialects(representations, &count);

	for (int i = 1; i < count; i++)
		if (strcmp(dialects[i].name, dialects[i - 1].name) == 0)
			ice_json_raise(representations->items[dialects[i].position], ICE_ERR_ILLEGAL_ARGUMENT,
						   "Invalid view version: Cannot add multiple queries for dialect %s",
						   dialects[i].name);
}

static const char *const optional_members[] = {"default-catalog"};

void
ice_view_version_check_new(IceViewVersion *version)
{
	bool correct;

	if (version->representations->count == 0)
		ice_json_raise(version->representations, ICE_ERR_VALIDATION,
					   "Invalid view version: no queries were added");
	correct = check_types(version->representations);
	check_dialects(version->representations);
	ice_json_drop_nulls(version->json, optional_members, lengthof(optional_members));
	if (!correct)
		correct_types(version);
}
