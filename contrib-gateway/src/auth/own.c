/*
 * own.c
 *		Tokens of the gateway's own; see own.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "auth/own.h"

#include <time.h>

#include "auth/issuer.h"
#include "auth/signer.h"
#include "auth/token.h"
#include "base/conf.h"

/* Keys that are there stay when there are no others. */
void
gw_own_take(GwRealm *realm, GwSlice document, const char *why)
{
	GwSigner *fresh = why == NULL ? gw_signer_read(document) : NULL;

	if (why == NULL && fresh == NULL)
		why = "the database has none, or its answer is not understood: call "
			  "icecat.rotate_signing_key()";
	if (fresh != NULL)
	{
		gw_signer_free(realm->signer);
		realm->signer = fresh;
	}
	gw_issuers_take_own(&realm->own, fresh != NULL ? gw_signer_keys(fresh) : NULL, why);
}

bool
gw_own_is_ready(const GwRealm *realm)
{
	return realm->signer != NULL;
}

/* A copy of a database has its keys, too; so keys alone do not tell whose a token is. */
bool
gw_own_audience(const GwRealm *realm, GwText *out)
{
	const char *binding = realm->binding[0] != '\0' ? realm->binding : gw_conf.oauth_audience;

	if (realm->signer == NULL)
		return false;
	gw_text_puts(out, gw_signer_audience(realm->signer));
	if (*binding != '\0')
		gw_text_printf(out, ":%s", binding);
	return true;
}

bool
gw_own_issue(const GwRealm *realm, const GwGrant *grant, GwGrantUse use, int64_t *lifetime_s,
			 GwText *out)
{
	int64_t now = (int64_t) time(NULL);
	GwText  audience = {0};
	json_t *claims;
	bool    good;

	if (!gw_own_audience(realm, &audience))
		return false;
	claims = gw_grant_claims(grant, audience.data, use, now, lifetime_s);
	gw_text_free(&audience);
	good = *lifetime_s > 0 && gw_signer_sign(realm->signer, "JWT", claims, now, out) &&
		   out->len <= GW_TOKEN_BYTES_MAX;
	json_decref(claims);
	return good;
}

void
gw_own_end(GwRealm *realm)
{
	gw_signer_free(realm->signer);
	realm->signer = NULL;
}
