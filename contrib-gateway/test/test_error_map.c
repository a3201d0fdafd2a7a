/*
 * test_error_map.c
 *		SQLSTATE to HTTP: every line of ice_errors.def, the rules for reads, and what stays inside.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "base/status.h"
#include "check.h"
#include "catalog/error_map.h"
#include "http/reply.h"

typedef struct Line
{
	const char *sqlstate;
	int         status;
	const char *type;
} Line;

static const Line own[] = {
#define ICE_ERROR(name, sqlstate, http_status, iceberg_type, meaning) \
	{sqlstate, http_status, iceberg_type},
#include "ice_errors.def"
};

static void
test_own_errors(void **state)
{
	(void) state;
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
	{
		GwErrorKind kind = gw_error_map(own[i].sqlstate, true);

		assert_int_equal(kind.status, own[i].status);
		assert_string_equal(kind.type, own[i].type);
		assert_true(kind.public_message);
	}
}

/* Whatever the extension may answer has a reason phrase and a place in the metrics. */
static void
test_what_a_key_keeps(void **state)
{
	(void) state;
	assert_true(gw_error_map_is_final("IC103"));
	assert_true(gw_error_map_is_final("IC203"));
	assert_true(gw_error_map_is_final("IC301"));
	assert_false(gw_error_map_is_final("IC307")); /* another request has the key */
	assert_false(gw_error_map_is_final("IC401")); /* it may be granted a moment later */
	assert_false(gw_error_map_is_final("IC501"));
	assert_false(gw_error_map_is_final("IC504"));
	assert_false(gw_error_map_is_final("55P03"));
	assert_false(gw_error_map_is_final("42501"));
	assert_false(gw_error_map_is_final(""));
}

static void
test_all_statuses_are_known(void **state)
{
	static const int foreign[] = {
#define ICE_FOREIGN(pattern, http_status, iceberg_type, meaning) http_status,
#include "ice_errors.def"
	};

	(void) state;
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		assert_string_not_equal(gw_status_reason(own[i].status), "Unknown");
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		assert_string_not_equal(gw_status_reason(foreign[i]), "Unknown");
	assert_string_equal(gw_status_reason(299), "Unknown");
	assert_int_equal(gw_status_at(gw_status_index(404)), 404);
}

static void
test_foreign_errors(void **state)
{
	(void) state;
	assert_int_equal(gw_error_map("22P02", true).status, 400);
	assert_int_equal(gw_error_map("22012", true).status, 400);
	assert_int_equal(gw_error_map("54001", false).status, 400);
	assert_true(gw_error_map("54001", false).public_message);
	assert_int_equal(gw_error_map("54000", true).status, 400);
	assert_false(gw_error_map("54000", true).public_message);
	assert_int_equal(gw_error_map("42501", true).status, 403);
	assert_int_equal(gw_error_map("57014", true).status, 503);
	assert_int_equal(gw_error_map("57P01", true).status, 503);
	assert_int_equal(gw_error_map("53300", true).status, 503);
	assert_int_equal(gw_error_map("XX000", true).status, 500);
	assert_int_equal(gw_error_map("", true).status, 500);
	assert_int_equal(gw_error_map(NULL, true).status, 500);
}

static void
test_conflicts_that_pass(void **state)
{
	static const char *const states[] = {"40001", "40P01", "55P03"};

	(void) state;
	for (int i = 0; i < 3; i++)
	{
		assert_int_equal(gw_error_map(states[i], true).status, 409);
		assert_string_equal(gw_error_map(states[i], true).type, "CommitFailedException");
		assert_int_equal(gw_error_map(states[i], false).status, 503);
	}
	assert_int_equal(gw_error_map("IC203", false).status, 409);
}

static void
test_messages_that_stay_inside(void **state)
{
	(void) state;
	assert_true(gw_error_map("42501", true).public_message);
	assert_true(gw_error_map("22P02", true).public_message);
	assert_false(gw_error_map("XX000", true).public_message);
	assert_false(gw_error_map("40001", true).public_message);
	assert_false(gw_error_map("53300", true).public_message);
}

static void
test_error_body(void **state)
{
	GwText body = {0};

	(void) state;
	gw_reply_error_body(&body, 404, "NoSuchTableException", "no \"t\"");
	assert_string_equal(body.data, "{\"error\":{\"message\":\"no \\\"t\\\"\","
								   "\"type\":\"NoSuchTableException\",\"code\":404}}");
	gw_text_free(&body);
}

/* A long message is cut between characters. */
static void
test_long_message(void **state)
{
	GwText message = {0};
	GwText body = {0};

	(void) state;
	for (int i = 0; i < 3000; i++)
		gw_text_puts(&message, "\303\251");
	gw_text_putc(&message, 'x');
	gw_reply_error_body(&body, 400, "T", message.data + 1);
	assert_true(body.len < 5000);
	assert_true(gw_text_is_utf8(body.data, body.len));
	gw_text_free(&message);
	gw_text_free(&body);
}

static void
test_heads(void **state)
{
	GwText  head = {0};
	GwReply reply = {.status = 204, .retry_after_s = -1};

	(void) state;
	gw_reply_head(&head, &reply, "id", false, false);
	assert_string_equal(head.data, "HTTP/1.1 204 No Content\r\nX-Request-Id: id\r\n\r\n");
	head.len = 0;
	reply = (GwReply){.status = 503, .retry_after_s = 2, .body_len = 7};
	gw_reply_head(&head, &reply, "id", true, false);
	assert_string_equal(head.data,
						"HTTP/1.1 503 Service Unavailable\r\n"
						"Content-Type: application/json\r\nContent-Length: 7\r\n"
						"X-Request-Id: id\r\nRetry-After: 2\r\nConnection: close\r\n\r\n");
	gw_text_free(&head);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_errors),
		cmocka_unit_test(test_what_a_key_keeps),
		cmocka_unit_test(test_all_statuses_are_known),
		cmocka_unit_test(test_foreign_errors),
		cmocka_unit_test(test_conflicts_that_pass),
		cmocka_unit_test(test_messages_that_stay_inside),
		cmocka_unit_test(test_error_body),
		cmocka_unit_test(test_long_message),
		cmocka_unit_test(test_heads),
	};

	return cmocka_run_group_tests_name("error_map", tests, NULL, NULL);
}
