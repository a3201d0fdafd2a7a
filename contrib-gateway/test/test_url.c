/*
 * test_url.c
 *		Percent-decoding, path segments, queries, namespaces, UTF-8.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "check.h"
#include "base/url.h"

static char   out[400];
static size_t out_len;

static bool
decodes(const char *input, bool query, const char *expected)
{
	GwUrlFault why = gw_url_decode((GwSlice){input, strlen(input)}, query, out, &out_len);

	if (expected == NULL)
		return why != NULL;
	return why == NULL && out_len == strlen(expected) && strcmp(out, expected) == 0;
}

static void
test_decode(void **state)
{
	(void) state;
	assert_true(decodes("", false, ""));
	assert_true(decodes("abc", false, "abc"));
	assert_true(decodes("a%2Fb%2f", false, "a/b/"));
	assert_true(decodes("a%20b", false, "a b"));
	assert_true(decodes("a+b", false, "a+b"));
	assert_true(decodes("a+b%2B", true, "a b+"));
	assert_true(decodes("%251F", false, "%1F"));
	assert_true(decodes("%1F", false, "\037"));
	assert_true(decodes("%C3%A9", false, "\303\251"));
	assert_true(decodes("\303\251", false, "\303\251"));
	assert_true(decodes("..%22%27", false, "..\"'"));
}

static void
test_decode_refuses(void **state)
{
	(void) state;
	assert_true(decodes("%", false, NULL));
	assert_true(decodes("a%2", false, NULL));
	assert_true(decodes("%zz", false, NULL));
	assert_true(decodes("%2g", false, NULL));
	assert_true(decodes("%%20", false, NULL));
	assert_true(decodes("a%00b", false, NULL));
	assert_true(decodes("%C3", false, NULL));
	assert_true(decodes("%C0%AF", false, NULL));
	assert_true(decodes("%ED%A0%80", false, NULL));
	assert_true(decodes("%F4%90%80%80", false, NULL));
	assert_true(decodes("%FF", false, NULL));
}

static void
test_split(void **state)
{
	GwSlice s[4];

	(void) state;
	assert_int_equal(gw_url_split(GW_LITERAL("/"), s, 4), 1);
	assert_int_equal(gw_url_split(GW_LITERAL("/a/b%2Fc"), s, 4), 2);
	assert_slice(s[1], "b%2Fc");
	assert_int_equal(gw_url_split(GW_LITERAL("/a//b/"), s, 4), 4);
	assert_int_equal(s[1].len, 0);
	assert_int_equal(s[3].len, 0);
	assert_int_equal(gw_url_split(GW_LITERAL("/a/b/c/d/e"), s, 4), -1);
}

static void
test_query(void **state)
{
	GwSlice query = GW_LITERAL("&a=1&&b&=x&c=d=e&");
	GwSlice key;
	GwSlice value;

	(void) state;
	assert_true(gw_url_query_next(&query, &key, &value));
	assert_slice(key, "a");
	assert_slice(value, "1");
	assert_true(gw_url_query_next(&query, &key, &value));
	assert_slice(key, "b");
	assert_int_equal(value.len, 0);
	assert_true(gw_url_query_next(&query, &key, &value));
	assert_int_equal(key.len, 0);
	assert_true(gw_url_query_next(&query, &key, &value));
	assert_slice(key, "c");
	assert_slice(value, "d=e");
	assert_false(gw_url_query_next(&query, &key, &value));
	query = (GwSlice){NULL, 0};
	assert_false(gw_url_query_next(&query, &key, &value));
}

static const char *separator = "\037";

static bool
namespace_is(const char *input, const char *expected)
{
	GwUrlFault why = gw_url_namespace((GwSlice){input, strlen(input)}, separator, out, &out_len);

	if (expected == NULL)
		return why != NULL;
	assert_true(out_len < GW_URL_NAMESPACE_BYTES(strlen(input)));
	return why == NULL && out_len == strlen(expected) && strcmp(out, expected) == 0;
}

static void
test_namespace(void **state)
{
	(void) state;
	assert_true(namespace_is("a", "{\"a\"}"));
	assert_true(namespace_is("a\037b", "{\"a\",\"b\"}"));
	assert_true(namespace_is("a\037b\037c", "{\"a\",\"b\",\"c\"}"));
	assert_true(namespace_is("a.b", "{\"a.b\"}"));
	assert_true(namespace_is("a\"b\\c", "{\"a\\\"b\\\\c\"}"));
	assert_true(namespace_is("\"", "{\"\\\"\"}"));
	assert_true(namespace_is("NULL", "{\"NULL\"}"));
	assert_true(namespace_is("{},", "{\"{},\"}"));
	assert_true(namespace_is("%1F", "{\"%1F\"}"));
	assert_true(namespace_is("", NULL));
	assert_true(namespace_is("\037", NULL));
	assert_true(namespace_is("\037a", NULL));
	assert_true(namespace_is("a\037", NULL));
	assert_true(namespace_is("a\037\037b", NULL));
}

static void
test_separator(void **state)
{
	(void) state;
	assert_true(gw_url_separator("%1F", out));
	assert_string_equal(out, "\037");
	assert_true(gw_url_separator("%E2%90%9F", out));
	assert_string_equal(out, "\xe2\x90\x9f");
	assert_true(gw_url_separator(".", out));
	for (const char **bad = (const char *[]){"", "%", "%00", "%ff", "/", "a b", "a+b", "&", NULL};
		 *bad; bad++)
		assert_false(gw_url_separator(*bad, out));
	assert_false(gw_url_separator("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", out));
	separator = "::";
	assert_true(namespace_is("a::b", "{\"a\",\"b\"}"));
	assert_true(namespace_is("a:b::c", "{\"a:b\",\"c\"}"));
	assert_true(namespace_is("a::b\037c", "{\"a::b\",\"c\"}"));
	assert_true(namespace_is("a::", NULL));
	assert_true(namespace_is("::", NULL));
	assert_true(namespace_is("a:", "{\"a:\"}"));
	separator = "\037";
	assert_true(gw_url_encoded_twice("{\"a%1Fb\"}"));
	assert_true(gw_url_encoded_twice("%1%1f"));
	assert_false(gw_url_encoded_twice("a%1Eb%1"));
}

static void
test_utf8_fast_path(void **state)
{
	char text[64];

	(void) state;
	memset(text, 'a', sizeof(text));
	assert_true(gw_text_is_utf8(text, sizeof(text)));
	for (size_t i = 0; i < sizeof(text); i++)
	{
		text[i] = '\xff';
		assert_false(gw_text_is_utf8(text, sizeof(text)));
		text[i] = 'a';
	}
	memcpy(text + 61, "\xE2\x82\xAC", 3);
	assert_true(gw_text_is_utf8(text, 64));
	assert_false(gw_text_is_utf8(text, 63));
}

static void
test_json_strings(void **state)
{
	GwText text = {0};

	(void) state;
	gw_text_json(&text, "a\"\\\n\001\303\251\377z\177", 10);
	assert_string_equal(text.data, "\"a\\\"\\\\\\n\\u0001\303\251\357\277\275z\\u007f\"");
	gw_text_free(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode),         cmocka_unit_test(test_decode_refuses),
		cmocka_unit_test(test_split),          cmocka_unit_test(test_query),
		cmocka_unit_test(test_namespace),      cmocka_unit_test(test_separator),
		cmocka_unit_test(test_utf8_fast_path), cmocka_unit_test(test_json_strings),
	};

	return cmocka_run_group_tests_name("url", tests, NULL, NULL);
}
