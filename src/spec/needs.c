/*
 * needs.c
 *		Collects what a commit has to load.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "spec/needs.h"

#include <stdlib.h>

void
ice_needs_list(IceCommitNeeds *needs, IcePartKind kind)
{
	needs->lists[kind] = true;
}

/* The array's size is the next power of two of the count, and at least 8. */
void
ice_needs_snapshot(IceCommitNeeds *needs, int64 snapshot_id)
{
	int count = needs->snapshot_id_count;

	needs->lists[ICE_PART_SNAPSHOT] = true;
	if (count == 0)
		needs->snapshot_ids = palloc(sizeof(int64) * 8);
	else if (count >= 8 && (count & (count - 1)) == 0)
		needs->snapshot_ids = repalloc(needs->snapshot_ids, sizeof(int64) * count * 2);
	ice_step();
	needs->snapshot_ids[needs->snapshot_id_count++] = snapshot_id;
}

static int
compare_int64(const void *a, const void *b)
{
	int64 left = *(const int64 *) a;
	int64 right = *(const int64 *) b;

	ice_step();
	return left < right ? -1 : left > right;
}

void
ice_needs_finish(IceCommitNeeds *needs)
{
	int kept = 0;

	if (needs->snapshot_id_count == 0)
		return;
	qsort(needs->snapshot_ids, needs->snapshot_id_count, sizeof(int64), compare_int64);
	for (int i = 0; i < needs->snapshot_id_count; i++)
		if (i == 0 || needs->snapshot_ids[i] != needs->snapshot_ids[i - 1])
			needs->snapshot_ids[kept++] = needs->snapshot_ids[i];
	needs->snapshot_id_count = kept;
}
