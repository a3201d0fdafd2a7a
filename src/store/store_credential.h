/*
 * store_credential.h
 *		Rows of icecat_data.client, api_key and signing_key: who may log in, by what, and what
 *		tokens are signed with.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_STORE_CREDENTIAL_H
#define ICE_STORE_CREDENTIAL_H

#include "datatype/timestamp.h"

#include "store/spi.h"

#define ICE_SALT_BYTES        16
#define ICE_SECRET_HASH_BYTES 32
#define ICE_SEED_BYTES        32

/* What a secret is checked by. */
typedef struct IceVerifier
{
	uint8       salt[ICE_SALT_BYTES];
	uint8       hash[ICE_SECRET_HASH_BYTES];
	TimestampTz expires_at; /* 0: never */
} IceVerifier;

typedef struct IceApiKey
{
	const char *prefix;
	const char *name;
	Oid         role;
	IceVerifier verifier;
} IceApiKey;

/* False: there is one of the id. */
extern bool ice_credential_insert_client(const char *id, Oid role, const IceVerifier *verifier);

/* The verifier before goes on until a time, which is 0 where it does not; then the sessions end,
 * too. False: no such client. */
extern bool ice_credential_rotate_client(const char *id, const IceVerifier *verifier,
										 TimestampTz overlap_end);

/* Role 0, and NULL: as before. False: no such client. */
extern bool ice_credential_alter_client(const char *id, Oid role, const bool *disabled,
										bool end_sessions);
extern bool ice_credential_delete_client(const char *id);

extern void ice_credential_insert_api_key(const IceApiKey *key);

/* Finds one that is not revoked, and ends it at a time: its name and role. False: there is none. */
extern bool ice_credential_end_api_key(const char *prefix, TimestampTz at, IceApiKey *out);
extern bool ice_credential_revoke_api_key(const char *prefix);

/* Keys whose time is over are deleted, those that are left verify until a time, and the new one
 * signs from a time on. */
extern void ice_credential_rotate_signing_key(const char *id, const uint8 *seed,
											  TimestampTz signs_from, TimestampTz verify_until);

/* The first one, which signs at once. False: there is one that signs. */
extern bool ice_credential_make_signing_key(const char *id, const uint8 *seed);

#endif
