/*
 * uuid.c
 *		New identifiers.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include <sys/time.h>

#include "fmgr.h"
#include "utils/fmgrprotos.h"

#include "store/uuid.h"

/* A uuid of random bytes with the given version nibble. */
static pg_uuid_t
random_uuid(int version)
{
	pg_uuid_t uuid;

	if (!pg_strong_random(uuid.data, UUID_LEN))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate random values")));
	uuid.data[6] = (uuid.data[6] & 0x0f) | (version << 4);
	uuid.data[8] = (uuid.data[8] & 0x3f) | 0x80;
	return uuid;
}

/* The twelve bits after the milliseconds are their fraction (RFC 9562, 6.2, method 3): a session's
 * ids ascend. */
pg_uuid_t
ice_uuid_v7(void)
{
	pg_uuid_t      uuid = random_uuid(7);
	struct timeval now;
	uint64         ms;
	uint32         fraction;

	gettimeofday(&now, NULL);
	ms = (uint64) now.tv_sec * 1000 + now.tv_usec / 1000;
	for (int i = 0; i < 6; i++)
		uuid.data[i] = (unsigned char) (ms >> (8 * (5 - i)));
	fraction = (uint32) (now.tv_usec % 1000) * 4096 / 1000;
	uuid.data[6] = (unsigned char) (0x70 | fraction >> 8);
	uuid.data[7] = (unsigned char) fraction;
	return uuid;
}

char *
ice_uuid_text(const pg_uuid_t *uuid)
{
	return DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(uuid)));
}

char *
ice_uuid_v4_text(void)
{
	pg_uuid_t uuid = random_uuid(4);

	return ice_uuid_text(&uuid);
}
