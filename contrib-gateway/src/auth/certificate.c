/*
 * certificate.c
 *		From a certificate to claims; see certificate.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "auth/certificate.h"

#include <stdlib.h>
#include <time.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "auth/strict_json.h"

#define NAMES_MAX   64 /* alternative names; more are in no certificate of a client */
#define SERIAL_BITS 160

/* -- the digest -------------------------------------------------------------------------------- */

/* No token begins with a NUL. */
bool
gw_certificate_digest(const X509 *x509, unsigned char digest[GW_DIGEST_BYTES])
{
	unsigned char *der = NULL;
	int            len = i2d_X509((X509 *) x509, &der);
	EVP_MD_CTX    *md = EVP_MD_CTX_new();
	bool           good = len > 0 && md != NULL && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 &&
				EVP_DigestUpdate(md, "\0certificate", 12) == 1 &&
				EVP_DigestUpdate(md, der, (size_t) len) == 1 &&
				EVP_DigestFinal_ex(md, digest, NULL) == 1;

	EVP_MD_CTX_free(md);
	OPENSSL_free(der);
	return good;
}

/* -- names ------------------------------------------------------------------------------------- */

/* A text of a stranger: UTF-8 without control bytes. */
static bool
is_clean(const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char) data[i] < ' ' || data[i] == 0x7f)
			return false;
	return gw_text_is_utf8(data, len);
}

/* As RFC 4514 writes it, in UTF-8; NULL: it cannot be, or is too long. */
static json_t *
distinguished_name(const X509_NAME *name)
{
	BIO    *bio = BIO_new(BIO_s_mem());
	char   *data = NULL;
	long    len = -1;
	json_t *text = NULL;

	if (bio != NULL &&
		X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0)
		len = BIO_get_mem_data(bio, &data);
	if (len >= 0 && len <= GW_SUBJECT_BYTES_MAX && is_clean(data, (size_t) len))
		text = json_stringn(len > 0 ? data : "", (size_t) len);
	BIO_free(bio);
	return text;
}

/* The only common name. False: there is one that cannot be read. */
static bool
put_common_name(json_t *claims, const X509_NAME *name)
{
	int            at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
	unsigned char *text = NULL;
	int            len;
	bool           good;

	if (at < 0 || X509_NAME_get_index_by_NID(name, NID_commonName, at) >= 0)
		return true;
	len = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
	good = len >= 0 && is_clean((char *) text, (size_t) len) &&
		   json_object_set_new(claims, "cn", json_stringn((char *) text, (size_t) len)) == 0;
	OPENSSL_free(text);
	return good;
}

/* The claim that alternative names of this kind are in; NULL: they are not told. */
static const char *
claim_of(const GENERAL_NAME *name)
{
	switch (name->type)
	{
		case GEN_DNS:
			return "dns";
		case GEN_URI:
			return "uri";
		case GEN_EMAIL:
			return "email";
		default:
			return NULL;
	}
}

static bool
put_name(json_t *claims, const GENERAL_NAME *name)
{
	const char        *claim = claim_of(name);
	const ASN1_STRING *text = claim != NULL ? GENERAL_NAME_get0_value(name, NULL) : NULL;
	json_t            *list;

	if (claim == NULL)
		return true;
	if (!is_clean((const char *) ASN1_STRING_get0_data(text), (size_t) ASN1_STRING_length(text)))
		return false;
	list = json_object_get(claims, claim);
	if (list == NULL)
	{
		list = json_array();
		json_object_set_new(claims, claim, list);
	}
	return json_array_append_new(list, json_stringn((const char *) ASN1_STRING_get0_data(text),
													(size_t) ASN1_STRING_length(text))) == 0;
}

/* What the extension says; one that is there twice or cannot be read refuses the certificate. */
static bool
put_alternative_names(json_t *claims, const X509 *x509)
{
	int            critical;
	GENERAL_NAMES *names = X509_get_ext_d2i(x509, NID_subject_alt_name, &critical, NULL);
	int            count = names != NULL ? sk_GENERAL_NAME_num(names) : 0;
	bool           good = count <= NAMES_MAX && (names != NULL || critical == -1);

	for (int i = 0; good && i < count; i++)
		good = put_name(claims, sk_GENERAL_NAME_value(names, i));
	GENERAL_NAMES_free(names);
	return good;
}

/* -- numbers ----------------------------------------------------------------------------------- */

static bool
put_hex(json_t *claims, const char *claim, const unsigned char *data, size_t len)
{
	char text[2 * EVP_MAX_MD_SIZE + 1];

	for (size_t i = 0; i < len; i++)
		snprintf(text + 2 * i, 3, "%02x", data[i]);
	return json_object_set_new(claims, claim, json_stringn(text, 2 * len)) == 0;
}

/* As hexadecimal digits, two for each byte. */
static bool
put_serial(json_t *claims, const X509 *x509)
{
	BIGNUM       *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x509), NULL);
	unsigned char bytes[SERIAL_BITS / 8];
	bool          good = number != NULL && BN_num_bits(number) <= SERIAL_BITS &&
				put_hex(claims, "serial", bytes, (size_t) BN_bn2bin(number, bytes));

	BN_free(number);
	return good;
}

static bool
put_fingerprint(json_t *claims, const X509 *x509)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned int  len = 0;

	return X509_digest(x509, EVP_sha256(), md, &len) == 1 &&
		   put_hex(claims, "fingerprint", md, len);
}

/* -- all of it --------------------------------------------------------------------------------- */

/* Who it is: the distinguished name, or else the only URI. */
static json_t *
subject_of(json_t *claims, json_t *name)
{
	const json_t *uris = json_object_get(claims, "uri");

	if (json_string_length(name) > 0)
		return json_incref(name);
	return json_array_size(uris) == 1 ? json_incref(json_array_get(uris, 0)) : NULL;
}

/* All claims, and the subject; none of them is in out when it is refused. */
static GwRefusal
read_names(const X509 *x509, json_t *claims, GwCertificate *out)
{
	json_t    *name = distinguished_name(X509_get_subject_name(x509));
	json_t    *issuer = distinguished_name(X509_get_issuer_name(x509));
	json_t    *subject;
	GwRefusal  why = GW_REFUSAL_NONE;
	const bool good = name != NULL && issuer != NULL &&
					  put_common_name(claims, X509_get_subject_name(x509)) &&
					  put_alternative_names(claims, x509) && put_serial(claims, x509) &&
					  put_fingerprint(claims, x509) &&
					  json_object_set(claims, "issuer", issuer) == 0;

	subject = good ? subject_of(claims, name) : NULL;
	if (!good)
		why = GW_REFUSAL_NAMES;
	else if (subject == NULL || json_string_length(subject) > GW_SUBJECT_BYTES_MAX)
		why = GW_REFUSAL_UNNAMED;
	else
	{
		snprintf(out->subject, sizeof(out->subject), "%s", json_string_value(subject));
		json_object_set(claims, "sub", subject);
	}
	json_decref(subject);
	json_decref(name);
	json_decref(issuer);
	return why;
}

GwRefusal
gw_certificate_read(const X509 *x509, int64_t now_s, GwCertificate *out)
{
	json_t   *claims = json_object();
	GwRefusal why = read_names(x509, claims, out);
	struct tm tm;

	out->claims = NULL;
	if (why == GW_REFUSAL_NONE && ASN1_TIME_to_tm(X509_get0_notAfter(x509), &tm) != 1)
		why = GW_REFUSAL_NAMES;
	if (why == GW_REFUSAL_NONE)
	{
		out->expires_s = (int64_t) timegm(&tm);
		out->claims = json_dumps(claims, JSON_COMPACT);
	}
	json_decref(claims);
	ERR_clear_error();
	if (why == GW_REFUSAL_NONE && out->expires_s <= now_s)
		why = GW_REFUSAL_OLD;
	else if (why == GW_REFUSAL_NONE &&
			 (out->claims == NULL || strlen(out->claims) > GW_TOKEN_BYTES_MAX))
		why = GW_REFUSAL_NAMES;
	if (why != GW_REFUSAL_NONE)
	{
		free(out->claims);
		out->claims = NULL;
	}
	return why;
}

/* -- authorities ------------------------------------------------------------------------------- */

X509_STORE *
gw_certificate_authorities(const char *path, bool *usable)
{
	X509_STORE *store = X509_STORE_new();

	if (store == NULL)
		abort();
	*usable = X509_STORE_load_file(store, path) == 1;
	ERR_clear_error();
	return store;
}

void
gw_certificate_free_authorities(X509_STORE *authorities)
{
	X509_STORE_free(authorities);
}

bool
gw_certificate_is_of(const X509 *x509, STACK_OF(X509) * chain, X509_STORE *authorities)
{
	X509_STORE_CTX *check = X509_STORE_CTX_new();
	bool            good = check != NULL &&
				X509_STORE_CTX_init(check, authorities, (X509 *) x509, chain) == 1 &&
				X509_STORE_CTX_set_default(check, "ssl_client") == 1 &&
				X509_verify_cert(check) == 1;

	X509_STORE_CTX_free(check);
	ERR_clear_error();
	return good;
}
