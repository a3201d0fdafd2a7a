/*
 * certificate.h
 *		What a client's certificate says of its owner, as claims: like those of a token, for the
 *		same mapping.
 *
 * The certificate was verified before. The names in it are bytes of strangers: the
 * distinguished name is written by the rules of RFC 4514, which escape what is special, and a name
 * with a NUL or another control byte, or that is not UTF-8, makes the whole certificate be refused.
 * So does a certificate with more names than a token could hold.
 *
 * sub is the distinguished name of the subject; where that is empty, the only URI (as SPIFFE has
 * it).
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_CERTIFICATE_H
#define GW_CERTIFICATE_H

#include "auth/refusal.h"
#include "auth/token.h"
#include "auth/verdicts.h"

struct x509_st;
struct stack_st_X509;
struct x509_store_st;

#define GW_CERTIFICATE_ALIAS "mtls" /* of the issuer, in the mapping */

typedef struct GwCertificate
{
	char    subject[GW_SUBJECT_BYTES_MAX + 1];
	char   *claims; /* JSON, to be freed */
	int64_t expires_s;
} GwCertificate;

/* By which it is known; no token has the same. */
extern bool gw_certificate_digest(const struct x509_st *x509,
								  unsigned char         digest[GW_DIGEST_BYTES]);

/* The authorities in a file; none where it cannot be read: then nobody's certificate is good. */
extern struct x509_store_st *gw_certificate_authorities(const char *path, bool *usable);
extern void                  gw_certificate_free_authorities(struct x509_store_st *authorities);

/* Is it, by the certificates that its owner sent with it (NULL: none), one of these
 * authorities'? */
extern bool gw_certificate_is_of(const struct x509_st *x509, struct stack_st_X509 *chain,
								 struct x509_store_st *authorities);

/* Claims: sub, cn, dns, uri, email, serial, fingerprint (SHA-256, as hexadecimal digits),
 * issuer. */
extern GwRefusal gw_certificate_read(const struct x509_st *x509, int64_t now_s, GwCertificate *out);

#endif
