/*
 * now.c
 *		The time for Iceberg's *-ms fields.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "commit/now.h"

int64
ice_now_ms(void)
{
	return (GetCurrentTimestamp() + (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY) /
		   1000;
}
