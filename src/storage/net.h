/*
 * net.h
 *		What icecat_net.so does for icecat.so: HTTP, digests, signatures, and encryption of secrets.
 *
 * icecat.so is loaded into the postmaster, so it links neither libcurl nor OpenSSL. Those are in a
 * library of their own (src/net), which a session or the worker loads when it first needs it. Its
 * functions are the members of one struct.
 *
 * This header includes nothing of PostgreSQL, so that the signer can be tested outside of it.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_NET_H
#define ICE_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ICE_NET_VERSION  2 /* both libraries must be of one build */
#define ICE_NET_FUNCTION "ice_net_api"
#define ICE_SHA256_BYTES 32

/* A header, or another name with a value. */
typedef struct IceNetPair
{
	const char *name;
	const char *value;
} IceNetPair;

/* -- AWS Signature Version 4 ------------------------------------------------------------------- */

#define ICE_SIGV4_UNSIGNED "UNSIGNED-PAYLOAD"
#define ICE_SIGV4_PAIRS    4 /* headers that a signature adds, at most */

/* Whose signature, and for what. */
typedef struct IceSigv4Key
{
	const char *access_key;
	const char *secret_key;
	const char *session_token; /* NULL: none */
	const char *region;
	const char *service; /* "s3", "sts" */
} IceSigv4Key;

/* A request, as it is sent. */
typedef struct IceSigv4Request
{
	const char       *method;
	const char       *path;    /* from its slash on, percent-encoded */
	const char       *query;   /* without its question mark; NULL: none */
	const IceNetPair *headers; /* those that are signed, host among them */
	int               header_count;
	const char       *payload_hash; /* hexadecimal SHA-256 of the body, or ICE_SIGV4_UNSIGNED */
	bool              hash_header;  /* the payload's hash is a header, too: S3 wants it */
	int64_t           now_s;        /* since 1970 */
} IceSigv4Request;

/* -- Azure's Shared Key ------------------------------------------------------------------------ */

#define ICE_SHARED_KEY_PAIRS 2 /* headers that a signature adds */

/* A request to a store of Azure's, as it is sent. */
typedef struct IceSharedKeyRequest
{
	const char       *account;
	const char       *key; /* the account's, in base64 */
	const char       *method;
	const char       *path;    /* of the URL, from its slash on, percent-encoded */
	const char       *query;   /* without its question mark; empty: none */
	const IceNetPair *headers; /* all that it has but the date */
	int               header_count;
	size_t            body_len;
	int64_t           now_s; /* since 1970 */
} IceSharedKeyRequest;

/* -- HTTP -------------------------------------------------------------------------------------- */

/* Why there is no answer. */
typedef enum IceNetFault
{
	ICE_NET_ANSWERED,  /* there is one, whatever its status */
	ICE_NET_REFUSED,   /* address or URL that may not be asked: asking again does not help */
	ICE_NET_UNTRUSTED, /* the certificate of the other side */
	ICE_NET_TOO_LARGE, /* the answer, by answer_max */
	ICE_NET_LATE,      /* over one of the times */
	ICE_NET_BROKEN     /* could not connect, or the connection broke */
} IceNetFault;

/* Which addresses a host's name may lead to, beside public ones. */
typedef enum IceNetReach
{
	ICE_NET_PUBLIC = 0,
	ICE_NET_PRIVATE = 1, /* also those of private networks, and this machine */
	ICE_NET_METADATA = 2 /* also link-local ones: where clouds tell of credentials */
} IceNetReach;

typedef struct IceNetCall IceNetCall;

/* One request, and what became of it. The caller owns all memory of the request; the answer is
 * palloc'd in the context that was current when the run began. */
struct IceNetCall
{
	const char       *method;
	const char       *url;
	const IceNetPair *headers;
	int               header_count;
	const char       *body;
	size_t            body_len;
	size_t            answer_max; /* bytes of the answer's body */
	int               reach;      /* bits of IceNetReach */
	const char       *ca_file;    /* NULL: those of the system */
	int               connect_timeout_ms;
	int               timeout_ms; /* of the whole request */

	IceNetFault fault;
	const char *error; /* in words, without a secret; NULL: answered */
	int         status;
	char       *answer; /* ends with a zero byte */
	size_t      answer_len;
	char       *answer_headers; /* "name: value" lines, names in lower case */

	/* Called before it is sent for the first time: there may be many before it. May raise. */
	void (*begins)(IceNetCall *call);
	/* Called when the request has ended, outside of libcurl. True: send it again, changed or not,
	 * after pause_ms. May raise. */
	bool (*ended)(IceNetCall *call);
	int   pause_ms;
	void *owner;
};

/* -- all of it --------------------------------------------------------------------------------- */

typedef struct IceNet
{
	int version;

	/* Runs all calls until each has ended for good, as many at once as in_flight_max says. Serves
	 * interrupts while it waits; whatever is raised, nothing stays open except idle connections. */
	void (*run)(IceNetCall **calls, int count, int in_flight_max);
	/* The value of a header in an answer; NULL. Palloc'd. */
	char *(*header)(const IceNetCall *call, const char *name);

	void (*sha256)(const void *data, size_t len, uint8_t *out);
	void (*hmac_sha256)(const void *key, size_t key_len, const void *data, size_t len,
						uint8_t *out);
	/* 16 bytes; false where the system allows no MD5. */
	bool (*md5)(const void *data, size_t len, uint8_t *out);
	/* RSASSA-PKCS1-v1_5 with SHA-256 by a private key in PEM; palloc'd. NULL: no such key. */
	uint8_t *(*rs256)(const char *pem, const void *data, size_t len, size_t *signature_len);
	/* AES-256-GCM: nonce, ciphertext and tag as one piece, palloc'd. open gives NULL where the
	 * piece, the key or the associated data is another; what it gives ends with a zero byte. */
	uint8_t *(*seal)(const uint8_t *key, const void *associated, size_t associated_len,
					 const void *plain, size_t len, size_t *sealed_len);
	uint8_t *(*open)(const uint8_t *key, const void *associated, size_t associated_len,
					 const void *sealed, size_t len, size_t *plain_len);

	/* The headers that the request gets: date, token, hash and authorization, as far as each is
	 * needed. Those of these names among the request's own are passed over. Returns how many. */
	int (*sigv4_headers)(const IceSigv4Key *key, const IceSigv4Request *request,
						 IceNetPair added[ICE_SIGV4_PAIRS]);
	/* The whole query of a URL that carries its signature. */
	char *(*sigv4_query)(const IceSigv4Key *key, const IceSigv4Request *request, int expires_s);

	/* HMAC-SHA256 of a text by a key in base64, in base64; palloc'd. NULL: that is no base64. */
	char *(*mac_by_base64)(const char *key, const char *text);
	/* The headers that a request to Azure gets: date and authorization. Returns how many; 0: the
	 * key is no base64. */
	int (*shared_key_headers)(const IceSharedKeyRequest *request,
							  IceNetPair                 added[ICE_SHARED_KEY_PAIRS]);
} IceNet;

typedef const IceNet *(*IceNetFunction)(void);

/* Loads the library at the first call. */
extern const IceNet *ice_net(void);

#endif
