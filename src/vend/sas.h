/*
 * sas.h
 *		How a signature of ADLS is narrowed to a table's place.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_VEND_SAS_H
#define ICE_VEND_SAS_H

#include "vend/sts.h"

/* A service SAS of a folder of ADLS, signed with the account's key or with a user delegation key:
 * every field but the signature. Times are as Azure writes them: 2026-01-31T00:00:00Z. */
typedef struct IceSas
{
	const char         *account;
	const IceVendPlace *place;
	IceVendAccess       access;
	const char         *starts_at;
	const char         *expires_at;
	bool                http; /* the store answers without TLS: emulators only */
	/* User delegation; NULL: the account's key */
	const char *object_id, *tenant_id, *key_starts_at, *key_expires_at, *key_service, *key_version;
} IceSas;

/* What the key signs (HMAC-SHA256, Base64). */
extern char *ice_sas_text(const IceSas *sas);

/* The query, without '?', with a signature. */
extern char *ice_sas_query(const IceSas *sas, const char *signature);

#endif
