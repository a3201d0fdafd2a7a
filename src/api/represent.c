/*
 * represent.c
 *		What an answer shows beside the metadata. See represent.h.
 *
 * Restrictions are bound to the schema of now again for each answer: a column that was dropped, or
 * got another type, closes the table for those whom it restricts, until somebody says what holds.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "miscadmin.h"

#include "api/delegation.h"
#include "api/represent.h"
#include "json/json.h"
#include "spec/read_restriction.h"
#include "spec/structure.h"
#include "store/caller.h"
#include "store/store_label.h"
#include "store/store_parts.h"
#include "store/store_restriction.h"

static void pg_attribute_noreturn() refuse(const char *why);

static void
refuse(const char *why)
{
	ice_raise(ICE_ERR_FORBIDDEN,
			  "Not allowed: %s is restricted in what it may read of the table, %s",
			  GetUserNameFromId(ice_caller().role, false), why);
}

static const IceSchema *
current_schema(const IceTable *table)
{
	IceTable         copy = *table;
	IceTableMetadata metadata = *table->metadata;
	IcePart         *part;

	copy.metadata = &metadata;
	if (!metadata.lists[ICE_PART_SCHEMA].loaded)
		ice_parts_load(&copy, ICE_PART_SCHEMA, true);
	part = ice_table_part_find(&metadata, ICE_PART_SCHEMA, metadata.current_schema_id);
	if (part == NULL)
		ice_raise(ICE_ERR_CORRUPT, "The table has no current schema");
	return ice_structure_schema(part);
}

static IceJson *
parse(const char *text)
{
	return text != NULL ? ice_json_parse(text, strlen(text), ICE_JSON_DEPTH_STORED) : NULL;
}

/* Binds a row to the schema; false if it does not fit it. */
static bool
fits(const IceRestrictionRow *row, const IceSchema *schema, IceReadRestriction *out)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool fit = true;

	PG_TRY();
	{
		*out = (IceReadRestriction){parse(row->row_filter), parse(row->masks)};
		ice_read_restriction_bind(out, schema, PG_INT32_MAX);
	}
	PG_CATCH();
	{
		/* Pure code, which leaves nothing to be rolled back. What is no refusal of ours goes on. */
		if (ice_error_of_sqlstate(unpack_sql_state(geterrcode())) == ICE_ERR_COUNT)
			PG_RE_THROW();
		MemoryContextSwitchTo(context);
		FlushErrorState();
		fit = false;
	}
	PG_END_TRY();
	return fit;
}

/* Appends what all rows amount to, bound to the table as it is. */
static void
add_restrictions(StringInfo out, const IceTable *table, const List *rows)
{
	const IceSchema   *schema = current_schema(table);
	IceReadRestriction sum = {NULL, NULL};
	ListCell          *cell;

	foreach (cell, rows)
	{
		const IceRestrictionRow *row = lfirst(cell);
		IceReadRestriction       more;

		if (strcmp(row->table_uuid, table->metadata->table_uuid) != 0)
			refuse("and what restricts it was said of another table, which this one has replaced");
		if (!fits(row, schema, &more))
			refuse("and what restricts it does not fit the table's present schema");
		if (!ice_read_restriction_add(&sum, &more, schema))
			refuse("in two ways that contradict each other");
	}
	if (ice_read_restriction_is_empty(&sum))
		return;
	appendStringInfoString(out, ",\"read-restrictions\":");
	ice_read_restriction_write(out, &sum);
}

void
ice_represent_labels(StringInfo out, const pg_uuid_t *warehouse_id, const pg_uuid_t *object_id)
{
	int before = out->len;

	appendStringInfoString(out, ",\"labels\":");
	if (ice_labels_write(out, warehouse_id, object_id))
		return;
	out->len = before;
	out->data[before] = '\0';
}

/* Restrictions and labels. */
static void
represent_policy(const IceTable *table, IceRepresentation *representation)
{
	List          *rows;
	StringInfoData text;

	rows = ice_restrictions_of_caller(&table->warehouse_id, &table->id);
	if (rows == NIL && ice_labels_none())
		return;
	initStringInfo(&text);
	if (rows != NIL)
	{
		representation->restricted = true;
		if (!ice_restriction_trusts_engine())
			refuse("and is no engine that is trusted to see to it");
		add_restrictions(&text, table, rows);
	}
	ice_represent_labels(&text, &table->warehouse_id, &table->id);
	if (text.len > 0)
		representation->policy = text.data;
}

void
ice_represent(const IceTable *table, IceRepresentation *representation)
{
	if (representation->represented)
		return;
	representation->represented = true;
	represent_policy(table, representation);
	ice_delegation_grant(table, false, representation);
}
