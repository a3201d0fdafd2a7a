/*
 * s3_login.c
 *		Whose key the server signs its requests to an S3 store with. See s3_login.h.
 *
 * Temporary keys are kept in the process that asked for them, by profile and revision, and wiped
 * when they are replaced.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include <time.h>

#include "utils/memutils.h"

#include "errors.h"
#include "storage/adls_login.h"
#include "storage/gcs_login.h"
#include "storage/s3_call.h"
#include "storage/s3_login.h"
#include "storage/s3_session.h"

#define KEPT_MAX     64
#define BEFORE_END_S 300 /* so long before its end a key is replaced */
#define SESSION_S    3600

typedef struct Kept
{
	pg_uuid_t    profile;
	int64        revision;
	IceS3Session session; /* in TopMemoryContext; no access_key: free */
} Kept;

static Kept kept[KEPT_MAX];
static int  kept_next; /* the one that is replaced next */

/* -- what is kept ------------------------------------------------------------------------------ */

static void
wipe(char **text)
{
	if (*text == NULL)
		return;
	explicit_bzero(*text, strlen(*text));
	pfree(*text);
	*text = NULL;
}

static void
drop(Kept *entry)
{
	wipe(&entry->session.access_key);
	wipe(&entry->session.secret_key);
	wipe(&entry->session.session_token);
}

static Kept *
find(const IceStorageProfile *profile)
{
	for (int i = 0; i < KEPT_MAX; i++)
		if (kept[i].session.access_key != NULL && kept[i].revision == profile->revision &&
			memcmp(&kept[i].profile, &profile->id, UUID_LEN) == 0)
			return &kept[i];
	return NULL;
}

static Kept *
keep(const IceStorageProfile *profile, const IceS3Session *session)
{
	Kept *entry = find(profile);

	if (entry == NULL)
		entry = &kept[kept_next++ % KEPT_MAX];
	drop(entry);
	entry->profile = profile->id;
	entry->revision = profile->revision;
	entry->session.expires_s = session->expires_s;
	entry->session.secret_key = MemoryContextStrdup(TopMemoryContext, session->secret_key);
	entry->session.session_token = MemoryContextStrdup(TopMemoryContext, session->session_token);
	entry->session.access_key = MemoryContextStrdup(TopMemoryContext, session->access_key);
	return entry;
}

/* -- logins ------------------------------------------------------------------------------------ */

static void
append_field(StringInfo form, const char *name, const char *value)
{
	appendStringInfo(form, "&%s=%s", name, ice_s3_call_encode(value, false));
}

static const char *
session_name(const IceStorageProfile *profile)
{
	return profile->session_name != NULL ? profile->session_name : "icecat";
}

/* Sets the key that the profile holds. */
static void
own_key(const IceStorageProfile *profile, IceSigv4Key *key)
{
	if (profile->login == ICE_LOGIN_SHARED_KEY)
	{
		key->access_key = profile->account;
		key->secret_key = profile->shared_key;
		return;
	}
	key->access_key = profile->access_key;
	key->secret_key = profile->secret_key;
	key->session_token = profile->session_token;
}

static void
session_key(const IceS3Session *session, IceSigv4Key *key)
{
	key->access_key = pstrdup(session->access_key);
	key->secret_key = pstrdup(session->secret_key);
	key->session_token = pstrdup(session->session_token);
}

static void
web_identity(const IceStorageProfile *profile, IceS3Session *session)
{
	const char    *file = ice_s3_session_variable("AWS_WEB_IDENTITY_TOKEN_FILE");
	const char    *role = profile->role_arn != NULL ? profile->role_arn
													: ice_s3_session_variable("AWS_ROLE_ARN");
	StringInfoData form;

	if (file == NULL || role == NULL)
		ice_raise(ICE_ERR_STORAGE,
				  "Login web-identity needs AWS_WEB_IDENTITY_TOKEN_FILE, and a role "
				  "or AWS_ROLE_ARN, in the environment of the server");
	initStringInfo(&form);
	appendStringInfo(
		&form, "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&DurationSeconds=%d", SESSION_S);
	append_field(&form, "RoleArn", role);
	append_field(&form, "RoleSessionName", session_name(profile));
	append_field(&form, "WebIdentityToken", ice_s3_session_file(file));
	ice_s3_session_sts(profile, "AssumeRoleWithWebIdentity", form.data, NULL, session);
}

/* What the server runs on, as its environment tells. */
static void
ambient(const IceStorageProfile *profile, IceS3Session *session)
{
	if (ice_s3_session_variable("AWS_CONTAINER_CREDENTIALS_FULL_URI") != NULL ||
		ice_s3_session_variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") != NULL)
		ice_s3_session_container(profile, session);
	else if (ice_s3_session_variable("AWS_WEB_IDENTITY_TOKEN_FILE") != NULL &&
			 ice_s3_session_variable("AWS_ROLE_ARN") != NULL)
	{
		/* The role of the environment, not the one that will be assumed. */
		IceStorageProfile as_server = *profile;

		as_server.role_arn = NULL;
		web_identity(&as_server, session);
	}
	else
		ice_s3_session_instance(profile, session);
}

static void
set_region(const IceStorageProfile *profile, IceSigv4Key *key)
{
	key->service = "s3";
	key->region = profile->signing_region != NULL ? profile->signing_region
				  : profile->region != NULL       ? profile->region
												  : "us-east-1";
}

bool
ice_s3_login_assuming(const IceStorageProfile *profile, IceSigv4Key *key)
{
	IceS3Session session;

	if (profile->login != ICE_LOGIN_ASSUME_ROLE)
		return ice_s3_login_get(profile, key);
	*key = (IceSigv4Key){.access_key = NULL};
	set_region(profile, key);
	if (profile->access_key != NULL)
	{
		own_key(profile, key);
		return true;
	}
	ambient(profile, &session);
	session_key(&session, key);
	return true;
}

void
ice_s3_login_assume(const IceStorageProfile *profile, const char *form, IceS3Session *session)
{
	IceSigv4Key key;

	if (!ice_s3_login_assuming(profile, &key))
		ice_raise(ICE_ERR_STORAGE, "Storage profile \"%s\" has no login to assume a role with",
				  profile->name);
	ice_s3_session_sts(profile, "AssumeRole", form, &key, session);
}

/* The role of the profile, with all that it says of the session. */
static void
assume_role(const IceStorageProfile *profile, IceS3Session *session)
{
	StringInfoData form;
	ListCell      *cell;
	int            n = 0;

	initStringInfo(&form);
	appendStringInfo(&form, "Action=AssumeRole&Version=2011-06-15&DurationSeconds=%d", SESSION_S);
	if (profile->role_arn != NULL)
		append_field(&form, "RoleArn", profile->role_arn);
	append_field(&form, "RoleSessionName", session_name(profile));
	if (profile->external_id != NULL)
		append_field(&form, "ExternalId", profile->external_id);
	foreach (cell, profile->session_tags)
	{
		const IceSessionTag *tag = lfirst(cell);

		n++;
		append_field(&form, psprintf("Tags.member.%d.Key", n), tag->key);
		append_field(&form, psprintf("Tags.member.%d.Value", n), tag->value);
	}
	ice_s3_login_assume(profile, form.data, session);
}

bool
ice_s3_login_get(const IceStorageProfile *profile, IceSigv4Key *key)
{
	Kept        *entry = find(profile);
	IceS3Session session;

	*key = (IceSigv4Key){.access_key = NULL};
	set_region(profile, key);
	if (profile->login == ICE_LOGIN_NONE)
		return false;
	if (profile->login == ICE_LOGIN_KEYS || profile->login == ICE_LOGIN_SHARED_KEY)
	{
		own_key(profile, key);
		return true;
	}
	if (entry == NULL || entry->session.expires_s - BEFORE_END_S <= (int64) time(NULL))
	{
		if (profile->login == ICE_LOGIN_ASSUME_ROLE)
			assume_role(profile, &session);
		else if (profile->login == ICE_LOGIN_WEB_IDENTITY)
			web_identity(profile, &session);
		else if (profile->login == ICE_LOGIN_CONTAINER)
			ice_s3_session_container(profile, &session);
		else if (profile->kind == ICE_STORE_GCS)
			ice_gcs_login(profile, &session);
		else if (profile->kind == ICE_STORE_ADLS)
			ice_adls_login(profile, &session);
		else
			ice_s3_session_instance(profile, &session);
		entry = keep(profile, &session);
	}
	session_key(&entry->session, key);
	return true;
}

bool
ice_s3_login_forget(const IceStorageProfile *profile)
{
	Kept *entry = find(profile);

	if (entry == NULL)
		return false;
	drop(entry);
	return true;
}
