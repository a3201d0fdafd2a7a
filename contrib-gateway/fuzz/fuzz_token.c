/*
 * fuzz_token.c
 *		Tokens and sets of keys of strangers. The input is a token, and a set of keys, and both with
 *		a line end in between.
 *
 * No input is ever a token that is signed by the fixed key, for nobody has its other half here.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include <assert.h>
#include <stdlib.h>

#include "auth/token.h"

#define NOW 1800000000

static const char fixed[] = "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"ed\","
							"\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"},"
							"{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"p256\","
							"\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
							"\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}";

static GwRefusal
judge(GwSlice text, const GwKeySet *keys)
{
	const GwTokenRules rules = {"https://issuer.example", "icecat", 30};
	GwToken            token;
	GwRefusal          why = gw_token_read(&token, text);

	if (why == GW_REFUSAL_NONE)
		why = gw_token_check(&token, &rules, NOW);
	if (why == GW_REFUSAL_NONE)
	{
		assert(token.subject != NULL && strlen(token.subject) <= GW_SUBJECT_BYTES_MAX);
		assert(token.expires_s > NOW - 30);
		why = gw_token_verify(&token, keys);
	}
	gw_token_free(&token);
	return why;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static GwKeySet *keys;
	GwSlice          input = {(const char *) bytes, len};
	const char      *end = memchr(input.data, '\n', len);
	GwSlice          first = {input.data, end ? (size_t) (end - input.data) : len};
	GwSlice          second = {end ? end + 1 : input.data, end ? len - first.len - 1 : len};
	GwKeySet        *own = gw_jwk_set_read(second);

	if (keys == NULL)
		keys = gw_jwk_set_read(GW_LITERAL(fixed));
	assert(keys != NULL && keys->count == 2);
	assert(judge(first, keys) != GW_REFUSAL_NONE);
	if (own != NULL)
		(void) judge(first, own);
	gw_jwk_set_free(own);
	return 0;
}
