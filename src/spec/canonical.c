/*
 * canonical.c
 *		Texts by which equal schemas, specs, orders and view versions are found; see canonical.h.
 *
 * Texts of clients are quoted, so that no two different values run together.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "spec/canonical.h"

/* -- schemas ---------------------------------------------------------------------------------- */

static void append_type(StringInfo out, const IceType *type);

static void
append_text(StringInfo out, const char *text)
{
	if (text == NULL)
		appendStringInfoChar(out, '~');
	else
		ice_json_escape(out, text);
}

static void
append_json(StringInfo out, const IceJson *value)
{
	if (value == NULL)
		appendStringInfoChar(out, '~');
	else
		ice_json_canonical(out, value);
}

static void
append_field(StringInfo out, const IceField *field)
{
	appendStringInfo(out, "%d%c", field->id, field->required ? '!' : '?');
	append_text(out, field->name);
	append_text(out, field->doc);
	append_json(out, field->initial_default);
	append_json(out, field->write_default);
	append_type(out, &field->type);
}

/* Parameters count only where the type has them, as in ice_type_equal(). */
static void
append_type(StringInfo out, const IceType *type)
{
	ice_budget_stack_check();
	ice_step();
	appendStringInfo(out, "t%d:%d", (int) type->id, type->field_count);
	if (type->id == ICE_TYPE_FIXED)
		appendStringInfo(out, "[%d]", type->length);
	else if (type->id == ICE_TYPE_DECIMAL)
		appendStringInfo(out, "[%d,%d]", type->precision, type->scale);
	else if (type->id == ICE_TYPE_GEOMETRY || type->id == ICE_TYPE_GEOGRAPHY)
		append_text(out, type->crs);
	if (type->id == ICE_TYPE_GEOGRAPHY)
		append_text(out, type->algorithm);
	for (int i = 0; i < type->field_count; i++)
		append_field(out, &type->fields[i]);
}

void
ice_canonical_schema(StringInfo out, const IceSchema *schema)
{
	for (int i = 0; i < schema->identifier_count; i++)
		appendStringInfo(out, "%d,", schema->identifier_ids[i]);
	append_type(out, &schema->root);
}

/* -- specs and orders ------------------------------------------------------------------------- */

void
ice_canonical_sources(StringInfo out, const IceSources *sources)
{
	for (int i = 0; i < sources->count; i++)
	{
		ice_step();
		appendStringInfo(out, "%d,", sources->ids[i]);
	}
}

void
ice_canonical_spec(StringInfo out, const IcePartitionSpec *spec)
{
	for (int i = 0; i < spec->field_count; i++)
	{
		const IcePartitionField *field = &spec->fields[i];

		ice_step();
		ice_canonical_sources(out, &field->sources);
		append_text(out, field->name);
		append_text(out, field->transform.text);
	}
}

void
ice_canonical_order(StringInfo out, const IceSortOrder *order)
{
	for (int i = 0; i < order->field_count; i++)
	{
		const IceSortField *field = &order->fields[i];

		ice_step();
		ice_canonical_sources(out, &field->sources);
		appendStringInfo(out, "%d%d", field->descending, field->nulls_last);
		append_text(out, field->transform.text);
	}
}

/* -- view versions ---------------------------------------------------------------------------- */

/* Of SQL only the query and its dialect count. */
static void
append_representation(StringInfo out, const IceJson *representation)
{
	if (pg_strcasecmp(ice_json_string(representation, "type"), "sql") != 0)
	{
		ice_json_canonical(out, representation);
		return;
	}
	append_text(out, ice_json_string(representation, "sql"));
	append_text(out, ice_json_string(representation, "dialect"));
}

void
ice_canonical_view_version(StringInfo out, const IceViewVersion *version)
{
	appendStringInfo(out, "%d", version->schema_id);
	append_text(out, version->default_catalog);
	ice_json_canonical(out, version->default_namespace);
	ice_json_canonical(out, version->summary);
	for (int i = 0; i < version->representations->count; i++)
	{
		ice_step();
		append_representation(out, version->representations->items[i]);
	}
}

/* -- parts by their texts --------------------------------------------------------------------- */

/* From the last to the first: of parts with one text the first comes out first. */
static void
read_list(IceSameParts *same, const IcePartList *list, IceCanonicalOfPart of_part)
{
	same->parts = ice_map_make();
	initStringInfo(&same->text);
	for (int i = list->count - 1; i >= 0; i--)
	{
		void **first;

		if (list->items[i]->removed)
			continue;
		ice_step();
		resetStringInfo(&same->text);
		of_part(&same->text, list->items[i]);
		first = ice_map_at(same->parts, same->text.data, (size_t) same->text.len);
		list->items[i]->twin = *first;
		*first = list->items[i];
	}
}

StringInfo
ice_canonical_same_start(IceSameParts *same, const IcePartList *list, IceCanonicalOfPart of_part)
{
	if (same->parts == NULL)
		read_list(same, list, of_part);
	resetStringInfo(&same->text);
	return &same->text;
}

IcePart *
ice_canonical_same_find(IceSameParts *same)
{
	IcePart *part = ice_map_get(same->parts, same->text.data, (size_t) same->text.len);

	while (part != NULL && part->removed)
		part = part->twin;
	return part;
}

void
ice_canonical_same_put(IceSameParts *same, IcePart *part)
{
	*ice_map_at(same->parts, same->text.data, (size_t) same->text.len) = part;
}
