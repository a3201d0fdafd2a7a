/*
 * test_token.c
 *		Tokens: the cases of tokens/taken and tokens/refused, and vectors of RFC 7515 and RFC 8037.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "check.h"

#include <dirent.h>

#include "auth/base64url.h"
#include "auth/token.h"

#define NOW 1800000000

static char      folder[512];
static GwKeySet *usual_keys;

/* The cases lie beside this file. */
static void
find_folder(void)
{
	const char *slash = strrchr(__FILE__, '/');

	snprintf(folder, sizeof(folder), "%.*stokens", slash ? (int) (slash - __FILE__ + 1) : 0,
			 __FILE__);
}

static json_t *
load(const char *name)
{
	char    path[1024];
	json_t *json;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	json = json_load_file(path, 0, NULL);
	assert_non_null(json);
	return json;
}

static GwKeySet *
keys_of(const json_t *json)
{
	char     *text = json_dumps(json, 0);
	GwKeySet *set = gw_jwk_set_read((GwSlice){text, strlen(text)});

	free(text);
	return set;
}

static GwRefusal
judge(const json_t *test)
{
	const char   *text = json_string_value(json_object_get(test, "token"));
	const char   *audiences = json_string_value(json_object_get(test, "audiences"));
	const json_t *leeway = json_object_get(test, "leeway");
	const json_t *own = json_object_get(test, "keys");
	GwKeySet     *keys = own ? keys_of(own) : usual_keys;
	GwTokenRules  rules = {
		 .issuer = "https://issuer.example",
		 .audiences = audiences ? audiences : "icecat",
		 .leeway_s = leeway ? json_integer_value(leeway) : 30,
    };
	GwToken   token;
	GwRefusal why = gw_token_read(&token, (GwSlice){text, strlen(text)});

	assert_non_null(keys);
	if (why == GW_REFUSAL_NONE)
		why = gw_token_check(&token, &rules, NOW);
	if (why == GW_REFUSAL_NONE)
		why = gw_token_verify(&token, keys);
	gw_token_free(&token);
	if (own)
		gw_jwk_set_free(keys);
	return why;
}

static int
each_case(const char *kind)
{
	char           path[1024];
	DIR           *dir;
	struct dirent *entry;
	int            count = 0;
	int            wrong = 0;

	snprintf(path, sizeof(path), "%s/%s", folder, kind);
	dir = opendir(path);
	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL)
	{
		const char *expected;
		const char *got;
		json_t     *test;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", kind, entry->d_name);
		test = load(path);
		expected = json_string_value(json_object_get(test, "refusal"));
		got = gw_refusal_name(judge(test));
		if (strcmp(got, expected ? expected : "none") != 0)
		{
			print_message("%s: expected %s, got %s\n", path, expected ? expected : "none", got);
			wrong++;
		}
		count++;
		json_decref(test);
	}
	closedir(dir);
	assert_int_equal(wrong, 0);
	return count;
}

static void
test_taken(void **state)
{
	(void) state;
	assert_true(each_case("taken") >= 10);
}

static void
test_refused(void **state)
{
	(void) state;
	assert_true(each_case("refused") >= 40);
}

/* Checks a token of an RFC with the key of the same place: only its signature. */
static bool
signature_is_right(const char *jwk, const char *text)
{
	GwText    set = {0};
	GwToken   token;
	GwKeySet *keys;
	bool      right;

	gw_text_printf(&set, "{\"keys\":[%s]}", jwk);
	keys = gw_jwk_set_read((GwSlice){set.data, set.len});
	assert_non_null(keys);
	assert_int_equal(keys->count, 1);
	right = gw_token_read(&token, (GwSlice){text, strlen(text)}) == GW_REFUSAL_NONE &&
			gw_token_verify(&token, keys) == GW_REFUSAL_NONE;
	gw_token_free(&token);
	gw_jwk_set_free(keys);
	gw_text_free(&set);
	return right;
}

#define JOE                                                                                        \
	"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl" \
	"fQ"

/* RFC 7515, appendix A.2 */
static void
test_rfc7515_rs256(void **state)
{
	const char *key =
		"{\"kty\":\"RSA\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-"
		"Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_"
		"7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-"
		"UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3"
		"qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_"
		"h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWy"
		"uXpoQ\",\"e\":\"AQAB\"}";

	(void) state;
	assert_true(signature_is_right(
		key,
		"eyJhbGciOiJSUzI1NiJ9." JOE
		".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_"
		"O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIAR"
		"NPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvh"
		"J1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"));
}

/* RFC 7515, appendix A.3 */
static void
test_rfc7515_es256(void **state)
{
	const char *key = "{\"kty\":\"EC\",\"crv\":\"P-256\","
					  "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
					  "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}";

	(void) state;
	assert_true(
		signature_is_right(key, "eyJhbGciOiJFUzI1NiJ9." JOE
								".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSA"
								"pmWQxfKTUJqPP3-Kg6NU1Q"));
	assert_false(
		signature_is_right(key, "eyJhbGciOiJFUzI1NiJ9." JOE
								".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSA"
								"pmWQxfKTUJqPP3-Kg6NU1A"));
}

/* RFC 8037, appendix A.4: its payload is no JSON, so it is no token. */
static void
test_rfc8037_eddsa(void **state)
{
	const char *set = "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\","
					  "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}";
	const char *text = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
	GwKeySet   *keys = gw_jwk_set_read((GwSlice){set, strlen(set)});
	GwText      signature = {0};

	(void) state;
	assert_true(gw_base64url_decode(GW_LITERAL("hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcN"
											   "R4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"),
									&signature));
	assert_true(gw_algorithm_verify(gw_algorithm_find("EdDSA"), keys->keys[0].key,
									(GwSlice){text, strlen(text)},
									(GwSlice){signature.data, signature.len}));
	gw_text_free(&signature);
	gw_jwk_set_free(keys);
}

/* RFC 4648, section 10, without padding; and RFC 7515, appendix C */
static void
test_base64url(void **state)
{
	static const struct
	{
		const char *in;
		const char *out; /* NULL: refused */
	} cases[] = {
		{"", ""},
		{"Zg", "f"},
		{"Zm8", "fo"},
		{"Zm9v", "foo"},
		{"Zm9vYg", "foob"},
		{"Zm9vYmE", "fooba"},
		{"Zm9vYmFy", "foobar"},
		{"A-z_4ME", "\003\354\377\340\301"},
		{"Zh", NULL},
		{"Zm9", NULL},
		{"Z", NULL},
		{"Zg==", NULL},
		{"Zm 8", NULL},
		{"Z+8/", NULL},
		{"Zm9vY", NULL},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		GwText out = {0};
		bool   good = gw_base64url_decode((GwSlice){cases[i].in, strlen(cases[i].in)}, &out);

		assert_int_equal(good, cases[i].out != NULL);
		if (good && out.len > 0)
			assert_string_equal(out.data, cases[i].out);
		gw_text_free(&out);
	}
}

static void
test_sets(void **state)
{
	static const char *const none[] = {"", "[]", "{}", "{\"keys\":5}", "{\"keys\":[],\"keys\":[]}"};

	(void) state;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_null(gw_jwk_set_read((GwSlice){none[i], strlen(none[i])}));
	assert_int_equal(usual_keys->count, 6);
	assert_int_equal(usual_keys->left_out, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_base64url),     cmocka_unit_test(test_sets),
		cmocka_unit_test(test_rfc7515_rs256), cmocka_unit_test(test_rfc7515_es256),
		cmocka_unit_test(test_rfc8037_eddsa), cmocka_unit_test(test_taken),
		cmocka_unit_test(test_refused),
	};
	json_t *json;
	int     failed;

	find_folder();
	json = load("keys.json");
	usual_keys = keys_of(json);
	json_decref(json);
	failed = cmocka_run_group_tests_name("token", tests, NULL, NULL);
	gw_jwk_set_free(usual_keys);
	return failed;
}
