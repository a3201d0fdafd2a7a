/*
 * test_websocket.c
 *		The handshake of a WebSocket, and frames of a client that only listens.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "check.h"
#include "catalog/websocket.h"
#include "events/frames.h"

static GwHttpHead head;

/* A head that asks for a WebSocket. */
static void
ask(void)
{
	memset(&head, 0, sizeof(head));
	head.minor = 1;
	head.headers[0] = (GwHeader){GW_LITERAL("upgrade"), GW_LITERAL("WebSocket")};
	head.headers[1] = (GwHeader){GW_LITERAL("Connection"), GW_LITERAL("keep-alive,  Upgrade")};
	head.headers[2] = (GwHeader){GW_LITERAL("Sec-WebSocket-Version"), GW_LITERAL("13")};
	head.headers[3] = (GwHeader){GW_LITERAL("Sec-WebSocket-Key"),
								 GW_LITERAL("dGhlIHNhbXBsZSBub25jZQ==")};
	head.header_count = 4;
}

/* The status that is answered. */
static int
answer(char accept[GW_WEBSOCKET_PROOF_BYTES])
{
	GwFault fault = {0};

	return gw_websocket_accept(&head, accept, &fault) ? 101 : fault.status;
}

static void
test_handshake(void **state)
{
	char accept[GW_WEBSOCKET_PROOF_BYTES];

	(void) state;
	ask();
	assert_int_equal(answer(accept), 101);
	assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="); /* the example of RFC 6455 */
	head.minor = 0;
	assert_int_equal(answer(accept), 426);
	for (int i = 0; i < 4; i++) /* without one, and with one of them twice */
	{
		ask();
		head.headers[i].name = GW_LITERAL("x");
		assert_int_equal(answer(accept), i == 3 ? 400 : 426);
		ask();
		head.headers[head.header_count++] = head.headers[i];
		assert_int_equal(answer(accept), i < 2 ? 101 : i == 2 ? 426 : 400);
	}
	ask();
	head.headers[1].value = GW_LITERAL("upgraded");
	assert_int_equal(answer(accept), 426);
	ask();
	head.headers[3].value = GW_LITERAL("dGhlIHNhbXBsZSBub25jZR=="); /* bits that are not 0 */
	assert_int_equal(answer(accept), 400);
	ask();
	head.length = 1;
	assert_int_equal(answer(accept), 400);
}

/* What comes back for these bytes; goes_on: is it not over? */
static GwSlice
take(GwFrames *frames, const char *bytes, size_t len, bool goes_on)
{
	static GwText out;

	out.len = 0;
	assert_int_equal(gw_frames_take(frames, (GwSlice){bytes, len}, &out), goes_on);
	return (GwSlice){out.data, out.len};
}

static void
test_frames(void **state)
{
	GwFrames *frames = gw_frames_open();
	GwText    out = {0};
	GwSlice   back;

	(void) state;
	gw_frames_text(frames, GW_LITERAL("{}"), &out);
	assert_int_equal(out.len, 4);
	assert_memory_equal(out.data, "\x81\x02{}", 4);
	out.len = 0;
	gw_frames_ping(frames, GW_LITERAL("7"), &out);
	assert_memory_equal(out.data,
						"\x89\x01"
						"7",
						3);
	assert_false(gw_frames_was_heard(frames));
	(void) take(frames,
				"\x8a\x81\0\0\0\0"
				"7",
				7, true);
	assert_true(gw_frames_was_heard(frames));
	back = take(frames,
				"\x89\x81\x01\0\0\0"
				"b",
				7, true);
	assert_int_equal(back.len, 3);
	assert_memory_equal(back.data,
						"\x8a\x01"
						"c",
						3);
	back = take(frames, "\x88\x82\0\0\0\0\x03\xe8", 8, false);
	assert_memory_equal(back.data, "\x88\x02\x03\xe8", 4);
	gw_frames_free(frames);
	gw_text_free(&out);
}

static int
code_of(const char *bytes, size_t len)
{
	GwFrames *frames = gw_frames_open();
	GwSlice   back = take(frames, bytes, len, false);

	assert_true(back.len >= 4);
	assert_int_equal((unsigned char) back.data[0], 0x88);
	gw_frames_free(frames);
	return (unsigned char) back.data[2] << 8 | (unsigned char) back.data[3];
}

static void
test_broken_frames(void **state)
{
	(void) state;
	assert_int_equal(code_of("\x89\x01"
							 "x",
							 3),
					 1002); /* not masked */
	assert_int_equal(code_of("\xc9\x81\0\0\0\0"
							 "x",
							 7),
					 1002); /* an extension */
	assert_int_equal(code_of("\x83\x81\0\0\0\0"
							 "x",
							 7),
					 1002); /* no opcode */
	assert_int_equal(code_of("\x88\x81\0\0\0\0"
							 "x",
							 7),
					 1002); /* half a code */
	assert_int_equal(code_of("\x81\x81\0\0\0\0"
							 "x",
							 7),
					 1003);                                          /* a message */
	assert_int_equal(code_of("\x82\xfe\x13\x88\0\0\0\0x", 9), 1009); /* too long a one */
	assert_int_equal(code_of("\x81\x81\0\0\0\0\xff", 7), 1007);      /* not UTF-8 */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_handshake),
									   cmocka_unit_test(test_frames),
									   cmocka_unit_test(test_broken_frames)};

	return cmocka_run_group_tests_name("websocket", tests, NULL, NULL);
}
