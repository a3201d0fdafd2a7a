/*
 * view_history.c
 *		Which versions of a view are kept, and what goes with the others.
 *
 * Schemas stay: a client may have read an id of one.
 *
 * Iceberg view spec, "View Metadata", note 1.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "spec/view_history.h"

#include <stdlib.h>

static int
compare_ids_descending(const void *a, const void *b)
{
	int64 left = (*(IcePart *const *) a)->id;
	int64 right = (*(IcePart *const *) b)->id;

	return left > right ? -1 : left < right;
}

/* Nothing is known of the time before an entry whose version is gone. The kept versions are sorted;
 * the current one is not among them. */
static void
trim_log(IceViewMetadata *view, IcePart *const *kept, int kept_count)
{
	const IcePartList *log = &view->lists[ICE_VIEW_PART_VERSION_LOG];
	int                first = log->count;

	while (first > 0 && (log->items[first - 1]->id == view->current_version_id ||
						 bsearch(&log->items[first - 1], kept, kept_count, sizeof(IcePart *),
								 compare_ids_descending) != NULL))
		first--;
	for (int i = 0; i < first; i++)
		ice_part_remove(log->items[i]);
}

/* Ids are given in order: the highest are the latest. */
void
ice_view_history_expire(IceViewMetadata *view, int keep_min)
{
	const IcePartList *versions = &view->lists[ICE_VIEW_PART_VERSION];
	int                keep = Max(ice_view_history_size(view), keep_min);
	IcePart          **latest;
	int                count = 0;

	if (ice_part_list_count(versions) <= keep)
		return;
	latest = palloc(sizeof(IcePart *) * versions->count);
	for (int i = 0; i < versions->count; i++)
		if (!versions->items[i]->removed && versions->items[i]->id != view->current_version_id)
			latest[count++] = versions->items[i];
	qsort(latest, count, sizeof(IcePart *), compare_ids_descending);
	for (int i = keep - 1; i < count; i++)
		ice_part_remove(latest[i]);
	trim_log(view, latest, keep - 1);
}
