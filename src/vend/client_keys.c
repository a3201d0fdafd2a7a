/*
 * client_keys.c
 *		The keys that clients read. See client_keys.h; docs/use/object-stores.md has who reads
 *		what.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "vend/client_keys.h"

#include "json/json.h"

/* When a key is sent. */
typedef enum When
{
	ALWAYS, /* what a client must know of the store, whichever way it gets keys */
	VENDED, /* a part of the credentials */
	SIGNED  /* only where signing is the mode: clients obey these keys at once */
} When;

/* Where a value comes from. */
typedef enum From
{
	REGION,
	ENDPOINT,
	PATH_STYLE,
	NOT_PATH_STYLE,
	SSE,
	KMS_KEY,
	PROJECT,
	ACCOUNT,
	ACCOUNT_HOST,
	ACCESS_KEY,
	SECRET_KEY,
	SESSION_TOKEN,
	TOKEN,
	EXPIRES_AT,
	REFRESH_ENDPOINT,
	SIGN_ENDPOINT,
	YES,
	SIGNER,
	FSSPEC
} From;

/* A key may end in the account's host (%h), the other host of its (%o) or its name (%a). */
static const struct
{
	IceVendStore store;
	When         when;
	From         from;
	const char  *key;
} keys[] = {
	{ICE_VEND_S3, ALWAYS, REGION, "client.region"},
	{ICE_VEND_S3, ALWAYS, REGION, "s3.region"},
	{ICE_VEND_S3, ALWAYS, ENDPOINT, "s3.endpoint"},
	{ICE_VEND_S3, ALWAYS, PATH_STYLE, "s3.path-style-access"},
	{ICE_VEND_S3, ALWAYS, NOT_PATH_STYLE, "s3.force-virtual-addressing"},
	{ICE_VEND_S3, ALWAYS, SSE, "s3.sse.type"},
	{ICE_VEND_S3, ALWAYS, KMS_KEY, "s3.sse.key"},
	{ICE_VEND_S3, VENDED, ACCESS_KEY, "s3.access-key-id"},
	{ICE_VEND_S3, VENDED, SECRET_KEY, "s3.secret-access-key"},
	{ICE_VEND_S3, VENDED, SESSION_TOKEN, "s3.session-token"},
	{ICE_VEND_S3, VENDED, EXPIRES_AT, "s3.session-token-expires-at-ms"},
	{ICE_VEND_S3, VENDED, REFRESH_ENDPOINT, "client.refresh-credentials-endpoint"},
	{ICE_VEND_S3, SIGNED, YES, "s3.remote-signing-enabled"},
	{ICE_VEND_S3, SIGNED, SIGN_ENDPOINT, "signer.endpoint"},
	{ICE_VEND_S3, SIGNED, SIGN_ENDPOINT, "s3.signer.endpoint"},
	{ICE_VEND_S3, SIGNED, SIGNER, "s3.signer"},
	{ICE_VEND_S3, SIGNED, FSSPEC, "py-io-impl"},
	{ICE_VEND_GCS, ALWAYS, PROJECT, "gcs.project-id"},
	{ICE_VEND_GCS, ALWAYS, ENDPOINT, "gcs.service.host"},
	{ICE_VEND_GCS, VENDED, TOKEN, "gcs.oauth2.token"},
	{ICE_VEND_GCS, VENDED, EXPIRES_AT, "gcs.oauth2.token-expires-at"},
	{ICE_VEND_GCS, VENDED, REFRESH_ENDPOINT, "gcs.oauth2.refresh-credentials-endpoint"},
	{ICE_VEND_ADLS, ALWAYS, ACCOUNT, "adls.account-name"},
	{ICE_VEND_ADLS, ALWAYS, ACCOUNT_HOST, "adls.account-host"},
	{ICE_VEND_ADLS, VENDED, TOKEN, "adls.sas-token.%h"},
	{ICE_VEND_ADLS, VENDED, TOKEN, "adls.sas-token.%o"},
	{ICE_VEND_ADLS, VENDED, TOKEN, "adls.sas-token.%a"},
	{ICE_VEND_ADLS, VENDED, TOKEN, "adls.sas-token"},
	{ICE_VEND_ADLS, VENDED, EXPIRES_AT, "adls.sas-token-expires-at-ms.%h"},
	{ICE_VEND_ADLS, VENDED, EXPIRES_AT, "adls.sas-token-expires-at-ms.%o"},
	{ICE_VEND_ADLS, VENDED, EXPIRES_AT, "adls.sas-token-expires-at-ms"},
	{ICE_VEND_ADLS, VENDED, REFRESH_ENDPOINT, "adls.refresh-credentials-endpoint"},
};

static const char *
number(int64 value)
{
	return psprintf(INT64_FORMAT, value);
}

/* What is known of the store. */
static const char *
store_value(const IceClientStore *store, From from)
{
	switch (from)
	{
		case REGION:
			return store->region;
		case ENDPOINT:
			return store->endpoint;
		case PATH_STYLE:
			return store->path_style ? "true" : "false";
		case NOT_PATH_STYLE:
			return store->path_style ? "false" : "true";
		case SSE:
			return store->sse;
		case KMS_KEY:
			return store->kms_key;
		case PROJECT:
			return store->project;
		case ACCOUNT:
			return store->account;
		case ACCOUNT_HOST:
			return store->account_host;
		default:
			return NULL;
	}
}

/* What was vended. */
static const char *
vended_value(const IceVended *vended, From from)
{
	switch (from)
	{
		case ACCESS_KEY:
			return vended->access_key;
		case SECRET_KEY:
			return vended->secret_key;
		case SESSION_TOKEN:
			return vended->session_token;
		case TOKEN:
			return vended->token;
		case EXPIRES_AT:
			return vended->expires_at_ms > 0 ? number(vended->expires_at_ms) : NULL;
		case REFRESH_ENDPOINT:
			return vended->refresh_endpoint;
		default:
			return NULL;
	}
}

static const char *
sign_value(const IceClientConfig *config, From from)
{
	switch (from)
	{
		case SIGN_ENDPOINT:
			return config->sign_endpoint;
		case YES:
			return "true";
		case SIGNER: /* PyIceberg's name of its client */
			return "S3V4RestSigner";
		case FSSPEC: /* of PyIceberg's two, the one that can have requests signed */
			return "pyiceberg.io.fsspec.FsspecFileIO";
		default:
			return NULL;
	}
}

static const char *
value_of(const IceClientConfig *config, When when, From from)
{
	if (when == ALWAYS)
		return store_value(config->store, from);
	if (when == VENDED)
		return config->vended != NULL ? vended_value(config->vended, from) : NULL;
	return config->sign_endpoint != NULL ? sign_value(config, from) : NULL;
}

/* An account has a host for files and one for blobs: a client reads the key of the one that the
 * table's location names. NULL: there is no other. */
static const char *
other_host(const char *host)
{
	const char *dot = host == NULL ? NULL : strchr(host, '.');

	if (dot != NULL && strncmp(dot, ".dfs.", 5) == 0)
		return psprintf("%.*s.blob.%s", (int) (dot - host), host, dot + 5);
	if (dot != NULL && strncmp(dot, ".blob.", 6) == 0)
		return psprintf("%.*s.dfs.%s", (int) (dot - host), host, dot + 6);
	return NULL;
}

/* A key with the account's name or host in its place; NULL where that is not known. */
static const char *
full_key(const IceClientStore *store, const char *key)
{
	const char *percent = strchr(key, '%');
	const char *end;

	if (percent == NULL)
		return key;
	end = percent[1] == 'h'   ? store->account_host
		  : percent[1] == 'o' ? other_host(store->account_host)
							  : store->account;
	return end == NULL ? NULL : psprintf("%.*s%s", (int) (percent - key), key, end);
}

static void
write_keys(IceJsonWriter *w, const IceClientConfig *config)
{
	ice_json_write_begin_object(w);
	for (size_t i = 0; i < lengthof(keys); i++)
	{
		const char *key = full_key(config->store, keys[i].key);
		const char *value = value_of(config, keys[i].when, keys[i].from);

		if (keys[i].store != config->store->store || key == NULL || value == NULL)
			continue;
		ice_json_write_key(w, key);
		ice_json_write_string(w, value);
	}
	ice_json_write_end_object(w);
}

char *
ice_client_keys_config(const IceClientConfig *config)
{
	StringInfoData out;
	IceJsonWriter  w;

	initStringInfo(&out);
	ice_json_write_init(&w, &out);
	write_keys(&w, config);
	return out.data;
}

char *
ice_client_keys_credentials(const IceClientConfig *config, const IceVendPlaces *places)
{
	StringInfoData out;
	IceJsonWriter  w;

	initStringInfo(&out);
	ice_json_write_init(&w, &out);
	ice_json_write_begin_array(&w);
	for (int i = 0; config->vended != NULL && i < places->count; i++)
	{
		ice_json_write_begin_object(&w);
		ice_json_write_key(&w, "prefix");
		ice_json_write_string(&w, ice_vend_place_prefix(places, i));
		ice_json_write_key(&w, "config");
		write_keys(&w, config);
		ice_json_write_end_object(&w);
	}
	ice_json_write_end_array(&w);
	return out.data;
}

/* The client passes these on; nothing of ours is needed in them. */
char *
ice_client_keys_signing(const IceClientConfig *config)
{
	return config->sign_endpoint == NULL ? NULL : pstrdup("{\"properties\":{},\"headers\":{}}");
}
