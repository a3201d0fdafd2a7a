/*
 * secret.c
 *		Encryption of secrets, and signatures by private keys, by OpenSSL. See secret.h.
 *
 * A sealed piece is a nonce of 12 random bytes, the ciphertext and a tag of 16 bytes.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

#include "errors.h"
#include "net/secret.h"

#define NONCE_BYTES 12
#define TAG_BYTES   16

/* -- AES-256-GCM ------------------------------------------------------------------------------- */

/* Encrypts or decrypts; the tag is written or checked. */
static bool
run_cipher(EVP_CIPHER_CTX *cipher, bool encrypt, const uint8_t *key, const uint8_t *nonce,
		   const void *associated, size_t associated_len, const uint8_t *in, size_t len,
		   uint8_t *out, uint8_t *tag)
{
	int n;

	if (EVP_CipherInit_ex(cipher, EVP_aes_256_gcm(), NULL, key, nonce, encrypt) != 1 ||
		EVP_CipherUpdate(cipher, NULL, &n, associated, (int) associated_len) != 1 ||
		EVP_CipherUpdate(cipher, out, &n, in, (int) len) != 1)
		return false;
	if (!encrypt && EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag) != 1)
		return false;
	if (EVP_CipherFinal_ex(cipher, out + n, &n) != 1)
		return false;
	return !encrypt || EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, tag) == 1;
}

uint8_t *
ice_secret_seal(const uint8_t *key, const void *associated, size_t associated_len,
				const void *plain, size_t len, size_t *sealed_len)
{
	uint8_t        *sealed = palloc(NONCE_BYTES + len + TAG_BYTES);
	EVP_CIPHER_CTX *cipher;
	bool            done;

	if (RAND_bytes(sealed, NONCE_BYTES) != 1)
		ice_raise(ICE_ERR_STORAGE, "could not make random bytes");
	cipher = EVP_CIPHER_CTX_new();
	done = cipher != NULL &&
		   run_cipher(cipher, true, key, sealed, associated, associated_len, plain, len,
					  sealed + NONCE_BYTES, sealed + NONCE_BYTES + len);
	EVP_CIPHER_CTX_free(cipher);
	if (!done)
		ice_raise(ICE_ERR_STORAGE, "could not encrypt a secret");
	*sealed_len = NONCE_BYTES + len + TAG_BYTES;
	return sealed;
}

uint8_t *
ice_secret_open(const uint8_t *key, const void *associated, size_t associated_len,
				const void *sealed, size_t len, size_t *plain_len)
{
	const uint8_t  *bytes = sealed;
	EVP_CIPHER_CTX *cipher;
	uint8_t         tag[TAG_BYTES];
	uint8_t        *plain;
	size_t          n;
	bool            done;

	if (len < NONCE_BYTES + TAG_BYTES)
		return NULL;
	n = len - NONCE_BYTES - TAG_BYTES;
	plain = palloc(n + 1);
	memcpy(tag, bytes + NONCE_BYTES + n, TAG_BYTES);
	cipher = EVP_CIPHER_CTX_new();
	done = cipher != NULL && run_cipher(cipher, false, key, bytes, associated, associated_len,
										bytes + NONCE_BYTES, n, plain, tag);
	EVP_CIPHER_CTX_free(cipher);
	ERR_clear_error();
	if (!done)
	{
		explicit_bzero(plain, n);
		pfree(plain);
		return NULL;
	}
	plain[n] = '\0';
	*plain_len = n;
	return plain;
}

/* -- RS256 ------------------------------------------------------------------------------------- */

/* An encrypted key is refused; its password is never asked for on a terminal. */
static EVP_PKEY *
read_key(const char *pem)
{
	static char no_password[] = "";
	BIO        *bio = BIO_new_mem_buf(pem, -1);
	EVP_PKEY   *key = NULL;

	if (bio != NULL)
		key = PEM_read_bio_PrivateKey(bio, NULL, NULL, no_password);
	BIO_free(bio);
	if (key != NULL && EVP_PKEY_base_id(key) != EVP_PKEY_RSA)
	{
		EVP_PKEY_free(key);
		key = NULL;
	}
	return key;
}

uint8_t *
ice_secret_rs256(const char *pem, const void *data, size_t len, size_t *signature_len)
{
	EVP_PKEY   *key = read_key(pem);
	EVP_MD_CTX *context = key == NULL ? NULL : EVP_MD_CTX_new();
	uint8_t    *signature = NULL;

	if (context != NULL && EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
		EVP_DigestSign(context, NULL, signature_len, data, len) == 1)
	{
		signature = palloc_extended(*signature_len, MCXT_ALLOC_NO_OOM);
		if (signature != NULL && EVP_DigestSign(context, signature, signature_len, data, len) != 1)
		{
			pfree(signature);
			signature = NULL;
		}
	}
	EVP_MD_CTX_free(context);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return signature;
}
