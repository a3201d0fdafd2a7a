/*
 * store_hold.c
 *		Whose file it is: what tables and views hold on storage (icecat_data.location).
 *
 * The statements that cross warehouses are look-ups and short ranges of the index on the path.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "store/access.h"
#include "store/store_hold.h"
#include "store/store_restriction.h"
#include "store/uuid.h"

static const char *const kind_names[] = {"location", "path", "file", "registered"};

static IceStatement insert_hold = {
	"INSERT INTO icecat_data.location (warehouse_id, object_id, path, kind) "
	"VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
	4,
	{UUIDOID, UUIDOID, TEXTOID, TEXTOID},
	NULL};

static IceStatement select_holds = {
	"SELECT kind, path FROM icecat_data.location WHERE warehouse_id = $1 AND object_id = $2",
	2,
	{UUIDOID, UUIDOID},
	NULL};

static IceStatement registered = {
	"SELECT 1 FROM icecat_data.location WHERE warehouse_id = $1 AND object_id = $2 "
	"AND kind = 'registered' LIMIT 1",
	2,
	{UUIDOID, UUIDOID},
	NULL};

static IceStatement delete_holds = {
	"DELETE FROM icecat_data.location WHERE warehouse_id = $1 AND object_id = $2",
	2,
	{UUIDOID, UUIDOID},
	NULL};

/* All warehouses: whose file it is. */
static IceStatement others_at = {
	"SELECT DISTINCT l.path FROM icecat_data.location l WHERE l.path = ANY ($1) "
	"AND (l.object_id <> $3 OR l.warehouse_id <> $2)",
	3,
	{TEXTARRAYOID, UUIDOID, UUIDOID},
	NULL};

/* All warehouses: whose file it is. '0' is the byte after '/'. */
static IceStatement others_below = {
	"SELECT 1 FROM icecat_data.location l WHERE l.path > $1 || '/' AND l.path < $1 || '0' "
	"AND (l.object_id <> $3 OR l.warehouse_id <> $2) LIMIT 1",
	3,
	{TEXTOID, UUIDOID, UUIDOID},
	NULL};

/* Of a table or view that is live or can be undropped, unless it has the uuid $4. */
#define IS_PLACE                                                                            \
	"l.kind IN ('location', 'path') "                                                       \
	"AND EXISTS (SELECT FROM icecat_data.relation r WHERE r.warehouse_id = l.warehouse_id " \
	"AND r.relation_id = l.object_id "                                                      \
	"AND (r.dropped_at IS NULL OR r.undrop_until IS NOT NULL)) "                            \
	"AND NOT EXISTS (SELECT FROM icecat_data.table_head h WHERE h.warehouse_id = "          \
	"l.warehouse_id AND h.table_id = l.object_id AND h.table_uuid = $4) "                   \
	"AND NOT EXISTS (SELECT FROM icecat_data.view_head v WHERE v.warehouse_id = "           \
	"l.warehouse_id AND v.view_id = l.object_id AND v.view_uuid = $4) "

/* All warehouses: whose file it is. */
static IceStatement placed_around = {"SELECT 1 FROM icecat_data.location l WHERE l.path = ANY ($1) "
									 "AND (l.object_id <> $3 OR l.warehouse_id <> $2) AND " IS_PLACE
									 "LIMIT 1",
									 4,
									 {TEXTARRAYOID, UUIDOID, UUIDOID, TEXTOID},
									 NULL};

/* All warehouses: whose file it is. */
static IceStatement placed_below = {
	"SELECT 1 FROM icecat_data.location l WHERE l.path > $1 || '/' AND l.path < $1 || '0' "
	"AND (l.object_id <> $3 OR l.warehouse_id <> $2) AND " IS_PLACE "ORDER BY l.path LIMIT 1",
	4,
	{TEXTOID, UUIDOID, UUIDOID, TEXTOID},
	NULL};

/* All warehouses but those of a tenant. */
static IceStatement below_of_others = {
	"SELECT 1 FROM icecat_data.location l LEFT JOIN icecat_data.warehouse w "
	"ON w.warehouse_id = l.warehouse_id "
	"WHERE l.path > $1 || '/' AND l.path < $1 || '0' AND w.tenant_id IS DISTINCT FROM $2 LIMIT 1",
	2,
	{TEXTOID, UUIDOID},
	NULL};

/* All warehouses: whose file it is. */
static IceStatement being_purged = {
	"SELECT 1 FROM icecat_data.location l JOIN icecat_data.metadata_task t "
	"ON t.warehouse_id = l.warehouse_id AND t.table_id = l.object_id AND t.kind = 'purge' "
	"WHERE l.path = ANY ($1) LIMIT 1",
	1,
	{TEXTARRAYOID},
	NULL};

/* All warehouses: whose file it is. */
static IceStatement holders = {"SELECT DISTINCT l.warehouse_id, l.object_id FROM "
							   "icecat_data.location l WHERE l.path = ANY ($1)",
							   1,
							   {TEXTARRAYOID},
							   NULL};

/* All warehouses: whose file it is. More than so many are not looked at. */
#define HOLDERS_MAX 100
static IceStatement others_around = {
	"SELECT DISTINCT l.warehouse_id, l.object_id FROM icecat_data.location l "
	"WHERE (l.path = ANY ($1) OR (l.path > $2 || '/' AND l.path < $2 || '0')) "
	"AND (l.object_id <> $4 OR l.warehouse_id <> $3) LIMIT 101",
	4,
	{TEXTARRAYOID, TEXTOID, UUIDOID, UUIDOID},
	NULL};

/* All warehouses: whose file it is. */
static IceStatement warehouses = {
	"SELECT location FROM icecat_data.warehouse WHERE location IS NOT NULL", 0, {0}, NULL};

/* Of the catalog as a whole: the warehouse is the nil uuid. */
static IceStatement select_catalog = {
	"SELECT secret FROM icecat_data.warehouse_secret WHERE warehouse_id = $1 "
	"AND purpose = 'catalog'",
	1,
	{UUIDOID},
	NULL};

static IceStatement insert_catalog = {
	"INSERT INTO icecat_data.warehouse_secret (warehouse_id, purpose, secret, created_at) "
	"VALUES ($1, 'catalog', pg_catalog.uuid_send($2), $3) ON CONFLICT DO NOTHING",
	3,
	{UUIDOID, UUIDOID, TIMESTAMPTZOID},
	NULL};

bool
ice_holds_known(void)
{
	return ice_spi_state_has("location");
}

#define KEY_BYTES 1900 /* of a long path; a digest in hex comes behind */

static void
digest_of(const char *text, size_t len, uint8 *digest)
{
	pg_cryptohash_ctx *context = pg_cryptohash_create(PG_SHA256);

	if (pg_cryptohash_init(context) < 0 ||
		pg_cryptohash_update(context, (const uint8 *) text, len) < 0 ||
		pg_cryptohash_final(context, digest, PG_SHA256_DIGEST_LENGTH) < 0)
		elog(ERROR, "could not compute the digest of a path");
	pg_cryptohash_free(context);
}

char *
ice_hold_key(const char *path)
{
	size_t         len = strlen(path);
	uint8          digest[PG_SHA256_DIGEST_LENGTH];
	size_t         kept = KEY_BYTES;
	StringInfoData key;

	if (len <= ICE_HOLD_BYTES_MAX)
		return unconstify(char *, path);
	digest_of(path, len, digest);
	while (kept > 0 && ((unsigned char) path[kept] & 0xc0) == 0x80)
		kept--; /* not within a character */
	initStringInfo(&key);
	appendBinaryStringInfo(&key, path, (int) kept);
	appendStringInfoChar(&key, '#');
	for (size_t i = 0; i < lengthof(digest); i++)
		appendStringInfo(&key, "%02x", digest[i]);
	return key.data;
}

void
ice_hold_add(const pg_uuid_t *warehouse_id, const pg_uuid_t *object_id, IceHoldKind kind,
			 const char *path)
{
	Datum values[4] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(object_id),
					   ice_spi_cstring_datum(ice_hold_key(path)),
					   ice_spi_cstring_datum(kind_names[kind])};
	bool  is_folder = kind == ICE_HOLD_LOCATION || kind == ICE_HOLD_PATH;

	if (!is_folder || strlen(path) <= ICE_HOLD_BYTES_MAX)
		ice_spi_execute(&insert_hold, values, NULL, false);
}

static IceHoldKind
kind_of_name(const char *name)
{
	for (int kind = 0; kind < (int) lengthof(kind_names); kind++)
		if (strcmp(kind_names[kind], name) == 0)
			return (IceHoldKind) kind;
	elog(ERROR, "unknown kind of location \"%s\"", name);
}

List *
ice_holds_of(const pg_uuid_t *warehouse_id, const pg_uuid_t *object_id)
{
	Datum  values[2] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(object_id)};
	uint64 rows = ice_spi_execute_latest(&select_holds, values);
	List  *holds = NIL;

	for (uint64 i = 0; i < rows; i++)
	{
		IceHold *hold = palloc(sizeof(IceHold));

		hold->kind = kind_of_name(ice_spi_field_text(i, 1));
		hold->path = ice_spi_field_text(i, 2);
		holds = lappend(holds, hold);
	}
	ice_spi_free_rows();
	return holds;
}

bool
ice_holds_registered(const pg_uuid_t *warehouse_id, const pg_uuid_t *object_id)
{
	Datum values[2] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(object_id)};

	return ice_spi_execute_latest(&registered, values) > 0;
}

void
ice_holds_delete(const pg_uuid_t *warehouse_id, const pg_uuid_t *object_id)
{
	Datum values[2] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(object_id)};

	if (ice_holds_known())
		ice_spi_execute(&delete_holds, values, NULL, false);
}

Datum
ice_hold_array(const List *texts)
{
	int       count = 0;
	Datum    *values = palloc(sizeof(Datum) * Max(list_length(texts), 1));
	ListCell *cell;

	foreach (cell, texts)
		values[count++] = ice_spi_cstring_datum(ice_hold_key(lfirst(cell)));
	return PointerGetDatum(construct_array(values, count, TEXTOID, -1, false, TYPALIGN_INT));
}

/* The first column of the last result, which is freed. */
static List *
take_texts(uint64 rows)
{
	List *texts = NIL;

	for (uint64 i = 0; i < rows; i++)
		texts = lappend(texts, ice_spi_field_text(i, 1));
	ice_spi_free_rows();
	return texts;
}

List *
ice_holds_of_others(const pg_uuid_t *warehouse_id, const pg_uuid_t *object_id, const List *paths)
{
	Datum values[3] = {ice_hold_array(paths), UUIDPGetDatum(warehouse_id),
					   UUIDPGetDatum(object_id)};

	return take_texts(ice_spi_execute_latest(&others_at, values));
}

/* Without a slash at its end. */
static Datum
folder_datum(const char *folder)
{
	size_t len = strlen(folder);

	return ice_spi_text_datum(folder, len > 0 && folder[len - 1] == '/' ? len - 1 : len);
}

bool
ice_holds_of_others_below(const pg_uuid_t *tenant_id, const char *folder)
{
	Datum values[2] = {folder_datum(folder), UUIDPGetDatum(tenant_id)};

	return ice_spi_execute_latest(&below_of_others, values) > 0;
}

bool
ice_holds_below(const pg_uuid_t *warehouse_id, const pg_uuid_t *object_id, const char *folder)
{
	Datum values[3] = {folder_datum(folder), UUIDPGetDatum(warehouse_id), UUIDPGetDatum(object_id)};

	return ice_spi_execute_latest(&others_below, values) > 0;
}

bool
ice_holds_placed(const pg_uuid_t *warehouse_id, const pg_uuid_t *object_id, const char *folder,
				 const char *copied)
{
	Datum around[4] = {ice_hold_array(ice_hold_line(folder)), UUIDPGetDatum(warehouse_id),
					   UUIDPGetDatum(object_id),
					   ice_spi_cstring_datum(copied != NULL ? copied : "")};
	Datum below[4] = {folder_datum(folder), around[1], around[2], around[3]};

	return ice_spi_execute_latest(&placed_around, around) > 0 ||
		   ice_spi_execute_latest(&placed_below, below) > 0;
}

List *
ice_holds_warehouses(void)
{
	return take_texts(ice_spi_execute_latest(&warehouses, NULL));
}

bool
ice_holds_being_purged(const List *paths)
{
	Datum values[1] = {ice_hold_array(paths)};

	return ice_spi_execute_latest(&being_purged, values) > 0;
}

/* A table or view by its ids. */
typedef struct Held
{
	pg_uuid_t warehouse_id;
	pg_uuid_t object_id;
} Held;

/* The rows of the last result, which further statements replace. */
static Held *
take_held(uint64 count)
{
	Held *held = palloc(sizeof(Held) * Max(count, 1));

	for (uint64 i = 0; i < count; i++)
		held[i] = (Held){ice_spi_field_uuid(i, 1), ice_spi_field_uuid(i, 2)};
	return held;
}

/* May the caller do this with all of them, and with the whole of each? */
static bool
may_all(uint32 wanted, const Held *held, uint64 count)
{
	for (uint64 i = 0; i < count; i++)
		if (!ice_access_may_by_id(wanted, &held[i].warehouse_id, &held[i].object_id) ||
			ice_restriction_restricts(&held[i].warehouse_id, &held[i].object_id))
			return false;
	return true;
}

bool
ice_holds_unseen(const List *paths)
{
	Datum  values[1] = {ice_hold_array(paths)};
	uint64 count;

	if (ice_restrictions_none() && ice_access_may(ICE_SELECT, (IceObject){.warehouse_id = NULL}))
		return false;
	count = ice_spi_execute_latest(&holders, values);
	return !may_all(ICE_SELECT, take_held(count), count);
}

bool
ice_holds_unwritable(const pg_uuid_t *warehouse_id, const pg_uuid_t *object_id, const char *folder)
{
	Datum  values[4] = {ice_hold_array(ice_hold_line(folder)), ice_spi_cstring_datum(folder),
						UUIDPGetDatum(warehouse_id), UUIDPGetDatum(object_id)};
	uint64 count = ice_spi_execute_latest(&others_around, values);

	return count > HOLDERS_MAX || !may_all(ICE_WRITE, take_held(count), count);
}

/* The id of the catalog, in hex; NULL: it has none yet. */
static char *
find_catalog_id(Datum *values)
{
	const char *bytes;
	size_t      len;
	char       *text;

	if (ice_spi_read_latest(&select_catalog, values) == 0)
		return NULL;
	bytes = ice_spi_field_bytes(0, 1, &len);
	text = palloc0(2 * len + 1);
	(void) hex_encode(bytes, len, text);
	return text;
}

char *
ice_hold_catalog_id(bool make)
{
	static const pg_uuid_t nobody;
	pg_uuid_t              id = ice_uuid_v7();
	Datum                  values[3] = {UUIDPGetDatum(&nobody), UUIDPGetDatum(&id),
										TimestampTzGetDatum(GetCurrentTimestamp())};
	char                  *found;

	if (!ice_holds_known())
		return NULL;
	found = find_catalog_id(values);
	if (found != NULL || !make)
		return found;
	ice_spi_execute(&insert_catalog, values, NULL, false);
	return find_catalog_id(values);
}

List *
ice_hold_line(const char *path)
{
	const char *scheme = strstr(path, "://");
	char       *copy = pstrdup(path);
	char       *first = copy + (scheme != NULL ? scheme - path + 3 : 0);
	List       *line = list_make1(pstrdup(path));
	char       *slash;

	while ((slash = strrchr(first, '/')) != NULL && slash > first)
	{
		*slash = '\0';
		line = lappend(line, pstrdup(copy));
	}
	if (slash == first && first[1] != '\0')
	{
		first[1] = '\0'; /* the root: file:/// */
		line = lappend(line, copy);
	}
	return line;
}
