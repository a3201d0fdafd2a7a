/*
 * profile.h
 *		A storage profile: how the server reaches the object store that locations lie in.
 *
 * A plain struct, made out of texts that a row has; nothing here touches the database or the
 * network. It holds secrets: who made it has them wiped by ice_profile_forget().
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_PROFILE_H
#define ICE_PROFILE_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "utils/uuid.h"

#include "storage/storage_def.h"

typedef enum IceStoreKind
{
	ICE_STORE_FILE,
	ICE_STORE_S3,
	ICE_STORE_GCS,
	ICE_STORE_ADLS
} IceStoreKind;

/* How the server itself authenticates. */
typedef enum IceStoreLogin
{
	ICE_LOGIN_NONE,
	ICE_LOGIN_KEYS,            /* s3: a key of the profile's own */
	ICE_LOGIN_ASSUME_ROLE,     /* s3: a role, by STS: with the key, if there is one, or else as the
								  server */
	ICE_LOGIN_INSTANCE,        /* s3: the role of the machine */
	ICE_LOGIN_WEB_IDENTITY,    /* s3: a token in a file, named by AWS_WEB_IDENTITY_TOKEN_FILE */
	ICE_LOGIN_CONTAINER,       /* s3: AWS_CONTAINER_CREDENTIALS_FULL_URI and its like */
	ICE_LOGIN_SERVICE_ACCOUNT, /* gcs: a key in JSON */
	ICE_LOGIN_METADATA_SERVER, /* gcs: the account of the machine */
	ICE_LOGIN_SHARED_KEY,      /* adls: the account's key */
	ICE_LOGIN_CLIENT_SECRET,   /* adls: of an application */
	ICE_LOGIN_MANAGED_IDENTITY /* adls: the identity of the machine */
} IceStoreLogin;

typedef struct IceSessionTag
{
	const char *key;
	const char *value;
} IceSessionTag;

/* Texts are NULL where the profile does not say. Options are those of profile_option.def. */
struct IceStorageProfile
{
	pg_uuid_t     id;
	int64         revision; /* another one whenever anything here changes: part of keys of caches */
	const char   *name;
	IceStoreKind  kind;
	IceStoreLogin login;
	const char   *root; /* canonical, without a slash at its end: all of the profile lies in it */

	/* s3 */
	const char *flavor; /* aws, compatible, r2 */
	const char *region;
	const char *endpoint;
	const char *endpoint_external; /* what clients are told; NULL: endpoint */
	const char *endpoint_sts;
	const char *signing_region;     /* NULL: region */
	bool        path_style;         /* of adls, too */
	bool        conditional_writes; /* s3 */
	const char *access_key;
	const char *secret_key;
	const char *session_token;
	const char *role_arn;
	const char *external_id;
	const char *session_name;
	const char *sse; /* none, s3, kms */
	const char *kms_key;
	List       *session_tags; /* IceSessionTag * */

	/* gcs; endpoint, too */
	const char *service_account_json;
	const char *project;
	const char *token_uri;

	/* adls; endpoint, too */
	const char *account;
	const char *account_host;
	bool        hierarchical_namespace; /* it has folders, which credentials can be for */
	const char *shared_key;
	const char *tenant_id;
	const char *client_id;
	const char *client_secret;
	const char *authority;

	/* all */
	bool        allow_private_endpoints;
	const char *ca_file;
	int         connect_timeout_ms;
	int         request_timeout_ms;
	int         retries_max;
	/* no option: then every request ends (PostgreSQL's epoch); 0: not set */
	int64       stop_at_ms;
};

/* Kinds of stores that an option is for. */
#define ICE_FOR_S3   (1 << ICE_STORE_S3)
#define ICE_FOR_GCS  (1 << ICE_STORE_GCS)
#define ICE_FOR_ADLS (1 << ICE_STORE_ADLS)
#define ICE_FOR_ALL  (ICE_FOR_S3 | ICE_FOR_GCS | ICE_FOR_ADLS)

/* What an option holds. */
typedef enum IceProfileType
{
	ICE_PROFILE_TEXT,
	ICE_PROFILE_SECRET,
	ICE_PROFILE_ENDPOINT, /* http(s)://host[:port] that the server connects to */
	ICE_PROFILE_LOGIN,
	ICE_PROFILE_TAGS, /* KEY=VALUE, separated by commas */
	ICE_PROFILE_BOOL,
	ICE_PROFILE_NUMBER
} IceProfileType;

typedef struct IceProfileOption
{
	const char    *name;
	uint32         kinds;
	IceProfileType type;
	size_t         place;   /* of its member in the struct */
	bool           guarded; /* only the owner of the extension may set it */
} IceProfileOption;

/* The option of a name that profiles of a kind have; NULL: none. */
extern const IceProfileOption *ice_profile_option(IceStoreKind kind, const char *name);
/* All options, of all kinds, by number, in the order in which they are set; NULL behind the
 * last. */
extern const IceProfileOption *ice_profile_option_at(int number);

/* The kind of store that a location (in canonical spelling) lies in, by its scheme; -1: none. */
extern int  ice_profile_kind(const char *location);
/* Raises BAD_REQUEST unless a location, in canonical spelling, can be the root of a profile. */
extern void ice_profile_check_root(const char *root);

/* A profile of a root with nothing set but defaults. */
extern IceStorageProfile *ice_profile_make(IceStoreKind kind, const char *root);
/* Sets an option that the kind has. Raises BAD_REQUEST for a value that it cannot have; the value
 * is not in the message. */
extern void        ice_profile_set(IceStorageProfile *profile, const IceProfileOption *option,
								   const char *value);
/* When all are set: sets what follows from them. */
extern void        ice_profile_complete(IceStorageProfile *profile);
/* What is missing or contradicts itself, with all options set; NULL: nothing. */
extern const char *ice_profile_problem(const IceStorageProfile *profile);
/* The host of an account's blobs, whichever of its hosts is given; palloc'd. */
extern char       *ice_profile_blob_host(const char *host);
/* Does the server log in as what it runs on, not by something that the profile holds? */
extern bool        ice_profile_is_ambient(const IceStorageProfile *profile);
/* Host, in lower case, and port (0: not said) of an endpoint. False: it is none. */
extern bool        ice_profile_endpoint(const char *endpoint, char **host, int *port);

/* Overwrites the secrets, and forgets them. */
extern void ice_profile_forget(IceStorageProfile *profile);

#endif
