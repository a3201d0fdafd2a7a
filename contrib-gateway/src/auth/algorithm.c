/*
 * algorithm.c
 *		The table of algorithms, and OpenSSL's part of checking a signature; see algorithm.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "auth/algorithm.h"

#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

static const GwAlgorithm algorithms[] = {
	{"RS256", GW_KEY_RSA, "SHA256", false, 0},   {"RS384", GW_KEY_RSA, "SHA384", false, 0},
	{"RS512", GW_KEY_RSA, "SHA512", false, 0},   {"PS256", GW_KEY_RSA, "SHA256", true, 0},
	{"PS384", GW_KEY_RSA, "SHA384", true, 0},    {"PS512", GW_KEY_RSA, "SHA512", true, 0},
	{"ES256", GW_KEY_P256, "SHA256", false, 32}, {"ES384", GW_KEY_P384, "SHA384", false, 48},
	{"ES512", GW_KEY_P521, "SHA512", false, 66}, {"EdDSA", GW_KEY_ED25519, NULL, false, 0},
};

const GwAlgorithm *
gw_algorithm_find(const char *name)
{
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++)
		if (strcmp(algorithms[i].name, name) == 0)
			return &algorithms[i];
	return NULL;
}

/* A token has the two numbers of an ECDSA signature side by side; OpenSSL wants them in DER. Freed
 * by OPENSSL_free(). */
static unsigned char *
der_of(GwSlice signature, size_t half, size_t *len)
{
	const unsigned char *bytes = (const unsigned char *) signature.data;
	ECDSA_SIG           *pair = ECDSA_SIG_new();
	BIGNUM              *r = BN_bin2bn(bytes, (int) half, NULL);
	BIGNUM              *s = BN_bin2bn(bytes + half, (int) half, NULL);
	unsigned char       *der = NULL;
	int                  der_len = -1;

	if (pair != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(pair, r, s))
	{
		r = s = NULL; /* the pair's now */
		der_len = i2d_ECDSA_SIG(pair, &der);
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(pair);
	*len = der_len > 0 ? (size_t) der_len : 0;
	return der;
}

/* Salts are as long as the digest (RFC 7518, section 3.5); other lengths are no signature of that
 * algorithm. */
static bool
set_padding(EVP_PKEY_CTX *key, bool pss)
{
	if (!pss)
		return EVP_PKEY_CTX_set_rsa_padding(key, RSA_PKCS1_PADDING) > 0;
	return EVP_PKEY_CTX_set_rsa_padding(key, RSA_PKCS1_PSS_PADDING) > 0 &&
		   EVP_PKEY_CTX_set_rsa_pss_saltlen(key, RSA_PSS_SALTLEN_DIGEST) > 0;
}

static bool
verify(const GwAlgorithm *algorithm, EVP_PKEY *key, GwSlice text, const unsigned char *signature,
	   size_t len)
{
	EVP_MD_CTX   *context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *of_key;
	bool          good =
		context != NULL &&
		EVP_DigestVerifyInit_ex(context, &of_key, algorithm->digest, NULL, NULL, key, NULL) > 0 &&
		(algorithm->kind != GW_KEY_RSA || set_padding(of_key, algorithm->pss)) &&
		EVP_DigestVerify(context, signature, len, (const unsigned char *) text.data, text.len) == 1;

	EVP_MD_CTX_free(context);
	ERR_clear_error();
	return good;
}

bool
gw_algorithm_verify(const GwAlgorithm *algorithm, EVP_PKEY *key, GwSlice text, GwSlice signature)
{
	unsigned char *der;
	size_t         len;
	bool           good;

	if (algorithm->half == 0)
		return verify(algorithm, key, text, (const unsigned char *) signature.data, signature.len);
	if (signature.len != 2 * algorithm->half)
		return false;
	der = der_of(signature, algorithm->half, &len);
	good = der != NULL && verify(algorithm, key, text, der, len);
	OPENSSL_free(der);
	return good;
}
