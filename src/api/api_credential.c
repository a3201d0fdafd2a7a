/*
 * api_credential.c
 *		SQL entries of clients, API keys and signing keys.
 *
 * Secrets are 256 random bits in hexadecimal digits; nobody chooses one. That is why a single
 * salted SHA-256 is enough to check them by: there is nothing to guess that a slow hash would
 * protect. A secret is returned, and is a parameter of nothing: statements get its hash.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "api/args.h"
#include "errors.h"
#include "store/audit_change.h"
#include "store/store_credential.h"

#define NAME_BYTES_MAX   63
#define SECRET_BYTES     32
#define PREFIX_BYTES     8 /* 64 bits: two keys never share one */
#define KEY_ID_BYTES     16
#define SECRET_CHARS_MAX 128
#define NAME_CHARS       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

PG_FUNCTION_INFO_V1(sql_ice_create_client);
PG_FUNCTION_INFO_V1(sql_ice_rotate_client_secret);
PG_FUNCTION_INFO_V1(sql_ice_alter_client);
PG_FUNCTION_INFO_V1(sql_ice_drop_client);
PG_FUNCTION_INFO_V1(sql_ice_create_api_key);
PG_FUNCTION_INFO_V1(sql_ice_rotate_api_key);
PG_FUNCTION_INFO_V1(sql_ice_revoke_api_key);
PG_FUNCTION_INFO_V1(sql_ice_rotate_signing_key);
PG_FUNCTION_INFO_V1(sql_ice_make_signing_key);

/* -- arguments --------------------------------------------------------------------------------- */

/* As ice_caller_begin(), for those who own the extension. */
static MemoryContext
begin_as_owner(FunctionCallInfo fcinfo)
{
	MemoryContext caller = ice_caller_begin(fcinfo);

	if (!ice_caller().owns)
		ice_raise(ICE_ERR_FORBIDDEN,
				  "Only the owner of extension icecat, or a superuser, says who may log in");
	return caller;
}

static char *
arg_name(FunctionCallInfo fcinfo, int n, const char *what)
{
	char  *name = ice_arg_text(fcinfo, n, what);
	size_t len = strlen(name);

	if (len == 0 || len > NAME_BYTES_MAX || strspn(name, NAME_CHARS) != len)
		ice_raise(ICE_ERR_BAD_REQUEST,
				  "Invalid %s: it has 1 to %d letters, digits, points, \"_\" and \"-\"", what,
				  NAME_BYTES_MAX);
	return name;
}

/* A role that may be given away: there is one, and it is no superuser's. */
static Oid
checked_role(Oid role)
{
	if (!SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(role)))
		ice_raise(ICE_ERR_BAD_REQUEST, "No such role; nobody works as PUBLIC");
	if (superuser_arg(role))
		ice_raise(ICE_ERR_BAD_REQUEST, "A secret is never worth a superuser: make a role for it");
	return role;
}

static Oid
arg_role(FunctionCallInfo fcinfo, int n)
{
	if (PG_ARGISNULL(n))
		ice_raise(ICE_ERR_BAD_REQUEST, "Missing value: role must not be null");
	return checked_role(PG_GETARG_OID(n));
}

/* A time that is an interval after another one, which must not be negative. */
static TimestampTz
time_after(TimestampTz from, Datum interval, const char *name)
{
	TimestampTz at = DatumGetTimestampTz(
		DirectFunctionCall2(timestamptz_pl_interval, TimestampTzGetDatum(from), interval));

	if (at < from)
		ice_raise(ICE_ERR_BAD_REQUEST, "%s must not be negative", name);
	return at;
}

/* 0 for NULL: never. */
static TimestampTz
arg_lifetime(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? 0 : time_after(GetCurrentTimestamp(), PG_GETARG_DATUM(n), "lifetime");
}

static TimestampTz
arg_end(FunctionCallInfo fcinfo, int n, TimestampTz from, const char *name)
{
	if (PG_ARGISNULL(n))
		ice_raise(ICE_ERR_BAD_REQUEST, "Missing value: %s must not be null", name);
	return time_after(from, PG_GETARG_DATUM(n), name);
}

/* -- secrets ----------------------------------------------------------------------------------- */

static void
random_bytes(uint8 *out, size_t len)
{
	if (!pg_strong_random(out, len))
		elog(ERROR, "could not generate random bytes");
}

/* Hexadecimal digits of that many random bytes. */
static char *
random_text(size_t bytes)
{
	uint8  raw[SECRET_BYTES];
	char  *text = palloc(2 * bytes + 1);
	size_t len;

	Assert(bytes <= sizeof(raw));
	random_bytes(raw, bytes);
	len = hex_encode((const char *) raw, bytes, text);
	text[len] = '\0';
	explicit_bzero(raw, sizeof(raw));
	return text;
}

static void
make_verifier(const char *secret, TimestampTz expires_at, IceVerifier *out)
{
	pg_cryptohash_ctx *hash = pg_cryptohash_create(PG_SHA256);
	bool               ok;

	StaticAssertStmt(ICE_SECRET_HASH_BYTES == PG_SHA256_DIGEST_LENGTH, "the hash is a SHA-256");
	random_bytes(out->salt, sizeof(out->salt));
	ok = hash != NULL && pg_cryptohash_init(hash) >= 0 &&
		 pg_cryptohash_update(hash, out->salt, sizeof(out->salt)) >= 0 &&
		 pg_cryptohash_update(hash, (const uint8 *) secret, strlen(secret)) >= 0 &&
		 pg_cryptohash_final(hash, out->hash, sizeof(out->hash)) >= 0;
	pg_cryptohash_free(hash);
	if (!ok)
		elog(ERROR, "could not compute a SHA-256");
	out->expires_at = expires_at;
}

/* A row of an id, a text (none for NULL) and a time; 0 is NULL. */
static Datum
result_row(FunctionCallInfo fcinfo, const char *id, const char *text, TimestampTz at)
{
	Datum     values[3] = {CStringGetTextDatum(id)};
	bool      nulls[3] = {false, false, false};
	int       count = 1;
	TupleDesc columns;

	if (text != NULL)
		values[count++] = CStringGetTextDatum(text);
	nulls[count] = at == 0;
	values[count] = TimestampTzGetDatum(at);
	if (get_call_result_type(fcinfo, NULL, &columns) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(columns), values, nulls));
}

/* Ends the call. What it returns is made in the caller's memory, as its texts lie in what goes with
 * the call. */
static Datum
end_with_row(FunctionCallInfo fcinfo, MemoryContext caller, const char *id, const char *text,
			 TimestampTz at)
{
	MemoryContext inside = MemoryContextSwitchTo(caller);
	Datum         row = result_row(fcinfo, id, text, at);

	MemoryContextSwitchTo(inside);
	ice_caller_end();
	return row;
}

/* For the audit log: the state of a client, of an API key, or of all signing keys (NULL). */
static void
note_change(IceAuditKind kind, const char *id)
{
	ice_audit_change_begin(kind, &(IceAuditState){.text = id});
}

/* -- clients ----------------------------------------------------------------------------------- */

Datum
sql_ice_create_client(PG_FUNCTION_ARGS)
{
	MemoryContext caller = begin_as_owner(fcinfo);
	char         *id = arg_name(fcinfo, 0, "client id");
	Oid           role = arg_role(fcinfo, 1);
	char         *secret = psprintf("ics_%s", random_text(SECRET_BYTES));
	IceVerifier   verifier;

	make_verifier(secret, arg_lifetime(fcinfo, 2), &verifier);
	note_change(ICE_AUDIT_CLIENT, id);
	if (!ice_credential_insert_client(id, role, &verifier))
		ice_raise(ICE_ERR_ALREADY_EXISTS, "Client already exists: %s", id);
	PG_RETURN_DATUM(end_with_row(fcinfo, caller, id, secret, verifier.expires_at));
}

static void
raise_no_client(const char *id)
{
	ice_raise(ICE_ERR_NO_SUCH_CREDENTIAL, "Client does not exist: %s", id);
}

Datum
sql_ice_rotate_client_secret(PG_FUNCTION_ARGS)
{
	MemoryContext caller = begin_as_owner(fcinfo);
	char         *id = ice_arg_text(fcinfo, 0, "client");
	TimestampTz   now = GetCurrentTimestamp();
	TimestampTz   end = arg_end(fcinfo, 1, now, "overlap");
	char         *secret = psprintf("ics_%s", random_text(SECRET_BYTES));
	IceVerifier   verifier;

	make_verifier(secret, arg_lifetime(fcinfo, 2), &verifier);
	note_change(ICE_AUDIT_CLIENT, id);
	if (!ice_credential_rotate_client(id, &verifier, end == now ? 0 : end))
		raise_no_client(id);
	PG_RETURN_DATUM(end_with_row(fcinfo, caller, id, secret, verifier.expires_at));
}

Datum
sql_ice_alter_client(PG_FUNCTION_ARGS)
{
	char *id;
	Oid   role;
	bool  disabled;
	bool  end_sessions;

	(void) begin_as_owner(fcinfo);
	id = ice_arg_text(fcinfo, 0, "client");
	role = PG_ARGISNULL(1) ? InvalidOid : checked_role(PG_GETARG_OID(1));
	disabled = PG_ARGISNULL(2) ? false : PG_GETARG_BOOL(2);
	end_sessions = ice_arg_bool(fcinfo, 3, "end_sessions");
	note_change(ICE_AUDIT_CLIENT, id);
	if (!ice_credential_alter_client(id, role, PG_ARGISNULL(2) ? NULL : &disabled, end_sessions))
		raise_no_client(id);
	ice_caller_end();
	PG_RETURN_VOID();
}

Datum
sql_ice_drop_client(PG_FUNCTION_ARGS)
{
	char *id;
	bool  found;

	(void) begin_as_owner(fcinfo);
	id = ice_arg_text(fcinfo, 0, "client");
	note_change(ICE_AUDIT_CLIENT, id);
	found = ice_credential_delete_client(id);
	ice_caller_end();
	PG_RETURN_BOOL(found);
}

/* -- API keys ---------------------------------------------------------------------------------- */

/* Makes a key of that name and role, and returns the row that shows it. */
static Datum
make_key(FunctionCallInfo fcinfo, MemoryContext caller, IceApiKey *key, TimestampTz expires_at)
{
	char *secret;

	key->prefix = random_text(PREFIX_BYTES);
	secret = psprintf("ice_%s_%s", key->prefix, random_text(SECRET_BYTES));
	make_verifier(secret, expires_at, &key->verifier);
	note_change(ICE_AUDIT_API_KEY, key->prefix);
	ice_credential_insert_api_key(key);
	return end_with_row(fcinfo, caller, key->prefix, secret, expires_at);
}

Datum
sql_ice_create_api_key(PG_FUNCTION_ARGS)
{
	MemoryContext caller = begin_as_owner(fcinfo);
	IceApiKey     key;

	key.name = arg_name(fcinfo, 0, "name");
	key.role = arg_role(fcinfo, 1);
	PG_RETURN_DATUM(make_key(fcinfo, caller, &key, arg_lifetime(fcinfo, 2)));
}

Datum
sql_ice_rotate_api_key(PG_FUNCTION_ARGS)
{
	MemoryContext caller = begin_as_owner(fcinfo);
	char         *prefix = ice_arg_text(fcinfo, 0, "prefix");
	TimestampTz   end = arg_end(fcinfo, 1, GetCurrentTimestamp(), "overlap");
	IceApiKey     key;

	note_change(ICE_AUDIT_API_KEY, prefix);
	if (!ice_credential_end_api_key(prefix, end, &key))
		ice_raise(ICE_ERR_NO_SUCH_CREDENTIAL, "API key does not exist, or is revoked: %s", prefix);
	key.role = checked_role(key.role);
	PG_RETURN_DATUM(make_key(fcinfo, caller, &key, arg_lifetime(fcinfo, 2)));
}

Datum
sql_ice_revoke_api_key(PG_FUNCTION_ARGS)
{
	char *prefix;
	bool  found;

	(void) begin_as_owner(fcinfo);
	prefix = ice_arg_text(fcinfo, 0, "prefix");
	note_change(ICE_AUDIT_API_KEY, prefix);
	found = ice_credential_revoke_api_key(prefix);
	ice_caller_end();
	PG_RETURN_BOOL(found);
}

/* -- signing keys ------------------------------------------------------------------------------ */

/* The keys before verify for the overlap after their last token; without one nothing of theirs is
 * good any more. */
Datum
sql_ice_rotate_signing_key(PG_FUNCTION_ARGS)
{
	MemoryContext caller = begin_as_owner(fcinfo);
	TimestampTz   now = GetCurrentTimestamp();
	TimestampTz   signs_from = arg_end(fcinfo, 1, now, "delay");
	bool          at_once = arg_end(fcinfo, 0, now, "overlap") == now;
	char         *id = random_text(KEY_ID_BYTES);
	uint8         seed[ICE_SEED_BYTES];

	if (at_once)
		signs_from = now;
	random_bytes(seed, sizeof(seed));
	note_change(ICE_AUDIT_SIGNING_KEYS, NULL);
	ice_credential_rotate_signing_key(id, seed, signs_from,
									  arg_end(fcinfo, 0, signs_from, "overlap"));
	explicit_bzero(seed, sizeof(seed));
	PG_RETURN_DATUM(end_with_row(fcinfo, caller, id, NULL, signs_from));
}

/* A gateway may make one where there is none: in a new database, and in a restored one. */
Datum
sql_ice_make_signing_key(PG_FUNCTION_ARGS)
{
	uint8 seed[ICE_SEED_BYTES];
	bool  made;

	(void) ice_caller_begin(fcinfo);
	random_bytes(seed, sizeof(seed));
	note_change(ICE_AUDIT_SIGNING_KEYS, NULL);
	made = ice_credential_make_signing_key(random_text(KEY_ID_BYTES), seed);
	explicit_bzero(seed, sizeof(seed));
	ice_caller_end();
	PG_RETURN_BOOL(made);
}
