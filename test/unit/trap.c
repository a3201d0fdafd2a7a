/*
 * trap.c
 *		ice_raise() outside the server.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "json/pure.h"

#include "trap.h"

IceTrap *ice_trap;

const char *
ice_error_name(IceErrorCode code)
{
	static const char *const names[] = {
#define ICE_ERROR(name, sqlstate, http_status, iceberg_type, meaning) #name,
#include "ice_errors.def"
	};

	return code < ICE_ERR_COUNT ? names[code] : "?";
}

static void
leave(IceErrorCode code, const char *message, const char *detail)
{
	if (ice_trap == NULL)
	{
		fprintf(stderr, "error outside of any trap: %s: %s\n", ice_error_name(code), message);
		abort();
	}
	ice_trap->code = code;
	ice_trap->message = message;
	ice_trap->detail = detail;
	longjmp(ice_trap->jump, 1);
}

void
ice_raise(IceErrorCode code, const char *format, ...)
{
	StringInfoData message;
	int            needed;

	initStringInfo(&message);
	do
	{
		va_list args;

		va_start(args, format);
		needed = appendStringInfoVA(&message, format, args);
		va_end(args);
		if (needed > 0)
			enlargeStringInfo(&message, needed);
	} while (needed > 0);
	leave(code, message.data, NULL);
	abort();
}

void
ice_raise_full(IceErrorCode code, const char *message, const char *detail,
			   const char *hint pg_attribute_unused())
{
	leave(code, pstrdup(message), detail != NULL ? pstrdup(detail) : NULL);
	abort();
}
