/*
 * store_view.c
 *		A view in the database: its head and the lists of its metadata, found by its name
 *		(relation).
 *
 * Locks: the head FOR UPDATE, before anything of the view is written. A drop marks the head as well
 * as the name, so that a commit which waited for it sees it in the very row that it locked.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "errors.h"
#include "store/access.h"
#include "store/case_mode.h"
#include "store/store_hold.h"
#include "store/store_view.h"

/* Rows of one commit share a version; ordinal = version << ORDINAL_BITS | place. */
#define ORDINAL_BITS 20

/* view_part.kind is IceViewPartKind: its values are stored. */
StaticAssertDecl(ICE_VIEW_PART_SCHEMA == 0 && ICE_VIEW_PART_VERSION == 1 &&
					 ICE_VIEW_PART_VERSION_LOG == 2 && ICE_VIEW_PART_PROPERTIES == 3 &&
					 ICE_VIEW_PART_EXTRA == 4 && ICE_VIEW_PART_KINDS == 5,
				 "the kinds are written in sql/24_views.sql and in the views of schema icecat");

/* The head's columns, in the order read_head() expects them, after the ids. */
#define HEAD_COLUMNS                                                  \
	"h.version, h.format_version::integer, h.view_uuid, h.location, " \
	"h.current_version_id, h.metadata_location, h.file_expected"

static IceStatement find_by_name = {
	"SELECT r.relation_id, r.namespace_id, " HEAD_COLUMNS " FROM icecat_data.relation r "
	"JOIN icecat_data.view_head h ON h.warehouse_id = r.warehouse_id "
	"AND h.view_id = r.relation_id "
	"WHERE r.warehouse_id = $1 AND r.namespace_id = (SELECT n.namespace_id "
	"FROM icecat_data.namespace n WHERE n.warehouse_id = $1 AND n.path_hash = $2) "
	"AND r.name = $3 AND r.kind = 'view' AND r.dropped_at IS NULL AND h.warehouse_id = $1",
	3,
	{UUIDOID, BYTEAOID, TEXTOID},
	NULL};

static IceStatement lock_head = {
	"SELECT h.view_id, h.view_id, " HEAD_COLUMNS " FROM icecat_data.view_head h "
	"WHERE h.warehouse_id = $1 AND h.view_id = $2 AND h.dropped_at IS NULL FOR UPDATE",
	2,
	{UUIDOID, UUIDOID},
	NULL};

/* Dropped or not: what an idempotency key made can be shown as long as its rows are kept. */
static IceStatement find_by_id = {"SELECT h.view_id, h.view_id, " HEAD_COLUMNS
								  " FROM icecat_data.view_head h "
								  "WHERE h.warehouse_id = $1 AND h.view_id = $2",
								  2,
								  {UUIDOID, UUIDOID},
								  NULL};

static IceStatement load_parts = {
	"SELECT kind::integer AS k, ordinal, coalesce(id, 0), body FROM icecat_data.view_part "
	"WHERE warehouse_id = $1 AND view_id = $2 ORDER BY kind, ordinal",
	2,
	{UUIDOID, UUIDOID},
	NULL};

#define HEAD_VALUES 10
#define HEAD_TYPES                                                                       \
	{                                                                                    \
		UUIDOID, UUIDOID, INT8OID, INT2OID, TEXTOID, TEXTOID, INT4OID, TEXTOID, BOOLOID, \
			TIMESTAMPTZOID                                                               \
	}

static IceStatement insert_head = {
	"INSERT INTO icecat_data.view_head (warehouse_id, view_id, version, format_version, "
	"view_uuid, location, current_version_id, metadata_location, file_expected, updated_at) "
	"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
	HEAD_VALUES, HEAD_TYPES, NULL};

static IceStatement update_head = {
	"UPDATE icecat_data.view_head SET version = $3, format_version = $4, view_uuid = $5, "
	"location = $6, current_version_id = $7, metadata_location = $8, file_expected = $9, "
	"updated_at = $10 WHERE warehouse_id = $1 AND view_id = $2",
	HEAD_VALUES, HEAD_TYPES, NULL};

static IceStatement insert_part = {
	"INSERT INTO icecat_data.view_part (warehouse_id, view_id, kind, ordinal, id, body) "
	"VALUES ($1, $2, $3, $4, $5, $6)",
	6,
	{UUIDOID, UUIDOID, INT2OID, INT8OID, INT8OID, JSONOID},
	NULL};

static IceStatement delete_part = {
	"DELETE FROM icecat_data.view_part "
	"WHERE warehouse_id = $1 AND view_id = $2 AND kind = $3 AND ordinal = $4",
	4,
	{UUIDOID, UUIDOID, INT2OID, INT8OID},
	NULL};

static IceStatement drop_head = {
	"UPDATE icecat_data.view_head SET dropped_at = $3 WHERE warehouse_id = $1 AND view_id = $2",
	3,
	{UUIDOID, UUIDOID, TIMESTAMPTZOID},
	NULL};

static IceStatement delete_parts = {
	"DELETE FROM icecat_data.view_part WHERE warehouse_id = $1 AND view_id = $2",
	2,
	{UUIDOID, UUIDOID},
	NULL};

static IceStatement delete_head = {
	"DELETE FROM icecat_data.view_head WHERE warehouse_id = $1 AND view_id = $2 "
	"AND dropped_at IS NOT NULL",
	2,
	{UUIDOID, UUIDOID},
	NULL};

/* Fills version, location and scalars from row 0 of the last result, from column 3 on. */
static void
read_head(IceView *view)
{
	IceViewMetadata *m = ice_view_metadata_empty();

	view->version = ice_spi_field_int64(0, 3);
	m->format_version = ice_spi_field_int32(0, 4);
	m->view_uuid = ice_spi_field_text(0, 5);
	m->location = ice_spi_field_text(0, 6);
	m->current_version_id = ice_spi_field_int32(0, 7);
	view->metadata_location = ice_spi_field_text(0, 8);
	view->file_expected = DatumGetBool(ice_spi_field(0, 9));
	view->metadata = m;
}

bool
ice_view_find(const pg_uuid_t *warehouse_id, const IceNamespacePath *path, const char *name,
			  bool read_only, IceView *out)
{
	Datum values[3] = {UUIDPGetDatum(warehouse_id), PointerGetDatum(path->hash),
					   ice_spi_cstring_datum(name)};

	if (ice_spi_execute(&find_by_name, values, NULL, read_only) == 0 &&
		(!ice_case_mode_respell(warehouse_id, path, name, read_only, values) ||
		 ice_spi_execute(&find_by_name, values, NULL, read_only) == 0))
		return false;
	out->warehouse_id = *warehouse_id;
	out->id = ice_spi_field_uuid(0, 1);
	out->namespace_id = ice_spi_field_uuid(0, 2);
	out->name = NULL;
	read_head(out);
	return ice_access_may(ICE_USAGE, (IceObject){warehouse_id, &out->namespace_id, &out->id});
}

void
ice_view_require(uint32 wanted, const IceView *view, const IceNamespacePath *path, const char *name)
{
	ice_access_require(wanted, (IceObject){&view->warehouse_id, &view->namespace_id, &view->id},
					   "view", path->dotted, name);
}

void
ice_view_get(const pg_uuid_t *warehouse_id, const IceNamespacePath *path, const char *name,
			 bool read_only, IceView *out)
{
	if (!ice_view_find(warehouse_id, path, name, read_only, out))
		ice_raise(ICE_ERR_NO_SUCH_VIEW, "View does not exist: %s.%s", path->dotted, name);
}

bool
ice_view_get_by_id(const pg_uuid_t *warehouse_id, const pg_uuid_t *view_id, IceView *out)
{
	Datum values[2] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(view_id)};

	if (ice_spi_execute(&find_by_id, values, NULL, true) == 0)
		return false;
	*out = (IceView){.warehouse_id = *warehouse_id, .id = *view_id};
	read_head(out);
	return true;
}

bool
ice_view_get_whole(const pg_uuid_t *warehouse_id, const pg_uuid_t *view_id, IceView *out)
{
	Datum values[2] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(view_id)};
	bool  found;

	PushActiveSnapshot(GetLatestSnapshot());
	found = ice_spi_execute(&find_by_id, values, NULL, true) > 0;
	if (found)
	{
		*out = (IceView){.warehouse_id = *warehouse_id, .id = *view_id};
		read_head(out);
		ice_view_load(out, true);
	}
	PopActiveSnapshot();
	return found;
}

bool
ice_view_lock(IceView *view)
{
	Datum values[2] = {UUIDPGetDatum(&view->warehouse_id), UUIDPGetDatum(&view->id)};

	if (ice_spi_execute_waiting(&lock_head, values, NULL) == 0)
		return false;
	read_head(view);
	return ice_relation_get_name(&view->warehouse_id, &view->id, &view->namespace_id, &view->name);
}

/* A rename of a view holds its head, too: after the lock the name stays. */
bool
ice_view_find_locked(uint32 wanted, const pg_uuid_t *warehouse_id, const IceNamespacePath *path,
					 const char *name, IceView *out)
{
	pg_uuid_t namespace_id;

	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		if (!ice_view_find(warehouse_id, path, name, false, out))
			return false;
		ice_view_require(wanted, out, path, name);
		namespace_id = out->namespace_id;
		if (ice_view_lock(out) && ice_case_mode_same(warehouse_id, out->name, name) &&
			memcmp(&out->namespace_id, &namespace_id, UUID_LEN) == 0)
			return true;
	}
}

void
ice_view_get_locked(uint32 wanted, const pg_uuid_t *warehouse_id, const IceNamespacePath *path,
					const char *name, IceView *out)
{
	if (!ice_view_find_locked(wanted, warehouse_id, path, name, out))
		ice_raise(ICE_ERR_NO_SUCH_VIEW, "View does not exist: %s.%s", path->dotted, name);
}

void
ice_view_load(IceView *view, bool read_only)
{
	Datum  values[2] = {UUIDPGetDatum(&view->warehouse_id), UUIDPGetDatum(&view->id)};
	uint64 rows = ice_spi_execute(&load_parts, values, NULL, read_only);

	for (uint64 i = 0; i < rows; i++)
	{
		size_t      len;
		const char *body = ice_spi_field_bytes(i, 4, &len);

		ice_view_part_stored(view->metadata, ice_spi_field_int32(i, 1), ice_spi_field_int64(i, 3),
							 ice_spi_field_int64(i, 2), body, len);
	}
}

/* -- writing ---------------------------------------------------------------------------------- */

/* Runs the statement that writes the head's columns. */
static void
write_head(IceStatement *statement, const IceView *view)
{
	const IceViewMetadata *m = view->metadata;
	Datum                  location = ice_spi_cstring_datum(view->metadata_location);
	Datum                  changed = TimestampTzGetDatum(GetCurrentTimestamp());
	Datum                  values[HEAD_VALUES] = {
						 UUIDPGetDatum(&view->warehouse_id),   UUIDPGetDatum(&view->id),
						 Int64GetDatum(view->version),         Int16GetDatum(m->format_version),
						 ice_spi_cstring_datum(m->view_uuid),  ice_spi_cstring_datum(m->location),
						 Int32GetDatum(m->current_version_id), location,
						 BoolGetDatum(view->file_expected),    changed};

	ice_spi_execute(statement, values, NULL, false);
}

/* Deletes the rows of the parts that are gone. */
static void
delete_gone(const IceView *view)
{
	Datum values[4] = {UUIDPGetDatum(&view->warehouse_id), UUIDPGetDatum(&view->id)};

	for (int kind = 0; kind < ICE_VIEW_PART_KINDS; kind++)
	{
		const IcePartList *list = &view->metadata->lists[kind];

		values[2] = Int16GetDatum(kind);
		for (int i = 0; i < list->count; i++)
			if (ice_part_is_gone(list->items[i]))
			{
				values[3] = Int64GetDatum(list->items[i]->ordinal);
				ice_spi_execute(&delete_part, values, NULL, false);
			}
	}
}

/* Has the kind an id? */
static bool
has_id(IceViewPartKind kind)
{
	return kind == ICE_VIEW_PART_SCHEMA || kind == ICE_VIEW_PART_VERSION ||
		   kind == ICE_VIEW_PART_VERSION_LOG;
}

/* Inserts rows for the parts that are new. */
static void
insert_new(const IceView *view)
{
	Datum values[6] = {UUIDPGetDatum(&view->warehouse_id), UUIDPGetDatum(&view->id)};
	int64 ordinal = view->version << ORDINAL_BITS;

	for (int kind = 0; kind < ICE_VIEW_PART_KINDS; kind++)
	{
		const IcePartList *list = &view->metadata->lists[kind];

		values[2] = Int16GetDatum(kind);
		for (int i = 0; i < list->count; i++)
		{
			IcePart *part = list->items[i];

			if (!ice_part_is_new(part))
				continue;
			part->ordinal = ordinal++;
			values[3] = Int64GetDatum(part->ordinal);
			values[4] = Int64GetDatum(part->id);
			values[5] = ice_spi_text_datum(part->body, part->body_len);
			ice_spi_execute(&insert_part, values, has_id(kind) ? NULL : "    n ", false);
			pfree(DatumGetPointer(values[5]));
		}
	}
	if (ordinal > (view->version + 1) << ORDINAL_BITS)
		ice_raise(ICE_ERR_LIMIT_EXCEEDED, "A commit cannot add more than %d parts to a view",
				  1 << ORDINAL_BITS);
}

void
ice_view_insert(const IceView *view)
{
	write_head(&insert_head, view);
	insert_new(view);
}

void
ice_view_update(const IceView *view)
{
	delete_gone(view);
	insert_new(view);
	write_head(&update_head, view);
}

void
ice_view_mark_dropped(const IceView *view)
{
	Datum values[3] = {UUIDPGetDatum(&view->warehouse_id), UUIDPGetDatum(&view->id),
					   TimestampTzGetDatum(GetCurrentTimestamp())};

	ice_relation_mark_dropped(&view->warehouse_id, &view->id, ICE_RELATION_VIEW);
	ice_spi_execute(&drop_head, values, NULL, false);
}

void
ice_store_view_delete(const pg_uuid_t *warehouse_id, const pg_uuid_t *view_id)
{
	Datum values[2] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(view_id)};

	ice_spi_execute(&delete_parts, values, NULL, false);
	ice_holds_delete(warehouse_id, view_id);
	ice_spi_execute(&delete_head, values, NULL, false);
	ice_relation_delete(warehouse_id, view_id);
}
