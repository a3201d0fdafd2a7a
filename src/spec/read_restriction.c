/*
 * read_restriction.c
 *		What a reader of a table must do to it. See read_restriction.h.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "spec/read_restriction.h"

#include "spec/expression.h"
#include "spec/type_text.h"

#define TYPE(id) (UINT32_C(1) << ICE_TYPE_##id)
#define STRING   TYPE(STRING)
#define TIMES \
	(TYPE(DATE) | TYPE(TIMESTAMP) | TYPE(TIMESTAMPTZ) | TYPE(TIMESTAMP_NS) | TYPE(TIMESTAMPTZ_NS))
#define HASHED    (STRING | TYPE(INT) | TYPE(LONG) | TYPE(BINARY))
#define ANY       UINT32_MAX
#define NO_VALUES (TYPE(UNKNOWN) | TYPE(GEOMETRY) | TYPE(GEOGRAPHY)) /* have no fixed value */

typedef struct Action
{
	const char *name;
	uint32      types;  /* that it can be applied to */
	uint32      within; /* types that the column must not have, at any depth */
	bool        makes_null;
} Action;

static const Action actions[] = {
	{"mask-alphanum", STRING, 0, false},       {"mask-to-fixed-value", ANY, NO_VALUES, false},
	{"replace-with-null", ANY, 0, true},       {"show-first-4", STRING, 0, false},
	{"show-last-4", STRING, 0, false},         {"truncate-to-year", TIMES, 0, false},
	{"truncate-to-month", TIMES, 0, false},    {"sha-256-global", HASHED, 0, false},
	{"sha-256-query-local", HASHED, 0, false},
};

/* One mask that was read. */
typedef struct Mask
{
	const IceField *field;
	const char     *action;
} Mask;

/* -- one mask ---------------------------------------------------------------------------------- */

static bool
has_within(const IceType *type, uint32 types)
{
	ice_budget_stack_check();
	if (types & (UINT32_C(1) << type->id))
		return true;
	for (int i = 0; i < type->field_count; i++)
		if (has_within(&type->fields[i].type, types))
			return true;
	return false;
}

/* Is it the key of a map, or in one? Masked keys would fall together. */
static bool
is_in_key(const IceField *field)
{
	for (; field->parent != NULL; field = field->parent)
		if (field->parent->type.id == ICE_TYPE_MAP && field == &field->parent->type.fields[0])
			return true;
	return false;
}

static const Action *
find_action(const IceJson *at, const char *name)
{
	for (size_t i = 0; i < lengthof(actions); i++)
		if (strcmp(actions[i].name, name) == 0)
			return &actions[i];
	ice_json_raise(at, ICE_ERR_BAD_REQUEST, "Invalid action: %s", name);
}

static void
check_mask(const IceJson *at, const Mask *mask)
{
	const IceField *field = mask->field;
	const Action   *action = find_action(at, mask->action);

	if (!(action->types & (UINT32_C(1) << field->type.id)) ||
		has_within(&field->type, action->within))
		ice_json_raise(at, ICE_ERR_VALIDATION, "%s is not for %s, a %s", action->name,
					   field->full_name, ice_type_text(&field->type));
	if (action->makes_null && field->required)
		ice_json_raise(at, ICE_ERR_VALIDATION, "%s is not for %s, which is required", action->name,
					   field->full_name);
	if (is_in_key(field))
		ice_json_raise(at, ICE_ERR_VALIDATION, "The key of a map cannot be masked: %s",
					   field->full_name);
}

static void
read_mask(const IceJson *at, const char *column, int32 id, const char *action,
		  const IceSchema *schema, Mask *out)
{
	out->field = column != NULL ? ice_schema_field_by_name(schema, column)
								: ice_schema_field(schema, id);
	out->action = action;
	if (out->field == NULL)
		ice_json_raise(at, ICE_ERR_VALIDATION, "Cannot find field '%s' in the schema",
					   column != NULL ? column : psprintf("%d", id));
	check_mask(at, out);
}

/* -- lists of masks ---------------------------------------------------------------------------- */

static int
compare_masks(const void *a, const void *b)
{
	const Mask *x = a;
	const Mask *y = b;
	int         result = (x->field->id > y->field->id) - (x->field->id < y->field->id);

	ice_step();
	return result != 0 ? result : strcmp(x->action, y->action);
}

/* All masks of a list in one of its forms. */
static Mask *
read_masks(const IceJson *masks, const IceSchema *schema)
{
	Mask *out = palloc(sizeof(Mask) * Max(masks->count, 1));

	for (int i = 0; i < masks->count; i++)
	{
		const IceJson *item = masks->kind == ICE_JSON_ARRAY ? masks->items[i] : NULL;
		const char    *column;

		if (item != NULL && item->kind != ICE_JSON_OBJECT)
			ice_json_raise(item, ICE_ERR_BAD_REQUEST, "Not a column mask: %s",
						   ice_json_shown(item));
		column = item ? ice_json_opt_string(item, "column") : masks->members[i].key;
		read_mask(item ? item : masks->members[i].value, column,
				  column ? 0 : ice_json_int32(item, "field-id"),
				  item ? ice_json_string(item, "action")
					   : ice_json_to_string(masks->members[i].value, column),
				  schema, &out[i]);
	}
	return out;
}

static const Mask *
find_mask(const Mask *masks, int count, const IceField *field)
{
	Mask key = {field, ""};
	int  low = 0;
	int  high = count;

	while (low < high)
	{
		int middle = (low + high) / 2;

		if (compare_masks(&masks[middle], &key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && masks[low].field == field ? &masks[low] : NULL;
}

/* Sorts masks and takes out those that are there twice; false if two do not go together. */
static bool
unite(Mask *masks, int *count)
{
	int kept = 0;

	qsort(masks, *count, sizeof(Mask), compare_masks);
	for (int i = 0; i < *count; i++)
	{
		bool same = kept > 0 && masks[kept - 1].field == masks[i].field;

		if (same && strcmp(masks[kept - 1].action, masks[i].action) != 0)
			return false;
		if (!same)
			masks[kept++] = masks[i];
	}
	*count = kept;
	for (int i = 0; i < kept; i++)
		for (const IceField *up = masks[i].field->parent; up != NULL; up = up->parent)
			if (find_mask(masks, kept, up) != NULL)
				return false;
	return true;
}

static IceJson *
masks_json(const Mask *masks, int count)
{
	IceJson *array = ice_json_make_array();

	for (int i = 0; i < count; i++)
	{
		IceJson *item = ice_json_make_object();

		ice_json_set(item, "field-id", ice_json_make_int(masks[i].field->id));
		ice_json_set(item, "action", ice_json_make_string(masks[i].action));
		ice_json_append(array, item);
	}
	return array;
}

/* -- restrictions ------------------------------------------------------------------------------ */

static void
bind_masks(IceReadRestriction *restriction, const IceSchema *schema, int nodes_max)
{
	IceJson *given = restriction->masks;
	int      count = given->count;
	Mask    *masks;

	if (given->kind != ICE_JSON_ARRAY && given->kind != ICE_JSON_OBJECT)
		ice_json_raise(given, ICE_ERR_BAD_REQUEST,
					   "Column masks must be an object of actions, or an array of objects");
	if (count > nodes_max)
		ice_json_raise(given, ICE_ERR_LIMIT_EXCEEDED, "More than %d columns are masked", nodes_max);
	masks = read_masks(given, schema);
	if (!unite(masks, &count))
		ice_json_raise(given, ICE_ERR_VALIDATION,
					   "A column is masked in two ways, or together with a column within it");
	restriction->masks = count > 0 ? masks_json(masks, count) : NULL;
}

void
ice_read_restriction_bind(IceReadRestriction *restriction, const IceSchema *schema, int nodes_max)
{
	if (restriction->row_filter != NULL)
	{
		restriction->row_filter = ice_expression_bind(restriction->row_filter, schema, nodes_max);
		if (ice_expression_is(restriction->row_filter, true))
			restriction->row_filter = NULL;
	}
	if (restriction->masks != NULL)
		bind_masks(restriction, schema, nodes_max);
}

bool
ice_read_restriction_add(IceReadRestriction *sum, const IceReadRestriction *more,
						 const IceSchema *schema)
{
	int   old = sum->masks != NULL ? sum->masks->count : 0;
	int   added = more->masks != NULL ? more->masks->count : 0;
	int   count = old + added;
	Mask *masks;

	sum->row_filter = ice_expression_and(sum->row_filter, more->row_filter);
	if (added == 0)
		return true;
	masks = palloc(sizeof(Mask) * count);
	if (old > 0)
		memcpy(masks, read_masks(sum->masks, schema), sizeof(Mask) * old);
	memcpy(masks + old, read_masks(more->masks, schema), sizeof(Mask) * added);
	if (!unite(masks, &count))
		return false;
	sum->masks = masks_json(masks, count);
	return true;
}

bool
ice_read_restriction_agrees(const IceReadRestriction *restriction, const IceJson *masks,
							const IceSchema *schema)
{
	int   count = restriction->masks != NULL ? restriction->masks->count : 0;
	Mask *all;

	if (count == 0 || masks == NULL)
		return true;
	all = palloc(sizeof(Mask) * (count + masks->count));
	memcpy(all, read_masks(restriction->masks, schema), sizeof(Mask) * count);
	for (int i = 0; i < masks->count; i++)
	{
		const IceField *field = ice_schema_field(schema,
												 ice_json_int32(masks->items[i], "field-id"));

		if (field != NULL)
			all[count++] = (Mask){field, ice_json_string(masks->items[i], "action")};
	}
	return unite(all, &count);
}

bool
ice_read_restriction_is_empty(const IceReadRestriction *restriction)
{
	return restriction->row_filter == NULL && restriction->masks == NULL;
}

void
ice_read_restriction_write(StringInfo out, const IceReadRestriction *restriction)
{
	IceJsonWriter w;

	ice_json_write_init(&w, out);
	ice_json_write_begin_object(&w);
	if (restriction->row_filter != NULL)
	{
		char *text = ice_json_text(restriction->row_filter);

		ice_json_write_key(&w, "required-row-filter");
		ice_json_write_raw(&w, text, strlen(text));
	}
	if (restriction->masks != NULL)
	{
		char *text = ice_json_text(restriction->masks);

		ice_json_write_key(&w, "required-column-projections");
		ice_json_write_raw(&w, text, strlen(text));
	}
	ice_json_write_end_object(&w);
}
