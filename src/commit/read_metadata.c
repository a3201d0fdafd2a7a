/*
 * read_metadata.c
 *		The document of a metadata file that a client names.
 *
 * The server reads with its own rights. Errors of the JSON parser and of the metadata's rules quote
 * what they found, so nothing reaches them but what has the form of metadata.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "utils/elog.h"

#include "commit/publish.h"
#include "commit/read_metadata.h"
#include "guc.h"
#include "storage/storage.h"
#include "store/store_hold.h"
#include "store/store_profile.h"
#include "store/store_task.h"

/* The value of a text; NULL if it is no JSON. Other errors, such as a limit, go on. */
static IceJson *
parse(const StringInfoData *text)
{
	MemoryContext context = CurrentMemoryContext;
	IceJson      *json = NULL;

	PG_TRY();
	{
		json = ice_json_parse(text->data, (size_t) text->len, ice_guc_json_depth_max);
	}
	PG_CATCH();
	{
		/* The parser touches nothing that would have to be rolled back. */
		if (ice_error_of_sqlstate(unpack_sql_state(geterrcode())) != ICE_ERR_BAD_REQUEST)
			PG_RE_THROW();
		MemoryContextSwitchTo(context);
		FlushErrorState();
		json = NULL;
	}
	PG_END_TRY();
	return json;
}

static bool
is_of_kind(const IceJson *object, const char *key, IceJsonKind kind)
{
	const IceJson *value = ice_json_get(object, key);

	return value != NULL && value->kind == kind;
}

/* The form that metadata of every version have; a view's has versions instead of a time. */
static bool
has_form(const IceJson *json)
{
	return json != NULL && json->kind == ICE_JSON_OBJECT &&
		   is_of_kind(json, "format-version", ICE_JSON_NUMBER) &&
		   is_of_kind(json, "location", ICE_JSON_STRING) &&
		   (is_of_kind(json, "last-updated-ms", ICE_JSON_NUMBER) ||
			is_of_kind(json, "versions", ICE_JSON_ARRAY));
}

/* A role that may make tables could read another's metadata by a registration of its file: for a
 * role that may not load that table the file is not there. */
static void
check_seen(const char *metadata_location)
{
	List     *paths = NIL;
	ListCell *cell;

	if (!ice_holds_known())
		return;
	foreach (cell, ice_storage_spellings(metadata_location))
		paths = list_concat(paths, ice_hold_line(lfirst(cell)));
	if (ice_holds_unseen(paths))
		ice_raise(ICE_ERR_NO_SUCH_FILE, "File does not exist: %s", metadata_location);
}

IceJson *
ice_read_metadata(const pg_uuid_t *warehouse_id, const char *metadata_location)
{
	StringInfoData document;
	IceJson       *json;

	check_seen(metadata_location);
	initStringInfo(&document);
	if (!ice_publish_queued_document(metadata_location, &document))
		ice_storage_read_metadata(metadata_location,
								  ice_profile_of(warehouse_id, metadata_location), &document);
	json = parse(&document);
	if (!has_form(json))
		ice_raise(ICE_ERR_BAD_REQUEST, "File is not the metadata of a table or view");
	return json;
}
