/*
 * fuzz_sts.c
 *		Any bytes as the answer of a token service: refused, or each value is of plain letters and
 *		stands in its element; and any text as a time.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "fuzz.h"

#include "vend/sts_answer.h"

#define PLAIN    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=_-.:"
#define YEAR_END INT64CONST(253402300800000) /* of 9999, in ms since 1970 */

static void
demand_value(const char *answer, const char *name, const char *value)
{
	FUZZ_DEMAND(*value != '\0' && strspn(value, PLAIN) == strlen(value), "%s", value);
	FUZZ_DEMAND(strstr(answer, psprintf("<%s>%s</%s>", name, value, name)) != NULL, "%s", value);
}

static void
demand_time(const char *text)
{
	int64 time_ms = ice_sts_answer_time(text);

	FUZZ_DEMAND(time_ms >= -1, "%lld", (long long) time_ms);
	FUZZ_DEMAND(time_ms < YEAR_END, "%lld", (long long) time_ms);
	FUZZ_DEMAND(time_ms == -1 || time_ms % 1000 == 0, "%lld", (long long) time_ms);
}

static void
read_answer(const char *answer)
{
	IceVended   vended = {.expires_at_ms = 0};
	const char *fault = ice_sts_answer(answer, &vended);
	char       *code = ice_sts_answer_error(answer);

	if (code != NULL)
		demand_value(answer, "Code", code);
	if (fault != NULL)
		return;
	demand_value(answer, "AccessKeyId", vended.access_key);
	demand_value(answer, "SecretAccessKey", vended.secret_key);
	demand_value(answer, "SessionToken", vended.session_token);
	FUZZ_DEMAND(vended.expires_at_ms >= 0, "%lld", (long long) vended.expires_at_ms);
}

void
fuzz_one(const char *bytes, size_t len)
{
	char *text = pnstrdup(bytes, strnlen(bytes, len));

	read_answer(text);
	demand_time(text);
	/* In a whole answer. */
	read_answer(psprintf("<r><AccessKeyId>a</AccessKeyId><SecretAccessKey>b</SecretAccessKey>"
						 "<SessionToken>%s</SessionToken>"
						 "<Expiration>2026-01-31T00:00:00Z</Expiration></r>",
						 text));
}
