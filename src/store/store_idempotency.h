/*
 * store_idempotency.h
 *		Rows of icecat_data.idempotency: keys that were used, and what their first use came to.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_STORE_IDEMPOTENCY_H
#define ICE_STORE_IDEMPOTENCY_H

#include "common/sha2.h"

#include "store/spi.h"

#define ICE_REQUEST_HASH_BYTES PG_SHA256_DIGEST_LENGTH

typedef struct IceIdempotency
{
	pg_uuid_t   warehouse_id;
	pg_uuid_t   key;
	const char *caller; /* the role that uses the key; "": it is the same of every role */
	int32       lifetime_s;
	const char *operation;
	uint8       hash[ICE_REQUEST_HASH_BYTES];
	const char *sqlstate; /* NULL: no error */
	const char *message;
	bool        has_object;
	pg_uuid_t   object_id;
	const char *answer;  /* JSON; NULL: none */
	bool        expired; /* its lifetime is over, and nobody has deleted it yet */
} IceIdempotency;

/* Is the table there? The library comes before ALTER EXTENSION UPDATE has made it. */
extern bool  ice_idempotency_exists(void);
/* Claims the key with the row's operation, hash and error. False if it was used before, after
 * waiting for the call that is using it, at most icecat.commit_lock_timeout_ms; then raises
 * IDEMPOTENCY_IN_FLIGHT. 40001 where the transaction's snapshot is older than the other use. */
extern bool  ice_idempotency_insert(const IceIdempotency *row);
/* Reads what is stored for the row's key; false if there is nothing (any more). */
extern bool  ice_idempotency_find(IceIdempotency *row);
/* Deletes the row of a key if it has expired; waits for another call that is doing so. */
extern void  ice_idempotency_forget(const IceIdempotency *row);
/* Adds object and answer to the row, which this transaction inserted. */
extern void  ice_idempotency_finish(const IceIdempotency *row);
/* Deletes up to limit expired rows, of all warehouses; their number. */
extern int64 ice_idempotency_trim(int64 limit);

#endif
