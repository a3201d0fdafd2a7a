/*
 * adls_login.c
 *		The token that the server shows to Azure's store. See adls_login.h.
 *
 * The secret of an application is sent to the profile's authority, or Microsoft's, and nowhere
 * else: an authority is changed together with the secret alone (api_profile.c).
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include <time.h>

#include "errors.h"
#include "json/json.h"
#include "storage/adls_login.h"
#include "storage/s3_call.h"

#define AUTHORITY       "https://login.microsoftonline.com"
#define RESOURCE        "https://storage.azure.com/"
#define METADATA_HOST   "http://169.254.169.254"
#define METADATA_PATH   "/metadata/identity/oauth2/token?api-version=2018-02-01"
#define ASSERTION_TYPE  "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
#define APP_API_VERSION "2019-08-01"
#define LIFETIME_S_MAX  86400
#define DEPTH_MAX       16

/* -- the answer -------------------------------------------------------------------------------- */

/* A number, which some of those who answer write as a text; 0: there is none. */
static int64
number_of(const IceJson *object, const char *name)
{
	const IceJson *value = ice_json_get(object, name);
	int64          number = 0;

	if (value != NULL && value->kind == ICE_JSON_STRING)
		return strtoll(value->string, NULL, 10);
	if (value != NULL)
		(void) ice_json_opt_int64(object, name, &number);
	return number;
}

/* Reads {"access_token": …} with expires_in, or expires_on, in seconds. */
static void
read_token(const char *answer, size_t len, IceS3Session *session)
{
	IceJson *object = ice_json_parse(answer, len, DEPTH_MAX);
	int64    now = (int64) time(NULL);
	int64    lasts_s = number_of(object, "expires_in");

	if (lasts_s == 0)
		lasts_s = number_of(object, "expires_on") - now;
	*session = (IceS3Session){.access_key = pstrdup("token"), .secret_key = pstrdup("")};
	session->session_token = pstrdup(ice_json_string(object, "access_token"));
	session->expires_s = now + Min(Max(lasts_s, 0), LIFETIME_S_MAX);
	for (const char *c = session->session_token; *c != '\0'; c++)
		if (*c < '!' || *c > '~')
			ice_raise(ICE_ERR_STORAGE, "The answer to the request for a token has none");
}

/* -- requests ---------------------------------------------------------------------------------- */

static void
append_field(StringInfo form, const char *name, const char *value)
{
	appendStringInfo(form, "%s%s=%s", form->len > 0 ? "&" : "", name,
					 ice_s3_call_encode(value, false));
}

/* Where an authority gives tokens of a tenant. */
static char *
token_url(const char *authority, const char *tenant)
{
	size_t len = strlen(authority);

	len -= len > 0 && authority[len - 1] == '/';
	return psprintf("%.*s/%s/oauth2/v2.0/token", (int) len, authority,
					ice_s3_call_encode(tenant, false));
}

/* Credentials of a client: its secret, or a signed text about it. */
static char *
ask_authority(const IceStorageProfile *profile, bool is_local, const char *url,
			  const char *client_id, const char *secret, const char *client_assertion, size_t *len)
{
	IceNetPair     header = {"content-type", "application/x-www-form-urlencoded"};
	StringInfoData form;
	char          *answer;

	initStringInfo(&form);
	append_field(&form, "grant_type", "client_credentials");
	append_field(&form, "client_id", client_id);
	append_field(&form, "scope", RESOURCE ".default");
	if (secret != NULL)
		append_field(&form, "client_secret", secret);
	else
	{
		append_field(&form, "client_assertion_type", ASSERTION_TYPE);
		append_field(&form, "client_assertion", client_assertion);
	}
	answer = ice_s3_session_ask(profile, is_local, "POST", url, &header, form.data, len);
	explicit_bzero(form.data, (size_t) form.len);
	return answer;
}

/* What the server runs on: a machine, or where it is told of an endpoint of its own, an app. */
static char *
ask_metadata(const IceStorageProfile *profile, size_t *len)
{
	const char    *endpoint = ice_s3_session_variable("IDENTITY_ENDPOINT");
	const char    *secret = ice_s3_session_variable("IDENTITY_HEADER");
	const char    *host = ice_s3_session_variable("AZURE_POD_IDENTITY_AUTHORITY_HOST");
	IceNetPair     header = {"metadata", "true"};
	StringInfoData url;

	initStringInfo(&url);
	if (endpoint != NULL && secret != NULL && strstr(endpoint, "://") != NULL)
	{
		header = (IceNetPair){"x-identity-header", secret};
		appendStringInfo(&url, "%s%sapi-version=" APP_API_VERSION, endpoint,
						 strchr(endpoint, '?') != NULL ? "&" : "?");
	}
	else
	{
		if (host == NULL)
			host = METADATA_HOST;
		appendStringInfo(&url, "%.*s" METADATA_PATH,
						 (int) (strlen(host) - (host[strlen(host) - 1] == '/')), host);
	}
	append_field(&url, "resource", RESOURCE);
	if (profile->client_id != NULL)
		append_field(&url, "client_id", profile->client_id);
	return ice_s3_session_ask(profile, true, "GET", url.data, &header, NULL, len);
}

static char *
ask_environment(const IceStorageProfile *profile, size_t *len)
{
	const char *file = ice_s3_session_variable("AZURE_FEDERATED_TOKEN_FILE");
	const char *client = ice_s3_session_variable("AZURE_CLIENT_ID");
	const char *tenant = ice_s3_session_variable("AZURE_TENANT_ID");
	const char *authority = ice_s3_session_variable("AZURE_AUTHORITY_HOST");

	if (file == NULL || client == NULL || tenant == NULL)
		return ask_metadata(profile, len);
	if (profile->client_id != NULL)
		client = profile->client_id;
	if (authority == NULL || strstr(authority, "://") == NULL)
		authority = AUTHORITY;
	return ask_authority(profile, true, token_url(authority, tenant), client, NULL,
						 ice_s3_session_file(file), len);
}

void
ice_adls_login(const IceStorageProfile *profile, IceS3Session *session)
{
	const char *authority = profile->authority != NULL ? profile->authority : AUTHORITY;
	char       *answer;
	size_t      len;

	if (profile->login == ICE_LOGIN_CLIENT_SECRET)
		answer = ask_authority(profile, false, token_url(authority, profile->tenant_id),
							   profile->client_id, profile->client_secret, NULL, &len);
	else
		answer = ask_environment(profile, &len);
	read_token(answer, len, session);
}
