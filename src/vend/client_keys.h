/*
 * client_keys.h
 *		What clients are told of a table's store: "config", "storage-credentials" and
 *		"remote-signing-config".
 *
 * One table has every key, for which store it is, and from what its value comes. Nothing else ever
 * gets into these members: nothing that a writer put into properties, and no secret of the server's
 * own. Credentials stand in both places: clients exist that read only one of them.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_VEND_CLIENT_KEYS_H
#define ICE_VEND_CLIENT_KEYS_H

#include "vend/vend_place.h"

typedef struct IceClientStore
{
	IceVendStore store;
	/* S3 */
	const char  *region;
	const char  *endpoint; /* as clients reach it; of GCS, too */
	bool         path_style;
	const char  *sse;     /* s3 or kms; NULL: none */
	const char  *kms_key; /* of kms */
	/* GCS */
	const char  *project;
	/* ADLS */
	const char  *account;
	const char  *account_host;
} IceClientStore;

/* What was vended. Every text is a secret, except for the endpoint. */
typedef struct IceVended
{
	const char *access_key;
	const char *secret_key;
	const char *session_token;
	const char *token; /* of GCS: an OAuth token; of ADLS: a SAS, without '?' */
	int64       expires_at_ms;
	const char *refresh_endpoint; /* a relative path of this catalog */
} IceVended;

typedef struct IceClientConfig
{
	const IceClientStore *store;
	const IceVended      *vended;        /* NULL: no credentials */
	const char           *sign_endpoint; /* a relative path; NULL: signing is not the mode */
} IceClientConfig;

/* The text of "config": an object. */
extern char *ice_client_keys_config(const IceClientConfig *config);

/* The text of "storage-credentials": an array, one entry for each place. */
extern char *ice_client_keys_credentials(const IceClientConfig *config,
										 const IceVendPlaces   *places);

/* The text of "remote-signing-config"; NULL where signing is not the mode. */
extern char *ice_client_keys_signing(const IceClientConfig *config);

#endif
