/*
 * table_answer.c
 *		Answers that carry a table's metadata. See table_answer.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/memutils.h"

#include "api/delegation.h"
#include "api/table_answer.h"
#include "api/represent.h"
#include "commit/publish.h"
#include "guc.h"

#define RECORD_COLUMNS 3

/* The row type of tagged answers, made once a session. */
static TupleDesc
record_type(void)
{
	static TupleDesc desc;
	MemoryContext    old;

	if (desc != NULL)
		return desc;
	old = MemoryContextSwitchTo(TopMemoryContext);
	desc = CreateTemplateTupleDesc(RECORD_COLUMNS);
	TupleDescInitEntry(desc, 1, "body", JSONOID, -1, 0);
	TupleDescInitEntry(desc, 2, "etag", TEXTOID, -1, 0);
	TupleDescInitEntry(desc, 3, "large", BOOLOID, -1, 0);
	desc = BlessTupleDesc(desc);
	MemoryContextSwitchTo(old);
	return desc;
}

/* body and etag may be NULL. */
static Datum
make_record(MemoryContext caller, StringInfo body, const char *etag, bool large)
{
	MemoryContext old = MemoryContextSwitchTo(caller);
	Datum         values[RECORD_COLUMNS] = {0, 0, BoolGetDatum(large)};
	bool          nulls[RECORD_COLUMNS] = {body == NULL, etag == NULL, false};
	HeapTuple     tuple;

	if (body != NULL)
		values[0] = ice_arg_result_end(body);
	if (etag != NULL)
		values[1] = ice_spi_cstring_datum(etag);
	tuple = heap_form_tuple(record_type(), values, nulls);
	if (body != NULL)
		pfree(body->data);
	MemoryContextSwitchTo(old);
	return HeapTupleGetDatum(tuple);
}

/* Appends the answer's document; false if it would be over the limit. */
static bool
write_document(StringInfo out, const IceTable *table, const IceTableAnswer *answer)
{
	if (table->metadata_location == NULL)
	{
		ice_table_metadata_write(out, table->metadata);
		return true;
	}
	return ice_publish_render(out, table, answer->representation.refs_only, answer->read_only,
							  answer->limited ? ice_guc_answer_bytes_max : 0);
}

void
ice_table_answer_end(StringInfo out, const IceRepresentation *shown)
{
	const char *config = shown->granted_config;

	appendStringInfo(out, ",\"config\":%s%s%s", config ? config : "{}",
					 shown->granted ? shown->granted : "", shown->policy ? shown->policy : "");
}

Datum
ice_table_answer(MemoryContext caller, const IceTable *table, const IceTableAnswer *answer)
{
	IceRepresentation shown = answer->representation;
	const char       *etag = NULL;
	StringInfoData    out;
	IceJsonWriter     w;

	if (table->metadata_location != NULL)
		ice_represent(table, &shown);
	else if (shown.called != NULL)
		ice_delegation_grant(table, true, &shown);
	ice_arg_result_begin(&out, caller);
	ice_json_write_init(&w, &out);
	ice_json_write_begin_object(&w);
	if (table->metadata_location != NULL)
	{
		ice_json_write_key(&w, "metadata-location");
		ice_json_write_string(&w, table->metadata_location);
		if (answer->tagged)
			etag = ice_etag(table, &shown);
	}
	ice_json_write_key(&w, "metadata");
	if (!write_document(&out, table, answer))
		return make_record(caller, NULL, etag, true);
	if (answer->kind == ICE_TABLE_ANSWER_LOAD)
		ice_table_answer_end(&out, &shown);
	appendStringInfoChar(&out, '}');
	ice_delegation_record(table, &shown);
	return answer->tagged ? make_record(caller, &out, etag, false) : ice_arg_result_end(&out);
}

Datum
ice_table_answer_tag(MemoryContext caller, const char *etag)
{
	ice_delegation_set_secret(false);
	return make_record(caller, NULL, etag, false);
}
