/*
 * sts.h
 *		What is asked of an S3 store's token service: a session policy of a table's places, and the
 *		form of AssumeRole.
 *
 * The policy allows what a client needs below the places and nothing else: an object's own actions
 * below the place's key and a slash, and a list whose prefix reaches past that slash. '*', '?' and
 * '$' in keys are escaped: in a policy they are wildcards and variables. Where nothing is allowed,
 * everything is denied: a policy without statements, or none, would leave all that the role may do.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_VEND_STS_H
#define ICE_VEND_STS_H

#include "vend/vend_place.h"

/* What AssumeRole accepts as an inline policy, in characters. */
#define ICE_STS_POLICY_CHARS_MAX 2048

typedef enum IceVendAccess
{
	ICE_VEND_NOTHING,
	ICE_VEND_READ,
	ICE_VEND_WRITE
} IceVendAccess;

typedef struct IceStsTag
{
	const char *key;
	const char *value;
} IceStsTag;

typedef struct IceStsRequest
{
	const char      *role_arn; /* NULL: stores other than AWS need none */
	const char      *external_id;
	const char      *session_name; /* see ice_sts_session_name() */
	const char      *policy;
	int              duration_s;
	const IceStsTag *tags;
	int              tag_count;
} IceStsRequest;

/* The policy's JSON text; partition is that of the ARNs: aws, aws-cn, aws-us-gov. kms_key (an ARN)
 * may be NULL. Not checked for its size. */
extern char *ice_sts_policy(const IceVendPlaces *places, IceVendAccess access,
							const char *partition, const char *kms_key);

/* Is the policy larger than a token service takes? Known before it is asked. */
extern bool ice_sts_policy_too_large(const char *policy);

/* Does any place have a character that the policy escapes? Only AWS is known to read the escapes:
 * MinIO takes the star in one for a wildcard, so that the folder "*" would reach into one named
 * "${x}". */
extern bool ice_sts_needs_escapes(const IceVendPlaces *places);

/* The partition that a role's ARN names; "aws" where it names none. */
extern char *ice_sts_partition(const char *role_arn);

/* A name of the session of the letters that AssumeRole takes, and of its length: of the caller and
 * the request (so that rows of an audit log of the store can be matched). Parts may be NULL. */
extern char *ice_sts_session_name(const char *prefix, const char *principal,
								  const char *request_id);

/* The body, application/x-www-form-urlencoded. */
extern char *ice_sts_form(const IceStsRequest *request);

#endif
