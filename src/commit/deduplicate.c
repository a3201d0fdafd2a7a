/*
 * deduplicate.c
 *		Content deduplication: of redundant writers that share no key, one lands, and the others get
 *		its answer.
 *
 * The fingerprint of a commit is the SHA-256 of its tables' ids, and the texts of its requirements
 * and updates. It is kept as the idempotency keys are, in a row of the commit's own transaction,
 * whose key is made from it: a uuid of version 8, so that it never meets a client's key (version
 * 7). It is looked for before the requirements are checked: to a duplicate they would seem broken,
 * by the very commit that it repeats.
 *
 * Asked for by the setting icecat.deduplicate (the gateway sets it for a header) or the property of
 * one of the tables. Commits that create a table are left alone: the second finds the table, and
 * fails.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "common/cryptohash.h"
#include "miscadmin.h"

#include "commit/deduplicate.h"
#include "commit/publish.h"
#include "errors.h"
#include "guc.h"
#include "store/store_idempotency.h"

#define OPERATION "deduplicate" /* no operationId of REST is called so */

/* Does the session ask for it, or the property of one of the tables? */
static bool
is_wanted(const IceTableChange *changes, int count)
{
	bool wanted = ice_guc_deduplicate;

	for (int i = 0; i < count; i++)
	{
		const char *value;

		if (changes[i].request->is_create)
			return false;
		value = ice_table_property(changes[i].table.metadata, ICE_DEDUPLICATE_PROPERTY);
		wanted |= value != NULL && pg_strcasecmp(value, "true") == 0;
	}
	return wanted && ice_idempotency_exists();
}

static bool
hash_json(pg_cryptohash_ctx *hash, const IceJson *value)
{
	StringInfoData text;
	uint64         size;
	bool           ok;

	initStringInfo(&text);
	if (value != NULL)
		ice_json_write(&text, value);
	size = (uint64) text.len;
	ok = pg_cryptohash_update(hash, (const uint8 *) &size, sizeof(size)) >= 0 &&
		 pg_cryptohash_update(hash, (const uint8 *) text.data, text.len) >= 0;
	pfree(text.data);
	return ok;
}

static void
fingerprint(const IceTableChange *changes, int count, uint8 *out)
{
	pg_cryptohash_ctx *hash = pg_cryptohash_create(PG_SHA256);
	bool               ok = hash != NULL && pg_cryptohash_init(hash) >= 0;

	for (int i = 0; ok && i < count; i++)
		ok = pg_cryptohash_update(hash, changes[i].table.id.data, UUID_LEN) >= 0 &&
			 hash_json(hash, changes[i].request->requirements_json) &&
			 hash_json(hash, changes[i].request->updates_json);
	ok = ok && pg_cryptohash_final(hash, out, ICE_REQUEST_HASH_BYTES) >= 0;
	pg_cryptohash_free(hash);
	if (!ok)
		elog(ERROR, "could not compute SHA-256 of a commit");
}

/* RFC 9562: version 8, custom. */
static pg_uuid_t
key_of(const uint8 *hash)
{
	pg_uuid_t key;

	memcpy(key.data, hash, UUID_LEN);
	key.data[6] = (key.data[6] & 0x0f) | 0x80;
	key.data[8] = (key.data[8] & 0x3f) | 0x80;
	return key;
}

/* Claims the fingerprint; false if somebody did so before within the window. */
static bool
claim(IceIdempotency *row)
{
	IceIdempotency found = *row;

	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		if (ice_idempotency_insert(row))
			return true;
		if (ice_idempotency_find(&found) && !found.expired)
			return false;
		ice_idempotency_forget(row);
	}
}

static int
sqlstate_deduplicated(void)
{
	const char *s = ICE_DEDUPLICATED_SQLSTATE;

	return MAKE_SQLSTATE(s[0], s[1], s[2], s[3], s[4]);
}

bool
ice_deduplicate(const IceWarehouse *warehouse, IceTableChange *changes, int count)
{
	IceIdempotency row = {.warehouse_id = warehouse->id,
						  .caller = "",
						  .operation = OPERATION,
						  .lifetime_s = ice_guc_deduplicate_window_s};

	if (count == 0 || !is_wanted(changes, count))
		return false;
	fingerprint(changes, count, row.hash);
	row.key = key_of(row.hash);
	if (claim(&row))
		return false;
	for (int i = 0; i < count; i++)
	{
		if (!ice_table_get_whole(&warehouse->id, &changes[i].table.id, &changes[i].table))
			ice_raise(ICE_ERR_NO_SUCH_TABLE, "Table does not exist: %s.%s", changes[i].path.dotted,
					  changes[i].name);
		ice_publish_await(&changes[i].table);
	}
	ereport(NOTICE, (errcode(sqlstate_deduplicated()),
					 errmsg("the same commit was made before: nothing is changed")));
	return true;
}
