/*
 * s3_call.h
 *		One request to an S3 store, signed; or, said in another dialect, to a store that is like
 *		one.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_S3_CALL_H
#define ICE_S3_CALL_H

#include "storage/store_call.h"

#define ICE_S3_EXTRA_MAX 8

typedef struct IceS3Call
{
	IceStoreCall       call; /* first */
	/* whose signature, or in a store of Google's whose token; NULL: none */
	const IceSigv4Key *key;
	const char        *method;
	char              *bucket;
	char              *object;   /* key of the object; empty: the bucket itself */
	bool               only_new; /* if there is no such object: else the answer is 412 */
	const char        *query;    /* percent-encoded; empty: none */
	const char        *body;
	size_t             body_len;
	IceNetPair         extra[ICE_S3_EXTRA_MAX]; /* more headers; their names in lower case */
	int                extra_count;
	void              *owner;
} IceS3Call;

/* Bucket and key of a location. Raises FORBIDDEN_LOCATION where it has none, or a key that no
 * client can write: with control characters. */
extern void ice_s3_call_split(const char *location, char **bucket, char **object);

/* A request for a location, without a body. */
extern void  ice_s3_call_begin(IceS3Call *s3, const IceStorageProfile *profile, const char *method,
							   const char *action, const char *location);
/* The same in the dialect of another store. */
extern void  ice_s3_call_begin_as(IceS3Call *s3, const IceStoreDialect *dialect,
								  const IceStorageProfile *profile, const char *method,
								  const char *action, const char *location);
extern void  ice_s3_call_body(IceS3Call *s3, const char *body, size_t len);
extern void  ice_s3_call_extra(IceS3Call *s3, const char *name, const char *value);
/* The code of an answer that is an error; NULL: none. */
extern char *ice_s3_call_code(const IceS3Call *s3);
/* Does it say that the login has expired, so that another one may do? */
extern bool  ice_s3_call_is_stale(const IceS3Call *s3);

/* Has the answer other bytes than the digest says that the store keeps with them, if it does? */
extern bool ice_s3_call_is_corrupt(const IceS3Call *s3);

/* Percent-encoded for a path (slashes stay) or a query. */
extern char *ice_s3_call_encode(const char *text, bool is_path);
/* Back from that, as S3 encodes the keys of lists; in place. */
extern void  ice_s3_call_decode(char *text);
/* In base64. */
extern char *ice_s3_call_base64(const uint8 *bytes, size_t len);

#endif
