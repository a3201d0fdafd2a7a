/*
 * successor.c
 *		A commit that comes as a whole document: whether it may follow the present one, and what it
 *		changes.
 *
 * Clients of a SQL catalog commit so. Each writes all parts again, in its own spelling: parts are
 * compared as values, and only what differs is changed, so that a commit does not rewrite the
 * table's rows.
 *
 * What has an id of its own is never changed under that id, except for members that mean nothing to
 * readers.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "spec/successor.h"

#include "spec/partition.h"
#include "spec/sort_order.h"
#include "spec/table_metadata.h"
#include "spec/update.h"

/* -- may it follow? --------------------------------------------------------------------------- */

static void
check_not_lower(const char *field, int64 before, int64 after)
{
	if (after < before)
		ice_raise(ICE_ERR_VALIDATION,
				  "Invalid %s: " INT64_FORMAT " is lower than the table's " INT64_FORMAT, field,
				  after, before);
}

static void
check_scalars(const IceTableMetadata *present, const IceTableMetadata *next)
{
	if (pg_strcasecmp(present->table_uuid, next->table_uuid) != 0)
		ice_raise(ICE_ERR_VALIDATION, "Table UUID does not match: current=%s != refreshed=%s",
				  present->table_uuid, next->table_uuid);
	if (next->format_version < present->format_version)
		ice_raise(ICE_ERR_VALIDATION, "Cannot downgrade v%d table to v%d", present->format_version,
				  next->format_version);
	check_not_lower("last-sequence-number", present->last_sequence_number,
					next->last_sequence_number);
	check_not_lower("last-column-id", present->last_column_id, next->last_column_id);
	check_not_lower("last-partition-id", present->last_partition_id, next->last_partition_id);
	check_not_lower("next-row-id", present->next_row_id, next->next_row_id);
}

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Summaries may differ in spelling: a client writes what it has read of them. */
static bool
same_snapshot(IceJson *a, IceJson *b)
{
	IceSnapshot x;
	IceSnapshot y;

	ice_snapshot_parse(&x, a, false);
	ice_snapshot_parse(&y, b, false);
	return x.has_parent == y.has_parent && x.parent_id == y.parent_id &&
		   x.sequence_number == y.sequence_number && x.timestamp_ms == y.timestamp_ms &&
		   x.first_row_id == y.first_row_id &&
		   same_text(ice_json_opt_string(a, "manifest-list"),
					 ice_json_opt_string(b, "manifest-list"));
}

static bool
same_spec(IceJson *a, IceJson *b)
{
	const IcePartitionSpec *x = ice_partition_spec_parse(a);
	const IcePartitionSpec *y = ice_partition_spec_parse(b);

	if (!ice_partition_spec_compatible(x, y))
		return false;
	for (int i = 0; i < x->field_count; i++)
		if (x->fields[i].has_field_id && y->fields[i].has_field_id &&
			x->fields[i].field_id != y->fields[i].field_id)
			return false;
	return true;
}

/* Do two parts of one id mean the same? */
static bool
same_meaning(IcePartKind kind, IceJson *a, IceJson *b)
{
	switch (kind)
	{
		case ICE_PART_SCHEMA:
			return ice_schema_same(ice_schema_parse(a), ice_schema_parse(b));
		case ICE_PART_PARTITION_SPEC:
			return same_spec(a, b);
		case ICE_PART_SORT_ORDER:
			return ice_sort_order_same(ice_sort_order_parse(a), ice_sort_order_parse(b));
		default:
			return same_snapshot(a, b);
	}
}

/* A snapshot that the table does not have yet. (Reading the document has raised its next row id as
 * far as need be.) */
static void
check_new_snapshot(const IceTableMetadata *present, IceJson *json)
{
	IceSnapshot snapshot;

	ice_snapshot_parse(&snapshot, json, false);
	ice_update_check_new_snapshot(present, &snapshot, json);
	if (present->format_version < 3)
		return;
	if (!snapshot.has_first_row_id)
		ice_raise(ICE_ERR_VALIDATION, "Cannot add a snapshot: first-row-id is null");
	if (snapshot.first_row_id < present->next_row_id)
		ice_raise(ICE_ERR_COMMIT_FAILED,
				  "Cannot add a snapshot, first-row-id is behind table next-row-id: " INT64_FORMAT
				  " < " INT64_FORMAT,
				  snapshot.first_row_id, present->next_row_id);
}

/* A schema, spec or order that the table does not have yet. */
static void
check_new_structure(const IceTableMetadata *next, IcePartKind kind, IceJson *json)
{
	if (kind == ICE_PART_SCHEMA)
		ice_schema_check_ids(ice_schema_parse(json));
	else if (kind == ICE_PART_PARTITION_SPEC)
		ice_partition_spec_check_new(ice_partition_spec_parse(json), next->format_version);
	else
		ice_sort_order_check_new(ice_sort_order_parse(json), next->format_version);
}

static bool
same_part(IcePart *a, IcePart *b)
{
	if (a->body_len == b->body_len && memcmp(a->body, b->body, a->body_len) == 0)
		return true;
	return ice_json_equal(ice_part_json(a), ice_part_json(b));
}

/* Schemas, specs, orders and snapshots: what both have must mean the same, what is new must be
 * allowed. */
static void
check_ids(const IceTableMetadata *present, const IceTableMetadata *next, IcePartKind kind,
		  const char *what)
{
	const IcePartList *list = &next->lists[kind];

	for (int i = 0; i < list->count; i++)
	{
		IcePart *part = list->items[i];
		IcePart *old = ice_table_part_find(present, kind, part->id);

		if (!ice_part_is_new(part))
			continue;
		if (old == NULL && kind == ICE_PART_SNAPSHOT)
			check_new_snapshot(present, ice_part_json(part));
		else if (old == NULL)
			check_new_structure(next, kind, ice_part_json(part));
		else if (!same_part(old, part) &&
				 !same_meaning(kind, ice_part_json(old), ice_part_json(part)))
			ice_raise(ICE_ERR_VALIDATION, "%s " INT64_FORMAT " is another one than the table's",
					  what, part->id);
	}
}

/* The schema against the one before, and against spec and order, where one of them changed. A
 * replaced table starts again: nothing was written with its schema. */
static void
check_structure(const IceTableMetadata *present, IceTableMetadata *merged)
{
	IceUpdateContext context = {.metadata = merged,
								.before_schema_id = present->current_schema_id,
								.before_snapshot_id = present->current_snapshot_id};
	const IcePart   *current = ice_table_part_find(merged, ICE_PART_SNAPSHOT,
												   merged->current_snapshot_id);

	if (present->current_schema_id == merged->current_schema_id &&
		present->default_spec_id == merged->default_spec_id &&
		present->default_sort_order_id == merged->default_sort_order_id)
		return;
	context.main_removed = current == NULL ||
						   (current->added &&
							ice_json_get(current->json, "parent-snapshot-id") == NULL);
	ice_update_check_structure(&context);
	ice_update_check_evolution(&context);
}

/* -- what changes ----------------------------------------------------------------------------- */

/* Is a list's order part of what the document says? The others are maps, or one object. */
static bool
is_ordered(IcePartKind kind)
{
	return kind != ICE_PART_REF && kind != ICE_PART_PROPERTIES && kind != ICE_PART_EXTRA;
}

static IcePart *
find_counterpart(const IceTableMetadata *metadata, IcePartKind kind, const IcePart *part)
{
	return kind == ICE_PART_REF ? ice_table_part_find_key(metadata, kind, part->key)
								: ice_table_part_only(metadata, kind);
}

/* Kinds without order: marks the parts of present that are not in next as they are. */
static void
remove_unordered(IceTableMetadata *present, const IceTableMetadata *next, IcePartKind kind)
{
	const IcePartList *list = &present->lists[kind];

	for (int i = 0; i < list->count; i++)
	{
		IcePart *other = find_counterpart(next, kind, list->items[i]);

		if (other == NULL || !same_part(list->items[i], other))
			ice_part_remove(list->items[i]);
	}
}

/*
 * Kinds with an order: keeps of present what comes in next in the same order, and marks the rest.
 * Returns how many parts of next are kept; what follows them is new, for new parts stand behind
 * stored ones.
 */
static int
remove_ordered(IceTableMetadata *present, const IceTableMetadata *next, IcePartKind kind)
{
	const IcePartList *old = &present->lists[kind];
	const IcePartList *new = &next->lists[kind];
	int place = 0;
	int kept;

	for (kept = 0; kept < new->count; kept++)
	{
		int found = place;

		while (found < old->count && !same_part(old->items[found], new->items[kept]))
			found++;
		if (found == old->count)
			break;
		for (; place < found; place++)
			ice_part_remove(old->items[place]);
		place++;
	}
	for (; place < old->count; place++)
		ice_part_remove(old->items[place]);
	return kept;
}

/* One list of the result: the stored parts with their marks, then the new ones. */
static IcePartList
merge_list(IceTableMetadata *present, const IceTableMetadata *next, IcePartKind kind)
{
	const IcePartList *old = &present->lists[kind];
	const IcePartList *new = &next->lists[kind];
	IcePartList both = {.loaded = true, .count = old->count};
	int         from = 0;

	both.capacity = old->count + new->count + 1;
	both.items = palloc(sizeof(IcePart *) * both.capacity);
	for (int i = 0; i < old->count; i++)
		both.items[i] = old->items[i];
	if (is_ordered(kind))
		from = remove_ordered(present, next, kind);
	else
		remove_unordered(present, next, kind);
	for (int i = from; i < new->count; i++)
		if (ice_part_is_new(new->items[i]) &&
			(is_ordered(kind) || find_counterpart(present, kind, new->items[i]) == NULL))
			both.items[both.count++] = new->items[i];
	return both;
}

IceTableMetadata *
ice_successor_of_table(IceTableMetadata *present, IceTableMetadata *next)
{
	IceTableMetadata *merged = palloc(sizeof(IceTableMetadata));

	check_scalars(present, next);
	check_ids(present, next, ICE_PART_SCHEMA, "Schema");
	check_ids(present, next, ICE_PART_PARTITION_SPEC, "Partition spec");
	check_ids(present, next, ICE_PART_SORT_ORDER, "Sort order");
	check_ids(present, next, ICE_PART_SNAPSHOT, "Snapshot");
	*merged = *next;
	merged->table_uuid = present->table_uuid;
	for (int kind = 0; kind < ICE_PART_KINDS; kind++)
		merged->lists[kind] = merge_list(present, next, kind);
	check_structure(present, merged);
	return merged;
}
