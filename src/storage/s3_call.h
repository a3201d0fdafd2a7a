/*
 * s3_call.h
 *		One request for an object: to an S3 store or, said in another dialect, to one that is like
 *		it.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_S3_CALL_H
#define ICE_S3_CALL_H

#include "answer/list_answer.h"
#include "storage/store_call.h"

#define ICE_S3_EXTRA_MAX 8

typedef struct IceS3Call
{
	IceStoreCall       call; /* first */
	/* whose signature, or whose token; NULL: none */
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

/* What differs between stores of objects, beside how their requests are sent. */
typedef struct IceObjectDialect
{
	IceStoreDialect call; /* first */
	/* Adds to a request that writes what its store wants: digest, type, encryption. A large object
	 * may become a chain of requests. */
	void (*begin_put)(IceS3Call *s3);
	/* The query of the request that gives up what is left of a chain that did not come to its end,
	 * or NULL. NULL: nothing has to be given up. */
	char *(*left_query)(const IceS3Call *s3);
	/* Adds to a request that reads a whole object; NULL: nothing. */
	void (*begin_get)(IceS3Call *s3);
	/* Does the answer say that there is no such object? */
	bool (*is_absent)(const IceS3Call *s3);
	/* Does the answer to a write with only_new say that there is one? */
	bool (*is_taken)(const IceS3Call *s3);
	/* Has the answer other bytes than the digest says that the store keeps with them, if it does?
	 * NULL: its digests are not looked at. */
	bool (*is_corrupt)(const IceS3Call *s3);
	/* The query of a list of what begins with a prefix; token is where it goes on, or NULL. */
	char *(*list_query)(const char *prefix, int files_max, const char *token);
	/* Reads the answer (list_answer.h). */
	char *(*read_list)(const char *answer, size_t len, IceListVisit visit, void *arg);
} IceObjectDialect;

extern const IceObjectDialect *ice_s3_call_dialect_of(const IceS3Call *s3);

/* Bucket and key of a location. Raises FORBIDDEN_LOCATION where it has none, or a key that no
 * client can write: with control characters. */
extern void ice_s3_call_split(const char *location, char **bucket, char **object);

/* A request for a location, without a body. */
extern void  ice_s3_call_begin(IceS3Call *s3, const IceObjectDialect *dialect,
							   const IceStorageProfile *profile, const char *method,
							   const char *action, const char *location);
extern void  ice_s3_call_body(IceS3Call *s3, const char *body, size_t len);
extern void  ice_s3_call_extra(IceS3Call *s3, const char *name, const char *value);
/* The code of an answer that is an error; NULL: none. */
extern char *ice_s3_call_code(const IceS3Call *s3);
/* Does it say that the login has expired, so that another one may do? */
extern bool  ice_s3_call_is_stale(const IceS3Call *s3);

/* The text of the leaf of this path in an answer; NULL: none, or no XML. */
extern char *ice_s3_call_leaf(const IceNetCall *net, const char *path);
/* Code and message of an answer that is an error, in XML; NULL: none. */
extern char *ice_s3_call_describe(const IceStoreCall *call);
extern bool  ice_s3_call_is_one_of(const char *code, const char *const *codes, size_t count);

/* Percent-encoded for a path (slashes stay) or a query. */
extern char *ice_s3_call_encode(const char *text, bool is_path);
/* In base64. */
extern char *ice_s3_call_base64(const uint8 *bytes, size_t len);

#endif
