/*
 * fuzz_url.c
 *		Decoding of names, namespaces and queries; JSON strings; settings.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include <assert.h>
#include <stdlib.h>

#include "base/conf.h"
#include "base/url.h"

/* A namespace literal keeps its levels: as many as there are separators, plus one. */
static void
check_namespace(GwSlice decoded)
{
	char  *out = malloc(GW_URL_NAMESPACE_BYTES(decoded.len));
	size_t len = 0;

	if (gw_url_namespace(decoded, ".", out, &len) == NULL)
	{
		assert(len < GW_URL_NAMESPACE_BYTES(decoded.len));
		assert(out[0] == '{' && out[len - 1] == '}' && out[len] == '\0');
		assert(gw_text_is_utf8(out, len));
	}
	free(out);
}

static void
check_settings(const char *data, size_t len)
{
	GwConf conf;
	GwText text = {0};
	GwText error = {0};

	gw_conf_defaults(&conf);
	gw_text_add(&text, data, len);
	(void) gw_conf_parse(&conf, text.data, "input", &error);
	gw_conf_free(&conf);
	gw_text_free(&text);
	gw_text_free(&error);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	GwSlice input = {(const char *) bytes, len};
	GwSlice query = input;
	GwSlice key;
	GwSlice value;
	char   *out = malloc(len + 1);
	size_t  out_len = 0;
	GwText  json = {0};

	if (gw_url_decode(input, false, out, &out_len) == NULL)
	{
		assert(out_len <= len && gw_text_is_utf8(out, out_len) && strlen(out) == out_len);
		check_namespace((GwSlice){out, out_len});
	}
	while (gw_url_query_next(&query, &key, &value))
		assert(key.len + value.len <= len);
	gw_text_json(&json, input.data, input.len);
	assert(gw_text_is_utf8(json.data, json.len));
	check_settings(input.data, input.len);
	gw_text_free(&json);
	free(out);
	return 0;
}
