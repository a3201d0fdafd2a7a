/*
 * api_fields.c
 *		What view icecat.columns and its kin call for the schema of each table: its fields, nested
 *		ones too, in one pass.
 *
 * It sees its argument only. Everybody may execute it, because a view calls functions with its
 * reader's rights.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "json/json.h"

PG_FUNCTION_INFO_V1(sql_ice_schema_fields);

/* Columns of the result. */
enum
{
	FIELD_DEFINITION,
	FIELD_TYPE,
	FIELD_ID,
	FIELD_PARENT_ID,
	FIELD_REQUIRED,
	FIELD_PATH,
	FIELD_PLACE,
	FIELD_ORDINAL,
	FIELD_IS_IDENTIFIER,
	FIELD_COLUMNS
};

typedef struct Walk
{
	ReturnSetInfo *result;
	const IceJson *identifiers; /* NULL: none */
	int64          ordinal;
	int            depth;
	Datum          path[ICE_JSON_DEPTH_STORED];
	Datum          place[ICE_JSON_DEPTH_STORED];
	MemoryContext  row; /* reset after each field */
} Walk;

/* A field: what is written about it, wherever that stands. */
typedef struct Field
{
	const IceJson *definition; /* NULL: an element, a key or a value */
	const IceJson *type;
	const IceJson *id;
	const IceJson *parent_id;
	const IceJson *required; /* NULL: see is_key */
	bool           is_key;   /* always required */
} Field;

static void walk_nested(Walk *walk, const Field *field);

static void
set_json(const IceJson *value, int column, Datum *values, bool *nulls)
{
	nulls[column] = value == NULL;
	if (value != NULL)
		values[column] =
			PointerGetDatum(cstring_to_text_with_len(value->text, (int) value->text_len));
}

static void
set_id(const IceJson *value, int column, Datum *values, bool *nulls)
{
	int64 id;

	nulls[column] = value == NULL || !ice_json_is_int64(value, &id) || id < PG_INT32_MIN ||
					id > PG_INT32_MAX;
	if (!nulls[column])
		values[column] = Int32GetDatum((int32) id);
}

static bool
is_identifier(const Walk *walk, const IceJson *id)
{
	int64 wanted;
	int64 found;

	if (walk->identifiers == NULL || id == NULL || !ice_json_is_int64(id, &wanted))
		return false;
	for (int i = 0; i < walk->identifiers->count; i++)
		if (ice_json_is_int64(walk->identifiers->items[i], &found) && found == wanted)
			return true;
	return false;
}

/* A row of the result. What it is made of goes with it. */
static void
put_row(Walk *walk, const Field *field)
{
	MemoryContext old = MemoryContextSwitchTo(walk->row);
	Datum         values[FIELD_COLUMNS] = {0};
	bool          nulls[FIELD_COLUMNS] = {0};

	set_json(field->definition, FIELD_DEFINITION, values, nulls);
	set_json(field->type, FIELD_TYPE, values, nulls);
	set_id(field->id, FIELD_ID, values, nulls);
	set_id(field->parent_id, FIELD_PARENT_ID, values, nulls);
	nulls[FIELD_REQUIRED] = !field->is_key &&
							(field->required == NULL || field->required->kind != ICE_JSON_BOOL);
	if (!nulls[FIELD_REQUIRED])
		values[FIELD_REQUIRED] = BoolGetDatum(field->is_key || field->required->boolean);
	values[FIELD_PATH] =
		PointerGetDatum(construct_array(walk->path, walk->depth, TEXTOID, -1, false, TYPALIGN_INT));
	values[FIELD_PLACE] = PointerGetDatum(construct_array(
		walk->place, walk->depth, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	values[FIELD_ORDINAL] = Int64GetDatum(++walk->ordinal);
	values[FIELD_IS_IDENTIFIER] = BoolGetDatum(is_identifier(walk, field->id));
	MemoryContextSwitchTo(old);
	tuplestore_putvalues(walk->result->setResult, walk->result->setDesc, values, nulls);
	MemoryContextReset(walk->row);
}

/* A field, then what is nested in it. */
static void
walk_field(Walk *walk, const Field *field, const char *name, int64 place)
{
	CHECK_FOR_INTERRUPTS();
	check_stack_depth();
	walk->path[walk->depth] = CStringGetTextDatum(name);
	walk->place[walk->depth] = Int64GetDatum(place);
	walk->depth++;
	put_row(walk, field);
	walk_nested(walk, field);
	walk->depth--;
}

/* The members of a struct, or of the schema itself. */
static void
walk_members(Walk *walk, const IceJson *owner, const IceJson *parent_id)
{
	const IceJson *fields = ice_json_get(owner, "fields");

	for (int i = 0; fields != NULL && fields->kind == ICE_JSON_ARRAY && i < fields->count; i++)
	{
		const IceJson *item = fields->items[i];
		const IceJson *name;

		if (item->kind != ICE_JSON_OBJECT)
			continue;
		name = ice_json_get(item, "name");
		walk_field(walk,
				   &(Field){.definition = item,
							.type = ice_json_get(item, "type"),
							.id = ice_json_get(item, "id"),
							.parent_id = parent_id,
							.required = ice_json_get(item, "required")},
				   name != NULL && name->kind == ICE_JSON_STRING ? name->string : "", i + 1);
	}
}

/* The members of a struct, the element of a list, key and value of a map; of other types
 * nothing. */
static void
walk_nested(Walk *walk, const Field *field)
{
	const IceJson *type = field->type;
	const IceJson *kind =
		type == NULL || type->kind != ICE_JSON_OBJECT ? NULL : ice_json_get(type, "type");
	Field inner = {.parent_id = field->id};

	if (kind == NULL || kind->kind != ICE_JSON_STRING)
		return;
	if (strcmp(kind->string, "struct") == 0)
		walk_members(walk, type, field->id);
	else if (strcmp(kind->string, "list") == 0)
	{
		inner.type = ice_json_get(type, "element");
		inner.id = ice_json_get(type, "element-id");
		inner.required = ice_json_get(type, "element-required");
		walk_field(walk, &inner, "element", 1);
	}
	else if (strcmp(kind->string, "map") == 0)
	{
		inner.type = ice_json_get(type, "key");
		inner.id = ice_json_get(type, "key-id");
		inner.is_key = true;
		walk_field(walk, &inner, "key", 1);
		inner.type = ice_json_get(type, "value");
		inner.id = ice_json_get(type, "value-id");
		inner.required = ice_json_get(type, "value-required");
		inner.is_key = false;
		walk_field(walk, &inner, "value", 2);
	}
}

/* The fields of a schema's JSON, each before what is nested in it. */
Datum
sql_ice_schema_fields(PG_FUNCTION_ARGS)
{
	text          *body = PG_GETARG_TEXT_PP(0);
	IceJson       *schema = ice_json_parse(VARDATA_ANY(body), VARSIZE_ANY_EXHDR(body),
										   ICE_JSON_DEPTH_STORED);
	const IceJson *identifiers;
	Walk          *walk = palloc0(sizeof(Walk));

	InitMaterializedSRF(fcinfo, 0);
	if (schema->kind != ICE_JSON_OBJECT)
		PG_RETURN_VOID();
	walk->result = (ReturnSetInfo *) fcinfo->resultinfo;
	walk->row = AllocSetContextCreate(CurrentMemoryContext, "icecat field", ALLOCSET_SMALL_SIZES);
	identifiers = ice_json_get(schema, "identifier-field-ids");
	walk->identifiers = identifiers != NULL && identifiers->kind == ICE_JSON_ARRAY ? identifiers
																				   : NULL;
	walk_members(walk, schema, NULL);
	MemoryContextDelete(walk->row);
	PG_RETURN_VOID();
}
