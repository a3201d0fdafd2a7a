/*
 * event_rows.c
 *		Events as rows of a result; see event_rows.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "api/event_rows.h"
#include "maint/sequence.h"
#include "spec/case_fold.h"
#include "store/event_sight.h"
#include "store/store_event.h"

#define READ_BATCH 1000 /* events looked at together, where not all are returned */

/* Where it was before a rename, and under which name; nothing, where it is no rename. */
static void
find_source(IceEventRow *row)
{
	const char *type = TextDatumGetCString(row->values[ICE_EVENT_TYPE]);
	text       *details;

	row->source = (Datum) 0;
	row->source_name = NULL;
	if ((strcmp(type, "rename-table") != 0 && strcmp(type, "rename-view") != 0) ||
		row->nulls[ICE_EVENT_DETAILS])
		return;
	details = DatumGetTextPP(row->values[ICE_EVENT_DETAILS]);
	if (!ice_event_source(VARDATA_ANY(details), VARSIZE_ANY_EXHDR(details), &row->source,
						  &row->source_name))
	{
		row->source = (Datum) 0;
		row->source_name = NULL;
	}
}

void
ice_event_row_take(uint64 i, IceEventRow *out)
{
	for (int column = 0; column < ICE_EVENT_COLUMNS; column++)
	{
		out->nulls[column] = ice_spi_field_is_null(i, column + 1);
		out->values[column] = ice_spi_field(i, column + 1);
	}
	find_source(out);
}

IceEventSight
ice_event_row_sight(IceEventEyes *eyes, const IceEventRow *row)
{
	IceEventSubject subject = {
		.object_kind = TextDatumGetCString(row->values[ICE_EVENT_KIND]),
		.object_id = *DatumGetUUIDP(row->values[ICE_EVENT_OBJECT]),
		.occurred_at = DatumGetTimestampTz(row->values[ICE_EVENT_OCCURRED]),
		.levels = row->nulls[ICE_EVENT_LEVELS] ? (Datum) 0 : row->values[ICE_EVENT_LEVELS],
		.source = row->source,
	};

	return ice_event_sight(eyes, &subject);
}

void
ice_event_row_move_away(IceEventRow *row)
{
	row->values[ICE_EVENT_LEVELS] = row->source;
	row->values[ICE_EVENT_NAME] = CStringGetTextDatum(row->source_name);
	row->values[ICE_EVENT_DETAILS] = CStringGetTextDatum(ICE_EVENT_MOVED_DETAILS);
}

/* -- the filter -------------------------------------------------------------------------------- */

static bool
holds(ArrayType *list, Datum wanted)
{
	text  *value = DatumGetTextPP(wanted);
	Datum *elements;
	int    count;

	if (list == NULL)
		return true;
	deconstruct_array(list, TEXTOID, -1, false, TYPALIGN_INT, &elements, NULL, &count);
	for (int i = 0; i < count; i++)
	{
		text *element = DatumGetTextPP(elements[i]);

		if (VARSIZE_ANY_EXHDR(element) == VARSIZE_ANY_EXHDR(value) &&
			memcmp(VARDATA_ANY(element), VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)) == 0)
			return true;
	}
	return false;
}

static bool
same_level(Datum a, Datum b, bool folds)
{
	const char *one = TextDatumGetCString(a);
	const char *other = TextDatumGetCString(b);

	return strcmp(one, other) == 0 ||
		   (folds && strcmp(ice_case_fold(one), ice_case_fold(other)) == 0);
}

/* Is a path the other one, or below it? */
static bool
is_below(Datum path, ArrayType *above, bool folds)
{
	Datum *levels;
	Datum *first;
	int    depth;
	int    count;

	if (above == NULL)
		return true;
	if (path == (Datum) 0)
		return false;
	deconstruct_array(DatumGetArrayTypeP(path), TEXTOID, -1, false, TYPALIGN_INT, &levels, NULL,
					  &depth);
	deconstruct_array(above, TEXTOID, -1, false, TYPALIGN_INT, &first, NULL, &count);
	for (int i = 0; i < count; i++)
		if (i >= depth || !same_level(levels[i], first[i], folds))
			return false;
	return true;
}

/* Is it of a kind that is wanted, wherever it was? */
static bool
is_wanted(const IceEventFilter *filter, const IceEventRow *row)
{
	return filter == NULL ||
		   (holds(filter->kinds, row->values[ICE_EVENT_KIND]) &&
			holds(filter->types, row->values[ICE_EVENT_TYPE]) &&
			(filter->object_id == NULL ||
			 memcmp(filter->object_id, DatumGetUUIDP(row->values[ICE_EVENT_OBJECT]), UUID_LEN) ==
				 0));
}

/* Is it, or was it, in the namespace? Who must not learn where it is now gets no answer that
 * depends on that. */
static bool
is_in_place(const IceEventFilter *filter, const IceEventRow *row, IceEventSight sight)
{
	if (filter == NULL || filter->levels == NULL)
		return true;
	return (sight != ICE_EVENT_MOVED_AWAY && !row->nulls[ICE_EVENT_LEVELS] &&
			is_below(row->values[ICE_EVENT_LEVELS], filter->levels, filter->folds)) ||
		   (row->source != (Datum) 0 && is_below(row->source, filter->levels, filter->folds));
}

/* -- reading ----------------------------------------------------------------------------------- */

/* Copies what the caller sees and wants of the rows of the last result, at most limit; eyes is NULL
 * where it sees all. Returns how many were copied, and moves the number on. hidden is the first
 * number that is wanted, and not seen; 0: none yet. */
static int64
take_batch(ReturnSetInfo *result, uint64 rows, IceEventEyes *eyes, const IceEventFilter *filter,
		   int64 limit, int64 *after, int64 *hidden)
{
	int64 copied = 0;

	for (uint64 i = 0; i < rows && copied < limit; i++)
	{
		IceEventSight sight;
		IceEventRow   row;

		CHECK_FOR_INTERRUPTS();
		ice_event_row_take(i, &row);
		*after = DatumGetInt64(row.values[ICE_EVENT_NUMBER]);
		if (!is_wanted(filter, &row))
			continue;
		sight = eyes == NULL ? ICE_EVENT_SEEN : ice_event_row_sight(eyes, &row);
		if (!is_in_place(filter, &row, sight))
			continue;
		if (sight == ICE_EVENT_HIDDEN)
		{
			if (*hidden == 0)
				*hidden = *after;
			continue;
		}
		if (sight == ICE_EVENT_MOVED_AWAY)
			ice_event_row_move_away(&row);
		tuplestore_putvalues(result->setResult, result->setDesc, row.values, row.nulls);
		copied++;
	}
	return copied;
}

char *
ice_event_row_text(const IceEventRow *row, int column)
{
	return row->nulls[column] ? NULL : TextDatumGetCString(row->values[column]);
}

/* A transaction with an old snapshot must not give numbers: it would miss what it orders. */
void
ice_event_rows_number(const pg_uuid_t *warehouse_id)
{
	uint64 before = ice_spi_changes();

	if (XactReadOnly || RecoveryInProgress() || IsolationUsesXactSnapshot())
		return;
	ice_sequence_wait(warehouse_id);
	ice_spi_changes_back(before); /* of which the caller is no author */
}

int64
ice_event_rows_return(ReturnSetInfo *result, const pg_uuid_t *warehouse_id, int64 *after,
					  int64 limit, const IceEventFilter *filter, int64 *hidden)
{
	bool          sees_all = ice_event_sight_is_whole(warehouse_id);
	int64         size = sees_all && filter == NULL ? limit : READ_BATCH;
	MemoryContext outside = CurrentMemoryContext;
	MemoryContext batch = AllocSetContextCreate(outside, "icecat events", ALLOCSET_DEFAULT_SIZES);
	int64         returned = 0;
	int64         rows = size;

	*hidden = 0;
	while (returned < limit && rows == size)
	{
		MemoryContextSwitchTo(batch);
		rows = (int64) ice_events_read(warehouse_id, *after, size);
		returned += take_batch(result, (uint64) rows,
							   sees_all ? NULL : ice_event_sight_begin(warehouse_id), filter,
							   limit - returned, after, hidden);
		ice_spi_free_rows();
		MemoryContextSwitchTo(outside);
		MemoryContextReset(batch);
	}
	MemoryContextDelete(batch);
	return returned;
}
