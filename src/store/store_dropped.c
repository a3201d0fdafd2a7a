/*
 * store_dropped.c
 *		Tables and views that can be undropped. See store_dropped.h.
 *
 * relation.undrop_until is set as long as they can, and NULL from the moment when the worker has
 * ended that; then the rows go as those of every dropped table. Who undrops and the worker meet at
 * the row of the relation.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "errors.h"
#include "spec/case_fold.h"
#include "store/case_mode.h"
#include "store/names.h"
#include "store/naming.h"
#include "store/quota.h"
#include "store/store_dropped.h"
#include "store/store_event.h"
#include "store/store_task.h"

#define RETENTION_MAX_S (INT64CONST(10) * 366 * SECS_PER_DAY)

static IceStatement keep = {
	"UPDATE icecat_data.relation SET undrop_until = $3, purge_requested = $4 "
	"WHERE warehouse_id = $1 AND relation_id = $2",
	4,
	{UUIDOID, UUIDOID, TIMESTAMPTZOID, BOOLOID},
	NULL};

static IceStatement find_by_name = {
	"SELECT relation_id FROM icecat_data.relation WHERE warehouse_id = $1 AND namespace_id = $2 "
	"AND name = $3 AND kind = $4 AND undrop_until IS NOT NULL AND undrop_until > $5 "
	"ORDER BY dropped_at DESC LIMIT 1",
	5,
	{UUIDOID, UUIDOID, TEXTOID, TEXTOID, TIMESTAMPTZOID},
	NULL};

#define FIND_BY_UUID(head, id, uuid)                                                          \
	{                                                                                         \
		"SELECT r.relation_id FROM icecat_data." head " AS h JOIN icecat_data.relation AS r " \
		"ON r.warehouse_id = h.warehouse_id AND r.relation_id = h." id                        \
		" WHERE h.warehouse_id = $1 AND h." uuid " = $2 AND r.undrop_until IS NOT NULL "      \
		"AND r.undrop_until > $3 ORDER BY r.dropped_at DESC LIMIT 1",                         \
			3, {UUIDOID, TEXTOID, TIMESTAMPTZOID}, NULL                                       \
	}

static IceStatement find_by_uuid[] = {
	[ICE_RELATION_TABLE] = FIND_BY_UUID("table_head", "table_id", "table_uuid"),
	[ICE_RELATION_VIEW] = FIND_BY_UUID("view_head", "view_id", "view_uuid"),
};

#define LOCK_HEAD(head, id)                                                           \
	{                                                                                 \
		"SELECT 1 FROM icecat_data." head " WHERE warehouse_id = $1 AND " id " = $2 " \
		"AND dropped_at IS NOT NULL FOR UPDATE",                                      \
			2, {UUIDOID, UUIDOID}, NULL                                               \
	}

static IceStatement lock_head[] = {
	[ICE_RELATION_TABLE] = LOCK_HEAD("table_head", "table_id"),
	[ICE_RELATION_VIEW] = LOCK_HEAD("view_head", "view_id"),
};

static IceStatement revive_relation = {
	"UPDATE icecat_data.relation SET namespace_id = $3, name = $4, name_key = $5, "
	"dropped_at = NULL, undrop_until = NULL, purge_requested = NULL "
	"WHERE warehouse_id = $1 AND relation_id = $2 AND undrop_until > $6",
	6,
	{UUIDOID, UUIDOID, UUIDOID, TEXTOID, TEXTOID, TIMESTAMPTZOID},
	NULL};

#define REVIVE_HEAD(head, id)                                                               \
	{                                                                                       \
		"UPDATE icecat_data." head " SET dropped_at = NULL WHERE warehouse_id = $1 AND " id \
		" = $2",                                                                            \
			2, {UUIDOID, UUIDOID}, NULL                                                     \
	}

static IceStatement revive_head[] = {
	[ICE_RELATION_TABLE] = REVIVE_HEAD("table_head", "table_id"),
	[ICE_RELATION_VIEW] = REVIVE_HEAD("view_head", "view_id"),
};

static IceStatement hurry_all = {
	"UPDATE icecat_data.relation SET undrop_until = $2 WHERE warehouse_id = $1 "
	"AND undrop_until > $2",
	2,
	{UUIDOID, TIMESTAMPTZOID},
	NULL};

static IceStatement hurry_one = {
	"UPDATE icecat_data.relation AS r SET undrop_until = $2 WHERE r.warehouse_id = $1 "
	"AND r.undrop_until > $2 AND r.relation_id IN ("
	"SELECT table_id FROM icecat_data.table_head WHERE warehouse_id = $1 AND table_uuid = $3 "
	"UNION ALL SELECT view_id FROM icecat_data.view_head WHERE warehouse_id = $1 "
	"AND view_uuid = $3)",
	3,
	{UUIDOID, TIMESTAMPTZOID, TEXTOID},
	NULL};

static IceStatement count_kept = {"SELECT pg_catalog.count(*) FROM icecat_data.relation "
								  "WHERE warehouse_id = $1 AND undrop_until IS NOT NULL",
								  1,
								  {UUIDOID},
								  NULL};

static IceStatement list_rows = {
	"SELECT r.relation_id, pg_catalog.json_build_object('namespace', $3, 'name', r.name, 'uuid', "
	"coalesce((SELECT h.table_uuid FROM icecat_data.table_head AS h "
	"WHERE h.warehouse_id = r.warehouse_id AND h.table_id = r.relation_id), "
	"(SELECT v.view_uuid FROM icecat_data.view_head AS v "
	"WHERE v.warehouse_id = r.warehouse_id AND v.view_id = r.relation_id)), "
	"'dropped-at-ms', pg_catalog.floor(EXTRACT(epoch FROM r.dropped_at) * 1000)::bigint, "
	"'undrop-until-ms', pg_catalog.floor(EXTRACT(epoch FROM r.undrop_until) * 1000)::bigint, "
	"'purge-requested', r.purge_requested)::text FROM icecat_data.relation AS r "
	"WHERE r.warehouse_id = $1 AND r.namespace_id = $2 AND r.kind = $4 "
	"AND r.undrop_until IS NOT NULL AND r.undrop_until > $5 AND r.relation_id > $6 "
	"ORDER BY r.relation_id LIMIT $7",
	7,
	{UUIDOID, UUIDOID, TEXTARRAYOID, TEXTOID, TIMESTAMPTZOID, UUIDOID, INT8OID},
	NULL};

/* Of all warehouses: for the worker only. */
static IceStatement expire = {
	"UPDATE icecat_data.relation AS r SET undrop_until = NULL FROM ("
	"SELECT e.warehouse_id, e.relation_id FROM icecat_data.relation AS e "
	"WHERE e.undrop_until IS NOT NULL AND e.undrop_until <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED) "
	"AS e WHERE r.warehouse_id = e.warehouse_id AND r.relation_id = e.relation_id "
	"RETURNING r.warehouse_id, r.relation_id, r.kind = 'view', r.purge_requested, r.name, "
	"(SELECT n.levels FROM icecat_data.namespace AS n WHERE n.warehouse_id = r.warehouse_id "
	"AND n.namespace_id = r.namespace_id), coalesce((SELECT h.version "
	"FROM icecat_data.table_head AS h WHERE h.warehouse_id = r.warehouse_id "
	"AND h.table_id = r.relation_id), (SELECT v.version FROM icecat_data.view_head AS v "
	"WHERE v.warehouse_id = r.warehouse_id AND v.view_id = r.relation_id))",
	2,
	{TIMESTAMPTZOID, INT8OID},
	NULL};

static const char *const      kind_names[] = {"table", "view"};
static const IceQuotaResource quotas[] = {ICE_QUOTA_TABLES, ICE_QUOTA_VIEWS};

bool
ice_dropped_exists(void)
{
	return ice_spi_state_has("relation_undrop_idx");
}

int64
ice_dropped_retention_s(const IceJson *properties)
{
	const char *text = ice_json_opt_string(properties, ICE_DROPPED_RETENTION_PROPERTY);
	char       *end;
	long long   value;

	if (text == NULL)
		return 0;
	errno = 0;
	value = strtoll(text, &end, 10);
	if (errno != 0 || *text < '0' || *text > '9' || *end != '\0' || value > RETENTION_MAX_S)
		ice_raise(ICE_ERR_BAD_REQUEST, "Invalid %s: %s (expected seconds, 0 to " INT64_FORMAT ")",
				  ICE_DROPPED_RETENTION_PROPERTY, text, RETENTION_MAX_S);
	return value;
}

void
ice_dropped_keep(const pg_uuid_t *warehouse_id, const pg_uuid_t *relation_id, int64 retention_s,
				 bool purge)
{
	Datum values[4] = {
		UUIDPGetDatum(warehouse_id), UUIDPGetDatum(relation_id),
		TimestampTzGetDatum(TimestampTzPlusMilliseconds(GetCurrentTimestamp(), retention_s * 1000)),
		BoolGetDatum(purge)};

	(void) ice_spi_execute(&keep, values, NULL, false);
}

bool
ice_dropped_lock(const pg_uuid_t *warehouse_id, const pg_uuid_t *namespace_id, const char *name,
				 const char *uuid, IceRelationKind kind, pg_uuid_t *relation_id)
{
	Datum  now = TimestampTzGetDatum(GetCurrentTimestamp());
	Datum  by_name[5] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(namespace_id),
						 ice_spi_cstring_datum(name), ice_spi_cstring_datum(kind_names[kind]), now};
	Datum  by_uuid[3] = {by_name[0], uuid != NULL ? ice_spi_cstring_datum(uuid) : (Datum) 0, now};
	Datum  head[2] = {by_name[0]};
	uint64 found = uuid != NULL ? ice_spi_execute(&find_by_uuid[kind], by_uuid, NULL, false)
								: ice_spi_execute(&find_by_name, by_name, NULL, false);

	if (found == 0)
		return false;
	*relation_id = ice_spi_field_uuid(0, 1);
	head[1] = UUIDPGetDatum(relation_id);
	return ice_spi_execute_waiting(&lock_head[kind], head, NULL) > 0;
}

/* Claims the name; the number of rows. */
static uint64
claim(Datum *values, const char *nulls, const pg_uuid_t *warehouse_id,
	  const pg_uuid_t *namespace_id, const char *name, IceRelationKind kind, const char *display)
{
	MemoryContext   context = CurrentMemoryContext;
	IceRelationKind bearer;
	volatile uint64 rows = 0;

	if (ice_relation_kind(warehouse_id, namespace_id, name, &bearer))
		ice_relation_raise_taken(warehouse_id, namespace_id, name, kind, display);
	PG_TRY();
	{
		rows = ice_spi_execute_waiting(&revive_relation, values, nulls);
	}
	PG_CATCH();
	{
		/* Taken after we looked. Only the wording changes: the transaction is lost either way. */
		if (geterrcode() != ERRCODE_UNIQUE_VIOLATION)
			PG_RE_THROW();
		MemoryContextSwitchTo(context);
		FlushErrorState();
		ice_raise(ICE_ERR_ALREADY_EXISTS, "Table or view already exists: %s", display);
	}
	PG_END_TRY();
	return rows;
}

bool
ice_dropped_revive(const pg_uuid_t *warehouse_id, const pg_uuid_t *relation_id,
				   const pg_uuid_t *namespace_id, const char *name, IceRelationKind kind,
				   const char *display)
{
	bool  folds = ice_case_mode_folds_now(warehouse_id);
	Datum values[6] = {UUIDPGetDatum(warehouse_id),
					   UUIDPGetDatum(relation_id),
					   UUIDPGetDatum(namespace_id),
					   ice_spi_cstring_datum(name),
					   ice_spi_cstring_datum(folds ? ice_case_fold(name) : name),
					   TimestampTzGetDatum(GetCurrentTimestamp())};

	ice_name_check_new(kind_names[kind], name);
	ice_naming_check(warehouse_id, namespace_id,
					 kind == ICE_RELATION_VIEW ? ICE_NAMED_VIEW : ICE_NAMED_TABLE, name);
	if (claim(values, folds ? "      " : "    n ", warehouse_id, namespace_id, name, kind,
			  display) == 0)
		return false;
	(void) ice_spi_execute(&revive_head[kind], values, NULL, false);
	ice_quota_take(warehouse_id, quotas[kind]);
	return true;
}

int64
ice_dropped_hurry(const pg_uuid_t *warehouse_id, const char *uuid)
{
	Datum values[3] = {UUIDPGetDatum(warehouse_id), TimestampTzGetDatum(GetCurrentTimestamp()),
					   uuid != NULL ? ice_spi_cstring_datum(uuid) : (Datum) 0};

	return (int64) ice_spi_execute_waiting(uuid != NULL ? &hurry_one : &hurry_all, values, NULL);
}

int64
ice_dropped_count(const pg_uuid_t *warehouse_id)
{
	Datum values[1] = {UUIDPGetDatum(warehouse_id)};

	(void) ice_spi_execute_latest(&count_kept, values);
	return ice_spi_field_int64(0, 1);
}

List *
ice_dropped_rows(const pg_uuid_t *warehouse_id, const pg_uuid_t *namespace_id, Datum levels,
				 IceRelationKind kind, const pg_uuid_t *after, int limit)
{
	Datum  values[7] = {UUIDPGetDatum(warehouse_id),
						UUIDPGetDatum(namespace_id),
						levels,
						ice_spi_cstring_datum(kind_names[kind]),
						TimestampTzGetDatum(GetCurrentTimestamp()),
						UUIDPGetDatum(after),
						Int64GetDatum(limit)};
	uint64 rows = ice_spi_execute(&list_rows, values, NULL, true);
	List  *out = NIL;

	for (uint64 i = 0; i < rows; i++)
	{
		IceDroppedRow *row = palloc(sizeof(IceDroppedRow));

		row->id = ice_spi_field_uuid(i, 1);
		row->json = ice_spi_field_text(i, 2);
		out = lappend(out, row);
	}
	return out;
}

/* One whose time is over. */
typedef struct Expired
{
	pg_uuid_t   warehouse_id;
	pg_uuid_t   id;
	bool        is_view;
	bool        purge;
	const char *name;
	Datum       levels; /* 0: its namespace is gone */
	int64       version;
} Expired;

/* Copies row i of the last result. */
static void
read_expired(uint64 i, Expired *out)
{
	out->warehouse_id = ice_spi_field_uuid(i, 1);
	out->id = ice_spi_field_uuid(i, 2);
	out->is_view = DatumGetBool(ice_spi_field(i, 3));
	out->purge = !ice_spi_field_is_null(i, 4) && DatumGetBool(ice_spi_field(i, 4));
	out->name = ice_spi_field_text(i, 5);
	out->levels = ice_spi_field_is_null(i, 6)
					  ? (Datum) 0
					  : PointerGetDatum(PG_DETOAST_DATUM_COPY(ice_spi_field(i, 6)));
	out->version = ice_spi_field_is_null(i, 7) ? 0 : ice_spi_field_int64(i, 7);
}

int
ice_dropped_expire(int limit)
{
	Datum    values[2] = {TimestampTzGetDatum(GetCurrentTimestamp()), Int64GetDatum(limit)};
	uint64   rows = ice_spi_execute(&expire, values, NULL, false);
	Expired *expired = palloc(sizeof(Expired) * Max(rows, 1));

	for (uint64 i = 0; i < rows; i++)
		read_expired(i, &expired[i]);
	for (uint64 i = 0; i < rows; i++)
	{
		const Expired *one = &expired[i];

		if (one->purge && !one->is_view)
			ice_task_enqueue_purge(&one->warehouse_id, &one->id, one->version);
		ice_event_insert(&one->warehouse_id, one->is_view ? "expire-view" : "expire-table",
						 kind_names[one->is_view], &one->id, one->levels, one->name, one->version,
						 one->purge ? "{\"purge\":true}" : "{\"purge\":false}");
	}
	return (int) rows;
}
