/*
 * canonical.h
 *		Texts that are the same for schemas, specs, orders and view versions that are the same, and
 *		for no others.
 *
 * By them an equal one is found at once among many. What is "the same" is what ice_schema_same(),
 * ice_partition_spec_compatible() and ice_sort_order_same() say: ids of their own do not count.
 * View versions are the same if all but their ids and times is.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef ICE_CANONICAL_H
#define ICE_CANONICAL_H

#include "spec/map.h"
#include "spec/partition.h"
#include "spec/schema.h"
#include "spec/sort_order.h"
#include "spec/view_version.h"

/* All append. */
extern void ice_canonical_schema(StringInfo out, const IceSchema *schema);
extern void ice_canonical_spec(StringInfo out, const IcePartitionSpec *spec);
extern void ice_canonical_order(StringInfo out, const IceSortOrder *order);
extern void ice_canonical_view_version(StringInfo out, const IceViewVersion *version);
extern void ice_canonical_sources(StringInfo out, const IceSources *sources);

/* Parts by the text of what they mean. Of several that are not removed the first in the list is
 * found. */
typedef struct IceSameParts
{
	IceMap        *parts; /* NULL until the list was read */
	StringInfoData text;  /* of what was looked for last */
} IceSameParts;

/* Appends the canonical text of a part. */
typedef void (*IceCanonicalOfPart)(StringInfo out, IcePart *part);

/* Starts a look-up: reads the list the first time, and empties the text, to which the caller then
 * appends. */
extern StringInfo ice_canonical_same_start(IceSameParts *same, const IcePartList *list,
										   IceCanonicalOfPart of_part);

/* The part with this text that is not removed, or NULL. Then one that was added can be put in its
 * place. */
extern IcePart *ice_canonical_same_find(IceSameParts *same);
extern void     ice_canonical_same_put(IceSameParts *same, IcePart *part);

#endif
