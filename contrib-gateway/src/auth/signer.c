/*
 * signer.c
 *		Signing tokens; see signer.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "auth/signer.h"

#include <stdlib.h>
#include <openssl/crypto.h>
#include <openssl/err.h>

#include "auth/base64url.h"

#define SEED_BYTES      32
#define SIGNATURE_BYTES 64

typedef struct SigningKey
{
	char      kid[GW_KID_BYTES_MAX + 1];
	int64_t   signs_from_s;
	EVP_PKEY *key;
} SigningKey;

struct GwSigner
{
	char       audience[GW_SIGNER_AUDIENCE_MAX + 1];
	int        count;
	SigningKey keys[GW_KEYS_MAX];
};

/* -- reading ------------------------------------------------------------------------------------*/

static bool
read_signing_key(const json_t *item, SigningKey *out)
{
	const char   *kid = gw_strict_json_string(item, "kid");
	const json_t *from = json_object_get(item, "signs_from");
	unsigned char seed[SEED_BYTES];

	if (kid == NULL || *kid == '\0' || strlen(kid) > GW_KID_BYTES_MAX || !json_is_integer(from) ||
		!gw_strict_json_hex(item, "seed", seed, SEED_BYTES))
		return false;
	memcpy(out->kid, kid, strlen(kid) + 1);
	out->signs_from_s = json_integer_value(from);
	out->key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, SEED_BYTES);
	OPENSSL_cleanse(seed, sizeof(seed));
	ERR_clear_error();
	return out->key != NULL;
}

/* Which database the keys are of. It becomes part of a list, so it has no comma. */
static bool
read_audience(const json_t *document, GwSigner *signer)
{
	const char *name = gw_strict_json_string(document, "audience");

	if (name == NULL || *name == '\0' || strlen(name) > GW_SIGNER_AUDIENCE_MAX ||
		strpbrk(name, ", *") != NULL)
		return false;
	memcpy(signer->audience, name, strlen(name) + 1);
	return true;
}

GwSigner *
gw_signer_read(GwSlice text)
{
	json_t   *document = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
	json_t   *list = json_object_get(document, "keys");
	GwSigner *signer = gw_alloc(sizeof(*signer));
	bool      good = json_array_size(list) > 0 && read_audience(document, signer);
	json_t   *item;
	size_t    i;

	signer->count = 0;
	json_array_foreach(list, i, item)
	{
		good = good && signer->count < GW_KEYS_MAX &&
			   read_signing_key(item, &signer->keys[signer->count]);
		signer->count += good;
	}
	json_decref(document);
	if (good)
		return signer;
	gw_signer_free(signer);
	return NULL;
}

bool
gw_signer_has_none(GwSlice text)
{
	json_t       *document = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
	const json_t *list = json_object_get(document, "keys");
	bool          none = json_is_array(list) && json_array_size(list) == 0;

	json_decref(document);
	return none;
}

void
gw_signer_free(GwSigner *signer)
{
	for (int i = 0; signer != NULL && i < signer->count; i++)
		EVP_PKEY_free(signer->keys[i].key);
	free(signer);
}

const char *
gw_signer_audience(const GwSigner *signer)
{
	return signer->audience;
}

GwKeySet *
gw_signer_keys(const GwSigner *signer)
{
	GwKeySet *set = gw_alloc(sizeof(*set));

	set->count = signer->count;
	set->left_out = 0;
	for (int i = 0; i < signer->count; i++)
	{
		GwKey *key = &set->keys[i];

		*key = (GwKey){.kind = GW_KEY_ED25519, .key = signer->keys[i].key};
		memcpy(key->kid, signer->keys[i].kid, sizeof(key->kid));
		EVP_PKEY_up_ref(key->key);
	}
	return set;
}

/* -- signing ------------------------------------------------------------------------------------*/

/* The latest of those whose time has come; they come in that order. Where the clock is behind the
 * database's, that may be none: then the first one. */
static const SigningKey *
key_that_signs(const GwSigner *signer, int64_t now_s)
{
	for (int i = signer->count - 1; i >= 0; i--)
		if (signer->keys[i].signs_from_s <= now_s)
			return &signer->keys[i];
	return signer->count > 0 ? &signer->keys[0] : NULL;
}

static void
put_json_part(GwText *out, const json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT);

	if (text == NULL)
		abort();
	gw_base64url_encode((GwSlice){text, strlen(text)}, out);
	free(text);
}

static bool
put_signature(const SigningKey *key, GwSlice signed_text, GwText *out)
{
	EVP_MD_CTX   *context = EVP_MD_CTX_new();
	unsigned char signature[SIGNATURE_BYTES];
	size_t        len = sizeof(signature);
	bool          good = context != NULL &&
				EVP_DigestSignInit_ex(context, NULL, NULL, NULL, NULL, key->key, NULL) > 0 &&
				EVP_DigestSign(context, signature, &len, (const unsigned char *) signed_text.data,
							   signed_text.len) > 0;

	EVP_MD_CTX_free(context);
	ERR_clear_error();
	if (good)
		gw_base64url_encode((GwSlice){(const char *) signature, len}, out);
	return good;
}

bool
gw_signer_sign(const GwSigner *signer, const char *type, const json_t *claims, int64_t now_s,
			   GwText *out)
{
	const SigningKey *key = key_that_signs(signer, now_s);
	json_t           *header;
	GwText            signature = {0};
	size_t            start = out->len;
	bool              good;

	if (key == NULL)
		return false;
	header = json_pack("{s:s, s:s, s:s}", "alg", "EdDSA", "typ", type, "kid", key->kid);
	put_json_part(out, header);
	json_decref(header);
	gw_text_putc(out, '.');
	put_json_part(out, claims);
	good = put_signature(key, (GwSlice){out->data + start, out->len - start}, &signature);
	gw_text_putc(out, '.');
	if (good)
		gw_text_add(out, signature.data, signature.len);
	gw_text_free(&signature);
	return good;
}
