/*
 * pending.c
 *		Metadata files that an answer names and that are still to be written. See pending.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/async.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "errors.h"
#include "store/pending.h"
#include "store/store_task.h"
#include "store/store_worker.h"

#define HEX_LEN           (2 * UUID_LEN)
#define PAYLOAD_BYTES_MAX 7900 /* PostgreSQL's limit is just below 8000 */
#define KEY_BYTES_MAX     (2 * (HEX_LEN + 1) + 20)

#define CHANNEL      "icecat_files"
#define SECRET_BYTES 16

static IceStatement find_secret = {
	"SELECT pg_catalog.encode(secret, 'hex') FROM icecat_data.warehouse_secret "
	"WHERE warehouse_id = $1 AND purpose = 'file-channel'",
	1,
	{UUIDOID},
	NULL};

static IceStatement insert_secret = {
	"INSERT INTO icecat_data.warehouse_secret (warehouse_id, purpose, secret, created_at) "
	"VALUES ($1, 'file-channel', $2, $3) ON CONFLICT DO NOTHING",
	3,
	{UUIDOID, BYTEAOID, TIMESTAMPTZOID},
	NULL};

static StringInfo noted = NULL; /* in TopTransactionContext */

/* The transaction is over, and its memory with it. */
static void
forget(XactEvent event, void *arg)
{
	(void) arg;
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		noted = NULL;
}

static void
append_hex(StringInfo out, const pg_uuid_t *id)
{
	enlargeStringInfo(out, HEX_LEN);
	out->len += (int) hex_encode((const char *) id->data, UUID_LEN, out->data + out->len);
	out->data[out->len] = '\0';
}

static void
append_key(StringInfo out, const pg_uuid_t *warehouse_id, const pg_uuid_t *id, int64 version)
{
	if (out->len > 0)
		appendStringInfoChar(out, ' ');
	append_hex(out, warehouse_id);
	appendStringInfoChar(out, '/');
	append_hex(out, id);
	appendStringInfo(out, "/" INT64_FORMAT, version);
}

void
ice_pending_note(const pg_uuid_t *warehouse_id, const pg_uuid_t *id, int64 version)
{
	static bool   registered = false;
	MemoryContext old;

	if (!registered)
		RegisterXactCallback(forget, NULL);
	registered = true;
	old = MemoryContextSwitchTo(TopTransactionContext);
	if (noted == NULL)
		noted = makeStringInfo();
	append_key(noted, warehouse_id, id, version);
	MemoryContextSwitchTo(old);
}

char *
ice_pending_take(void)
{
	char *keys;

	if (noted == NULL || noted->len == 0)
		return NULL;
	keys = ice_worker_ensure() ? pstrdup(noted->data) : NULL;
	resetStringInfo(noted);
	return keys;
}

/* Reads an id and the slash behind it. */
static bool
read_id(const char **at, pg_uuid_t *id)
{
	if (strspn(*at, "0123456789abcdef") != HEX_LEN || (*at)[HEX_LEN] != '/')
		return false;
	(void) hex_decode(*at, HEX_LEN, (char *) id->data);
	*at += HEX_LEN + 1;
	return true;
}

char *
ice_pending_still(const char *keys)
{
	StringInfoData still;

	initStringInfo(&still);
	while (*keys != '\0')
	{
		pg_uuid_t warehouse_id;
		pg_uuid_t id;
		int64     version;
		char     *end;
		bool      own;

		if (!read_id(&keys, &warehouse_id) || !read_id(&keys, &id))
			ice_raise(ICE_ERR_BAD_REQUEST, "Not a list of queued files");
		version = strtoll(keys, &end, 10);
		if (end == keys || (*end != ' ' && *end != '\0'))
			ice_raise(ICE_ERR_BAD_REQUEST, "Not a list of queued files");
		if (ice_task_write_pending(&warehouse_id, &id, version, &own))
			append_key(&still, &warehouse_id, &id, version);
		keys = *end == ' ' ? end + 1 : end;
	}
	return still.data;
}

void
ice_pending_written(StringInfo keys, const pg_uuid_t *warehouse_id, const pg_uuid_t *id,
					int64 version)
{
	append_key(keys, warehouse_id, id, version);
	if (keys->len > PAYLOAD_BYTES_MAX - KEY_BYTES_MAX)
		ice_pending_announce(keys);
}

/* Makes the secret, unless another session has. */
static void
make_secret(const pg_uuid_t *nobody)
{
	char  bytes[SECRET_BYTES];
	Datum values[3] = {UUIDPGetDatum(nobody), (Datum) 0,
					   TimestampTzGetDatum(GetCurrentTimestamp())};

	if (!pg_strong_random(bytes, SECRET_BYTES))
		elog(ERROR, "could not generate random bytes");
	values[1] = ice_spi_text_datum(bytes, SECRET_BYTES);
	(void) ice_spi_execute(&insert_secret, values, NULL, false);
}

const char *
ice_pending_channel(bool make)
{
	static const pg_uuid_t nobody; /* of the whole catalog */
	Datum                  values[1] = {UUIDPGetDatum(&nobody)};
	bool                   found;

	if (!ice_spi_state_has("warehouse_secret"))
		return CHANNEL; /* before the update */
	found = ice_spi_execute_latest(&find_secret, values) > 0;
	if (!found && make)
	{
		make_secret(&nobody);
		found = ice_spi_execute_latest(&find_secret, values) > 0;
	}
	return found ? psprintf(CHANNEL "_%s", ice_spi_field_text(0, 1)) : NULL;
}

void
ice_pending_announce(StringInfo keys)
{
	if (keys->len > 0)
	{
		(void) ice_spi_begin();
		Async_Notify(ice_pending_channel(true), keys->data);
		ice_spi_end();
	}
	resetStringInfo(keys);
}
