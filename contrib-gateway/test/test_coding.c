/*
 * test_coding.c
 *		Accept-Encoding, Content-Encoding, gzip there and back.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "check.h"
#include "http/coding.h"

static GwHttpHead head;

/* A head with one field, or none. */
static const GwHttpHead *
head_with(const char *name, const char *value)
{
	head.header_count = 0;
	if (value != NULL)
		head.headers[head.header_count++] = (GwHeader){{name, strlen(name)},
													   {value, strlen(value)}};
	return &head;
}

static bool
gzip_for(const char *value)
{
	return gw_coding_accept(head_with("Accept-Encoding", value)).gzip;
}

static bool
identity_for(const char *value)
{
	return gw_coding_accept(head_with("accept-encoding", value)).identity;
}

static void
test_accept(void **state)
{
	static const char *const yes[] = {"gzip",
									  "GZip",
									  "x-gzip",
									  "deflate, gzip",
									  "gzip;q=1.0",
									  "*",
									  "gzip ; q=0.5",
									  "gzip;q=0.001",
									  "br;q=1, gzip;q=0.8, *;q=0.1",
									  "gzip;q=0.5, identity;q=0.5",
									  "*;q=0, gzip",
									  "gzip;x=y;q=0.3",
									  "gzip;q=nonsense",
									  ",, gzip ,"};
	static const char *const no[] = {"",
									 "identity",
									 "br",
									 "gzip;q=0",
									 "gzip;q=0.000",
									 "*;q=0",
									 "gzip;q=0.4, identity;q=0.5",
									 "gzipped",
									 "gzip;q=0, *",
									 "identity, *;q=0"};

	(void) state;
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		assert_true(gzip_for(yes[i]));
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		assert_false(gzip_for(no[i]));
	assert_false(gzip_for(NULL));
	assert_true(identity_for(NULL));
	assert_true(identity_for(""));
	assert_true(identity_for("gzip"));
	assert_true(identity_for("*;q=0, identity;q=0.1"));
	assert_false(identity_for("gzip, identity;q=0"));
	assert_false(identity_for("gzip, *;q=0"));
}

static void
test_content_encoding(void **state)
{
	(void) state;
	assert_int_equal(gw_coding_of_body(head_with("Content-Encoding", NULL)), GW_CODING_NONE);
	assert_int_equal(gw_coding_of_body(head_with("Content-Encoding", "identity")), GW_CODING_NONE);
	assert_int_equal(gw_coding_of_body(head_with("Content-Encoding", "gzip")), GW_CODING_GZIP);
	assert_int_equal(gw_coding_of_body(head_with("content-encoding", "X-GZIP")), GW_CODING_GZIP);
	assert_int_equal(gw_coding_of_body(head_with("Content-Encoding", "br")), GW_CODING_UNKNOWN);
	assert_int_equal(gw_coding_of_body(head_with("Content-Encoding", "gzip, gzip")),
					 GW_CODING_UNKNOWN);
	head_with("Content-Encoding", "gzip");
	head.headers[head.header_count++] = head.headers[0];
	assert_int_equal(gw_coding_of_body(&head), GW_CODING_UNKNOWN);
}

/* A text that compresses, but not to nothing. */
static void
fill(GwText *text, size_t len)
{
	unsigned seed = 7;

	while (text->len < len)
	{
		seed = seed * 1103515245 + 12345;
		gw_text_printf(text, "{\"snapshot-id\":%u},", seed >> 16);
	}
}

/* Inflates in pieces of a size; what it says at the end. */
static GwInflated
inflate_in_pieces(GwSlice in, size_t piece, GwText *out, size_t out_max)
{
	GwInflater *inflater = gw_coding_inflate_begin();
	GwInflated  got = GW_INFLATE_MORE;

	for (size_t at = 0; at < in.len && got != GW_INFLATE_FULL && got != GW_INFLATE_BROKEN;
		 at += piece)
		got = gw_coding_inflate(inflater, in.data + at, in.len - at < piece ? in.len - at : piece,
								out, out_max);
	if (got != GW_INFLATE_FULL && got != GW_INFLATE_BROKEN)
		got = gw_coding_inflate(inflater, NULL, 0, out, out_max);
	gw_coding_inflate_end(inflater);
	return got;
}

static void
test_there_and_back(void **state)
{
	const size_t sizes[] = {1, 100, 65536, 300000};
	const size_t pieces[] = {1, 7, 4096, 1000000};

	(void) state;
	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++)
	{
		GwText text = {0};
		GwText packed = {0};

		fill(&text, sizes[s]);
		gw_coding_gzip(&packed, text.data, text.len, 1 + (int) s);
		for (size_t p = 0; p < sizeof(pieces) / sizeof(pieces[0]); p++)
		{
			GwText out = {0};

			assert_int_equal(
				inflate_in_pieces((GwSlice){packed.data, packed.len}, pieces[p], &out, text.len),
				GW_INFLATE_END);
			assert_int_equal(out.len, text.len);
			assert_memory_equal(out.data, text.data, text.len);
			out.len = 0;
			assert_int_equal(inflate_in_pieces((GwSlice){packed.data, packed.len}, pieces[p], &out,
											   text.len - 1),
							 GW_INFLATE_FULL);
			assert_true(out.len <= text.len - 1);
			gw_text_free(&out);
		}
		gw_text_free(&text);
		gw_text_free(&packed);
	}
}

static void
test_pieces_and_members(void **state)
{
	GwText      packed = {0};
	GwText      out = {0};
	GwDeflater *deflater = gw_coding_deflate_begin(6);

	(void) state;
	gw_coding_deflate(deflater, "abc", 3, false, &packed);
	gw_coding_deflate(deflater, "def", 3, false, &packed);
	gw_coding_deflate(deflater, NULL, 0, true, &packed);
	gw_coding_deflate_end(deflater);
	gw_coding_gzip(&packed, "ghi", 3, 1);
	assert_int_equal(inflate_in_pieces((GwSlice){packed.data, packed.len}, 5, &out, 9),
					 GW_INFLATE_END);
	assert_string_equal(out.data, "abcdefghi");
	out.len = 0;
	assert_int_equal(inflate_in_pieces((GwSlice){packed.data, packed.len - 3}, 5, &out, 9),
					 GW_INFLATE_MORE);
	out.len = 0;
	gw_text_puts(&packed, "garbage");
	assert_int_equal(inflate_in_pieces((GwSlice){packed.data, packed.len}, 100, &out, 9),
					 GW_INFLATE_BROKEN);
	out.len = 0;
	packed.data[12] ^= 0x55;
	assert_int_equal(inflate_in_pieces((GwSlice){packed.data, packed.len}, 100, &out, 9),
					 GW_INFLATE_BROKEN);
	gw_text_free(&packed);
	gw_text_free(&out);
}

static void
test_bomb(void **state)
{
	GwText zeros = {0};
	GwText bomb = {0};
	GwText out = {0};

	(void) state;
	gw_text_reserve(&zeros, 10000000);
	memset(zeros.data, '0', 10000000);
	gw_coding_gzip(&bomb, zeros.data, 10000000, 9);
	assert_true(bomb.len < 20000);
	assert_int_equal(inflate_in_pieces((GwSlice){bomb.data, bomb.len}, bomb.len, &out, 100000),
					 GW_INFLATE_FULL);
	assert_int_equal(out.len, 100000);
	assert_true(out.cap < 400000);
	gw_text_free(&zeros);
	gw_text_free(&bomb);
	gw_text_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accept),         cmocka_unit_test(test_content_encoding),
		cmocka_unit_test(test_there_and_back), cmocka_unit_test(test_pieces_and_members),
		cmocka_unit_test(test_bomb),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
