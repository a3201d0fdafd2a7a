/*
 * issue.c
 *		Has credentials made by a store. See issue.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include <time.h>

#include "utils/timestamp.h"

#include "errors.h"
#include "guc.h"
#include "storage/gcs_login.h"
#include "storage/issue.h"
#include "storage/issue_adls.h"
#include "storage/s3_login.h"
#include "storage/store_call.h"
#include "vend/gcs_scope.h"
#include "vend/sts_answer.h"

#define ANSWER_BYTES_MAX (64 * 1024)
#define GCS_STS_ENDPOINT "https://sts.googleapis.com"
#define GCS_STS_PATH     "/v1/token"

/* -- what S3 is asked ------------------------------------------------------------------------- */

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

/* -- asking ----------------------------------------------------------------------------------- */

/* What has been asked, and what came of it. */
typedef struct Asking
{
	const IceStorageProfile *profile;
	IceIssueOutcome          outcome;
	char                   **why;
} Asking;

static const char *
fail(Asking *asking, IceIssueOutcome outcome, const char *what)
{
	asking->outcome = outcome;
	*asking->why = psprintf("The token service of storage profile %s %s", asking->profile->name,
							what);
	return NULL;
}

/* The profile with the times that a call may wait: what logs the server in takes them from it. */
static IceStorageProfile
hurried(const IceStorageProfile *profile)
{
	IceStorageProfile quick = *profile;

	quick.connect_timeout_ms = Min(quick.connect_timeout_ms, ice_guc_sts_timeout_ms);
	quick.request_timeout_ms = Min(quick.request_timeout_ms, ice_guc_sts_timeout_ms);
	quick.retries_max = 0;
	return quick;
}

/* Posts a form, once; what is answered with status 200. Of a failure only its status and its code
 * are told. NULL: it failed. */
static const char *
post(Asking *asking, IceNetCall *call, const char *form, char *(*code_of)(const char *) )
{
	const IceStorageProfile *profile = asking->profile;
	const char              *code;
	bool                     down;

	call->method = "POST";
	call->body = form;
	call->body_len = strlen(form);
	call->answer_max = ANSWER_BYTES_MAX;
	call->reach = profile->allow_private_endpoints ? ICE_NET_PRIVATE : 0;
	call->ca_file = profile->ca_file;
	call->connect_timeout_ms = Min(profile->connect_timeout_ms, ice_guc_sts_timeout_ms);
	call->timeout_ms = ice_guc_sts_timeout_ms;
	ice_net()->run(&call, 1, 1);
	call->headers = NULL;
	if (call->fault != ICE_NET_ANSWERED)
		return fail(asking, ICE_ISSUE_DOWN, psprintf("does not answer: %s", call->error));
	if (call->answer == NULL)
		call->answer = pstrdup("");
	if (call->status == 200)
		return call->answer;
	code = code_of(call->answer);
	down = call->status >= 500 || call->status == 429 || call->status == 408;
	return fail(asking, down ? ICE_ISSUE_DOWN : ICE_ISSUE_REFUSED,
				psprintf("answers %d%s%s", call->status, code ? " " : "", code ? code : ""));
}

static void
wipe(const IceNetCall *call)
{
	if (call->answer != NULL && call->answer_len > 0)
		explicit_bzero(call->answer, call->answer_len);
}

/* -- S3 --------------------------------------------------------------------------------------- */

/* The key that the call is signed with: one of the profile, or of what the server runs on. */
static bool
log_in(Asking *asking, IceSigv4Key *key)
{
	MemoryContext     context = CurrentMemoryContext;
	IceStorageProfile quick = hurried(asking->profile);
	volatile bool     known = false;

	PG_TRY();
	{
		known = ice_s3_login_assuming(&quick, key) && key->access_key != NULL;
		if (!known)
			fail(asking, ICE_ISSUE_REFUSED, "cannot be asked: there is no key to do it with");
	}
	PG_CATCH();
	{
		/* Nothing but requests, which leave nothing to be rolled back. */
		fail(asking, ICE_ISSUE_DOWN,
			 psprintf("cannot be asked: %s", ice_store_call_caught(context)));
	}
	PG_END_TRY();
	return known;
}

/* AssumeRole. */
static void
issue_s3(Asking *asking, const IceIssue *issue, IceVended *out)
{
	const IceNet   *net = ice_net();
	const char     *form = form_of(asking->profile, issue);
	IceNetCall      call = {.url = sts_url(asking->profile)};
	IceSigv4Key     key = {.access_key = NULL};
	uint8           hash[ICE_SHA256_BYTES];
	IceNetPair      headers[2 + ICE_SIGV4_PAIRS];
	IceSigv4Request request = {.method = "POST",
							   .path = "/",
							   .headers = headers,
							   .header_count = 2,
							   .now_s = (int64_t) time(NULL)};
	const char     *answer;
	const char     *fault;

	if (!log_in(asking, &key))
		return;
	key.region = sts_region(asking->profile);
	key.service = "sts";
	net->sha256(form, strlen(form), hash);
	request.payload_hash = hex_of(hash, sizeof(hash));
	headers[0] = (IceNetPair){"host", host_of(call.url)};
	headers[1] = (IceNetPair){"content-type", "application/x-www-form-urlencoded"};
	call.headers = headers;
	call.header_count = 2 + net->sigv4_headers(&key, &request, headers + 2);
	answer = post(asking, &call, form, ice_sts_answer_error);
	if (answer == NULL)
		return;
	fault = ice_sts_answer(answer, out);
	wipe(&call);
	if (fault != NULL)
		fail(asking, ICE_ISSUE_DOWN, psprintf("answers, but %s", fault));
}

/* -- GCS -------------------------------------------------------------------------------------- */

/* With the path of the exchange. */
static char *
exchange_url(const IceStorageProfile *profile)
{
	const char *endpoint = profile->endpoint_sts ? profile->endpoint_sts : GCS_STS_ENDPOINT;
	int         len = (int) strlen(endpoint);

	return psprintf("%.*s" GCS_STS_PATH, endpoint[len - 1] == '/' ? len - 1 : len, endpoint);
}

/* The server's own token for a narrower one, which ends with it at the latest. */
static void
issue_gcs(Asking *asking, const IceIssue *issue, IceVended *out)
{
	static const IceNetPair header = {"content-type", "application/x-www-form-urlencoded"};
	MemoryContext           context = CurrentMemoryContext;
	IceStorageProfile       quick = hurried(asking->profile);
	IceNetCall call = {.url = exchange_url(asking->profile), .headers = &header, .header_count = 1};
	IceS3Session session;
	const char  *answer;

	PG_TRY();
	{
		ice_gcs_login(&quick, &session);
		answer =
			post(asking, &call,
				 ice_gcs_scope_exchange_form(session.session_token,
											 ice_gcs_scope_boundary(issue->places, issue->access)),
				 ice_gcs_scope_error);
		if (answer != NULL)
			ice_gcs_scope_answer(answer, (int64) time(NULL), session.expires_s, out);
	}
	PG_CATCH();
	{
		/* Requests, and the reading of what they bring: nothing to be rolled back. */
		fail(asking, ICE_ISSUE_DOWN, psprintf("fails: %s", ice_store_call_caught(context)));
	}
	PG_END_TRY();
	wipe(&call);
}

/* -- ADLS ------------------------------------------------------------------------------------- */

/* Where the server logs in by a token, the store is asked for the key that signs. */
static void
issue_adls(Asking *asking, const IceIssue *issue, IceVended *out)
{
	MemoryContext     context = CurrentMemoryContext;
	IceStorageProfile quick = hurried(asking->profile);

	if (!ice_issue_adls_asks(asking->profile))
	{
		ice_issue_adls(asking->profile, &issue->places->items[0], issue->access, out);
		return;
	}
	PG_TRY();
	{
		ice_issue_adls(&quick, &issue->places->items[0], issue->access, out);
	}
	PG_CATCH();
	{
		/* Requests, and the reading of what they bring: nothing to be rolled back. */
		fail(asking, ICE_ISSUE_DOWN, psprintf("fails: %s", ice_store_call_caught(context)));
	}
	PG_END_TRY();
}

/* -- all -------------------------------------------------------------------------------------- */

static const char *
problem_of_s3(const IceStorageProfile *profile, const IceIssue *issue)
{
	bool aws = profile->flavor != NULL && strcmp(profile->flavor, "aws") == 0;

	if (profile->login == ICE_LOGIN_NONE)
		return "the storage profile logs in as nobody, and so cannot ask its token service";
	if (profile->role_arn == NULL && aws)
		return "the storage profile has no role-arn";
	if (!aws && ice_sts_needs_escapes(issue->places))
		return "its location has a '*', '?' or '$', which only AWS can be told of";
	return ice_sts_policy_too_large(policy_of(profile, issue))
			   ? "the session policy of its location would be larger than a token service takes"
			   : NULL;
}

const char *
ice_issue_problem(const IceStorageProfile *profile, const IceIssue *issue)
{
	if (issue->places->count == 0)
		return "the table's location cannot be narrowed to";
	switch (profile->kind)
	{
		case ICE_STORE_S3:
			return problem_of_s3(profile, issue);
		case ICE_STORE_ADLS:
			return ice_issue_adls_problem(profile, issue->places);
		case ICE_STORE_GCS:
			if (profile->login == ICE_LOGIN_NONE)
				return "the storage profile has no account whose token could be narrowed";
			return issue->places->count > ICE_GCS_RULES_MAX
					   ? "it lies in more folders than an access boundary has rules"
					   : NULL;
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
	if (profile->kind == ICE_STORE_GCS)
		return ice_gcs_scope_boundary(issue->places, issue->access);
	initStringInfo(&out);
	appendStringInfo(&out, "%d %d", ice_guc_vended_lifetime_s, (int) issue->access);
	for (int i = 0; i < issue->places->count; i++)
		appendStringInfo(&out, " %s", issue->places->items[i].location);
	return out.data;
}

bool
ice_issue_asks(const IceStorageProfile *profile)
{
	return profile->kind != ICE_STORE_ADLS || ice_issue_adls_asks(profile);
}

IceIssueOutcome
ice_issue(const IceStorageProfile *profile, const IceIssue *issue, IceVended *out, char **why)
{
	Asking asking = {profile, ICE_ISSUED, why};

	memset(out, 0, sizeof(*out));
	if (profile->kind == ICE_STORE_S3)
		issue_s3(&asking, issue, out);
	else if (profile->kind == ICE_STORE_GCS)
		issue_gcs(&asking, issue, out);
	else
		issue_adls(&asking, issue, out);
	return asking.outcome;
}
