/*
 * issue.c
 *		Has credentials made by a store. See issue.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include <time.h>

#include "common/base64.h"
#include "utils/timestamp.h"

#include "errors.h"
#include "guc.h"
#include "storage/issue.h"
#include "storage/net.h"
#include "vend/sas.h"
#include "vend/sts_answer.h"

#define ANSWER_BYTES_MAX (64 * 1024)
#define SAS_EARLIER_S    300 /* clocks differ */
#define HMAC_BYTES       32

/* -- S3 --------------------------------------------------------------------------------------- */

static char *
policy_of(const IceStorageProfile *profile, const IceIssue *issue)
{
	const char *key = profile->kms_key;

	return ice_sts_policy(issue->places, issue->access, ice_sts_partition(profile->role_arn),
						  key != NULL && strncmp(key, "arn:", 4) == 0 ? key : NULL);
}

static const char *
sts_region(const IceStorageProfile *profile)
{
	return profile->signing_region ? profile->signing_region
		   : profile->region       ? profile->region
								   : "us-east-1";
}

/* With a slash at its end. */
static char *
sts_url(const IceStorageProfile *profile)
{
	const char *region = sts_region(profile);
	const char *endpoint = profile->endpoint_sts ? profile->endpoint_sts : profile->endpoint;

	if (endpoint != NULL)
		return psprintf("%s%s", endpoint, endpoint[strlen(endpoint) - 1] == '/' ? "" : "/");
	return psprintf("https://sts.%s.amazonaws.com%s/", region,
					strncmp(region, "cn-", 3) == 0 ? ".cn" : "");
}

/* Host and port of a URL that ends in a slash. */
static char *
host_of(const char *url)
{
	const char *host = strstr(url, "://") + 3;

	return pnstrdup(host, strcspn(host, "/"));
}

/* The body of AssumeRole. */
static char *
form_of(const IceStorageProfile *profile, const IceIssue *issue)
{
	int           count = list_length(profile->session_tags);
	IceStsTag    *tags = palloc(sizeof(IceStsTag) * Max(count, 1));
	IceStsRequest request = {.role_arn = profile->role_arn,
							 .external_id = profile->external_id,
							 .session_name = ice_sts_session_name(
								 profile->session_name ? profile->session_name : "icecat",
								 issue->principal, issue->request_id),
							 .policy = policy_of(profile, issue),
							 .duration_s = ice_guc_vended_lifetime_s,
							 .tags = tags,
							 .tag_count = count};

	for (int i = 0; i < count; i++)
	{
		const IceSessionTag *tag = list_nth(profile->session_tags, i);

		tags[i] = (IceStsTag){tag->key, tag->value};
	}
	return ice_sts_form(&request);
}

static char *
hex_of(const uint8 *bytes, size_t len)
{
	StringInfoData out;

	initStringInfo(&out);
	for (size_t i = 0; i < len; i++)
		appendStringInfo(&out, "%02x", bytes[i]);
	return out.data;
}

/* Signs the call and makes it. */
static void
ask_sts(const IceStorageProfile *profile, const char *form, IceNetCall *call)
{
	const IceNet   *net = ice_net();
	IceSigv4Key     key = {profile->access_key, profile->secret_key, profile->session_token,
						   sts_region(profile), "sts"};
	uint8           hash[ICE_SHA256_BYTES];
	IceNetPair      headers[2 + ICE_SIGV4_PAIRS];
	IceSigv4Request request = {.method = "POST",
							   .path = "/",
							   .headers = headers,
							   .header_count = 2,
							   .now_s = (int64_t) time(NULL)};

	net->sha256(form, strlen(form), hash);
	request.payload_hash = hex_of(hash, sizeof(hash));
	headers[0] = (IceNetPair){"host", host_of(call->url)};
	headers[1] = (IceNetPair){"content-type", "application/x-www-form-urlencoded"};
	call->headers = headers;
	call->header_count = 2 + net->sigv4_headers(&key, &request, headers + 2);
	call->body = form;
	call->body_len = strlen(form);
	net->run(&call, 1, 1);
	call->headers = NULL;
}

/* Asks the token service; all that it says of a failure is its status and its code. */
static void
issue_s3(const IceStorageProfile *profile, const IceIssue *issue, IceVended *out)
{
	IceNetCall call = {
		.method = "POST",
		.url = sts_url(profile),
		.answer_max = ANSWER_BYTES_MAX,
		.reach = profile->allow_private_endpoints ? ICE_NET_PRIVATE : 0,
		.ca_file = profile->ca_file,
		.connect_timeout_ms = Min(profile->connect_timeout_ms, ice_guc_sts_timeout_ms),
		.timeout_ms = ice_guc_sts_timeout_ms};
	const char *fault;
	const char *answer;
	char       *code;

	ask_sts(profile, form_of(profile, issue), &call);
	if (call.fault != ICE_NET_ANSWERED)
		ice_raise(ICE_ERR_STORAGE, "The token service of storage profile %s: %s", profile->name,
				  call.error);
	answer = call.answer != NULL ? call.answer : "";
	code = ice_sts_answer_error(answer);
	if (call.status != 200)
		ice_raise(ICE_ERR_STORAGE, "The token service of storage profile %s answers %d%s%s",
				  profile->name, call.status, code ? " " : "", code ? code : "");
	fault = ice_sts_answer(answer, out);
	if (call.answer != NULL)
		explicit_bzero(call.answer, call.answer_len);
	if (fault != NULL)
		ice_raise(ICE_ERR_STORAGE, "The answer of the token service of storage profile %s: %s",
				  profile->name, fault);
}

/* -- ADLS ------------------------------------------------------------------------------------- */

/* As Azure writes it. */
static char *
time_text(pg_time_t at)
{
	struct tm utc;
	char      text[32];
	time_t    seconds = (time_t) at;

	gmtime_r(&seconds, &utc);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
	return pstrdup(text);
}

/* PostgreSQL 18 takes bytes where others take characters; both take what is neither. */
static char *
sign_by_account(const char *shared_key, const char *text)
{
	int   key_max = pg_b64_dec_len((int) strlen(shared_key));
	char *key = palloc(key_max);
	int   key_len = pg_b64_decode(shared_key, (int) strlen(shared_key), (void *) key, key_max);
	uint8 mac[HMAC_BYTES];
	int   room = pg_b64_enc_len(HMAC_BYTES);
	char *signature = palloc0(room + 1);

	if (key_len < 0)
		ice_raise(ICE_ERR_STORAGE, "The shared key of a storage profile is not Base64");
	ice_net()->hmac_sha256(key, key_len, text, strlen(text), mac);
	explicit_bzero(key, key_max);
	if (pg_b64_encode((void *) mac, HMAC_BYTES, signature, room) < 0)
		elog(ERROR, "a signature is larger than it can be");
	return signature;
}

static void
issue_adls(const IceStorageProfile *profile, const IceIssue *issue, IceVended *out)
{
	pg_time_t now = (pg_time_t) time(NULL);
	IceSas    sas = {.account = profile->account,
					 .place = &issue->places->items[0],
					 .access = issue->access,
					 .starts_at = time_text(now - SAS_EARLIER_S),
					 .expires_at = time_text(now + ice_guc_vended_lifetime_s),
					 .http = profile->endpoint != NULL &&
							 strncmp(profile->endpoint, "http://", strlen("http://")) == 0};

	out->token = ice_sas_query(&sas, sign_by_account(profile->shared_key, ice_sas_text(&sas)));
	out->expires_at_ms = (int64) (now + ice_guc_vended_lifetime_s) * 1000;
}

/* -- all -------------------------------------------------------------------------------------- */

const char *
ice_issue_problem(const IceStorageProfile *profile, const IceIssue *issue)
{
	if (issue->places->count == 0)
		return "the table's location cannot be narrowed to";
	switch (profile->kind)
	{
		case ICE_STORE_S3:
			if (profile->login != ICE_LOGIN_KEYS && profile->login != ICE_LOGIN_ASSUME_ROLE)
				return "the storage profile has no key to ask its token service with";
			if (profile->role_arn == NULL && profile->flavor != NULL &&
				strcmp(profile->flavor, "aws") == 0)
				return "the storage profile has no role-arn";
			return ice_sts_policy_too_large(policy_of(profile, issue))
					   ? "the session policy of its location would be larger than a token service "
						 "takes"
					   : NULL;
		case ICE_STORE_ADLS:
			if (profile->login != ICE_LOGIN_SHARED_KEY)
				return "the storage profile has no shared key to sign with";
			return issue->places->count > 1 ? "it lies in several folders" : NULL;
		default:
			return "nothing is vended for its kind of store";
	}
}

char *
ice_issue_scope(const IceStorageProfile *profile, const IceIssue *issue)
{
	StringInfoData out;

	if (profile->kind == ICE_STORE_S3)
		return psprintf("%d %s", ice_guc_vended_lifetime_s, policy_of(profile, issue));
	initStringInfo(&out);
	appendStringInfo(&out, "%d %d", ice_guc_vended_lifetime_s, (int) issue->access);
	for (int i = 0; i < issue->places->count; i++)
		appendStringInfo(&out, " %s", issue->places->items[i].location);
	return out.data;
}

void
ice_issue(const IceStorageProfile *profile, const IceIssue *issue, IceVended *out)
{
	memset(out, 0, sizeof(*out));
	if (profile->kind == ICE_STORE_S3)
		issue_s3(profile, issue, out);
	else
		issue_adls(profile, issue, out);
}
