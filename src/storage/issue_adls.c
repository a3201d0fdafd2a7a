/*
 * issue_adls.c
 *		Signatures for a table's folder in a store of Azure's. See issue_adls.h.
 *
 * A user delegation key is kept in the process that asked for it, by profile and revision, as long
 * as it outlives what is signed with it, and wiped when it is replaced.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include <time.h>

#include "utils/memutils.h"

#include "errors.h"
#include "guc.h"
#include "storage/issue_adls.h"
#include "storage/net.h"
#include "storage/s3_run.h"
#include "vend/sas.h"

#define EARLIER_S    300 /* clocks differ */
#define SPARE_S      3600
#define KEPT_MAX     16
#define KEY          "UserDelegationKey/"
#define ANSWER_BYTES 16384

/* A key of the store's, for signatures in the name of the server's identity. Texts are in
 * TopMemoryContext; no value: free. */
typedef struct DelegationKey
{
	pg_uuid_t profile;
	int64     revision;
	int64     expires_s; /* since 1970 */
	char     *value;     /* the secret, in base64 */
	char     *object_id, *tenant_id, *starts_at, *expires_at, *service, *version;
} DelegationKey;

static DelegationKey kept[KEPT_MAX];
static int           kept_next; /* the one that is replaced next */

const char *
ice_issue_adls_problem(const IceStorageProfile *profile, const IceVendPlaces *places)
{
	if (profile->login == ICE_LOGIN_NONE)
		return "the storage profile has no key to sign with";
	if (!profile->hierarchical_namespace)
		return "its account has no hierarchical namespace, so nothing is narrower than a container";
	return places->count > 1 ? "it lies in several folders" : NULL;
}

bool
ice_issue_adls_asks(const IceStorageProfile *profile)
{
	return profile->login != ICE_LOGIN_SHARED_KEY;
}

/* -- delegation keys --------------------------------------------------------------------------- */

/* As Azure writes it. */
static char *
time_text(int64 at)
{
	struct tm utc;
	time_t    seconds = (time_t) at;

	gmtime_r(&seconds, &utc);
	return psprintf("%04d-%02d-%02dT%02d:%02d:%02dZ", utc.tm_year + 1900, utc.tm_mon + 1,
					utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

static void
drop(char **text)
{
	if (*text == NULL)
		return;
	explicit_bzero(*text, strlen(*text));
	pfree(*text);
	*text = NULL;
}

/* A text of the answer; raises where there is none. */
static char *
answer_text(const IceS3Call *s3, const char *name)
{
	char *text = ice_s3_call_leaf(&s3->call.net, psprintf(KEY "%s", name));
	char *copy;

	if (text == NULL || text[0] == '\0' || strpbrk(text, "\r\n") != NULL)
		ice_raise(ICE_ERR_STORAGE, "could not %s %s: the answer is no such key", s3->call.action,
				  s3->call.location);
	copy = MemoryContextStrdup(TopMemoryContext, text);
	explicit_bzero(text, strlen(text));
	return copy;
}

/* Takes all or nothing. */
static void
read_key(const IceS3Call *s3, DelegationKey *key)
{
	struct
	{
		const char *name;
		char      **text;
	} texts[] = {{"SignedOid", &key->object_id},
				 {"SignedTid", &key->tenant_id},
				 {"SignedStart", &key->starts_at},
				 {"SignedExpiry", &key->expires_at},
				 {"SignedService", &key->service},
				 {"SignedVersion", &key->version},
				 {"Value", &key->value}};

	drop(&key->value);
	for (size_t i = 0; i < lengthof(texts); i++)
	{
		drop(texts[i].text);
		*texts[i].text = answer_text(s3, texts[i].name);
	}
	key->expires_s = ice_list_answer_time(key->expires_at);
	if (s3->call.net.answer_len > 0)
		explicit_bzero(s3->call.net.answer, s3->call.net.answer_len);
}

/* OneLake takes no key that is good for more than an hour. */
static void
set_request(IceS3Call *s3, int64 now)
{
	bool  is_onelake = strncmp(s3->call.profile->account_host, "onelake.", 8) == 0;
	int64 starts = is_onelake ? now : now - EARLIER_S;
	int64 expires = now + ice_guc_vended_lifetime_s + (is_onelake ? 0 : SPARE_S);
	char *body = psprintf("<?xml version=\"1.0\" encoding=\"utf-8\"?><KeyInfo><Start>%s</Start>"
						  "<Expiry>%s</Expiry></KeyInfo>",
						  time_text(starts), time_text(expires));

	s3->bucket = pstrdup("");
	s3->object = pstrdup("");
	s3->query = "restype=service&comp=userdelegationkey";
	s3->call.net.answer_max = ANSWER_BYTES;
	ice_s3_call_extra(s3, "content-type", "application/xml");
	ice_s3_call_body(s3, body, strlen(body));
}

/* Asks the store, no longer than token services are waited for. */
static void
ask_key(const IceStorageProfile *profile, DelegationKey *key, int64 now)
{
	IceStorageProfile hurried = *profile;
	IceS3Call        *s3 = palloc(sizeof(IceS3Call));

	hurried.request_timeout_ms = Min(profile->request_timeout_ms, ice_guc_sts_timeout_ms);
	hurried.connect_timeout_ms = Min(profile->connect_timeout_ms, ice_guc_sts_timeout_ms);
	ice_s3_run_begin(s3, &hurried, "POST", "get a user delegation key for", profile->root);
	set_request(s3, now);
	ice_s3_run(&hurried, &s3, 1);
	if (s3->call.error != NULL || s3->call.net.status != 200)
		ice_store_call_raise(&s3->call);
	read_key(s3, key);
	key->profile = profile->id;
	key->revision = profile->revision;
}

/* One that outlives what is signed now. */
static const DelegationKey *
delegation_key(const IceStorageProfile *profile, int64 now)
{
	DelegationKey *key = NULL;
	int64          until = now + ice_guc_vended_lifetime_s;

	for (int i = 0; i < KEPT_MAX && key == NULL; i++)
		if (kept[i].value != NULL && kept[i].revision == profile->revision &&
			memcmp(&kept[i].profile, &profile->id, UUID_LEN) == 0)
			key = &kept[i];
	if (key != NULL && key->expires_s >= until)
		return key;
	if (key == NULL)
		key = &kept[kept_next++ % KEPT_MAX];
	ask_key(profile, key, now);
	if (key->expires_s < until)
		ice_raise(ICE_ERR_STORAGE,
				  "The user delegation key of storage profile \"%s\" ends too soon", profile->name);
	return key;
}

/* -- signatures -------------------------------------------------------------------------------- */

void
ice_issue_adls(const IceStorageProfile *profile, const IceVendPlace *place, IceVendAccess access,
			   IceVended *out)
{
	int64       now = (int64) time(NULL);
	int64       expires = now + ice_guc_vended_lifetime_s;
	const char *secret = profile->shared_key;
	char       *signature;
	IceSas      sas = {.account = profile->account,
					   .place = place,
					   .access = access,
					   .starts_at = time_text(now - EARLIER_S),
					   .expires_at = time_text(expires),
					   .http = profile->endpoint != NULL &&
							   strncmp(profile->endpoint, "http://", strlen("http://")) == 0};

	if (ice_issue_adls_asks(profile))
	{
		const DelegationKey *key = delegation_key(profile, now);

		secret = key->value;
		sas.object_id = key->object_id;
		sas.tenant_id = key->tenant_id;
		sas.key_starts_at = key->starts_at;
		sas.key_expires_at = key->expires_at;
		sas.key_service = key->service;
		sas.key_version = key->version;
	}
	signature = secret == NULL ? NULL : ice_net()->mac_by_base64(secret, ice_sas_text(&sas));
	if (signature == NULL)
		ice_raise(ICE_ERR_STORAGE, "The key that storage profile \"%s\" signs with is not base64",
				  profile->name);
	out->token = ice_sas_query(&sas, signature);
	out->expires_at_ms = expires * 1000;
}
