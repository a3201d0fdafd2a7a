/*
 * sts_answer.c
 *		What a token service of S3 answers. See sts_answer.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "vend/sts_answer.h"

#define VALUE_BYTES_MAX 16384
#define MS_PER_DAY      INT64CONST(86400000)

/* The value of the only element of a name; NULL: none, or several, or no plain value. */
static char *
element(const char *answer, const char *name)
{
	char       *begin = psprintf("<%s>", name);
	char       *end = psprintf("</%s>", name);
	const char *value = strstr(answer, begin);
	size_t      len;

	if (value == NULL)
		return NULL;
	value += strlen(begin);
	len = strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=_-.:");
	ice_step_bytes(len);
	if (len == 0 || len > VALUE_BYTES_MAX || strncmp(value + len, end, strlen(end)) != 0 ||
		strstr(value, begin) != NULL)
		return NULL;
	return pnstrdup(value, len);
}

static int
number(const char *text, int digits)
{
	int value = 0;

	for (int i = 0; i < digits; i++)
	{
		if (text[i] < '0' || text[i] > '9')
			return -1;
		value = value * 10 + text[i] - '0';
	}
	return value;
}

/* Days from 1970 to a date of the Gregorian calendar. */
static int64
days(int year, int month, int day)
{
	int y = month <= 2 ? year - 1 : year;
	int era = y / 400;
	int of_era = y - era * 400;
	int of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return (int64) era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool
is_moment(int year, int month, int day, int hour, int minute, int second)
{
	return year >= 1970 && month >= 1 && month <= 12 && day >= 1 && day <= 31 && hour <= 23 &&
		   minute <= 59 && second <= 60;
}

int64
ice_sts_answer_time(const char *text)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd";
	size_t            len = strlen(text);
	int64             seconds;

	if (len < strlen(form) + 1 || text[len - 1] != 'Z')
		return -1;
	for (size_t i = 0; i < strlen(form); i++)
		if (form[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
			return -1;
	if (len > strlen(form) + 1 &&
		(text[strlen(form)] != '.' ||
		 strspn(text + strlen(form) + 1, "0123456789") != len - strlen(form) - 2))
		return -1;
	if (!is_moment(number(text, 4), number(text + 5, 2), number(text + 8, 2), number(text + 11, 2),
				   number(text + 14, 2), number(text + 17, 2)))
		return -1;
	seconds = (number(text + 11, 2) * 60 + number(text + 14, 2)) * INT64CONST(60) +
			  number(text + 17, 2);
	return days(number(text, 4), number(text + 5, 2), number(text + 8, 2)) * MS_PER_DAY +
		   seconds * 1000;
}

const char *
ice_sts_answer(const char *answer, IceVended *out)
{
	const char *expiration = element(answer, "Expiration");

	out->access_key = element(answer, "AccessKeyId");
	out->secret_key = element(answer, "SecretAccessKey");
	out->session_token = element(answer, "SessionToken");
	if (out->access_key == NULL || out->secret_key == NULL || out->session_token == NULL)
		return "it has no credentials";
	out->expires_at_ms = expiration != NULL ? ice_sts_answer_time(expiration) : -1;
	return out->expires_at_ms < 0 ? "it does not say when they expire" : NULL;
}

char *
ice_sts_answer_error(const char *answer)
{
	return element(answer, "Code");
}
