/*
 * snappy.c
 *		libsnappy over StringInfo.
 *
 * The library's C interface throws nothing and, when it unpacks into memory that it is given,
 * allocates nothing. It writes no byte beyond the length that the data begins with. One call cannot
 * be interrupted: the caller's limit keeps it short.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include <snappy-c.h>

#include "budget.h"
#include "budget_server.h"
#include "codec/snappy.h"
#include "errors.h"
#include "pg_compat.h"

/* What a byte can unpack to, rounded up: a copy of 64 bytes takes three. */
#define SNAPPY_GROWTH_MAX 22

void
ice_snappy_unpack(const char *data, size_t len, size_t limit, StringInfo out)
{
	size_t total;

	if (snappy_uncompressed_length(data, len, &total) != SNAPPY_OK)
		ice_raise(ICE_ERR_STORAGE, "could not unpack Snappy data: it has no length");
	if (total > limit)
		ice_raise(ICE_ERR_LIMIT_EXCEEDED, "Unpacked data is larger than the limit of %zu bytes",
				  limit);
	/* No memory for what the data cannot hold. */
	if (total / SNAPPY_GROWTH_MAX > len)
		ice_raise(ICE_ERR_STORAGE, "could not unpack Snappy data: its length is wrong");
	ice_budget_look();
	ice_budget_enlarge(out, total);
	if (snappy_uncompress(data, len, out->data + out->len, &total) != SNAPPY_OK)
		ice_raise(ICE_ERR_STORAGE, "could not unpack Snappy data: it is broken");
	out->len += (int) total;
	out->data[out->len] = '\0';
}
