/*
 * store_event.c
 *		Events: written without a number by a mutation, numbered afterwards by the sequencer.
 *
 * Numbering locks the warehouse's event_counter row, then takes what is visible after that. A
 * commit of a version of an object becomes visible after all earlier versions of that object (they
 * are made under the same row lock), so each batch holds the versions of an object without a gap,
 * and ordering it by the highest time so far within the object keeps them in order even if the
 * clock steps back.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/async.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "errors.h"
#include "guc.h"
#include "json/json.h"
#include "store/audit.h"
#include "store/caller.h"
#include "store/part_kind.h"
#include "store/store_event.h"
#include "store/store_partition.h"
#include "store/store_queue.h"
#include "store/table_def.h"
#include "store/uuid.h"

#define SEQUENCE_BATCH 10000

static IceStatement insert_pending = {
	"INSERT INTO icecat_data.event_pending (warehouse_id, event_id, occurred_at, position, "
	"event_type, object_kind, object_id, namespace, name, version, actor, request_id, details, "
	"principal, role, login, source, client_address) "
	"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
	18,
	{UUIDOID, UUIDOID, TIMESTAMPTZOID, INT4OID, TEXTOID, TEXTOID, UUIDOID, TEXTARRAYOID, TEXTOID,
	 INT8OID, TEXTOID, TEXTOID, JSONOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID},
	NULL};

/* Before ALTER EXTENSION UPDATE, or where there is no audit log. */
static IceStatement insert_pending_before = {
	"INSERT INTO icecat_data.event_pending (warehouse_id, event_id, occurred_at, position, "
	"event_type, object_kind, object_id, namespace, name, version, actor, request_id, details) "
	"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
	13,
	{UUIDOID, UUIDOID, TIMESTAMPTZOID, INT4OID, TEXTOID, TEXTOID, UUIDOID, TEXTARRAYOID, TEXTOID,
	 INT8OID, TEXTOID, TEXTOID, JSONOID},
	NULL};

/* Holds the warehouse: one that is being dropped must not get a counter, and events, that the drop
 * does not see. */
static IceStatement insert_counter = {
	"INSERT INTO icecat_data.event_counter (warehouse_id, last_number) "
	"SELECT w.warehouse_id, 0 FROM icecat_data.warehouse w WHERE w.warehouse_id = $1 "
	"FOR KEY SHARE SKIP LOCKED ON CONFLICT (warehouse_id) DO NOTHING",
	1,
	{UUIDOID},
	NULL};

static IceStatement find_counter = {
	"SELECT last_number FROM icecat_data.event_counter WHERE warehouse_id = $1",
	1,
	{UUIDOID},
	NULL};

static IceStatement lock_counter = {
	"SELECT last_number FROM icecat_data.event_counter WHERE warehouse_id = $1 "
	"FOR UPDATE SKIP LOCKED",
	1,
	{UUIDOID},
	NULL};

static IceStatement update_counter = {
	"UPDATE icecat_data.event_counter SET last_number = $2 WHERE warehouse_id = $1",
	2,
	{UUIDOID, INT8OID},
	NULL};

static IceStatement select_pending = {
	"SELECT p.event_id, p.occurred_at FROM (SELECT event_id, occurred_at, object_id, version, "
	"position, max(occurred_at) OVER (PARTITION BY object_id ORDER BY version, occurred_at, "
	"position "
	"ROWS UNBOUNDED PRECEDING) AS reached_at FROM icecat_data.event_pending "
	"WHERE warehouse_id = $1) p "
	"ORDER BY p.reached_at, p.object_id, p.version, p.occurred_at, p.position LIMIT $2",
	2,
	{UUIDOID, INT8OID},
	NULL};

static IceStatement move_pending = {
	"INSERT INTO icecat_data.event (warehouse_id, number, event_id, occurred_at, event_type, "
	"object_kind, object_id, namespace, name, version, actor, request_id, details, principal) "
	"SELECT p.warehouse_id, $3 + u.n, p.event_id, p.occurred_at, p.event_type, p.object_kind, "
	"p.object_id, p.namespace, p.name, p.version, p.actor, p.request_id, p.details, p.principal "
	"FROM pg_catalog.unnest($2) WITH ORDINALITY u (event_id, n) "
	"JOIN icecat_data.event_pending p ON p.warehouse_id = $1 AND p.event_id = u.event_id",
	3,
	{UUIDOID, UUIDARRAYOID, INT8OID},
	NULL};

/* Before ALTER EXTENSION UPDATE. */
static IceStatement move_pending_before = {
	"INSERT INTO icecat_data.event (warehouse_id, number, event_id, occurred_at, event_type, "
	"object_kind, object_id, namespace, name, version, actor, request_id, details) "
	"SELECT p.warehouse_id, $3 + u.n, p.event_id, p.occurred_at, p.event_type, p.object_kind, "
	"p.object_id, p.namespace, p.name, p.version, p.actor, p.request_id, p.details "
	"FROM pg_catalog.unnest($2) WITH ORDINALITY u (event_id, n) "
	"JOIN icecat_data.event_pending p ON p.warehouse_id = $1 AND p.event_id = u.event_id",
	3,
	{UUIDOID, UUIDARRAYOID, INT8OID},
	NULL};

static IceStatement delete_pending = {
	"DELETE FROM icecat_data.event_pending WHERE warehouse_id = $1 AND event_id = ANY ($2)",
	2,
	{UUIDOID, UUIDARRAYOID},
	NULL};

static IceStatement any_pending = {
	"SELECT 1 FROM icecat_data.event_pending WHERE warehouse_id = $1 LIMIT 1", 1, {UUIDOID}, NULL};

/* All warehouses: worker only. */
static IceStatement pending_warehouses = {
	"SELECT DISTINCT warehouse_id FROM icecat_data.event_pending", 0, {0}, NULL};

#define READ_EVENTS_SQL(relation, details, more)                                                  \
	"SELECT number, event_id, occurred_at, event_type, object_kind, object_id, namespace, name, " \
	"version, actor, request_id, " details more " FROM icecat_data." relation                     \
	" WHERE warehouse_id = $1 AND number > $2 ORDER BY number LIMIT $3"

static IceStatement read_events = {
	READ_EVENTS_SQL("every_event", "details", ", principal"), 3, {UUIDOID, INT8OID, INT8OID}, NULL};

/* Before ALTER EXTENSION UPDATE. */
static IceStatement read_events_before = {
	READ_EVENTS_SQL("event", "details", ""), 3, {UUIDOID, INT8OID, INT8OID}, NULL};

static IceStatement read_short_events = {
	READ_EVENTS_SQL("every_event",
					"CASE WHEN pg_catalog.octet_length(details::pg_catalog.text) > $4 "
					"THEN pg_catalog.json_build_object('left-out-bytes', "
					"pg_catalog.octet_length(details::pg_catalog.text)) ELSE details END",
					", principal"),
	4,
	{UUIDOID, INT8OID, INT8OID, INT4OID},
	NULL};

static IceStatement read_events_since = {
	"SELECT number, event_id, occurred_at, event_type, object_kind, object_id, namespace, name, "
	"version, actor, request_id, CASE WHEN pg_catalog.octet_length(details::pg_catalog.text) > $4 "
	"THEN pg_catalog.json_build_object('left-out-bytes', "
	"pg_catalog.octet_length(details::pg_catalog.text)) ELSE details END, principal "
	"FROM icecat_data.every_event WHERE warehouse_id = $1 AND number > $2 AND number <= $5 "
	"AND occurred_at >= $6 ORDER BY number LIMIT $3",
	6,
	{UUIDOID, INT8OID, INT8OID, INT4OID, INT8OID, TIMESTAMPTZOID},
	NULL};

static IceStatement find_oldest = {
	"SELECT number FROM icecat_data.every_event WHERE warehouse_id = $1 ORDER BY number LIMIT 1",
	1,
	{UUIDOID},
	NULL};

static IceStatement find_warehouse = {
	"SELECT name FROM icecat_data.warehouse WHERE warehouse_id = $1", 1, {UUIDOID}, NULL};

/* By the places that a version's rows have (23_table_parts.sql). */
static IceStatement find_snapshot = {
	"SELECT body FROM icecat_data.table_part WHERE warehouse_id = $1 AND table_id = $2 "
	"AND kind = " ICE_KIND(SNAPSHOT) " AND ordinal >= $3 AND ordinal < $4 "
									 "ORDER BY ordinal DESC LIMIT 1",
	4,
	{UUIDOID, UUIDOID, INT8OID, INT8OID},
	NULL};

static IceStatement find_table_uuid = {
	"SELECT table_id FROM icecat_data.table_head WHERE warehouse_id = $1 "
	"AND table_uuid IN ($2, $3)",
	3,
	{UUIDOID, TEXTOID, TEXTOID},
	NULL};

static IceStatement find_uuid = {
	"SELECT coalesce((SELECT table_uuid FROM icecat_data.table_head "
	"WHERE warehouse_id = $1 AND table_id = $2), (SELECT view_uuid FROM icecat_data.view_head "
	"WHERE warehouse_id = $1 AND view_id = $2))",
	2,
	{UUIDOID, UUIDOID},
	NULL};

/* The clock, but never twice the same in a session: events of one transaction stay in order. */
static TimestampTz
event_time(void)
{
	static TimestampTz last = 0;
	TimestampTz        now = GetCurrentTimestamp();

	last = now > last ? now : last + 1;
	return last;
}

static Datum
text_or_null(const char *text, char *null)
{
	if (text != NULL)
		return ice_spi_cstring_datum(text);
	*null = 'n';
	return (Datum) 0;
}

void
ice_event_insert(const pg_uuid_t *warehouse_id, const char *event_type, const char *object_kind,
				 const pg_uuid_t *object_id, Datum namespace_levels, const char *name,
				 int64 version, const char *details_json)
{
	pg_uuid_t     event_id = ice_uuid_v7();
	IceAuditActor actor = ice_audit_actor();
	char          nulls[] = "                  ";
	Datum         values[18] = {UUIDPGetDatum(warehouse_id),
								UUIDPGetDatum(&event_id),
								TimestampTzGetDatum(event_time()),
								Int32GetDatum(ice_queue_position()),
								ice_spi_cstring_datum(event_type),
								ice_spi_cstring_datum(object_kind),
								UUIDPGetDatum(object_id),
								namespace_levels,
								text_or_null(name, &nulls[8]),
								Int64GetDatum(version),
								ice_spi_cstring_datum(GetUserNameFromId(GetOuterUserId(), false)),
								text_or_null(actor.request_id, &nulls[11]),
								text_or_null(details_json, &nulls[12]),
								text_or_null(actor.principal, &nulls[13]),
								ice_spi_cstring_datum(actor.role),
								ice_spi_cstring_datum(actor.login),
								ice_spi_cstring_datum(actor.source),
								text_or_null(actor.client_address, &nulls[17])};

	nulls[7] = namespace_levels == (Datum) 0 ? 'n' : ' ';
	(void) ice_spi_insert(ice_audit_exists() ? &insert_pending : &insert_pending_before, values,
						  nulls);
	ice_caller_recorded();
	ice_queue_signal();
}

void
ice_events_range(const pg_uuid_t *warehouse_id, int64 *oldest, int64 *last)
{
	Datum values[1] = {UUIDPGetDatum(warehouse_id)};

	*last = *oldest = 0;
	if (ice_spi_execute(&find_counter, values, NULL, false) > 0)
		*last = ice_spi_field_int64(0, 1);
	if (ice_spi_execute(&find_oldest, values, NULL, false) > 0)
		*oldest = ice_spi_field_int64(0, 1);
}

bool
ice_events_kept(const pg_uuid_t *warehouse_id, int64 after, int64 *oldest)
{
	int64 last;

	ice_events_range(warehouse_id, oldest, &last);
	if (after >= last || *oldest == after + 1 || (*oldest > 0 && *oldest <= after))
		return true;
	if (*oldest == 0)
		*oldest = last + 1;
	return false;
}

void
ice_events_require(const pg_uuid_t *warehouse_id, int64 after)
{
	int64 oldest;

	if (ice_events_kept(warehouse_id, after, &oldest))
		return;
	ice_raise_full(ICE_ERR_EVENTS_TRIMMED,
				   psprintf("Events after number " INT64_FORMAT
							" are trimmed; the oldest event is number " INT64_FORMAT,
							after, oldest),
				   NULL,
				   psprintf("Going on from number " INT64_FORMAT " passes over what was trimmed.",
							oldest - 1));
}

char *
ice_event_warehouse(const pg_uuid_t *warehouse_id)
{
	Datum values[1] = {UUIDPGetDatum(warehouse_id)};

	return ice_spi_execute(&find_warehouse, values, NULL, false) > 0 ? ice_spi_field_text(0, 1)
																	 : NULL;
}

char *
ice_event_snapshot(const pg_uuid_t *warehouse_id, const pg_uuid_t *table_id, int64 version)
{
	Datum values[4] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(table_id),
					   Int64GetDatum(version << ICE_ORDINAL_BITS),
					   Int64GetDatum((version + 1) << ICE_ORDINAL_BITS)};

	return ice_spi_execute(&find_snapshot, values, NULL, false) > 0 ? ice_spi_field_text(0, 1)
																	: NULL;
}

uint64
ice_event_tables_of_uuid(const pg_uuid_t *warehouse_id, const char *given, const char *canonical)
{
	Datum values[3] = {UUIDPGetDatum(warehouse_id), ice_spi_cstring_datum(given),
					   ice_spi_cstring_datum(canonical)};

	return ice_spi_execute(&find_table_uuid, values, NULL, true);
}

char *
ice_event_uuid_of(const pg_uuid_t *warehouse_id, const pg_uuid_t *object_id)
{
	Datum values[2] = {UUIDPGetDatum(warehouse_id), UUIDPGetDatum(object_id)};

	return ice_spi_execute(&find_uuid, values, NULL, true) > 0 ? ice_spi_field_text(0, 1) : NULL;
}

bool
ice_event_source(const char *details, size_t len, Datum *levels, const char **name)
{
	IceJson *object = ice_json_parse(details, len, ice_guc_json_depth_max);
	IceJson *source = ice_json_opt_array(object, "source-namespace");
	Datum   *elements;

	*name = ice_json_opt_string(object, "source-name");
	if (source == NULL || *name == NULL)
		return false;
	elements = palloc(sizeof(Datum) * Max(source->count, 1));
	for (int i = 0; i < source->count; i++)
		elements[i] = CStringGetTextDatum(ice_json_to_string(source->items[i], "source-namespace"));
	*levels =
		PointerGetDatum(construct_array(elements, source->count, TEXTOID, -1, false, TYPALIGN_INT));
	return true;
}

int32
ice_events_trim(TimestampTz before)
{
	return ice_partitions_trim(&ice_partitioned_event, before, true);
}

/* -- sequencer -------------------------------------------------------------------------------- */

/* Locks the warehouse's counter and returns its value; -1 if another session has it. */
static int64
lock_last_number(const pg_uuid_t *warehouse_id)
{
	Datum values[1] = {UUIDPGetDatum(warehouse_id)};

	if (ice_spi_execute(&find_counter, values, NULL, false) == 0)
		ice_spi_execute(&insert_counter, values, NULL, false);
	if (ice_spi_execute(&lock_counter, values, NULL, false) == 0)
		return -1;
	return ice_spi_field_int64(0, 1);
}

/* The ids of the next batch in order, as uuid[]; makes their partitions. 0 if a partition cannot be
 * made now. */
static Datum
next_batch(const pg_uuid_t *warehouse_id, int *count, List **in_months)
{
	Datum     values[2] = {UUIDPGetDatum(warehouse_id), Int64GetDatum(SEQUENCE_BATCH)};
	int       rows = (int) ice_spi_execute(&select_pending, values, NULL, false);
	Datum    *ids = palloc(sizeof(Datum) * Max(rows, 1));
	List     *months = NIL; /* year * 12 + month - 1 */
	ListCell *cell;

	for (int i = 0; i < rows; i++)
	{
		pg_uuid_t *id = palloc(sizeof(pg_uuid_t));
		int        year;
		int        month;

		*id = ice_spi_field_uuid(i, 1);
		ids[i] = UUIDPGetDatum(id);
		ice_partition_month_of(DatumGetTimestampTz(ice_spi_field(i, 2)), &year, &month);
		months = list_append_unique_int(months, year * 12 + month - 1);
	}
	ice_spi_free_rows();
	*count = rows;
	*in_months = months;
	foreach (cell, months)
		if (!ice_partition_make(&ice_partitioned_event, lfirst_int(cell) / 12,
								lfirst_int(cell) % 12 + 1, false))
			return (Datum) 0;
	return PointerGetDatum(construct_array(ids, rows, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR));
}

IceSequenceResult
ice_events_sequence(const pg_uuid_t *warehouse_id, int64 *numbered)
{
	int64 last;
	int   count;
	List *months;
	Datum ids;

	last = lock_last_number(warehouse_id);
	if (last < 0)
		return ICE_SEQUENCE_BUSY;
	ids = next_batch(warehouse_id, &count, &months);
	if (ids == (Datum) 0)
		return ICE_SEQUENCE_BUSY;
	if (count > 0)
	{
		Datum move[3] = {UUIDPGetDatum(warehouse_id), ids, Int64GetDatum(last)};
		Datum counter[2] = {UUIDPGetDatum(warehouse_id), Int64GetDatum(last + count)};

		ice_audit_take_events(warehouse_id, ids, months);
		if (ice_spi_execute(ice_audit_exists() ? &move_pending : &move_pending_before, move, NULL,
							false) != (uint64) count)
			elog(ERROR, "events changed while they were numbered");
		ice_spi_execute(&delete_pending, move, NULL, false);
		ice_spi_execute(&update_counter, counter, NULL, false);
		Async_Notify(ICE_EVENT_CHANNEL, ice_uuid_text(warehouse_id));
		*numbered += count;
	}
	return count == SEQUENCE_BATCH ? ICE_SEQUENCE_MORE : ICE_SEQUENCE_DONE;
}

bool
ice_events_pending(const pg_uuid_t *warehouse_id)
{
	Datum values[1] = {UUIDPGetDatum(warehouse_id)};

	return ice_spi_execute(&any_pending, values, NULL, false) > 0;
}

List *
ice_events_pending_warehouses(void)
{
	uint64 rows = ice_spi_execute(&pending_warehouses, NULL, NULL, false);
	List  *ids = NIL;

	for (uint64 i = 0; i < rows; i++)
	{
		pg_uuid_t *id = palloc(sizeof(pg_uuid_t));

		*id = ice_spi_field_uuid(i, 1);
		ids = lappend(ids, id);
	}
	return ids;
}

uint64
ice_events_read(const pg_uuid_t *warehouse_id, int64 after, int64 limit)
{
	Datum values[3] = {UUIDPGetDatum(warehouse_id), Int64GetDatum(after), Int64GetDatum(limit)};

	return ice_spi_execute(ice_spi_state_has("every_event") ? &read_events : &read_events_before,
						   values, NULL, false);
}

uint64
ice_events_read_short(const pg_uuid_t *warehouse_id, int64 after, int64 limit)
{
	Datum values[4] = {UUIDPGetDatum(warehouse_id), Int64GetDatum(after), Int64GetDatum(limit),
					   Int32GetDatum(ICE_EVENT_PART_BYTES_MAX)};

	if (!ice_spi_state_has("every_event"))
		return ice_events_read(warehouse_id, after, limit);
	return ice_spi_execute(&read_short_events, values, NULL, false);
}

uint64
ice_events_read_since(const pg_uuid_t *warehouse_id, int64 after, int64 last, TimestampTz since,
					  int64 limit)
{
	Datum values[6] = {UUIDPGetDatum(warehouse_id), Int64GetDatum(after),
					   Int64GetDatum(limit),        Int32GetDatum(ICE_EVENT_PART_BYTES_MAX),
					   Int64GetDatum(last),         TimestampTzGetDatum(since)};

	return ice_spi_execute(&read_events_since, values, NULL, false);
}
