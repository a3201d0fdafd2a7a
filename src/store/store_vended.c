/*
 * store_vended.c
 *		Vended credentials that are kept. See store_vended.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "guc.h"
#include "json/json.h"
#include "storage/secret_key.h"
#include "store/store_vended.h"
#include "store/uuid.h"

#define SESSION_ENTRIES 64
#define AGED_LEAST_US   (INT64CONST(2) * USECS_PER_SEC) /* what ends sooner is of no use */
#define TABLE           "icecat_data.vended_credential"

static IceStatement find_row = {"SELECT key_id, sealed, fresh_until FROM " TABLE
								" WHERE warehouse_id = $1 AND scope = $2 AND expires_at > $3 "
								"AND key_id = $4",
								4,
								{UUIDOID, BYTEAOID, TIMESTAMPTZOID, TEXTOID},
								NULL};

static IceStatement put_row = {
	"INSERT INTO " TABLE " (warehouse_id, scope, key_id, sealed, fresh_until, expires_at) "
	"VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (warehouse_id, scope) DO UPDATE "
	"SET key_id = excluded.key_id, sealed = excluded.sealed, fresh_until = excluded.fresh_until, "
	"expires_at = excluded.expires_at",
	6,
	{UUIDOID, BYTEAOID, TEXTOID, BYTEAOID, TIMESTAMPTZOID, TIMESTAMPTZOID},
	NULL};

/* A few of those that are over, whenever one is added: so there are never many. Rows that another
 * session deletes are left to it. */
static IceStatement trim_rows = {
	"DELETE FROM " TABLE " AS v USING (SELECT warehouse_id, scope FROM " TABLE
	" WHERE warehouse_id = $1 AND expires_at < $2 ORDER BY expires_at LIMIT 10 "
	"FOR UPDATE SKIP LOCKED) AS o "
	"WHERE v.warehouse_id = o.warehouse_id AND v.scope = o.scope",
	2,
	{UUIDOID, TIMESTAMPTZOID},
	NULL};

static IceStatement take_lock = {"SELECT pg_catalog.pg_advisory_xact_lock($1)", 1, {INT8OID}, NULL};

static IceStatement try_lock = {
	"SELECT 1 WHERE pg_catalog.pg_try_advisory_xact_lock($1)", 1, {INT8OID}, NULL};

/* What this session has had; texts in memory that lives as long as it. */
typedef struct Entry
{
	IceVendedKey key;
	TimestampTz  fresh_until;
	TimestampTz  expires_at;
	char        *text; /* NULL: free */
} Entry;

static Entry entries[SESSION_ENTRIES];
static int   next_entry;

/* -- as text ---------------------------------------------------------------------------------- */

static void
set_text(IceJson *object, const char *key, const char *value)
{
	if (value != NULL)
		ice_json_set(object, key, ice_json_make_string(value));
}

static char *
write_text(const IceVended *vended)
{
	IceJson *object = ice_json_make_object();

	set_text(object, "access-key", vended->access_key);
	set_text(object, "secret-key", vended->secret_key);
	set_text(object, "session-token", vended->session_token);
	set_text(object, "token", vended->token);
	ice_json_set(object, "expires-at-ms", ice_json_make_int(vended->expires_at_ms));
	return ice_json_text(object);
}

static void
read_text(const char *text, IceVended *out)
{
	IceJson *object = ice_json_parse(text, strlen(text), ICE_JSON_DEPTH_STORED);

	*out = (IceVended){.access_key = ice_json_opt_string(object, "access-key"),
					   .secret_key = ice_json_opt_string(object, "secret-key"),
					   .session_token = ice_json_opt_string(object, "session-token"),
					   .token = ice_json_opt_string(object, "token"),
					   .expires_at_ms = ice_json_int64(object, "expires-at-ms")};
}

/* -- in the session --------------------------------------------------------------------------- */

static Entry *
find_entry(const IceVendedKey *key)
{
	for (int i = 0; i < SESSION_ENTRIES; i++)
		if (entries[i].text != NULL && memcmp(&entries[i].key, key, sizeof(*key)) == 0)
			return &entries[i];
	return NULL;
}

/* A text in the place of the oldest, if there is none of its key. */
static void
put_entry(const IceVendedKey *key, const char *text, TimestampTz fresh_until,
		  TimestampTz expires_at)
{
	Entry *entry = find_entry(key);

	if (entry == NULL)
	{
		entry = &entries[next_entry];
		next_entry = (next_entry + 1) % SESSION_ENTRIES;
	}
	if (entry->text != NULL)
	{
		explicit_bzero(entry->text, strlen(entry->text));
		pfree(entry->text);
	}
	entry->text = NULL;
	entry->text = MemoryContextStrdup(TopMemoryContext, text);
	entry->key = *key;
	entry->fresh_until = fresh_until;
	entry->expires_at = expires_at;
}

/* -- for all ---------------------------------------------------------------------------------- */

/* Unlogged tables are not there on a standby. */
static bool
has_table(bool to_write)
{
	return !RecoveryInProgress() && *ice_guc_secret_key_file != '\0' &&
		   !(to_write && XactReadOnly) && ice_spi_state_has("vended_credential");
}

static char *
belongs_to(const IceVendedKey *key)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfo(&out, "vended/%s/", ice_uuid_text(&key->warehouse_id));
	for (size_t i = 0; i < sizeof(key->scope); i++)
		appendStringInfo(&out, "%02x", key->scope[i]);
	return out.data;
}

static Datum
bytes_datum(const void *bytes, size_t len)
{
	bytea *value = palloc(VARHDRSZ + len);

	SET_VARSIZE(value, VARHDRSZ + len);
	memcpy(VARDATA(value), bytes, len);
	return PointerGetDatum(value);
}

static TimestampTz
expires_at_of(const IceVended *vended)
{
	return time_t_to_timestamptz((pg_time_t) (vended->expires_at_ms / 1000));
}

static IceVendedFound
found_until(TimestampTz fresh_until)
{
	return fresh_until > GetCurrentTimestamp() ? ICE_VENDED_FRESH : ICE_VENDED_AGED;
}

/* What another key has encrypted than the one that encrypts now is as good as none. */
static IceVendedFound
find_in_table(const IceVendedKey *key, bool latest, IceVended *out)
{
	Datum       values[4] = {UUIDPGetDatum(&key->warehouse_id),
							 bytes_datum(key->scope, sizeof(key->scope)),
							 TimestampTzGetDatum(GetCurrentTimestamp() + AGED_LEAST_US)};
	TimestampTz fresh_until;
	uint64      rows;
	const char *sealed;
	size_t      len;
	char       *text;

	if (!has_table(false))
		return ICE_VENDED_NONE;
	values[3] = ice_spi_cstring_datum(ice_secret_key_current());
	rows = latest ? ice_spi_execute_latest(&find_row, values)
				  : ice_spi_execute(&find_row, values, NULL, true);
	if (rows == 0)
		return ICE_VENDED_NONE;
	fresh_until = DatumGetTimestampTz(ice_spi_field(0, 3));
	sealed = ice_spi_field_bytes(0, 2, &len);
	text = ice_secret_key_open(ice_spi_field_text(0, 1), belongs_to(key), (const uint8 *) sealed,
							   len);
	read_text(text, out);
	put_entry(key, text, fresh_until, expires_at_of(out));
	explicit_bzero(text, strlen(text));
	return found_until(fresh_until);
}

/* What the session has is looked at first; when it has aged, others may have newer. */
static IceVendedFound
find(const IceVendedKey *key, bool latest, IceVended *out)
{
	const Entry   *entry = find_entry(key);
	TimestampTz    now = GetCurrentTimestamp();
	IceVendedFound found;

	if (entry == NULL || entry->fresh_until <= now)
	{
		found = find_in_table(key, latest, out);
		if (found != ICE_VENDED_NONE || entry == NULL || entry->expires_at <= now + AGED_LEAST_US)
			return found;
	}
	read_text(pstrdup(entry->text), out);
	return found_until(entry->fresh_until);
}

IceVendedFound
ice_vended_find(const IceVendedKey *key, IceVended *out)
{
	return find(key, false, out);
}

IceVendedFound
ice_vended_find_latest(const IceVendedKey *key, IceVended *out)
{
	return find(key, true, out);
}

/* The lock is of the scope's first bytes: two scopes that share them wait for each other, no
 * more. */
bool
ice_vended_take_turn(const IceVendedKey *key, bool wait)
{
	int64 lock;
	Datum values[1];

	if (!has_table(true))
		return true;
	memcpy(&lock, key->scope, sizeof(lock));
	values[0] = Int64GetDatum(lock);
	if (!wait)
		return ice_spi_execute(&try_lock, values, NULL, false) > 0;
	(void) ice_spi_execute_waiting(&take_lock, values, NULL);
	return true;
}

static void
put_in_table(const IceVendedKey *key, const char *text, TimestampTz fresh_until,
			 TimestampTz expires_at)
{
	size_t len;
	uint8 *sealed = ice_secret_key_seal(belongs_to(key), text, &len);
	Datum  values[6] = {UUIDPGetDatum(&key->warehouse_id),
						TimestampTzGetDatum(GetCurrentTimestamp())};

	(void) ice_spi_execute(&trim_rows, values, NULL, false);
	values[1] = bytes_datum(key->scope, sizeof(key->scope));
	values[2] = ice_spi_cstring_datum(ice_secret_key_current());
	values[3] = bytes_datum(sealed, len);
	values[4] = TimestampTzGetDatum(fresh_until);
	values[5] = TimestampTzGetDatum(expires_at);
	(void) ice_spi_execute(&put_row, values, NULL, false);
}

/* A cache: what it changes is no change of the catalog. */
void
ice_vended_keep(const IceVendedKey *key, const IceVended *vended)
{
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz expires_at = expires_at_of(vended);
	TimestampTz fresh_until = now + (expires_at - now) / 2;
	char       *text = write_text(vended);
	uint64      before = ice_spi_changes();

	put_entry(key, text, fresh_until, expires_at);
	if (has_table(true))
		put_in_table(key, text, fresh_until, expires_at);
	ice_spi_changes_back(before);
	explicit_bzero(text, strlen(text));
}
