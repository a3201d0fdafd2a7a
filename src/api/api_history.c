/*
 * api_history.c
 *		What queries over all snapshots call for each of them: view icecat.history (which snapshots
 *		is the current one based on?) and icecat.check_integrity() (does a snapshot's text say what
 *		its columns say?).
 *
 * They see their arguments only. Everybody may execute those of the view, because a view calls
 * functions with its reader's rights.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "json/json.h"

PG_FUNCTION_INFO_V1(sql_ice_ancestors);
PG_FUNCTION_INFO_V1(sql_ice_is_among);
PG_FUNCTION_INFO_V1(sql_ice_snapshot_sequence);

typedef struct Link
{
	int64 id;
	int64 parent;
	bool  has_parent;
	bool  seen;
} Link;

static int
compare_links(const void *a, const void *b)
{
	int64 x = ((const Link *) a)->id;
	int64 y = ((const Link *) b)->id;

	return x < y ? -1 : x > y;
}

/* The snapshots of both arrays, by id. */
static Link *
read_links(ArrayType *ids, ArrayType *parents, int *count)
{
	Datum *id_values;
	Datum *parent_values;
	bool  *id_nulls;
	bool  *parent_nulls;
	int    parent_count;
	Link  *links;

	deconstruct_array(ids, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &id_values,
					  &id_nulls, count);
	deconstruct_array(parents, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE,
					  &parent_values, &parent_nulls, &parent_count);
	if (parent_count != *count || array_contains_nulls(ids))
		ice_raise(ICE_ERR_BAD_REQUEST,
				  "p_ids and p_parents must be of the same length, and ids not null");
	links = palloc(sizeof(Link) * Max(*count, 1));
	for (int i = 0; i < *count; i++)
		links[i] = (Link){.id = DatumGetInt64(id_values[i]),
						  .parent = parent_nulls[i] ? 0 : DatumGetInt64(parent_values[i]),
						  .has_parent = !parent_nulls[i]};
	qsort(links, *count, sizeof(Link), compare_links);
	return links;
}

/* A link that is met twice closes a circle: there is nothing behind it. */
Datum
sql_ice_ancestors(PG_FUNCTION_ARGS)
{
	Link   wanted = {.id = PG_GETARG_INT64(0)};
	int    count;
	Link  *links = read_links(PG_GETARG_ARRAYTYPE_P(1), PG_GETARG_ARRAYTYPE_P(2), &count);
	Link  *link = bsearch(&wanted, links, count, sizeof(Link), compare_links);
	Datum *found = palloc(sizeof(Datum) * Max(count, 1));
	int    found_count = 0;

	while (link != NULL && !link->seen)
	{
		link->seen = true;
		wanted.id = link->parent;
		link = link->has_parent ? bsearch(&wanted, links, count, sizeof(Link), compare_links)
								: NULL;
	}
	for (int i = 0; i < count; i++)
		if (links[i].seen)
			found[found_count++] = Int64GetDatum(links[i].id);
	PG_RETURN_ARRAYTYPE_P(construct_array(found, found_count, INT8OID, sizeof(int64),
										  FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/* False where there is no array: the table has no snapshot. */
Datum
sql_ice_is_among(PG_FUNCTION_ARGS)
{
	ArrayType   *sorted = PG_ARGISNULL(0) ? NULL : PG_GETARG_ARRAYTYPE_P(0);
	int          high = sorted == NULL ? 0 : ArrayGetNItems(ARR_NDIM(sorted), ARR_DIMS(sorted));
	int          low = 0;
	const int64 *items = sorted == NULL ? NULL : (const int64 *) ARR_DATA_PTR(sorted);
	int64        id = PG_ARGISNULL(1) ? 0 : PG_GETARG_INT64(1);

	if (PG_ARGISNULL(1) || (sorted != NULL && array_contains_nulls(sorted)))
		PG_RETURN_BOOL(false);
	while (low < high)
	{
		int middle = low + (high - low) / 2;

		if (items[middle] == id)
			PG_RETURN_BOOL(true);
		if (items[middle] < id)
			low = middle + 1;
		else
			high = middle;
	}
	PG_RETURN_BOOL(false);
}

/* Does a column say what a member of the text says? A column that is null leaves it to the text. */
static bool
agrees(FunctionCallInfo fcinfo, int argument, const IceJson *object, const char *key)
{
	const IceJson *value = ice_json_get(object, key);
	int64          number;

	return PG_ARGISNULL(argument) || (value != NULL && ice_json_is_int64(value, &number) &&
									  number == PG_GETARG_INT64(argument));
}

static bool
operation_agrees(FunctionCallInfo fcinfo, const IceJson *snapshot)
{
	const IceJson *summary = ice_json_get(snapshot, "summary");
	const char    *operation = NULL;

	if (PG_ARGISNULL(4))
		return true;
	if (summary != NULL && summary->kind == ICE_JSON_OBJECT)
		operation = ice_json_opt_string(summary, "operation");
	return operation != NULL && strcmp(operation, text_to_cstring(PG_GETARG_TEXT_PP(4))) == 0;
}

/* What a snapshot's text says, beside its columns: id, parent, time, operation. */
static bool
read_sequence(FunctionCallInfo fcinfo, int64 *sequence)
{
	text          *body = PG_GETARG_TEXT_PP(0);
	IceJson       *snapshot = ice_json_parse(VARDATA_ANY(body), VARSIZE_ANY_EXHDR(body),
											 ICE_JSON_DEPTH_STORED);
	const IceJson *number;

	if (snapshot->kind != ICE_JSON_OBJECT || PG_ARGISNULL(1) ||
		!agrees(fcinfo, 1, snapshot, "snapshot-id") ||
		!agrees(fcinfo, 2, snapshot, "parent-snapshot-id") ||
		!agrees(fcinfo, 3, snapshot, "timestamp-ms") || !operation_agrees(fcinfo, snapshot))
		return false;
	number = ice_json_get(snapshot, "sequence-number");
	*sequence = 0;
	return number == NULL || ice_json_is_int64(number, sequence);
}

/* What is parsed for one row must not stay until the end of the query. */
Datum
sql_ice_snapshot_sequence(PG_FUNCTION_ARGS)
{
	MemoryContext row;
	MemoryContext old;
	int64         sequence;
	bool          known;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	row = fcinfo->flinfo->fn_extra;
	if (row == NULL)
		row = fcinfo->flinfo->fn_extra = AllocSetContextCreate(
			fcinfo->flinfo->fn_mcxt, "icecat snapshot", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(row);
	known = read_sequence(fcinfo, &sequence);
	MemoryContextSwitchTo(old);
	MemoryContextReset(row);
	if (!known)
		PG_RETURN_NULL();
	PG_RETURN_INT64(sequence);
}
