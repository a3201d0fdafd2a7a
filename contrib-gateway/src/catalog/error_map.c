/*
 * error_map.c
 *		SQLSTATE to HTTP; see error_map.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "catalog/error_map.h"

#include <stddef.h>
#include <string.h>

typedef struct Line
{
	const char *pattern;
	int         status;
	const char *type;
} Line;

static const Line lines[] = {
#define ICE_ERROR(name, sqlstate, http_status, iceberg_type, meaning) \
	{sqlstate, http_status, iceberg_type},
#define ICE_FOREIGN(pattern, http_status, iceberg_type, meaning) \
	{pattern, http_status, iceberg_type},
#include "ice_errors.def"
};

/* "22P02" matches itself, "22*" its class, "*" everything. */
static bool
matches(const char *pattern, const char *sqlstate)
{
	size_t len = strlen(pattern);

	if (pattern[len - 1] == '*')
		return strncmp(pattern, sqlstate, len - 1) == 0;
	return strcmp(pattern, sqlstate) == 0;
}

/* Messages of these classes speak about the request; others may speak about the server, as 54000
 * does of an index. */
static bool
is_public(const char *sqlstate)
{
	return strncmp(sqlstate, "IC", 2) == 0 || strncmp(sqlstate, "22", 2) == 0 ||
		   (strncmp(sqlstate, "54", 2) == 0 && strcmp(sqlstate, "54000") != 0) ||
		   strcmp(sqlstate, "42501") == 0;
}

static bool
is_concurrency(const char *sqlstate)
{
	return strcmp(sqlstate, "40001") == 0 || strcmp(sqlstate, "40P01") == 0 ||
		   strcmp(sqlstate, "55P03") == 0;
}

GwErrorKind
gw_error_map(const char *sqlstate, bool commit)
{
	const char *state = sqlstate ? sqlstate : "";

	if (commit && is_concurrency(state))
		return (GwErrorKind){409, "CommitFailedException", false};
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (matches(lines[i].pattern, state))
			return (GwErrorKind){lines[i].status, lines[i].type, is_public(state)};
	return (GwErrorKind){500, "InternalServerError", false};
}

bool
gw_error_map_is_due(const char *sqlstate)
{
#define ICE_ERROR(name, code, http_status, iceberg_type, meaning) \
	if (strcmp(#name, "CREDENTIALS_DUE") == 0)                    \
		return strcmp(sqlstate, code) == 0;
#include "ice_errors.def"
	return false;
}

bool
gw_error_map_is_key_mismatch(const char *sqlstate)
{
#define ICE_ERROR(name, code, http_status, iceberg_type, meaning) \
	if (strcmp(#name, "IDEMPOTENCY_MISMATCH") == 0)               \
		return strcmp(sqlstate, code) == 0;
#include "ice_errors.def"
	return false;
}

/* Below 500, and about the request itself: that a key belongs to another request is not its
 * outcome, and a privilege that is missing may be granted. */
bool
gw_error_map_is_final(const char *sqlstate)
{
#define ICE_ERROR(name, code, http_status, iceberg_type, meaning) \
	if (strcmp(sqlstate, code) == 0)                              \
		return http_status < 500 && http_status != 403 && !gw_error_map_is_key_mismatch(sqlstate);
#include "ice_errors.def"
	return false;
}
