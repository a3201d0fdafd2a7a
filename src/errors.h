/*
 * errors.h
 *		One way to raise an error that a user can see.
 *
 * The codes, their SQLSTATEs and HTTP statuses are the lines of ice_errors.def and nothing else.
 * This header is pure: the json and spec layers include it and are also built outside the server,
 * where another file defines the two functions (with longjmp instead of ereport).
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_ERRORS_H
#define ICE_ERRORS_H

#include <stdbool.h>

typedef enum IceErrorCode
{
#define ICE_ERROR(name, sqlstate, http_status, iceberg_type, meaning) ICE_ERR_##name,
#include "ice_errors.def"
	ICE_ERR_COUNT
} IceErrorCode;

/* The code of a SQLSTATE of ours; ICE_ERR_COUNT for another one. */
extern IceErrorCode ice_error_of_sqlstate(const char *sqlstate);
extern int          ice_error_status(IceErrorCode code);
extern const char  *ice_error_sqlstate(IceErrorCode code);
/* Is the error the last word on a request, so that an idempotency key keeps it? What may be well a
 * moment later is not: a privilege can be granted, a quota be raised. */
extern bool         ice_error_is_final(IceErrorCode code);

/* Once: what is done before an error is raised that refuses a call (403). It must not raise one. */
extern void ice_error_on_refusal(void (*note)(IceErrorCode code));

/* The C function whose name an error carries that is raised by ice_raise() or ice_raise_full(). */
#define ICE_RAISE_FUNCTION "ice_raise_full"

/* The message is the reference implementation's wording where clients assert on it. */
extern void ice_raise(IceErrorCode code, const char *format, ...)
	__attribute__((noreturn, format(printf, 2, 3)));

/* detail and hint may be NULL. */
extern void ice_raise_full(IceErrorCode code, const char *message, const char *detail,
						   const char *hint) __attribute__((noreturn));

#endif
