/*
 * errors.c
 *		ice_raise() inside the server: ereport with the SQLSTATE of ice_errors.def.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "errors.h"

static const char *const error_sqlstates[ICE_ERR_COUNT] = {
#define ICE_ERROR(name, sqlstate, http_status, iceberg_type, meaning) sqlstate,
#include "ice_errors.def"
};

static const int error_statuses[ICE_ERR_COUNT] = {
#define ICE_ERROR(name, sqlstate, http_status, iceberg_type, meaning) http_status,
#include "ice_errors.def"
};

static void (*on_refusal)(IceErrorCode code) = NULL;

const char *
ice_error_sqlstate(IceErrorCode code)
{
	return error_sqlstates[code];
}

void
ice_error_on_refusal(void (*note)(IceErrorCode code))
{
	on_refusal = note;
}

static int
error_sqlstate(IceErrorCode code)
{
	const char *s = error_sqlstates[code];

	return MAKE_SQLSTATE(s[0], s[1], s[2], s[3], s[4]);
}

IceErrorCode
ice_error_of_sqlstate(const char *sqlstate)
{
	int code = 0;

	while (code < ICE_ERR_COUNT && strcmp(error_sqlstates[code], sqlstate) != 0)
		code++;
	return (IceErrorCode) code;
}

int
ice_error_status(IceErrorCode code)
{
	return error_statuses[code];
}

bool
ice_error_is_final(IceErrorCode code)
{
	return error_statuses[code] < 500 && code != ICE_ERR_IDEMPOTENCY_MISMATCH &&
		   code != ICE_ERR_FORBIDDEN && code != ICE_ERR_POLICY_REFUSED &&
		   code != ICE_ERR_QUOTA_EXCEEDED;
}

void
ice_raise(IceErrorCode code, const char *format, ...)
{
	StringInfoData message;

	initStringInfo(&message);
	for (;;)
	{
		va_list args;
		int     needed;

		va_start(args, format);
		needed = appendStringInfoVA(&message, format, args);
		va_end(args);
		if (needed == 0)
			break;
		enlargeStringInfo(&message, needed);
	}
	ice_raise_full(code, message.data, NULL, NULL);
}

void
ice_raise_full(IceErrorCode code, const char *message, const char *detail, const char *hint)
{
	if (on_refusal != NULL && error_statuses[code] == 403)
		on_refusal(code);
	ereport(ERROR, (errcode(error_sqlstate(code)), errmsg_internal("%s", message),
					detail ? errdetail_internal("%s", detail) : 0, hint ? errhint("%s", hint) : 0));
	pg_unreachable();
}
