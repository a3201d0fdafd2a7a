/*
 * s3_login.h
 *		Whose key the server signs its requests to an S3 store with.
 *
 * Logins as what the server runs on are told by the environment of the server's processes, as the
 * clients of AWS read it: AWS_CONTAINER_CREDENTIALS_FULL_URI or _RELATIVE_URI with
 * AWS_CONTAINER_AUTHORIZATION_TOKEN or _TOKEN_FILE, AWS_WEB_IDENTITY_TOKEN_FILE with AWS_ROLE_ARN,
 * AWS_EC2_METADATA_SERVICE_ENDPOINT. Who starts the server sets these; no role can.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_S3_LOGIN_H
#define ICE_S3_LOGIN_H

#include "storage/s3_session.h"

/* Sets what a signature needs of the key, in the current memory context. A temporary key is kept
 * until shortly before its end; asking for one takes requests. False: the profile logs in as
 * nobody. Raises STORAGE. */
extern bool ice_s3_login_get(const IceStorageProfile *profile, IceSigv4Key *key);

/* The same for the key that roles are assumed with: for login assume-role that of the profile or of
 * what the server runs on, for others the one that requests are signed with. */
extern bool ice_s3_login_assuming(const IceStorageProfile *profile, IceSigv4Key *key);

/* Forgets the temporary key that is kept for a profile. False: its key is no temporary one. */
extern bool ice_s3_login_forget(const IceStorageProfile *profile);

/* Asks the token service of the profile's store for a temporary key, by a form of AssumeRole that
 * is signed with what the profile logs in with (for login assume-role: with what it assumes its
 * role with). Raises STORAGE. */
extern void ice_s3_login_assume(const IceStorageProfile *profile, const char *form,
								IceS3Session *session);

#endif
