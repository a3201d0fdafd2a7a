/*
 * profile.c
 *		Storage profiles: their options, and what they must hold. See profile.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include <ctype.h>

#include "errors.h"
#include "storage/profile.h"
#include "pg_compat.h"

#define BUCKET_BYTES_MAX  63
#define OPTION_BYTES_MAX  65536 /* a service account's key has 2,400 */
#define TAGS_MAX          50    /* of STS */
#define ENDPOINT_HOST_MAX 253
#define PORT_MAX          65535

#define ICE_PROFILE_OPTION(name, kinds, type, member, guarded, meaning) \
	{name, kinds, ICE_PROFILE_##type, offsetof(struct IceStorageProfile, member), guarded},

static const IceProfileOption options[] = {
#include "storage/profile_option.def"
};

static const char *const logins[] = {
	[ICE_LOGIN_NONE] = "none",
	[ICE_LOGIN_KEYS] = "keys",
	[ICE_LOGIN_ASSUME_ROLE] = "assume-role",
	[ICE_LOGIN_INSTANCE] = "instance",
	[ICE_LOGIN_WEB_IDENTITY] = "web-identity",
	[ICE_LOGIN_CONTAINER] = "container",
	[ICE_LOGIN_SERVICE_ACCOUNT] = "service-account",
	[ICE_LOGIN_METADATA_SERVER] = "metadata-server",
	[ICE_LOGIN_SHARED_KEY] = "shared-key",
	[ICE_LOGIN_CLIENT_SECRET] = "client-secret",
	[ICE_LOGIN_MANAGED_IDENTITY] = "managed-identity",
};

#define LOGIN(login) (1 << ICE_LOGIN_##login)

static const int logins_of[] = {
	[ICE_STORE_FILE] = LOGIN(NONE),
	[ICE_STORE_S3] = LOGIN(NONE) | LOGIN(KEYS) | LOGIN(ASSUME_ROLE) | LOGIN(INSTANCE) |
					 LOGIN(WEB_IDENTITY) | LOGIN(CONTAINER),
	[ICE_STORE_GCS] = LOGIN(NONE) | LOGIN(SERVICE_ACCOUNT) | LOGIN(METADATA_SERVER),
	[ICE_STORE_ADLS] = LOGIN(NONE) | LOGIN(SHARED_KEY) | LOGIN(CLIENT_SECRET) |
					   LOGIN(MANAGED_IDENTITY),
};

const IceProfileOption *
ice_profile_option(IceStoreKind kind, const char *name)
{
	for (size_t i = 0; i < lengthof(options); i++)
		if ((options[i].kinds & (1 << kind)) && strcmp(options[i].name, name) == 0)
			return &options[i];
	return NULL;
}

const IceProfileOption *
ice_profile_option_at(int number)
{
	return number < (int) lengthof(options) ? &options[number] : NULL;
}

/* -- roots ------------------------------------------------------------------------------------ */

int
ice_profile_kind(const char *location)
{
	static const struct
	{
		const char  *scheme;
		IceStoreKind kind;
	} schemes[] = {{"file:", ICE_STORE_FILE},    {"s3://", ICE_STORE_S3},
				   {"s3a://", ICE_STORE_S3},     {"s3n://", ICE_STORE_S3},
				   {"gs://", ICE_STORE_GCS},     {"abfs://", ICE_STORE_ADLS},
				   {"abfss://", ICE_STORE_ADLS}, {"wasb://", ICE_STORE_ADLS},
				   {"wasbs://", ICE_STORE_ADLS}, {"/", ICE_STORE_FILE}};

	for (size_t i = 0; i < lengthof(schemes); i++)
		if (pg_strncasecmp(location, schemes[i].scheme, strlen(schemes[i].scheme)) == 0)
			return (int) schemes[i].kind;
	return -1;
}

static void
pg_attribute_noreturn() refuse_root(const char *root, const char *why)
{
	ice_raise_full(ICE_ERR_BAD_REQUEST, psprintf("Not a root of a storage profile: %s", root), why,
				   NULL);
}

/* The name of a bucket or container: what it has in common on all stores. */
static bool
is_bucket(const char *name, size_t len)
{
	if (len < 3 || len > BUCKET_BYTES_MAX || !isalnum((unsigned char) name[0]) ||
		!isalnum((unsigned char) name[len - 1]))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!islower((unsigned char) name[i]) && !isdigit((unsigned char) name[i]) &&
			strchr(".-_", name[i]) == NULL)
			return false;
	return true;
}

/* Empty levels and steps are different keys to a store, and the same to some clients. */
static bool
is_plain_path(const char *path)
{
	while (*path == '/')
	{
		size_t len = strcspn(path + 1, "/");

		if (len == 0 || (len == 1 && path[1] == '.') ||
			(len == 2 && path[1] == '.' && path[2] == '.'))
			return false;
		path += len + 1;
	}
	return true;
}

void
ice_profile_check_root(const char *root)
{
	int         kind = ice_profile_kind(root);
	const char *bucket = strstr(root, "://");
	size_t      authority;
	size_t      len;

	if (kind < 0)
		refuse_root(root, "Expected s3://, gs://, abfss://, wasbs:// or file:///.");
	for (const char *p = root; *p != '\0'; p++)
		if ((unsigned char) *p < 0x20 || *p == 0x7f)
			refuse_root("", "It holds control characters.");
	if (kind == ICE_STORE_FILE)
		return;
	bucket += 3;
	authority = strcspn(bucket, "/");
	len = authority;
	if (kind == ICE_STORE_ADLS)
	{
		len = strcspn(bucket, "@/");
		if (bucket[len] != '@' || strchr(bucket, '.') == NULL)
			refuse_root(root, "Expected abfss://CONTAINER@ACCOUNT.HOST/PATH.");
	}
	if (!is_bucket(bucket, len))
		refuse_root(root, "A bucket or container has 3 to 63 of a-z, 0-9, point, _ and -.");
	if (!is_plain_path(bucket + authority))
		refuse_root(root, "A level of its path is empty, \".\" or \"..\".");
}

/* -- values ----------------------------------------------------------------------------------- */

static void
pg_attribute_noreturn() refuse_value(const IceProfileOption *option, const char *expected)
{
	ice_raise_full(ICE_ERR_BAD_REQUEST,
				   psprintf("Invalid value of option %s of a storage profile", option->name),
				   expected, NULL);
}

bool
ice_profile_endpoint(const char *endpoint, char **host, int *port)
{
	const char *p = endpoint;
	size_t      len;
	char       *end = NULL;

	if (strncmp(p, "https://", 8) == 0)
		p += 8;
	else if (strncmp(p, "http://", 7) == 0)
		p += 7;
	else
		return false;
	if (*p == '[') /* IPv6 */
		len = strspn(p + 1, "0123456789abcdefABCDEF:.") + 2;
	else
		len = strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-");
	if (len == 0 || len > ENDPOINT_HOST_MAX || (*p == '[' && p[len - 1] != ']'))
		return false;
	*host = pnstrdup(p, len);
	for (char *c = *host; *c != '\0'; c++)
		*c = (char) pg_tolower((unsigned char) *c);
	p += len;
	*port = 0;
	if (*p == ':')
	{
		if (!isdigit((unsigned char) p[1]))
			return false;
		*port = (int) Min(strtol(p + 1, &end, 10), PORT_MAX + 1);
		p = end;
		if (*port < 1 || *port > PORT_MAX)
			return false;
	}
	return *p == '\0' || strcmp(p, "/") == 0;
}

static IceStoreLogin
parse_login(const IceStorageProfile *profile, const IceProfileOption *option, const char *value)
{
	for (size_t i = 0; i < lengthof(logins); i++)
		if (strcmp(value, logins[i]) == 0 && (logins_of[profile->kind] & (1 << i)))
			return (IceStoreLogin) i;
	refuse_value(option,
				 profile->kind == ICE_STORE_S3
					 ? "Expected keys, assume-role, instance, web-identity, container or none."
				 : profile->kind == ICE_STORE_GCS
					 ? "Expected service-account, metadata-server or none."
					 : "Expected shared-key, client-secret, managed-identity or none.");
}

/* KEY=VALUE, … */
static List *
parse_tags(const IceProfileOption *option, const char *value)
{
	char *rest = pstrdup(value);
	char *pair;
	List *tags = NIL;

	while ((pair = strsep(&rest, ",")) != NULL)
	{
		IceSessionTag *tag = palloc(sizeof(IceSessionTag));
		char          *equals = strchr(pair, '=');

		if (equals == NULL || equals == pair || list_length(tags) == TAGS_MAX)
			refuse_value(option, "Expected at most 50 of KEY=VALUE, separated by commas.");
		*equals = '\0';
		tag->key = pair;
		tag->value = equals + 1;
		tags = lappend(tags, tag);
	}
	return tags;
}

/* Limits of the numbers, by their names. */
static int
parse_number(const IceProfileOption *option, const char *value)
{
	bool  is_retries = strcmp(option->name, "retries-max") == 0;
	int   least = is_retries ? 0 : 100;
	int   most = is_retries ? 20 : strcmp(option->name, "connect-timeout-ms") == 0 ? 60000 : 600000;
	char *end;
	long  number = strtol(value, &end, 10);

	if (!isdigit((unsigned char) *value) || *end != '\0' || number < least || number > most)
		refuse_value(option, psprintf("Expected a number from %d to %d.", least, most));
	return (int) number;
}

static void
check_text(const IceProfileOption *option, const char *value)
{
	char *host;
	int   port;

	if (*value == '\0' || strlen(value) > OPTION_BYTES_MAX)
		refuse_value(option, psprintf("Expected 1 to %d bytes.", OPTION_BYTES_MAX));
	for (const char *p = value; *p != '\0'; p++)
		if (((unsigned char) *p < 0x20 && !(option->type == ICE_PROFILE_SECRET && *p == '\n')) ||
			*p == 0x7f)
			refuse_value(option, "It holds control characters.");
	if (option->type == ICE_PROFILE_ENDPOINT && !ice_profile_endpoint(value, &host, &port))
		refuse_value(option, "Expected http(s)://HOST[:PORT].");
}

void
ice_profile_set(IceStorageProfile *profile, const IceProfileOption *option, const char *value)
{
	char *place = (char *) profile + option->place;

	check_text(option, value);
	switch (option->type)
	{
		case ICE_PROFILE_TEXT:
		case ICE_PROFILE_SECRET:
		case ICE_PROFILE_ENDPOINT:
			*(const char **) place = pstrdup(value);
			profile->path_style |= option->place == offsetof(IceStorageProfile, endpoint);
			break;
		case ICE_PROFILE_LOGIN:
			profile->login = parse_login(profile, option, value);
			break;
		case ICE_PROFILE_TAGS:
			*(List **) place = parse_tags(option, value);
			break;
		case ICE_PROFILE_BOOL:
			if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
				refuse_value(option, "Expected true or false.");
			*(bool *) place = *value == 't';
			break;
		case ICE_PROFILE_NUMBER:
			*(int *) place = parse_number(option, value);
			break;
	}
}

/* -- profiles --------------------------------------------------------------------------------- */

IceStorageProfile *
ice_profile_make(IceStoreKind kind, const char *root)
{
	static const IceStoreLogin first[] = {[ICE_STORE_FILE] = ICE_LOGIN_NONE,
										  [ICE_STORE_S3] = ICE_LOGIN_KEYS,
										  [ICE_STORE_GCS] = ICE_LOGIN_SERVICE_ACCOUNT,
										  [ICE_STORE_ADLS] = ICE_LOGIN_SHARED_KEY};
	IceStorageProfile         *profile = palloc0(sizeof(IceStorageProfile));

	profile->kind = kind;
	profile->login = first[kind];
	profile->root = pstrdup(root);
	profile->session_name = "icecat";
	profile->connect_timeout_ms = 3000;
	profile->request_timeout_ms = 30000;
	profile->retries_max = 3;
	profile->hierarchical_namespace = true;
	profile->conditional_writes = true;
	return profile;
}

static bool
is_one_of(const char *value, const char *a, const char *b, const char *c)
{
	return strcmp(value, a) == 0 || strcmp(value, b) == 0 || strcmp(value, c) == 0;
}

/* A region is part of the names of hosts. */
static bool
is_region(const char *region)
{
	return region == NULL ||
		   strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(region);
}

/* What a profile of S3 lacks, in words. */
static const char *
s3_problem(const IceStorageProfile *profile)
{
	bool has_key = profile->access_key != NULL && profile->secret_key != NULL;

	if ((profile->access_key != NULL) != (profile->secret_key != NULL))
		return "access-key-id and secret-access-key belong together";
	if (profile->login == ICE_LOGIN_KEYS && !has_key)
		return "login keys needs the secrets access-key-id and secret-access-key";
	if ((profile->login == ICE_LOGIN_ASSUME_ROLE || profile->login == ICE_LOGIN_WEB_IDENTITY) &&
		profile->role_arn == NULL)
		return "this login needs role-arn";
	if (profile->region == NULL && profile->endpoint == NULL)
		return "region is missing";
	if (!is_region(profile->region) || !is_region(profile->signing_region))
		return "a region has only a-z, 0-9 and -";
	if (profile->flavor != NULL && !is_one_of(profile->flavor, "aws", "compatible", "r2"))
		return "flavor is none of aws, compatible and r2";
	if (profile->sse != NULL && !is_one_of(profile->sse, "none", "s3", "kms"))
		return "sse is none of none, s3 and kms";
	if (profile->kms_key != NULL && (profile->sse == NULL || strcmp(profile->sse, "kms") != 0))
		return "kms-key needs sse kms";
	return NULL;
}

const char *
ice_profile_problem(const IceStorageProfile *profile)
{
	if (profile->kind == ICE_STORE_S3)
		return s3_problem(profile);
	if (profile->login == ICE_LOGIN_SERVICE_ACCOUNT && profile->service_account_json == NULL)
		return "login service-account needs the secret service-account-json";
	if (profile->login == ICE_LOGIN_SHARED_KEY && profile->shared_key == NULL)
		return "login shared-key needs the secret shared-key";
	if (profile->authority != NULL && !profile->allow_private_endpoints &&
		strncmp(profile->authority, "https://", 8) != 0)
		return "authority must be https: it gets the client-secret";
	if (profile->login == ICE_LOGIN_CLIENT_SECRET &&
		(profile->client_secret == NULL || profile->client_id == NULL ||
		 profile->tenant_id == NULL))
		return "login client-secret needs tenant-id, client-id and the secret client-secret";
	return NULL;
}

bool
ice_profile_is_ambient(const IceStorageProfile *profile)
{
	switch (profile->login)
	{
		case ICE_LOGIN_INSTANCE:
		case ICE_LOGIN_WEB_IDENTITY:
		case ICE_LOGIN_CONTAINER:
		case ICE_LOGIN_METADATA_SERVER:
		case ICE_LOGIN_MANAGED_IDENTITY:
			return true;
		case ICE_LOGIN_ASSUME_ROLE:
			return profile->access_key == NULL;
		default:
			return false;
	}
}

char *
ice_profile_blob_host(const char *host)
{
	const char *dot = strchr(host, '.');

	if (dot == NULL || strncmp(dot, ".dfs.", 5) != 0)
		return pstrdup(host);
	return psprintf("%.*s.blob.%s", (int) (dot - host), host, dot + 5);
}

/* Account and host of a store of Azure's are in its root. */
static void
complete_adls(IceStorageProfile *profile)
{
	const char *at = strchr(profile->root, '@');

	if (profile->account_host == NULL && at != NULL)
		profile->account_host = pnstrdup(at + 1, strcspn(at + 1, "/"));
	if (profile->account == NULL && profile->account_host != NULL)
		profile->account = pnstrdup(profile->account_host, strcspn(profile->account_host, "."));
}

void
ice_profile_complete(IceStorageProfile *profile)
{
	if (profile->kind == ICE_STORE_ADLS)
		complete_adls(profile);
	if (profile->kind != ICE_STORE_S3)
		return;
	if (profile->flavor == NULL)
		profile->flavor = profile->endpoint != NULL ? "compatible" : "aws";
	if (profile->region == NULL && profile->endpoint != NULL)
		profile->region = "us-east-1";
}

void
ice_profile_forget(IceStorageProfile *profile)
{
	for (size_t i = 0; i < lengthof(options); i++)
	{
		char **secret = (char **) ((char *) profile + options[i].place);

		if (options[i].type != ICE_PROFILE_SECRET || *secret == NULL)
			continue;
		explicit_bzero(*secret, strlen(*secret));
		*secret = NULL;
	}
}
