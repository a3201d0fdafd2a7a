/*
 * signer.h
 *		The keys that gateways sign tokens with (Ed25519), as the database gives them. Pure.
 *
 * A key is 32 random bytes, of which OpenSSL makes both halves. Of the keys whose time to sign has
 * come the latest signs; all of them verify.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_SIGNER_H
#define GW_SIGNER_H

#include "auth/jwk.h"
#include "auth/strict_json.h"

#define GW_SIGNER_AUDIENCE_MAX 127

typedef struct GwSigner GwSigner;

/* The answer of icecat._signing_keys(). NULL: it is not one, or holds no key. */
extern GwSigner *gw_signer_read(GwSlice text);
extern void      gw_signer_free(GwSigner *signer);

/* Is it the answer of a database that has no key yet? */
extern bool gw_signer_has_none(GwSlice text);

/* The audience of tokens that are for the database that the keys are of. */
extern const char *gw_signer_audience(const GwSigner *signer);

/* The same keys, to verify with; the caller frees the set. */
extern GwKeySet *gw_signer_keys(const GwSigner *signer);

/*
 * Appends a token: header with that type, the claims, signature. False: no key may sign yet, or
 * OpenSSL does not.
 */
extern bool gw_signer_sign(const GwSigner *signer, const char *type, const json_t *claims,
						   int64_t now_s, GwText *out);

#endif
