/*
 * page.c
 *		Pages of a list; see page.h.
 *
 * A token's bytes: version, MAC, name. Version 1: HMAC-SHA256, cut to MAC_BYTES, over version,
 * operation and its zero byte, warehouse, parent (zeros at the top) and name.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "common/hmac.h"
#include "common/sha2.h"

#include "api/page.h"
#include "guc.h"

#define TOKEN_VERSION 1
#define MAC_BYTES     16
#define HEAD_BYTES    (1 + MAC_BYTES)

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* The MAC of a token that stands for what follows a name. */
static void
compute_mac(const IcePage *page, const char *name, uint8 *mac)
{
	static const pg_uuid_t top = {{0}};
	const pg_uuid_t       *parent = page->parent_id != NULL ? page->parent_id : &top;
	const uint8            version = TOKEN_VERSION;
	uint8                  whole[PG_SHA256_DIGEST_LENGTH];
	size_t                 secret_len;
	const uint8           *secret = ice_warehouse_page_secret(page->warehouse_id, &secret_len);
	pg_hmac_ctx           *hmac = pg_hmac_create(PG_SHA256);
	bool                   ok = hmac != NULL && pg_hmac_init(hmac, secret, secret_len) >= 0;

	ok = ok && pg_hmac_update(hmac, &version, 1) >= 0 &&
		 pg_hmac_update(hmac, (const uint8 *) page->operation, strlen(page->operation) + 1) >= 0 &&
		 pg_hmac_update(hmac, page->warehouse_id->data, UUID_LEN) >= 0 &&
		 pg_hmac_update(hmac, parent->data, UUID_LEN) >= 0 &&
		 pg_hmac_update(hmac, (const uint8 *) name, strlen(name)) >= 0 &&
		 pg_hmac_final(hmac, whole, sizeof(whole)) >= 0;
	pg_hmac_free(hmac);
	if (!ok)
		elog(ERROR, "could not compute the MAC of a page token");
	memcpy(mac, whole, MAC_BYTES);
}

/* base64url without padding (RFC 4648, section 5). */
static char *
encode(const uint8 *bytes, size_t len)
{
	char  *out = palloc(len * 4 / 3 + 4);
	size_t n = 0;

	for (size_t i = 0; i < len; i += 3)
	{
		uint32 group = (uint32) bytes[i] << 16 | (i + 1 < len ? (uint32) bytes[i + 1] << 8 : 0) |
					   (i + 2 < len ? bytes[i + 2] : 0);
		size_t digits = Min(len - i, 3) + 1;

		for (size_t k = 0; k < digits; k++)
			out[n++] = alphabet[group >> (18 - 6 * k) & 63];
	}
	out[n] = '\0';
	return out;
}

/* The bytes of a token, with a zero byte behind; NULL if it is not exactly what encode() writes. */
static uint8 *
decode(const char *token, size_t *len)
{
	size_t digits = strlen(token);
	uint8 *out = palloc(digits * 3 / 4 + 1);
	uint32 bits = 0;

	*len = 0;
	for (size_t i = 0; i < digits; i++)
	{
		const char *at = strchr(alphabet, token[i]);

		if (at == NULL)
			return NULL;
		bits = bits << 6 | (uint32) (at - alphabet);
		if (i % 4 != 0)
			out[(*len)++] = (uint8) (bits >> (6 - 2 * (i % 4)));
	}
	out[*len] = '\0';
	return strcmp(encode(out, *len), token) == 0 ? out : NULL;
}

/* Compares in a time that does not depend on where they differ. */
static bool
same_mac(const uint8 *a, const uint8 *b)
{
	uint8 difference = 0;

	for (int i = 0; i < MAC_BYTES; i++)
		difference |= a[i] ^ b[i];
	return difference == 0;
}

/* The name that a token says to go on behind. */
static const char *
open_token(const IcePage *page, const char *token)
{
	size_t      len;
	uint8      *bytes = decode(token, &len);
	const char *name = bytes != NULL ? (const char *) bytes + HEAD_BYTES : NULL;
	uint8       mac[MAC_BYTES];

	if (bytes != NULL && len > HEAD_BYTES && bytes[0] == TOKEN_VERSION &&
		strlen(name) == len - HEAD_BYTES)
	{
		compute_mac(page, name, mac);
		if (same_mac(mac, bytes + 1))
			return name;
	}
	ice_raise_full(
		ICE_ERR_BAD_REQUEST,
		"Invalid page token: it was not made for this list; begin again with an empty one", NULL,
		"A token is good for the operation, warehouse and namespace that it was returned for.");
}

static const char *
make_token(const IcePage *page, const char *name)
{
	size_t name_len = strlen(name);
	uint8 *bytes = palloc(HEAD_BYTES + name_len);

	bytes[0] = TOKEN_VERSION;
	compute_mac(page, name, bytes + 1);
	memcpy(bytes + HEAD_BYTES, name, name_len);
	return encode(bytes, HEAD_BYTES + name_len);
}

void
ice_page_arg(FunctionCallInfo fcinfo, int n, const char *operation, const pg_uuid_t *warehouse_id,
			 const pg_uuid_t *parent_id, IcePage *out)
{
	/* The SQL functions of 0.1.0 have no such arguments. */
	bool        given = PG_NARGS() > n + 1;
	const char *token = given ? ice_arg_opt_text(fcinfo, n) : NULL;
	int         size = ice_guc_page_size_default;

	*out = (IcePage){.operation = operation, .warehouse_id = warehouse_id, .parent_id = parent_id};
	if (given && !PG_ARGISNULL(n + 1))
	{
		size = PG_GETARG_INT32(n + 1);
		if (size < 1)
			ice_raise(ICE_ERR_BAD_REQUEST, "Invalid page size: %d (expected 1 or more)", size);
	}
	if (token == NULL)
		return;
	out->size = Min(size, ice_guc_page_size_max);
	out->range.limit = out->size + 1;
	if (*token != '\0')
		out->range.after = open_token(out, token);
}

int
ice_page_count(const IcePage *page, const IceNames *names)
{
	return page->size == 0 ? names->count : Min(page->size, names->count);
}

void
ice_page_end(IceJsonWriter *writer, const IcePage *page, const IceNames *names)
{
	int count = ice_page_count(page, names);

	ice_json_write_key(writer, "next-page-token");
	if (count < names->count)
		ice_json_write_string(writer, make_token(page, names->items[count - 1]));
	else
		ice_json_write_null(writer);
}

void
ice_page_write_identifiers(StringInfo out, const IceNamespacePath *path, const IcePage *page,
						   const IceNames *names)
{
	StringInfoData levels;
	IceJsonWriter  w;

	initStringInfo(&levels);
	ice_json_write_init(&w, &levels);
	ice_json_write_begin_array(&w);
	for (int i = 0; i < path->depth; i++)
		ice_json_write_string(&w, path->levels[i]);
	ice_json_write_end_array(&w);

	ice_json_write_init(&w, out);
	ice_json_write_begin_object(&w);
	ice_json_write_key(&w, "identifiers");
	ice_json_write_begin_array(&w);
	for (int i = 0; i < ice_page_count(page, names); i++)
	{
		ice_json_write_begin_object(&w);
		ice_json_write_key(&w, "namespace");
		ice_json_write_raw(&w, levels.data, levels.len);
		ice_json_write_key(&w, "name");
		ice_json_write_string(&w, names->items[i]);
		ice_json_write_end_object(&w);
	}
	ice_json_write_end_array(&w);
	ice_page_end(&w, page, names);
	ice_json_write_end_object(&w);
}
