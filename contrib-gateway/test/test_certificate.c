/*
 * test_certificate.c
 *		What certificates say: names as they are written, names that are none, and too many of them.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "auth/certificate.h"

#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "check.h"

#define NOW 1000000000

static EVP_PKEY *key;

static int
set_up(void **state)
{
	(void) state;
	key = EVP_EC_gen("P-256");
	return key == NULL;
}

static int
tear_down(void **state)
{
	(void) state;
	EVP_PKEY_free(key);
	return 0;
}

/* One that is good for an hour after NOW, with nothing in it. */
static X509 *
make(void)
{
	X509 *x509 = X509_new();

	X509_set_version(x509, X509_VERSION_3);
	ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), 0x1ff);
	ASN1_TIME_set(X509_getm_notBefore(x509), NOW - 60);
	ASN1_TIME_set(X509_getm_notAfter(x509), NOW + 3600);
	X509_set_pubkey(x509, key);
	return x509;
}

static void
name(X509 *x509, const char *field, int type, const char *text, int len)
{
	X509_NAME *subject = X509_NAME_dup(X509_get_subject_name(x509));

	assert_int_equal(
		X509_NAME_add_entry_by_txt(subject, field, type, (const unsigned char *) text, len, -1, 0),
		1);
	X509_set_subject_name(x509, subject);
	X509_NAME_free(subject);
}

/* An alternative name, whatever bytes it has. */
static void
alternative(X509 *x509, int type, const char *text, int len)
{
	GENERAL_NAMES  *names = X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);
	GENERAL_NAME   *one = GENERAL_NAME_new();
	ASN1_IA5STRING *value = ASN1_IA5STRING_new();

	if (names == NULL)
		names = sk_GENERAL_NAME_new_null();
	ASN1_STRING_set(value, text, len);
	GENERAL_NAME_set0_value(one, type, value);
	sk_GENERAL_NAME_push(names, one);
	assert_int_equal(X509_add1_ext_i2d(x509, NID_subject_alt_name, names, 0, X509V3_ADD_REPLACE),
					 1);
	GENERAL_NAMES_free(names);
}

/* Signs it, reads it as a peer would have sent it, and frees it. The claims are to be freed. */
static GwRefusal
read_at(X509 *x509, int64_t now_s, GwCertificate *out)
{
	GwRefusal why;

	assert_true(X509_sign(x509, key, EVP_sha256()) > 0);
	why = gw_certificate_read(x509, now_s, out);
	X509_free(x509);
	return why;
}

static void
expect_refused(X509 *x509, GwRefusal expected)
{
	GwCertificate out;

	assert_int_equal(read_at(x509, NOW, &out), expected);
	assert_null(out.claims);
}

static void
expect_claim(const GwCertificate *certificate, const char *text)
{
	if (strstr(certificate->claims, text) == NULL)
		fail_msg("no %s in %s", text, certificate->claims);
}

static void
test_claims(void **state)
{
	X509         *x509 = make();
	GwCertificate out;

	(void) state;
	name(x509, "O", MBSTRING_UTF8,
		 "Gr\xc3\xb6\xc3\x9f"
		 "e, S\xc3\xb6hne",
		 -1);
	name(x509, "CN", MBSTRING_UTF8, "ann", -1);
	alternative(x509, GEN_DNS, "a.example", 9);
	alternative(x509, GEN_DNS, "b.example", 9);
	alternative(x509, GEN_URI, "spiffe://x/ann", 14);
	alternative(x509, GEN_EMAIL, "ann@x.example", 13);
	assert_int_equal(read_at(x509, NOW, &out), GW_REFUSAL_NONE);
	assert_string_equal(out.subject, "CN=ann,O=Gr\xc3\xb6\xc3\x9f"
									 "e\\, S\xc3\xb6hne");
	assert_int_equal(out.expires_s, NOW + 3600);
	expect_claim(&out, "\"cn\":\"ann\"");
	expect_claim(&out, "\"dns\":[\"a.example\",\"b.example\"]");
	expect_claim(&out, "\"uri\":[\"spiffe://x/ann\"]");
	expect_claim(&out, "\"email\":[\"ann@x.example\"]");
	expect_claim(&out, "\"serial\":\"01ff\"");
	expect_claim(&out, "\"issuer\":\"\"");
	expect_claim(&out, "\"sub\":\"CN=ann,O=");
	expect_claim(&out, "\"fingerprint\":\"");
	free(out.claims);
}

/* The rules of RFC 4514 keep one name from looking like another. */
static void
test_escapes(void **state)
{
	X509         *x509 = make();
	GwCertificate out;

	(void) state;
	name(x509, "CN", MBSTRING_UTF8, "eve,CN=ann", -1);
	assert_int_equal(read_at(x509, NOW, &out), GW_REFUSAL_NONE);
	assert_string_equal(out.subject, "CN=eve\\,CN=ann");
	free(out.claims);

	x509 = make();
	name(x509, "CN", MBSTRING_UTF8, "ann", -1);
	name(x509, "CN", MBSTRING_UTF8, "eve", -1);
	assert_int_equal(read_at(x509, NOW, &out), GW_REFUSAL_NONE);
	assert_null(strstr(out.claims, "\"cn\":"));
	free(out.claims);
}

static void
test_names_that_are_refused(void **state)
{
	X509 *x509 = make();

	(void) state;
	name(x509, "CN", V_ASN1_UTF8STRING, "ann\0.evil", 9);
	expect_refused(x509, GW_REFUSAL_NAMES);
	x509 = make();
	name(x509, "CN", V_ASN1_UTF8STRING, "a\nb", 3);
	expect_refused(x509, GW_REFUSAL_NAMES);
	x509 = make();
	name(x509, "CN", MBSTRING_UTF8, "ann", -1);
	alternative(x509, GEN_DNS, "ann\0.evil", 9);
	expect_refused(x509, GW_REFUSAL_NAMES);
	x509 = make();
	name(x509, "CN", MBSTRING_UTF8, "ann", -1);
	alternative(x509, GEN_URI, "a:\xc3", 3);
	expect_refused(x509, GW_REFUSAL_NAMES);
	x509 = make();
	name(x509, "CN", MBSTRING_UTF8, "ann", -1);
	for (int i = 0; i < 65; i++)
		alternative(x509, GEN_DNS, "a.example", 9);
	expect_refused(x509, GW_REFUSAL_NAMES);
}

static void
test_without_a_subject(void **state)
{
	X509         *x509 = make();
	GwCertificate out;

	(void) state;
	expect_refused(x509, GW_REFUSAL_UNNAMED);
	x509 = make();
	alternative(x509, GEN_URI, "spiffe://x/ann", 14);
	assert_int_equal(read_at(x509, NOW, &out), GW_REFUSAL_NONE);
	assert_string_equal(out.subject, "spiffe://x/ann");
	free(out.claims);
	x509 = make();
	alternative(x509, GEN_URI, "a:b", 3);
	alternative(x509, GEN_URI, "c:d", 3);
	expect_refused(x509, GW_REFUSAL_UNNAMED);
}

static void
test_time(void **state)
{
	X509         *x509 = make();
	GwCertificate out;

	(void) state;
	name(x509, "CN", MBSTRING_UTF8, "ann", -1);
	assert_int_equal(read_at(x509, NOW + 3600, &out), GW_REFUSAL_OLD);
}

/* One of a certificate is none of a token with the same bytes. */
static void
test_digest(void **state)
{
	X509          *x509 = make();
	unsigned char  digest[GW_DIGEST_BYTES];
	unsigned char  plain[GW_DIGEST_BYTES];
	unsigned char *der = NULL;
	int            len;

	(void) state;
	assert_true(X509_sign(x509, key, EVP_sha256()) > 0);
	assert_true(gw_certificate_digest(x509, digest));
	len = i2d_X509(x509, &der);
	assert_int_equal(EVP_Digest(der, (size_t) len, plain, NULL, EVP_sha256(), NULL), 1);
	assert_memory_not_equal(digest, plain, sizeof(digest));
	OPENSSL_free(der);
	X509_free(x509);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_claims),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_names_that_are_refused),
		cmocka_unit_test(test_without_a_subject),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_digest),
	};

	return cmocka_run_group_tests_name("certificate", tests, set_up, tear_down);
}
