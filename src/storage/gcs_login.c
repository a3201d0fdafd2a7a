/*
 * gcs_login.c
 *		The token that the server shows to Google's store. See gcs_login.h.
 *
 * A service account signs a request for a token with its private key (RFC 7523). Where that is
 * asked is the profile's token-uri or Google's, never what the account's JSON says: that was given
 * by the profile's owner and passed no list of endpoints.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include <time.h>

#include "errors.h"
#include "json/json.h"
#include "storage/gcs_login.h"
#include "storage/s3_call.h"

#define TOKEN_ENDPOINT "https://oauth2.googleapis.com"
#define TOKEN_PATH     "/token"
#define SCOPE          "https://www.googleapis.com/auth/devstorage.read_write"
#define GRANT          "urn:ietf:params:oauth:grant-type:jwt-bearer"
#define METADATA_HOST  "metadata.google.internal"
#define METADATA_PATH  "/computeMetadata/v1/instance/service-accounts/default/token"
#define ASSERTION_S    3600
#define LIFETIME_S_MAX 86400
#define DEPTH_MAX      16

/* Base64 as JWTs have it. */
static char *
base64url(const void *bytes, size_t len)
{
	char *text = ice_s3_call_base64(bytes, len);

	for (char *c = text; *c != '\0'; c++)
		if (*c == '=')
		{
			*c = '\0';
			break;
		}
		else
			*c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
	return text;
}

static char *
json_part(const IceJson *object)
{
	char *text = ice_json_text(object);

	return base64url(text, strlen(text));
}

static void
set_text(IceJson *object, const char *name, const char *value)
{
	ice_json_set(object, name, ice_json_make_string(value));
}

/* The request for a token, signed by the account. */
static char *
assertion(const char *account_json, const char *audience)
{
	IceJson    *account = ice_json_parse(account_json, strlen(account_json), DEPTH_MAX);
	const char *email = ice_json_string(account, "client_email");
	const char *key = ice_json_string(account, "private_key");
	const char *key_id = ice_json_opt_string(account, "private_key_id");
	IceJson    *head = ice_json_make_object();
	IceJson    *claims = ice_json_make_object();
	int64       now = (int64) time(NULL);
	char       *text;
	uint8      *signature;
	size_t      len;

	set_text(head, "alg", "RS256");
	set_text(head, "typ", "JWT");
	if (key_id != NULL)
		set_text(head, "kid", key_id);
	set_text(claims, "iss", email);
	set_text(claims, "scope", SCOPE);
	set_text(claims, "aud", audience);
	ice_json_set(claims, "iat", ice_json_make_int(now));
	ice_json_set(claims, "exp", ice_json_make_int(now + ASSERTION_S));
	text = psprintf("%s.%s", json_part(head), json_part(claims));
	signature = ice_net()->rs256(key, text, strlen(text), &len);
	if (signature == NULL)
		ice_raise(ICE_ERR_STORAGE, "The private key of the service account is no RSA key");
	return psprintf("%s.%s", text, base64url(signature, len));
}

/* Reads {"access_token": …, "expires_in": …}. */
static void
read_token(const char *answer, size_t len, IceS3Session *session)
{
	IceJson *object = ice_json_parse(answer, len, DEPTH_MAX);
	int64    lasts_s = 0;

	*session = (IceS3Session){.access_key = pstrdup("token"), .secret_key = pstrdup("")};
	session->session_token = pstrdup(ice_json_string(object, "access_token"));
	(void) ice_json_opt_int64(object, "expires_in", &lasts_s);
	session->expires_s = (int64) time(NULL) + Min(Max(lasts_s, 0), LIFETIME_S_MAX);
	for (const char *c = session->session_token; *c != '\0'; c++)
		if (*c < '!' || *c > '~')
			ice_raise(ICE_ERR_STORAGE, "The answer to the request for a token has none");
}

void
ice_gcs_login(const IceStorageProfile *profile, IceS3Session *session)
{
	const char *host = ice_s3_session_variable("GCE_METADATA_HOST");
	IceNetPair  header = {"metadata-flavor", "Google"};
	const char *url;
	char       *answer;
	size_t      len;

	if (profile->login == ICE_LOGIN_METADATA_SERVER)
		answer = ice_s3_session_ask(
			profile, true, "GET",
			psprintf("http://%s" METADATA_PATH, host != NULL ? host : METADATA_HOST), &header, NULL,
			&len);
	else
	{
		url = psprintf("%s" TOKEN_PATH,
					   profile->token_uri != NULL ? profile->token_uri : TOKEN_ENDPOINT);
		header = (IceNetPair){"content-type", "application/x-www-form-urlencoded"};
		answer = ice_s3_session_ask(profile, false, "POST", url, &header,
									psprintf("grant_type=%s&assertion=%s",
											 ice_s3_call_encode(GRANT, false),
											 assertion(profile->service_account_json, url)),
									&len);
	}
	read_token(answer, len, session);
}
