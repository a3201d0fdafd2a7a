/*
 * fuzz_certificate.c
 *		Certificates of strangers, as DER: what is read from them is text that PostgreSQL takes, and
 *		bounded.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include <assert.h>
#include <stdlib.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include "auth/certificate.h"
#include "auth/strict_json.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const unsigned char *at = bytes;
	X509                *x509 = d2i_X509(NULL, &at, (long) len);
	unsigned char        digest[GW_DIGEST_BYTES];
	GwCertificate        out;
	json_t              *claims;

	if (x509 == NULL)
	{
		ERR_clear_error();
		return 0;
	}
	assert(gw_certificate_digest(x509, digest));
	if (gw_certificate_read(x509, INT64_MIN, &out) == GW_REFUSAL_NONE)
	{
		assert(out.subject[0] != '\0' && strlen(out.subject) <= GW_SUBJECT_BYTES_MAX);
		assert(gw_text_is_utf8(out.subject, strlen(out.subject)));
		claims = gw_strict_json_object((GwSlice){out.claims, strlen(out.claims)});
		assert(claims != NULL && gw_strict_json_string(claims, "sub") != NULL);
		assert(strcmp(gw_strict_json_string(claims, "sub"), out.subject) == 0);
		json_decref(claims);
		free(out.claims);
	}
	X509_free(x509);
	return 0;
}
