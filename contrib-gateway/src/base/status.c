/*
 * status.c
 *		The HTTP statuses that this gateway sends; see status.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "base/status.h"

typedef struct Status
{
	int         status;
	const char *reason;
	const char *type;
} Status;

static const Status statuses[] = {
#define GW_STATUS(status, reason, type) {status, reason, type},
#include "base/statuses.def"
	{0, "Unknown", "InternalServerError"},
};

#define STATUS_COUNT ((int) (sizeof(statuses) / sizeof(statuses[0])))
_Static_assert(STATUS_COUNT <= GW_STATUS_SLOTS, "the metrics need a slot for each status");

int
gw_status_index(int status)
{
	int i = 0;

	while (i < STATUS_COUNT - 1 && statuses[i].status != status)
		i++;
	return i;
}

int
gw_status_at(int index)
{
	return index < STATUS_COUNT ? statuses[index].status : 0;
}

const char *
gw_status_reason(int status)
{
	return statuses[gw_status_index(status)].reason;
}

const char *
gw_status_type(int status)
{
	return statuses[gw_status_index(status)].type;
}
