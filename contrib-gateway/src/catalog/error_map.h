/*
 * error_map.h
 *		From a SQLSTATE to an HTTP status and an Iceberg error type. Pure.
 *
 * The table is ice_errors.def of the extension and nothing else. Two rules are added: a conflict of
 * concurrency (40001, 40P01, 55P03) that meets a commit is 409, by which the client knows that the
 * commit did not happen; clients read a 409 of other operations as "exists" or "not empty". And
 * only messages that were written for clients leave the gateway.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef GW_ERROR_MAP_H
#define GW_ERROR_MAP_H

#include <stdbool.h>

typedef struct GwErrorKind
{
	int         status;
	const char *type;
	bool        public_message; /* may the client see PostgreSQL's primary message? */
} GwErrorKind;

/* sqlstate may be NULL: then it is an unknown error. */
extern GwErrorKind gw_error_map(const char *sqlstate, bool commit);

/* Is it an error of the extension's that an idempotency key keeps? As ice_error_is_final(). */
extern bool gw_error_map_is_final(const char *sqlstate);
/* Is it CREDENTIALS_DUE? */
extern bool gw_error_map_is_due(const char *sqlstate);
/* Is it IDEMPOTENCY_MISMATCH? */
extern bool gw_error_map_is_key_mismatch(const char *sqlstate);

#endif
