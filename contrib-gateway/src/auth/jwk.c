/*
 * jwk.c
 *		From a JSON Web Key Set to keys of OpenSSL; see jwk.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "auth/jwk.h"

#include <stdlib.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>

#include "auth/base64url.h"
#include "auth/strict_json.h"

#define RSA_BITS_MIN       2048
#define RSA_BITS_MAX       8192 /* checking a signature of a longer one takes too much time */
#define EXPONENT_BYTES_MAX 8
#define ED25519_BYTES      32

typedef struct Curve
{
	const char *name; /* in a JWK */
	GwKeyKind   kind;
	const char *group; /* OpenSSL's name */
	size_t      bytes; /* of a coordinate */
} Curve;

static const Curve curves[] = {
	{"P-256", GW_KEY_P256, "P-256", 32},
	{"P-384", GW_KEY_P384, "P-384", 48},
	{"P-521", GW_KEY_P521, "P-521", 66},
};

/* Decodes a member; false when it is not there, or not base64url. */
static bool
member_bytes(const json_t *jwk, const char *name, GwText *out)
{
	const char *text = gw_strict_json_string(jwk, name);

	return text != NULL && *text != '\0' && gw_base64url_decode((GwSlice){text, strlen(text)}, out);
}

/* Makes a public key of these parameters, which are freed. OpenSSL refuses a point that is not on
 * its curve. */
static EVP_PKEY *
import_key(const char *type, OSSL_PARAM *params)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY     *key = NULL;

	if (context == NULL || params == NULL || EVP_PKEY_fromdata_init(context) <= 0 ||
		EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) <= 0)
		key = NULL;
	OSSL_PARAM_free(params);
	EVP_PKEY_CTX_free(context);
	ERR_clear_error();
	return key;
}

static BIGNUM *
number_of(const GwText *bytes)
{
	return BN_bin2bn((const unsigned char *) bytes->data, (int) bytes->len, NULL);
}

/* With an exponent of 1 every signature would be right, and a long one costs time. */
static bool
rsa_numbers_are_sound(const BIGNUM *n, const BIGNUM *e, size_t exponent_bytes)
{
	int bits = n != NULL ? BN_num_bits(n) : 0;

	return e != NULL && bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX && BN_is_odd(n) &&
		   BN_is_odd(e) && !BN_is_one(e) && exponent_bytes <= EXPONENT_BYTES_MAX;
}

/* Modulus and exponent (RFC 7518, section 6.3.1). */
static EVP_PKEY *
read_rsa(const json_t *jwk)
{
	GwText          modulus = {0};
	GwText          exponent = {0};
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	BIGNUM         *n = member_bytes(jwk, "n", &modulus) ? number_of(&modulus) : NULL;
	BIGNUM         *e = member_bytes(jwk, "e", &exponent) ? number_of(&exponent) : NULL;
	EVP_PKEY       *key = NULL;

	if (builder != NULL && rsa_numbers_are_sound(n, e, exponent.len) &&
		OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) &&
		OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e))
		key = import_key("RSA", OSSL_PARAM_BLD_to_param(builder));
	OSSL_PARAM_BLD_free(builder);
	BN_free(n);
	BN_free(e);
	gw_text_free(&modulus);
	gw_text_free(&exponent);
	return key;
}

static EVP_PKEY *
import_point(const Curve *curve, const GwText *point)
{
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	EVP_PKEY       *key = NULL;

	if (builder != NULL &&
		OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, curve->group, 0) &&
		OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point->data, point->len))
		key = import_key("EC", OSSL_PARAM_BLD_to_param(builder));
	OSSL_PARAM_BLD_free(builder);
	return key;
}

/* A point is given uncompressed: 4, x, y (SEC 1, section 2.3.3). */
static EVP_PKEY *
read_ec(const json_t *jwk, GwKeyKind *kind)
{
	const char *name = gw_strict_json_string(jwk, "crv");
	GwText      point = {0};
	EVP_PKEY   *key = NULL;

	for (size_t i = 0; name != NULL && i < sizeof(curves) / sizeof(curves[0]); i++)
	{
		const Curve *curve = &curves[i];

		if (strcmp(curve->name, name) != 0)
			continue;
		*kind = curve->kind;
		gw_text_putc(&point, 4);
		if (member_bytes(jwk, "x", &point) && point.len == 1 + curve->bytes &&
			member_bytes(jwk, "y", &point) && point.len == 1 + 2 * curve->bytes)
			key = import_point(curve, &point);
	}
	gw_text_free(&point);
	return key;
}

static EVP_PKEY *
read_okp(const json_t *jwk)
{
	const char *name = gw_strict_json_string(jwk, "crv");
	GwText      bytes = {0};
	EVP_PKEY   *key = NULL;

	if (name != NULL && strcmp(name, "Ed25519") == 0 && member_bytes(jwk, "x", &bytes) &&
		bytes.len == ED25519_BYTES)
		key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL,
										  (const unsigned char *) bytes.data, bytes.len);
	gw_text_free(&bytes);
	return key;
}

static EVP_PKEY *
read_key(const json_t *jwk, GwKeyKind *kind)
{
	const char *type = gw_strict_json_string(jwk, "kty");

	if (type == NULL)
		return NULL;
	*kind = GW_KEY_RSA;
	if (strcmp(type, "RSA") == 0)
		return read_rsa(jwk);
	if (strcmp(type, "EC") == 0)
		return read_ec(jwk, kind);
	*kind = GW_KEY_ED25519;
	return strcmp(type, "OKP") == 0 ? read_okp(jwk) : NULL;
}

/* May it check signatures? A key that says nothing of its use may. */
static bool
is_for_signatures(const json_t *jwk)
{
	const json_t *use = json_object_get(jwk, "use");
	const json_t *operations = json_object_get(jwk, "key_ops");
	const char   *text = json_string_value(use);
	const json_t *operation;
	size_t        i;

	if (use != NULL && (text == NULL || strcmp(text, "sig") != 0))
		return false;
	if (operations == NULL)
		return true;
	json_array_foreach(operations, i, operation)
	{
		text = json_string_value(operation);
		if (text != NULL && strcmp(text, "verify") == 0)
			return true;
	}
	return false;
}

static bool
read_kid(const json_t *jwk, char *out)
{
	const json_t *kid = json_object_get(jwk, "kid");

	out[0] = '\0';
	if (kid == NULL)
		return true;
	if (!json_is_string(kid) || json_string_length(kid) > GW_KID_BYTES_MAX)
		return false;
	memcpy(out, json_string_value(kid), json_string_length(kid) + 1);
	return true;
}

/* False: it is of no use here. */
static bool
read_jwk(const json_t *jwk, GwKey *key)
{
	const json_t *algorithm = json_object_get(jwk, "alg");

	*key = (GwKey){0};
	if (!json_is_object(jwk) || !is_for_signatures(jwk) || !read_kid(jwk, key->kid))
		return false;
	if (algorithm != NULL)
		key->only = json_is_string(algorithm) ? gw_algorithm_find(json_string_value(algorithm))
											  : NULL;
	if (algorithm != NULL && key->only == NULL)
		return false;
	key->key = read_key(jwk, &key->kind);
	if (key->key != NULL && (key->only == NULL || key->only->kind == key->kind))
		return true;
	EVP_PKEY_free(key->key);
	return false;
}

GwKeySet *
gw_jwk_set_read(GwSlice text)
{
	json_t   *json = gw_strict_json_object(text);
	json_t   *list = json_object_get(json, "keys");
	GwKeySet *set = json_is_array(list) ? gw_alloc(sizeof(*set)) : NULL;
	json_t   *jwk;
	size_t    i;

	if (set != NULL)
	{
		set->count = set->left_out = 0;
		json_array_foreach(list, i, jwk)
		{
			if (set->count < GW_KEYS_MAX && read_jwk(jwk, &set->keys[set->count]))
				set->count++;
			else
				set->left_out++;
		}
	}
	json_decref(json);
	return set;
}

void
gw_jwk_set_free(GwKeySet *set)
{
	for (int i = 0; set != NULL && i < set->count; i++)
		EVP_PKEY_free(set->keys[i].key);
	free(set);
}

bool
gw_jwk_fits(const GwKey *key, const GwAlgorithm *algorithm)
{
	return key->kind == algorithm->kind && (key->only == NULL || key->only == algorithm);
}
