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
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "guc.h"
#include "json/json.h"
#include "storage/secret_key.h"
#include "store/store_vended.h"

#define SESSION_ENTRIES 64
#define TABLE           "icecat_data.vended_credential"

static IceStatement find_row = {"SELECT key_id, sealed FROM " TABLE
								" WHERE warehouse_id = $1 AND scope = $2 AND fresh_until > $3 "
								"AND key_id = $4",
								4,
								{UUIDOID, BYTEAOID, TIMESTAMPTZOID, TEXTOID},
								NULL};

static IceStatement put_row = {
	"INSERT INTO " TABLE " (warehouse_id, scope, key_id, sealed, fresh_until) "
	"VALUES ($1, $2, $3, $4, $5) ON CONFLICT (warehouse_id, scope) DO UPDATE "
	"SET key_id = excluded.key_id, sealed = excluded.sealed, fresh_until = excluded.fresh_until",
	5,
	{UUIDOID, BYTEAOID, TEXTOID, BYTEAOID, TIMESTAMPTZOID},
	NULL};

/* A few of those that are over, whenever one is added: so there are never many. Rows that another
 * session deletes are left to it. */
static IceStatement trim_rows = {
	"DELETE FROM " TABLE " AS v USING (SELECT warehouse_id, scope FROM " TABLE
	" WHERE warehouse_id = $1 AND fresh_until < $2 ORDER BY fresh_until LIMIT 10 "
	"FOR UPDATE SKIP LOCKED) AS o "
	"WHERE v.warehouse_id = o.warehouse_id AND v.scope = o.scope",
	2,
	{UUIDOID, TIMESTAMPTZOID},
	NULL};

static IceStatement take_lock = {"SELECT pg_catalog.pg_advisory_xact_lock($1)", 1, {INT8OID}, NULL};

/* What this session has had; texts in memory that lives as long as it. */
typedef struct Entry
{
	IceVendedKey key;
	TimestampTz  fresh_until;
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

static void
put_entry(const IceVendedKey *key, const char *text, TimestampTz fresh_until)
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
}

/* -- for all ---------------------------------------------------------------------------------- */

/* Unlogged tables are not there on a standby. */
static bool
has_table(bool to_write)
{
	return !RecoveryInProgress() && *ice_guc_secret_key_file != '\0' &&
		   !(to_write && XactReadOnly) && ice_spi_state_has(TABLE);
}

static char *
belongs_to(const IceVendedKey *key)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfo(
		&out, "vended/%s/",
		DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(&key->warehouse_id))));
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
fresh_until_of(const IceVended *vended)
{
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz expires = time_t_to_timestamptz(vended->expires_at_ms / 1000);

	return now + (expires - now) / 2;
}

/* What another key has encrypted than the one that encrypts now is as good as none. */
static bool
find_in_table(const IceVendedKey *key, bool latest, IceVended *out)
{
	Datum       values[4] = {UUIDPGetDatum(&key->warehouse_id),
							 bytes_datum(key->scope, sizeof(key->scope)),
							 TimestampTzGetDatum(GetCurrentTimestamp())};
	uint64      rows;
	const char *sealed;
	size_t      len;
	char       *text;

	if (!has_table(false))
		return false;
	values[3] = ice_spi_cstring_datum(ice_secret_key_current());
	rows = latest ? ice_spi_execute_latest(&find_row, values)
				  : ice_spi_execute(&find_row, values, NULL, true);
	if (rows == 0)
		return false;
	sealed = ice_spi_field_bytes(0, 2, &len);
	text = ice_secret_key_open(ice_spi_field_text(0, 1), belongs_to(key), (const uint8 *) sealed,
							   len);
	read_text(text, out);
	put_entry(key, text, fresh_until_of(out));
	explicit_bzero(text, strlen(text));
	return true;
}

bool
ice_vended_find(const IceVendedKey *key, IceVended *out)
{
	const Entry *entry = find_entry(key);

	if (entry != NULL && entry->fresh_until > GetCurrentTimestamp())
	{
		read_text(pstrdup(entry->text), out);
		return true;
	}
	return find_in_table(key, false, out);
}

/* The lock is of the scope's first bytes: two scopes that share them wait for each other, no
 * more. */
bool
ice_vended_wait(const IceVendedKey *key, IceVended *out)
{
	int64 lock;
	Datum values[1];

	if (!has_table(true))
		return false;
	memcpy(&lock, key->scope, sizeof(lock));
	values[0] = Int64GetDatum(lock);
	(void) ice_spi_execute_waiting(&take_lock, values, NULL);
	return find_in_table(key, true, out);
}

static void
put_in_table(const IceVendedKey *key, const char *text, TimestampTz fresh_until)
{
	size_t len;
	uint8 *sealed = ice_secret_key_seal(belongs_to(key), text, &len);
	Datum  values[5] = {UUIDPGetDatum(&key->warehouse_id),
						TimestampTzGetDatum(GetCurrentTimestamp())};

	(void) ice_spi_execute(&trim_rows, values, NULL, false);
	values[1] = bytes_datum(key->scope, sizeof(key->scope));
	values[2] = ice_spi_cstring_datum(ice_secret_key_current());
	values[3] = bytes_datum(sealed, len);
	values[4] = TimestampTzGetDatum(fresh_until);
	(void) ice_spi_execute(&put_row, values, NULL, false);
}

/* A cache: what it changes is no change of the catalog. */
void
ice_vended_keep(const IceVendedKey *key, const IceVended *vended)
{
	TimestampTz fresh_until = fresh_until_of(vended);
	char       *text = write_text(vended);
	uint64      before = ice_spi_changes();

	put_entry(key, text, fresh_until);
	if (has_table(true))
		put_in_table(key, text, fresh_until);
	ice_spi_changes_back(before);
	explicit_bzero(text, strlen(text));
}
