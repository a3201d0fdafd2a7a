/*
 * ticket.c
 *		Texts that a client hands back; see ticket.h.
 *
 * A ticket's bytes: version, MAC, text. Version 1: HMAC-SHA256, cut to MAC_BYTES, over version,
 * operation and its zero byte, warehouse, what it is bound to, and text.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "common/hmac.h"
#include "common/sha2.h"

#include "api/ticket.h"
#include "store/store_warehouse.h"

#define TICKET_VERSION 1
#define MAC_BYTES      16
#define HEAD_BYTES     (1 + MAC_BYTES)

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* The MAC of a ticket for a text. */
static void
compute_mac(const IceTicketUse *use, const char *text, uint8 *mac)
{
	const uint8  version = TICKET_VERSION;
	uint8        whole[PG_SHA256_DIGEST_LENGTH];
	size_t       secret_len;
	const uint8 *secret = ice_warehouse_page_secret(use->warehouse_id, &secret_len);
	pg_hmac_ctx *hmac = pg_hmac_create(PG_SHA256);
	bool         ok = hmac != NULL && pg_hmac_init(hmac, secret, secret_len) >= 0;

	ok = ok && pg_hmac_update(hmac, &version, 1) >= 0 &&
		 pg_hmac_update(hmac, (const uint8 *) use->operation, strlen(use->operation) + 1) >= 0 &&
		 pg_hmac_update(hmac, use->warehouse_id->data, UUID_LEN) >= 0 &&
		 pg_hmac_update(hmac, use->bound, use->bound_len) >= 0 &&
		 pg_hmac_update(hmac, (const uint8 *) text, strlen(text)) >= 0 &&
		 pg_hmac_final(hmac, whole, sizeof(whole)) >= 0;
	pg_hmac_free(hmac);
	if (!ok)
		elog(ERROR, "could not compute the MAC of a ticket");
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

/* The bytes of a ticket, with a zero byte behind; NULL if it is not exactly what encode()
 * writes. */
static uint8 *
decode(const char *ticket, size_t *len)
{
	size_t digits = strlen(ticket);
	uint8 *out = palloc(digits * 3 / 4 + 1);
	uint32 bits = 0;

	*len = 0;
	for (size_t i = 0; i < digits; i++)
	{
		const char *at = strchr(alphabet, ticket[i]);

		if (at == NULL)
			return NULL;
		bits = bits << 6 | (uint32) (at - alphabet);
		if (i % 4 != 0)
			out[(*len)++] = (uint8) (bits >> (6 - 2 * (i % 4)));
	}
	out[*len] = '\0';
	return strcmp(encode(out, *len), ticket) == 0 ? out : NULL;
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

const char *
ice_ticket_open(const IceTicketUse *use, const char *ticket)
{
	size_t      len;
	uint8      *bytes = decode(ticket, &len);
	const char *text = bytes != NULL ? (const char *) bytes + HEAD_BYTES : NULL;
	uint8       mac[MAC_BYTES];

	if (bytes == NULL || len <= HEAD_BYTES || bytes[0] != TICKET_VERSION ||
		strlen(text) != len - HEAD_BYTES)
		return NULL;
	compute_mac(use, text, mac);
	return same_mac(mac, bytes + 1) ? text : NULL;
}

char *
ice_ticket_make(const IceTicketUse *use, const char *text)
{
	size_t len = strlen(text);
	uint8 *bytes = palloc(HEAD_BYTES + len);

	bytes[0] = TICKET_VERSION;
	compute_mac(use, text, bytes + 1);
	memcpy(bytes + HEAD_BYTES, text, len);
	return encode(bytes, HEAD_BYTES + len);
}
