/*
 * s3_session.h
 *		Asks for temporary keys: the token service, the instance's metadata, a container's agent.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_S3_SESSION_H
#define ICE_S3_SESSION_H

#include "storage/net.h"
#include "storage/profile.h"

/* A temporary key. */
typedef struct IceS3Session
{
	char *access_key;
	char *secret_key;
	char *session_token;
	int64 expires_s; /* since 1970 */
} IceS3Session;

/* By a form of the token service (application/x-www-form-urlencoded), signed with the key; NULL:
 * not signed. action is AssumeRole or AssumeRoleWithWebIdentity. */
extern void  ice_s3_session_sts(const IceStorageProfile *profile, const char *action,
								const char *form, const IceSigv4Key *key, IceS3Session *session);
/* Of the role of the machine. */
extern void  ice_s3_session_instance(const IceStorageProfile *profile, IceS3Session *session);
/* Of the role of the container. */
extern void  ice_s3_session_container(const IceStorageProfile *profile, IceS3Session *session);
/* Asks something else, with a header and a body (NULL: none): what is answered, with status 200.
 * Local is what the server's environment names. Raises STORAGE. */
extern char *ice_s3_session_ask(const IceStorageProfile *profile, bool is_local, const char *method,
								const char *url, const IceNetPair *header, const char *body,
								size_t *len);
/* A variable of the server's environment; NULL: not set, or empty. */
extern const char *ice_s3_session_variable(const char *name);
/* The text of a small file that such a variable names. Raises STORAGE. */
extern char       *ice_s3_session_file(const char *path);

#endif
