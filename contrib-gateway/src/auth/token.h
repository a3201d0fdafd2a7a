/*
 * token.h
 *		A JSON Web Token (RFC 7519, RFC 8725): read, signature checked, claims checked. Pure: the
 *		time is an argument.
 *
 * Three steps, in this order: read, check the claims, verify the signature; after the first that
 * refuses, the rest is not asked. Until the last one nothing that a token says is to be believed.
 * The claims come first because that costs little: a token that is of no use anyway makes nobody
 * fetch keys.
 *
 * The algorithm is the key's: the header only says which of those that the key allows was used. A
 * key never comes from a token.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_TOKEN_H
#define GW_TOKEN_H

#include "auth/jwk.h"
#include "auth/refusal.h"
#include "auth/strict_json.h"

#define GW_TOKEN_BYTES_MAX   16384
#define GW_SUBJECT_BYTES_MAX 255

typedef struct GwToken
{
	GwText             header_text;
	GwText             claims_text; /* JSON as it was signed */
	GwText             signature;
	GwSlice            signed_text; /* in the memory that was read */
	json_t            *header;
	json_t            *claims;
	const GwAlgorithm *algorithm;
	const char        *kid; /* NULL: it names no key */
	const char        *issuer;
	const char        *subject; /* after the claims were checked, as the next */
	int64_t            expires_s;
} GwToken;

typedef struct GwTokenRules
{
	const char *issuer;
	const char *audiences; /* names of the catalog, separated by commas; "*": any */
	int64_t     leeway_s;  /* by how much clocks may differ */
} GwTokenRules;

/* Reads header and claims. The text must stay until free(), which is needed whatever this says. */
extern GwRefusal gw_token_read(GwToken *token, GwSlice text);
extern GwRefusal gw_token_check(GwToken *token, const GwTokenRules *rules, int64_t now_s);
extern GwRefusal gw_token_verify(const GwToken *token, const GwKeySet *keys);
extern void      gw_token_free(GwToken *token);

#endif
