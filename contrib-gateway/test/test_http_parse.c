/*
 * test_http_parse.c
 *		The request parser: what it reads, what it refuses, and that pieces change nothing.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "check.h"
#include "http/chunked.h"
#include "http/parse.h"

static const GwHttpLimits limits = {1024, 2048, 20};

/*
 * Feeds the input in pieces of that size. Returns 0 when a head was read, -1 when more is needed,
 * else the status of the fault.
 */
static int
parse(const char *input, size_t len, size_t piece, GwHttpHead *head)
{
	GwHeadScan scan = {0};
	GwFault    fault = {0, NULL};
	GwScan     found = GW_SCAN_MORE;

	for (size_t have = piece; found == GW_SCAN_MORE; have += piece)
	{
		if (have > len)
			have = len;
		found = gw_parse_scan(&scan, input, have, &limits, &fault);
		if (have == len)
			break;
	}
	if (found == GW_SCAN_MORE)
		return -1;
	if (found == GW_SCAN_DONE &&
		gw_parse_head(head, input + scan.start, scan.end - scan.start, &limits, &fault))
		return 0;
	return fault.status;
}

typedef struct Case
{
	const char *input;
	int         expected;
} Case;

static const Case cases[] = {
	{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 0},
	{"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 0},
	{"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	{"GET / HTTP/1.0\r\n\r\n", 0},
	{"GET / HTTP/1.1\r\n\r\n", 400},
	{"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
	{"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
	{"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
	{"GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 0},
	{"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
	{"GET / HTTP/1.1\nHost: a\n\n", 400},
	{"GET / HTTP/1.1\r\nHost: a\n\r\n", 400},
	{"GET / HTTP/1.1\r\nHost: a\r\rX: b\r\n\r\n", 400},
	{"GET / HTTP/1.1\r\nHost: a\r\n X: b\r\n\r\n", 400},
	{"GET / HTTP/1.1\r\nHost: a\r\n\tX: b\r\n\r\n", 400},
	{"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
	{"GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", 400},
	{"GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", 400},
	{"GET / HTTP/1.1\r\nHost: a\r\nX(y): b\r\n\r\n", 400},
	{"GET / HTTP/1.1\r\nHost: a\r\nX: a\001b\r\n\r\n", 400},
	{"GET / HTTP/1.1\r\nHost: a\r\nX: a\037b\r\n\r\n", 400},
	{"GET / HTTP/1.1\r\nHost: a\r\nX: a\177b\r\n\r\n", 400},
	{"GET / HTTP/1.1\r\nHost: a\r\nX: a\tb \303\251\r\n\r\n", 0},
	{"GET /a\037b HTTP/1.1\r\nHost: a\r\n\r\n", 0},
	{"GET /a\036b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	{"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	{"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	{"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400},
	{"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	{" GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	{"GET /\r\n\r\n", 400},
	{"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
	{"PRI * HTTP/2.0\r\n\r\n", 505},
	{"GET / HTTP/1.2\r\nHost: a\r\n\r\n", 0},
	{"GET / HTTP/1.10\r\nHost: a\r\n\r\n", 400},
	{"GET / http/1.1\r\nHost: a\r\n\r\n", 400},
	{"G\"T / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	{"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 0},
	{"get / HTTP/1.1\r\nHost: a\r\n\r\n", 0},
	{"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 501},
	{"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 0},
	{"GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	{"GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	{"GET ?a HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	{"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	{"GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	{"GET http:///a HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 400},
	{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
	{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n", 400},
	{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", 400},
	{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400},
	{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\n", 400},
	{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1 1\r\n\r\n", 400},
	{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", 400},
	{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 413},
	{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
	{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", 400},
	{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
	{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501},
	{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n", 501},
	{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \"chunked\"\r\n\r\n", 501},
	{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n", 501},
	{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
	 "Transfer-Encoding: chunked\r\n\r\n",
	 400},
	{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: CHUNKED\r\n\r\n", 0},
	{"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
	{"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n\r\n", 0},
	{"POST / HTTP/1.1\r\nHost: a\r\nExpect: something\r\n\r\n", 417},
	{"GET / HTTP/1.1\r\nHost: a\r\n", -1},
	{"GET / HTTP/1.1\r\nHost: a\r\n\r", -1},
	{"", -1},
};

static void
test_cases_whole_and_in_pieces(void **state)
{
	static GwHttpHead head;

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		for (size_t piece = 1; piece <= 200; piece += piece < 4 ? 1 : 49)
		{
			int got = parse(cases[i].input, strlen(cases[i].input), piece, &head);

			if (got != cases[i].expected)
				fail_msg("case %zu (%s) in pieces of %zu: %d, expected %d", i, cases[i].input,
						 piece, got, cases[i].expected);
		}
	}
}

static void
test_nul_is_refused(void **state)
{
	static const char input[] = "GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n";
	static GwHttpHead head;

	(void) state;
	assert_int_equal(parse(input, sizeof(input) - 1, 7, &head), 400);
}

static void
test_fields_are_read(void **state)
{
	static const char input[] =
		"POST http://h:80/v1/a%2Fb?x=1&y HTTP/1.1\r\nHost: h\r\nContent-Length:  17 \r\n"
		"content-type: application/json\r\nX-Request-Id: abc\r\nExpect: 100-continue\r\n\r\nrest";
	static GwHttpHead head;

	(void) state;
	assert_int_equal(parse(input, sizeof(input) - 1, 1000, &head), 0);
	assert_int_equal(head.method, GW_POST);
	assert_slice(head.path, "/v1/a%2Fb");
	assert_slice(head.query, "x=1&y");
	assert_slice(head.content_type, "application/json");
	assert_slice(head.request_id, "abc");
	assert_true(head.has_length && head.length == 17 && !head.chunked);
	assert_true(head.expect_continue && head.keep_alive);
	assert_int_equal(head.header_count, 5);
}

static void
test_absolute_form_without_path(void **state)
{
	static GwHttpHead head;
	const char       *input = "GET HTTPS://h?q=1 HTTP/1.1\r\nHost: h\r\n\r\n";

	(void) state;
	assert_int_equal(parse(input, strlen(input), 1000, &head), 0);
	assert_slice(head.path, "/");
	assert_slice(head.query, "q=1");
}

static bool
keeps_alive(const char *version, const char *connection)
{
	static GwHttpHead head;
	char              input[200];

	snprintf(input, sizeof(input), "GET / HTTP/%s\r\nHost: a\r\n%s\r\n", version, connection);
	assert_int_equal(parse(input, strlen(input), 1000, &head), 0);
	return head.keep_alive;
}

static void
test_keep_alive(void **state)
{
	(void) state;
	assert_true(keeps_alive("1.1", ""));
	assert_false(keeps_alive("1.0", ""));
	assert_false(keeps_alive("1.1", "Connection: close\r\n"));
	assert_false(keeps_alive("1.1", "Connection: x, CLOSE\r\n"));
	assert_false(keeps_alive("1.1", "Connection: keep-alive\r\nConnection: close\r\n"));
	assert_true(keeps_alive("1.0", "Connection: Keep-Alive\r\n"));
}

/* A head with one long part: target, or header fields, or many of them. */
static int
parse_long(size_t target, size_t value, int fields)
{
	static GwHttpHead head;
	GwText            text = {0};
	int               got;

	gw_text_puts(&text, "GET /");
	for (size_t i = 1; i < target; i++)
		gw_text_putc(&text, 'a');
	gw_text_puts(&text, " HTTP/1.1\r\nHost: a\r\nX:");
	for (size_t i = 0; i < value; i++)
		gw_text_putc(&text, 'v');
	gw_text_puts(&text, "\r\n");
	for (int i = 2; i < fields; i++)
		gw_text_puts(&text, "A: b\r\n");
	gw_text_puts(&text, "\r\n");
	got = parse(text.data, text.len, 100, &head);
	gw_text_free(&text);
	return got;
}

static void
test_limits_on_both_sides(void **state)
{
	(void) state;
	assert_int_equal(parse_long(limits.target_bytes_max, 1, 2), 0);
	assert_int_equal(parse_long(limits.target_bytes_max + 1, 1, 2), 414);
	assert_int_equal(parse_long(limits.target_bytes_max * 3, 1, 2), 414);
	assert_int_equal(parse_long(1, limits.header_bytes_max - 15, 2), 0);
	assert_int_equal(parse_long(1, limits.header_bytes_max - 14, 2), 431);
	assert_int_equal(parse_long(1, limits.header_bytes_max * 3, 2), 431);
	assert_int_equal(parse_long(1, 1, limits.header_count_max), 0);
	assert_int_equal(parse_long(1, 1, limits.header_count_max + 1), 431);
}

/* Decodes in pieces; returns the body, or NULL for a fault. *rest counts unused bytes. */
static const char *
dechunk(const char *input, size_t piece, size_t *rest, int *status)
{
	static char body[65536];
	GwChunked   chunked = {0};
	GwFault     fault = {0, NULL};
	size_t      len = strlen(input);
	size_t      body_len = 0;
	size_t      at = 0;

	while (at < len)
	{
		size_t      n = len - at < piece ? len - at : piece;
		size_t      used = 0;
		GwSlice     data = {NULL, 0};
		GwChunkStep step = gw_chunked_next(&chunked, input + at, n, &used, &data, &fault);

		at += used;
		if (step == GW_CHUNK_DATA)
		{
			memcpy(body + body_len, data.data, data.len);
			body_len += data.len;
		}
		*status = fault.status;
		*rest = len - at;
		body[body_len] = '\0';
		if (step == GW_CHUNK_DONE)
			return body;
		if (step == GW_CHUNK_FAULT)
			return NULL;
	}
	*status = -1;
	return NULL;
}

typedef struct ChunkCase
{
	const char *input;
	const char *body; /* NULL: a fault with that status, -1: incomplete */
	int         status;
} ChunkCase;

static const ChunkCase chunk_cases[] = {
	{"0\r\n\r\n", "", 0},
	{"3\r\nabc\r\n0\r\n\r\n", "abc", 0},
	{"3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n", "abc0123456789", 0},
	{"000003\r\nabc\r\n000\r\n\r\n", "abc", 0},
	{"3;x=\"y z\"\r\nabc\r\n0;q\r\n\r\n", "abc", 0},
	{"3\r\nabc\r\n0\r\nTrailer: x\r\nB: y\r\n\r\n", "abc", 0},
	{"3\r\nabc\r\n0\r\nTrailer : x\r\n\r\n", NULL, 400},
	{"3\r\nabc\r\n0\r\n folded\r\n\r\n", NULL, 400},
	{"3\nabc\r\n0\r\n\r\n", NULL, 400},
	{"3\r\nabc\n0\r\n\r\n", NULL, 400},
	{"3\r\nabcd\r\n0\r\n\r\n", NULL, 400},
	{"3\r\nab\r\n0\r\n\r\n", NULL, 400},
	{"\r\n", NULL, 400},
	{"g\r\n", NULL, 400},
	{"0x3\r\nabc\r\n", NULL, 400},
	{"-3\r\nabc\r\n", NULL, 400},
	{" 3\r\nabc\r\n", NULL, 400},
	{"3 \r\nabc\r\n", NULL, 400},
	{"3 ;x\r\nabc\r\n", NULL, 400},
	{"3;x\001\r\nabc\r\n", NULL, 400},
	{"3;x\nabc\r\n", NULL, 400},
	{"1000000000000000\r\n", NULL, 400},
	{"0\r\n\n", NULL, 400},
	{"0\r\n\r", NULL, -1},
	{"5\r\nabc", NULL, -1},
};

static void
test_chunked_bodies(void **state)
{
	(void) state;
	for (size_t i = 0; i < sizeof(chunk_cases) / sizeof(chunk_cases[0]); i++)
	{
		const ChunkCase *c = &chunk_cases[i];

		for (size_t piece = 1; piece < 40; piece += 5)
		{
			size_t      rest = 0;
			int         status = 0;
			const char *body = dechunk(c->input, piece, &rest, &status);

			if ((body == NULL) != (c->body == NULL) || status != c->status)
				fail_msg("chunk case %zu in pieces of %zu: status %d", i, piece, status);
			if (body != NULL)
			{
				assert_string_equal(body, c->body);
				assert_int_equal(rest, 0);
			}
		}
	}
}

static void
test_chunk_framing_is_bounded(void **state)
{
	static char input[32768];
	size_t      rest;
	int         status;

	(void) state;
	memset(input, 'x', sizeof(input) - 1);
	memcpy(input, "1;", 2);
	assert_null(dechunk(input, 1000, &rest, &status));
	assert_int_equal(status, 400);
	memcpy(input, "0\r\nA:", 5);
	assert_null(dechunk(input, 1000, &rest, &status));
	assert_int_equal(status, 431);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases_whole_and_in_pieces),
		cmocka_unit_test(test_nul_is_refused),
		cmocka_unit_test(test_fields_are_read),
		cmocka_unit_test(test_absolute_form_without_path),
		cmocka_unit_test(test_keep_alive),
		cmocka_unit_test(test_limits_on_both_sides),
		cmocka_unit_test(test_chunked_bodies),
		cmocka_unit_test(test_chunk_framing_is_bounded),
	};

	return cmocka_run_group_tests_name("http_parse", tests, NULL, NULL);
}
