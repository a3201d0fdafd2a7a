/*
 * store_credential.c
 *		Rows of icecat_data.client, api_key and signing_key.
 *
 * All have the nil uuid as warehouse: they are those of the whole database.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/timestamp.h"

#include "store/store_credential.h"
#include "store/uuid.h"

#define ALL_WAREHOUSES "'00000000-0000-0000-0000-000000000000'"

static IceStatement insert_client = {
	"INSERT INTO icecat_data.client (warehouse_id, client_id, role, disabled, session_id, "
	"secret_salt, secret_hash, secret_expires_at, created_at, changed_at) VALUES (" ALL_WAREHOUSES
	", $1, $2, "
	"false, $3, $4, $5, $6, $7, $7) ON CONFLICT (warehouse_id, client_id) DO NOTHING",
	7,
	{TEXTOID, REGROLEOID, UUIDOID, BYTEAOID, BYTEAOID, TIMESTAMPTZOID, TIMESTAMPTZOID},
	NULL};

static IceStatement rotate_client = {
	"UPDATE icecat_data.client SET previous_salt = CASE WHEN $5 IS NOT NULL THEN secret_salt END, "
	"previous_hash = CASE WHEN $5 IS NOT NULL THEN secret_hash END, "
	"previous_expires_at = CASE WHEN $5 IS NOT NULL THEN least(secret_expires_at, $5) END, "
	"session_id = CASE WHEN $5 IS NOT NULL THEN session_id ELSE $6 END, "
	"secret_salt = $2, secret_hash = $3, secret_expires_at = $4, changed_at = $7 "
	"WHERE warehouse_id = " ALL_WAREHOUSES " AND client_id = $1",
	7,
	{TEXTOID, BYTEAOID, BYTEAOID, TIMESTAMPTZOID, TIMESTAMPTZOID, UUIDOID, TIMESTAMPTZOID},
	NULL};

static IceStatement alter_client = {
	"UPDATE icecat_data.client SET role = coalesce($2, role), disabled = coalesce($3, disabled), "
	"session_id = coalesce($4, session_id), changed_at = $5 "
	"WHERE warehouse_id = " ALL_WAREHOUSES " AND client_id = $1",
	5,
	{TEXTOID, REGROLEOID, BOOLOID, UUIDOID, TIMESTAMPTZOID},
	NULL};

static IceStatement delete_client = {
	"DELETE FROM icecat_data.client WHERE warehouse_id = " ALL_WAREHOUSES " AND client_id = $1",
	1,
	{TEXTOID},
	NULL};

static IceStatement insert_key = {
	"INSERT INTO icecat_data.api_key (warehouse_id, prefix, name, role, salt, hash, expires_at, "
	"created_at) VALUES (" ALL_WAREHOUSES ", $1, $2, $3, $4, $5, $6, $7)",
	7,
	{TEXTOID, TEXTOID, REGROLEOID, BYTEAOID, BYTEAOID, TIMESTAMPTZOID, TIMESTAMPTZOID},
	NULL};

static IceStatement end_key = {"UPDATE icecat_data.api_key SET expires_at = least(expires_at, $2) "
							   "WHERE warehouse_id = " ALL_WAREHOUSES
							   " AND prefix = $1 AND revoked_at IS NULL "
							   "RETURNING name, role::pg_catalog.oid",
							   2,
							   {TEXTOID, TIMESTAMPTZOID},
							   NULL};

static IceStatement revoke_key = {"UPDATE icecat_data.api_key SET revoked_at = $2 "
								  "WHERE warehouse_id = " ALL_WAREHOUSES
								  " AND prefix = $1 AND revoked_at IS NULL",
								  2,
								  {TEXTOID, TIMESTAMPTZOID},
								  NULL};

static IceStatement trim_signing = {"DELETE FROM icecat_data.signing_key "
									"WHERE warehouse_id = " ALL_WAREHOUSES
									" AND (verifies_until_at <= $1 OR $2 <= $1)",
									2,
									{TIMESTAMPTZOID, TIMESTAMPTZOID},
									NULL};

static IceStatement end_signing = {"UPDATE icecat_data.signing_key "
								   "SET verifies_until_at = least(verifies_until_at, $1) "
								   "WHERE warehouse_id = " ALL_WAREHOUSES,
								   1,
								   {TIMESTAMPTZOID},
								   NULL};

static IceStatement insert_signing = {
	"INSERT INTO icecat_data.signing_key (warehouse_id, key_id, seed, signs_from_at, created_at) "
	"VALUES (" ALL_WAREHOUSES ", $1, $2, $3, $4)",
	4,
	{TEXTOID, BYTEAOID, TIMESTAMPTZOID, TIMESTAMPTZOID},
	NULL};

static IceStatement make_signing = {
	"INSERT INTO icecat_data.signing_key (warehouse_id, key_id, seed, signs_from_at, created_at) "
	"SELECT " ALL_WAREHOUSES
	", $1, $2, $3, $3 WHERE NOT EXISTS (SELECT FROM icecat_data.signing_key "
	"WHERE warehouse_id = " ALL_WAREHOUSES " AND signs_from_at <= $3 "
	"AND (verifies_until_at IS NULL OR verifies_until_at > $3))",
	3,
	{TEXTOID, BYTEAOID, TIMESTAMPTZOID},
	NULL};

static IceStatement lock_signing = {
	"LOCK TABLE icecat_data.signing_key IN SHARE ROW EXCLUSIVE MODE", 0, {0}, NULL};

static IceStatement find_unended = {"SELECT 1 FROM icecat_data.signing_key "
									"WHERE warehouse_id = " ALL_WAREHOUSES
									" AND verifies_until_at IS NULL LIMIT 1",
									0,
									{0},
									NULL};

static Datum
bytes_datum(const uint8 *bytes, size_t len)
{
	return ice_spi_text_datum((const char *) bytes, len);
}

static Datum
new_session(void)
{
	pg_uuid_t *id = palloc(sizeof(pg_uuid_t));

	*id = ice_uuid_v7();
	return UUIDPGetDatum(id);
}

bool
ice_credential_insert_client(const char *id, Oid role, const IceVerifier *verifier)
{
	Datum values[7] = {ice_spi_cstring_datum(id),
					   ObjectIdGetDatum(role),
					   new_session(),
					   bytes_datum(verifier->salt, ICE_SALT_BYTES),
					   bytes_datum(verifier->hash, ICE_SECRET_HASH_BYTES),
					   TimestampTzGetDatum(verifier->expires_at),
					   TimestampTzGetDatum(GetCurrentTimestamp())};

	return ice_spi_execute_waiting(&insert_client, values,
								   verifier->expires_at == 0 ? "     n " : NULL) > 0;
}

bool
ice_credential_rotate_client(const char *id, const IceVerifier *verifier, TimestampTz overlap_end)
{
	char  nulls[] = "       ";
	Datum values[7] = {ice_spi_cstring_datum(id),
					   bytes_datum(verifier->salt, ICE_SALT_BYTES),
					   bytes_datum(verifier->hash, ICE_SECRET_HASH_BYTES),
					   TimestampTzGetDatum(verifier->expires_at),
					   TimestampTzGetDatum(overlap_end),
					   new_session(),
					   TimestampTzGetDatum(GetCurrentTimestamp())};

	if (verifier->expires_at == 0)
		nulls[3] = 'n';
	if (overlap_end == 0)
		nulls[4] = 'n';
	return ice_spi_execute_waiting(&rotate_client, values, nulls) > 0;
}

bool
ice_credential_alter_client(const char *id, Oid role, const bool *disabled, bool end_sessions)
{
	char  nulls[] = "     ";
	Datum values[5] = {ice_spi_cstring_datum(id), ObjectIdGetDatum(role),
					   BoolGetDatum(disabled != NULL && *disabled), new_session(),
					   TimestampTzGetDatum(GetCurrentTimestamp())};

	if (!OidIsValid(role))
		nulls[1] = 'n';
	if (disabled == NULL)
		nulls[2] = 'n';
	if (!end_sessions)
		nulls[3] = 'n';
	return ice_spi_execute_waiting(&alter_client, values, nulls) > 0;
}

bool
ice_credential_delete_client(const char *id)
{
	Datum values[1] = {ice_spi_cstring_datum(id)};

	return ice_spi_execute_waiting(&delete_client, values, NULL) > 0;
}

void
ice_credential_insert_api_key(const IceApiKey *key)
{
	Datum values[7] = {ice_spi_cstring_datum(key->prefix),
					   ice_spi_cstring_datum(key->name),
					   ObjectIdGetDatum(key->role),
					   bytes_datum(key->verifier.salt, ICE_SALT_BYTES),
					   bytes_datum(key->verifier.hash, ICE_SECRET_HASH_BYTES),
					   TimestampTzGetDatum(key->verifier.expires_at),
					   TimestampTzGetDatum(GetCurrentTimestamp())};

	(void) ice_spi_execute_waiting(&insert_key, values,
								   key->verifier.expires_at == 0 ? "     n " : NULL);
}

bool
ice_credential_end_api_key(const char *prefix, TimestampTz at, IceApiKey *out)
{
	Datum values[2] = {ice_spi_cstring_datum(prefix), TimestampTzGetDatum(at)};

	if (ice_spi_execute_waiting(&end_key, values, NULL) == 0)
		return false;
	out->name = ice_spi_field_text(0, 1);
	out->role = DatumGetObjectId(ice_spi_field(0, 2));
	return true;
}

bool
ice_credential_revoke_api_key(const char *prefix)
{
	Datum values[2] = {ice_spi_cstring_datum(prefix), TimestampTzGetDatum(GetCurrentTimestamp())};

	return ice_spi_execute_waiting(&revoke_key, values, NULL) > 0;
}

void
ice_credential_rotate_signing_key(const char *id, const uint8 *seed, TimestampTz signs_from,
								  TimestampTz verify_until)
{
	TimestampTz now = GetCurrentTimestamp();
	Datum       trim[2] = {TimestampTzGetDatum(now), TimestampTzGetDatum(verify_until)};
	Datum       values[4] = {ice_spi_cstring_datum(id), bytes_datum(seed, ICE_SEED_BYTES),
							 TimestampTzGetDatum(signs_from), TimestampTzGetDatum(now)};

	(void) ice_spi_execute_waiting(&lock_signing, NULL, NULL);
	(void) ice_spi_execute_waiting(&trim_signing, trim, NULL);
	(void) ice_spi_execute_waiting(&end_signing, &trim[1], NULL);
	if (ice_spi_execute_latest(&find_unended, NULL) > 0)
		ice_spi_raise_outdated();
	(void) ice_spi_execute_waiting(&insert_signing, values, NULL);
}

bool
ice_credential_make_signing_key(const char *id, const uint8 *seed)
{
	Datum values[3] = {ice_spi_cstring_datum(id), bytes_datum(seed, ICE_SEED_BYTES),
					   TimestampTzGetDatum(GetCurrentTimestamp())};

	(void) ice_spi_execute_waiting(&lock_signing, NULL, NULL);
	return ice_spi_execute_waiting(&make_signing, values, NULL) > 0;
}
