/*
 * case_net.c
 *		Vectors of AWS Signature Version 4 and of Azure's Shared Key, the addresses that a call may
 *		go to, and the XML of stores.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "case.h"

#include "net/digest.h"
#include "net/net_address.h"
#include "net/shared_key.h"
#include "net/sigv4.h"
#include "xml/xml.h"

static IceNetPair *
read_headers(const IceJson *file, int *count)
{
	IceJson    *headers = ice_json_opt_array(file, "headers");
	IceNetPair *pairs;

	*count = headers == NULL ? 0 : headers->count;
	pairs = palloc(sizeof(IceNetPair) * (size_t) Max(*count, 1));
	for (int i = 0; i < *count; i++)
	{
		pairs[i].name = ice_json_string(headers->items[i], "name");
		pairs[i].value = ice_json_string(headers->items[i], "value");
	}
	return pairs;
}

static void
expect_text(const char *what, const char *expected, const char *got)
{
	if (strcmp(expected, got) != 0)
		case_fail("%s is\n%s\ninstead of\n%s", what, got, expected);
}

static void
expect_end(const char *what, const char *expected, const char *got)
{
	size_t len = strlen(expected);

	if (strlen(got) < len || strcmp(got + strlen(got) - len, expected) != 0)
		case_fail("%s is %s: does not end in %s", what, got, expected);
}

/* Both ways to carry a signature, as far as the file names what is expected of each. */
void
case_sigv4(const IceJson *file)
{
	const char     *body = ice_json_opt_string(file, "body");
	const char     *query_canonical = ice_json_opt_string(file, "query-canonical");
	const char     *header_canonical = ice_json_opt_string(file, "header-canonical");
	const char     *signature;
	uint8_t         digest[ICE_SHA256_BYTES];
	char            hash[ICE_DIGEST_HEX];
	int32           expires_s = 0;
	IceNetPair      added[ICE_SIGV4_PAIRS];
	IceSigv4Key     key = {.access_key = ice_json_string(file, "access-key"),
						   .secret_key = ice_json_string(file, "secret-key"),
						   .session_token = ice_json_opt_string(file, "session-token"),
						   .region = ice_json_string(file, "region"),
						   .service = ice_json_string(file, "service")};
	IceSigv4Request request = {.method = ice_json_string(file, "method"),
							   .path = ice_json_string(file, "path"),
							   .query = ice_json_opt_string(file, "query"),
							   .payload_hash = hash,
							   .hash_header = ice_json_opt_bool(file, "hash-header", false)};

	request.headers = read_headers(file, &request.header_count);
	ice_json_opt_int64(file, "now-s", &request.now_s);
	ice_json_opt_int32(file, "expires-s", &expires_s);
	ice_digest_sha256(body == NULL ? "" : body, body == NULL ? 0 : strlen(body), digest);
	ice_digest_hex(digest, sizeof(digest), hash);
	if (ice_json_opt_bool(file, "unsigned", false))
		request.payload_hash = ICE_SIGV4_UNSIGNED;

	if (header_canonical != NULL)
		expect_text("the request", header_canonical, ice_sigv4_canonical(&key, &request, 0));
	if ((signature = ice_json_opt_string(file, "header-signature")) != NULL)
	{
		int count = ice_sigv4_headers(&key, &request, added);

		expect_end("the header", psprintf(", Signature=%s", signature), added[count - 1].value);
	}
	if (query_canonical != NULL)
		expect_text("the request", query_canonical, ice_sigv4_canonical(&key, &request, expires_s));
	if ((signature = ice_json_opt_string(file, "query-signature")) != NULL)
		expect_end("the query", psprintf("&X-Amz-Signature=%s", signature),
				   ice_sigv4_query(&key, &request, expires_s));
}

/* The text that is signed, and the header. */
void
case_shared_key(const IceJson *file)
{
	IceNetPair          added[ICE_SHARED_KEY_PAIRS];
	int32               body_len = 0;
	IceSharedKeyRequest request = {.account = ice_json_string(file, "account"),
								   .key = ice_json_string(file, "key"),
								   .method = ice_json_string(file, "method"),
								   .path = ice_json_string(file, "path"),
								   .query = ice_json_string(file, "query")};

	request.headers = read_headers(file, &request.header_count);
	ice_json_opt_int64(file, "now-s", &request.now_s);
	ice_json_opt_int32(file, "body-len", &body_len);
	request.body_len = (size_t) body_len;
	expect_text("the text", ice_json_string(file, "text"), ice_shared_key_text(&request));
	if (ice_shared_key_headers(&request, added) != ICE_SHARED_KEY_PAIRS)
		case_fail("there are no headers");
	expect_text("the header",
				psprintf("SharedKey %s:%s", request.account, ice_json_string(file, "signature")),
				added[1].value);
	request.key = "no base64";
	if (ice_shared_key_headers(&request, added) != 0)
		case_fail("a key that is none signs");
}

/* Each address is allowed within the reach that it needs, and not within less. */
void
case_address(const IceJson *file)
{
	IceJson *addresses = ice_json_array(file, "addresses");
	int32    needs = 0;

	if (!ice_json_opt_int32(file, "needs", &needs))
		needs = -1;
	for (int i = 0; i < addresses->count; i++)
	{
		const char *address = ice_json_text(addresses->items[i]) + 1;
		char       *text = pnstrdup(address, strlen(address) - 1);

		for (int reach = 0; reach < 4; reach++)
			if (ice_net_address_text_allowed(text, reach) !=
				(needs >= 0 && (needs & reach) == needs))
				case_fail("%s within %d", text, reach);
	}
}

/* Every element as it ends: its path, and its text if it is a leaf. */
static void
run_xml(const IceJson *file, CaseOutcome *outcome)
{
	const char *text = ice_json_string(file, "text");
	IceXml      xml;

	outcome->document = ice_json_make_array();
	ice_xml_begin(&xml, text, strlen(text));
	while (ice_xml_next(&xml))
	{
		IceJson *element = ice_json_make_object();

		ice_json_set(element, "path", ice_json_make_string(pstrdup(xml.path.data)));
		if (xml.is_leaf)
			ice_json_set(element, "text", ice_json_make_string(pstrdup(xml.text.data)));
		ice_json_append(outcome->document, element);
	}
}

void
case_xml(const IceJson *file)
{
	case_judge_run(run_xml, file);
}
