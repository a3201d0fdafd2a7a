/*
 * realm.h
 *		Where a token, key or certificate is worth something: one database of the gateway, with keys
 *		of its own that our own tokens are signed with, and what it knows of principals.
 *
 * Whatever was found out in one realm is not known in another one: the number goes into the key of
 * everything that is remembered, and is never used again.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_REALM_H
#define GW_REALM_H

#include "auth/issuer.h"
#include "auth/signer.h"

typedef struct GwRealm
{
	uint64_t    number;
	const char *audiences; /* of issuers' tokens; "": those of the setting auth_audiences */
	const char *binding;   /* of our own tokens; "": that of the setting oauth_audience */
	/* of clients' certificates; NULL: those that the gateway believes */
	struct x509_store_st *authorities;
	GwIssuer              own;    /* we ourselves */
	GwSigner             *signer; /* NULL: no key is there yet */
} GwRealm;

#endif
