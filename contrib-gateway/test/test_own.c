/*
 * test_own.c
 *		Tokens of our own: keys, signatures, grants; and what secrets are checked by.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "auth/credential.h"
#include "auth/form.h"
#include "auth/grant.h"
#include "auth/signer.h"
#include "auth/token.h"
#include "check.h"

#define HERE  "urn:icecat:0123"
#define SEED  "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f"
#define OTHER "1f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f"
#define KEYS                                                                     \
	"{\"audience\": \"" HERE "\", \"keys\": [{\"kid\": \"a\", \"seed\": \"" SEED \
	"\", \"signs_from\": 10}, "                                                  \
	"{\"kid\": \"b\", \"seed\": \"" OTHER "\", \"signs_from\": 100}]}"

static GwSigner *
read_keys(const char *text)
{
	return gw_signer_read((GwSlice){text, strlen(text)});
}

/* -- signing ------------------------------------------------------------------------------------*/

static json_t *
client_claims(GwGrantUse use, int64_t now, int64_t lifetime)
{
	GwGrant grant = {.subject = "ann", .client = "ann", .session = "s", .role = "", .scope = ""};

	return gw_grant_claims(&grant, HERE, use, now, &lifetime);
}

/* The key that signs a token at that time, and that its claims are verified by the set. */
static void
expect_signed_by(const GwSigner *signer, int64_t now, const char *kid)
{
	json_t      *claims = client_claims(GW_GRANT_ACCESS, now, 60);
	GwKeySet    *keys = gw_signer_keys(signer);
	GwTokenRules rules = {.issuer = GW_GRANT_ISSUER, .audiences = HERE};
	GwText       text = {0};
	GwToken      token;

	assert_true(gw_signer_sign(signer, "JWT", claims, now, &text));
	assert_int_equal(gw_token_read(&token, (GwSlice){text.data, text.len}), GW_REFUSAL_NONE);
	assert_string_equal(token.kid, kid);
	assert_int_equal(gw_token_check(&token, &rules, now), GW_REFUSAL_NONE);
	assert_int_equal(gw_token_verify(&token, keys), GW_REFUSAL_NONE);
	gw_token_free(&token);
	text.data[text.len - 8] = text.data[text.len - 8] == 'A' ? 'B' : 'A';
	assert_int_equal(gw_token_read(&token, (GwSlice){text.data, text.len}), GW_REFUSAL_NONE);
	assert_int_equal(gw_token_verify(&token, keys), GW_REFUSAL_SIGNATURE);
	gw_token_free(&token);
	gw_text_free(&text);
	gw_jwk_set_free(keys);
	json_decref(claims);
}

static void
test_the_latest_key_whose_time_has_come_signs(void **state)
{
	GwSigner *signer = read_keys(KEYS);
	json_t   *claims = client_claims(GW_GRANT_ACCESS, 9, 60);
	GwText    text = {0};

	(void) state;
	assert_non_null(signer);
	expect_signed_by(signer, 10, "a");
	expect_signed_by(signer, 99, "a");
	expect_signed_by(signer, 100, "b");
	assert_true(gw_signer_sign(signer, "JWT", claims, 9, &text)); /* a clock that is behind */
	gw_text_free(&text);
	json_decref(claims);
	gw_signer_free(signer);
}

static void
test_what_is_no_set_of_keys(void **state)
{
#define KEY       "[{\"kid\": \"a\", \"seed\": \"" SEED "\", \"signs_from\": 1}]"
#define WITH(key) "{\"audience\": \"x\", \"keys\": " key "}"
	static const char *const bad[] = {
		"",
		"[]",
		"{}",
		"null",
		KEY,
		"{\"keys\": " KEY "}",
		"{\"audience\": \"\", \"keys\": " KEY "}",
		"{\"audience\": \"x,y\", \"keys\": " KEY "}",
		"{\"audience\": \"*\", \"keys\": " KEY "}",
		"{\"audience\": 1, \"keys\": " KEY "}",
		WITH("1"),
		WITH("[]"),
		WITH("[1]"),
		WITH("[{\"kid\": \"a\"}]"),
		WITH("[{\"kid\": \"a\", \"seed\": \"0f\", \"signs_from\": 1}]"),
		WITH("[{\"kid\": \"\", \"seed\": \"" SEED "\", \"signs_from\": 1}]"),
		WITH("[{\"kid\": \"a\", \"seed\": \"" SEED "\"}]"),
		WITH("[{\"kid\": \"a\", \"seed\": \"" SEED "\", \"signs_from\": \"1\"}]"),
	};
	GwSigner *good = read_keys(WITH(KEY));

	(void) state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_null(read_keys(bad[i]));
	assert_string_equal(gw_signer_audience(good), "x");
	gw_signer_free(good);
	assert_true(gw_signer_has_none((GwSlice){WITH("[]"), strlen(WITH("[]"))}));
	assert_false(gw_signer_has_none((GwSlice){WITH(KEY), strlen(WITH(KEY))}));
	assert_false(gw_signer_has_none((GwSlice){"{}", 2}));
}

/* -- grants -------------------------------------------------------------------------------------*/

static void
test_uses_are_not_taken_for_each_other(void **state)
{
	json_t *access = client_claims(GW_GRANT_ACCESS, 5, 60);
	json_t *refresh = client_claims(GW_GRANT_REFRESH, 5, 60);
	GwGrant grant;

	(void) state;
	assert_true(gw_grant_read(access, GW_GRANT_ACCESS, &grant));
	assert_string_equal(grant.client, "ann");
	assert_false(gw_grant_read(access, GW_GRANT_REFRESH, &grant));
	assert_true(gw_grant_read(refresh, GW_GRANT_REFRESH, &grant));
	assert_false(gw_grant_read(refresh, GW_GRANT_ACCESS, &grant));
	json_object_del(access, "use");
	assert_false(gw_grant_read(access, GW_GRANT_ACCESS, &grant));
	json_decref(access);
	json_decref(refresh);
}

static void
test_a_grant_of_an_issuers_token_carries_its_claims_and_ends(void **state)
{
	json_t *first = json_pack("{s:s, s:s}", "sub", "zoe", "client", "ann");
	GwGrant grant = {.subject = "zoe",
					 .origin = "corp",
					 .claims = first,
					 .role = "small",
					 .scope = "catalog",
					 .since_s = 100,
					 .until_s = 130};
	int64_t lifetime = 60;
	json_t *claims = gw_grant_claims(&grant, HERE, GW_GRANT_ACCESS, 110, &lifetime);
	GwGrant read;

	(void) state;
	assert_int_equal(lifetime, 20);
	assert_true(gw_grant_read(claims, GW_GRANT_ACCESS, &read));
	assert_null(read.client);
	assert_string_equal(read.origin, "corp");
	assert_string_equal(read.role, "small");
	assert_int_equal(read.since_s, 100);
	assert_int_equal(read.until_s, 130);
	assert_string_equal(json_string_value(json_object_get(read.claims, "sub")), "zoe");
	json_object_set_new(claims, "client", json_string("ann"));
	assert_false(gw_grant_read(claims, GW_GRANT_ACCESS, &read));
	json_decref(claims);
	json_decref(first);
}

/* -- secrets ------------------------------------------------------------------------------------*/

/* SHA-256 of sixteen zero bytes and "secret". */
#define SALT "00000000000000000000000000000000"
#define HASH "36fcbdc4799378811fe3603f327fe626b629fdc63c0958cc7ee6fce2183752cb"

static void
expect_match(const char *document, const char *secret, int64_t now, bool expected)
{
	GwCredential credential;
	int64_t      until;

	assert_true(gw_credential_read((GwSlice){document, strlen(document)}, &credential));
	assert_int_equal(
		gw_credential_matches(&credential, (GwSlice){secret, strlen(secret)}, now, &until),
		expected);
}

static void
test_secrets(void **state)
{
	const char *one = "{\"name\": \"ann\", \"session\": \"s\", \"verdict\": \"role r\", "
					  "\"secrets\": [{\"salt\": null, \"hash\": null, \"until\": null}, "
					  "{\"salt\": \"" SALT "\", \"hash\": \"" HASH "\", \"until\": 50}]}";
	const char *none =
		"{\"name\": \"ann\", \"session\": null, \"verdict\": \"none\", \"secrets\": []}";
	char    longer[200];
	int64_t until;

	(void) state;
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	expect_match(one, "secret", 49, true);
	expect_match(one, "secret", 50, false);
	expect_match(one, "secre", 1, false);
	expect_match(one, "", 1, false);
	expect_match(one, longer, 1, false);
	expect_match(none, "secret", 1, false);
	assert_false(gw_credential_matches(NULL, GW_LITERAL("secret"), 1, &until));
}

static void
test_ids(void **state)
{
	(void) state;
	assert_true(gw_credential_id_is_sound(GW_LITERAL("a.B_1-z")));
	assert_false(gw_credential_id_is_sound(GW_LITERAL("")));
	assert_false(gw_credential_id_is_sound(GW_LITERAL("a b")));
	assert_false(gw_credential_id_is_sound(GW_LITERAL("a\0")));
	assert_false(gw_credential_id_is_sound(GW_LITERAL("\xC3\xA4")));
}

/* -- forms --------------------------------------------------------------------------------------*/

static void
test_forms(void **state)
{
	GwForm form;

	(void) state;
	assert_null(gw_form_read(
		&form, GW_LITERAL("grant_type=a%3ab&&scope=x+y&other=1&other=2&client_id=&=&&x")));
	assert_string_equal(form.grant_type, "a:b");
	assert_string_equal(form.scope, "x y");
	assert_null(form.client_id);
	gw_form_free(&form);
	assert_non_null(gw_form_read(&form, GW_LITERAL("scope=a&scope=a")));
	gw_form_free(&form);
	assert_non_null(gw_form_read(&form, GW_LITERAL("scope=%0")));
	gw_form_free(&form);
	assert_null(gw_form_read(&form, GW_LITERAL("&&&&&&")));
	gw_form_free(&form);
	assert_true(gw_form_query_tells(GW_LITERAL("a=1&client%5fsecret=x")));
	assert_false(gw_form_query_tells(GW_LITERAL("client_id=a&secret=b&client_secrets=c")));
}

static void
test_basic(void **state)
{
	char  *id;
	char  *secret;
	size_t size;

	(void) state;
	assert_true(gw_form_basic(GW_LITERAL("bAsIc YW5uOmE6Yg=="), &id, &secret, &size));
	assert_string_equal(id, "ann");
	assert_string_equal(secret, "a:b");
	gw_form_forget(id, size);
	assert_false(gw_form_basic(GW_LITERAL("Basic YW5u"), &id, &secret, &size));
	assert_false(gw_form_basic(GW_LITERAL("Basic !"), &id, &secret, &size));
	assert_false(gw_form_basic(GW_LITERAL("Basic "), &id, &secret, &size));
	assert_false(gw_form_basic(GW_LITERAL("Bearer YW5uOmE6Yg=="), &id, &secret, &size));
}

static void
test_scopes(void **state)
{
	char role[GW_FORM_ROLE_BYTES];

	(void) state;
	assert_true(gw_form_scope_role("catalog  PRINCIPAL_ROLE:ALL x", role));
	assert_string_equal(role, "");
	assert_true(gw_form_scope_role("PRINCIPAL_ROLE:a PRINCIPAL_ROLE:ALL PRINCIPAL_ROLE:a", role));
	assert_string_equal(role, "a");
	assert_false(gw_form_scope_role("PRINCIPAL_ROLE:a PRINCIPAL_ROLE:b", role));
	assert_false(gw_form_scope_role("PRINCIPAL_ROLE:", role));
	assert_true(gw_form_scope_has("a offline_access", "offline_access"));
	assert_false(gw_form_scope_has("a offline_accessed", "offline_access"));
	assert_false(gw_form_scope_is_sound("a\"b"));
	assert_false(gw_form_scope_is_sound("a\nb"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_latest_key_whose_time_has_come_signs),
		cmocka_unit_test(test_what_is_no_set_of_keys),
		cmocka_unit_test(test_uses_are_not_taken_for_each_other),
		cmocka_unit_test(test_a_grant_of_an_issuers_token_carries_its_claims_and_ends),
		cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_basic),
		cmocka_unit_test(test_scopes),
	};

	return cmocka_run_group_tests_name("own", tests, NULL, NULL);
}
