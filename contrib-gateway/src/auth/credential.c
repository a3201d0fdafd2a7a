/*
 * credential.c
 *		Checking secrets; see credential.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "auth/credential.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "auth/strict_json.h"

#define ID_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

bool
gw_credential_id_is_sound(GwSlice id)
{
	for (size_t i = 0; i < id.len; i++)
		if (id.data[i] == '\0' || strchr(ID_CHARS, id.data[i]) == NULL)
			return false;
	return id.len > 0 && id.len <= GW_CREDENTIAL_ID_BYTES_MAX;
}

/* -- reading ------------------------------------------------------------------------------------*/

static bool
read_text(const json_t *object, const char *name, char *out)
{
	const char *text = gw_strict_json_string(object, name);
	size_t      len = text != NULL ? strlen(text) : 0;

	if (len >= GW_CREDENTIAL_TEXT)
		return false;
	memcpy(out, text != NULL ? text : "", len + 1);
	return true;
}

/* False: there is none, as where a secret has no successor. */
static bool
read_verifier(const json_t *item, GwVerifier *out)
{
	const json_t *until = json_object_get(item, "until");

	out->until_s = json_is_integer(until) ? json_integer_value(until) : INT64_MAX;
	return gw_strict_json_hex(item, "salt", out->salt, GW_SALT_BYTES) &&
		   gw_strict_json_hex(item, "hash", out->hash, GW_SECRET_HASH_BYTES);
}

bool
gw_credential_read(GwSlice document, GwCredential *out)
{
	json_t *json = gw_strict_json_object(document);
	json_t *item;
	size_t  i;
	bool    good;

	*out = (GwCredential){.count = 0};
	good = json != NULL && read_text(json, "name", out->name) &&
		   read_text(json, "session", out->session) && read_text(json, "verdict", out->verdict);
	json_array_foreach(json_object_get(json, "secrets"), i, item)
	{
		if (out->count < GW_CREDENTIAL_SECRETS && read_verifier(item, &out->verifiers[out->count]))
			out->count++;
	}
	json_decref(json);
	return good;
}

/* -- checking -----------------------------------------------------------------------------------*/

static bool
hash_secret(const unsigned char *salt, GwSlice secret, unsigned char *out)
{
	unsigned char text[GW_SALT_BYTES + GW_SECRET_BYTES_MAX];
	bool          good;

	memcpy(text, salt, GW_SALT_BYTES);
	memcpy(text + GW_SALT_BYTES, secret.data, secret.len);
	good = EVP_Digest(text, GW_SALT_BYTES + secret.len, out, NULL, EVP_sha256(), NULL) == 1;
	OPENSSL_cleanse(text, sizeof(text));
	return good;
}

/* As many hashes for every credential, also for one that there is not. */
bool
gw_credential_matches(const GwCredential *credential, GwSlice secret, int64_t now_s,
					  int64_t *until_s)
{
	static const GwVerifier none;
	bool                    found = false;

	if (secret.len > GW_SECRET_BYTES_MAX)
		secret.len = 0;
	for (int i = 0; i < GW_CREDENTIAL_SECRETS; i++)
	{
		bool              real = credential != NULL && i < credential->count;
		const GwVerifier *verifier = real ? &credential->verifiers[i] : &none;
		unsigned char     hash[GW_SECRET_HASH_BYTES];
		bool              same = hash_secret(verifier->salt, secret, hash) &&
					CRYPTO_memcmp(hash, verifier->hash, sizeof(hash)) == 0;

		if (!real || !same || now_s >= verifier->until_s || secret.len == 0)
			continue;
		*until_s = verifier->until_s;
		found = true;
	}
	return found;
}

const char *
gw_credential_role(const GwCredential *credential)
{
	return strncmp(credential->verdict, "role ", 5) == 0 ? credential->verdict + 5 : NULL;
}
