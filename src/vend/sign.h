/*
 * sign.h
 *		Judges a request to S3 that a client wants signed.
 *
 * In three steps: what the request is (ice_sign_read: from its method, URI and body to an
 * operation, a bucket and keys), whether a table's places allow it (ice_sign_within), and which of
 * its headers are signed (ice_sign_headers). What is not known is refused: a signature lends the
 * server's own keys.
 *
 * Operations: GetObject, HeadObject, PutObject, DeleteObject; CreateMultipartUpload, UploadPart,
 * CompleteMultipartUpload, AbortMultipartUpload; DeleteObjects, whose signature covers the body
 * that was read here; ListObjectsV2, of a prefix below a place.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_VEND_SIGN_H
#define ICE_VEND_SIGN_H

#include "json/json.h"
#include "vend/vend_place.h"
#include "vend/vend_uri.h"

/* Where the store answers. */
typedef struct IceSignStore
{
	const char *endpoints[2]; /* URIs that clients may use; none: those of AWS */
	const char *region;
} IceSignStore;

typedef struct IceSignRequest
{
	const char  *method;
	const char  *text; /* the URI as it came */
	IceVendUri   uri;
	const char  *operation; /* GetObject … */
	bool         writes;
	bool         lists;    /* key is the prefix of a list, and may be a part of a name */
	bool         has_body; /* the signature must cover the body */
	const char  *bucket;
	const char **keys;
	int          key_count;
} IceSignRequest;

/* Where the first file of a request may lie, by either style of its URI: locations at s3://. */
typedef struct IceSignPlaces
{
	const char *locations[2];
	int         count;
} IceSignPlaces;

/* Without a look at the store. Returns NULL, or why the request is refused. */
extern const char *ice_sign_places(const char *uri, const char *body, IceSignPlaces *out);

/* Header fields that are signed, in lower case, sorted by name. */
typedef struct IceSignHeader
{
	const char *name;
	const char *value; /* several of one name are joined by commas */
} IceSignHeader;

typedef struct IceSignHeaders
{
	IceSignHeader *items;
	int            count;
	const char    *payload; /* of x-amz-content-sha256, for the canonical request */
} IceSignHeaders;

/* Each returns NULL, or why the request is refused. body may be NULL. */
extern const char *ice_sign_read(const IceSignStore *store, const char *method, const char *uri,
								 const char *body, IceSignRequest *out);
extern const char *ice_sign_within(const IceSignRequest *request, const IceVendPlaces *places,
								   bool may_write);
/* headers: an object of arrays of strings. body_sha256: in hex, where the request has a body. */
extern const char *ice_sign_headers(const IceSignRequest *request, const IceJson *headers,
									const char *body_sha256, IceSignHeaders *out);

#endif
