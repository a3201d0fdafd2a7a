/*
 * once.c
 *		Idempotency keys: a change runs once, and a repeat of it shows what came of it. See once.h.
 *
 * REST, parameter idempotency-key. Two calls are the same request if operation and all arguments
 * are, byte for byte: a retry sends what was sent before.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "common/cryptohash.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"

#include "api/once.h"
#include "commit/publish.h"
#include "guc.h"
#include "store/access.h"
#include "store/maintenance.h"
#include "store/store_restriction.h"

#define SQLSTATE_LENGTH   5
#define MESSAGE_BYTES_MAX 2000

/* Reads a key in the form of RFC 9562; version 7, as REST demands. */
static void
parse_key(const char *text, pg_uuid_t *out)
{
	int nibbles = 0;
	int at = 0;

	for (; text[at] != '\0' && at < 36; at++)
	{
		const char *digits = "0123456789abcdef";
		const char *digit;

		if (at == 8 || at == 13 || at == 18 || at == 23)
		{
			if (text[at] != '-')
				break;
			continue;
		}
		digit = strchr(digits, pg_tolower((unsigned char) text[at]));
		if (digit == NULL)
			break;
		if (nibbles % 2 == 0)
			out->data[nibbles / 2] = 0;
		out->data[nibbles / 2] = (unsigned char) (out->data[nibbles / 2] << 4 | (digit - digits));
		nibbles++;
	}
	if (nibbles != 2 * UUID_LEN || text[at] != '\0' || out->data[6] >> 4 != 7 ||
		out->data[8] >> 6 != 2)
		ice_raise_full(ICE_ERR_BAD_REQUEST, "Invalid Idempotency-Key",
					   "Expected a UUID of version 7 in its form of 36 characters.", NULL);
}

static bool
hash_bytes(pg_cryptohash_ctx *hash, const void *bytes, size_t len)
{
	uint64 size = len;

	return pg_cryptohash_update(hash, (const uint8 *) &size, sizeof(size)) >= 0 &&
		   pg_cryptohash_update(hash, bytes, len) >= 0;
}

/* Adds one argument; every type of an argument is of variable length, or passed by value. */
static bool
hash_argument(pg_cryptohash_ctx *hash, FunctionCallInfo fcinfo, int n)
{
	Datum value = PG_GETARG_DATUM(n);
	int16 typlen;
	bool  byval;
	uint8 null = PG_ARGISNULL(n);

	if (pg_cryptohash_update(hash, &null, 1) < 0)
		return false;
	if (null)
		return true;
	get_typlenbyval(get_fn_expr_argtype(fcinfo->flinfo, n), &typlen, &byval);
	if (typlen == -1)
	{
		struct varlena *packed = PG_DETOAST_DATUM_PACKED(value);

		return hash_bytes(hash, VARDATA_ANY(packed), VARSIZE_ANY_EXHDR(packed));
	}
	Assert(byval);
	return hash_bytes(hash, &value, sizeof(value));
}

/*
 * Keys of principals are told apart from those of all others by what they are stored under: a hash
 * of key, role and principal. The principal alone would not do, for in SQL everyone may set it; the
 * role can only be one that the caller has. The hash is a UUID of version 8, so that no key that a
 * caller sends, which is of version 7, is the same.
 */
static void
bind_key(pg_uuid_t *key)
{
	const char        *role;
	uint8              digest[PG_SHA256_DIGEST_LENGTH];
	pg_cryptohash_ctx *hash;
	bool               ok;

	if (*ice_guc_principal == '\0')
		return;
	role = GetUserNameFromId(GetOuterUserId(), false);
	hash = pg_cryptohash_create(PG_SHA256);
	ok = hash != NULL && pg_cryptohash_init(hash) >= 0 && hash_bytes(hash, key->data, UUID_LEN) &&
		 hash_bytes(hash, role, strlen(role)) &&
		 hash_bytes(hash, ice_guc_principal, strlen(ice_guc_principal)) &&
		 pg_cryptohash_final(hash, digest, sizeof(digest)) >= 0;
	pg_cryptohash_free(hash);
	if (!ok)
		elog(ERROR, "could not compute SHA-256 of a key");
	memcpy(key->data, digest, UUID_LEN);
	key->data[6] = (key->data[6] & 0x0F) | 0x80;
}

static void
hash_request(FunctionCallInfo fcinfo, const char *operation, uint8 *out)
{
	pg_cryptohash_ctx *hash = pg_cryptohash_create(PG_SHA256);
	bool               ok = hash != NULL && pg_cryptohash_init(hash) >= 0 &&
			  hash_bytes(hash, operation, strlen(operation));

	for (int n = 0; ok && n < PG_NARGS(); n++)
		ok = hash_argument(hash, fcinfo, n);
	ok = ok && pg_cryptohash_final(hash, out, ICE_REQUEST_HASH_BYTES) >= 0;
	pg_cryptohash_free(hash);
	if (!ok)
		elog(ERROR, "could not compute SHA-256 of a request");
}

/* What is kept of a message, of which any caller can send one. */
static char *
bounded(const char *message)
{
	return pnstrdup(message,
					(Size) pg_mbcliplen(message, (int) strlen(message), MESSAGE_BYTES_MAX));
}

/* Takes the error to record, if any, from its setting: SQLSTATE, a space, the message. */
static void
parse_error(IceIdempotency *row)
{
	const char  *text = ice_guc_idempotency_error;
	IceErrorCode code;

	row->sqlstate = row->message = NULL;
	if (*text == '\0')
		return;
	if (strlen(text) <= SQLSTATE_LENGTH || text[SQLSTATE_LENGTH] != ' ')
		ice_raise(ICE_ERR_BAD_REQUEST, "Invalid value of icecat.idempotency_error");
	row->sqlstate = pnstrdup(text, SQLSTATE_LENGTH);
	row->message = bounded(text + SQLSTATE_LENGTH + 1);
	code = ice_error_of_sqlstate(row->sqlstate);
	if (code == ICE_ERR_COUNT || !ice_error_is_final(code))
		ice_raise(ICE_ERR_BAD_REQUEST, "Not an outcome to store: %s", row->sqlstate);
}

/* Compares the request with the first one under its key. */
static void
check_same(const IceIdempotency *request, const IceIdempotency *stored)
{
	if (strcmp(request->operation, stored->operation) != 0)
		ice_raise_full(ICE_ERR_IDEMPOTENCY_MISMATCH,
					   "Idempotency-Key was used before for another request",
					   psprintf("The other request was %s, this one is %s.", stored->operation,
								request->operation),
					   "Take a new key for each request.");
	if (memcmp(request->hash, stored->hash, ICE_REQUEST_HASH_BYTES) != 0)
		ice_raise_full(
			ICE_ERR_IDEMPOTENCY_MISMATCH, "Idempotency-Key was used before for another request",
			psprintf("The other request was also %s, with other content.", stored->operation),
			"Take a new key for each request.");
}

bool
ice_once_offered(void)
{
	return ice_guc_idempotency_lifetime_s > 0 && ice_idempotency_exists();
}

/* The row of the call's key. */
static void
begin_row(const IceWarehouse *warehouse, IceIdempotency *row)
{
	*row = (IceIdempotency){.warehouse_id = warehouse->id,
							.caller = GetUserNameFromId(ice_caller().role, false),
							.lifetime_s = ice_guc_idempotency_lifetime_s};
	parse_key(ice_guc_idempotency_key, &row->key);
	bind_key(&row->key);
}

bool
ice_once_is_known(const IceWarehouse *warehouse)
{
	IceIdempotency row;

	if (*ice_guc_idempotency_key == '\0' || !ice_once_offered())
		return false;
	if (*ice_guc_idempotency_error != '\0')
		return true;
	begin_row(warehouse, &row);
	return ice_idempotency_find(&row) && (row.has_object || row.sqlstate != NULL);
}

bool
ice_once_run(IceOnce *once, FunctionCallInfo fcinfo, const char *operation,
			 const IceWarehouse *warehouse)
{
	IceIdempotency request;

	once->recorded = false;
	once->keyed = *ice_guc_idempotency_key != '\0' && ice_once_offered();
	if (!once->keyed)
	{
		ice_maintenance_require_off(warehouse);
		return true;
	}
	begin_row(warehouse, &request);
	request.operation = operation;
	hash_request(fcinfo, operation, request.hash);
	parse_error(&request);
	once->row = request;
	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		if (ice_idempotency_insert(&request))
		{
			once->recorded = request.sqlstate != NULL;
			if (!once->recorded)
				ice_maintenance_require_off(warehouse);
			fcinfo->isnull = once->recorded;
			return !once->recorded;
		}
		/* Not found: it was trimmed in between. */
		if (ice_idempotency_find(&once->row))
			break;
	}
	check_same(&request, &once->row);
	if (once->row.sqlstate != NULL)
		ice_raise(ice_error_of_sqlstate(once->row.sqlstate), "%s", once->row.message);
	return false;
}

void
ice_once_done(IceOnce *once, const pg_uuid_t *object_id, const char *answer)
{
	if (!once->keyed)
		return;
	once->row.has_object = object_id != NULL;
	if (object_id != NULL)
		once->row.object_id = *object_id;
	once->row.answer = answer;
	if (object_id != NULL || answer != NULL)
		ice_idempotency_finish(&once->row);
}

void
ice_once_table(const IceOnce *once, IceTable *out)
{
	const IceIdempotency *row = &once->row;

	if (!row->has_object ||
		!ice_access_may_by_id(ICE_SELECT, &row->warehouse_id, &row->object_id) ||
		!ice_table_get_whole(&row->warehouse_id, &row->object_id, out))
		ice_raise_full(ICE_ERR_NO_SUCH_TABLE, "Table does not exist any more",
					   "The request with this Idempotency-Key succeeded; the table was dropped "
					   "since.",
					   NULL);
	if (ice_restriction_restricts(&row->warehouse_id, &row->object_id))
		ice_raise(ICE_ERR_FORBIDDEN,
				  "Not allowed: %s is restricted in what it may read of the table",
				  GetUserNameFromId(ice_caller().role, false));
	ice_publish_await(out);
}

void
ice_once_view(const IceOnce *once, IceView *out)
{
	const IceIdempotency *row = &once->row;

	if (!row->has_object ||
		!ice_access_may_by_id(ICE_SELECT, &row->warehouse_id, &row->object_id) ||
		!ice_view_get_whole(&row->warehouse_id, &row->object_id, out))
		ice_raise_full(ICE_ERR_NO_SUCH_VIEW, "View does not exist any more",
					   "The request with this Idempotency-Key succeeded; the view was dropped "
					   "since.",
					   NULL);
	ice_publish_await_view(out);
}

void
ice_once_namespace(const IceOnce *once, IceNamespacePath *path, IceNamespace *out)
{
	const IceIdempotency *row = &once->row;

	if (!row->has_object ||
		!ice_access_may(ICE_USAGE, (IceObject){&row->warehouse_id, &row->object_id, NULL}) ||
		!ice_namespace_get_by_id(&row->warehouse_id, &row->object_id, path, out))
		ice_raise_full(ICE_ERR_NO_SUCH_NAMESPACE, "Namespace does not exist any more",
					   "The request with this Idempotency-Key succeeded; the namespace was dropped "
					   "since.",
					   NULL);
}
